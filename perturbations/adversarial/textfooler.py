"""TextFooler: neighbours in embedding space for the words that matter most."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import only
from pytest_ood.perturbations.adversarial.constraints import FewWords, NoStopwords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import Neighbours
from pytest_ood.perturbations.filters import EmbeddingSimilarity

LOOSE = Recipe(
    languages=only("en"),
    name="textfooler",
    source="Jin et al. 2020, section 2",
    does="Neighbours in embedding space for the words that matter most.",
    transformation=Neighbours(50, 0.5),
    search=WordImportance("delete"),
    rules=(NoStopwords(),),
    constraints=(EmbeddingSimilarity(0.84),),
    deviations="neighbours by MiniLM's input embeddings rather than counter-fitted vectors, "
    "similarity by MiniLM rather than the Universal Sentence Encoder, parts of speech unchecked",
    needs="transformers, and the packaged MiniLM",
)
STRICT = replace(
    LOOSE,
    name="textfooler-strict",
    profile="strict",
    transformation=Neighbours(50, 0.7),
    constraints=(FewWords(0.2), EmbeddingSimilarity(0.95)),
    deviations=f"{LOOSE.deviations}; a fifth of the words at most, word cosine 0.7 and similarity "
    "0.95 (after Morris et al. 2020, section 5: 0.9 and 0.98 on their encoders)",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
