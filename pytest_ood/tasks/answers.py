"""Checks of models' answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from numbers import Real
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ModelError, shown
from pytest_ood.tasks.protocol import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable


def exactly(name: str, answers: Iterable[Any], count: int) -> list[Any]:
    """Return the answers of an iterable, which may be endless, and check their number.

    Raises:
        ModelError: there are fewer or more than `count`.
    """
    read = list(islice(answers, count + 1))
    if len(read) > count:
        more = str(len(answers)) if isinstance(answers, Sequence) else f"{count + 1} or more"
        raise ModelError(f"model {name!r} gave {more} answers to {count} inputs")
    if len(read) < count:
        raise ModelError(f"model {name!r} gave {len(read)} answers to {count} inputs")
    return read


def check_fields(name: str, answer: object) -> None:
    """Check the types of an answer's fields.

    Raises:
        ModelError: one is wrong; the message has the model's name and the field.
    """
    if not isinstance(answer, Prediction) or not isinstance(answer.label, str | None):
        raise ModelError(
            f"model {name!r} answered {shown(answer)}; an answer is a Prediction, its label a "
            "str or None"
        )
    wrong = _wrong_field(answer)
    if wrong:
        raise ModelError(f"model {name!r} answered a Prediction whose {wrong}")


def _wrong_field(answer: Prediction) -> str:
    """Return which field of a prediction has a wrong type, and the allowed ones; "" for none."""
    scores: object = answer.scores
    if not isinstance(scores, Mapping):
        return (
            f"scores are {shown(scores)}; they are a mapping of labels to probabilities, "
            "{} where there are none"
        )
    for label, score in scores.items():
        if not isinstance(label, str):
            return f"scores name the label {shown(label)}; a label is a str"
        if not isinstance(score, Real):
            return f"scores give {label!r} {shown(score)}; a score is a number"
    for key in ("text", "error"):
        value = getattr(answer, key)
        if not isinstance(value, str | None):
            advice = "; decode it" if isinstance(value, bytes | bytearray) else ""
            return f"{key} is {shown(value)}; it is a str or None{advice}"
    return ""
