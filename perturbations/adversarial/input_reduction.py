"""Input reduction: the right answer to a text of which next to nothing is left."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import spaced
from pytest_ood.perturbations.adversarial.goals import SameAnswer
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import Reduction
from pytest_ood.perturbations.adversarial.transformations import Deletion

LOOSE = Recipe(
    languages=spaced,
    name="input-reduction",
    source="Feng et al. 2018, section 2",
    does="The right answer to a text of which next to nothing is left.",
    transformation=Deletion(),
    search=Reduction(),
    goal=SameAnswer(0.2),
    deviations="importance is measured once and not after every deletion, a single path is "
    "followed instead of a beam of 5, and the attack has succeeded when a fifth of the words is "
    "left; it costs the example, as people no longer see any answer in it",
)
STRICT = replace(
    LOOSE,
    name="input-reduction-strict",
    profile="strict",
    goal=SameAnswer(0.1),
    deviations=LOOSE.deviations.replace("a fifth", "a tenth"),
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
