"""nlpaug's augmenters, made deterministic and kept from damaging what they do not mean to change.

nlpaug draws from the global generators, strips its input and by default splits `Century's` into
`Century ' s`. Here an augmenter is seeded for each text alone and shown only the chosen words, in a
form that its tokenizer and reverse tokenizer split and join without loss; what stands between the
words never passes through it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.seeding import seeded_globals

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_SEPARATOR = "\x1f"
"""The unit separator: a control character, so never part of a word."""

_AT_ONCE = 64
"""Words an augmenter is shown at once: its bookkeeping grows with the square of their number."""


def tokenizer(words: str) -> list[str]:
    """Split what `change_words` hands to an augmenter."""
    return words.split(_SEPARATOR)


def reverse_tokenizer(words: list[str]) -> str:
    """Join what `tokenizer` has split."""
    return _SEPARATOR.join(words)


def change_words(augmenter: Any, words: Sequence[str], rng: Random) -> list[str]:
    """Run an augmenter built with this module's tokenizers on words, one result for each."""
    changed: list[str] = []
    with seeded_globals(rng):
        for start in range(0, len(words), _AT_ONCE):
            answer = augmenter.augment(reverse_tokenizer(list(words[start : start + _AT_ONCE])))
            changed += tokenizer(answer[0])
    return changed
