"""Slips of the hand: characters of a word swapped, left out, doubled, added or mistaken."""

from __future__ import annotations

import re
from string import ascii_lowercase
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import INNER_LETTER, LETTER
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_PAIR = re.compile(r"(?<=[a-zA-Z])(?=([a-zA-Z])(?!(?i:\1))[a-zA-Z])[a-zA-Z]{2}")
_GAO = "Gao et al. 2018 (DeepWordBug), section III-C"
_LETTERS = len(ascii_lowercase)
_TYPOS = (0.02, 0.04, 0.07, 0.12, 0.2)


@site_perturbation(
    _PAIR,
    source=f"Belinkov and Bisk 2018, section 3.2 (Swap); {_GAO}",
    scale=(0.04, 0.08, 0.15, 0.25, 0.4),
    version=2,
)
def swap(pair: Match[str], rng: Random) -> str:
    """Let two neighbouring letters of a word, not the first, change places."""
    del rng
    return pair.group()[::-1]


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS)
def delete_character(letter: Match[str], rng: Random) -> str:
    """Leave out a letter inside a word."""
    del letter, rng
    return ""


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS, version=2)
def insert_character(letter: Match[str], rng: Random) -> str:
    """Put a random letter before a letter inside a word."""
    return ascii_lowercase[int(rng.random() * _LETTERS)] + letter[0]


@site_perturbation(INNER_LETTER, source=_GAO, scale=_TYPOS, version=2)
def substitute_character(letter: Match[str], rng: Random) -> str:
    """Replace a letter inside a word by a random other one."""
    found = letter[0]
    # The last letter stands in for the one that is there: all others are equally likely.
    other = ascii_lowercase[int(rng.random() * (_LETTERS - 1))]
    if found >= "a":
        return other if other != found else "z"
    other = other.upper()
    return other if other != found else "Z"


@site_perturbation(LETTER, source="Wang et al. 2021 (TextFlint), Typos", scale=_TYPOS)
def repeat_character(letter: Match[str], rng: Random) -> str:
    """Write a letter twice."""
    del rng
    return letter.group() * 2
