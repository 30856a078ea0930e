"""Slips of the hand: characters of a word swapped, left out, doubled, added or mistaken.

Letters of all alphabets slip, each with its marks; scripts that are not typed letter by letter,
such as Chinese, stay as they are.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._scripts import (
    INNER_LETTER,
    MARK,
    TYPED,
    TYPED_LETTER,
    alphabet,
    letters,
)
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_LETTER = f"[{TYPED}][{MARK}]*"
_PAIR = re.compile(f"(?<=[{TYPED}{MARK}])(?=({_LETTER})(?!(?i:\\1))[{TYPED}]){_LETTER}{_LETTER}")
_GAO = "Gao et al. 2018 (DeepWordBug), section III-C"
_TYPOS = (0.02, 0.04, 0.07, 0.12, 0.2)


@site_perturbation(
    _PAIR,
    source=f"Belinkov and Bisk 2018, section 3.2 (Swap); {_GAO}",
    scale=(0.04, 0.08, 0.15, 0.25, 0.4),
    version=3,
)
def swap(pair: Match[str], rng: Random) -> str:
    """Let two neighbouring letters of a word, not the first, change places."""
    del rng
    return "".join(reversed(letters(pair.group())))


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS, version=2)
def delete_character(letter: Match[str], rng: Random) -> str:
    """Leave out a letter inside a word."""
    del letter, rng
    return ""


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS, version=3)
def insert_character(letter: Match[str], rng: Random) -> str:
    """Put a random letter of the same alphabet before a letter inside a word."""
    choices = alphabet(letter[0])
    return choices[int(rng.random() * len(choices))] + letter[0]


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS, version=3)
def substitute_character(letter: Match[str], rng: Random) -> str:
    """Replace a letter inside a word by a random other one of its alphabet."""
    written = letter[0]
    choices = alphabet(written)
    # The last letter stands in for the one that is there: all others are equally likely.
    other = choices[int(rng.random() * (len(choices) - 1))]
    other = choices[-1] if other == written.lower() else other
    return other.upper() if written.isupper() else other


@site_perturbation(
    TYPED_LETTER, source="Wang et al. 2021 (TextFlint), Typos", scale=_TYPOS, version=2
)
def repeat_character(letter: Match[str], rng: Random) -> str:
    """Write a letter twice."""
    del rng
    return letter.group() * 2
