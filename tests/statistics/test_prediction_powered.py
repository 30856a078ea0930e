"""Means of human verdicts, from a judge's on many answers and people's on a few."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judged_releases import ALPHA, CORRECTED, JUDGES, KINDS, NAIVE, World, simulate

from pytest_ood.statistics import shortage
from pytest_ood.statistics.prediction_powered import (
    CHANGE,
    SHARE,
    Judged,
    Labelled,
    PredictionPowered,
    judged_drop,
    judged_mean,
)

BITS = st.lists(st.booleans(), min_size=2, max_size=20)
VERDICTS = st.lists(st.tuples(st.booleans(), st.booleans()), min_size=2, max_size=20)


def labelled(pairs: list[tuple[bool, bool]], prefix: str = "x") -> Labelled:
    """Return labelled answers of (human, judge)."""
    human, judge = np.array(pairs, np.float64).T
    return Labelled(human, judge, tuple(f"{prefix}{n}" for n in range(len(pairs))))


def floats(bits: list[bool]) -> list[float]:
    """Return verdicts as numbers."""
    return [float(bit) for bit in bits]


AGREE = [(True, True)] * 45 + [(False, False)] * 5
LENIENT = [(True, True)] * 30 + [(False, False)] * 5 + [(False, True)] * 15


def test_a_judge_that_is_known_to_be_right_keeps_nearly_all_its_weight() -> None:
    """The estimate is close to the judge's mean, and the interval has a width all the same."""
    figure = judged_mean([1.0] * 800 + [0.0] * 200, labelled(AGREE * 2))
    assert figure.weight > 0.85
    assert figure.value == pytest.approx(0.8, abs=0.02)
    low, high = figure.bounds(0.05)
    # 100 labels show no error rate below 1 - 0.05 ** (1 / 100), the rule of three.
    assert figure.value - low >= 1.0 - 0.05 ** (1 / 100) - 1e-9
    assert high - figure.value >= 1.0 - 0.05 ** (1 / 100) - 1e-9
    assert (figure.n, figure.labels) == (1000, 100)


def test_a_judge_that_passes_what_people_fail_is_corrected() -> None:
    """The judge passes 80 %, people 55 % or so, as three in ten of its passes are wrong."""
    figure = judged_mean([1.0] * 800 + [0.0] * 200, labelled(LENIENT * 4))
    assert 0.5 < figure.value < 0.62
    assert figure.bounds(0.05)[1] < 0.7


def test_a_judge_that_disagrees_has_no_weight() -> None:
    """Its verdicts say nothing, and the labels stand alone."""
    opposite = [(human, not judge) for human, judge in AGREE]
    figure = judged_mean([1.0] * 300, labelled(opposite))
    assert (figure.weight, figure.value) == (0.0, 0.9)
    assert figure.bounds(0.05)[0] < 0.85


@given(before=BITS, under=BITS, first=VERDICTS, last=VERDICTS)
def test_a_drop_is_the_difference_of_its_sides(
    before: list[bool], under: list[bool], first: list[tuple[bool, bool]],
    last: list[tuple[bool, bool]],
) -> None:  # fmt: skip
    """Whatever the weight is, and whatever is labelled."""
    sides = labelled(first), labelled(last, "y")
    parts = [Judged(1.0, floats(before), SHARE), Judged(-1.0, floats(under), SHARE)]
    figure = judged_drop(parts, [(1.0, *sides)], paired=False)
    means = float(np.mean(before)), float(np.mean(under))
    corrected = [figure.corrected(mean, one) for mean, one in zip(means, sides, strict=True)]
    assert figure.value == pytest.approx(corrected[0] - corrected[1])
    assert 0.0 <= figure.weight <= 1.0


@settings(max_examples=25)
@given(changes=st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=2, max_size=20), first=VERDICTS)
def test_bounds_and_p_values_agree(changes: list[float], first: list[tuple[bool, bool]]) -> None:
    """The estimate lies between the bounds, and what lies outside of them is refuted."""
    parts = [Judged(1.0, changes, CHANGE)]
    figure = judged_drop(parts, [(1.0, labelled(first), labelled(first))], paired=True)
    low, high = figure.bounds(0.05)
    assert low <= figure.value <= high
    if high < 1.0:
        assert figure.p_below(high + 1e-6) <= 0.0502
    if low > -1.0:
        assert figure.p_above(low - 1e-6) <= 0.0502


def test_labels_of_the_same_examples_are_compared_example_by_example() -> None:
    """An error that is there before and after says nothing about the drop; order does not count."""
    before, after = labelled(LENIENT), labelled(LENIENT[::-1])
    turned = Labelled(after.human, after.judge, before.ids[::-1])
    parts = [Judged(1.0, [0.0] * 100, CHANGE)]
    same = judged_drop(parts, [(1.0, before, turned)], paired=True)
    others = judged_drop(parts, [(1.0, before, labelled(LENIENT, "y"))], paired=True)
    assert same.value == others.value == 0.0
    assert same.bounds(0.05)[1] < 0.6 * others.bounds(0.05)[1]


def test_too_few_labels_are_told_with_the_number_that_it_takes() -> None:
    """However many answers are judged, 50 labels show no drop of 3 points to be missing."""
    figure = judged_mean([1.0] * 5000, labelled(AGREE))
    short = shortage(figure, 0.03, 0.05)
    assert short is not None
    assert (short.n, short.least, short.examples) == (50, 99, "labelled answers")
    assert shortage(figure, 0.10, 0.05) is None


def test_the_spread_counts_examples() -> None:
    """It is the standard error of the whole times the root of the judged examples."""
    figure = judged_mean([1.0] * 300 + [0.0] * 100, labelled(LENIENT * 2))
    width = figure.bounds(0.05)[1] - figure.value
    assert figure.spread == pytest.approx(width / 1.7 * math.sqrt(400), rel=0.15)
    assert isinstance(figure, PredictionPowered)


RELEASES = 50
ALLOWED = 100 * (ALPHA + 3 * math.sqrt(ALPHA * (1 - ALPHA) / RELEASES))
LENIENT_THERE = "the same, but lenient there"
CELLS = [
    *(World(200, 100, LENIENT_THERE, kind=kind) for kind in KINDS),
    World(100, 50, "errs 20 %", 0.1),
]


@pytest.mark.slow
@pytest.mark.parametrize("world", CELLS, ids=str)
def test_verdicts_at_the_budget_are_seldom_whatever_the_judge_gets_wrong(world: World) -> None:
    """A drop that is the budget passes, and fails, in at most alpha of the releases."""
    share = simulate(world, RELEASES, methods=(CORRECTED,))
    assert max(share.passes[CORRECTED], share.fails[CORRECTED]) <= ALLOWED, share


@pytest.mark.slow
def test_without_the_correction_a_judge_that_gets_lenient_lets_drops_pass() -> None:
    """What the simulation guards against is there, and the corrected drop has power left."""
    naive = simulate(World(200, 100, LENIENT_THERE), 40, methods=(NAIVE,))
    assert naive.passes[NAIVE] > 40
    power = simulate(World(500, 200, "errs 5 %"), 30, beyond=0.1, methods=(CORRECTED,))
    assert power.passes[CORRECTED] >= 80


def test_the_simulated_judges_err_as_their_names_say() -> None:
    """Of right answers in distribution, a judge fails the share that it is named after."""
    rng = np.random.default_rng(0)
    right = rng.random(20_000) < 0.85
    for name, share in (("errs 5 %", 0.05), ("errs 20 %", 0.2), (LENIENT_THERE, 0.2)):
        wrong = np.mean(JUDGES[name][0].judged(right, rng) != right)
        assert wrong == pytest.approx(share, abs=0.01)
