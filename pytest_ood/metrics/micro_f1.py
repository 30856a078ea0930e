"""Micro-averaged F1 of sets of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.metrics.protocol import Metric, ratio
from pytest_ood.tasks.multi_label import MultiLabel, labels_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome
    from pytest_ood.metrics.protocol import Floats
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class MicroF1(Metric):
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

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the number of right labels, and of true and of predicted ones together."""
        rows = np.zeros((len(outcomes), 2))
        for row, outcome in zip(rows, outcomes, strict=True):
            true, predicted = labels_of(outcome.label), labels_of(outcome.prediction.label)
            row[:] = len(true & predicted), len(true) + len(predicted)
        return rows

    def value(self, means: Floats) -> Floats:
        """Return 2 right / (true + predicted)."""
        return ratio(2.0 * means[..., 0], means[..., 1])


METRIC = MicroF1
