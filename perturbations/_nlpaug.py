"""nlpaug's augmenters, made deterministic and kept from damaging what they do not mean to change.

nlpaug draws from the global generators, strips its input and by default splits `Century's` into
`Century ' s`. Here an augmenter is seeded for each text alone and shown only the text's words, in a
form that its tokenizer and reverse tokenizer split and join without loss; what stands between the
words never passes through it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_ood.seeding import seeded_globals

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")
"""A run of letters and digits; apostrophes inside it belong to it."""

_SEPARATOR = "\x1f"
"""The unit separator: a control character, so never part of a word."""


def tokenizer(words: str) -> list[str]:
    """Split what `augment` hands to an augmenter."""
    return words.split(_SEPARATOR)


def reverse_tokenizer(words: list[str]) -> str:
    """Join what `tokenizer` has split."""
    return _SEPARATOR.join(words)


def augment(
    augmenter: Any,
    text: str,
    rng: Random,
    *,
    accept: Callable[[str, str], bool] = lambda before, after: True,  # noqa: ARG005 - any
) -> str:
    """Run an augmenter built with this module's tokenizers on the words of one text.

    Shares of words that the augmenter was given count words alone, not the punctuation or white
    space between them. A word whose change is not accepted stays as it is.
    """
    matches = list(WORD.finditer(text))
    if not matches:
        return text
    with seeded_globals(rng):
        answer = augmenter.augment(reverse_tokenizer([match.group() for match in matches]))
    words = tokenizer(answer[0])
    pieces, position = [], 0
    for match, word in zip(matches, words, strict=True):
        kept = word if accept(match.group(), word) else match.group()
        pieces += [text[position : match.start()], kept]
        position = match.end()
    return "".join([*pieces, text[position:]])
