"""BAE: what a masked language model finds likely, for the words that matter most."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import only
from pytest_ood.perturbations.adversarial.constraints import FewWords, NoStopwords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import MaskedWords
from pytest_ood.perturbations.filters import EmbeddingSimilarity

LOOSE = Recipe(
    languages=only("en"),
    name="bae",
    source="Garg and Ramakrishnan 2020, section 3 (BAE-R)",
    does="What a masked language model finds likely, for the words that matter most.",
    transformation=MaskedWords(),
    search=WordImportance("delete"),
    rules=(NoStopwords(),),
    constraints=(EmbeddingSimilarity(0.936),),
    deviations="words are likely in the original text rather than in the one changed so far; "
    "similarity by MiniLM; parts of speech unchecked",
    needs="transformers, and the masked language model distilroberta-base",
)
STRICT = replace(
    LOOSE,
    name="bae-strict",
    profile="strict",
    constraints=(FewWords(0.2), EmbeddingSimilarity(0.95)),
    deviations=f"{LOOSE.deviations}; a fifth of the words at most, similarity 0.95",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
