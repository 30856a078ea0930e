from __future__ import annotations

import sys

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_ood.statistics import Estimate, detectable, examples_to_settle, least_examples
from pytest_ood.statistics.proportions import PairedDifference, Proportion


def test_examples_to_settle_is_worked_by_hand() -> None:
    """With spread 0.5 and a distance of 5 points, (1.645 + 0.842)^2 * 0.25 / 0.0025 examples."""
    assert examples_to_settle(Estimate(0.05, 0.0, 0.1, 100, 0.5), 0.1, 0.05) == 619


def test_examples_on_the_limit_settle_nothing() -> None:
    """Where the estimate is on the limit no number of examples is enough."""
    assert examples_to_settle(Estimate(0.05, 0.0, 0.1, 100, 0.5), 0.05, 0.05) == sys.maxsize


@given(
    value=st.floats(-1, 1), limit=st.floats(-1, 1), n=st.integers(1, 10**6), spread=st.floats(0, 2)
)
def test_the_advice_is_to_take_more(value: float, limit: float, n: int, spread: float) -> None:
    """More examples than there are, and as many on either side of a limit."""
    assume(abs(value - limit) > 1e-8)
    needed = examples_to_settle(Estimate(value, -1.0, 1.0, n, spread), limit, 0.05)
    assert needed > n
    assert examples_to_settle(Estimate(-value, -1.0, 1.0, n, spread), -limit, 0.05) == needed


@given(limit=st.floats(0.005, 0.95), alpha=st.sampled_from([0.005, 0.05, 0.1]))
def test_the_least_examples_are_the_least(limit: float, alpha: float) -> None:
    """Without a single loss so many examples show a rate within the limit; one fewer do not."""
    least = least_examples(limit, alpha)
    assert Proportion(0, least).p_below(limit) <= alpha * (1 + 1e-9)
    if least > 1:
        assert Proportion(0, least - 1).p_below(limit) > alpha * (1 - 1e-9)


def test_the_least_limit_takes_more_examples_than_can_be_counted() -> None:
    """The number is infinite as a float, and no error."""
    assert least_examples(5e-324, 0.05) == least_examples(0.0, 0.05) == sys.maxsize


@pytest.mark.parametrize(("limit", "least"), [(0.1, 29), (0.03, 99), (0.01, 299), (1.0, 1)])
def test_the_least_examples_of_usual_budgets(limit: float, least: int) -> None:
    """The figures of the documentation, and that the drop's own test agrees with them."""
    assert least_examples(limit, 0.05) == least
    assert PairedDifference(0, 0, least).p_below(limit) <= 0.05


def test_no_number_of_examples_shows_a_drop_of_nothing() -> None:
    """A limit of 0 cannot be shown to be kept by losing nothing."""
    assert least_examples(0.0, 0.05) == sys.maxsize


def test_what_is_detectable_shrinks_with_the_root_of_n() -> None:
    """Four times the examples halve the distance; at power 0.8 it is 2.486 standard errors."""
    assert detectable(400, 0.3, 0.05) == pytest.approx(2.48647 * 0.3 / 20, rel=1e-5)
    assert detectable(1600, 0.3, 0.05) == pytest.approx(detectable(400, 0.3, 0.05) / 2)


@pytest.mark.parametrize("limit", [0.2, 0.1, 0.05, 0.03, 0.01])
def test_one_example_fewer_shows_no_drop_within_the_limit(limit: float) -> None:
    """The drop's own exact test asks for exactly the least examples, too."""
    least = least_examples(limit, 0.05)
    assert PairedDifference(0, 0, least).p_below(limit) <= 0.05
    assert PairedDifference(0, 0, least - 1).p_below(limit) > 0.05


@pytest.mark.slow
@given(value=st.floats(-0.5, 0.5), limit=st.floats(-0.5, 0.5), spread=st.floats(0.1, 1.0))
def test_so_many_examples_detect_the_distance(value: float, limit: float, spread: float) -> None:
    """Planning forwards and backwards agree: the distance is what so many examples detect."""
    assume(abs(value - limit) > 1e-3)
    needed = examples_to_settle(Estimate(value, -1.0, 1.0, 100, spread), limit, 0.05)
    assume(needed > 101)
    distance = abs(value - limit)
    assert detectable(needed, spread, 0.05) <= distance * (1 + 1e-9)
    assert detectable(needed - 1, spread, 0.05) > distance * (1 - 1e-9)
