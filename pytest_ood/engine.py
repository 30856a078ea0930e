"""Asking models: through the store, every different input once, kept batch by batch."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ood.errors import ModelError, unknown_name
from pytest_ood.examples import canonical, size_of
from pytest_ood.store import MemoryStore
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model
    from pytest_ood.progress import Progress
    from pytest_ood.store import Store

KEPT_AT_ONCE = 128
"""Inputs between two writes to the store: what a crash can cost."""


@dataclass(frozen=True)
class Answered:
    """Answers, and what they took.

    Attributes:
        answers: One for each input, in order.
        asked: How many inputs the model was asked about; the other answers were known.
    """

    answers: list[Prediction]
    asked: int


@dataclass(frozen=True)
class Engine:
    """Asks models and keeps their answers.

    Attributes:
        store: Where answers are kept between runs.
        progress: Told about long steps.
        memory: Answers of this run; the only place for those of models without a fingerprint.
        asked: Models without a fingerprint, by `id`: kept alive, so that no other gets their id.
    """

    store: Store
    progress: Progress
    memory: MemoryStore = field(default_factory=MemoryStore)
    asked: dict[int, Model] = field(default_factory=dict)

    def predict(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        what: str,
        draw: int = 0,
    ) -> list[Prediction]:
        """Answer every input, in order; equal inputs are asked once.

        Args:
            model: The model under test.
            inputs: What it is asked.
            labels: The answers it may give; None where any will do.
            what: For the progress display: which set this is.
            draw: Answers of another draw are asked for anew, to see whether they are the same.

        Raises:
            ModelError: it gave another number of answers, an unknown label, or a score that is not
                a number.
        """
        return self.answer(model, inputs, labels, what, draw).answers

    def answer(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        what: str,
        draw: int = 0,
        *,
        remember: bool = True,
    ) -> Answered:
        """Answer as `predict` does, and tell how much of it was asked.

        Args:
            model: As in `predict`, like the rest.
            inputs: What it is asked.
            labels: The answers it may give.
            what: For the progress display.
            draw: Of answers.
            remember: Whether new answers are kept in memory besides the store. An attack asks so
                much, most of it once, that memory would grow with it.

        Raises:
            ModelError: as `predict`.
        """
        unique = {canonical(value): value for value in inputs}
        key, kept = self.key(model, labels, draw), model.fingerprint is not None
        known = self.memory.get(key, list(unique.values()))
        if kept:
            rest = [value for text, value in unique.items() if text not in known]
            stored = self.store.get(key, rest) if rest else {}
            if remember:
                self.memory.put(key, [(unique[text], answer) for text, answer in stored.items()])
            known |= stored
        missing = sorted(
            (value for text, value in unique.items() if text not in known),
            key=lambda value: (size_of(value), canonical(value)),
        )
        if missing:
            known |= self._ask(model, key, missing, labels, what, remember=remember)
        return Answered([known[canonical(value)] for value in inputs], len(missing))

    def key(self, model: Model, labels: Sequence[str] | None, draw: int = 0) -> str:
        """Return what has to be equal for answers to be."""
        if model.fingerprint is None:
            self.asked[id(model)] = model
        # The same weights answer another task with other labels, or with ties the other way round.
        key = "\0".join([model.fingerprint or f"unknown:{id(model)}", *(labels or ())])
        return f"{key}\0draw {draw}" if draw else key

    def _ask(
        self,
        model: Model,
        key: str,
        inputs: list[Inputs],
        labels: Sequence[str] | None,
        what: str,
        *,
        remember: bool,
    ) -> dict[str, Prediction]:
        answers: dict[str, Prediction] = {}
        title = f"predicting {what} with {model.name}"
        with self.progress.track(title, len(inputs), "texts", quick=True) as tracker:
            for start in range(0, len(inputs), KEPT_AT_ONCE):
                batch = inputs[start : start + KEPT_AT_ONCE]
                got = model.predict(batch)
                check_answers(model.name, got, len(batch), labels)
                pairs = list(zip(batch, got, strict=True))
                if remember:
                    self.memory.put(key, pairs)
                if model.fingerprint is not None:
                    self.store.put(key, pairs)
                answers |= {canonical(value): answer for value, answer in pairs}
                tracker.update(start + len(batch))
        return answers


def check_answers(
    name: str, answers: Sequence[Prediction], count: int, labels: Sequence[str] | None
) -> None:
    """Refuse what is not an answer to each of `count` inputs.

    Raises:
        ModelError: names the model and what it gave.
    """
    if len(answers) != count:
        raise ModelError(f"model {name!r} gave {len(answers)} answers to {count} inputs")
    for answer in answers:
        if not isinstance(answer, Prediction) or not isinstance(answer.label, str | None):
            raise ModelError(
                f"model {name!r} answered {answer!r}; an answer is a Prediction, its label a str "
                "or None"
            )
        if labels is not None and answer.label is not None and answer.label not in labels:
            raise ModelError(
                f"model {name!r} answered an " + unknown_name("label", answer.label, labels)
            )
        for label, score in answer.scores.items():
            if not math.isfinite(score):
                raise ModelError(f"model {name!r} gave the score {score} to the label {label!r}")
