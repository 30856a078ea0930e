from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from pytest_ood.statistics import mean_difference
from pytest_ood.statistics.proportions import PairedDifference
from pytest_ood.statistics.seeds import OverSeeds, over_seeds

FIGURE = PairedDifference(30, 10, 200)


def width(figure: OverSeeds | PairedDifference) -> float:
    """Return the width of the 90 % interval."""
    low, high = figure.bounds(0.05)
    return high - low


def test_one_seed_is_the_figure_itself() -> None:
    """Models with one seed each have nothing to add."""
    assert over_seeds(FIGURE, (0.1,), ()) is FIGURE
    assert isinstance(over_seeds(FIGURE, (0.1,), (0.1, 0.12)), OverSeeds)


@pytest.mark.slow
@settings(max_examples=40)
@given(
    seeds=st.lists(st.floats(-0.3, 0.5), min_size=2, max_size=8).map(tuple),
    lost=st.integers(0, 30), gained=st.integers(0, 10), alpha=st.sampled_from([0.005, 0.05, 0.2]),
)  # fmt: skip
def test_seeds_never_make_an_interval_narrower(
    seeds: tuple[float, ...], lost: int, gained: int, alpha: float
) -> None:
    """With several seeds neither bound nor p-value is sharper than that of the examples alone."""
    figure = PairedDifference(lost, gained, 200)
    over = OverSeeds(figure, (seeds,))
    (low, high), (alone_low, alone_high) = over.bounds(alpha), figure.bounds(alpha)
    assert low <= alone_low <= alone_high <= high
    for limit in (-0.02, 0.0, 0.01, 0.1):
        assert over.p_above(limit) >= figure.p_above(limit)
        assert over.p_below(limit) >= figure.p_below(limit)


@pytest.mark.slow
@pytest.mark.parametrize("count", [3, 10])
def test_seeds_that_agree_keep_the_level(count: int) -> None:
    """A few losses that all seeds share pass at the true rate in at most alpha of the draws."""
    for rate in np.linspace(0.002, 0.06, 30):
        false = [
            binom.pmf(lost, 200, rate)
            for lost in range(8)
            if OverSeeds(
                PairedDifference(lost, 0, 200), ((lost / 200,) * count,)
            ).p_below(rate) <= 0.05
        ]  # fmt: skip
        assert sum(false) <= 0.05


def test_the_more_seeds_differ_the_wider_it_is() -> None:
    """The variance over seeds joins that over examples."""
    widths = [width(OverSeeds(FIGURE, ((0.1 - d, 0.1, 0.1 + d),))) for d in (0.0, 0.02, 0.05, 0.1)]
    assert widths == sorted(widths)


def test_two_seeds_are_worth_little_where_seeds_differ() -> None:
    """With one degree of freedom the interval is many times that of ten such seeds."""
    two, ten = (0.05, 0.15), (0.05, 0.15) * 5
    assert width(OverSeeds(FIGURE, (two,))) > 5 * width(OverSeeds(FIGURE, (ten,)))


def test_the_interval_is_worked_by_hand() -> None:
    """Mean plus and minus t, at two degrees of freedom, times the root of the summed variances."""
    figure = OverSeeds(FIGURE, ((0.08, 0.10, 0.12),))
    examples, seeds = FIGURE.spread**2 / 200, 0.02**2 / 3
    half = 2.919986 * math.sqrt(examples + seeds)
    assert figure.bounds(0.05) == pytest.approx((0.1 - half, 0.1 + half), abs=2e-4)
    assert figure.value == pytest.approx(0.1)
    assert figure.spread == pytest.approx(math.sqrt((examples + seeds) * 200))


@given(alpha=st.sampled_from([0.001, 0.05, 0.2]))
def test_bounds_and_p_values_agree(alpha: float) -> None:
    """The bound of level alpha is the limit whose p-value is alpha."""
    figure = OverSeeds(FIGURE, ((0.05, 0.1, 0.2),), (-9.0, 9.0))
    low, high = figure.bounds(alpha)
    assert figure.p_above(low) == pytest.approx(alpha)
    assert figure.p_below(high) == pytest.approx(alpha)


def test_examples_without_spread_leave_doubt() -> None:
    """Where no example changed and no seed differs, the interval still has some width."""
    assert width(OverSeeds(PairedDifference(0, 0, 100), ((0.0, 0.0),))) > 0.05


@pytest.mark.slow
def test_new_seeds_and_new_examples_keep_the_level() -> None:
    """Three seeds whose drops differ by several points: either side errs in 5 % of draws or so."""
    rng = np.random.default_rng(2)
    above = below = 0
    for _ in range(500):
        rates = np.clip(rng.normal(0.15, 0.04, size=3), 0.0, 1.0)
        hard = rng.random(200)
        lost = (hard[None, :] + 0.6 * rng.random((3, 200)) < 1.6 * rates[:, None]).astype(float)
        figure = over_seeds(mean_difference(lost.mean(axis=0)), tuple(lost.mean(axis=1)))
        truth = float(np.mean(TRUE_RATES))
        above += figure.p_above(truth) <= 0.05
        below += figure.p_below(truth) <= 0.05
    assert max(above, below) / 500 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 500)


def _true_rate() -> np.ndarray:
    """Return a large sample of the drop of a new seed on a new example."""
    rng = np.random.default_rng(3)
    rates = np.clip(rng.normal(0.15, 0.04, size=400_000), 0.0, 1.0)
    return rng.random(400_000) + 0.6 * rng.random(400_000) < 1.6 * rates


TRUE_RATES = _true_rate()


def test_bounds_stay_where_the_figure_can_be() -> None:
    """Two seeds far apart tell nothing, which is the whole range and not more."""
    far = OverSeeds(FIGURE, ((-0.9, 0.9),))
    assert far.bounds(0.05) == (-1.0, 1.0)
    assert OverSeeds(FIGURE, ((-0.9, 0.9),), (-2.0, 2.0)).bounds(0.05) == (-2.0, 2.0)
