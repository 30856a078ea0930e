from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_ood.statistics import (
    Estimate,
    examples_to_settle,
    mean_over_examples,
    mean_score,
    miettinen_nurminen_bounds,
    p_above,
    paired_drop,
    tango_bounds,
    unpaired_difference_of_drops,
    unpaired_drop,
    wilson_bounds,
    z_value,
)

if TYPE_CHECKING:
    from collections.abc import Callable

TWO_SIDED_95 = 0.025
ALPHAS = st.sampled_from([0.001, 0.01, 0.025, 0.05, 0.1, 0.3])
BITS = st.lists(st.sampled_from([0.0, 1.0]), min_size=1, max_size=40)
SHARES = st.lists(st.floats(0, 1), min_size=1, max_size=40)
SCORES = BITS | SHARES
EIGHTHS = st.integers(0, 8).map(lambda eighths: eighths / 8)
PAIRS = st.lists(
    st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1, max_size=40
) | st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=1, max_size=40)


def bits(ones: int, n: int) -> list[float]:
    """Return n scores, of which so many are 1."""
    return [1.0] * ones + [0.0] * (n - ones)


def columns(rows: list[tuple[float, ...]]) -> list[list[float]]:
    """Turn rows into columns."""
    return [list(column) for column in zip(*rows, strict=True)]


def assert_mirrored(one: Estimate, other: Estimate, tolerance: float = 1e-7) -> None:
    """Check that one estimate is the other with its sign turned."""
    assert one.value == pytest.approx(-other.value, abs=tolerance)
    assert one.low == pytest.approx(-other.high, abs=tolerance)
    assert one.high == pytest.approx(-other.low, abs=tolerance)
    assert one.n == other.n
    assert one.spread == pytest.approx(other.spread, abs=tolerance)


# Published figures.


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_the_wilson_interval_is_as_published(
    successes: int, n: int, low: float, high: float
) -> None:
    """The interval of a proportion gives Newcombe's figures (1998a, table I, method 3)."""
    assert wilson_bounds(successes, n, TWO_SIDED_95) == pytest.approx((low, high), abs=5e-5)
    estimate = mean_score(bits(successes, n), TWO_SIDED_95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=5e-5)
    assert estimate.value == pytest.approx(successes / n)
    assert estimate.n == n


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0528, 0.3382), ((9, 10), (3, 10), 0.1700, 0.8406),
     ((0, 10), (0, 20), -0.1658, 0.2844)],
)  # fmt: skip
def test_the_unpaired_interval_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Miettinen and Nurminen's interval gives Newcombe's figures (1998, 17:873-890, table II)."""
    bounds = miettinen_nurminen_bounds(*first, *second, TWO_SIDED_95)
    assert bounds == pytest.approx((low, high), abs=6e-5)
    estimate = unpaired_drop(bits(*first), bits(*second), TWO_SIDED_95)
    assert (estimate.low, estimate.high) == pytest.approx((low, high), abs=6e-5)


# Figures of a score test that is inverted by brute force, without any closed form.

GRID = 2001


def brute_force_tango(lost: int, gained: int, n: int, z: float) -> tuple[float, float]:
    """Scan differences; at each, take the nuisance probability that is most likely on a grid."""
    inside = []
    for delta in np.linspace(-0.999, 0.999, GRID):
        # q is the probability of a gain, q + delta of a loss, the rest of no change.
        q = np.linspace(max(0.0, -delta), (1 - delta) / 2, GRID)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = sum(
                count * np.log(p) if count else np.zeros_like(q)
                for count, p in (
                    (lost, q + delta), (gained, q), (n - lost - gained, 1 - 2 * q - delta),
                )
            )  # fmt: skip
        best = q[np.nanargmax(likelihood)]
        variance = n * (2 * best + delta * (1 - delta))
        distance = abs(lost - gained - n * delta)
        if distance <= z * math.sqrt(max(0.0, variance)):
            inside.append(float(delta))
    return min(inside), max(inside)


def brute_force_unpaired(x1: int, n1: int, x2: int, n2: int, z: float) -> tuple[float, float]:
    """Scan differences; at each, take the second proportion that is most likely on a grid."""
    inside = []
    for delta in np.linspace(-0.999, 0.999, GRID):
        p2 = np.linspace(max(0.0, -delta), min(1.0, 1 - delta), GRID)
        p1 = np.clip(p2 + delta, 0.0, 1.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            likelihood = sum(
                count * np.log(p) if count else np.zeros_like(p)
                for count, p in ((x1, p1), (n1 - x1, 1 - p1), (x2, p2), (n2 - x2, 1 - p2))
            )
        best = int(np.nanargmax(likelihood))
        a, b = p1[best], p2[best]
        variance = (a * (1 - a) / n1 + b * (1 - b) / n2) * (n1 + n2) / (n1 + n2 - 1)
        if abs(x1 / n1 - x2 / n2 - delta) <= z * math.sqrt(max(0.0, variance)):
            inside.append(float(delta))
    return min(inside), max(inside)


@pytest.mark.parametrize(
    ("lost", "gained", "n"),
    [(12, 3, 44), (8, 0, 44), (0, 0, 20), (5, 5, 30), (2, 9, 25), (30, 1, 300), (10, 2, 12)],
)
def test_the_paired_interval_inverts_the_score_test(lost: int, gained: int, n: int) -> None:
    """Tango's closed form agrees with a search over differences and nuisance probabilities."""
    for alpha in (0.025, 0.05):
        expected = brute_force_tango(lost, gained, n, z_value(alpha))
        assert tango_bounds(lost, gained, n, alpha) == pytest.approx(expected, abs=2.5e-3)


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2"), [(56, 70, 48, 80), (5, 6, 1, 60), (0, 10, 7, 7), (30, 31, 300, 310)]
)
def test_the_unpaired_interval_inverts_the_score_test(x1: int, n1: int, x2: int, n2: int) -> None:
    """The closed form of the cubic agrees with a search over differences and proportions."""
    expected = brute_force_unpaired(x1, n1, x2, n2, z_value(0.05))
    bounds = miettinen_nurminen_bounds(x1, n1, x2, n2, 0.05)
    assert bounds == pytest.approx(expected, abs=2.5e-3)


def test_mcnemar_agrees_with_the_paired_interval() -> None:
    """No difference lies on the bound exactly where McNemar's statistic equals z squared."""
    lost, gained = 15, 6
    z = (lost - gained) / math.sqrt(lost + gained)
    alpha = 0.5 * math.erfc(z / math.sqrt(2))
    assert tango_bounds(lost, gained, 80, alpha)[0] == pytest.approx(0.0, abs=1e-7)


def test_student_s_interval_is_worked_by_hand() -> None:
    """Graded scores get mean plus and minus t times the standard error, a 0 and a 1 added."""
    estimate = mean_score([0.25] * 50 + [0.75] * 50, 0.05)
    deviation = math.sqrt((100 * 0.0625 + 2 * 0.25) / 101)
    half = 1.660081 * deviation / math.sqrt(102)  # t quantile 0.95 at 101 degrees of freedom
    assert (estimate.low, estimate.value, estimate.high) == pytest.approx(
        (0.5 - half, 0.5, 0.5 + half), abs=1e-6
    )
    assert estimate.spread == pytest.approx(deviation * 10 / math.sqrt(102))


def test_welch_s_interval_is_worked_by_hand() -> None:
    """Two independent samples of graded scores get Welch's interval, a 0 and a 1 added to each."""
    first, second = [0.2, 0.8] * 10, [0.1, 0.5] * 20
    estimate = unpaired_drop(first, second, 0.05)
    v1 = (20 * 0.09 + 2 * 0.25) / 21 / 22
    mean = 13 / 42
    v2 = (40 * 0.04 + 40 * (0.3 - mean) ** 2 + mean**2 + (1 - mean) ** 2) / 41 / 42
    freedom = (v1 + v2) ** 2 / (v1**2 / 21 + v2**2 / 41)
    assert 31 < freedom < 32
    # The t quantile lies between those at 32 and at 31 degrees of freedom.
    half = np.array([1.6938, 1.6956]) * math.sqrt(v1 + v2)
    assert 0.5 - mean + half[0] <= estimate.high <= 0.5 - mean + half[1]
    assert estimate.value == pytest.approx(0.2)
    assert estimate.n == 20


# Properties.


@settings(deadline=None)
@given(scores=SCORES, alpha=ALPHAS)
def test_the_interval_of_a_score_contains_it(scores: list[float], alpha: float) -> None:
    """The mean lies in its interval and the interval in [0, 1]."""
    estimate = mean_score(scores, alpha)
    assert 0.0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1.0
    assert estimate.n == len(scores)


@pytest.mark.parametrize("alpha", [0.001, 0.025, 0.05])
def test_a_perfect_score_is_its_own_bound(alpha: float) -> None:
    """With no success the lower bound is 0 and with no failure the upper one is 1, exactly."""
    for n in range(1, 100):
        assert wilson_bounds(0, n, alpha)[0] == 0.0
        assert wilson_bounds(n, n, alpha)[1] == 1.0


@settings(deadline=None)
@given(rows=PAIRS, alpha=ALPHAS)
def test_the_interval_of_a_paired_drop_contains_it(
    rows: list[tuple[float, float]], alpha: float
) -> None:
    """The paired drop lies in its interval and the interval in [-1, 1]."""
    before, after = columns(list(rows))
    estimate = paired_drop(before, after, alpha)
    assert -1.0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1.0
    assert estimate.value == pytest.approx(sum(a - b for a, b in rows) / len(rows), abs=1e-12)


@settings(deadline=None)
@given(before=SCORES, after=SCORES, alpha=ALPHAS)
def test_the_interval_of_an_unpaired_drop_contains_it(
    before: list[float], after: list[float], alpha: float
) -> None:
    """The unpaired drop lies in its interval and the interval in [-1, 1]."""
    estimate = unpaired_drop(before, after, alpha)
    assert -1.0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 1.0
    assert estimate.n == min(len(before), len(after))


@settings(deadline=None)
@given(scores=BITS | st.lists(EIGHTHS, min_size=1, max_size=40), alpha=ALPHAS)
def test_right_and_wrong_are_symmetrical(scores: list[float], alpha: float) -> None:
    """Turning every score around turns the interval around."""
    estimate = mean_score(scores, alpha)
    turned = mean_score([1.0 - score for score in scores], alpha)
    assert turned.low == pytest.approx(1.0 - estimate.high, abs=1e-9)
    assert turned.high == pytest.approx(1.0 - estimate.low, abs=1e-9)


@settings(deadline=None)
@given(rows=PAIRS, alpha=ALPHAS)
def test_a_paired_drop_is_symmetrical(rows: list[tuple[float, float]], alpha: float) -> None:
    """Swapping before and after turns a drop into the same gain."""
    before, after = columns(list(rows))
    assert_mirrored(paired_drop(before, after, alpha), paired_drop(after, before, alpha))


@settings(deadline=None)
@given(before=SCORES, after=SCORES, alpha=ALPHAS)
def test_an_unpaired_drop_is_symmetrical(
    before: list[float], after: list[float], alpha: float
) -> None:
    """Swapping the two samples turns a drop into the same gain."""
    assert_mirrored(unpaired_drop(before, after, alpha), unpaired_drop(after, before, alpha), 1e-6)


@settings(deadline=None)
@given(rows=PAIRS, data=st.data())
def test_a_paired_drop_does_not_depend_on_the_order(
    rows: list[tuple[float, float]], data: st.DataObject
) -> None:
    """The same pairs in another order give the same estimate."""
    before, after = columns(list(rows))
    one = paired_drop(before, after, 0.05)
    before, after = columns(list(data.draw(st.permutations(rows))))
    other = paired_drop(before, after, 0.05)
    assert_mirrored(one, Estimate(-other.value, -other.high, -other.low, other.n, other.spread))


@settings(deadline=None)
@given(before=SCORES, after=SCORES)
def test_more_confidence_makes_wider_intervals(before: list[float], after: list[float]) -> None:
    """A smaller alpha never gives a narrower interval."""
    wide, narrow = unpaired_drop(before, after, 0.01), unpaired_drop(before, after, 0.1)
    assert wide.low <= narrow.low + 1e-9
    assert narrow.high <= wide.high + 1e-9


@pytest.mark.parametrize("times", [4, 16])
def test_more_examples_make_narrower_intervals(times: int) -> None:
    """The same shares on more examples leave a narrower interval."""
    few = paired_drop(bits(9, 10), bits(7, 10), 0.05)
    many = paired_drop(bits(9 * times, 10 * times), bits(7 * times, 10 * times), 0.05)
    assert many.high - many.low < few.high - few.low


def test_pairing_helps_where_the_two_scores_go_together() -> None:
    """On the same examples the paired interval is narrower than the unpaired one."""
    before, after = bits(160, 200), bits(150, 200)
    paired, unpaired = paired_drop(before, after, 0.05), unpaired_drop(before, after, 0.05)
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < (unpaired.high - unpaired.low) / 2


# Differences of drops.


def paired_difference_of_drops(
    candidate: tuple[list[float], list[float]],
    baseline: tuple[list[float], list[float]],
    alpha: float,
) -> Estimate:
    """Estimate the difference of two models' drops on the same examples."""
    rows = zip(*candidate, *baseline, strict=True)
    return mean_over_examples([(a - b) - (c - d) for a, b, c, d in rows], alpha)


def test_relative_bounds_hold_their_level_where_few_answers_differ() -> None:
    """A model that is worse by exactly the margin passes in at most 5 % of the draws or so.

    The candidate loses examples that the baseline keeps, and never the other way round: the draw
    with too few losses has little spread as well, which fools an interval of the mean.
    """
    rng = np.random.default_rng(11)
    for n, margin in ((60, 0.05), (100, 0.05), (300, 0.02), (30, 0.10)):
        losses = rng.binomial(n, margin, size=1500)
        passes = 0
        for lost in losses:
            values = [1.0] * int(lost) + [0.0] * (n - int(lost))
            passes += mean_over_examples(values, 0.05).high <= margin
        assert passes / 1500 <= 0.07, (n, margin, passes / 1500)


@settings(deadline=None)
@given(
    rows=st.lists(st.tuples(*[st.sampled_from([0.0, 0.5, 1.0])] * 4), min_size=1, max_size=30),
    alpha=ALPHAS,
)
def test_a_paired_difference_of_drops_is_symmetrical(
    rows: list[tuple[float, float, float, float]], alpha: float
) -> None:
    """Swapping candidate and baseline turns the difference; it lies in its interval."""
    a, b, c, d = columns(list(rows))
    one = paired_difference_of_drops((a, b), (c, d), alpha)
    assert_mirrored(one, paired_difference_of_drops((c, d), (a, b), alpha))
    assert -2.0 <= one.low <= one.value <= one.high <= 2.0
    assert one.value == pytest.approx(np.mean(a) - np.mean(b) - np.mean(c) + np.mean(d), abs=1e-9)


def test_a_model_drops_as_much_as_itself() -> None:
    """Compared with itself a model's difference is zero, with an interval that is not empty."""
    scores = (bits(40, 50), bits(30, 50))
    estimate = paired_difference_of_drops(scores, scores, 0.05)
    assert estimate.value == 0.0
    assert estimate.low < 0.0 < estimate.high


@settings(deadline=None)
@given(before=PAIRS, after=st.lists(PAIRS, min_size=1, max_size=3), alpha=ALPHAS)
def test_an_unpaired_difference_of_drops_is_symmetrical(
    before: list[tuple[float, float]], after: list[list[tuple[float, float]]], alpha: float
) -> None:
    """Swapping the two models on every set turns the difference; it lies in its interval."""
    source, targets = columns(list(before)), [columns(list(rows)) for rows in after]
    one = unpaired_difference_of_drops(
        (source[0], source[1]), [(first, second) for first, second in targets], alpha
    )
    other = unpaired_difference_of_drops(
        (source[1], source[0]), [(second, first) for first, second in targets], alpha
    )
    assert_mirrored(one, other)
    assert -2.0 <= one.low <= one.value + 1e-12
    assert one.value - 1e-12 <= one.high <= 2.0


def test_an_unpaired_difference_of_drops_is_worked_by_hand() -> None:
    """The difference is that of the sources minus the mean of those of the targets."""
    estimate = unpaired_difference_of_drops(
        (bits(9, 10), bits(8, 10)),
        [(bits(7, 10), bits(4, 10)), (bits(12, 20), bits(10, 20))],
        0.05,
    )
    assert estimate.value == pytest.approx((0.9 - 0.8) - ((0.7 - 0.4) + (0.6 - 0.5)) / 2)
    assert estimate.n == 10


@settings(deadline=None)
@given(values=st.lists(st.floats(-2, 2), min_size=1, max_size=30), alpha=ALPHAS)
def test_a_mean_over_examples_lies_in_its_interval(values: list[float], alpha: float) -> None:
    """The mean of one value an example lies in its interval and that in [-2, 2]."""
    estimate = mean_over_examples(values, alpha)
    assert -2.0 <= estimate.low <= estimate.value + 1e-12
    assert estimate.value - 1e-12 <= estimate.high <= 2.0
    assert estimate.value == pytest.approx(math.fsum(values) / len(values), abs=1e-9)


# Coverage.


def test_the_paired_bounds_hold_their_level() -> None:
    """Over 600 seeded draws each one-sided bound of 5 % misses the truth about that often."""
    rng = np.random.default_rng(1)
    n, truth, outcomes = 80, 0.08, []
    for _ in range(600):
        lost, gained, _same = rng.multinomial(n, [0.12, 0.04, 0.84])
        low, high = tango_bounds(int(lost), int(gained), n, 0.05)
        outcomes.append((low > truth, high < truth))
    too_high, too_low = np.mean(outcomes, axis=0)
    assert 0.025 <= too_high <= 0.075
    assert 0.025 <= too_low <= 0.075


def test_the_unpaired_bounds_hold_their_level() -> None:
    """Over 600 seeded draws each one-sided bound of 5 % misses the truth about that often."""
    rng = np.random.default_rng(2)
    outcomes = []
    for x1, x2 in zip(rng.binomial(90, 0.85, 600), rng.binomial(60, 0.7, 600), strict=True):
        low, high = miettinen_nurminen_bounds(int(x1), 90, int(x2), 60, 0.05)
        outcomes.append((low > 0.15, high < 0.15))
    too_high, too_low = np.mean(outcomes, axis=0)
    assert 0.025 <= too_high <= 0.075
    assert 0.025 <= too_low <= 0.075


def test_the_bounds_of_a_difference_of_drops_hold_their_level() -> None:
    """Over 600 seeded draws the interval of 90 % holds the true difference of drops."""
    rng = np.random.default_rng(3)
    truth, hits = (0.9 - 0.7) - (0.85 - 0.8), 0
    for _ in range(600):
        a, b, c, d = ((rng.random(60) < p).astype(float) for p in (0.9, 0.7, 0.85, 0.8))
        estimate = paired_difference_of_drops((list(a), list(b)), (list(c), list(d)), 0.05)
        hits += estimate.low <= truth <= estimate.high
    assert 0.86 <= hits / 600 <= 0.94


# How many examples would settle it.


def test_examples_to_settle_is_worked_by_hand() -> None:
    """With spread 0.5 and a distance of 5 points, (1.645 + 0.842)^2 * 0.25 / 0.0025 examples."""
    assert examples_to_settle(Estimate(0.05, 0.0, 0.1, 100, 0.5), 0.1, 0.05) == 619


def test_examples_on_the_limit_settle_nothing() -> None:
    """Where the estimate lies on the limit no number of examples is enough."""
    assert examples_to_settle(Estimate(0.05, 0.0, 0.1, 100, 0.5), 0.05, 0.05) == sys.maxsize


@settings(deadline=None)
@given(
    value=st.floats(-1, 1), limit=st.floats(-1, 1), n=st.integers(1, 10**6), spread=st.floats(0, 2)
)
def test_examples_to_settle_are_more_than_there_are(
    value: float, limit: float, n: int, spread: float
) -> None:
    """The advice always is to take more examples, and on both sides of a limit it is the same."""
    assume(abs(value - limit) > 1e-8)
    estimate = Estimate(value, -1.0, 1.0, n, spread)
    needed = examples_to_settle(estimate, limit, 0.05)
    assert needed > n
    mirrored = Estimate(-value, -1.0, 1.0, n, spread)
    assert examples_to_settle(mirrored, -limit, 0.05) == needed


# Exact test against a share.


@pytest.mark.parametrize(
    ("successes", "n", "share", "p"),
    [(3, 3, 0.5, 0.125), (0, 5, 0.5, 1.0), (9, 10, 0.5, 11 / 1024), (2, 2, 0.1, 0.01)],
)
def test_p_above_is_worked_by_hand(successes: int, n: int, share: float, p: float) -> None:
    """The p-value sums the binomial probabilities of as many successes or more."""
    assert p_above(successes, n, share) == pytest.approx(p)


# What is refused.


@pytest.mark.parametrize("alpha", [0.0, 0.5, -0.05, 1.0, 95.0, float("nan")])
def test_a_level_outside_its_range_is_refused(alpha: float) -> None:
    """A one-sided level is inside (0, 0.5), also where the scores are not 0/1."""
    for scores in ([0.0, 1.0], [0.25, 0.5], [0.5]):
        with pytest.raises(ValueError, match=r"a one-sided level lies inside \(0, 0.5\)"):
            mean_score(scores, alpha)


@pytest.mark.parametrize(("alpha", "z"), [(0.05, 1.644854), (0.025, 1.959964)])
def test_z_is_the_usual_quantile(alpha: float, z: float) -> None:
    """The quantiles are those of every table."""
    assert z_value(alpha) == pytest.approx(z, abs=1e-6)


@pytest.mark.parametrize("scores", [[1.5], [-0.1, 0.5], [float("nan")], [0.5, float("inf")]])
def test_a_score_outside_its_range_is_refused(scores: list[float]) -> None:
    """Scores are numbers in [0, 1], wherever they stand."""
    right = [0.5] * len(scores)
    computations: list[Callable[[], Estimate]] = [
        lambda: mean_score(scores, 0.05),
        lambda: paired_drop(scores, right, 0.05),
        lambda: paired_drop(right, scores, 0.05),
        lambda: unpaired_drop(right, scores, 0.05),
        lambda: unpaired_difference_of_drops((right, right), [(right, scores)], 0.05),
    ]
    for compute in computations:
        with pytest.raises(ValueError, match=r"a score is not a number in \[0, 1\]"):
            compute()


def test_no_scores_are_refused() -> None:
    """Nothing can be estimated from nothing."""
    computations: list[Callable[[], Estimate]] = [
        lambda: mean_score([], 0.05),
        lambda: paired_drop([], [], 0.05),
        lambda: unpaired_drop([1.0], [], 0.05),
        lambda: mean_over_examples([], 0.05),
    ]
    for compute in computations:
        with pytest.raises(ValueError, match="there are no"):
            compute()


def test_what_is_not_paired_is_refused() -> None:
    """Lists of other lengths are not on the same examples; the message says how long they are."""
    with pytest.raises(ValueError, match="3 scores before and 2 after are not paired"):
        paired_drop([1.0, 0.0, 1.0], [1.0, 0.0], 0.05)
    with pytest.raises(ValueError, match="1 and 2 scores are not on the same examples"):
        unpaired_difference_of_drops(([1.0], [1.0]), [([1.0], [1.0, 0.0])], 0.05)
    with pytest.raises(ValueError, match="no target set"):
        unpaired_difference_of_drops(([1.0], [1.0]), [], 0.05)


def test_one_graded_score_tells_nothing() -> None:
    """A single score that is no 0/1 score leaves the whole range open."""
    estimate = mean_score([0.5], 0.05)
    assert (estimate.low, estimate.value, estimate.high) == (0.0, 0.5, 1.0)


@settings(deadline=None)
@given(n1=st.integers(1, 400), n2=st.integers(1, 400), data=st.data(), alpha=ALPHAS)
def test_the_score_intervals_never_fail(
    n1: int, n2: int, data: st.DataObject, alpha: float
) -> None:
    """The bounds exist for every possible table, the degenerate ones included."""
    x1 = data.draw(st.integers(0, n1) | st.sampled_from([0, n1]))
    x2 = data.draw(st.integers(0, n2) | st.sampled_from([0, n2]))
    low, high = miettinen_nurminen_bounds(x1, n1, x2, n2, alpha)
    assert low <= high
    low, high = tango_bounds(x1, data.draw(st.integers(0, n1 - x1)), n1, alpha)
    assert low <= high


@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "alpha"), [(2, 2, 1, 10**6, 0.05), (1, 1, 1, 10**6, 0.001)]
)
def test_sets_of_very_different_size(x1: int, n1: int, x2: int, n2: int, alpha: float) -> None:
    """A handful of examples against a million give an interval, too."""
    low, high = miettinen_nurminen_bounds(x1, n1, x2, n2, alpha)
    assert low <= x1 / n1 - x2 / n2 <= high
