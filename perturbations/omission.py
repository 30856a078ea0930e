"""Omission: a text is taken away, sentence by sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random

_SENTENCE = re.compile(r"(?:\A\s+)?\S(?:[^.!?]|[.!?](?=\S))*(?:[.!?]+|\Z)\s*")


@perturbation(
    source="Roberts et al. 2020 (How Much Knowledge Can You Pack Into the Parameters of a Language "
    "Model?), section 1 (closed book)",
    kind="semantic",
    rewrites=("answers",),
    needs_fields=True,
    example="Paris lies on the Seine. It is the capital of France. Two million people live there. "
    "The Eiffel Tower was built in 1889. It is made of iron.",
)
def remove_text(text: str, rng: Random) -> list[Edit]:
    """Take a text away: all of it, or at a severity below 5 a share of its sentences."""
    del rng
    return [Edit(*match.span(), match.group(), "") for match in _SENTENCE.finditer(text)]
