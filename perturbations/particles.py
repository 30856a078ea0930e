"""Particles that hasty writers of Korean and Japanese leave out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.languages import Language, listing
from pytest_ood.perturbations._local import NOWHERE, finder
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match


def _particles(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its particles, each behind a word of two letters or more."""
    letter = language.script.letter
    longest_first = sorted(language.particles, key=len, reverse=True)
    end = rf"(?![{letter}])" if language.script.spaced else rf"(?=[{letter}])"
    return finder(rf"(?<=[{letter}]{{2}})(?:{'|'.join(longest_first)}){end}")


@site_perturbation(
    LocalSites(NOWHERE, _particles),
    source="Lee and Thompson 1989; Kurumada and Jaeger 2015 (optional case marking in Korean and "
    "Japanese)",
    scale=(0.2, 0.4, 0.6, 0.8, 1.0),
    languages=listing("particles"),
    example="\uc601\ud654\ub97c \ubcf4\uace0 \ucee4\ud53c\ub97c \ub9c8\uc168\ub2e4.",
    example_language="ko",
)
def drop_particles(particle: Match[str], rng: Random) -> str:
    """Leave out a particle at the end of a word."""
    del particle, rng
    return ""
