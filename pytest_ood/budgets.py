"""Budgets, and the verdict on a figure."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.errors import ConfigurationError
from pytest_ood.statistics import estimate, examples_to_settle, shortage, single_step
from pytest_ood.statistics.sequential import BETTING_SHARE, Sequential

if TYPE_CHECKING:
    from pytest_ood.statistics import Correction, Estimate, Statistic

Verdict = Literal["pass", "fail", "inconclusive", "invalid", "measured"]
"""What a check comes to; `measured` where there is no budget to judge by."""

MIN_CHANGED = 10
"""Fewer changed examples than this say nothing about a shift."""

SAME_ANSWER_SHARE = 0.98
"""A model that gives one answer to more than this share of in-distribution inputs is invalid."""

UNANSWERED_SHARE = 0.01
"""Where more than this share of inputs got no answer, the rest does not speak for them: what fails
to be answered is rarely a random draw."""

VALIDITY_ALPHA = 0.001
"""Level at which a model has to be better than the majority class.

A coin has this chance of being taken for a model. At the gates' usual 0.05, a release in twenty of
a model that guesses would be let through, since guessing drops by nothing under any shift.
"""

MAX_ABSTENTION = 0.1
"""The share of inputs that may go without a parseable answer, where a suite says nothing else."""


SEQUENTIAL_FROM = 500
"""Fewer examples than this are all asked about, where nobody says otherwise.

Looking in between costs certainty, and saves little where there is little to save: with 300
examples, a fifth of the calls for a third of the verdicts (benchmarks/sequential_savings.py).
"""


@dataclass(frozen=True)
class Rules:
    """How certain a verdict has to be.

    Attributes:
        alpha: One-sided level of every bound.
        correction: How the fails of a run's many gates are held to alpha.
        gates: How many gates the run has.
        sequential: Ask in batches, and stop as soon as the verdict is settled; None for where it
            pays, which is from 500 examples on.
    """

    alpha: float
    correction: Correction = "holm"
    gates: int = 1
    sequential: bool | None = None

    def is_sequential(self, n: int) -> bool:
        """Return whether so many examples are asked about in batches."""
        return n >= SEQUENTIAL_FROM if self.sequential is None else self.sequential

    @property
    def fail_alpha(self) -> float:
        """The level at which a gate fails whatever the others show."""
        return single_step(self.alpha, self.correction, self.gates)


@dataclass(frozen=True)
class Budget:
    """What a model may lose under a shift, by one metric. All shares of 1; None: not asked for.

    Attributes:
        max_drop: The most that its own figure may drop.
        margin: The most that its drop may exceed the baseline's.
        min_score: The least that it may score under the shift; of accuracy alone.
    """

    max_drop: float | None = None
    margin: float | None = None
    min_score: float | None = None

    def __post_init__(self) -> None:
        for key in ("max_drop", "margin", "min_score"):
            check_share(key, getattr(self, key))


def check_share(key: str, value: float | None, *, low: float = 0.0, required: bool = False) -> None:
    """Refuse a share outside [low, 1].

    Args:
        key: What it is called.
        value: None where there is none.
        low: The least that it may be.
        required: Whether there has to be one.

    Raises:
        ConfigurationError: names the key and the value.
    """
    if value is None and not required:
        return
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= 1.0:
        raise ConfigurationError(
            f"{key} = {value!r} is a share and lies in [{low:g}, 1]; 3 points are 0.03"
        )


@dataclass(frozen=True)
class Judgement:
    """A verdict and why.

    Attributes:
        verdict: pass, fail, inconclusive or invalid.
        reason: One clause for the reader.
        p_fail: The p-value of "the budget is kept"; None where nothing was tested.
    """

    verdict: Verdict
    reason: str
    p_fail: float | None = None


def is_settled(figure: Statistic, limit: float, rules: Rules, *, at_least: bool = False) -> bool:
    """Return whether a figure is on one side of its limit for certain."""
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
        limit: The most that it may be.
        rules: How certain the verdict has to be.
        examples: What the examples it rests on are called, such as "examples of 'negative'".
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
    """Return the part of a level that the test on all examples has."""
    return 1.0 - BETTING_SHARE if isinstance(figure, Sequential) else 1.0


def _how_many(
    figure: Statistic, limit: float, rules: Rules, p_fail: float, *, failing: bool
) -> str:
    # The side the estimate is on says which of the two tests is to be settled.
    level = (rules.fail_alpha if failing else rules.alpha) * _last_share(figure)
    needed = examples_to_settle(figure, limit, level)
    alone = (
        f"a fail if it were the only gate, not as one of {rules.gates}; "
        if p_fail <= rules.alpha
        else ""
    )
    if needed == sys.maxsize:
        return "the estimate lies on the limit; no number of examples is sure to settle it"
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
