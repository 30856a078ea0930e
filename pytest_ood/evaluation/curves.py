"""Accuracy over severity: what several severities of one perturbation add up to."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from pytest_ood.columns import combined, longer
from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import Estimate, estimate, mean_score
from pytest_ood.statistics.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.columns import Categorical
    from pytest_ood.evaluation.records import Evaluation


@dataclass(frozen=True)
class SeverityCurve:
    """A model's accuracy at every severity of a perturbation, on the same examples.

    Attributes:
        suite: Its name.
        shift: The family's name.
        model: Its name.
        n: Examples that every severity has changed; the curve and its area rest on these.
        accuracies: (severity, accuracy), rising by severity; it begins with 0, the originals.
        area: The area under the curve, divided by its width: the mean accuracy over the severities
            from 0 to the highest, by the trapezoidal rule, with its interval. A mean over
            severities as in Hendrycks and Dietterich 2019, section 3, of accuracies rather than
            errors and with the originals as the first point.
        kept: The area as a share of the accuracy at severity 0; None where that is 0.
    """

    suite: str
    shift: str
    model: str
    n: int
    accuracies: tuple[tuple[int, float], ...]
    area: Estimate
    kept: float | None


def severity_curves(evaluations: Sequence[Evaluation], alpha: float) -> list[SeverityCurve]:
    """Return the curve of every family and model that was measured at two severities or more."""
    families: dict[tuple[str, str, str], list[Evaluation]] = {}
    for e in evaluations:
        if e.severity is not None and e.metric == ACCURACY and e.verdict != "invalid":
            families.setdefault((e.suite, e.family, e.model), []).append(e)
    curves = [_curve(found, alpha) for found in families.values() if len(found) > 1]
    return [curve for curve in curves if curve is not None]


def _curve(evaluations: list[Evaluation], alpha: float) -> SeverityCurve | None:
    """Return the curve of one family and model; None where no example was changed throughout."""
    levels = sorted(evaluations, key=lambda e: e.severity or 0)
    size = max(len(e.after) for e in levels)
    before: list[Categorical[float | None]] = [longer(e.before, size) for e in levels]
    after: list[Categorical[float | None]] = [longer(e.after, size) for e in levels]
    points = combined([combined(before, _last), *after], _whole)
    common = points[points.where(lambda row: row is not None)]
    if not len(common):
        return None
    places = [0, *(e.severity or 0 for e in levels)]
    means = [
        float(Sample.of(combined([common], itemgetter(place))).mean) for place in range(len(places))
    ]
    areas = combined([common], lambda row: trapezoid(places, row or ()))
    area = estimate(mean_score(areas), alpha)
    first = levels[0]
    return SeverityCurve(
        first.suite,
        first.family,
        first.model,
        len(common),
        tuple(zip(places, means, strict=True)),
        area,
        area.value / means[0] if means[0] else None,
    )


def _last(*scores: float | None) -> float | None:
    return next((score for score in reversed(scores) if score is not None), None)


def _whole(*scores: float | None) -> tuple[float, ...] | None:
    """Return the scores where all of them are known."""
    known = tuple(score for score in scores if score is not None)
    return known if len(known) == len(scores) else None


def trapezoid(places: Sequence[float], values: Sequence[float]) -> float:
    """Return the mean height of a curve through points, straight between them."""
    steps = zip(places, places[1:], values, values[1:], strict=False)
    area = sum((right - left) * (low + high) / 2.0 for left, right, low, high in steps)
    return area / (places[-1] - places[0])
