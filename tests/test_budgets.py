from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.budgets import (
    Budget,
    Judgement,
    check_share,
    interval,
    judge_at_least,
    judge_at_most,
    points,
)
from pytest_ood.errors import ConfigurationError
from pytest_ood.statistics import Estimate

BOUNDS = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).map(sorted)


def estimate(low: float, value: float, high: float, n: int = 100) -> Estimate:
    """Make an estimate with this interval."""
    return Estimate(value, low, high, n, 0.5)


@pytest.mark.parametrize("value", [None, 0, 1, 0.0, 0.03, 1.0])
def test_a_budget_takes_a_share(value: float | None) -> None:
    """A share of 0 to 1, whole numbers included, or nothing at all, is a budget."""
    assert Budget(max_drop=value, margin=value) == Budget(value, value)


@pytest.mark.parametrize("key", ["max_drop", "margin"])
@pytest.mark.parametrize("value", [3, -0.01, 1.0001, True, "0.03", [0.03], float("nan")])
def test_a_budget_refuses_what_is_no_share(key: str, value: Any) -> None:
    """Anything but a share is refused; the message names key and value and shows 3 points."""
    with pytest.raises(ConfigurationError) as caught:
        Budget(**{key: value})
    message = f"{key} = {value!r} is a share and lies in [0, 1]; 3 points are 0.03"
    assert str(caught.value) == message


def test_a_share_may_start_below_zero() -> None:
    """Where a gain may be asked for, the lower end is given and named."""
    check_share("max_drop", -0.5, low=-1.0)
    with pytest.raises(ConfigurationError, match=r"lies in \[-1, 1\]"):
        check_share("max_drop", -1.5, low=-1.0)


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (-0.02, 0.01, 0.03, "pass"),  # the limit itself is within
        (-0.02, 0.01, 0.0301, "inconclusive"),
        (0.03, 0.05, 0.07, "inconclusive"),  # not beyond the limit yet
        (0.0301, 0.05, 0.07, "fail"),
        (0.03, 0.03, 0.03, "pass"),
        (-0.2, -0.1, -0.05, "pass"),
    ],
)
def test_at_most(low: float, value: float, high: float, verdict: str) -> None:
    """The upper bound decides on pass, the lower one on fail, and between them is neither."""
    assert judge_at_most(estimate(low, value, high), 0.03, 0.05).verdict == verdict


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.7, 0.75, 0.8, "pass"),
        (0.6999, 0.75, 0.8, "inconclusive"),
        (0.6, 0.65, 0.7, "inconclusive"),
        (0.6, 0.65, 0.6999, "fail"),
    ],
)
def test_at_least(low: float, value: float, high: float, verdict: str) -> None:
    """The lower bound decides on pass, the upper one on fail, and between them is neither."""
    assert judge_at_least(estimate(low, value, high), 0.7, 0.05).verdict == verdict


@settings(deadline=None)
@given(bounds=BOUNDS, limit=st.floats(-1, 1))
def test_at_least_mirrors_at_most(bounds: list[float], limit: float) -> None:
    """A figure is at least a limit exactly where its negative is at most the limit's."""
    low, value, high = bounds
    at_most = judge_at_most(estimate(low, value, high), limit, 0.05)
    at_least = judge_at_least(estimate(-high, -value, -low), -limit, 0.05)
    assert at_least.verdict == at_most.verdict


@settings(deadline=None)
@given(bounds=BOUNDS, limits=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted))
def test_a_larger_budget_is_never_harder(bounds: list[float], limits: list[float]) -> None:
    """Raising the limit moves a verdict from fail over inconclusive to pass, never back."""
    order = ["fail", "inconclusive", "pass"]
    low, value, high = bounds
    before, after = (
        order.index(judge_at_most(estimate(low, value, high), limit, 0.05).verdict)
        for limit in limits
    )
    assert before <= after


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ((-0.021, 0.01, 0.024), "at most 2.4 with confidence 95%"),
        ((0.041, 0.05, 0.07), "above 4.1 with confidence 95%"),
        ((0.0, 0.05, 0.07), "about 3,865 examples would settle it (now 100)"),
        ((0.0, 0.03, 0.07), "the estimate lies on the limit; no number of examples is sure to "
         "settle it"),
    ],
)  # fmt: skip
def test_the_reason_of_at_most(bounds: tuple[float, float, float], reason: str) -> None:
    """The reason gives the bound that decides, or how many examples would settle it."""
    assert judge_at_most(estimate(*bounds), 0.03, 0.05).reason == reason


@pytest.mark.parametrize(
    ("bounds", "judgement"),
    [
        ((0.71, 0.75, 0.8), Judgement("pass", "at least 71.0 with confidence 95%")),
        ((0.5, 0.6, 0.65), Judgement("fail", "below 65.0 with confidence 95%")),
    ],
)
def test_the_reason_of_at_least(bounds: tuple[float, float, float], judgement: Judgement) -> None:
    """The reason gives the bound that decides."""
    assert judge_at_least(estimate(*bounds), 0.7, 0.05) == judgement


@pytest.mark.parametrize(("alpha", "confidence"), [(0.025, "97.5%"), (0.001, "99.9%")])
def test_the_confidence_is_not_rounded_up(alpha: float, confidence: str) -> None:
    """The reason never claims more confidence than the bounds have."""
    assert confidence in judge_at_most(estimate(0.0, 0.01, 0.02), 0.03, alpha).reason


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0"), (0.031, "3.1"), (-0.0274, "-2.7"), (1.0, "100.0"), (-0.0004, "0.0")],
)
def test_points(share: float, text: str) -> None:
    """A share is written in percentage points with one decimal, and never as minus zero."""
    assert points(share) == text


def test_an_interval_is_written_in_points() -> None:
    """Both bounds are written in percentage points."""
    assert interval(estimate(-0.012, 0.0, 0.3456)) == "[-1.2, 34.6]"
