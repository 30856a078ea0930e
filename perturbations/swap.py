"""Swapped characters: two neighbours in a word change places."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.perturbations._nlpaug import augment, reverse_tokenizer, tokenizer
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random


@perturbation(source="Belinkov and Bisk 2018, section 3.2 (Swap); nlpaug RandomCharAug")
def swap(text: str, rng: Random, *, words: float = 0.3, characters: float = 0.1) -> str:
    """Swap a share of the characters (at least one) in a share of the words of four or more."""
    return augment(_augmenter(words, characters), text, rng, accept=_has_the_same_letters)


def _has_the_same_letters(before: str, after: str) -> bool:
    """Tell whether letters have only changed places.

    nlpaug keeps capitals where they stood, which turns "\u00df" into "SS" at the place of one.
    """
    return sorted(before.lower()) == sorted(after.lower()) and len(before) == len(after)


@cache
def _augmenter(words: float, characters: float) -> Any:
    from nlpaug.augmenter.char import RandomCharAug

    return RandomCharAug(
        action="swap",
        swap_mode="adjacent",
        min_char=4,
        aug_word_p=words,
        aug_word_min=0,
        aug_word_max=None,
        aug_char_p=characters,
        aug_char_max=None,
        tokenizer=tokenizer,
        reverse_tokenizer=reverse_tokenizer,
    )
