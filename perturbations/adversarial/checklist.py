"""CheckList: contractions, names, numbers and places, none of which should matter."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import only
from pytest_ood.perturbations.adversarial.constraints import FewEdits
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import Beam
from pytest_ood.perturbations.adversarial.transformations import Perturbations

LOOSE = Recipe(
    languages=only("en"),
    name="checklist",
    source="Ribeiro et al. 2020, section 2 (invariance tests)",
    does="Contractions, names, numbers and places, none of which should matter.",
    transformation=Perturbations(
        (
            "contract",
            "expand",
            "change-names",
            "change-places",
            "digits-to-words",
            "words-to-digits",
        )
    ),
    search=Beam(1),
    deviations="names and places are found by word lists rather than a tagger",
)
STRICT = replace(
    LOOSE,
    name="checklist-strict",
    profile="strict",
    search=Beam(1, rounds=1),
    constraints=(FewEdits(1),),
    deviations=f"{LOOSE.deviations}; a single change",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
