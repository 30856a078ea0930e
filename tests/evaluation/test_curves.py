from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation import Evaluation, PerturbationDetails, SeverityCurve, severity_curves
from pytest_ood.evaluation.curves import trapezoid
from pytest_ood.statistics import Estimate

BEFORE: Categorical[float | None] = Categorical.of([1.0, 1.0, 1.0, 0.0])


def at_severity(severity: int | None, family: str = "ocr") -> PerturbationDetails:
    """Return the details of one severity of a perturbation."""
    return PerturbationDetails(family=family, severity=severity)


def points_of(curve: SeverityCurve) -> tuple[tuple[int, float], ...]:
    """Return severity and accuracy of each point."""
    return tuple((point.severity, point.accuracy) for point in curve.accuracies)


LEVEL = Evaluation(
    suite="s", kind="noise", shift="ocr@1", model="m", n=4, drawn=4, planned=4, abstained=0,
    abstained_in_distribution=0, score_in_distribution=0.75, score_under_shift=0.5,
    drop=Estimate(0.25, 0.0, 0.5, 4, 0.1), paired=True, budget=None, verdict="measured", reason="",
    shifted_set_hash="", before=BEFORE, after=BEFORE, details=at_severity(1),
)  # fmt: skip


def at(severity: int, *scores: float) -> Evaluation:
    """Return the evaluation at a severity, with these scores of the first four examples."""
    after: Categorical[float | None] = Categorical.of(map(float, scores))
    before = BEFORE[: len(after)]
    details = at_severity(severity)
    return replace(LEVEL, shift=f"ocr@{severity}", details=details, before=before, after=after)


def test_the_curve_begins_with_the_originals() -> None:
    """Severity 0 is the accuracy before; the area is the mean height between the points."""
    (curve,) = severity_curves([at(2, 0, 0, 1, 0), at(1, 1, 0, 1, 0)], 0.05)
    assert points_of(curve) == ((0, 0.75), (1, 0.5), (2, 0.25))
    assert curve.area.value == pytest.approx((0.75 / 2 + 0.5 + 0.25 / 2) / 2)
    assert curve.area_relative == pytest.approx(curve.area.value / 0.75)
    assert curve.area.low < curve.area.value < curve.area.high
    assert (curve.suite, curve.shift, curve.model, curve.n) == ("s", "ocr", "m", 4)


def test_the_curve_rests_on_examples_that_every_severity_has() -> None:
    """An example that a low severity left unchanged is in no point of the curve."""
    (curve,) = severity_curves([at(1, 1, 1), at(5, 0, 1, 0, 0)], 0.05)
    assert curve.n == 2
    assert points_of(curve) == ((0, 1.0), (1, 1.0), (5, 0.5))
    assert curve.area.value == pytest.approx((1.0 + 4 * 0.75) / 5)


def test_a_model_that_scores_0_has_no_relative_area() -> None:
    """A share of nothing is not given."""
    levels = [replace(e, before=Categorical.of([0.0])) for e in (at(1, 0), at(2, 0))]
    (curve,) = severity_curves(levels, 0.05)
    assert (curve.area.value, curve.area_relative) == (0.0, None)


@pytest.mark.parametrize(
    "evaluations",
    [
        [at(1, 1, 1)],
        [at(1, 1), replace(at(2, 1), verdict="invalid")],
        [at(1, 1), replace(at(2, 1), metric="macro-f1")],
        [at(1, 1), replace(at(2, 1), after=Categorical.of([None, 1.0]))],
        [replace(at(n, 1), details=at_severity(None)) for n in (1, 2)],
    ],
    ids=["one level", "invalid", "another metric", "nothing in common", "no severities"],
)
def test_without_two_points_there_is_no_curve(evaluations: list[Evaluation]) -> None:
    """A curve takes two severities that mean something, on examples they share."""
    assert severity_curves(evaluations, 0.05) == []


@given(
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=6),
    values=st.lists(st.floats(0, 1), min_size=7, max_size=7),
)
def test_a_mean_height_lies_between_the_points(steps: list[int], values: list[float]) -> None:
    """The mean height lies between the lowest and the highest; of a level curve, it is its own."""
    places = [sum(steps[:n]) for n in range(len(steps) + 1)]
    heights = values[: len(places)]
    assert min(heights) - 1e-9 <= trapezoid(places, heights) <= max(heights) + 1e-9
    assert trapezoid(places, [0.25] * len(places)) == pytest.approx(0.25)
