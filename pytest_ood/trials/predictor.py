"""Gets the answers of one model to examples, through the cache, and scores them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import accumulate, takewhile
from math import isnan
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.inputs import size_of
from pytest_ood.data.lazy import blocks, read
from pytest_ood.inference.engine import check_answers
from pytest_ood.metrics import GradedAnswers
from pytest_ood.models.protocol import (
    Model,
    RecordedModel,
    SeededModel,
    is_recorded,
    pass_tokens,
)
from pytest_ood.tasks import UNSCORED, Prediction, as_read, merged_answer, merged_task

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.engine import Engine
    from pytest_ood.tasks import Task

SECOND_DRAW = 1
"""The draw that is requested where a model answers the same input a second time."""

CHARACTERS_PER_TOKEN = 4
"""Roughly: how many inputs fill a pass is estimated without tokenizing them."""

SingleModel = Model | RecordedModel
AnyModel = SingleModel | SeededModel


@dataclass(frozen=True)
class Predictor:
    """Predictions of one model for one suite, parsed and scored by the suite's task.

    Attributes:
        suite: The name of the suite, for messages.
        task: Defines the labels, and how answers are read and scored.
        engine: Runs the model, and looks answers up in the store first.
        model: The model.
        merge: The coarser label of each label that is merged before scoring.
        count_long: Whether inputs that are too long for the model count as unanswered, with the
            reason; otherwise they raise an error.
    """

    suite: str
    task: Task
    engine: Engine
    model: SingleModel
    merge: Mapping[str, str] = field(default_factory=dict)
    count_long: bool = True

    def reach(self, inputs: Sequence[Inputs], needed: int) -> int:
        """Return for how many of the inputs to ask, so that they fill a pass of an accelerator.

        Args:
            inputs: All inputs that may be asked for later.
            needed: How many of them are needed now.
        """
        room = CHARACTERS_PER_TOKEN * pass_tokens(self.model) if needed else 0
        if not room:
            return needed
        sizes = accumulate(map(size_of, inputs))
        return max(needed, sum(1 for _ in takewhile(lambda size: size <= room, sizes)))

    def answers(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> list[Prediction]:
        """Return the answers to inputs under a shift.

        Raises:
            ModelError: an answer has another type or label, or was not recorded.
        """
        return [
            answer
            for _, answers in self._in_blocks(shift, examples, inputs, draw)
            for answer in answers
        ]

    def graded(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs]
    ) -> GradedAnswers:
        """Return the scored answers, block by block, so that memory does not grow with texts.

        Raises:
            ModelError: as `answers`.
        """
        graded_answers = GradedAnswers()
        task = merged_task(self.task, self.merge)
        for block, answers in self._in_blocks(shift, examples, inputs):
            merged = (merged_answer(answer, self.merge) for answer in answers)
            pairs = list(zip(merged, block, strict=True))
            scores = task.scores(pairs)
            graded_answers += GradedAnswers.of(
                (task.truth(answer, example), *_scored(answer, score))
                for (answer, example), score in zip(pairs, scores, strict=True)
            )
        return graded_answers

    def _in_blocks(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int = 0
    ) -> Iterator[tuple[Sequence[Example], list[Prediction]]]:
        """Yield one block of examples after another, with answers in the form that is scored."""
        task, start = self.task, 0
        for answers in self._predicted(shift, examples, inputs, draw):
            block = read(examples, np.arange(start, start + len(answers)))
            start += len(answers)
            pairs = zip(answers, block, strict=True)
            yield block, [as_read(task, answer, example) for answer, example in pairs]

    def _predicted(
        self, shift: str, examples: Sequence[Example], inputs: Sequence[Inputs], draw: int
    ) -> Iterator[list[Prediction]]:
        labels = self.task.labels
        if is_recorded(self.model):
            for block in blocks(examples):
                answers = self.model.recall(shift, [example.id for example in block])
                check_answers(self.model.name, answers, len(block), labels)
                yield answers
            return
        predicted = self.engine.predict_in_blocks(
            self.model,
            inputs,
            labels,
            f"{self.suite}/{shift}",
            draw,
            count_long=self.count_long,
            isolate=True,
            id_of=lambda index: examples[index].id,
        )
        for result in predicted:
            yield result.predictions


def _scored(answer: Prediction, score: float) -> tuple[Prediction, float]:
    """Return an answer with its score; one that has none counts as unanswered."""
    if not isnan(score):
        return answer, score
    return replace(answer, error=answer.error or UNSCORED), 0.0


def single_models(model: AnyModel) -> tuple[SingleModel, ...]:
    """Return the models of all seeds, or the model itself where it has one."""
    return model.members if isinstance(model, SeededModel) else (model,)
