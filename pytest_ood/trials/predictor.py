"""Asks one model about examples, through the cache of answers, and scores what it says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.engine import check_answers
from pytest_ood.metrics import GradedAnswers
from pytest_ood.models.protocol import Model, RecordedModel, SeededModel
from pytest_ood.rows import blocks, read
from pytest_ood.tasks import Prediction, merged_answer, merged_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.engine import Engine
    from pytest_ood.examples import Example, Inputs
    from pytest_ood.tasks import Task

SECOND_DRAW = 1
"""The draw of an answer that is asked for a second time."""

SingleModel = Model | RecordedModel
AnyModel = SingleModel | SeededModel


@dataclass(frozen=True)
class Predictor:
    """One model, asked in the name of a suite.

    Attributes:
        suite: Its name.
        task: Says which labels there are and how answers are scored.
        engine: Asks through the prediction store.
        model: Who is asked.
        merge: The coarser label for each label that is merged before answers are scored.
        count_long: Whether inputs that do not fit into the model's window are among those that got
            no answer, with the reason; an error otherwise.
    """

    suite: str
    task: Task
    engine: Engine
    model: SingleModel
    merge: Mapping[str, str] = field(default_factory=dict)
    count_long: bool = True

    def answers(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> list[Prediction]:
        """Return the answers to the examples' inputs under a shift.

        Raises:
            ModelError: the model gave something else, or an answer was not recorded.
        """
        return [
            answer
            for answers in self._in_blocks(shift, examples, inputs, draw)
            for answer in answers
        ]

    def graded(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs]
    ) -> GradedAnswers:
        """Return the scored answers, of however many examples there are.

        Raises:
            ModelError: as `answers`.
        """
        found, start = GradedAnswers(), 0
        task = merged_task(self.task, self.merge)
        for answers in self._in_blocks(shift, examples, inputs):
            block = read(examples, np.arange(start, start + len(answers)))
            merged = (merged_answer(answer, self.merge) for answer in answers)
            rows = zip(block, merged, strict=True)
            found += GradedAnswers.of(
                (task.truth(answer, e), answer, task.score(answer, e)) for e, answer in rows
            )
            start += len(answers)
        return found

    def _in_blocks(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> Iterator[list[Prediction]]:
        """Yield the answers to one block of examples after another, as they are compared."""
        task, start = self.task, 0
        for answers in self._as_given(shift, examples, inputs, draw):
            if task.labels:
                yield answers
                continue
            block = read(examples, np.arange(start, start + len(answers)))
            start += len(answers)
            pairs = zip(answers, block, strict=True)
            yield [task.resolve(self._read(answer), example) for answer, example in pairs]

    def _read(self, given: Prediction) -> Prediction:
        """Return an answer in words or numbers as the task reads it, whoever it comes from.

        An empty one is the answer that there is none, not an abstention: who says nothing at all
        has no label.
        """
        if not given.label:
            return given
        label = self.task.read(given.label, {})
        if label == given.label:
            return given
        known = given.scores.get(given.label)
        scores = {} if label is None or known is None else {label: known}
        return replace(given, label=label, scores=scores, text=given.text or given.label)

    def _as_given(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int
    ) -> Iterator[list[Prediction]]:
        labels = self.task.labels
        if isinstance(self.model, RecordedModel):
            for block in blocks(examples):
                answers = self.model.recall(shift, [example.id for example in block])
                check_answers(self.model.name, answers, len(block), labels)
                yield answers
            return
        predicted = self.engine.predict_in_blocks(
            self.model, inputs, labels, f"{self.suite}/{shift}", draw,
            count_long=self.count_long, isolate=True, id_of=lambda index: examples[index].id,
        )  # fmt: skip
        for result in predicted:
            yield result.predictions


def single_models(model: AnyModel) -> tuple[SingleModel, ...]:
    """Return the models of a model's seeds, or the model alone."""
    return model.members if isinstance(model, SeededModel) else (model,)
