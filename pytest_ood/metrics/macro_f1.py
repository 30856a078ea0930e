"""Macro-averaged F1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics.outcomes import label_counts
from pytest_ood.metrics.protocol import Metric, ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome, Outcomes
    from pytest_ood.metrics.protocol import Floats
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class MacroF1(Metric):
    """The unweighted mean over labels of the harmonic mean of precision and recall.

    As scikit-learn's `f1_score` with `labels` and `zero_division=0`: a label that is neither true
    nor predicted counts as 0. Under a shift the mean is over the labels that occur as
    truths both before and under it: no other label has an F1 score that answers could raise, and
    a perfect model has 1 on both sides. An answer with any other label costs its true label recall.

    Attributes:
        labels: The labels over which the mean is taken.
    """

    NAME = "macro-f1"
    RANK = 10
    BY_LABEL = True

    labels: tuple[str, ...]

    @classmethod
    def for_task(cls, task: Task) -> tuple[MacroF1, ...]:
        """Return the metric for tasks with labels."""
        return (cls(task.labels),) if task.labels else ()

    def for_answers(self, before: Outcomes, after: Outcomes) -> MacroF1:
        """Return the metric over the labels that occur on both sides, in the task's order."""
        sides = {"in distribution": label_counts(before), "under the shift": label_counts(after)}
        common = tuple(label for label in self.labels if all(label in n for n in sides.values()))
        if not common:
            listed = "; ".join(f"{side}: {', '.join(sorted(n))}" for side, n in sides.items())
            raise NotApplicableError(
                f"{self.name}: no label has examples both in distribution and under the shift "
                f"({listed})"
            )
        return MacroF1(common)

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each label: right, and true or predicted (a right one counts twice)."""
        rows = np.zeros((len(outcomes), 2 * len(self.labels)))
        for row, outcome in zip(rows, outcomes, strict=True):
            for index, label in enumerate(self.labels):
                true, predicted = outcome.label == label, outcome.prediction.label == label
                row[2 * index] = true and predicted
                row[2 * index + 1] = true + predicted
        return rows

    def value(self, means: Floats) -> Floats:
        """Return the mean of 2 right / (true + predicted)."""
        return np.asarray(ratio(2.0 * means[..., 0::2], means[..., 1::2]).mean(axis=-1))


METRIC = MacroF1
