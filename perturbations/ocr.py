"""Optical character recognition errors: a character is read as one that looks like it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import augment, reverse_tokenizer, tokenizer
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random


@perturbation(source="nlpaug OcrAug")
def ocr(text: str, rng: Random, *, words: float = 0.5, characters: float = 0.3) -> str:
    """Misread a share of the characters (at least one) in a share of the words."""
    return augment(_augmenter(words, characters), text, rng)


@cache
def _augmenter(words: float, characters: float) -> Any:
    from nlpaug.augmenter.char import OcrAug

    return OcrAug(
        aug_word_p=words,
        aug_word_min=0,
        aug_word_max=None,
        aug_char_p=characters,
        aug_char_min=1,
        aug_char_max=None,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
