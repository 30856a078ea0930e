"""How much an expected calibration error rises: sums of absolute means, which few examples inflate.

The mean of a bin's differences between confidence and rightness is off by chance, and its absolute
value is too large for that: a model that is perfectly calibrated has a calibration error of several
points on 300 examples. So the rise between two sets is underestimated where the first set's error
is inflated, and overestimated where the second's is. Both are bounded here and left out of no test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.means import Means

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.statistics.statistic import Statistic

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

INFLATION = math.sqrt(2.0 / math.pi)
"""E|x| of a normal x with the mean 0 and the deviation 1: no other mean inflates |x| by more."""

GRID = 100
"""Values are resampled as multiples of its inverse: as many examples as there are, few values."""


@dataclass(frozen=True)
class Binned:
    """The calibration of answers, each in the bin of its confidence.

    Attributes:
        bins: Of each answer, from 0, shape (n,).
        confidence: Of each answer, in [0, 1]; 0 without an answer, shape (n,).
        errors: Confidence minus rightness; 0 without an answer, shape (n,).
        count: How many bins there are.
    """

    bins: Codes
    confidence: Floats
    errors: Floats
    count: int

    @property
    def means(self) -> Floats:
        """The mean over all examples of the errors in each bin, shape (count,)."""
        return self._sums(self.errors) / len(self.errors)

    @property
    def value(self) -> float:
        """The expected calibration error."""
        return float(np.abs(self.means).sum())

    @property
    def signed(self) -> Floats:
        """What each example adds to the error, whose mean is `value`, shape (n,)."""
        values: Floats = self.errors * np.where(self.means < 0.0, -1.0, 1.0)[self.bins]
        return values

    @property
    def inflation(self) -> Floats:
        """How much too large the absolute mean of each bin is on average at most, shape (count,).

        Where a bin's few answers agree, their spread is that of calibrated ones.
        """
        observed = self._sums(self.errors**2)
        calibrated = self._sums(self.confidence * (1.0 - self.confidence))
        variances = np.maximum(observed, calibrated) / len(self.errors)
        return INFLATION * np.sqrt(variances / len(self.errors))

    def changes(self, other: Binned) -> tuple[Floats, Floats]:
        """Return by how much the mean of each bin is another here, and the inflation of that.

        Args:
            other: Of the same examples.
        """
        size = len(self.errors)
        moved = self.bins != other.bins
        same = np.where(moved, 0.0, self.errors - other.errors) ** 2
        squares = self._sums(same)
        for side in (self, other):
            left = np.where(moved, side.errors, 0.0) ** 2
            squares = squares + np.bincount(side.bins, left, self.count)
        return np.abs(self.means - other.means), INFLATION * np.sqrt(squares) / size

    def _sums(self, values: Floats) -> Floats:
        sums: Floats = np.bincount(self.bins, values, self.count).astype(np.float64)
        return sums


@dataclass(frozen=True)
class CalibrationRise:
    """How much an expected calibration error rises, or how much more than another one.

    Attributes:
        value: The difference of the estimates.
        rise: The same as a mean of what each example adds, with its own uncertainty.
        below: How much too small the value is on average at most.
        above: How much too large it is on average at most.
    """

    value: float
    rise: Statistic
    below: float
    above: float

    @property
    def n(self) -> int:
        """Examples."""
        return self.rise.n

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self.rise.spread

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds."""
        low, high = (bound + self.value - self.rise.value for bound in self.rise.bounds(alpha))
        high = max(high, 1.0 - alpha ** (1.0 / self.n))
        return max(-2.0, low - self.above), min(2.0, high + self.below)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "it rises by at most `limit`"."""
        return self.rise.p_above(limit + self.above - self.value + self.rise.value)

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "it rises by at least `limit`"."""
        p_value = self.rise.p_below(limit - self.below - self.value + self.rise.value)
        # By luck a few answers that are lost make an error smaller: that it falls is no evidence
        # that it could not have risen unseen (see `means.Means`).
        return max(p_value, (1.0 - min(1.0, max(0.0, limit - self.below))) ** self.n)


def calibration_rise(
    sides: Sequence[tuple[float, Binned, Binned]], *, paired: bool
) -> CalibrationRise:
    """Return the weighted sum of rises of the expected calibration error.

    Args:
        sides: Of each model its weight, and its answers before and under the shift; all models
            answered the same examples.
        paired: The same examples before and under the shift.
    """
    value = sum(weight * (after.value - before.value) for weight, before, after in sides)
    first = sum(weight * before.signed for weight, before, _ in sides)
    last = sum(weight * after.signed for weight, _, after in sides)
    samples = (last - first,) if paired else (last, first)
    rounded = tuple(np.round(np.asarray(sample) * GRID) / GRID for sample in samples)
    rise = Means(rounded, (1.0, -1.0)[: len(rounded)], (-1.0, 1.0), (-2.0, 2.0))
    below = above = 0.0
    for weight, before, after in sides:
        early, late = (side.inflation for side in (before, after))
        if paired:
            # A bin's errors differ by no more than its means do.
            changed, chance = after.changes(before)
            early, late = (np.minimum(side, changed + chance) for side in (early, late))
        harm, help_ = (early, late) if weight > 0 else (late, early)
        below += abs(weight) * float(harm.sum())
        above += abs(weight) * float(help_.sum())
    return CalibrationRise(float(value), rise, below, above)
