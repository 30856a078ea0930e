"""The share of answers that are JSON with all fields."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import Extraction

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class CompleteJson(MeanOverExamples):
    """The share of answers that have a JSON object with every field, be it null.

    The score counts a field that is left out like one that is null.

    Attributes:
        task: The task, which reads answers.
    """

    NAME = "complete-json"
    RANK = 50

    task: Extraction

    @classmethod
    def for_task(cls, task: Task) -> tuple[CompleteJson, ...]:
        """Return the metric for an extraction."""
        return (cls(task),) if isinstance(task, Extraction) else ()

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return whether there is an object with all fields."""
        del truth, score
        said = self.task.said(answer)
        return float(said is not None and len(said) == len(self.task.fields))


METRIC = CompleteJson
