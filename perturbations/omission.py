"""Omission: sentences are left out, up to all of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_SENTENCE = re.compile(r"(?:\A\s+)?\S(?:[^.!?]|[.!?](?=\S))*(?:[.!?]+|\Z)\s*")


@site_perturbation(
    _SENTENCE,
    source="Longpre et al. 2021 (Entity-Based Knowledge Conflicts); at severity 5 the closed book "
    "of Roberts et al. 2020 (How Much Knowledge Can You Pack)",
    kind="semantic",
    example="Paris lies on the Seine. It is the capital of France. Two million people live there. "
    "The Eiffel Tower was built in 1889. It is made of iron.",
)
def leave_out_sentences(sentence: Match[str], rng: Random) -> str:
    """Leave sentences out; at severity 5 all of them, so that nothing is left of a passage."""
    del sentence, rng
    return ""
