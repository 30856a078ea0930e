"""Keyboard typos: a letter is replaced by one that lies next to it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import change_words, reverse_tokenizer, tokenizer
from pytest_ood.perturbations._words import LONG_WORD
from pytest_ood.perturbations.protocol import batch_perturbation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from re import Match

LAYOUTS = ("de", "en", "es", "fr", "he", "it", "nl", "pl", "th", "tr", "uk")
"""The keyboards that nlpaug knows, by language."""


@batch_perturbation(
    LONG_WORD,
    source="Belinkov and Bisk 2018, section 3.2 (Key); nlpaug KeyboardAug",
    scale=(0.1, 0.2, 0.3, 0.5, 0.8),
    version=2,
    choices={"layout": LAYOUTS},
)
def keyboard(
    words: Sequence[Match[str]], rng: Random, *, layout: str = "en", characters: float = 0.1
) -> list[str]:
    """Replace a share of the characters (at least one) of a word by keys next to theirs."""
    return change_words(_augmenter(layout, characters), [word.group() for word in words], rng)


@cache
def _augmenter(layout: str, characters: float) -> Any:
    from nlpaug.augmenter.char import KeyboardAug

    return KeyboardAug(
        aug_word_p=1.0,
        aug_word_min=0,
        aug_word_max=None,
        aug_char_p=characters,
        aug_char_max=None,
        # A typist slips to another letter rather than to a digit, a symbol or the other case.
        include_special_char=False,
        include_numeric=False,
        include_upper_case=False,
        lang=layout,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
