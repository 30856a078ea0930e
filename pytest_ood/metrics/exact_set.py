"""Exact match of sets of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks.multi_label import MultiLabel

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class ExactSet(MeanOverExamples):
    """The share of answers that have all true labels and no other.

    The subset accuracy of scikit-learn's `accuracy_score`; "classification accuracy" in Tsoumakas,
    Katakis and Vlahavas 2010 (Mining Multi-label Data, on evaluation measures).
    """

    NAME = "exact-set"
    RANK = 10

    @classmethod
    def for_task(cls, task: Task) -> tuple[ExactSet, ...]:
        """Return the metric for sets of labels."""
        return (cls(),) if isinstance(task, MultiLabel) else ()

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return 1 if both sets are equal, else 0; an abstention equals none."""
        del score
        return float(answer == truth)


METRIC = ExactSet
