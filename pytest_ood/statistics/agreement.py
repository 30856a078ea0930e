"""How far two raters agree beyond chance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Ratings = Sequence[float] | NDArray[np.float64]


def cohens_kappa(first: Ratings, second: Ratings) -> float | None:
    """Return (observed - expected agreement) / (1 - expected agreement).

    Cohen 1960, Educational and Psychological Measurement 20:37-46. None where both raters give one
    and the same rating to everything, so that agreement by chance is certain.

    Args:
        first: The rating of each item by one rater; one item at least.
        second: By the other, in the same order.
    """
    one, other = np.asarray(first), np.asarray(second)
    observed = float(np.mean(one == other))
    ratings = np.union1d(one, other)
    expected = float(sum(np.mean(one == r) * np.mean(other == r) for r in ratings))
    return None if expected >= 1.0 else (observed - expected) / (1.0 - expected)
