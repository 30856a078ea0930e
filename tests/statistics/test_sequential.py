from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.statistics.proportions import PairedDifference
from pytest_ood.statistics.sequential import (
    BETTING_SHARE,
    LARGEST_BET,
    Sequential,
    bets,
    log_wealth,
    looks,
)

DROPS = np.array([-1.0, 0.0, 1.0])


def sequence(counts: list[list[int]], horizon: int = 320, *, final: bool = False) -> Sequential:
    """Return the figure of gains, ties and losses that add up look by look."""
    gained, same, lost = counts[-1]
    current = PairedDifference(lost, gained, gained + same + lost)
    return Sequential(DROPS, np.array(counts, float), -1.0, 1.0, horizon, current, final)


@given(n=st.integers(1, 30_000))
def test_looks_end_with_the_last_example(n: int) -> None:
    """Looks rise up to n, at least 32 examples apart but for the last, and are at most 65."""
    places = looks(n)
    assert places[-1] == n
    assert len(places) <= 65
    assert all(b > a for a, b in pairwise(places))
    assert all(b - a >= 32 for a, b in zip([0, *places], places[:-1], strict=False))


@given(horizon=st.integers(1, 10**6))
def test_bets_are_safe_and_reach_as_low_as_the_horizon_can_tell(horizon: int) -> None:
    """The largest bet risks no ruin, and longer horizons mix smaller ones."""
    shares = bets(horizon)
    assert shares[0] == LARGEST_BET
    assert np.all(shares[1:] == shares[:-1] / 2)
    assert len(shares) <= len(bets(horizon * 4))


@given(
    rates=st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 1.0)),
    limit=st.floats(-0.9, 0.9), horizon=st.integers(10, 5000),
)  # fmt: skip
def test_a_bet_against_the_truth_wins_nothing_on_average(
    rates: tuple[float, float], limit: float, horizon: int
) -> None:
    """With a mean of at most the limit, one step multiplies the stake by at most 1 in the mean."""
    gain, loss = rates[0], (1 - rates[0]) * rates[1]
    likely = np.array([gain, 1 - gain - loss, loss])
    if loss - gain > limit:
        return
    after = np.exp(log_wealth(DROPS, np.eye(3), limit, -1.0, horizon))
    assert float(likely @ after) <= 1.0 + 1e-9


def test_the_truth_is_seldom_refuted_at_any_time() -> None:
    """Looking at every batch, betting refutes the true mean in at most its share of the draws."""
    rng = np.random.default_rng(5)
    counts = rng.multinomial(32, [0.03, 0.89, 0.08], size=(3000, 30)).cumsum(axis=1)
    for sign in (1.0, -1.0):
        wealth = log_wealth(sign * DROPS, counts.astype(float), sign * 0.05, -1.0, 960)
        refuted = (wealth.max(axis=1) >= np.log(1 / 0.05)).mean()
        assert refuted <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 3000)


def test_only_counts_matter() -> None:
    """The order of the examples within a batch does not change what was won."""
    whole = log_wealth(DROPS, np.array([3.0, 20.0, 9.0]), 0.1, -1.0, 320)
    parts = [log_wealth(DROPS, row, 0.1, -1.0, 320) for row in 9.0 * np.eye(3)]
    assert np.isfinite([*parts, whole]).all()
    one_bet = np.log1p(bets(320)[:, None] / 1.1 * (DROPS - 0.1)) @ np.array([3.0, 20.0, 9.0])
    assert whole == pytest.approx(np.log(np.mean(np.exp(one_bet))))


@given(data=st.data(), limit=st.floats(-0.8, 0.8))
def test_looking_again_takes_nothing_back(data: st.DataObject, limit: float) -> None:
    """The p-value after one more look is never larger than before."""
    rows = data.draw(
        st.lists(st.tuples(*[st.integers(0, 12)] * 3), min_size=2, max_size=6).filter(
            lambda rows: sum(rows[0]) > 0
        )
    )
    counts = np.array(rows).cumsum(axis=0).tolist()
    before, after = sequence(counts[:-1]), sequence(counts)
    assert after.p_above(limit) <= before.p_above(limit)
    assert after.p_below(limit) <= before.p_below(limit)


@given(data=st.data())
def test_turning_the_signs_turns_the_figure(data: st.DataObject) -> None:
    """Gains instead of losses mirror the bounds and swap the p-values."""
    gained, same, lost = data.draw(st.tuples(*[st.integers(0, 40)] * 3).filter(any))
    one, other = sequence([[gained, same, lost]]), sequence([[lost, same, gained]])
    assert one.bounds(0.05) == pytest.approx(tuple(-b for b in other.bounds(0.05)[::-1]), abs=1e-6)
    assert one.p_above(0.1) == pytest.approx(other.p_below(-0.1))


@pytest.mark.slow
@given(data=st.data(), alpha=st.sampled_from([0.001, 0.05, 0.2]), final=st.booleans())
def test_bounds_and_p_values_agree(data: st.DataObject, alpha: float, final: bool) -> None:  # noqa: FBT001 - drawn
    """What lies beyond a bound is refuted at alpha, and what lies within is not."""
    gained, same, lost = data.draw(st.tuples(*[st.integers(0, 40)] * 3).filter(any))
    figure = sequence([[gained, same, lost]], final=final)
    low, high = figure.bounds(alpha)
    assert -1.0 <= low <= figure.value <= high <= 1.0
    if -1.0 < low < figure.value:
        assert figure.p_above(low - 1e-4) <= alpha * 1.001
        assert figure.p_above(low + 1e-4) > alpha * 0.9
    if figure.value < high < 1.0:
        assert figure.p_below(high + 1e-4) <= alpha * 1.001
        assert figure.p_below(high - 1e-4) > alpha * 0.9


def test_the_last_test_has_what_betting_leaves() -> None:
    """After all examples the exact test adds its verdict at a tenth of the level."""
    counts = [[5, 270, 45]]
    exact = PairedDifference(45, 5, 320).p_above(0.06)
    assert sequence(counts).p_above(0.06) > 1.5 * exact / (1 - BETTING_SHARE)
    assert sequence(counts, final=True).p_above(0.06) == pytest.approx(exact / (1 - BETTING_SHARE))


def test_limits_beyond_the_range_are_settled_for_certain() -> None:
    """No mean lies below the least value, and nothing is known about one that lies at it."""
    figure = sequence([[1, 30, 1]])
    assert figure.p_above(-1.5) == 0.0
    assert figure.p_above(-1.0) == 1.0
    assert figure.p_below(1.5) == 0.0


@given(
    values=st.lists(st.floats(-2.0, 2.0), min_size=1, max_size=6),
    above=st.floats(0.0, 1.0), horizon=st.integers(1, 5000),
)  # fmt: skip
def test_a_bet_on_any_values_wins_nothing_on_average(
    values: list[float], above: float, horizon: int
) -> None:
    """Differences of two drops, in [-2, 2] and equally likely, are a fair bet at best."""
    limit = float(np.mean(values)) + above
    if limit < -1.99:
        return
    after = np.exp(log_wealth(np.array(values), np.eye(len(values)), limit, -2.0, horizon))
    assert float(after.mean()) <= 1.0 + 1e-9


@pytest.mark.parametrize(
    ("n", "places"), [(1, [1]), (32, [32]), (33, [32, 33]), (100, [32, 64, 96, 100])]
)
def test_the_looks_of_few_examples(n: int, places: list[int]) -> None:
    """Every 32 examples and at the last."""
    assert looks(n) == places
