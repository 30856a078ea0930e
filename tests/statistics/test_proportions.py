from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest, multinomial

from pytest_ood.statistics.proportions import (
    NUISANCE_ALPHA,
    PRECISION,
    PairedDifference,
    Proportion,
    UnpairedDifference,
    clopper_pearson,
    miettinen_nurminen_bounds,
    miettinen_nurminen_statistic,
    tango_bounds,
    tango_statistic,
)

ALPHAS = st.sampled_from([0.001, 0.01, 0.05, 0.1, 0.3])
Paired = tuple[int, int, int]


@st.composite
def paired(draw: st.DrawFn, most: int = 40) -> PairedDifference:
    """Draw losses and gains among up to `most` examples."""
    n = draw(st.integers(1, most))
    lost = draw(st.integers(0, n))
    return PairedDifference(lost, draw(st.integers(0, n - lost)), n)


@st.composite
def unpaired(draw: st.DrawFn, most: int = 40) -> UnpairedDifference:
    """Draw right answers in two sets of up to `most` examples."""
    n1, n2 = draw(st.integers(1, most)), draw(st.integers(1, most))
    return UnpairedDifference(draw(st.integers(0, n1)), n1, draw(st.integers(0, n2)), n2)


FIGURES = paired() | unpaired()


# Published figures.


@pytest.mark.parametrize(
    ("lost", "gained", "n", "alpha", "bounds"),
    [(1, 7, 21, 0.025, (-0.517, -0.026)), (48, 41, 549, 0.05, (-0.0157, 0.0414))],
)
def test_the_paired_interval_is_as_published(
    lost: int, gained: int, n: int, alpha: float, bounds: tuple[float, float]
) -> None:
    """Tango's interval gives the figures of Fagerland et al. 2014 and of the R package PropCIs."""
    assert tango_bounds(lost, gained, n, alpha) == pytest.approx(bounds, abs=5e-4)


def test_tango_s_own_example_is_as_published() -> None:
    """One of 44 lenses is lost: Z = 1.709 against 10 points, lower bound -0.096 (section 6.1)."""
    statistic = tango_statistic(np.array(0), np.array(1), 44, -0.1)
    assert float(statistic) == pytest.approx(1.709, abs=5e-4)
    assert tango_bounds(0, 1, 44, 0.05)[0] == pytest.approx(-0.096, abs=5e-4)


@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [((56, 70), (48, 80), 0.0528, 0.3382), ((9, 10), (3, 10), 0.1700, 0.8406),
     ((0, 10), (0, 20), -0.1658, 0.2844), ((6, 7), (2, 7), 0.0342, 0.8534),
     ((5, 56), (0, 29), -0.0326, 0.1933), ((10, 10), (0, 20), 0.7156, 1.0)],
)  # fmt: skip
def test_the_unpaired_interval_is_as_published(
    first: tuple[int, int], second: tuple[int, int], low: float, high: float
) -> None:
    """Miettinen and Nurminen's interval gives Newcombe's figures (1998, 17:873-890, table II)."""
    bounds = miettinen_nurminen_bounds(*first, *second, 0.025)
    assert bounds == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"), [(81, 263, 0.2527, 0.3676), (15, 148, 0.0578, 0.1617),
                                        (0, 20, 0.0, 0.1684), (1, 29, 0.0009, 0.1776)],
)  # fmt: skip
def test_the_exact_interval_of_a_share_is_as_published(
    successes: int, n: int, low: float, high: float
) -> None:
    """Clopper and Pearson's bounds give Newcombe's figures (1998a, table I, method 5)."""
    assert clopper_pearson(successes, n, 0.025) == pytest.approx((low, high), abs=6e-5)


@pytest.mark.parametrize(
    ("first", "second", "p_value", "within"),
    [((12, 15), (7, 15), 0.0341, 5e-5), ((2, 68), (1, 65), 0.354387, 2e-4)],
)
def test_the_exact_unpaired_p_value_is_as_published(
    first: tuple[int, int], second: tuple[int, int], p_value: float, within: float
) -> None:
    """The vaccine trial of Chan 1998 as StatXact has it, and an example of the R package lrstat."""
    figure = UnpairedDifference(*first, *second)
    assert figure.p_above(0.0) == pytest.approx(p_value, abs=within)


def test_the_exact_unpaired_interval_is_as_published() -> None:
    """Chan and Zhang's interval of 2/30 - 1/30 is that of lrstat, but for rates ruled out."""
    low, high = UnpairedDifference(2, 30, 1, 30).bounds(0.025)
    assert low == pytest.approx(-0.111153, abs=2 * PRECISION)
    # The published 0.200071 takes 12 of 30 for a rate at which 1 of 30 was seen.
    assert 0.195 < high < 0.200071


# The score statistics against a search without any closed form.


@pytest.mark.parametrize("counts", [(12, 3, 44), (8, 0, 44), (0, 0, 20), (2, 9, 25), (30, 1, 300)])
def test_tango_s_statistic_takes_the_likeliest_nuisance(counts: Paired) -> None:
    """The closed form is the one at the most likely probability of a gain, found on a grid."""
    lost, gained, n = counts
    for delta in (-0.3, -0.05, 0.02, 0.1, 0.4):
        q = np.linspace(max(0.0, -delta), (1 - delta) / 2, 200_001)[1:-1]
        likelihood = lost * np.log(q + delta) + gained * np.log(q)
        likelihood += (n - lost - gained) * np.log(1 - 2 * q - delta)
        best = q[likelihood.argmax()]
        expected = (lost - gained - n * delta) / math.sqrt(n * (2 * best + delta * (1 - delta)))
        found = tango_statistic(np.array(lost), np.array(gained), n, delta)
        assert float(found) == pytest.approx(expected, rel=2e-3)


@pytest.mark.parametrize("counts", [(56, 70, 48, 80), (5, 6, 1, 60), (30, 31, 300, 310)])
def test_the_unpaired_statistic_takes_the_likeliest_nuisance(
    counts: tuple[int, int, int, int],
) -> None:
    """The root of the cubic is the most likely second rate, found on a grid."""
    x1, n1, x2, n2 = counts
    for delta in (-0.3, -0.05, 0.02, 0.1, 0.4):
        p2 = np.linspace(max(0.0, -delta), min(1.0, 1 - delta), 200_001)[1:-1]
        p1 = p2 + delta
        likelihood = x1 * np.log(p1) + (n1 - x1) * np.log(1 - p1)
        likelihood += x2 * np.log(p2) + (n2 - x2) * np.log(1 - p2)
        a, b = p1[likelihood.argmax()], p2[likelihood.argmax()]
        variance = (a * (1 - a) / n1 + b * (1 - b) / n2) * (n1 + n2) / (n1 + n2 - 1)
        expected = (x1 / n1 - x2 / n2 - delta) / math.sqrt(variance)
        found = miettinen_nurminen_statistic(np.array(x1), n1, np.array(x2), n2, delta)
        assert float(found) == pytest.approx(expected, rel=2e-3)


def test_mcnemar_agrees_with_the_paired_interval() -> None:
    """No difference lies on the score bound exactly where McNemar's statistic equals z squared."""
    lost, gained = 15, 6
    alpha = 1 - NormalDist().cdf((lost - gained) / math.sqrt(lost + gained))
    assert tango_bounds(lost, gained, 80, alpha)[0] == pytest.approx(0.0, abs=1e-7)


# The exact tests against brute force.


def outcomes(n: int) -> list[tuple[int, int]]:
    """Return every pair of losses and gains among n examples."""
    return [(lost, gained) for lost in range(n + 1) for gained in range(n + 1 - lost)]


def multinomial_table(rows: np.ndarray, rates: np.ndarray) -> np.ndarray:
    """Return the probability of each outcome (k, 3) at each set of rates (p, 3), shape (p, k)."""
    rates = np.clip(rates, 0.0, 1.0)
    total = rates.sum(axis=1, keepdims=True)
    return multinomial.pmf(rows[None], rows[0].sum(), (rates / total)[:, None])


@pytest.mark.parametrize(
    ("lost", "gained", "n", "limit"),
    [(3, 0, 12, 0.05), (5, 2, 20, 0.0), (1, 6, 15, -0.1), (0, 0, 10, -0.2), (9, 1, 18, 0.2),
     (2, 2, 8, 0.1)],
)  # fmt: skip
def test_the_paired_p_value_is_the_largest_over_the_nuisance(
    lost: int, gained: int, n: int, limit: float
) -> None:
    """The p-value adds up all outcomes that are as extreme, at the worst probability of a gain."""
    observed = float(tango_statistic(np.array(lost), np.array(gained), n, limit))
    extreme = [
        (a, b, n - a - b)
        for a, b in outcomes(n)
        if float(tango_statistic(np.array(a), np.array(b), n, limit)) >= observed - 1e-9
    ]
    worst = 0.0
    for q in np.linspace(max(0.0, -limit), (1 - limit) / 2, 400):
        rates = np.clip([q + limit, q, 1 - 2 * q - limit], 0.0, 1.0)
        worst = max(worst, float(multinomial.pmf(extreme, n, rates / rates.sum()).sum()))
    p_value = PairedDifference(lost, gained, n).p_above(limit)
    assert p_value == pytest.approx(worst, rel=2e-3, abs=2 * NUISANCE_ALPHA)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("x1", "n1", "x2", "n2", "limit"),
    [(9, 10, 3, 10, 0.1), (12, 15, 9, 20, 0.0), (3, 12, 9, 9, -0.5), (7, 7, 6, 11, 0.2)],
)
def test_the_unpaired_p_value_is_the_largest_over_the_nuisance(
    x1: int, n1: int, x2: int, n2: int, limit: float
) -> None:
    """The p-value adds up all outcomes that are as extreme, at the worst second rate."""
    first, second = np.arange(n1 + 1.0)[:, None], np.arange(n2 + 1.0)[None, :]
    table = miettinen_nurminen_statistic(first, n1, second, n2, limit)
    extreme = table >= table[x1, x2] - 1e-9
    worst = 0.0
    for p in np.linspace(max(0.0, -limit), min(1.0, 1 - limit), 2000):
        likely = binom.pmf(first, n1, min(1.0, p + limit)) * binom.pmf(second, n2, p)
        worst = max(worst, float(likely[extreme].sum()))
    p_value = UnpairedDifference(x1, n1, x2, n2).p_above(limit)
    # The worst rate may be one that the data themselves rule out.
    assert 0.95 * worst <= p_value <= worst * 1.002 + 2 * NUISANCE_ALPHA


@pytest.mark.parametrize("limit", [-0.1, 0.0, 0.2])
def test_every_paired_p_value_of_a_small_sample_is_the_largest(limit: float) -> None:
    """No outcome of seven examples has a p-value above brute force, or one far below it."""
    n = 7
    rows = np.array([(a, b, n - a - b) for a, b in outcomes(n)])
    q = np.linspace(max(0.0, -limit), (1 - limit) / 2, 2001)
    likely = multinomial_table(rows, np.stack([q + limit, q, 1 - 2 * q - limit], axis=1))
    statistic = tango_statistic(rows[:, 0], rows[:, 1], n, limit)
    for row, observed in zip(rows.tolist(), statistic, strict=True):
        worst = likely[:, statistic >= observed - 1e-9].sum(axis=1).max()
        p_value = PairedDifference(row[0], row[1], n).p_above(limit)
        assert p_value <= worst + 2 * NUISANCE_ALPHA
        # Below it only where the worst probability of a gain is one the outcome rules out.
        assert p_value >= 0.9 * worst


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "limit"),
    [(10, -0.2), (10, 0.0), (10, 0.1), (25, -0.1), (25, 0.03), (40, 0.0), (40, 0.05)],
)
def test_paired_tests_err_at_most_as_often_as_they_say(n: int, limit: float) -> None:
    """At the limit itself, the outcomes that refute it have a probability of at most alpha."""
    rows = np.array([(a, b, n - a - b) for a, b in outcomes(n)])
    q = np.linspace(max(0.0, -limit), (1 - limit) / 2, 101)
    likely = multinomial_table(rows, np.stack([q + limit, q, 1 - 2 * q - limit], axis=1))
    figures = [PairedDifference(a, b, n) for a, b, _ in rows.tolist()]
    for p_values in (
        np.array([figure.p_above(limit) for figure in figures]),
        np.array([figure.p_below(limit) for figure in figures]),
    ):
        for alpha in (0.005, 0.05, 0.2):
            assert likely[:, p_values <= alpha].sum(axis=1).max() <= alpha


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n1", "n2", "limit"), [(15, 10, 0.0), (15, 10, 0.1), (8, 30, -0.2), (25, 25, 0.05)]
)
def test_unpaired_tests_err_at_most_as_often_as_they_say(n1: int, n2: int, limit: float) -> None:
    """At the limit itself, the outcomes that refute it have a probability of at most alpha."""
    p = np.linspace(max(0.0, -limit), min(1.0, 1 - limit), 101)[:, None]
    first = binom.pmf(np.arange(n1 + 1), n1, np.clip(p + limit, 0.0, 1.0))
    second = binom.pmf(np.arange(n2 + 1), n2, p)
    likely = first[:, :, None] * second[:, None, :]
    table = [[UnpairedDifference(a, n1, b, n2) for b in range(n2 + 1)] for a in range(n1 + 1)]
    for p_values in (
        np.array([[figure.p_above(limit) for figure in row] for row in table]),
        np.array([[figure.p_below(limit) for figure in row] for row in table]),
    ):
        for alpha in (0.005, 0.05, 0.2):
            assert likely[:, p_values <= alpha].sum(axis=1).max() <= alpha


@given(successes=st.integers(0, 60), rest=st.integers(0, 60), share=st.floats(0, 1))
def test_a_share_is_tested_exactly(successes: int, rest: int, share: float) -> None:
    """The p-values of a share are those of scipy's exact binomial test."""
    n = successes + rest
    if n == 0:
        return
    figure = Proportion(successes, n)
    above = binomtest(successes, n, share, alternative="greater").pvalue
    below = binomtest(successes, n, share, alternative="less").pvalue
    assert figure.p_above(share) == pytest.approx(above, rel=1e-9, abs=1e-12)
    assert figure.p_below(share) == pytest.approx(below, rel=1e-9, abs=1e-12)


# Properties.


@pytest.mark.slow
@given(figure=FIGURES, alpha=ALPHAS)
def test_the_interval_contains_the_estimate(
    figure: PairedDifference | UnpairedDifference, alpha: float
) -> None:
    """The drop lies in its interval and the interval in [-1, 1]."""
    low, high = figure.bounds(alpha)
    assert -1.0 <= low <= figure.value <= high <= 1.0


@pytest.mark.slow
@given(figure=FIGURES, alpha=ALPHAS)
def test_bounds_and_p_values_agree(
    figure: PairedDifference | UnpairedDifference, alpha: float
) -> None:
    """What lies beyond a bound is refuted at alpha, and what lies well within is not."""
    low, high = figure.bounds(alpha)
    if low > -1.0:
        assert figure.p_above(low) <= alpha * 1.001
    if high < 1.0:
        assert figure.p_below(high) <= alpha * 1.001
    assert figure.p_above((low + 3 * figure.value) / 4 + 4 * PRECISION) > alpha
    assert figure.p_below((high + 3 * figure.value) / 4 - 4 * PRECISION) > alpha


@given(figure=paired(), limit=st.floats(-1, 1))
def test_turning_before_and_after_turns_the_tests(figure: PairedDifference, limit: float) -> None:
    """A loss seen backwards is a gain: the two p-values change places."""
    turned = PairedDifference(figure.gained, figure.lost, figure.n)
    assert figure.p_above(limit) == pytest.approx(turned.p_below(-limit), rel=1e-9)
    assert turned.value == -figure.value


@pytest.mark.slow
@given(figure=FIGURES)
def test_a_larger_limit_is_harder_to_refute(
    figure: PairedDifference | UnpairedDifference,
) -> None:
    """The p-value of "at most the limit" is higher beyond the interval than before it."""
    low, high = figure.bounds(0.05)
    # Exact p-values of a few examples jump a little; they do not cross the interval.
    before = [figure.p_above(limit) for limit in np.linspace(-1.0, low, 9) if low > -1.0]
    after = [figure.p_above(limit) for limit in np.linspace(high, 1.0, 9) if high < 1.0]
    assert max(before, default=0.0) <= 0.06
    assert min(after, default=1.0) >= 0.5


@given(n=st.integers(1, 30), data=st.data())
def test_one_more_loss_is_never_less_evidence(n: int, data: st.DataObject) -> None:
    """Another lost example does not raise the p-value of "at most the limit"."""
    lost = data.draw(st.integers(0, n - 1))
    gained = data.draw(st.integers(0, n - 1 - lost))
    limit = data.draw(st.floats(-0.5, 0.5))
    more = PairedDifference(lost + 1, gained, n).p_above(limit)
    assert more <= PairedDifference(lost, gained, n).p_above(limit) + 2 * NUISANCE_ALPHA


@pytest.mark.parametrize(("lost", "gained"), [(120, 60), (40, 38), (300, 290)])
def test_with_many_examples_the_exact_interval_is_the_score_interval(
    lost: int, gained: int
) -> None:
    """At n = 2000 being exact costs hardly any width."""
    exact = PairedDifference(lost, gained, 2000).bounds(0.05)
    score = tango_bounds(lost, gained, 2000, 0.05)
    assert exact == pytest.approx(score, abs=0.03 * (score[1] - score[0]))


@pytest.mark.parametrize(("x1", "x2"), [(1800, 1740), (1000, 1010), (1990, 1960)])
def test_with_many_examples_the_exact_unpaired_interval_is_the_score_interval(
    x1: int, x2: int
) -> None:
    """At 2000 examples on each side being exact costs hardly any width."""
    exact = UnpairedDifference(x1, 2000, x2, 2000).bounds(0.05)
    score = miettinen_nurminen_bounds(x1, 2000, x2, 2000, 0.05)
    assert exact == pytest.approx(score, abs=0.03 * (score[1] - score[0]))


@pytest.mark.slow
@settings(max_examples=50)
@given(figure=FIGURES)
def test_more_confidence_makes_wider_intervals(
    figure: PairedDifference | UnpairedDifference,
) -> None:
    """A smaller alpha never gives a narrower interval."""
    wide, narrow = figure.bounds(0.01), figure.bounds(0.1)
    assert wide[0] <= narrow[0] + PRECISION
    assert wide[1] >= narrow[1] - PRECISION


@pytest.mark.parametrize("times", [2, 10, 100])
def test_more_examples_make_narrower_intervals(times: int) -> None:
    """The same shares on more examples leave a narrower interval."""
    for few, many in (
        (PairedDifference(3, 1, 10), PairedDifference(3 * times, times, 10 * times)),
        (UnpairedDifference(9, 10, 7, 10),
         UnpairedDifference(9 * times, 10 * times, 7 * times, 10 * times)),
    ):  # fmt: skip
        (low, high), (closer_low, closer_high) = few.bounds(0.05), many.bounds(0.05)
        assert low < closer_low < closer_high < high


@given(paired=paired(), unpaired=unpaired(), alpha=ALPHAS)
def test_the_score_intervals_never_fail(
    paired: PairedDifference, unpaired: UnpairedDifference, alpha: float
) -> None:
    """The score bounds exist for every possible table, the degenerate ones included."""
    low, high = tango_bounds(paired.lost, paired.gained, paired.n, alpha)
    assert -1.0 <= low <= paired.value <= high <= 1.0
    table = (unpaired.x1, unpaired.n1, unpaired.x2, unpaired.n2)
    low, high = miettinen_nurminen_bounds(*table, alpha)
    assert -1.0 <= low <= unpaired.value <= high <= 1.0


@pytest.mark.parametrize("n", [1, 2, 50, 2000])
def test_extreme_sets_have_bounds(n: int) -> None:
    """All right against none, and equal sets, give the end of the range on their own side."""
    assert UnpairedDifference(n, n, 0, n).bounds(0.05)[1] == 1.0
    assert UnpairedDifference(0, n, n, n).bounds(0.05)[0] == -1.0
    for right in (0, n):
        low, high = UnpairedDifference(right, n, right, n).bounds(0.05)
        assert low == pytest.approx(-high, abs=2 * PRECISION)
        # Neither set shows a difference: the rule of three, exactly.
        assert high == pytest.approx(1 - 0.05 ** (1 / n), abs=5e-5)


@pytest.mark.parametrize("n", [1, 2, 50, 2000])
def test_extreme_outcomes_have_bounds(n: int) -> None:
    """All lost, all gained and nothing changed give the end of the range on their own side."""
    assert PairedDifference(n, 0, n).bounds(0.05)[1] == 1.0
    assert PairedDifference(0, n, n).bounds(0.05)[0] == -1.0
    low, high = PairedDifference(0, 0, n).bounds(0.05)
    assert low == pytest.approx(-high)
    # Nothing lost: the rule of three, exactly.
    assert high == pytest.approx(1 - 0.05 ** (1 / n), abs=3e-5)


@pytest.mark.parametrize(("x1", "n1", "x2", "n2"), [(2, 2, 1, 10**5), (1, 1, 1, 10**5)])
def test_sets_of_very_different_size(x1: int, n1: int, x2: int, n2: int) -> None:
    """A handful of examples against a hundred thousand give an interval, too."""
    low, high = UnpairedDifference(x1, n1, x2, n2).bounds(0.05)
    assert low <= x1 / n1 - x2 / n2 <= high
