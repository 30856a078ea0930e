from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.budgets import Rules, judge_at_most
from pytest_ood.statistics import (
    Statistic,
    examples_to_settle,
    paired_drop,
    shortage,
    unpaired_drop,
)
from pytest_ood.statistics.largest import Largest
from pytest_ood.statistics.proportions import PairedDifference

ALPHA = 0.05


@dataclass(frozen=True)
class Normal:
    """An estimate whose error is normal with a known deviation: quick, and exact at every level."""

    value: float
    error: float
    n: int = 100

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self.error * math.sqrt(self.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the one-sided bounds."""
        half = -UNIT.inv_cdf(alpha) * self.error
        return self.value - half, self.value + half

    def p_above(self, limit: float) -> float:
        """Return the p-value of "at most `limit`"."""
        return UNIT.cdf((limit - self.value) / self.error)

    def p_below(self, limit: float) -> float:
        """Return the p-value of "at least `limit`"."""
        return UNIT.cdf((self.value - limit) / self.error)


UNIT = NormalDist()
LOST = st.builds(Normal, st.floats(-0.2, 0.4), st.floats(0.001, 0.1))
PARTS = st.lists(LOST, min_size=1, max_size=7).map(
    lambda parts: Largest({str(number): part for number, part in enumerate(parts)})
)
LEVELS = st.sampled_from([0.001, 0.01, 0.05, 0.2])
LIMITS = st.floats(-0.3, 0.5)


def largest(*parts: Statistic) -> Largest:
    """Return the largest of statistics with names of their own."""
    return Largest({f"part-{number}": part for number, part in enumerate(parts)})


@given(figure=PARTS, alpha=LEVELS, limit=LIMITS)
def test_bounds_and_p_values_are_two_views_of_the_same_tests(
    figure: Largest, alpha: float, limit: float
) -> None:
    """A limit is refuted at a level exactly where it is outside the bound of that level."""
    low, high = figure.bounds(alpha)
    assert low <= figure.value <= high
    if abs(limit - low) > 1e-6:
        assert (figure.p_above(limit) <= alpha) == (limit < low)
    if abs(limit - high) > 1e-6:
        assert (figure.p_below(limit) <= alpha) == (limit > high)


@given(figure=PARTS, alpha=LEVELS)
def test_the_bounds_are_those_of_the_parts(figure: Largest, alpha: float) -> None:
    """The upper one is not corrected, and the lower one by Bonferroni."""
    parts = list(figure.parts.values())
    low, high = figure.bounds(alpha)
    assert high == max(part.bounds(alpha)[1] for part in parts)
    assert low == max(part.bounds(alpha / len(parts))[0] for part in parts)


@given(part=LOST, alpha=LEVELS, limit=LIMITS)
def test_the_largest_of_one_is_that_one(part: Statistic, alpha: float, limit: float) -> None:
    """Nothing is corrected where nothing was chosen from."""
    figure = largest(part)
    assert figure.bounds(alpha) == part.bounds(alpha)
    assert figure.p_above(limit) == part.p_above(limit)
    assert figure.p_below(limit) == part.p_below(limit)
    assert (figure.value, figure.n, figure.spread) == (part.value, part.n, part.spread)


@given(figure=PARTS, more=LOST, alpha=LEVELS, limit=LIMITS)
def test_a_further_part_never_helps_to_pass(
    figure: Largest, more: Statistic, alpha: float, limit: float
) -> None:
    """The upper bound and its p-value rise or stay with every part that is added."""
    wider = Largest({**figure.parts, "more": more})
    assert wider.bounds(alpha)[1] >= figure.bounds(alpha)[1]
    assert wider.p_below(limit) >= figure.p_below(limit)


@given(figure=PARTS, low=LIMITS, high=LIMITS)
def test_p_values_are_monotone_and_shares(figure: Largest, low: float, high: float) -> None:
    """A larger limit is harder to be above and easier to be below."""
    low, high = sorted((low, high))
    assert 0.0 <= figure.p_above(low) <= figure.p_above(high) <= 1.0
    assert 1.0 >= figure.p_below(low) >= figure.p_below(high) >= 0.0


def test_it_is_worked_by_hand() -> None:
    """The p-values of two parts: the larger one below, twice the smaller one above."""
    small, large = PairedDifference(4, 0, 200), PairedDifference(30, 6, 180)
    figure = largest(small, large)
    assert (figure.name, figure.value, figure.n) == ("part-1", 24 / 180, 180)
    assert figure.p_below(0.1) == max(small.p_below(0.1), large.p_below(0.1))
    assert figure.p_above(0.1) == 2 * large.p_above(0.1) < 1
    assert figure.p_above(0.9) == 1.0


def test_equal_parts_are_told_by_their_order() -> None:
    """The first of equal estimates is the worst."""
    assert largest(PairedDifference(2, 2, 50), PairedDifference(1, 1, 50)).name == "part-0"


def test_the_largest_of_nothing_is_refused() -> None:
    """There is no largest of no statistics."""
    with pytest.raises(ValueError, match="there are no statistics"):
        Largest({})


@pytest.mark.parametrize("alpha", [0.0, 0.5, math.nan])
def test_a_level_outside_its_range_is_refused(alpha: float) -> None:
    """As for every statistic."""
    with pytest.raises(ValueError, match="a one-sided level lies inside"):
        largest(PairedDifference(1, 1, 50)).bounds(alpha)


def test_a_part_with_too_few_examples_is_named() -> None:
    """It cannot show a pass even without a loss, and so neither can the largest of all."""
    figure = Largest({"de": PairedDifference(0, 0, 200), "tr": PairedDifference(0, 0, 20)})
    short = shortage(figure, 0.1, ALPHA)
    assert short is not None
    assert (short.n, short.least, short.examples) == (20, 29, "examples of tr")
    judged = judge_at_most(figure, 0.1, Rules(ALPHA))
    assert judged.verdict == "invalid"
    assert judged.reason.startswith("20 examples of tr show no drop of at most 10.0 points")
    assert shortage(figure, 0.3, ALPHA) is None


def test_one_part_beyond_the_budget_fails_whatever_the_others_lack() -> None:
    """A drop that is shown in one part is a drop of the worst, too."""
    figure = Largest({"de": PairedDifference(90, 0, 200), "tr": PairedDifference(0, 0, 20)})
    assert judge_at_most(figure, 0.1, Rules(ALPHA)).verdict == "fail"


def test_examples_to_settle_are_those_of_the_tests() -> None:
    """A pass needs what its least certain part needs, a fail more than the largest alone."""
    sure, unsure = PairedDifference(1, 0, 200), PairedDifference(30, 20, 200)
    figure = largest(sure, unsure)
    needed = examples_to_settle(figure, 0.1, ALPHA)
    assert needed == examples_to_settle(unsure, 0.1, ALPHA) > examples_to_settle(sure, 0.1, ALPHA)
    assert needed == examples_to_settle(largest(unsure, sure), 0.1, ALPHA)
    beyond = examples_to_settle(figure, 0.02, ALPHA)
    assert beyond == examples_to_settle(unsure, 0.02, ALPHA / 2)


# Releases at the boundary of the budget.

N, RIGHT, BUDGET = 200, 0.8, 0.10


def drops(worst: Sequence[bool], rng: np.random.Generator, *, paired: bool) -> Largest:
    """Return the largest drop of a simulated release, in which all shifts share the originals.

    Half of the items that one shift costs would be lost under the others of its drop, too.

    Args:
        worst: For each shift whether its true drop is the budget, or half of it.
        rng: The generator.
        paired: Whether the same items are answered under each shift.
    """
    before, hard = rng.random(N) < RIGHT, rng.random(N)
    parts: dict[str, Statistic] = {}
    for number, is_worst in enumerate(worst):
        drop = BUDGET if is_worst else BUDGET / 2
        own = np.where(rng.random(N) < 0.5, hard, rng.random(N))
        base = before if paired else rng.random(N) < RIGHT
        after = base & (own >= drop / RIGHT)
        estimated = paired_drop if paired else unpaired_drop
        parts[str(number)] = estimated(before.astype(float), after.astype(float))
    return Largest(parts)


@pytest.mark.slow
@pytest.mark.parametrize("paired", [True, False], ids=["same items", "other items"])
@pytest.mark.parametrize("equal", [True, False], ids=["all at the budget", "one at the budget"])
@pytest.mark.parametrize("k", [2, 6])
def test_verdicts_keep_their_level_at_the_budget(
    k: int,
    equal: bool,  # noqa: FBT001 - parameters
    paired: bool,  # noqa: FBT001 - parameters
) -> None:
    """False passes and false fails are at most alpha, up to the error of the simulation."""
    rng = np.random.default_rng([k, equal, paired])
    releases = 200
    passes = fails = 0
    for _ in range(releases):
        figure = drops([equal or n == 0 for n in range(k)], rng, paired=paired)
        # At the boundary both a pass and a fail are wrong: the largest drop is the budget.
        passes += figure.p_below(BUDGET) <= ALPHA
        fails += figure.p_above(BUDGET) <= ALPHA
    error = 3 * math.sqrt(ALPHA * (1 - ALPHA) / releases)
    assert passes / releases <= ALPHA + error
    assert fails / releases <= ALPHA + error


@pytest.mark.slow
def test_without_correction_too_many_would_fail() -> None:
    """Six shifts at the budget, each tested at the full level, show what Bonferroni is for."""
    rng, releases, naive = np.random.default_rng(6), 200, 0
    for _ in range(releases):
        parts = drops([True] * 6, rng, paired=True).parts.values()
        naive += min(part.p_above(BUDGET) for part in parts) <= ALPHA
    assert naive / releases > 2 * ALPHA
