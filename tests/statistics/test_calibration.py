"""A smaller version of benchmarks/verdict_calibration.py: releases exactly at their budget."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from pytest_ood.budgets import Rules, is_settled
from pytest_ood.statistics.proportions import PairedDifference, UnpairedDifference
from pytest_ood.statistics.sequential import Sequential, looks

RELEASES = 2_000
ALPHA = 0.05
ALLOWED = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / RELEASES)
CELLS = [(50, 0.02, 0.01), (50, 0.10, 0.05), (200, 0.02, 0.02), (200, 0.10, 0.05)]


@pytest.mark.parametrize(("n", "discordance", "budget"), CELLS)
def test_paired_verdicts_at_the_budget_are_seldom(
    n: int, discordance: float, budget: float
) -> None:
    """A drop that is exactly the budget fails, and passes, in at most alpha of the releases."""

    @cache
    def p_values(gained: int, lost: int) -> tuple[float, float]:
        figure = PairedDifference(lost, gained, n)
        return figure.p_above(budget), figure.p_below(budget)

    rates = [(discordance - budget) / 2, 1 - discordance, (discordance + budget) / 2]
    drawn = np.random.default_rng(n).multinomial(n, rates, size=RELEASES).tolist()
    found = np.array([p_values(gained, lost) for gained, _, lost in drawn])
    assert np.all((found <= ALPHA).mean(axis=0) <= ALLOWED)


@pytest.mark.parametrize(("n", "discordance", "budget"), [CELLS[1], CELLS[3]])
def test_sequential_verdicts_at_the_budget_are_seldom(
    n: int, discordance: float, budget: float
) -> None:
    """Stopping at the first look that settles, either verdict comes in at most alpha of them."""
    rates = [(discordance - budget) / 2, 1 - discordance, (discordance + budget) / 2]
    sizes = np.diff([0, *looks(n)])
    rng, rules = np.random.default_rng(n), Rules(ALPHA)
    fails = passes = 0
    for _ in range(400):
        counts = rng.multinomial(sizes, rates).cumsum(axis=0)
        for place in range(len(sizes)):
            gained, same, lost = (int(v) for v in counts[place])
            figure = Sequential(
                np.array([-1.0, 0.0, 1.0]), counts[: place + 1].astype(float), -1.0, 1.0, n,
                PairedDifference(lost, gained, gained + same + lost), place == len(sizes) - 1,
            )  # fmt: skip
            if is_settled(figure, budget, rules):
                break
        fails += figure.p_above(budget) <= ALPHA
        passes += figure.p_below(budget) <= ALPHA
    assert max(fails, passes) / 400 <= ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / 400)


@pytest.mark.parametrize(("n", "budget"), [(50, 0.0), (50, 0.10), (200, 0.05)])
def test_unpaired_verdicts_at_the_budget_are_seldom(n: int, budget: float) -> None:
    """A domain drop that is exactly the budget fails, and passes, in at most alpha of them."""

    @cache
    def p_values(first: int, second: int) -> tuple[float, float]:
        figure = UnpairedDifference(first, n, second, n)
        return figure.p_above(budget), figure.p_below(budget)

    rng = np.random.default_rng(n)
    pairs = zip(
        rng.binomial(n, 0.85, RELEASES).tolist(), rng.binomial(n, 0.85 - budget, RELEASES).tolist(),
        strict=True,
    )  # fmt: skip
    found = np.array([p_values(first, second) for first, second in pairs])
    assert np.all((found <= ALPHA).mean(axis=0) <= ALLOWED)
