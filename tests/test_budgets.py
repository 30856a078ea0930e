from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_ood.budgets import (
    Budget,
    Judgement,
    Rules,
    interval,
    is_settled,
    judge_at_least,
    judge_at_most,
    points,
)
from pytest_ood.errors import ConfigurationError
from pytest_ood.statistics import Estimate
from pytest_ood.statistics.proportions import Proportion
from pytest_ood.utils.tables import check_share

BOUNDS = st.tuples(st.floats(-1, 1), st.floats(-1, 1), st.floats(-1, 1)).map(sorted)


@dataclass(frozen=True)
class Known:
    """A figure whose interval of level alpha is given; limits inside it have a p-value of a half.

    A limit that is a bound is refuted from the side of the upper one and not from the lower one.
    """

    low: float
    value: float
    high: float
    alpha: float = 0.05
    n: int = 100
    spread: float = 0.5

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the interval."""
        del alpha
        return self.low, self.high

    def p_above(self, limit: float) -> float:
        """Return alpha below the interval."""
        return self.alpha if limit < self.low else 0.5

    def p_below(self, limit: float) -> float:
        """Return alpha above the interval, its upper bound included."""
        return self.alpha if limit >= self.high else 0.5


def estimate(low: float, value: float, high: float, n: int = 100) -> Known:
    """Make a figure with this interval."""
    return Known(low, value, high, n=n)


RULES = Rules(0.05)


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
    message = f"{key} = {value!r} is not a share in [0, 1]; 3 points are 0.03"
    assert str(caught.value) == message


def test_a_share_may_start_below_zero() -> None:
    """Where a gain may be asked for, the lower end is given and named."""
    check_share("max_drop", -0.5, low=-1.0)
    with pytest.raises(ConfigurationError, match=r"not a share in \[-1, 1\]"):
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
    assert judge_at_most(estimate(low, value, high), 0.03, RULES).verdict == verdict


@pytest.mark.parametrize(
    ("low", "value", "high", "verdict"),
    [
        (0.7001, 0.75, 0.8, "pass"),
        (0.6999, 0.75, 0.8, "inconclusive"),
        (0.6, 0.65, 0.7001, "inconclusive"),
        (0.6, 0.65, 0.6999, "fail"),
    ],
)
def test_at_least(low: float, value: float, high: float, verdict: str) -> None:
    """The lower bound decides on pass, the upper one on fail, and between them is neither."""
    assert judge_at_least(estimate(low, value, high), 0.7, RULES).verdict == verdict


@settings(deadline=None)
@given(bounds=BOUNDS, limit=st.floats(-1, 1))
def test_at_least_mirrors_at_most(bounds: list[float], limit: float) -> None:
    """A figure is at least a limit exactly where its negative is at most the limit's."""
    low, value, high = bounds
    assume(limit not in (low, high))
    at_most = judge_at_most(estimate(low, value, high, n=10**9), limit, RULES)
    at_least = judge_at_least(estimate(-high, -value, -low), -limit, RULES)
    assert at_least.verdict == at_most.verdict


@settings(deadline=None)
@given(bounds=BOUNDS, limits=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).map(sorted))
def test_a_larger_budget_is_never_harder(bounds: list[float], limits: list[float]) -> None:
    """Raising the limit moves a verdict from fail over what is open to pass, never back."""
    order = {"fail": 0, "invalid": 1, "inconclusive": 1, "pass": 2}
    low, value, high = bounds
    before, after = (
        order[judge_at_most(estimate(low, value, high), limit, RULES).verdict] for limit in limits
    )
    assert before <= after


@pytest.mark.parametrize(
    ("bounds", "reason"),
    [
        ((-0.021, 0.01, 0.024), "at most 2.4 with confidence 95%"),
        ((0.041, 0.05, 0.07), "above 4.1 with confidence 95%"),
        ((0.0, 0.05, 0.07), "about 3,865 examples would settle it (now 100)"),
        ((0.0, 0.03, 0.07), "the estimate is on the limit; no number of examples is sure to "
         "settle it"),
    ],
)  # fmt: skip
def test_the_reason_of_at_most(bounds: tuple[float, float, float], reason: str) -> None:
    """The reason gives the bound that decides, or how many examples would settle it."""
    assert judge_at_most(estimate(*bounds), 0.03, RULES).reason == reason


@pytest.mark.parametrize(
    ("bounds", "judgement"),
    [
        ((0.71, 0.75, 0.8), Judgement("pass", "at least 71.0 with confidence 95%")),
        ((0.5, 0.6, 0.65), Judgement("fail", "below 65.0 with confidence 95%")),
    ],
)
def test_the_reason_of_at_least(bounds: tuple[float, float, float], judgement: Judgement) -> None:
    """The reason gives the bound that decides."""
    assert replace(judge_at_least(estimate(*bounds), 0.7, RULES), p_fail=None) == judgement


@pytest.mark.parametrize(("alpha", "confidence"), [(0.025, "97.5%"), (0.001, "99.9%")])
def test_the_confidence_is_not_rounded_up(alpha: float, confidence: str) -> None:
    """The reason never claims more confidence than the bounds have."""
    figure = Known(0.0, 0.01, 0.02, alpha)
    assert confidence in judge_at_most(figure, 0.03, Rules(alpha)).reason


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.0, "0.0"), (0.031, "3.1"), (-0.0274, "-2.7"), (1.0, "100.0"), (-0.0004, "0.0")],
)
def test_points(share: float, text: str) -> None:
    """A share is written in percentage points with one decimal, and never as minus zero."""
    assert points(share) == text


def test_an_interval_is_written_in_points() -> None:
    """Both bounds are written in percentage points."""
    assert interval(Estimate(0.0, -0.012, 0.3456, 100, 0.5)) == "[-1.2, 34.6]"


def family(gates: int = 40) -> Rules:
    """Return the rules of a run with so many gates."""
    return Rules(0.05, "holm", gates)


@pytest.mark.parametrize(
    ("p_value", "verdict"), [(0.001, "fail"), (0.0013, "inconclusive"), (0.04, "inconclusive")]
)
def test_a_fail_has_to_hold_among_all_gates(p_value: float, verdict: str) -> None:
    """Of forty gates one fails at once below a fortieth of alpha; what fails alone is said to."""
    figure = Known(0.04, 0.06, 0.08, p_value)
    judged = judge_at_most(figure, 0.03, family())
    assert judged.verdict == verdict
    assert judged.p_fail == p_value
    if verdict == "inconclusive":
        assert judged.reason.startswith("a fail if it were the only gate, not as one of 40; about")
    assert judge_at_most(figure, 0.03, replace(family(), correction="none")).verdict == "fail"


def test_a_pass_does_not_depend_on_other_gates() -> None:
    """What is shown to be within its budget passes, however many gates there are."""
    assert judge_at_most(Known(0.0, 0.01, 0.02), 0.03, family(1000)).verdict == "pass"


def test_a_fail_takes_more_examples_among_many_gates() -> None:
    """The advice for an estimate beyond the limit counts with the level of the family."""

    def needed(rules: Rules) -> int:
        reason = judge_at_most(Known(0.02, 0.05, 0.08, n=1000), 0.03, rules).reason
        found = re.search(r"about ([\d,]+) examples", reason)
        assert found is not None
        return int(found[1].replace(",", ""))

    assert needed(family(40)) > 1.9 * needed(family(1))


@pytest.mark.parametrize(("n", "verdict"), [(98, "invalid"), (99, "inconclusive")])
def test_what_so_few_examples_can_never_show_is_invalid(n: int, verdict: str) -> None:
    """A budget of 3 points takes 99 examples even if none of them is lost."""
    judged = judge_at_most(Known(-0.01, 0.02, 0.05, n=n), 0.03, RULES)
    assert judged.verdict == verdict
    assert ("even if none is lost" in judged.reason) is (verdict == "invalid")


def test_a_budget_of_nothing_stays_open() -> None:
    """Nothing lost never shows a drop of at most 0, but a gain does: it is not invalid."""
    assert judge_at_most(Known(-0.01, 0.02, 0.05, n=20), 0.0, RULES).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("given_", "n", "expected"),
    [(None, 499, False), (None, 500, True), (True, 10, True), (False, 9999, False)],
)
def test_batches_are_for_many_examples(given_: bool | None, n: int, expected: bool) -> None:  # noqa: FBT001 - parameters
    """Where nobody says otherwise, examples come in batches from 500 on."""
    assert Rules(0.05, sequential=given_).is_sequential(n) is expected


def test_settled_is_what_gets_a_verdict() -> None:
    """A figure is settled exactly where it passes or fails at once."""
    for figure in (Known(0.0, 0.01, 0.02), Known(0.04, 0.06, 0.08, 0.001), Known(0.0, 0.03, 0.05)):
        judged = judge_at_most(figure, 0.03, family())
        assert is_settled(figure, 0.03, family()) is (judged.verdict in ("pass", "fail"))


@pytest.mark.parametrize(
    ("successes", "at_least", "settled"),
    [(58, True, True), (30, True, True), (48, True, False), (2, False, True), (58, False, True)],
)
def test_what_is_settled_goes_by_the_side_that_passes(
    successes: int, *, at_least: bool, settled: bool
) -> None:
    """A floor of 0.8 (or a budget of 0.2) is settled on either side, and not on the limit."""
    rules = Rules(0.05, "holm", gates=10)
    limit = 0.8 if at_least else 0.2
    assert is_settled(Proportion(successes, 60), limit, rules, at_least=at_least) is settled


def test_failing_a_floor_takes_the_level_that_many_gates_leave() -> None:
    """What would fail alone does not settle one of a hundred gates; what would pass does."""
    low = Proportion(41, 60)
    assert is_settled(low, 0.8, Rules(0.05), at_least=True)
    assert not is_settled(low, 0.8, Rules(0.05, "holm", gates=100), at_least=True)
    high = Proportion(55, 60)
    assert is_settled(high, 0.8, Rules(0.05, "holm", gates=100), at_least=True)


def test_a_floor_is_a_share() -> None:
    """Points are no share."""
    with pytest.raises(ConfigurationError, match="min_score = 80 is not a share"):
        Budget(min_score=80)
