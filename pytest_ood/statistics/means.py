"""Means of scores that are not 0/1, and sums of means, by the studentised bootstrap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from operator import sub
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import Categorical, combined
from pytest_ood.statistics.proportions import PairedDifference, Proportion, UnpairedDifference
from pytest_ood.statistics.samples import Sample
from pytest_ood.statistics.statistic import check_level, check_values

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.statistics.samples import Values
    from pytest_ood.statistics.statistic import Statistic

    Floats = NDArray[np.float64]
    Scores = Sequence[float] | NDArray[np.float64] | Categorical[float]

RESAMPLES = 9_998
"""An even number; the smallest p-value they can give is 0.0001."""

AT_ONCE = 4_000_000
"""Resampled values held in memory at the same time."""

BOOTSTRAP_SEED = 20_220_817
"""Resampling is part of the method, not of the run: equal scores give equal intervals."""


@dataclass(frozen=True, eq=False)
class Means:
    """A weighted sum of the means of independent samples.

    The interval is the studentised bootstrap's (Efron and Tibshirani 1993, An Introduction to the
    Bootstrap, section 12.5). Each sample first gets two pseudo-values, the ends of what a value may
    be: without them a sample with hardly any spread, which a lucky draw easily is, gets an interval
    that is far too short (Agresti and Min 2005, Statistics in Medicine 24:729-740; Agresti and
    Caffo 2000, The American Statistician 54:280-288). The estimate itself is that of the values.
    Neither a bound nor a p-value is sharper than what could go unseen in all examples allows: a
    rate of x does with the chance (1 - x)^n (Hanley and Lippman-Hand 1983, JAMA 249:1743-1745).

    Attributes:
        samples: The values of the examples of each sample.
        weights: The weight of each sample.
        pseudo: The two pseudo-values that are added to each sample; or two for each sample, where
            their values have different ends.
        limits: The least and the largest possible value of the statistic.
    """

    samples: tuple[Values, ...]
    weights: tuple[float, ...]
    pseudo: tuple[float, float] | Sequence[tuple[float, float]]
    limits: tuple[float, float]

    @property
    def value(self) -> float:
        """The weighted sum of the means."""
        return float(
            sum(w * sample.mean for w, sample in zip(self.weights, self._counted, strict=True))
        )

    @property
    def n(self) -> int:
        """Size of the smallest sample."""
        return min(map(len, self._counted))

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self._error * math.sqrt(self.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds, within the limits of the statistic."""
        check_level(alpha)
        lowest, highest = self.limits
        least, most = self._quantiles(alpha)
        low, high = self._centre - most * self._error, self._centre - least * self._error
        unseen = 1.0 - alpha ** (1.0 / self.n)
        low, high = min(low, self.value - unseen), max(high, self.value + unseen)
        return max(lowest, low), min(highest, high)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "the statistic is at most `limit`"."""
        if limit >= self.limits[1]:
            return 1.0
        extreme = np.searchsorted(self._ratios, (self._centre - limit) / self._error, "left")
        return max(
            float((RESAMPLES - extreme + 1) / (RESAMPLES + 1)), self._unseen(self.value - limit)
        )

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "the statistic is at least `limit`"."""
        if limit <= self.limits[0]:
            return 1.0
        extreme = np.searchsorted(self._ratios, (self._centre - limit) / self._error, "right")
        return max(float((extreme + 1) / (RESAMPLES + 1)), self._unseen(limit - self.value))

    def _unseen(self, rate: float) -> float:
        """Return the chance that an event of this rate occurs in no example."""
        return (1.0 - min(1.0, max(0.0, rate))) ** self.n

    def _quantiles(self, alpha: float) -> tuple[float, float]:
        """Return the alpha and the 1 - alpha quantile of (estimate - truth) / error."""
        rank = math.floor(alpha * (RESAMPLES + 1))
        if rank < 1:
            return -math.inf, math.inf
        return float(self._ratios[rank - 1]), float(self._ratios[RESAMPLES - rank])

    @cached_property
    def _counted(self) -> list[Sample]:
        return [Sample.of(sample) for sample in self.samples]

    @cached_property
    def _padded(self) -> list[tuple[Floats, Floats]]:
        """Each sample with its pseudo-values, as different values and how often they occur."""
        pairs = zip(self._counted, self._ends, strict=True)
        padded = [sample.padded(ends) for sample, ends in pairs]
        return [(sample.values, sample.counts) for sample in padded]

    @property
    def _ends(self) -> Floats:
        """The pseudo-values of each sample, shape (samples, 2)."""
        return np.broadcast_to(np.asarray(self.pseudo), (len(self.samples), 2))

    @cached_property
    def _centre(self) -> float:
        pairs = zip(self.weights, self._padded, strict=True)
        return float(sum(w * (values @ counts) / counts.sum() for w, (values, counts) in pairs))

    @cached_property
    def _error(self) -> float:
        variance = 0.0
        for weight, (values, counts) in zip(self.weights, self._padded, strict=True):
            size = counts.sum()
            variance += weight**2 * _variance(values, counts, size) / size
        return math.sqrt(variance)

    @cached_property
    def _ratios(self) -> Floats:
        """(estimate - truth) / error over the resamples, sorted, shape (RESAMPLES,).

        Half of them are drawn from the mirrored values, so that the interval of -theta, as when two
        models change places, is the mirrored interval of theta.
        """
        return np.sort(np.concatenate([self._half(1.0), -self._half(-1.0)]))

    def _half(self, sign: float) -> Floats:
        """Resample the values times `sign`, shape (RESAMPLES / 2,)."""
        rng = np.random.default_rng(BOOTSTRAP_SEED)
        count = RESAMPLES // 2
        shifts, variances = np.zeros(count), np.zeros(count)
        parts = zip(self.weights, self._padded, sign * self._ends, strict=True)
        for weight, (ascending, often), extra in parts:
            order = 1 if sign > 0 else -1
            values, counts = sign * ascending[::order], often[::order]
            size = int(counts.sum())
            mean = values @ counts / size
            # A resample that misses the pseudo-values would have no spread again: its variance is
            # taken with them, and brought back to the scale of the sample's.
            scale = _variance(values, counts, size) / _variance(
                np.append(values, extra), np.append(counts, [1.0, 1.0]), size + 2
            )
            step = max(1, AT_ONCE // values.size)
            for start in range(0, count, step):
                part = slice(start, min(start + step, count))
                drawn = rng.multinomial(size, counts / size, size=part.stop - part.start)
                totals = drawn @ values
                squares = drawn @ values**2 + (extra**2).sum()
                centres = (totals + extra.sum()) / (size + 2)
                spreads = (squares - (size + 2) * centres**2) / (size + 1)
                shifts[part] += weight * (totals / size - mean)
                variances[part] += weight**2 * scale * spreads / size
        ratios: Floats = shifts / np.sqrt(variances)
        return ratios


def _variance(values: Floats, counts: Floats, size: float) -> float:
    """Return the variance of values that occur so often, n - 1 in the denominator."""
    mean = values @ counts / size
    return float(counts @ (values - mean) ** 2 / (size - 1))


def mean_score(scores: Values) -> Statistic:
    """Estimate a mean score: exact for 0/1 scores, by the bootstrap for others.

    Raises:
        ValueError: no scores, or a score outside [0, 1].
    """
    sample = check_values(scores, 0.0, 1.0)
    if _is_in(sample, (0.0, 1.0)):
        return Proportion(_count(sample, 1.0), len(sample))
    return Means((sample,), (1.0,), (0.0, 1.0), (0.0, 1.0))


def paired_drop(before: Scores, after: Scores) -> Statistic:
    """Estimate the drop of a mean score over the same examples, before minus after.

    Args:
        before: One score an example, in distribution.
        after: The scores of the same examples under the shift, in the same order.

    Raises:
        ValueError: lengths differ, no scores, or a score outside [0, 1].
    """
    differences = _paired(before, after)
    if all(_is_in(Sample.of(scores), (0.0, 1.0)) for scores in (before, after)):
        return mean_difference(differences)
    return Means((differences,), (1.0,), (-1.0, 1.0), (-1.0, 1.0))


def mean_difference(values: Values) -> Statistic:
    """Estimate a mean of one value an example, such as a paired difference of drops, in [-2, 2].

    Values that are all -1, 0 or 1 are losses and gains and get exact tests; others, such as means
    over a cluster of several measurements of one example, get the bootstrap over examples.

    Raises:
        ValueError: no values, or one outside [-2, 2].
    """
    sample = check_values(values, -2.0, 2.0)
    if _is_in(sample, (-1.0, 0.0, 1.0)):
        return PairedDifference(_count(sample, 1.0), _count(sample, -1.0), len(sample))
    return Means((sample,), (1.0,), (-1.0, 1.0), (-2.0, 2.0))


def unpaired_drop(before: Values, after: Values) -> Statistic:
    """Estimate the drop of a mean score between two independent sets of examples.

    Raises:
        ValueError: no scores, or a score outside [0, 1].
    """
    first, second = check_values(before, 0.0, 1.0), check_values(after, 0.0, 1.0)
    if _is_in(first, (0.0, 1.0)) and _is_in(second, (0.0, 1.0)):
        right = (_count(first, 1.0), _count(second, 1.0))
        return UnpairedDifference(right[0], len(first), right[1], len(second))
    return Means((first, second), (1.0, -1.0), (0.0, 1.0), (-1.0, 1.0))


def unpaired_difference_of_drops(
    before: tuple[Scores, Scores], after: Sequence[tuple[Scores, Scores]]
) -> Statistic:
    """Estimate how much more the candidate drops than the baseline, on average over target sets.

    The models are paired on every set; the sets are independent samples. With d = candidate -
    baseline, the statistic is mean(d before) - mean over targets of mean(d after).

    Args:
        before: (candidate scores, baseline scores) on the in-distribution set.
        after: The same for each target set.

    Raises:
        ValueError: lengths differ, no scores, or a score outside [0, 1].
    """
    if not after:
        raise ValueError("there is no target set to compare on")
    samples = (_paired(*before), *(_paired(*scores) for scores in after))
    weights = (1.0, *(-1.0 / len(after) for _ in after))
    return Means(samples, weights, (-1.0, 1.0), (-2.0, 2.0))


def _paired(first: Scores, second: Scores) -> Categorical[float]:
    for scores in (first, second):
        check_values(scores, 0.0, 1.0)
    if len(first) != len(second):
        raise ValueError(f"{len(first)} and {len(second)} scores are not on the same examples")
    return combined([_column(first), _column(second)], sub)


def _column(scores: Scores) -> Categorical[float]:
    return scores if isinstance(scores, Categorical) else Categorical.of(map(float, scores))


def _count(sample: Sample, value: float) -> int:
    return int(sample.counts[sample.values == value].sum())


def _is_in(sample: Sample, values: tuple[float, ...]) -> bool:
    return bool(np.isin(sample.values, values).all())
