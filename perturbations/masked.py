"""Words that a masked language model finds likely: in place of another, or put between two."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, spaced
from pytest_ood.perturbations._local import finder
from pytest_ood.perturbations._transformers import masked_candidates
from pytest_ood.perturbations._words import like
from pytest_ood.perturbations.contracts import Uncertain
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.protocol import batch_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_CONTENT_WORD = re.compile(r"(?<![\w'\u2019-])[A-Za-z]{4,}(?![\w'\u2019-])")
_BEFORE_WORD = re.compile(r"(?<=[A-Za-z] )(?=[A-Za-z]{3})")
_SIDE = 600
"""Characters on each side of a gap that are read: more than the tokens that are used."""

_NEEDS = "transformers, and a masked language model (distilroberta-base unless another is named)"
_EXAMPLE = "The movie has a wonderful beginning, a rather dull plot and a gorgeous leading actor."


def _content_words(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its words of four letters or more."""
    letter = language.script.letter
    beside = r"[\p{L}\p{M}\p{N}_'\u2019-]"
    return finder(rf"(?<!{beside})(?:(?=[{letter}])\X){{4,}}(?!{beside})")


def _before_words(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to the gaps between a space and a word of three letters."""
    letter = language.script.letter
    return finder(rf"(?<=[{letter}\p{{M}}] )(?=[{letter}\p{{M}}]{{3}})")


@batch_perturbation(
    LocalSites(_CONTENT_WORD, _content_words),
    languages=spaced,
    source="Garg and Ramakrishnan 2020 (BAE), section 3 (replace); Li et al. 2020 (BERT-Attack)",
    kind="semantic",
    contract=Uncertain(EmbeddingSimilarity()),
    scale=(0.1, 0.2, 0.3, 0.4, 0.5),
    needs=_NEEDS,
    models=("masked_model",),
    articles=True,
    version=2,
    example=_EXAMPLE,
)
def masked_substitution(
    words: Sequence[Match[str]],
    rng: Random,
    *,
    masked_model: str = "distilroberta-base",
    candidates: int = 10,
    language: Language = ENGLISH,
) -> list[str | None]:
    """Replace a word by one that a masked language model finds likely in its place."""
    sides = [_sides(word) for word in words]
    # One more than asked for, since the word itself is often the likeliest.
    predicted = masked_candidates(masked_model, sides, candidates + 1, language)
    replacements: list[str | None] = []
    for word, options in zip(words, predicted, strict=True):
        before = word.group()
        others = [(w, share) for w, share in options if w.lower() != before.lower()]
        chosen = _drawn(others[:candidates], rng)
        replacements.append(chosen and like(before, chosen.lower()))
    return replacements


@batch_perturbation(
    LocalSites(_BEFORE_WORD, _before_words),
    languages=spaced,
    source="Garg and Ramakrishnan 2020 (BAE), section 3 (insert); nlpaug ContextualWordEmbsAug",
    kind="semantic",
    contract=Uncertain(EmbeddingSimilarity()),
    scale=(0.05, 0.1, 0.15, 0.2, 0.3),
    needs=_NEEDS,
    models=("masked_model",),
    articles=True,
    version=2,
    example=_EXAMPLE,
)
def masked_insertion(
    gaps: Sequence[Match[str]],
    rng: Random,
    *,
    masked_model: str = "distilroberta-base",
    candidates: int = 10,
    language: Language = ENGLISH,
) -> list[str | None]:
    """Put a word between two that a masked language model finds likely there."""
    sides = [(before, f" {after}") for before, after in map(_sides, gaps)]
    predicted = masked_candidates(masked_model, sides, candidates, language)
    chosen = [_drawn(options, rng) for options in predicted]
    return [word and f"{word.lower()} " for word in chosen]


def _sides(match: Match[str]) -> tuple[str, str]:
    text = match.string
    return text[max(0, match.start() - _SIDE) : match.start()], text[match.end() :][:_SIDE]


def _drawn(options: Sequence[tuple[str, float]], rng: Random) -> str | None:
    """Draw a word by its probability."""
    point = rng.random()
    if not options:
        return None
    point *= sum(share for _, share in options)
    for word, share in options:
        point -= share
        if point < 0:
            return word
    return options[0][0]
