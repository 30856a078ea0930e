"""Bad characters: edits that cannot be seen."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import DifferentialEvolution
from pytest_ood.perturbations.adversarial.transformations import Imperceptible

LOOSE = Recipe(
    "bad-characters",
    "Boucher et al. 2022, sections IV and V",
    "Edits that cannot be seen.",
    Imperceptible(),
    DifferentialEvolution(edits=5, population=32, generations=10),
    deviations="all four kinds of characters in one attack",
)
STRICT = replace(
    LOOSE,
    name="bad-characters-strict",
    profile="strict",
    transformation=Imperceptible(("invisible", "homoglyph")),
    search=DifferentialEvolution(edits=1, population=32, generations=10),
    deviations="a single character of no width or look-alike",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
