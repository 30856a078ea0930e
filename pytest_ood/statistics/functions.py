"""Figures that are functions of means, such as macro-F1, by the BCa bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.figures import check_level
from pytest_ood.statistics.means import AT_ONCE, BOOTSTRAP_SEED, RESAMPLES
from pytest_ood.statistics.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NORMAL = NormalDist()

ROUNDING = 1e-12
"""Resamples this close to a limit lie on it, and so do not speak against it."""


@dataclass(frozen=True, eq=False)
class FunctionOfMeans:
    """theta = f(mean of sample 1, mean of sample 2, ...), with the BCa interval.

    Bias-corrected and accelerated bootstrap over the examples of each sample (Efron 1987, Journal
    of the American Statistical Association 82:171-185; the acceleration over several samples after
    Davison and Hinkley 1997, Bootstrap Methods and their Application, section 5.4, from the
    jackknife).

    Attributes:
        samples: One row of features an example, each of shape (n, k), or such rows counted.
        pseudo: Rows that join each sample when it is resampled, shape (p, k): outcomes that are
            possible whatever the sample shows (see `means.Means`).
        function: Takes the samples' means, each of shape (..., k), and returns shape (...).
    """

    samples: tuple[Floats | Sample, ...]
    pseudo: tuple[Floats, ...]
    function: Callable[[Sequence[Floats]], Floats]

    @property
    def value(self) -> float:
        """The function of the samples' means."""
        return float(self.function([sample.mean for sample in self._counted]))

    @property
    def n(self) -> int:
        """Size of the smallest sample."""
        return min(map(len, self._counted))

    @property
    def spread(self) -> float:
        """Bootstrap standard error times the root of n."""
        return float(self._resampled.std()) * math.sqrt(self.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds."""
        check_level(alpha)
        ends = [self._quantile(self._level(alpha)), self._quantile(self._level(1.0 - alpha))]
        return min(self.value, *ends), max(self.value, *ends)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at most `limit`"."""
        return 1.0 - self._achieved(limit + ROUNDING)

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at least `limit`"."""
        return self._achieved(limit - ROUNDING)

    def _level(self, alpha: float) -> float:
        """Return the share of resamples below the BCa bound of level alpha (Efron 1987, 2.3)."""
        moved = self._bias + NORMAL.inv_cdf(alpha)
        return NORMAL.cdf(self._bias + _accelerated(moved, self._acceleration))

    def _achieved(self, limit: float) -> float:
        """Undo `_level`: the alpha whose lower bound is `limit`, counted down from 1."""
        below = float(np.searchsorted(self._resampled, limit))
        share = min(max(below, 1.0), RESAMPLES - 1.0) / RESAMPLES
        moved = NORMAL.inv_cdf(share) - self._bias
        alpha = NORMAL.cdf(_accelerated(moved, -self._acceleration) - self._bias)
        return 1.0 - alpha

    def _quantile(self, level: float) -> float:
        place = min(RESAMPLES - 1, max(0, math.floor(level * RESAMPLES)))
        return float(self._resampled[place])

    @cached_property
    def _counted(self) -> list[Sample]:
        return [Sample.of(sample) for sample in self.samples]

    @cached_property
    def _padded(self) -> list[tuple[Floats, Floats]]:
        """Each sample's different rows, pseudo-rows included, and how often they occur."""
        pairs = zip(self._counted, self.pseudo, strict=True)
        found = [sample.padded(pseudo) for sample, pseudo in pairs]
        return [(sample.values, sample.counts) for sample in found]

    @cached_property
    def _resampled(self) -> Floats:
        """The function over the resamples, sorted, shape (RESAMPLES,)."""
        rng = np.random.default_rng(BOOTSTRAP_SEED)
        values = np.empty(RESAMPLES)
        step = max(1, AT_ONCE // max(len(rows) for rows, _ in self._padded))
        for start in range(0, RESAMPLES, step):
            part = slice(start, min(start + step, RESAMPLES))
            means = []
            for rows, counts in self._padded:
                size = counts.sum()
                drawn = rng.multinomial(int(size), counts / size, size=part.stop - part.start)
                means.append(drawn @ rows / size)
            values[part] = self.function(means)
        return np.sort(values)

    @cached_property
    def _bias(self) -> float:
        """z0: how far the median of the resamples lies from the estimate, in normal deviations."""
        centre = float(
            self.function([counts @ rows / counts.sum() for rows, counts in self._padded])
        )
        below = np.searchsorted(self._resampled, [centre - ROUNDING, centre + ROUNDING]).mean()
        return NORMAL.inv_cdf(min(max(float(below) / RESAMPLES, 1e-4), 1.0 - 1e-4))

    @cached_property
    def _acceleration(self) -> float:
        """a: a sixth of the skewness of the influence values."""
        means = [counts @ rows / counts.sum() for rows, counts in self._padded]
        squares = cubes = 0.0
        for place, (rows, counts) in enumerate(self._padded):
            size = counts.sum()
            if size < 2:  # noqa: PLR2004 - nothing is left without the only row
                continue
            without = (means[place] * size - rows) / (size - 1)
            others = [np.broadcast_to(mean, (len(rows), mean.size)) for mean in means]
            others[place] = without
            values = self.function(others)
            influence = (size - 1) * (counts @ values / size - values)
            squares += float(counts @ influence**2) / size**2
            cubes += float(counts @ influence**3) / size**3
        return 0.0 if squares <= 0.0 else cubes / (6.0 * squares**1.5)


def _accelerated(moved: float, acceleration: float) -> float:
    """Return Efron's moved / (1 - a moved), kept rising where a small sample's a is too large."""
    return moved / max(0.1, 1.0 - acceleration * moved)
