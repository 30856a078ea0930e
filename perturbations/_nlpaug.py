"""nlpaug's augmenters, made deterministic and kept from damaging what they do not mean to change.

nlpaug draws from the global generators, strips its input and by default splits `Century's` into
`Century ' s`. Here an augmenter draws from the text's own generator and is shown only the chosen
words, in a form that its tokenizer and reverse tokenizer split and join without loss; what stands
between the words never passes through it.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

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
    """Run an augmenter built with this module's tokenizers on words, one result for each.

    Args:
        augmenter: One that `draws_itself`.
        words: What is changed.
        rng: Takes the place of the global generators.
    """
    drawing = drawing_from(rng, augmenter)
    changed: list[str] = []
    for start in range(0, len(words), _AT_ONCE):
        answer = drawing.augment(reverse_tokenizer(list(words[start : start + _AT_ONCE])))
        changed += tokenizer(answer[0])
    return changed


def draws_itself(augmenter: Any) -> bool:
    """Tell whether an augmenter, or all of a flow, draw by their `sample` and `prob` alone.

    Models of words and language models draw from the global generators as well.
    """
    if isinstance(augmenter, list):
        return all(map(draws_itself, augmenter))
    return not hasattr(getattr(augmenter, "model", None), "sample")


def drawing_from(rng: Random, augmenter: Any) -> Any:
    """Copy an augmenter, and all of a flow, with `rng` in the place of the global generators."""
    drawing = copy.copy(augmenter)
    drawing.sample = lambda items, count: _sample(items, count, rng)
    drawing.prob = rng.random
    if isinstance(augmenter, list):
        drawing[:] = [drawing_from(rng, one) for one in augmenter]
    return drawing


def _sample(items: Any, count: int, rng: Random) -> Any:
    """Draw as nlpaug does: some items of a list, or below a number a whole one."""
    return rng.sample(items, count) if isinstance(items, list) else rng.randrange(1, items - 1)
