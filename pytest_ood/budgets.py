"""Budgets, and the verdict on a figure with its interval."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.errors import ConfigurationError
from pytest_ood.statistics import examples_to_settle

if TYPE_CHECKING:
    from pytest_ood.statistics import Estimate

Verdict = Literal["pass", "fail", "inconclusive", "invalid", "measured"]
"""What a check comes to; `measured` where there is no budget to judge by."""

MIN_CHANGED = 10
"""Fewer changed examples than this say nothing about a shift."""

SAME_ANSWER_SHARE = 0.98
"""A model that gives one answer to more than this share of in-distribution inputs is invalid."""


@dataclass(frozen=True)
class Budget:
    """What a model may lose under a shift. All shares of 1; None: not asked for.

    Attributes:
        max_drop: The most that its own score may drop.
        margin: The most that its drop may exceed the baseline's.
    """

    max_drop: float | None = None
    margin: float | None = None

    def __post_init__(self) -> None:
        for key, value in (("max_drop", self.max_drop), ("margin", self.margin)):
            check_share(key, value)


def check_share(key: str, value: float | None, *, low: float = 0.0) -> None:
    """Refuse a share outside [low, 1].

    Raises:
        ConfigurationError: names the key and the value.
    """
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1.0
    ):
        raise ConfigurationError(
            f"{key} = {value!r} is a share and lies in [{low:g}, 1]; 3 points are 0.03"
        )


@dataclass(frozen=True)
class Judgement:
    """A verdict and why.

    Attributes:
        verdict: pass, fail, inconclusive or invalid.
        reason: One clause for the reader.
    """

    verdict: Verdict
    reason: str


def judge_at_most(estimate: Estimate, limit: float, alpha: float) -> Judgement:
    """Judge a figure that may be at most `limit`: pass, fail or inconclusive.

    pass: the upper bound is within the limit; fail: the lower bound is beyond it. Each bound is
    one-sided, of level alpha.
    """
    if estimate.high <= limit:
        return Judgement(
            "pass", f"at most {points(estimate.high)} with confidence {percent(1 - alpha)}"
        )
    if estimate.low > limit:
        return Judgement(
            "fail", f"above {points(estimate.low)} with confidence {percent(1 - alpha)}"
        )
    return Judgement("inconclusive", _how_many(estimate, limit, alpha))


def judge_at_least(estimate: Estimate, limit: float, alpha: float) -> Judgement:
    """Judge a figure that has to be at least `limit`."""
    if estimate.low >= limit:
        return Judgement(
            "pass", f"at least {points(estimate.low)} with confidence {percent(1 - alpha)}"
        )
    if estimate.high < limit:
        return Judgement(
            "fail", f"below {points(estimate.high)} with confidence {percent(1 - alpha)}"
        )
    return Judgement("inconclusive", _how_many(estimate, limit, alpha))


def _how_many(estimate: Estimate, limit: float, alpha: float) -> str:
    needed = examples_to_settle(estimate, limit, alpha)
    if needed == sys.maxsize:
        return "the estimate lies on the limit; no number of examples is sure to settle it"
    return f"about {needed:,} examples would settle it (now {estimate.n:,})"


def points(share: float) -> str:
    """Write a share in percentage points, with one decimal."""
    # -0.04 points is 0.0, not -0.0.
    return f"{round(100 * share, 1) + 0.0:.1f}"


def percent(share: float) -> str:
    """Write a level as a percentage, with as many decimals as it has."""
    return f"{100 * share:.4g}%"


def interval(estimate: Estimate) -> str:
    """Write an interval in percentage points."""
    return f"[{points(estimate.low)}, {points(estimate.high)}]"
