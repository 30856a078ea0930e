"""A greedy character attack that gets by with few queries."""

from __future__ import annotations

from pytest_ood.languages import scripts, written_in
from pytest_ood.perturbations.adversarial.constraints import LongWords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import CharacterEdits


def attacks() -> tuple[Recipe, ...]:
    """Return the attack."""
    return (
        Recipe(
            languages=written_in(scripts.LATIN),
            name="greedy-characters",
            source="Gao et al. 2018 (DeepWordBug), section III, with the score of Jin et al. 2020",
            does="A greedy character attack that gets by with few queries.",
            transformation=CharacterEdits(("swap", "substitute", "delete", "insert"), head=True),
            search=WordImportance("delete"),
            rules=(LongWords(3),),
            deviations="no more than half of the queries go into the importance of words, of which "
            "a random part is ranked where the text is longer",
            version=2,
        ),
    )
