"""The share of extracted objects that are right as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import Extraction

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class ExactObject(MeanOverExamples):
    """The share of answers all of whose fields are right.

    The joint goal accuracy of dialogue state tracking (Henderson et al. 2014, The Second Dialog
    State Tracking Challenge, section 4.1), of one turn.
    """

    NAME = "exact-object"
    RANK = 10
    FROM_SCORES = True

    @classmethod
    def for_task(cls, task: Task) -> tuple[ExactObject, ...]:
        """Return the metric for an extraction."""
        return (cls(),) if isinstance(task, Extraction) else ()

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return whether the mean score of the fields is 1."""
        del truth, answer
        return float(score == 1.0)


METRIC = ExactObject
