"""Models with several seeds: the variance over seeds is added to that over examples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.statistics.planning import Shortage, shortage
from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from pytest_ood.statistics.statistic import Statistic


@dataclass(frozen=True)
class OverSeeds:
    """A statistic averaged over seeds, for inference about new seeds and new examples.

    The variance is that over examples plus the variance of the seeds' statistics over their number:
    at least the variance of the crossed design of seeds and examples (Owen 2007, Annals of Applied
    Statistics 1:386-411, section 3). The bounds are Student's with the degrees of freedom of the
    part that has the fewest, which keeps the level whatever the parts' sizes (Mickey and Brown
    1966, Annals of Mathematical Statistics 37:639-642): a few seeds that happen to agree do not
    count for many. They are never sharper than the bounds over examples alone, which account for
    the skewness of a few losses: seeds that agree on every example do not replace examples.

    Attributes:
        statistic: The statistic of the scores averaged over the seeds.
        seeds: For each model with several seeds, the statistic of each seed: 2 or more.
        limits: The least and the largest value the statistic can take.
    """

    statistic: Statistic
    seeds: tuple[tuple[float, ...], ...]
    limits: tuple[float, float] = (-1.0, 1.0)

    @property
    def value(self) -> float:
        """The mean over seeds and examples."""
        return self.statistic.value

    @property
    def n(self) -> int:
        """Examples."""
        return self.statistic.n

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self._error * math.sqrt(self.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds."""
        half = float(self._student.isf(check_level(alpha))) * self._error
        low, high = self.statistic.bounds(alpha)
        low, high = min(low, self.value - half), max(high, self.value + half)
        return max(self.limits[0], low), min(self.limits[1], high)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "the statistic is at most `limit`"."""
        student = float(self._student.sf((self.value - limit) / self._error))
        return max(student, self.statistic.p_above(limit))

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "the statistic is at least `limit`"."""
        student = float(self._student.cdf((self.value - limit) / self._error))
        return max(student, self.statistic.p_below(limit))

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return why examples are too few to show a statistic of at most `limit`, if they are."""
        return shortage(self.statistic, limit, alpha, examples)

    @cached_property
    def _variances(self) -> list[tuple[float, float]]:
        """(variance, degrees of freedom) over examples, then over each model's seeds."""
        n = self.statistic.n
        # A sample without spread is no proof of a variance of 0: see `means.Means`.
        spread = max(self.statistic.spread, 1.0 / math.sqrt(n + 2.0))
        parts = [(spread**2 / n, max(1.0, n - 1.0))]
        for by_seed in self.seeds:
            values = np.asarray(by_seed)
            parts.append((float(values.var(ddof=1)) / values.size, values.size - 1.0))
        return parts

    @cached_property
    def _error(self) -> float:
        return math.sqrt(sum(variance for variance, _ in self._variances))

    @cached_property
    def _student(self) -> Any:
        from scipy.stats import t

        return t(min(freedom for _, freedom in self._variances))


def over_seeds(
    statistic: Statistic, *seeds: tuple[float, ...], limits: tuple[float, float] = (-1.0, 1.0)
) -> Statistic:
    """Add the variance over seeds to a statistic, where any model has several seeds."""
    several = tuple(values for values in seeds if len(values) > 1)
    return OverSeeds(statistic, several, limits) if several else statistic
