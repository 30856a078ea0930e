"""TextBugger: typos that people read over and embedding neighbours, the best of both."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import only
from pytest_ood.perturbations.adversarial.constraints import FewWords, LongWords, NoStopwords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import (
    CharacterEdits,
    JoinedTransformations,
    Neighbours,
)
from pytest_ood.perturbations.filters import EmbeddingSimilarity

LOOSE = Recipe(
    languages=only("en"),
    name="textbugger",
    source="Li et al. 2019, section III-C (black-box)",
    does="Typos that people read over and embedding neighbours, the best of both.",
    transformation=JoinedTransformations(
        (
            CharacterEdits(("space", "delete", "swap"), inner=True),
            CharacterEdits(("homoglyph",)),
            Neighbours(5, 0.0),
        )
    ),
    search=WordImportance("delete"),
    rules=(NoStopwords(),),
    constraints=(EmbeddingSimilarity(0.8),),
    deviations="words are ranked over the whole text rather than sentence by sentence; neighbours "
    "and similarity by MiniLM",
    needs="transformers, and the packaged MiniLM",
)
STRICT = replace(
    LOOSE,
    name="textbugger-strict",
    profile="strict",
    rules=(NoStopwords(), LongWords(4)),
    constraints=(FewWords(0.2), EmbeddingSimilarity(0.9)),
    deviations=f"{LOOSE.deviations}; long words alone, a fifth of them at most, similarity 0.9",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
