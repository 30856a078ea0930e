from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.statistics import (
    Means,
    mean_difference,
    mean_score,
    paired_drop,
    unpaired_difference_of_drops,
    unpaired_drop,
)
from pytest_ood.statistics.means import RESAMPLES
from pytest_ood.statistics.proportions import PairedDifference, Proportion, UnpairedDifference

SHARES = st.lists(st.sampled_from([0.0, 0.2, 0.5, 0.7, 1.0]), min_size=1, max_size=25)
BITS = [1.0, 0.0, 1.0, 1.0]


def test_zeros_and_ones_get_exact_tests() -> None:
    """0/1 scores become counts, whatever is measured with them."""
    assert mean_score(BITS) == Proportion(3, 4)
    assert paired_drop(BITS, [0.0, 0.0, 1.0, 1.0]) == PairedDifference(1, 0, 4)
    assert unpaired_drop(BITS, [0.0, 1.0]) == UnpairedDifference(3, 4, 1, 2)
    assert mean_difference([1.0, -1.0, 0.0]) == PairedDifference(1, 1, 3)


def test_other_scores_get_the_bootstrap() -> None:
    """GradedAnswers scores, clusters and differences of two drops become means."""
    assert isinstance(mean_score([0.5, 1.0]), Means)
    assert isinstance(paired_drop([0.5, 1.0], [0.5, 0.0]), Means)
    assert isinstance(unpaired_drop([0.5], [1.0, 0.0]), Means)
    assert isinstance(mean_difference([2.0, 0.0, -1.0]), Means)


@pytest.mark.slow
@given(before=SHARES, after=SHARES)
def test_the_interval_contains_the_estimate(before: list[float], after: list[float]) -> None:
    """The drop lies in its interval and the interval in [-1, 1]."""
    figure = Means((np.array(before), np.array(after)), (1.0, -1.0), (0.0, 1.0), (-1.0, 1.0))
    low, high = figure.bounds(0.05)
    assert -1.0 <= low <= figure.value <= high <= 1.0
    assert figure.value == pytest.approx(np.mean(before) - np.mean(after))
    assert figure.n == min(len(before), len(after))


@given(values=st.lists(st.sampled_from([-1.5, -0.5, 0.0, 0.5, 2.0]), min_size=2, max_size=25))
def test_bounds_and_p_values_agree(values: list[float]) -> None:
    """A limit beyond a bound is refuted at its level, and one within is not."""
    figure = Means((np.array(values),), (1.0,), (-1.0, 1.0), (-2.0, 2.0))
    low, high = figure.bounds(0.05)
    if -2.0 < low < figure.value:
        assert figure.p_above(low - 1e-9) <= 0.05 + 1 / RESAMPLES
        assert figure.p_above(low + 1e-6) >= 0.05
    if figure.value < high < 2.0:
        assert figure.p_below(high + 1e-9) <= 0.05 + 1 / RESAMPLES
        assert figure.p_below(high - 1e-6) >= 0.05


def test_no_p_value_is_smaller_than_the_resamples_allow() -> None:
    """A bootstrap p-value is at least one in ten thousand, and bounds beyond that are the ends."""
    figure = mean_score([0.9] * 200 + [0.8] * 200)
    assert figure.p_above(0.01) == 1 / (RESAMPLES + 1)
    assert figure.bounds(0.00001) == (0.0, 1.0)


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_equal_scores_leave_doubt(score: float) -> None:
    """A sample without any spread does not get an interval without any width."""
    low, high = Means((np.full(30, score),), (1.0,), (0.0, 1.0), (0.0, 1.0)).bounds(0.05)
    assert high - low > 0.02


def test_one_graded_score_tells_hardly_anything() -> None:
    """A single score leaves nearly the whole range open."""
    low, high = mean_score([0.5]).bounds(0.05)
    assert high - low > 0.7


def test_equal_scores_give_equal_intervals() -> None:
    """The resampling draws nothing from outside: the order of the scores does not matter either."""
    rng = np.random.default_rng(3)
    scores = rng.random(60).round(2)
    first = mean_score(list(scores)).bounds(0.05)
    assert mean_score(list(scores[::-1])).bounds(0.05) == first
    assert mean_score(list(rng.permutation(scores))).bounds(0.05) == first


def test_with_many_examples_it_is_student_s_interval() -> None:
    """On a thousand scores without skew the bootstrap agrees with the t interval."""
    scores = np.tile([0.25, 0.5, 0.75], 400)
    low, high = mean_score(list(scores)).bounds(0.05)
    half = 1.6461 * scores.std(ddof=1) / math.sqrt(1200)
    assert (low, high) == pytest.approx((0.5 - half, 0.5 + half), abs=0.06 * half)


def test_a_difference_of_drops_is_worked_by_hand() -> None:
    """The difference is that of the sources minus the mean of those of the targets."""
    figure = unpaired_difference_of_drops(
        ([1.0] * 9 + [0.0], [1.0] * 8 + [0.0] * 2),
        [([1.0] * 7 + [0.0] * 3, [1.0] * 4 + [0.0] * 6), ([0.6] * 20, [0.5] * 20)],
    )
    assert figure.value == pytest.approx((0.9 - 0.8) - ((0.7 - 0.4) + (0.6 - 0.5)) / 2)
    assert figure.n == 10


def test_pairing_helps_where_the_scores_go_together() -> None:
    """On the same examples the paired interval is narrower than the unpaired one."""
    before, after = [1.0] * 160 + [0.0] * 40, [1.0] * 150 + [0.0] * 50
    paired, unpaired = paired_drop(before, after), unpaired_drop(before, after)
    assert paired.value == pytest.approx(unpaired.value)
    widths = [high - low for low, high in (paired.bounds(0.05), unpaired.bounds(0.05))]
    assert widths[0] < widths[1] / 2


def share_refuted(draw: object, truth: float, times: int, **limits: tuple[float, float]) -> float:
    """Return the larger share of draws in which the truth is refuted, of the two sides."""
    above = below = 0
    for _ in range(times):
        figure = Means((draw(),), (1.0,), limits["pseudo"], limits["range"])  # type: ignore[operator]
        above += figure.p_above(truth) <= 0.05
        below += figure.p_below(truth) <= 0.05
    return max(above, below) / times


@pytest.mark.slow
@pytest.mark.parametrize("n", [60, 200])
def test_skewed_scores_keep_the_level(n: int) -> None:
    """Token F1 that falls for one example in ten: either side errs in 5 % of draws or less."""
    rng = np.random.default_rng(n)

    def draw() -> np.ndarray:
        lost = rng.choice([0.2, 0.33, 0.5, 0.67, 1.0], size=n)
        return np.where(rng.random(n) < 0.1, lost, 0.0)

    share = share_refuted(draw, 0.054, 400, pseudo=(-1.0, 1.0), range=(-1.0, 1.0))
    assert share <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


@pytest.mark.slow
@pytest.mark.parametrize("turned", [0.05, 0.2])
def test_differences_of_two_drops_keep_the_level(turned: float) -> None:
    """Values from -2 to 2, as two models that both flip give them, err in 5 % of draws or less."""
    rng = np.random.default_rng(7)

    def draw() -> np.ndarray:
        rates = [turned / 2, 1 - turned, turned / 2]
        return rng.choice([-1.0, 0.0, 1.0], 100, p=rates) - rng.choice(
            [-1.0, 0.0, 1.0], 100, p=rates
        )

    share = share_refuted(draw, 0.0, 400, pseudo=(-1.0, 1.0), range=(-2.0, 2.0))
    assert share <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 400)


def test_lists_that_are_not_paired_are_refused() -> None:
    """Lists of other lengths are not on the same examples; the message says how long they are."""
    with pytest.raises(ValueError, match="3 and 2 scores are not on the same examples"):
        paired_drop([1.0, 0.0, 1.0], [1.0, 0.0])
    with pytest.raises(ValueError, match="1 and 2 scores are not on the same examples"):
        unpaired_difference_of_drops(([1.0], [1.0]), [([1.0], [1.0, 0.0])])
    with pytest.raises(ValueError, match="no target set"):
        unpaired_difference_of_drops(([1.0], [1.0]), [])


@pytest.mark.parametrize("scores", [[1.5], [-0.1, 0.5], [math.nan], [0.5, math.inf], []])
def test_bad_scores_are_refused(scores: list[float]) -> None:
    """Scores are numbers in [0, 1], wherever they stand, and there is at least one."""
    right = [0.5] * len(scores)
    for compute in (
        lambda: mean_score(scores),
        lambda: paired_drop(scores, right),
        lambda: unpaired_drop(scores, [1.0]),
        lambda: unpaired_drop([1.0], scores),
        lambda: unpaired_difference_of_drops((scores, right), [([1.0], [1.0])]),
    ):
        with pytest.raises(ValueError, match=r"there are no values|is not a number in"):
            compute()


@pytest.mark.parametrize("values", [[2.5], [math.nan], []])
def test_bad_differences_are_refused(values: list[float]) -> None:
    """Differences of drops are numbers in [-2, 2]."""
    with pytest.raises(ValueError, match=r"there are no values|is not a number in"):
        mean_difference(values)


@settings(max_examples=30)
@given(before=SHARES, after=SHARES, data=st.data())
def test_a_difference_of_drops_is_symmetrical(
    before: list[float], after: list[float], data: st.DataObject
) -> None:
    """Swapping candidate and baseline on every set turns the difference, up to the resampling."""
    pairs = []
    for mine in (before, after):
        size = len(mine)
        other = st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=size, max_size=size)
        pairs.append((mine, data.draw(other)))
    figure = unpaired_difference_of_drops(pairs[0], pairs[1:])
    turned = unpaired_difference_of_drops(pairs[0][::-1], [pairs[1][::-1]])
    (low, high), (turned_low, turned_high) = figure.bounds(0.05), turned.bounds(0.05)
    assert figure.value == pytest.approx(-turned.value)
    assert -2.0 <= low <= figure.value <= high <= 2.0
    assert (low, high) == pytest.approx((-turned_high, -turned_low), abs=0.1 * (high - low))


@pytest.mark.slow
def test_differences_of_drops_on_other_examples_keep_the_level() -> None:
    """Two models on two independent sets: either side errs in 5 % of draws or less."""
    rng = np.random.default_rng(11)

    def scores(n: int, rate: float) -> list[float]:
        return (rng.random(n) < rate).astype(float).tolist()

    truth, above, below = (0.9 - 0.85) - (0.7 - 0.8), 0, 0
    for _ in range(300):
        figure = unpaired_difference_of_drops(
            (scores(80, 0.9), scores(80, 0.85)), [(scores(60, 0.7), scores(60, 0.8))]
        )
        above += figure.p_above(truth) <= 0.05
        below += figure.p_below(truth) <= 0.05
    assert max(above, below) / 300 <= 0.05 + 3 * math.sqrt(0.05 * 0.95 / 300)


def test_samples_may_have_ends_of_their_own() -> None:
    """Pseudo-values that are given for each sample are those that are given for all."""
    samples = (np.array([0.0, 1.0, 1.0]), np.array([0.0, 0.5, 0.5]))
    shared = Means(samples, (1.0, -1.0), (0.0, 1.0), (-1.0, 1.0))
    own = Means(samples, (1.0, -1.0), ((0.0, 1.0), (0.0, 1.0)), (-1.0, 1.0))
    assert own.bounds(0.05) == shared.bounds(0.05)
    narrow = Means(samples, (1.0, -1.0), ((0.0, 1.0), (0.0, 0.5)), (-1.0, 1.0))
    assert narrow.spread < shared.spread
