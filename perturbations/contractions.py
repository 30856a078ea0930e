"""Contractions: written out, or short."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_PRONOUNS = {
    "am": ("i",),
    "are": ("you", "we", "they"),
    "have": ("i", "you", "we", "they"),
    "will": ("i", "you", "he", "she", "it", "we", "they", "that", "there"),
    "would": ("i", "you", "he", "she", "we", "they"),
    "is": ("he", "she", "it", "that", "there", "what", "who", "where", "here"),
}
_NEGATED = (
    "are", "could", "did", "do", "does", "had", "has", "have", "is", "must", "need", "should",
    "was", "were", "would",
)  # fmt: skip
_ENDINGS = {"am": "'m", "are": "'re", "have": "'ve", "will": "'ll", "would": "'d", "is": "'s"}
_SHORT = {
    **{f"{who} {verb}": who + _ENDINGS[verb] for verb, all_ in _PRONOUNS.items() for who in all_},
    **{f"{verb} not": f"{verb}n't" for verb in _NEGATED},
    "cannot": "can't",
    "will not": "won't",
    "let us": "let's",
}
# What stands for two things ("he's": is or has, "I'd": would or had) is not written out.
_LONG = {
    short: long
    for long, short in _SHORT.items()
    if not short.endswith(("'d", "'s")) or short == "let's"
}

_CONTRACT = Lexicon({long: (short,) for long, short in _SHORT.items()})
_EXPAND = Lexicon({short: (long,) for short, long in _LONG.items()})


@site_perturbation(
    _CONTRACT,
    source="Ribeiro et al. 2020 (CheckList), contractions",
    example="I do not think it is good, but they are wonderful and we will not leave.",
)
def contract(phrase: Match[str], rng: Random) -> str:
    """Write two words as their contraction."""
    return rng.choice(_CONTRACT.options(phrase.group()))


@site_perturbation(
    _EXPAND,
    source="Ribeiro et al. 2020 (CheckList), contractions",
    example="I don't think they're good, we've seen it and won't go again.",
)
def expand(contraction: Match[str], rng: Random) -> str:
    """Write a contraction out."""
    return rng.choice(_EXPAND.options(contraction.group()))
