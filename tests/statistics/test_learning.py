from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.statistics import learning
from pytest_ood.statistics.learning import LearningPoint, on_axis, passing

N = 1000
PROMPTED = [LearningPoint(4, 0.7, N)]


def curve(*points: tuple[int, float], n: int = N) -> list[LearningPoint]:
    """Return a curve of (examples, score)."""
    return [LearningPoint(count, score, n) for count, score in points]


def rng() -> np.random.Generator:
    """Return a generator that is always the same."""
    return np.random.default_rng(0)


def test_a_curve_passes_where_it_is_interpolated() -> None:
    """Halfway on the logarithm between 100 and 10,000 examples lie 1,000."""
    found = passing(curve((100, 0.6), (10_000, 0.8)), PROMPTED, 0.05, rng())
    assert found.outcome == "passes"
    assert found.at == pytest.approx(1000)
    assert found.low is not None
    assert found.high is not None
    assert 100 < found.low < 1000 < found.high < 10_000


@pytest.mark.parametrize(
    ("scores", "outcome"), [((0.8, 0.9), "above"), ((0.5, 0.6), "below"), ((0.7, 0.9), "above")]
)
def test_curves_that_do_not_cross(scores: tuple[float, float], outcome: str) -> None:
    """One that is above from the first, or below to the end, passes nowhere."""
    found = passing(curve((100, scores[0]), (1000, scores[1])), PROMPTED, 0.05, rng())
    assert (found.outcome, found.at) == (outcome, None)


def test_sampling_error_may_let_curves_cross() -> None:
    """Where the last scores are near, the bound of a crossing is within what was measured."""
    near = passing(curve((100, 0.5), (1000, 0.695)), PROMPTED, 0.05, rng())
    assert near.outcome == "below"
    assert near.low is not None
    assert 100 < near.low < 1000
    assert near.high is None


def test_the_last_crossing_counts() -> None:
    """A curve that falls below again has not passed for good before."""
    found = passing(
        curve((10, 0.6), (100, 0.8), (1000, 0.65), (10_000, 0.75)), PROMPTED, 0.05, rng()
    )
    assert found.at == pytest.approx(10 ** (3 + 0.5))


def test_two_curves_cross_between_their_points() -> None:
    """Points of either curve may lie anywhere; without any example a prompt is left of one."""
    prompted = curve((0, 0.5), (10, 0.7), (1000, 0.9))
    trained = curve((1, 0.3), (100, 0.75), (10_000, 0.95))
    found = passing(trained, prompted, 0.05, rng())
    assert found.outcome == "passes"
    # Between 1,000 and 10,000: the prompted curve stays at 0.9, the trained one is at 0.85 there.
    assert found.at == pytest.approx(10 ** (3 + 0.5))
    assert on_axis(0) == math.log10(0.5) < on_axis(1) == 0.0


@pytest.mark.parametrize(
    ("trained", "prompted"),
    [(curve((100, 0.5)), PROMPTED), ([], PROMPTED), (curve((1, 0.5), (2, 0.6)), []),
     (curve((1, 0.5), (1, 0.6)), PROMPTED)],
)  # fmt: skip
def test_too_few_points_are_refused(
    trained: list[LearningPoint], prompted: list[LearningPoint]
) -> None:
    """A curve has two points of different numbers, a prompt one."""
    with pytest.raises(ValueError, match="a curve of"):
        passing(trained, prompted, 0.05, rng())


counts = st.lists(st.integers(0, 10_000), min_size=2, max_size=5, unique=True)


@given(counts=counts, data=st.data())
def test_the_crossing_is_one_of_the_curves(counts: list[int], data: st.DataObject) -> None:
    """Where it passes, both curves have the same value, and it is above from there on."""
    shares = st.integers(0, 100).map(lambda right: right / 100)
    trained = [LearningPoint(c, data.draw(shares), 100) for c in counts]
    prompted = [LearningPoint(c, data.draw(shares), 100) for c in data.draw(counts_of_prompts)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(learning, "RESAMPLES", 50)
        found = passing(trained, prompted, 0.05, rng())

    def difference(place: float) -> float:
        values = []
        for points in (trained, prompted):
            ordered = sorted(points, key=lambda p: p.examples)
            xs, ys = [on_axis(p.examples) for p in ordered], [p.score for p in ordered]
            values.append(float(np.interp(place, xs, ys)))
        return values[0] - values[1]

    first, last = on_axis(min(counts)), on_axis(max(counts))
    knots = [on_axis(p.examples) for p in (*trained, *prompted)]
    inside = [place for place in (first, *knots, last) if first <= place <= last]
    if found.outcome == "below":
        assert difference(last) < 0
    elif found.outcome == "above":
        assert all(difference(place) >= -1e-9 for place in inside)
    else:
        assert found.at is not None
        at = math.log10(found.at)
        assert first <= at <= last
        assert difference(at) == pytest.approx(0.0, abs=1e-9)
        assert all(difference(place) >= -1e-9 for place in inside if place >= at)
    if found.at is not None:
        assert found.low is None or found.low <= found.at + 1e-9
        assert found.high is None or found.high >= found.at - 1e-9


counts_of_prompts = st.lists(st.integers(0, 64), min_size=1, max_size=3, unique=True)
