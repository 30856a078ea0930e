"""The trials of a model under one shift, with cached scores."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from operator import gt
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import combined
from pytest_ood.statistics.samples import Sample
from pytest_ood.trials.trial import mean_scores_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.categorical import Categorical
    from pytest_ood.trials.trial import Trial


@dataclass(frozen=True)
class Measurement:
    """The trials of one model under one shift, on the same examples.

    Attributes:
        trials: The trial of each seed of the model; at least one.
    """

    trials: Sequence[Trial]

    @property
    def first(self) -> Trial:
        """The trial of the first seed; reports show its examples, counts and texts."""
        return self.trials[0]

    @cached_property
    def scores_before(self) -> Categorical[float]:
        """Every example's score in distribution, averaged over the seeds."""
        return mean_scores_of([trial.before for trial in self.trials])

    @cached_property
    def scores_after(self) -> Categorical[float]:
        """Every example's score under the shift, averaged over the seeds."""
        return mean_scores_of([trial.after for trial in self.trials])

    @cached_property
    def score_before(self) -> float:
        """The mean score in distribution."""
        return float(Sample.of(self.scores_before).mean)

    @cached_property
    def score_after(self) -> float:
        """The mean score under the shift."""
        return float(Sample.of(self.scores_after).mean)

    @cached_property
    def flipped(self) -> NDArray[np.intp]:
        """Indices of the first seed's outcomes that were right before and are wrong after.

        Under a shift to other examples, which have no outcome before, those that are wrong.
        """
        after = self.first.after.graded.score
        if self.first.originals is None:
            return np.flatnonzero(after.where(lambda score: score == 0.0))
        before = self.first.before.graded.score
        return np.flatnonzero(combined([before, after], gt).where(bool))
