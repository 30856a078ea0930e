"""Misspellings that people really make, out of a dictionary."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import augment, reverse_tokenizer, tokenizer
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random


@perturbation(source="Belinkov and Bisk 2018, section 3.1 (natural noise); nlpaug SpellingAug")
def misspelling(text: str, rng: Random, *, words: float = 0.3) -> str:
    """Misspell a share of the words, as far as the dictionary has them."""
    # nlpaug takes a share of 0 for "not given", which means 0.3 to it.
    return augment(_augmenter(words), text, rng) if words > 0 else text


@cache
def _augmenter(words: float) -> Any:
    from nlpaug.augmenter.word import SpellingAug
    from nlpaug.model.word_dict import Spelling

    augmenter = SpellingAug(
        aug_p=words,
        aug_min=0,
        aug_max=None,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
    # nlpaug keeps one dictionary for the whole process, mixes in corrections ("include_reverse")
    # and lists misspellings in the order of a set, which changes with PYTHONHASHSEED.
    model = Spelling(augmenter.dict_path, include_reverse=False)
    model.dict = {
        word: sorted(spelling for spelling in spellings if spelling not in ("", word))
        for word, spellings in model.dict.items()
    }
    augmenter.model = model
    return augmenter
