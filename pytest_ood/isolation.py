"""Asking a model that raises for some of its inputs: the others get their answers all the same."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.errors import ModelRaisedError, OodError, words_of
from pytest_ood.tasks import Prediction
from pytest_ood.tasks.answers import exactly

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model

TRIED = 8
"""A model that raises for so many single inputs, and more of them than it has answered, is broken;
it is not asked about the rest."""

RAISED = "raised "
"""What the reason begins with why an input got no answer, where the model raised."""

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
    said = words_of(error)
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
