"""The mean score of a task's answers: the accuracy of labels, or what the task calls it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples

if TYPE_CHECKING:
    from pytest_ood.tasks import Task

ACCURACY = "accuracy"


@dataclass(frozen=True)
class Accuracy(MeanOverExamples):
    """The mean score. Its budget's keys stand in a shift's own table."""

    NAME = ACCURACY
    RANK = 0
    FROM_SCORES = True
    SHOWS_SCORES = True

    @classmethod
    def for_task(cls, task: Task) -> tuple[Accuracy, ...]:
        """Return the metric, which every task has."""
        del task
        return (cls(),)

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return the score."""
        del truth, answer
        return score


METRIC = Accuracy
