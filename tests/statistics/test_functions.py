from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import bootstrap

from pytest_ood.statistics import Shortage, shortage
from pytest_ood.statistics.functions import FunctionOfMeans, Unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

NONE = np.empty((0, 2))


def ratio(means: Sequence[np.ndarray]) -> np.ndarray:
    """Return the first feature's mean over the second's."""
    return means[0][..., 0] / means[0][..., 1]


def skewed(n: int, seed: int = 5) -> np.ndarray:
    """Return rows of two positive features."""
    rng = np.random.default_rng(seed)
    return np.stack([rng.exponential(1.0, n), 1.0 + rng.random(n)], axis=1)


def test_the_interval_is_the_bca_interval() -> None:
    """On a skewed ratio the bounds are those of scipy's BCa bootstrap."""
    rows = skewed(80)
    figure = FunctionOfMeans((rows,), (NONE,), ratio)
    reference = bootstrap(
        (rows[:, 0], rows[:, 1]),
        lambda a, b, axis: a.mean(axis=axis) / b.mean(axis=axis),
        paired=True, confidence_level=0.90, n_resamples=9_999, method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    width = reference.high - reference.low
    assert figure.bounds(0.05) == pytest.approx(tuple(reference), abs=0.04 * width)
    assert figure.value == pytest.approx(rows[:, 0].mean() / rows[:, 1].mean())
    assert figure.n == 80


def test_two_samples_are_resampled_apart() -> None:
    """The interval of a difference of two samples' means agrees with scipy's."""
    first, second = skewed(60, 1)[:, :1], skewed(90, 2)[:, :1]
    none = np.empty((0, 1))
    figure = FunctionOfMeans(
        (first, second), (none, none), lambda means: means[0][..., 0] - means[1][..., 0]
    )
    reference = bootstrap(
        (first[:, 0], second[:, 0]),
        lambda a, b, axis: a.mean(axis=axis) - b.mean(axis=axis),
        confidence_level=0.90, n_resamples=9_999, method="BCa", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    width = reference.high - reference.low
    assert figure.bounds(0.05) == pytest.approx(tuple(reference), abs=0.04 * width)
    assert figure.n == 60


@given(alpha=st.sampled_from([0.002, 0.01, 0.05, 0.2]))
def test_bounds_and_p_values_agree(alpha: float) -> None:
    """The bound of level alpha is the limit whose p-value is alpha."""
    figure = FunctionOfMeans((skewed(50),), (NONE,), ratio)
    low, high = figure.bounds(alpha)
    assert figure.p_above(low) == pytest.approx(alpha, rel=0.1, abs=3e-4)
    assert figure.p_below(high) == pytest.approx(alpha, rel=0.1, abs=3e-4)


def test_p_values_move_the_right_way() -> None:
    """A limit far below is refuted as an upper limit, and not as a lower one."""
    figure = FunctionOfMeans((skewed(50),), (NONE,), ratio)
    third, threefold = figure.value / 3, figure.value * 3
    assert max(figure.p_above(third), figure.p_below(threefold)) < 0.01
    assert min(figure.p_below(third), figure.p_above(threefold)) > 0.9


def test_pseudo_rows_leave_doubt() -> None:
    """Rows that are all alike get an interval with some width, and the estimate stays theirs."""
    rows = np.tile([[1.0, 1.0]], (40, 1))
    figure = FunctionOfMeans((rows,), (np.array([[0.0, 1.0], [2.0, 1.0]]),), ratio)
    low, high = figure.bounds(0.05)
    assert figure.value == 1.0
    assert low < 0.98
    assert high > 1.02


def test_equal_rows_give_equal_intervals() -> None:
    """The resampling draws nothing from outside: the order of the rows does not matter."""
    rows = skewed(40)
    one = FunctionOfMeans((rows,), (NONE,), ratio).bounds(0.05)
    assert FunctionOfMeans((rows[::-1].copy(),), (NONE,), ratio).bounds(0.05) == one


def test_resamples_on_the_limit_are_no_evidence() -> None:
    """Where every resample equals the limit, neither "at most" nor "at least" it is refuted."""
    figure = FunctionOfMeans((np.tile([[0.1, 0.3]], (40, 1)),), (NONE,), ratio)
    assert figure.bounds(0.05) == pytest.approx((1 / 3, 1 / 3))
    assert min(figure.p_above(1 / 3), figure.p_below(1 / 3)) > 0.99
    assert max(figure.p_above(0.3), figure.p_below(0.4)) < 0.001


def test_what_never_changes_is_not_refuted() -> None:
    """A label whose few examples hardly ever are drawn leaves "no drop" standing on both sides."""
    rows = np.zeros((200, 2))
    rows[0] = 1.0, 0.0
    rows[1] = 0.0, 1.0
    figure = FunctionOfMeans((rows,), (NONE,), lambda means: means[0][..., 0] - means[0][..., 1])
    assert min(figure.p_above(0.0), figure.p_below(0.0)) > 0.5


@given(
    first=st.lists(st.sampled_from([0.0, 0.1, 1.0, 9.0]), min_size=1, max_size=8),
    limits=st.lists(st.floats(-2, 12), min_size=2, max_size=2).map(sorted),
)
@settings(max_examples=30)
def test_p_values_are_shares_and_rise_with_the_limit(
    first: list[float], limits: list[float]
) -> None:
    """However few and skewed the rows are, a larger limit is never easier to refute."""
    rows = np.stack([np.array(first), np.ones(len(first))], axis=1)
    figure = FunctionOfMeans((rows,), (NONE,), ratio)
    low, high = (figure.p_above(limit) for limit in limits)
    assert 0.0 <= low <= high <= 1.0
    assert 0.0 <= figure.p_below(limits[1]) <= figure.p_below(limits[0]) <= 1.0
    bounds = figure.bounds(0.05)
    assert bounds[0] <= figure.value <= bounds[1]


def test_constant_features_are_certain() -> None:
    """Rows that are all alike, with no pseudo rows, have no width and divide nothing by 0."""
    figure = FunctionOfMeans((np.tile([[0.5, 1.0]], (30, 1)),), (NONE,), ratio)
    assert figure.bounds(0.05) == (0.5, 0.5)
    assert figure.spread == 0.0
    assert max(figure.p_above(0.4), figure.p_below(0.6)) < 0.001
    assert min(figure.p_above(0.5), figure.p_below(0.5)) > 0.999


@pytest.mark.parametrize("alpha", [0.0005, 0.01, 0.05, 0.3, 0.5, 0.9])
def test_the_p_value_undoes_the_level(alpha: float) -> None:
    """The limit at the share of resamples that belongs to alpha has alpha as its p-value."""
    figure = FunctionOfMeans((skewed(50),), (NONE,), ratio)
    share = figure._level(alpha)  # noqa: SLF001 - the formula and its inverse
    limit = figure._quantile(share)  # noqa: SLF001
    assert figure.p_above(limit) == pytest.approx(alpha, rel=0.02, abs=3e-4)
    assert figure.p_below(limit) == pytest.approx(1.0 - alpha, rel=0.02, abs=3e-4)


@pytest.mark.parametrize("n", [8, 200])
def test_p_values_rise_with_the_limit(n: int) -> None:
    """A larger limit is never easier to refute as an upper one, or harder as a lower one."""
    figure = FunctionOfMeans((skewed(n),), (NONE,), ratio)
    limits = np.linspace(-0.5, 4.0, 200)
    above = [figure.p_above(limit) for limit in limits]
    below = [figure.p_below(limit) for limit in limits]
    assert above == sorted(above)
    assert below == sorted(below, reverse=True)


def never_lost(n: int, largest: float = 1.0) -> FunctionOfMeans:
    """Return how much is lost of n examples of which none is, in a sample of 200."""
    rows = np.ones((200, 1))
    event = Unseen(0, np.array([-1.0]), n, largest, "examples of 'rare'")
    none = np.empty((0, 1))
    return FunctionOfMeans((rows,), (none,), lambda means: 1.0 - means[0][..., 0], (event,))


def test_what_went_unseen_is_not_ruled_out() -> None:
    """Of n examples none of which is lost, a share of 1 - alpha^(1/n) may be: the rule of three."""
    figure = never_lost(20)
    unseen = 1.0 - 0.05 ** (1 / 20)
    assert figure.bounds(0.05) == pytest.approx((0.0, unseen))
    assert figure.p_below(unseen) == pytest.approx(0.05)
    assert figure.p_below(0.25) == pytest.approx(0.75**20)
    # Nothing that went unseen could have made it less than it is.
    assert figure.p_above(-0.01) < 0.001
    # Half of the examples cannot be lost; more than that is no matter of these.
    assert never_lost(20, 0.4).p_below(0.5) < 0.001


def test_what_is_short_is_told() -> None:
    """Twenty examples show no drop of 5 points; 59 would."""
    assert shortage(never_lost(20), 0.05, 0.05) == Shortage(20, 59, "examples of 'rare'")
    assert shortage(never_lost(59), 0.05, 0.05) is None
    assert shortage(never_lost(20), 0.5, 0.05) is None


@pytest.mark.parametrize("n", [100, 300, 2000])
def test_a_total_collapse_is_significant_in_a_family(n: int) -> None:
    """Where all examples are alike a p-value falls with n, though pseudo-rows alone have spread."""
    rows, pseudo = np.tile([1.0, 0.0], (n, 1)), np.array([[1.0, 0.0], [0.0, 1.0]])
    statistic = FunctionOfMeans((rows,), (pseudo,), lambda means: means[0][..., 0] ** 4)
    # Under the limit of a family of 20 gates, and no sharper than Cantelli's inequality.
    assert statistic.p_above(0.05) < 0.05 / 20
    assert statistic.p_above(0.05) > 1.0 / (100.0 + 2.0 * n**2)
    assert statistic.p_above(0.9) <= statistic.p_above(0.95)
