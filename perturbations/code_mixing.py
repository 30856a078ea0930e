"""Code-mixing: English words in sentences of another language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.languages import Language, listing
from pytest_ood.perturbations._local import NOWHERE
from pytest_ood.perturbations._local_lexicons import lexicon, local_lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match


@site_perturbation(
    local_lexicon(NOWHERE, "code_mixed"),
    source="Myers-Scotton 1993 (Duelling Languages): single words put into the frame of a language",
    kind="register",
    languages=listing("code_mixed"),
    example="Die Besprechung ist am Freitag im B\u00fcro.",
    example_language="de",
)
def code_mixing(word: Match[str], rng: Random, *, language: Language) -> str:
    """Write the English word that bilingual speakers put in."""
    return rng.choice(lexicon(language, "code_mixed").options(word.group()))
