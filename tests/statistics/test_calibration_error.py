from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.statistics.calibration import Binned, CalibrationRise, calibration_rise

ALPHA = 0.05
BINS = 10


def binned(confidence: np.ndarray, right: np.ndarray) -> Binned:
    """Return answers in ten bins of equal width."""
    bins = np.minimum(BINS - 1, (confidence * BINS).astype(np.intp))
    return Binned(bins, confidence, confidence - right, BINS)


def calibrated(n: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """Return confidences and which answers are right, as often as they say."""
    rng = np.random.default_rng(seed)
    confidence = rng.uniform(0.5, 1.0, n)
    return confidence, (rng.random(n) < confidence).astype(float)


def rise(before: Binned, after: Binned, *, paired: bool = True) -> CalibrationRise:
    """Return the rise of one model."""
    return calibration_rise([(1.0, before, after)], paired=paired)


def test_the_error_is_the_mean_of_what_examples_add() -> None:
    """Two bins by hand: 0.95 with one of two right, 0.65 with both right."""
    side = binned(np.array([0.95, 0.95, 0.65, 0.65]), np.array([1.0, 0.0, 1.0, 1.0]))
    assert side.value == pytest.approx((0.45 + 0.35) / 2)
    assert side.signed.mean() == pytest.approx(side.value)


@pytest.mark.parametrize("n", [100, 1000])
def test_the_inflation_covers_what_luck_adds(n: int) -> None:
    """A calibrated model has no error in truth; on average the estimate is inflated by no more."""
    sides = [binned(*calibrated(n, seed)) for seed in range(200)]
    assert np.mean([s.value for s in sides]) <= 1.02 * np.mean([s.inflation.sum() for s in sides])
    assert np.mean([s.value for s in sides]) >= 0.8 * np.mean([s.inflation.sum() for s in sides])


def test_nothing_changed_inflates_nothing() -> None:
    """Of the same answers twice the difference is 0, but for what went unseen."""
    side = binned(*calibrated(100))
    figure = rise(side, side)
    assert (figure.value, figure.below, figure.above) == (0.0, 0.0, 0.0)
    unseen = 1.0 - ALPHA ** (1 / 100)
    assert figure.bounds(ALPHA)[1] >= unseen
    assert figure.p_below(unseen - 0.001) > ALPHA
    assert figure.p_below(0.05) <= ALPHA


def test_other_examples_inflate_both_sides() -> None:
    """The allowance of an unpaired rise is that of either set."""
    first, last = binned(*calibrated(200)), binned(*calibrated(200, seed=2))
    figure = rise(first, last, paired=False)
    assert figure.below == pytest.approx(first.inflation.sum())
    assert figure.above == pytest.approx(last.inflation.sum())


def test_two_models_share_the_allowance() -> None:
    """What inflates a baseline's error under the shift hides how much worse the candidate is."""
    sides = [binned(*calibrated(200, seed)) for seed in range(4)]
    figure = calibration_rise([(1.0, sides[0], sides[1]), (-1.0, sides[2], sides[3])], paired=False)
    assert figure.below == pytest.approx(sides[0].inflation.sum() + sides[3].inflation.sum())
    assert figure.above == pytest.approx(sides[1].inflation.sum() + sides[2].inflation.sum())
    assert figure.value == pytest.approx(
        sides[1].value - sides[0].value - sides[3].value + sides[2].value
    )


@pytest.mark.slow
@settings(max_examples=20)
@given(seed=st.integers(0, 1000), paired=st.booleans())
def test_bounds_and_p_values_agree(seed: int, *, paired: bool) -> None:
    """What lies beyond a bound is refuted, and what lies within is not."""
    confidence, right = calibrated(80, seed)
    shifted = np.clip(confidence + 0.1, 0.0, 1.0)
    figure = rise(binned(confidence, right), binned(shifted, right), paired=paired)
    low, high = figure.bounds(ALPHA)
    assert low <= figure.value <= high
    assert figure.p_above(low - 0.01) <= ALPHA <= figure.p_above(low + 0.01)
    assert figure.p_below(high + 0.01) <= ALPHA <= figure.p_below(high - 0.01)
