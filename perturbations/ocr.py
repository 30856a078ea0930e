"""Optical character recognition errors: a character is read as one that looks like it."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import change_words, reverse_tokenizer, tokenizer
from pytest_ood.perturbations._scripts import MARK
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import batch_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from random import Random
    from re import Match


_MARKED = re.compile(f"[{MARK}]")


def _without_marks(text: str) -> Iterator[Match[str]]:
    """Yield words without combining marks, which a misread letter would leave behind."""
    return (word for word in WORD.finditer(text) if not _MARKED.search(word.group()))


@batch_perturbation(
    _without_marks, source="nlpaug OcrAug", scale=(0.1, 0.2, 0.35, 0.5, 0.8), version=3
)
def ocr(words: Sequence[Match[str]], rng: Random, *, characters: float = 0.3) -> list[str]:
    """Misread a share of the characters (at least one) of a word."""
    return change_words(_augmenter(characters), [word.group() for word in words], rng)


@cache
def _augmenter(characters: float) -> Any:
    from nlpaug.augmenter.char import OcrAug

    return OcrAug(
        aug_word_p=1.0,
        aug_word_min=0,
        aug_word_max=None,
        aug_char_p=characters,
        aug_char_min=1,
        aug_char_max=None,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
