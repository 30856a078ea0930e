from __future__ import annotations

import math

import pytest

from pytest_ood.statistics import estimate
from pytest_ood.statistics.proportions import Proportion
from pytest_ood.statistics.statistic import check_level, check_values


@pytest.mark.parametrize("alpha", [0.0, 0.5, -0.05, 1.0, 95.0, math.nan])
def test_a_level_outside_its_range_is_refused(alpha: float) -> None:
    """A one-sided level is inside (0, 0.5), wherever it is given."""
    for use in (check_level, lambda level: estimate(Proportion(3, 4), level)):
        with pytest.raises(ValueError, match=r"a one-sided level lies inside \(0, 0.5\)"):
            use(alpha)


@pytest.mark.parametrize("values", [[1.5], [-0.1, 0.5], [math.nan], [0.5, math.inf]])
def test_values_outside_their_range_are_refused(values: list[float]) -> None:
    """NaN, infinity and what lies outside the range give an error, never a figure."""
    with pytest.raises(ValueError, match=r"a value is not a number in \[0, 1\]"):
        check_values(values, 0.0, 1.0)


def test_no_values_are_refused() -> None:
    """Nothing can be estimated from nothing."""
    with pytest.raises(ValueError, match="there are no values"):
        check_values([], 0.0, 1.0)


def test_an_estimate_holds_the_figure_s_numbers() -> None:
    """An estimate is value, bounds, n and spread of its figure, as plain numbers."""
    figure = Proportion(9, 12)
    shown = estimate(figure, 0.05)
    assert (shown.value, shown.n, shown.spread) == (0.75, 12, math.sqrt(0.75 * 0.25))
    assert (shown.low, shown.high) == figure.bounds(0.05)
