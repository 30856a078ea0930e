"""Medians, with intervals that hold whatever the distribution."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from collections.abc import Sequence


def median_with_bounds(
    values: Sequence[float], alpha: float, limits: tuple[float, float]
) -> tuple[float, float, float]:
    """Return the median and its one-sided bounds, each of level alpha.

    The bounds are order statistics: the k-th smallest value lies above the median of the
    distribution only if fewer than k values lie at or below it, of which each does with chance 1/2
    or more (Conover 1999, Practical Nonparametric Statistics, section 3.2).

    Args:
        values: Independent values.
        alpha: One-sided level, in (0, 0.5).
        limits: The bounds where there are too few values for any.

    Raises:
        ValueError: no values, or alpha is outside (0, 0.5).
    """
    # The distribution's own function: `scipy.stats` takes a third of a second to load.
    from scipy.special import bdtr

    if not values:
        raise ValueError("there are no values; a median needs at least one")
    ordered = sorted(values)
    # The largest k with P(Bin(n, 1/2) < k) <= alpha.
    below = bdtr(np.arange(len(ordered)), len(ordered), 0.5)
    rank = int(np.count_nonzero(below <= check_level(alpha)))
    if rank < 1:
        return float(median(ordered)), *limits
    return float(median(ordered)), float(ordered[rank - 1]), float(ordered[-rank])
