"""Functions of means, such as macro-F1, with intervals by the BCa bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.means import AT_ONCE, BOOTSTRAP_SEED, RESAMPLES
from pytest_ood.statistics.planning import Shortage, least_examples
from pytest_ood.statistics.samples import Sample
from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NORMAL = NormalDist()

HALVINGS = 30
"""Steps of a bisection: enough for nine decimals."""

SMALL = 0.02
"""A p-value below every level of a single gate, which a family of gates may need smaller."""

ROUNDING = 1e-12
"""Resamples this close to a limit lie on it, and so do not speak against it."""


@dataclass(frozen=True, eq=False)
class Unseen:
    """An event that can happen to examples and happened to none in the sample.

    None of the 5 examples of a label may be lost although a third of all such examples would be: a
    rate of x goes unseen with the chance (1 - x)^n (Hanley and Lippman-Hand 1983, JAMA
    249:1743-1745), which no resampling of the 5 can show.

    Attributes:
        sample: Index of the sample whose means it changes.
        step: The change of those means if it happened to all n examples, shape (k,).
        n: The number of examples that it can happen to.
        largest: The largest share of them that it can happen to.
        examples: The word for them in messages.
    """

    sample: int
    step: Floats
    n: int
    largest: float = 1.0
    examples: str = "examples"


@dataclass(frozen=True, eq=False)
class FunctionOfMeans:
    """theta = f(mean of sample 1, mean of sample 2, ...), with the BCa interval.

    Bias-corrected and accelerated bootstrap over the examples of each sample (Efron 1987, Journal
    of the American Statistical Association 82:171-185; the acceleration over several samples after
    Davison and Hinkley 1997, Bootstrap Methods and their Application, section 5.4, from the
    jackknife). A resample contains no event that the sample lacks; where `unseen` lists such
    events, neither a bound nor a p-value is sharper than their rates allow.

    Attributes:
        samples: One row of features an example, each of shape (n, k), or such rows counted.
        pseudo: Rows that join each sample when it is resampled, shape (p, k): outcomes that are
            possible whatever the sample shows (see `means.Means`).
        function: Takes the samples' means, each of shape (..., k), and returns shape (...).
        unseen: Events that could have happened to examples, and happened to none.
    """

    samples: tuple[Floats | Sample, ...]
    pseudo: tuple[Floats, ...]
    function: Callable[[Sequence[Floats]], Floats]
    unseen: tuple[Unseen, ...] = ()

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
        if self.unseen:
            rates = 1.0 - alpha ** (1.0 / np.array([event.n for event in self.unseen]))
            ends += self._moved(np.minimum(rates, self._largest)).tolist()
        return min(self.value, *ends), max(self.value, *ends)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at most `limit`"."""
        p_value = self._sharpened(1.0 - self._achieved(limit + ROUNDING), self.value - limit)
        return max(p_value, self._unseen_p(limit, -1.0))

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at least `limit`"."""
        p_value = self._sharpened(self._achieved(limit - ROUNDING), limit - self.value)
        return max(p_value, self._unseen_p(limit, 1.0))

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return why examples are too few to show theta to be at most `limit`, if they are."""
        del examples  # `unseen` has names for them.
        rates = self._rates(limit + max(0.0, self.value), 1.0)
        short = [
            Shortage(event.n, least, event.examples)
            for rate, event in zip(rates.tolist(), self.unseen, strict=True)
            if 0.0 < rate <= 1.0 and event.n < (least := least_examples(rate, alpha))
        ]
        return max(short, key=lambda one: one.least / one.n, default=None)

    def _unseen_p(self, limit: float, sign: float) -> float:
        """Return the largest chance of not seeing an event that takes theta to `limit`."""
        if not self.unseen:
            return 0.0
        # Where the estimate is beyond the limit already, the least rate is 0 and the chance is 1.
        rates = np.clip(self._rates(limit, sign), 0.0, 1.0)
        sizes = np.array([event.n for event in self.unseen])
        return float(((1.0 - rates) ** sizes).max())

    def _rates(self, limit: float, sign: float) -> Floats:
        """Return the least rate of each unseen event that takes theta to `limit`.

        Args:
            limit: Of theta.
            sign: 1 to rise to it, -1 to fall.

        Returns:
            Shape (events,); infinity where even the largest rate does not take it there.
        """
        # Bisection for all events at once: theta is taken to move in one direction
        # with the rate of an event.
        low, high = np.zeros(len(self.unseen)), self._largest.copy()
        reached = sign * (self._moved(high) - limit) >= -ROUNDING
        for _ in range(HALVINGS):
            middle = (low + high) / 2.0
            enough = sign * (self._moved(middle) - limit) >= -ROUNDING
            low, high = np.where(enough, low, middle), np.where(enough, middle, high)
        rates: Floats = np.where(reached, high, np.inf)
        return rates

    def _moved(self, rates: Floats) -> Floats:
        """Return theta where one unseen event has its rate and no other does, shape (events,)."""
        pairs = zip(self._counted, self._steps, strict=True)
        return self.function([sample.mean + rates[:, None] * steps for sample, steps in pairs])

    @cached_property
    def _steps(self) -> list[Floats]:
        """The change of the means of each sample by each unseen event, shapes (events, k)."""
        steps = [np.zeros((len(self.unseen), sample.mean.size)) for sample in self._counted]
        for row, event in enumerate(self.unseen):
            steps[event.sample][row] = event.step
        return steps

    @cached_property
    def _largest(self) -> Floats:
        return np.array([event.largest for event in self.unseen])

    def _level(self, alpha: float) -> float:
        """Return the share of resamples below the BCa bound of level alpha (Efron 1987, 2.3)."""
        moved = self._bias + NORMAL.inv_cdf(alpha)
        return NORMAL.cdf(self._bias + _accelerated(moved, self._acceleration))

    def _achieved(self, limit: float) -> float:
        """Return 1 - alpha for the alpha whose lower bound is `limit`: the inverse of `_level`."""
        below = float(np.searchsorted(self._resampled, limit))
        share = min(max(below, 1.0), RESAMPLES - 1.0) / RESAMPLES
        moved = NORMAL.inv_cdf(share) - self._bias
        alpha = NORMAL.cdf(_accelerated(moved, -self._acceleration) - self._bias)
        return 1.0 - alpha

    def _sharpened(self, p_value: float, distance: float) -> float:
        """Return a p-value; of a small one, Cantelli's bound where that is smaller.

        Where nearly all examples are alike, as after a total collapse, the influence values are
        those of the pseudo-outcomes: the acceleration does not shrink with n, nor does a p-value
        that is extrapolated by it, and in a family of gates nothing would be significant. Whatever
        the distribution, a distance of z standard errors has a chance of at most 1 / (1 + z^2)
        (Cantelli 1928, Sui confini della probabilita).

        Args:
            p_value: The p-value by BCa.
            distance: From the limit to the value.
        """
        error = float(self._resampled.std())
        if p_value > SMALL or distance <= 0.0 or not error:
            return p_value
        return min(p_value, 1.0 / (1.0 + (distance / error) ** 2))

    def _quantile(self, level: float) -> float:
        index = min(RESAMPLES - 1, max(0, math.floor(level * RESAMPLES)))
        return float(self._resampled[index])

    @cached_property
    def _counted(self) -> list[Sample]:
        return [Sample.of(sample) for sample in self.samples]

    @cached_property
    def _padded(self) -> list[tuple[Floats, Floats]]:
        """Each sample's different rows, pseudo-rows included, and how often they occur."""
        pairs = zip(self._counted, self.pseudo, strict=True)
        padded = [sample.padded(pseudo) for sample, pseudo in pairs]
        return [(sample.values, sample.counts) for sample in padded]

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
        for index, (rows, counts) in enumerate(self._padded):
            size = counts.sum()
            if size < 2:  # noqa: PLR2004 - nothing is left without the only row
                continue
            without = (means[index] * size - rows) / (size - 1)
            others = [np.broadcast_to(mean, (len(rows), mean.size)) for mean in means]
            others[index] = without
            values = self.function(others)
            influence = (size - 1) * (counts @ values / size - values)
            squares += float(counts @ influence**2) / size**2
            cubes += float(counts @ influence**3) / size**3
        return 0.0 if squares <= 0.0 else cubes / (6.0 * squares**1.5)


def _accelerated(moved: float, acceleration: float) -> float:
    """Return Efron's moved / (1 - a moved), kept rising where a small sample's a is too large."""
    return moved / max(0.1, 1.0 - acceleration * moved)
