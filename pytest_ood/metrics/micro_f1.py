"""Micro-averaged F1 of sets of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import F1OfCounts
from pytest_ood.tasks import Counts
from pytest_ood.tasks.multi_label import MultiLabel, labels_of

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class MicroF1(F1OfCounts):
    """The harmonic mean of precision and recall over all pairs of an example and a label.

    2 TP / (2 TP + FP + FN), each counted over all labels of all examples (Tsoumakas, Katakis and
    Vlahavas 2010, Mining Multi-label Data, on evaluation measures), as scikit-learn's `f1_score`
    with `average="micro"` and `zero_division=0`. An abstention gives no label, and misses the true
    ones.
    """

    NAME = "micro-f1"
    RANK = 10

    @classmethod
    def for_task(cls, task: Task) -> tuple[MicroF1, ...]:
        """Return the metric for sets of labels."""
        return (cls(),) if isinstance(task, MultiLabel) else ()

    def counts(self, answer: str | None, truth: str) -> Counts:
        """Return the number of right, of true and of predicted labels."""
        true, predicted = labels_of(truth), labels_of(answer)
        return Counts(len(true & predicted), len(true), len(predicted))


METRIC = MicroF1
