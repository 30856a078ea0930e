"""Omission: a text is taken away, sentence by sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.languages import ANY, ENGLISH
from pytest_ood.perturbations.protocol import perturbation

if TYPE_CHECKING:
    from random import Random

    from pytest_ood.languages import Language

_SENTENCE = re.compile(r"(?:\A\s+)?\S(?:[^.!?]|[.!?](?=\S))*(?:[.!?]+|\Z)\s*")
_WIDE_ENDS = "\u3002\uff01\uff1f\u0964\u06d4\u061f"
_ANY_SENTENCE = re.compile(
    # The full stop of "5. M\u00e4rz" ends no sentence.
    rf"(?:\A\s+)?\S(?:[^.!?{_WIDE_ENDS}]|[.!?](?=\S)|(?<=\d)\.(?=\s\w))*(?:[.!?{_WIDE_ENDS}]+|\Z)\s*"
)
"""A sentence in any script."""


@perturbation(
    source="Roberts et al. 2020 (How Much Knowledge Can You Pack Into the Parameters of a Language "
    "Model?), section 1 (closed book)",
    kind="semantic",
    rewrites=("answers",),
    needs_fields=True,
    languages=ANY,
    example="Paris lies on the Seine. It is the capital of France. Two million people live there. "
    "The Eiffel Tower was built in 1889. It is made of iron.",
)
def remove_text(text: str, rng: Random, *, language: Language = ENGLISH) -> list[Edit]:
    """Take a text away: all of it, or at a severity below 5 a share of its sentences."""
    del rng
    sentence = _SENTENCE if language.code == ENGLISH.code else _ANY_SENTENCE
    return [Edit(*match.span(), match.group(), "") for match in sentence.finditer(text)]
