"""Bad characters: edits that cannot be seen."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import separate
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import DifferentialEvolution
from pytest_ood.perturbations.adversarial.transformations import Imperceptible

LOOSE = Recipe(
    languages=separate,
    name="bad-characters",
    source="Boucher et al. 2022, sections IV and V",
    does="Edits that cannot be seen.",
    transformation=Imperceptible(),
    search=DifferentialEvolution(edits=5, population=32, generations=10),
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
