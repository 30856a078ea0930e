"""Misspellings that people really make, out of a dictionary."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import WORD, like
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match


def _known(text: str) -> Iterator[Match[str]]:
    dictionary = _dictionary()
    return (word for word in WORD.finditer(text) if word.group().lower() in dictionary)


@site_perturbation(
    _known,
    source="Belinkov and Bisk 2018, section 3.1 (natural noise); nlpaug's spelling dictionary",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    version=2,
    example="Their beginning was definitely interesting, which I believe nobody would expect.",
)
def misspelling(word: Match[str], rng: Random) -> str:
    """Misspell a word as people have been seen to misspell it."""
    return like(word.group(), rng.choice(_dictionary()[word.group().lower()]))


@cache
def _dictionary() -> dict[str, list[str]]:
    """Read nlpaug's dictionary: a word and its misspellings a line.

    nlpaug's own reader mixes in corrections and lists misspellings in the order of a set, which
    changes with PYTHONHASHSEED.
    """
    import nlpaug

    path = Path(nlpaug.__file__).parent / "res" / "word" / "spelling" / "spelling_en.txt"
    found: dict[str, set[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        word, *spellings = line.split()
        found.setdefault(word.lower(), set()).update(
            spelling.lower() for spelling in spellings if spelling.lower() != word.lower()
        )
    return {word: sorted(spellings) for word, spellings in sorted(found.items()) if spellings}
