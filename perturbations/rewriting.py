"""Sentences in other words: by translation there and back, or by a paraphrasing model."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ANY
from pytest_ood.perturbations._local import finder
from pytest_ood.perturbations._transformers import rewritings
from pytest_ood.perturbations.contracts import Uncertain
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.protocol import batch_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from random import Random
    from re import Match

_SENTENCE = re.compile(r"(?<!\S)(?=\w)[^.!?\n]{9,399}\w(?:[.!?]+(?!\S)|(?=\s*(?:\n|\Z)))")
"""A sentence of ten to four hundred characters; longer runs are no sentences."""

_ENDS = r".!?\u3002\uff01\uff1f\u0964\u06d4\u061f"
_ANY_SENTENCE = finder(
    rf"(?<![^\s{_ENDS}])[\p{{L}}\p{{N}}](?:[^{_ENDS}\n]|\.(?=\S)){{4,398}}[{_ENDS}]*"
)
"""A sentence in any script; without spaces sentences are shorter."""

_EXAMPLE = (
    "The film begins slowly, but the ending is a real surprise. The actors are wonderful in it."
)


@batch_perturbation(
    LocalSites(_SENTENCE, lambda language: _ANY_SENTENCE),  # noqa: ARG005 - the same for all
    languages=ANY,
    source="Sennrich et al. 2016, section 3; Wang et al. 2021 (TextFlint), BackTrans",
    kind="semantic",
    contract=Uncertain(EmbeddingSimilarity()),
    needs="transformers, and two translation models that you name",
    models=("there", "back"),
    example=_EXAMPLE,
)
def back_translation(
    sentences: Sequence[Match[str]],
    rng: Random,
    *,
    there: str = "",
    back: str = "",
    there_prefix: str = "",
    back_prefix: str = "",
    beams: int = 4,
) -> list[str | None]:
    """Translate a sentence into another language and back, such as by opus-mt-en-de and -de-en."""
    translations = []
    for sentence in sentences:
        foreign = rewritings(there, there_prefix, sentence.group(), beams)
        candidates = (w for text in foreign[:1] for w in rewritings(back, back_prefix, text, beams))
        translations.append(_drawn(sentence.group(), candidates, rng))
    return translations


@batch_perturbation(
    LocalSites(_SENTENCE, lambda language: _ANY_SENTENCE),  # noqa: ARG005 - the same for all
    languages=ANY,
    source="Dhole et al. 2021 (NL-Augmenter), paraphrasing; Giskard, paraphrase",
    kind="semantic",
    contract=Uncertain(EmbeddingSimilarity()),
    needs="transformers, and a paraphrasing model that you name",
    models=("paraphraser",),
    example=_EXAMPLE,
)
def paraphrase(
    sentences: Sequence[Match[str]],
    rng: Random,
    *,
    paraphraser: str = "",
    prefix: str = "paraphrase: ",
    beams: int = 4,
) -> list[str | None]:
    """Say a sentence in other words, by an encoder-decoder or an instructed model."""
    return [
        _drawn(s.group(), rewritings(paraphraser, prefix, s.group(), beams), rng) for s in sentences
    ]


def _drawn(before: str, candidates: Iterable[str], rng: Random) -> str | None:
    """Draw one of the sentences that differ from the original, or None."""
    plain = " ".join(before.split()).lower()
    others = [text for text in candidates if text.lower() != plain and _can_be_encoded(text)]
    point = rng.random()
    return others[int(point * len(others))] if others else None


def _can_be_encoded(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)
