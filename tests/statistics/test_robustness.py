from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from scipy.stats import linregress

from pytest_ood.statistics import robustness
from pytest_ood.statistics.robustness import (
    AXES,
    Accuracies,
    Axis,
    effective_robustness,
    fit_line,
    from_axis,
    half_counted,
    to_axis,
    why_no_line,
)

N = 1000
BEFORE = (0.6, 0.7, 0.8, 0.9)


def rng(seed: int = 0) -> np.random.Generator:
    """Return a generator that is always the same."""
    return np.random.default_rng(seed)


def baselines(slope: float = 0.5, intercept: float = 0.2, n: int = N) -> list[Accuracies]:
    """Return four models on a line with linear axes."""
    return [Accuracies(x, intercept + slope * x, n, n) for x in BEFORE]


@pytest.mark.parametrize("axis", AXES)
def test_the_line_is_that_of_least_squares(axis: Axis) -> None:
    """Slope and intercept are those of scipy's regression on the axis."""
    after = (0.52, 0.55, 0.63, 0.61)
    models = [Accuracies(x, y, N, N) for x, y in zip(BEFORE, after, strict=True)]
    line = fit_line(models, axis)
    places = [[float(to_axis(v, N, axis)) for v in row] for row in (BEFORE, after)]
    known = linregress(*places)
    assert (line.slope, line.intercept) == pytest.approx((known.slope, known.intercept))
    assert line.holds(0.6)
    assert not line.holds(0.59)


def test_the_probit_axis_counts_half_an_answer_more() -> None:
    """(k + 1/2) / (n + 1) is neither 0 nor 1, so that its probit is finite (Anscombe 1956)."""
    assert float(half_counted(0.0, 9)) == 0.05
    assert float(to_axis(1.0, 9, "probit")) == pytest.approx(float(ndtri(0.95)))
    assert float(from_axis(to_axis(0.5, 9, "probit"), "probit")) == pytest.approx(0.5)
    assert float(to_axis(1.0, 9, "linear")) == 1.0


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("above", [-0.1, 0.0, 0.1])
def test_a_model_is_as_robust_as_it_lies_above_the_line(axis: Axis, above: float) -> None:
    """The figure is the distance to the line at the model's accuracy (Taori et al. 2020)."""
    line = fit_line(baselines(), axis)
    expected = float(line.at(0.75, N))
    model = Accuracies(0.75, expected + above, N, N)
    found = effective_robustness(model, baselines(), axis, 0.05, rng())
    assert found.value == pytest.approx(above)
    assert found.low < found.value < found.high
    assert found.n == N
    assert (found.low > 0.0) == (above > 0.0)
    assert (found.high < 0.0) == (above < 0.0)


def test_the_same_seed_gives_the_same_interval() -> None:
    """The bootstrap depends on nothing but its generator."""
    model = Accuracies(0.75, 0.6, N, N)
    first, again, other = (
        effective_robustness(model, baselines(), "probit", 0.05, rng(seed)) for seed in (1, 1, 2)
    )
    assert first == again != other


def test_more_examples_make_the_interval_narrower() -> None:
    """Of ten times the examples, the sampling error is about a third."""
    widths = []
    for n in (300, 3000):
        model = Accuracies(0.75, 0.6, n, n)
        found = effective_robustness(model, baselines(n=n), "linear", 0.05, rng())
        widths.append(found.high - found.low)
    assert widths[1] == pytest.approx(widths[0] / math.sqrt(10), rel=0.2)


def test_baselines_off_their_line_make_the_interval_wider() -> None:
    """Scatter of the baselines counts, beyond what sampling makes of it."""
    model = Accuracies(0.75, 0.575, 100_000, 100_000)
    straight = baselines(n=100_000)
    crooked = [
        Accuracies(b.before, b.after + shift, b.n_before, b.n_after)
        for b, shift in zip(straight, (0.03, -0.03, -0.03, 0.03), strict=True)
    ]
    narrow, wide = (
        effective_robustness(model, models, "linear", 0.05, rng()) for models in (straight, crooked)
    )
    assert wide.high - wide.low > 5 * (narrow.high - narrow.low)
    assert wide.low < 0.0 < wide.high


def test_the_same_examples_tell_more() -> None:
    """Where the model keeps its right answers, its two accuracies err together."""
    apart = Accuracies(0.75, 0.7, N, N)
    together = Accuracies(0.75, 0.7, N, N, both=0.7)
    sizes = []
    for model in (apart, together):
        before, after = model.draws(rng(), 20_000)
        assert before.mean() == pytest.approx(0.75, abs=0.002)
        assert after.mean() == pytest.approx(0.7, abs=0.002)
        sizes.append(float((before - after).std()))
    assert sizes[1] == pytest.approx(math.sqrt((0.05 - 0.05**2) / N), rel=0.05)
    assert sizes[0] > 2 * sizes[1]


@pytest.mark.parametrize(
    ("models", "why"),
    [
        ([], "0 baselines, and a line needs 3"),
        (baselines()[:1], "1 baseline, and a line needs 3"),
        (baselines()[:2], "2 baselines, and a line needs 3"),
        ([Accuracies(0.8, y, 100, 100) for y in (0.5, 0.6, 0.7)], "no further apart than chance"),
        ([Accuracies(x, 0.7, 100, 100) for x in (0.80, 0.82, 0.84)], "no further apart"),
    ],
)
def test_no_line_where_it_would_tell_nothing(models: list[Accuracies], why: str) -> None:
    """Fewer than three baselines, or as many of one accuracy, give no line, and the reason."""
    assert why in why_no_line(models)
    with pytest.raises(ValueError, match=why):
        fit_line(models, "linear")
    with pytest.raises(ValueError, match=why):
        effective_robustness(Accuracies(0.7, 0.7, 9, 9), models, "linear", 0.05, rng())


def test_a_level_is_one_sided() -> None:
    """Levels outside of (0, 0.5) are refused."""
    with pytest.raises(ValueError, match="alpha"):
        effective_robustness(Accuracies(0.7, 0.7, 9, 9), baselines(), "linear", 0.5, rng())


shares = st.integers(0, 200).map(lambda right: right / 200)


@pytest.mark.slow
@given(
    points=st.lists(st.tuples(shares, shares), min_size=3, max_size=6),
    model=st.tuples(shares, shares),
    axis=st.sampled_from(AXES),
    order=st.randoms(use_true_random=False),
)
def test_the_figure_depends_on_no_order(
    points: list[tuple[float, float]],
    model: tuple[float, float],
    axis: Axis,
    order: object,
) -> None:
    """Baselines in any order give the same figure; interval and figure are finite everywhere."""
    models = [Accuracies(x, y, 200, 200) for x, y in points]
    if why_no_line(models):
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(robustness, "RESAMPLES", 100)
        own = Accuracies(*model, 200, 200)
        found = effective_robustness(own, models, axis, 0.05, rng())
        order.shuffle(models)  # type: ignore[attr-defined] # Hypothesis gives a random.Random
        again = effective_robustness(own, models, axis, 0.05, rng())
    assert again.value == pytest.approx(found.value)
    assert np.isfinite([found.low, found.value, found.high, found.spread]).all()
    assert found.low <= found.value <= found.high


@pytest.mark.slow
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("count", [3, 6])
def test_the_interval_covers(axis: Axis, count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of 200 studies of models around a line, nine in ten intervals or more hold the truth."""
    monkeypatch.setattr(robustness, "RESAMPLES", 400)
    draw, n, held, made = rng(count), 500, 0, 0

    def measured(before: float, above: float, scatter: float) -> Accuracies:
        place = 0.9 * float(ndtri(before)) - 0.3 + scatter * float(draw.standard_normal())
        after = float(ndtr(place)) + above
        return Accuracies(draw.binomial(n, before) / n, draw.binomial(n, after) / n, n, n)

    for _ in range(200):
        models = [measured(before, 0.0, 0.08) for before in draw.uniform(0.65, 0.92, count)]
        model = measured(float(draw.uniform(0.7, 0.9)), 0.05, 0.0)
        if not why_no_line(models):
            found = effective_robustness(model, models, axis, 0.05, draw)
            made += 1
            held += found.low <= 0.05 <= found.high
    assert made > 150
    # Two standard errors of a share of 200.
    assert held / made > 0.9 - 2 * math.sqrt(0.09 / made)
