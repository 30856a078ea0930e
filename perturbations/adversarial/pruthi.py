"""Pruthi et al.: the single typo inside a word that does the most."""

from __future__ import annotations

from dataclasses import replace

from pytest_ood.languages import scripts, written_in
from pytest_ood.perturbations.adversarial.constraints import FewEdits, LongWords, NoStopwords
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.adversarial.searches import Beam
from pytest_ood.perturbations.adversarial.transformations import CharacterEdits

LOOSE = Recipe(
    languages=written_in(scripts.LATIN),
    name="pruthi",
    source="Pruthi et al. 2019, section 3.1",
    does="The single typo inside a word that does the most.",
    transformation=CharacterEdits(("swap", "delete", "insert", "keyboard"), every=True, inner=True),
    search=Beam(1, rounds=1),
    rules=(NoStopwords(), LongWords(4)),
    constraints=(FewEdits(1),),
    deviations="one random letter is inserted at a place rather than all 26",
)
STRICT = replace(
    LOOSE,
    name="pruthi-strict",
    profile="strict",
    rules=(NoStopwords(), LongWords(6)),
    transformation=CharacterEdits(("swap", "keyboard"), every=True, inner=True),
    deviations="swaps and neighbouring keys in words of six letters or more",
)


def attacks() -> tuple[Recipe, ...]:
    """Return the attack in both profiles."""
    return LOOSE, STRICT
