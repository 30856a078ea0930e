"""Asking a model that raises for some of its inputs: the others get their answers all the same."""

from __future__ import annotations

import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ModelError, ModelRaisedError, OodError
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model

TRIED = 8
"""A model that raises for so many single inputs, and more of them than it has answered, is broken;
it is not asked about the rest."""

RAISED = "raised "
"""What the reason begins with why an input got no answer, where the model raised."""

LONGEST_REASON = 300
"""Characters of an exception that a reason quotes: what a library raises may quote a whole text."""

_PACKAGE = str(Path(__file__).parent)


@dataclass
class Isolation:
    """Asks one model; an input for which it raises gets an answer that says why there is none.

    A batch for which it raises is split until the inputs are found that raise by themselves. Each
    half takes every second input, so that the first ones asked alone are spread over the batch.

    Attributes:
        model: The model.
        answered: Inputs that it answered so far.
        raised: Inputs that it raised for.
    """

    model: Model
    answered: int = 0
    raised: int = 0

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer a batch.

        Raises:
            ModelRaisedError: the model raises for most of its inputs.
            OodError: what the model itself raises on purpose.
        """
        found: list[Prediction] = [Prediction(None)] * len(inputs)
        waiting = [range(len(inputs))]
        while waiting:
            part = waiting.pop()
            try:
                answers = taken(self.model, [inputs[index] for index in part])
            except OodError:
                raise
            except Exception as error:  # noqa: BLE001 - whatever a model raises
                if len(part) > 1:
                    waiting += [part[1::2], part[::2]]
                    continue
                answers = [self._without_answer(error, inputs[part[0]])]
            else:
                self.answered += len(part)
            for index, answer in zip(part, answers, strict=True):
                found[index] = answer
        return found

    def _without_answer(self, error: Exception, value: Inputs) -> Prediction:
        self.raised += 1
        reason = reason_of(error)
        if self.raised >= TRIED and self.raised > self.answered:
            counts = (self.raised, self.raised + self.answered)
            raise ModelRaisedError(self.model.name, value, reason, counts) from error
        return Prediction(None, error=f"{RAISED}{reason}")


def reason_of(error: BaseException) -> str:
    """Return an exception's type and words as one line, with the user's line that raised it."""
    words = " ".join(str(error).split())
    if len(words) > LONGEST_REASON:
        words = f"{words[:LONGEST_REASON]}..."
    said = f"{type(error).__name__}: {words}" if words else type(error).__name__
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        path = Path(frame.filename)
        own = path.is_file() and not frame.filename.startswith(_PACKAGE)
        if own and not {"site-packages", "dist-packages"} & {*path.parts}:
            return f"{said} ({path.name}:{frame.lineno})"
    return said


def taken(model: Model, inputs: Sequence[Inputs]) -> list[Prediction]:
    """Ask a model once, and take as many answers as there are inputs.

    Raises:
        ModelError: it gave fewer, or at least one more: an iterator is not read any further.
        Exception: whatever the model raises.
    """
    return exactly(model.name, model.predict(inputs), len(inputs))


def exactly(name: str, answers: Iterable[Any], count: int) -> list[Any]:
    """Return so many answers, out of an iterable that may have no end.

    Raises:
        ModelError: it holds fewer, or at least one more.
    """
    found = list(islice(answers, count + 1))
    if len(found) > count:
        more = str(len(answers)) if isinstance(answers, Sequence) else f"{count + 1} or more"
        raise ModelError(f"model {name!r} gave {more} answers to {count} inputs")
    if len(found) < count:
        raise ModelError(f"model {name!r} gave {len(found)} answers to {count} inputs")
    return found


def check_fields(name: str, answer: object) -> None:
    """Refuse an answer of which a field has another type than it may have.

    Raises:
        ModelError: names the model and the field.
    """
    if not isinstance(answer, Prediction) or not isinstance(answer.label, str | None):
        raise ModelError(
            f"model {name!r} answered {shortened(answer)}; an answer is a Prediction, its label a "
            "str or None"
        )
    wrong = _wrong_field(answer)
    if wrong:
        raise ModelError(f"model {name!r} answered a Prediction whose {wrong}")


def _wrong_field(answer: Prediction) -> str:
    """Say which field of a prediction has a wrong type, and what it may be; "" where none has."""
    scores: object = answer.scores
    if not isinstance(scores, Mapping):
        return (
            f"scores are {shortened(scores)}; they are a mapping of labels to probabilities, "
            "{} where there are none"
        )
    for label, score in scores.items():
        if not isinstance(label, str):
            return f"scores name the label {shortened(label)}; a label is a str"
        if not isinstance(score, Real):
            return f"scores give {label!r} {shortened(score)}; a score is a number"
    for key in ("text", "error"):
        value = getattr(answer, key)
        if not isinstance(value, str | None):
            advice = "; decode it" if isinstance(value, bytes | bytearray) else ""
            return f"{key} is {shortened(value)}; it is a str or None{advice}"
    return ""


def shortened(value: object, most: int = 200) -> str:
    """Return the `repr` of a value, cut where it is long."""
    try:
        shown = repr(value)
    except Exception as error:  # noqa: BLE001 - whatever its own code raises
        shown = f"<{type(value).__name__}, whose repr raises {type(error).__name__}>"
    return shown if len(shown) <= most else f"{shown[:most]}..."
