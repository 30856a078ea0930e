"""The share of answers that are JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import Extraction

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class ValidJson(MeanOverExamples):
    """The share of answers that have a JSON object, whatever its values.

    Attributes:
        task: The task, which reads answers.
    """

    NAME = "valid-json"
    RANK = 50

    task: Extraction

    @classmethod
    def for_task(cls, task: Task) -> tuple[ValidJson, ...]:
        """Return the metric for an extraction."""
        return (cls(task),) if isinstance(task, Extraction) else ()

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return whether there is an object."""
        del truth, score
        return float(self.task.said(answer) is not None)


METRIC = ValidJson
