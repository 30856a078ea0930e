"""A smaller version of benchmarks/verdict_calibration.py: releases exactly at their budget."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

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


@pytest.mark.parametrize(("n", "discordance", "budget"), CELLS)
def test_sequential_verdicts_at_the_budget_are_seldom(
    n: int, discordance: float, budget: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever look one stops at, either verdict comes in at most alpha of the releases."""
    # Releases with equal counts share the exact test, which takes most of the time.
    monkeypatch.setattr(PairedDifference, "p_above", cache(PairedDifference.p_above))
    rates = [(discordance - budget) / 2, 1 - discordance, (discordance + budget) / 2]
    sizes = np.diff([0, *looks(n)])
    drawn = np.random.default_rng(n).multinomial(sizes, rates, size=(RELEASES, len(sizes)))
    found = []
    for counts in drawn.cumsum(axis=1):
        gained, _, lost = counts[-1].tolist()
        figure = Sequential(
            np.array([-1.0, 0.0, 1.0]), counts.astype(float), -1.0, 1.0, n,
            PairedDifference(lost, gained, n), final=True,
        )  # fmt: skip
        # The last look remembers the best of all looks: stopping earlier errs no more often.
        found.append((figure.p_above(budget), figure.p_below(budget)))
    assert np.all((np.array(found) <= ALPHA).mean(axis=0) <= ALLOWED)


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
