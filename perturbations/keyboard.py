"""Keyboard typos: a letter is replaced by one that lies next to it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import augment, reverse_tokenizer, tokenizer
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random


@perturbation(source="Belinkov and Bisk 2018, section 3.2 (Key); nlpaug KeyboardAug")
def keyboard(text: str, rng: Random, *, words: float = 0.3, characters: float = 0.1) -> str:
    """Replace a share of the characters (at least one) in a share of the words of four or more."""
    return augment(_augmenter(words, characters), text, rng)


@cache
def _augmenter(words: float, characters: float) -> Any:
    from nlpaug.augmenter.char import KeyboardAug

    return KeyboardAug(
        aug_word_p=words,
        aug_word_min=0,
        aug_word_max=None,
        aug_char_p=characters,
        aug_char_max=None,
        # A typist slips to another letter rather than to a digit, a symbol or the other case.
        include_special_char=False,
        include_numeric=False,
        include_upper_case=False,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
