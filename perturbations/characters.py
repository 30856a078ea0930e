"""Slips of the hand: characters of a word swapped, left out, doubled, added or mistaken.

Letters of all alphabets slip, each with its marks. In a language other than English letters are
added from its own alphabet; a syllable of Korean is changed by its jamo, and what is not typed
letter by letter, as Chinese, changes places or is written twice, and nothing else.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ANY, ENGLISH, typed
from pytest_ood.perturbations._hangul import is_syllable, with_other_jamo, without_last_jamo
from pytest_ood.perturbations._local import (
    LocalLetters,
    LocalPairs,
    alphabet_of,
    in_case_of,
    letters_of,
    local_letters,
    other_letter,
)
from pytest_ood.perturbations._scripts import (
    INNER_LETTER,
    MARK,
    TYPED,
    TYPED_LETTER,
    alphabet,
)
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_LETTER = f"[{TYPED}][{MARK}]*"
_PAIR = re.compile(f"(?<=[{TYPED}{MARK}])(?=({_LETTER})(?!(?i:\\1))[{TYPED}]){_LETTER}{_LETTER}")
_GAO = "Gao et al. 2018 (DeepWordBug), section III-C"
_TYPOS = (0.02, 0.04, 0.07, 0.12, 0.2)


@site_perturbation(
    LocalSites(_PAIR, LocalPairs),
    source=f"Belinkov and Bisk 2018, section 3.2 (Swap); {_GAO}",
    scale=(0.04, 0.08, 0.15, 0.25, 0.4),
    version=3,
    languages=ANY,
)
def swap(pair: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Let two neighbouring letters of a word, not the first, change places."""
    del rng
    return "".join(reversed(letters_of(pair.group(), language)))


_INNER = local_letters(INNER_LETTER, margin=1)
_ANY = LocalSites(TYPED_LETTER, LocalLetters)


@site_perturbation(_INNER, source=_GAO, scale=_TYPOS, version=2, languages=typed)
def delete_character(letter: Match[str], rng: Random) -> str:
    """Leave out a letter inside a word."""
    del rng
    return without_last_jamo(letter[0])


@site_perturbation(_INNER, source=_GAO, scale=_TYPOS, version=4, languages=typed)
def insert_character(letter: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a random letter of the same alphabet before a letter inside a word."""
    choices = alphabet_of(letter[0], language)
    added = choices[int(rng.random() * len(choices))]
    return in_case_of(letter[0], added, language) + letter[0]


@site_perturbation(_INNER, source=_GAO, scale=_TYPOS, version=3, languages=typed)
def substitute_character(letter: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Replace a letter inside a word by a random other one of its alphabet."""
    written = letter[0]
    if is_syllable(written):
        return with_other_jamo(written, rng)
    if language.code != ENGLISH.code:
        return other_letter(written, language, rng)
    choices = alphabet(written)
    # The last letter stands in for the one that is there: all others are equally likely.
    other = choices[int(rng.random() * (len(choices) - 1))]
    other = choices[-1] if other == written.lower() else other
    return other.upper() if written.isupper() else other


@site_perturbation(
    _ANY, source="Wang et al. 2021 (TextFlint), Typos", scale=_TYPOS, version=2, languages=ANY
)
def repeat_character(letter: Match[str], rng: Random) -> str:
    """Write a letter twice."""
    del rng
    return letter.group() * 2
