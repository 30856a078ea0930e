"""The protocol of statistics, whatever the method of their intervals, and estimates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pytest_ood.statistics.samples import Sample

if TYPE_CHECKING:
    from pytest_ood.statistics.samples import Values


@dataclass(frozen=True)
class Estimate:
    """The value and interval of a statistic, as plain numbers.

    Attributes:
        value: The point estimate.
        low: One-sided lower bound of level alpha.
        high: One-sided upper bound of level alpha; both together cover 1 - 2 alpha.
        n: The number of examples; of an unpaired difference, of the smaller sample.
        spread: Standard error times sqrt(n): what one example contributes to the uncertainty.
    """

    value: float
    low: float
    high: float
    n: int
    spread: float


class Statistic(Protocol):
    """An estimated quantity theta: a mean score, a drop, a difference of drops.

    Bounds and p-values are two views of the same tests: the lower bound of level alpha is the
    largest limit that `p_above` refutes at alpha.
    """

    @property
    def value(self) -> float:
        """The point estimate."""
        ...

    @property
    def n(self) -> int:
        """The number of examples."""
        ...

    @property
    def spread(self) -> float:
        """Standard error times sqrt(n)."""
        ...

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the one-sided lower and the one-sided upper bound, each of level alpha.

        Raises:
            ValueError: alpha is outside (0, 0.5).
        """
        ...

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at most `limit`": small where it is above."""
        ...

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "theta is at least `limit`": small where it is below."""
        ...


def estimate(statistic: Statistic, alpha: float) -> Estimate:
    """Return the value of a statistic with its bounds of level alpha.

    Raises:
        ValueError: alpha is outside (0, 0.5).
    """
    low, high = statistic.bounds(check_level(alpha))
    return Estimate(
        value=statistic.value, low=low, high=high, n=statistic.n, spread=statistic.spread
    )


def check_level(alpha: float) -> float:
    """Return a one-sided level.

    Raises:
        ValueError: alpha is not inside (0, 0.5).
    """
    if not 0.0 < alpha < 0.5:  # noqa: PLR2004 - the definition of a one-sided level
        raise ValueError(
            f"alpha = {alpha!r}: a one-sided level lies inside (0, 0.5); 0.05 is usual"
        )
    return alpha


def check_values(values: Values, low: float, high: float) -> Sample:
    """Return values as a sample.

    Raises:
        ValueError: no values, or one that is not a number in [low, high].
    """
    sample = Sample.of(values)
    if len(sample) == 0:
        raise ValueError("there are no values; a statistic needs at least one")
    numbers = sample.values
    if not np.all(np.isfinite(numbers)) or numbers.min() < low or numbers.max() > high:
        raise ValueError(f"a value is not a number in [{low:g}, {high:g}]")
    return sample
