"""Performance drop rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.metrics.protocol import Metric, ratio
from pytest_ood.statistics import paired_drop, unpaired_drop
from pytest_ood.statistics.rates import DropRate
from pytest_ood.statistics.samples import Sample
from pytest_ood.tasks import Judged

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome
    from pytest_ood.metrics.protocol import BeforeAfter, Floats
    from pytest_ood.statistics import Statistic
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class PerformanceDropRate(Metric):
    """1 - score under the shift / score in distribution (Zhu et al. 2023, PromptBench, section 3).

    0 where the score in distribution is 0.
    """

    NAME = "pdr"
    RANK = 30
    FROM_SCORES = True
    SHOWS_SCORES = True

    @classmethod
    def for_task(cls, task: Task) -> tuple[PerformanceDropRate, ...]:
        """Return the metric, which every task has whose scores need no correction."""
        return () if isinstance(task, Judged) else (cls(),)

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the scores."""
        return np.array([[outcome.score] for outcome in outcomes])

    def value(self, means: Floats) -> Floats:
        """Return the mean score."""
        return means[..., 0]

    @classmethod
    def drop(cls, before: Floats | float, after: Floats | float) -> Floats:
        """Return the share of the score that is lost."""
        first, last = np.asarray(before), np.asarray(after)
        return np.where(first > 0, 1.0 - ratio(last, first), 0.0)

    def statistic(
        self, models: Sequence[Sequence[BeforeAfter]], signs: Sequence[float]
    ) -> Statistic | None:
        """Return the drop as a share of the score, for one model with one seed."""
        del signs
        if not len(models) == len(models[0]) == 1:
            return None
        answers = models[0][0]
        before, after = answers.before.graded.score, answers.after.graded.score
        drop = (paired_drop if answers.paired else unpaired_drop)(before, after)
        return DropRate(drop, float(Sample.of(before).mean))


METRIC = PerformanceDropRate
