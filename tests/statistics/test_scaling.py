from __future__ import annotations

import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from pytest_ood.statistics.scaling import DECISIVE, LEAST_SIZES, Scaling, scaling

ALPHA = 0.05
TEN = [10.0 ** (7 + 0.4 * number) for number in range(10)]


def noisy(sizes: list[float], curve: str, seed: int, spread: float = 0.01) -> list[float]:
    """Return values on a line or a hinge over the sizes, with noise."""
    x = np.log10(sizes) - 7.0
    middle = (x[0] + x[-1]) / 2
    values = {"line": 0.5 + 0.08 * x, "hinge": 0.5 + 0.15 * np.maximum(0.0, x - middle)}[curve]
    found: list[float] = (
        values + spread * np.random.default_rng(seed).standard_normal(len(x))
    ).tolist()
    return found


def test_a_line_is_found() -> None:
    """Points on a line are log-linear, with the slope for ten times the size."""
    found = scaling(TEN, noisy(TEN, "line", 1), ALPHA)
    assert found.shape == "log-linear"
    assert found.reason.startswith("AICc prefers the line by ")
    assert found.line is not None
    assert found.line.slope == pytest.approx(0.08, abs=0.01)
    assert found.slope is not None
    assert found.slope[0] < 0.08 < found.slope[1]


def test_a_break_is_found() -> None:
    """Points that are level and then rise are broken, and it is told where and by how much."""
    found = scaling(TEN, noisy(TEN, "hinge", 1), ALPHA)
    assert found.shape == "broken"
    assert found.reason.startswith("AICc prefers the break by ")
    assert found.reason.endswith("and so does cross-validation")
    assert found.broken is not None
    assert found.broken.at == pytest.approx(7 + 1.8, abs=0.25)
    assert found.broken.slope == pytest.approx(0.0, abs=0.03)
    assert found.broken.bend == pytest.approx(0.15, abs=0.05)


@pytest.mark.slow
@pytest.mark.parametrize(("curve", "other"), [("line", "broken"), ("hinge", "log-linear")])
def test_the_other_form_is_hardly_ever_told(curve: str, other: str) -> None:
    """Of 60 noisy curves, the wrong verdict comes out of three at most, the right one of most."""
    shapes = Counter(scaling(TEN, noisy(TEN, curve, seed), ALPHA).shape for seed in range(60))
    assert shapes[other] <= 3
    assert shapes.most_common(1)[0][0] not in (other, "cannot tell")


@pytest.mark.parametrize(
    ("count", "reason"),
    [(1, "1 different size, and a line needs 3"), (2, "2 different sizes, and a line needs 3"),
     (3, "3 different sizes, and it takes 7 to tell a line from a break"),
     (6, "6 different sizes, and it takes 7 to tell a line from a break")],
)  # fmt: skip
def test_few_sizes_cannot_tell(count: int, reason: str) -> None:
    """Fewer sizes than AICc can correct for give no verdict, and say how many it takes."""
    found = scaling(TEN[:count], noisy(TEN[:count], "hinge", 0), ALPHA)
    assert (found.shape, found.reason) == ("cannot tell", reason)
    assert (found.line is None) == (count < 3)
    assert found.broken is None


def test_models_of_one_size_are_one_point() -> None:
    """Three prompts of one model do not make a curve longer; their mean counts."""
    found = scaling([1e6, 1e6, 1e6, 1e7], [0.5, 0.6, 0.7, 0.9], ALPHA)
    assert (found.sizes, found.values) == ((1e6, 1e7), (pytest.approx(0.6), 0.9))
    assert found.reason.startswith("2 different sizes")


def test_cross_validation_can_speak_against() -> None:
    """A break that seven points show is too much for AICc, and cross-validation objects."""
    sizes = [10.0 ** (7 + number) for number in range(LEAST_SIZES)]
    found = scaling(sizes, noisy(sizes, "hinge", 1), ALPHA)
    assert found.shape == "cannot tell"
    assert found.reason.endswith("and cross-validation the break")


def test_the_bounds_of_the_slope_are_student_s() -> None:
    """They are those of scipy's regression."""
    values = noisy(TEN, "line", 3)
    found = scaling(TEN, values, 0.025)
    known = linregress(np.log10(TEN), values)
    assert found.slope is not None
    half = 2.306004 * float(known.stderr)  # Student's 97.5 % point, 8 degrees of freedom
    assert found.slope == pytest.approx((known.slope - half, known.slope + half), rel=1e-5)


def test_aicc_is_as_defined() -> None:
    """AICc = n log(RSS / n) + 2k + 2k(k + 1) / (n - k - 1), k = 3 of a line with its variance."""
    values = noisy(TEN, "line", 3)
    fit = scaling(TEN, values, ALPHA).line
    assert fit is not None
    squares = sum((fit(size) - value) ** 2 for size, value in zip(TEN, values, strict=True))
    assert fit.aicc == pytest.approx(10 * math.log(squares / 10) + 6 + 24 / 6)


@pytest.mark.parametrize(
    ("sizes", "values"), [([], []), ([1.0], [0.5, 0.6]), ([0.0], [0.5]), ([-1.0], [0.5])]
)
def test_wrong_sizes_are_refused(sizes: list[float], values: list[float]) -> None:
    """There is one value for each size, and sizes have logarithms."""
    with pytest.raises(ValueError, match="a size is above 0"):
        scaling(sizes, values, ALPHA)


curves = st.tuples(st.sampled_from(["line", "hinge"]), st.integers(0, 200), st.integers(1, 10))


def shown(found: Scaling) -> tuple[object, ...]:
    """Return what does not depend on units."""
    fits = [fit for fit in (found.line, found.broken) if fit is not None]
    return (found.shape, *(round(fit(size), 6) for fit in fits for size in (found.sizes[0],)))


@settings(max_examples=25)
@given(curve=curves, unit=st.sampled_from([1e-9, 1e-3, 1e6]))
def test_the_unit_of_the_sizes_does_not_matter(curve: tuple[str, int, int], unit: float) -> None:
    """In billions, or in bytes, the same form is found, and the same slope."""
    kind, seed, count = curve
    values = noisy(TEN[:count], kind, seed)
    first = scaling(TEN[:count], values, ALPHA)
    again = scaling([size * unit for size in TEN[:count]], values, ALPHA)
    assert shown(again) == shown(first)
    if first.line is not None and again.line is not None:
        assert again.line.slope == pytest.approx(first.line.slope, abs=1e-9)


@settings(max_examples=25)
@given(curve=curves, shift=st.floats(-0.3, 0.3), order=st.randoms(use_true_random=False))
def test_neither_order_nor_level_matters(
    curve: tuple[str, int, int], shift: float, order: object
) -> None:
    """Models in any order, or all so many points better, have the same form."""
    kind, seed, count = curve
    values = noisy(TEN[:count], kind, seed)
    pairs = list(zip(TEN[:count], [value + shift for value in values], strict=True))
    order.shuffle(pairs)  # type: ignore[attr-defined] # Hypothesis gives a random.Random
    found = scaling([size for size, _ in pairs], [value for _, value in pairs], ALPHA)
    first = scaling(TEN[:count], values, ALPHA)
    assert found.shape == first.shape
    assert found.slope == (None if first.slope is None else pytest.approx(first.slope, abs=1e-9))


@pytest.mark.slow
def test_close_fits_cannot_tell() -> None:
    """A difference of AICc below 2 decides nothing, whatever cross-validation says."""
    found = [scaling(TEN, noisy(TEN, "hinge", seed, 0.035), ALPHA) for seed in range(40)]
    close = [f for f in found if "only" in f.reason]
    assert close
    for one in close:
        assert one.shape == "cannot tell"
        assert one.line is not None
        assert one.broken is not None
        assert abs(one.line.aicc - one.broken.aicc) < DECISIVE
