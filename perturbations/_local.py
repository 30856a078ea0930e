"""Letters, words and gaps of texts in languages other than English.

A letter is what a reader counts as one: a cluster of characters (Unicode Standard Annex 29, section
3) whose first one is of the language's script. What is in another script, such as a brand name in a
Russian text, has no sites: nothing is known of its language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import regex

from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations._capitals import upper
from pytest_ood.perturbations._scripts import alphabet, letters
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language
    from pytest_ood.perturbations.site_editing import Sites

_GAP = regex.compile("")

NOWHERE = re.compile(r"(?!)")
"""Sites of English for what is in other languages alone."""

JOINERS = r"[\u200c\u200d]"
"""The joiners inside words of Persian and of Indic scripts."""


_APOSTROPHES = "'\u2019\u02bc\u05f3\u05f4"
"""Apostrophes, that of Ukrainian, and the marks inside abbreviations of Hebrew."""

_CONSONANT = regex.compile(r"\p{Indic_Syllabic_Category=Consonant}")
"""A consonant of a script whose vowels are signs on consonants."""


def _letter(language: Language) -> str:
    """Return what matches one letter of a language's script, without its digits and marks."""
    return rf"(?:(?=\p{{L}})[{language.script.letter}])"


@cache
def _patterns(language: Language) -> tuple[Any, Any]:
    """Return what matches a run of letters of a language, and one letter."""
    letter = rf"(?={_letter(language)})\X"
    return regex.compile(f"(?:{letter})+"), regex.compile(letter)


@dataclass(frozen=True)
class LocalLetters:
    """Letters of a language's script inside runs of them, or the gaps between them.

    Attributes:
        language: The language.
        margin: The number of letters at both ends of a run that are no sites; a gap has at least so
            many on both sides.
        gaps: Whether the sites are the empty gaps before letters.
        fits: Returns whether a letter is a site; None for all.
    """

    language: Language
    margin: int = 0
    gaps: bool = False
    fits: Callable[[str], bool] | None = None

    def __call__(self, text: str) -> Iterator[Match[str]]:
        """Yield the sites of a text."""
        run, letter = _patterns(self.language)
        tail = self.margin - self.gaps
        for match in run.finditer(text):
            letters = list(letter.finditer(text, *match.span()))
            for one in letters[self.margin : len(letters) - tail]:
                if self.fits is None or self.fits(one[0]):
                    yield cast("Match[str]", _GAP.match(text, one.start())) if self.gaps else one


@dataclass(frozen=True)
class LocalPairs:
    """Two neighbouring letters of a word that differ, the first letter of a word never among them.

    Attributes:
        language: The language.
    """

    language: Language

    def __call__(self, text: str) -> Iterator[Match[str]]:
        """Yield the pairs of a text, which do not overlap."""
        run, letter = _patterns(self.language)
        for match in run.finditer(text):
            letters = list(letter.finditer(text, *match.span()))
            index = 1
            while index + 1 < len(letters):
                one, other = letters[index : index + 2]
                # Letters that take their capital along would leave it inside the word.
                mixed = one[0].isupper() != other[0].isupper()
                if mixed or one[0].lower() == other[0].lower():
                    index += 1
                    continue
                yield cast("Match[str]", _ANYTHING.match(text, one.start(), other.end()))
                index += 2


_ANYTHING = regex.compile(r"[\s\S]*")


def local_letters(
    english: Sites,
    *,
    margin: int = 0,
    gaps: bool = False,
    fits: Callable[[str], bool] | None = None,
) -> LocalSites:
    """Return sites that are letters, or gaps between them, in languages other than English.

    Args:
        english: The sites of English.
        margin: As for LocalLetters.
        gaps: As for LocalLetters.
        fits: As for LocalLetters.
    """
    return LocalSites(
        english, lambda language: LocalLetters(language, margin=margin, gaps=gaps, fits=fits)
    )


def finder(pattern: str) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to the matches of a pattern of the module `regex`."""
    return cast("Callable[[str], Iterator[Match[str]]]", regex.compile(pattern).finditer)


@cache
def words_in(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its words in a language; apostrophes are parts of words.

    Where no spaces separate words, a word is a run of letters between marks, spaces and letters of
    other scripts.
    """
    letter = _letter(language)
    run = rf"{letter}(?:{letter}|[\p{{Nd}}\p{{M}}]|{JOINERS})*"
    edge = r"[\p{L}\p{M}\p{N}_]"
    return finder(rf"(?<!{edge}){run}(?:[{_APOSTROPHES}]{run})*(?!{edge})")


@cache
def gaps_in(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to the single spaces between two words in a language.

    Spaces between two numbers may be part of a longer number, and are none of them.
    """
    character = rf"(?:{_letter(language)}|[\p{{Nd}}\p{{M}}]|{JOINERS})"
    return finder(rf"(?<={character})(?<!\p{{Nd}}(?= \p{{Nd}})) (?={character})")


def word_starts_in(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to the empty gaps before its words, but the first one's."""
    words = words_in(language)

    def starts(text: str) -> Iterator[Match[str]]:
        """Yield the gaps of a text."""
        for word in words(text):
            if word.start():
                yield cast("Match[str]", _GAP.match(text, word.start()))

    return starts


@cache
def _pieces_in(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text without spaces to runs of letters as long as a word may be."""
    return finder(rf"(?:(?={_letter(language)})\X){{1,{_LONGEST}}}")


_LONGEST = 4
"""Letters of a word where no spaces separate words; a whole clause would be too much."""


def local_words(english: Sites, fits: Callable[[Match[str]], bool] | None = None) -> LocalSites:
    """Return sites that are words in languages other than English.

    Where no spaces separate words, these are pieces of a few letters.

    Args:
        english: The sites of English.
        fits: Returns whether a word is a site; None for all.
    """

    def of(language: Language) -> Callable[[str], Iterator[Match[str]]]:
        words = words_in(language) if language.script.spaced else _pieces_in(language)
        return words if fits is None else lambda text: filter(fits, words(text))

    return LocalSites(english, of)


def letters_in(text: str) -> list[str]:
    """Split a text into what a reader counts as characters (clusters of Unicode)."""
    clusters: list[str] = regex.findall(r"\X", text)
    return clusters


def letters_of(text: str, language: Language) -> list[str]:
    """Split a word into its letters; in English by the rules that English sites go by."""
    return letters(text) if language.code == ENGLISH.code else letters_in(text)


def alphabet_of(letter: str, language: Language) -> str:
    """Return the letters that a slip adds to a letter; in English texts those of its script."""
    return alphabet(letter) if language.code == ENGLISH.code else language.alphabet


def in_case_of(written: str, letter: str, language: Language) -> str:
    """Return a small letter of a language's alphabet with the case of one that is written."""
    return upper(letter, dotted=language.has_dotted_i) if written.isupper() else letter


def other_letter(written: str, language: Language, rng: Random) -> str:
    """Return another letter of a language's alphabet, with the case of the one that is written."""
    choices = [letter for letter in language.alphabet if letter != written.lower()]
    signs = "" if language.script.cased else written[1:]
    if signs and _CONSONANT.match(written):
        # Signs of vowels stay, and no letter but a consonant can have them.
        choices = [letter for letter in choices if _CONSONANT.match(letter)]
    other = choices[int(rng.random() * len(choices))]
    return in_case_of(written, other, language) + signs
