"""DeepWordBug: one typo in each of the words that matter most."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import scripts, written_in
from pytest_ood.perturbations.adversarial.constraints import (
    FewCharacters,
    FewWords,
    LongWords,
    NoStopwords,
)
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import WordImportance
from pytest_ood.perturbations.adversarial.transformations import CharacterEdits

LOOSE = Recipe(
    languages=written_in(scripts.LATIN),
    name="deepwordbug",
    source="Gao et al. 2018, sections III-B and III-C",
    does="One typo in each of the words that matter most.",
    transformation=CharacterEdits(("swap", "substitute", "delete", "insert")),
    search=WordImportance("unk"),
    rules=(NoStopwords(),),
    constraints=(FewCharacters(30),),
    deviations="the four edits of a word are all tried, as in TextAttack, and the best is kept",
)
STRICT = replace(
    LOOSE,
    name="deepwordbug-strict",
    profile="strict",
    transformation=CharacterEdits(("swap", "substitute", "delete", "insert"), inner=True),
    rules=(NoStopwords(), LongWords(4)),
    constraints=(FewWords(0.2),),
    deviations="first and last letters stay, words of four letters or more, a fifth of the words "
    "at most: what people still read (Pruthi et al. 2019, section 3.1)",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
