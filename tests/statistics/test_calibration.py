"""A smaller version of benchmarks/verdict_calibration.py: releases exactly at their budget."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest
from metric_releases import COMPARISONS, LOSSES, METRICS, World, budget_of, simulate

from pytest_ood.statistics.proportions import PairedDifference, UnpairedDifference
from pytest_ood.statistics.sequential import Sequential, looks
from pytest_ood.tasks import Classification

RELEASES = 2_000
ALPHA = 0.05
ALLOWED = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / RELEASES)
TASK = Classification(("negative", "positive"))
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


@pytest.mark.slow
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


METRIC_RELEASES = 40
METRIC_ALLOWED = ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / METRIC_RELEASES)
WORLDS = [
    *(World("recall-rare", 100, rare, "rare label", paired=paired)
      for rare in (5, 20) for paired in (True, False)),
    World("recall-rare", 100, 5, "rare label", comparison="two models"),
    World("recall-rare", 100, 20, "rare label", comparison="three seeds"),
    *(World("macro-f1", n, rare, loss, paired=paired)
      for n, rare, loss in ((30, 5, "heavy"), (100, 20, "rare label")) for paired in (True, False)),
    World("macro-f1", 100, 5, "rare label", comparison="two models"),
    World("macro-f1", 100, 20, "everywhere", comparison="three seeds"),
    *(World("ece", n, n // 3, loss, paired=paired)
      for n, loss in ((30, "heavy"), (100, "everywhere"), (100, "confidence"))
      for paired in (True, False)),
    World("ece", 100, 33, "confidence", comparison="two models"),
    World("ece", 100, 33, "confidence", comparison="three seeds"),
    *(World("reweighted", 100, rare, "rare label", paired=False) for rare in (5, 20)),
    World("reweighted", 100, 20, "rare label", paired=False, comparison="two models"),
    *(World("pdr", n, n // 3, loss, paired=paired)
      for n, loss in ((30, "heavy"), (100, "everywhere")) for paired in (True, False)),
    World("pdr", 100, 33, comparison="two models"),
    *(World("accuracy", 30, 9, "heavy", comparison=comparison)
      for comparison in ("two models", "three seeds")),
    *(World("score in words", 30, 9, "heavy", paired=paired, sequential=sequential)
      for paired in (True, False) for sequential in (True, False)),
    *(World("accuracy", n, 3 * n // 10, "worst case", sequential=sequential)
      for n in (30, 100) for sequential in (True, False)),
    *(World(metric, 100, 30, "worst case", comparison="two models")
      for metric in ("recall-rare", "macro-f1", "score in words")),
    World("accuracy", 100, 30, "worst case", comparison="three seeds"),
    *(World("score", n, sequential=sequential) for n in (30, 100) for sequential in (True, False)),
]  # fmt: skip
WORLDS += [
    World(metric, 100, 30, comparison=comparison)
    for metric in METRICS
    if all(world.metric != metric for world in WORLDS)
    for comparison in COMPARISONS
]


def _name(value: World | float) -> str:
    if not isinstance(value, World):
        return str(value)
    kind = "paired" if value.paired else "unpaired"
    looks_ = " sequential" if value.sequential else ""
    return f"{value.metric} {value.n} {value.rare} {value.loss} {kind}{looks_} {value.comparison}"


@pytest.mark.slow
@pytest.mark.parametrize("world", WORLDS, ids=_name)
def test_verdicts_by_any_metric_at_the_budget_are_seldom(world: World) -> None:
    """Whatever a budget is about, a loss that is just the budget passes or fails seldom enough."""
    found = simulate(world, METRIC_RELEASES)
    assert max(found.fails, found.passes) <= METRIC_ALLOWED, found


def test_every_metric_is_simulated() -> None:
    """No metric that a budget may name is left out."""
    assert {world.metric for world in WORLDS} == set(METRICS)
    assert {world.loss for world in WORLDS} == set(LOSSES)
    assert {world.comparison for world in WORLDS} == set(COMPARISONS)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("world", "beyond"),
    [
        (World("recall-rare", 300, 100), 0.08),
        (World("macro-f1", 300, 100), 0.06),
        (World("pdr", 300, 100), 0.07),
        (World("ece", 1000, 300, "confidence"), 0.08),
        (World("reweighted", 1000, 300, paired=False), 0.08),
        (World("score in words", 300), 0.05),
    ],
    ids=_name,
)
def test_what_is_clear_gets_a_verdict(world: World, beyond: float) -> None:
    """A budget well above what is lost passes, and one well below fails, most of the time."""
    assert simulate(world, 20, beyond=beyond).passes >= 0.7
    assert budget_of(world) > 0.0
    assert simulate(world, 20, beyond=-beyond).fails >= 0.5
