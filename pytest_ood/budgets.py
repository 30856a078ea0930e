"""Budgets, and the verdict on a figure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.statistics import estimate, examples_to_settle, shortage, single_step
from pytest_ood.statistics.sequential import BETTING_SHARE, Sequential
from pytest_ood.utils.tables import check_share

if TYPE_CHECKING:
    from pytest_ood.statistics import Correction, Estimate, Statistic

Verdict = Literal["pass", "fail", "inconclusive", "invalid", "measured"]
"""The result of a check; `measured` without a budget."""

MIN_CHANGED = 10
"""With fewer changed examples than this, a figure is invalid."""

SAME_ANSWER_SHARE = 0.98
"""A model that gives one answer to more than this share of in-distribution inputs is invalid."""

UNANSWERED_SHARE = 0.01
"""With more than this share of inputs without an answer, a figure is invalid: inputs that fail are
rarely a random sample."""

VALIDITY_ALPHA = 0.001
"""Level at which a model has to be better than the majority class.

A model that guesses passes this test with this probability. At the gates' usual 0.05, one in twenty
releases of such a model would pass, since its score does not drop under any shift.
"""

MAX_ABSTENTION = 0.1
"""The default share of inputs that may have no parseable answer."""


SEQUENTIAL_FROM = 500
"""The default number of examples from which models are asked in batches.

Interim looks widen the intervals, and save little on few examples: with 300 of them, a fifth of the
calls, at the price of a third of the verdicts (benchmarks/sequential_savings.py).
"""


@dataclass(frozen=True)
class Rules:
    """The levels of a run's verdicts.

    Attributes:
        alpha: The one-sided level of every bound.
        correction: The correction for multiple testing that keeps the fails of all gates at alpha.
        gates: The number of gates of the run.
        sequential: Whether to ask in batches, and to stop as soon as the verdict is settled; None
            for doing so from `SEQUENTIAL_FROM` examples on.
    """

    alpha: float
    correction: Correction = "holm"
    gates: int = 1
    sequential: bool | None = None

    def is_sequential(self, n: int) -> bool:
        """Return whether so many examples are asked in batches."""
        return n >= SEQUENTIAL_FROM if self.sequential is None else self.sequential

    @property
    def fail_alpha(self) -> float:
        """The level at which a gate fails regardless of the other gates."""
        return single_step(self.alpha, self.correction, self.gates)


@dataclass(frozen=True)
class Budget:
    """The largest loss of a model under a shift, by one metric. Shares of 1; None for no limit.

    Attributes:
        max_drop: The largest drop of its score.
        margin: The largest difference between its drop and the baseline's.
        min_score: The least score under the shift; for accuracy only.
    """

    max_drop: float | None = None
    margin: float | None = None
    min_score: float | None = None

    def __post_init__(self) -> None:
        for key in ("max_drop", "margin", "min_score"):
            check_share(key, getattr(self, key))


@dataclass(frozen=True)
class Judgement:
    """A verdict and its reason.

    Attributes:
        verdict: pass, fail, inconclusive or invalid.
        reason: One clause for the reader.
        p_fail: The p-value of the hypothesis that the budget is met; None if nothing was tested.
    """

    verdict: Verdict
    reason: str
    p_fail: float | None = None


def is_settled(figure: Statistic, limit: float, rules: Rules, *, at_least: bool = False) -> bool:
    """Return whether a figure is on one side of its limit at the levels of the rules."""
    low, high = figure.p_below(limit), figure.p_above(limit)
    within, beyond = (high, low) if at_least else (low, high)
    return within <= rules.alpha or beyond <= rules.fail_alpha


def judge_at_most(
    figure: Statistic, limit: float, rules: Rules, examples: str = "examples"
) -> Judgement:
    """Judge a figure that may be at most `limit`.

    pass: "it is above the limit" is refuted at alpha; fail: "it is within" is refuted at the level
    that the run's many gates leave; inconclusive: neither; invalid: so few examples would not have
    shown a pass even without a single loss.

    Args:
        figure: A drop, or a difference of drops.
        limit: The largest allowed value.
        rules: The levels of the verdict.
        examples: The word for its examples, such as "examples of 'negative'".
    """
    shown = estimate(figure, rules.alpha)
    sure = f"with confidence {percent(1 - rules.alpha)}"
    p_fail = figure.p_above(limit)
    if figure.p_below(limit) <= rules.alpha:
        return Judgement("pass", f"at most {points(shown.high)} {sure}", p_fail)
    if p_fail <= rules.fail_alpha:
        return Judgement("fail", f"above {points(shown.low)} {sure}", p_fail)
    short = shortage(figure, limit, rules.alpha * _last_share(figure), examples)
    if short is not None:
        return Judgement(
            "invalid",
            f"{short.n} {short.examples} show no drop of at most {points(limit)} points even if "
            f"none is lost; {short.least:,} are the least",
            p_fail,
        )
    failing = figure.value > limit
    return Judgement(
        "inconclusive", _how_many(figure, limit, rules, p_fail, failing=failing), p_fail
    )


def judge_at_least(figure: Statistic, limit: float, rules: Rules) -> Judgement:
    """Judge a figure that has to be at least `limit`."""
    shown = estimate(figure, rules.alpha)
    sure = f"with confidence {percent(1 - rules.alpha)}"
    p_fail = figure.p_below(limit)
    if figure.p_above(limit) <= rules.alpha:
        return Judgement("pass", f"at least {points(shown.low)} {sure}", p_fail)
    if p_fail <= rules.fail_alpha:
        return Judgement("fail", f"below {points(shown.high)} {sure}", p_fail)
    failing = figure.value < limit
    return Judgement(
        "inconclusive", _how_many(figure, limit, rules, p_fail, failing=failing), p_fail
    )


def _last_share(figure: Statistic) -> float:
    """Return the share of a level that is spent on the test of all examples."""
    return 1.0 - BETTING_SHARE if isinstance(figure, Sequential) else 1.0


def _how_many(
    figure: Statistic, limit: float, rules: Rules, p_fail: float, *, failing: bool
) -> str:
    # The estimate's side of the limit decides which of the two tests would be settled.
    level = (rules.fail_alpha if failing else rules.alpha) * _last_share(figure)
    needed = examples_to_settle(figure, limit, level)
    alone = (
        f"a fail if it were the only gate, not as one of {rules.gates}; "
        if p_fail <= rules.alpha
        else ""
    )
    if needed == sys.maxsize:
        return "the estimate is on the limit; no number of examples is sure to settle it"
    return f"{alone}about {needed:,} examples would settle it (now {figure.n:,})"


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
