from __future__ import annotations

import random
from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.statistics.medians import median_with_bounds


def test_a_worked_example() -> None:
    """Of 10 values the second and the ninth bound the median: P(Bin(10, 1/2) < 2) = 11/1024."""
    assert median_with_bounds(range(1, 11), 0.02, (0.0, 99.0)) == (5.5, 2.0, 9.0)
    assert median_with_bounds(range(1, 11), 0.01, (0.0, 99.0)) == (5.5, 1.0, 10.0)


@given(
    values=st.lists(st.integers(0, 50), min_size=1, max_size=60),
    alpha=st.floats(0.001, 0.49),
)
def test_bounds_hold_the_median_and_have_their_level(values: list[int], alpha: float) -> None:
    """The k-th values from both ends: k is the largest whose error is within alpha."""
    middle, low, high = median_with_bounds(values, alpha, (-1.0, 99.0))
    assert low <= middle <= high
    n, ordered = len(values), sorted(values)
    tails = [sum(comb(n, j) for j in range(k)) / 2**n for k in range(1, n + 1)]
    place = sum(tail <= alpha for tail in tails)
    if place == 0:
        assert (low, high) == (-1.0, 99.0)
    else:
        assert (low, high) == (ordered[place - 1], ordered[-place])


def test_the_level_is_kept() -> None:
    """Over many samples a bound misses the true median about as often as alpha says, at most."""
    rng = random.Random(0)
    missed = 0
    for _ in range(2000):
        sample = [rng.expovariate(1.0) for _ in range(25)]
        missed += median_with_bounds(sample, 0.05, (0.0, 99.0))[1] > 0.693147
    assert missed / 2000 < 0.05 + 3 * (0.05 * 0.95 / 2000) ** 0.5


@pytest.mark.parametrize(("values", "alpha"), [([], 0.05), ([1.0], 0.5), ([1.0], 0.0)])
def test_what_has_no_median_is_refused(values: list[float], alpha: float) -> None:
    """No values and no level are errors."""
    with pytest.raises(ValueError, match=r"no values|one-sided level"):
        median_with_bounds(values, alpha, (0.0, 1.0))
