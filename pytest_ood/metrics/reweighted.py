"""The drop under a domain shift at the in-distribution label distribution."""

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
    from pytest_ood.metrics.protocol import BeforeAfter, ExampleValue, Floats
    from pytest_ood.tasks import Task

REWEIGHTED = "reweighted"


@dataclass(frozen=True)
class Reweighted(Metric):
    """The mean score, the target's reweighted to the in-distribution label distribution.

    The target's score is averaged label by label with the labels' shares in distribution as
    weights (post-stratification; Holt and Smith 1979, Journal of the Royal Statistical Society A
    142:33-46), so that another label distribution does not count as a loss.

    Attributes:
        labels: The labels of the task.
    """

    NAME = REWEIGHTED
    RANK = 50
    KINDS = ("domain",)
    BY_LABEL = True
    SHOWS_SCORES = True

    labels: tuple[str, ...]

    @classmethod
    def for_task(cls, task: Task) -> tuple[Reweighted, ...]:
        """Return the metric for tasks with labels."""
        return (cls(task.truths),) if task.labels else ()

    def for_answers(self, before: Outcomes, after: Outcomes) -> Reweighted:
        """Return the metric; the target needs every label of the in-distribution examples."""
        missing = label_counts(before).keys() - label_counts(after).keys()
        if missing:
            raise NotApplicableError(
                f"the target has no example of label {min(missing)!r}: its score cannot be "
                "reweighted to the in-distribution mix of labels"
            )
        return self

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the score, then each label's presence."""
        return np.array(
            [[o.score, *(float(o.label == label) for label in self.labels)] for o in outcomes]
        )

    def features_after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each label its score and its presence."""
        return np.array(
            [
                [
                    value
                    for label in self.labels
                    for value in (o.score * (o.label == label), float(o.label == label))
                ]
                for o in outcomes
            ]
        )

    def values(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the mean score, and the target's at the same label distribution."""
        shares = before[..., 1:]
        # A resample may lack a label: its weight goes to the others.
        present = after[..., 1::2] > 0
        shares = np.where(present, shares, 0.0)
        weights = ratio(shares, shares.sum(axis=-1, keepdims=True) + np.zeros_like(shares))
        return before[..., 0], (weights * ratio(after[..., 0::2], after[..., 1::2])).sum(axis=-1)

    def value_of_example(self, answers: BeforeAfter) -> ExampleValue | None:
        """Return the score where both sides have the same labels, example by example."""
        if answers.paired and answers.before.graded.truth == answers.after.graded.truth:
            return lambda _truth, _answer, score: score
        return None


METRIC = Reweighted
