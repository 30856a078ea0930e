"""Curves of accuracy over the severities of one perturbation."""

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


@dataclass(frozen=True, kw_only=True)
class SeverityCurve:
    """A model's accuracy at every severity of a perturbation, on the same examples.

    Attributes:
        suite: The name of the suite.
        shift: The name of the perturbation's family of shifts.
        model: The name of the model.
        n: The number of examples that every severity changed; the curve uses only these.
        accuracies: (severity, accuracy) in ascending order, starting with 0 for the originals.
        area: The area under the curve divided by its width, by the trapezoidal rule: the mean
            accuracy over the severities from 0 to the highest, with its interval. A mean over
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
    """Return the curve of every family and model with two severities or more."""
    families: dict[tuple[str, str, str], list[Evaluation]] = {}
    for e in evaluations:
        if e.severity is not None and e.metric == ACCURACY and e.verdict != "invalid":
            families.setdefault((e.suite, e.family, e.model), []).append(e)
    curves = [_curve(family, alpha) for family in families.values() if len(family) > 1]
    return [curve for curve in curves if curve is not None]


def _curve(evaluations: list[Evaluation], alpha: float) -> SeverityCurve | None:
    """Return the curve of one family and model; None where no example has all severities."""
    levels = sorted(evaluations, key=lambda e: e.severity or 0)
    size = max(len(e.after) for e in levels)
    before: list[Categorical[float | None]] = [longer(e.before, size) for e in levels]
    after: list[Categorical[float | None]] = [longer(e.after, size) for e in levels]
    points = combined([combined(before, _last_present), *after], _all_present)
    common = points[points.where(lambda row: row is not None)]
    if not len(common):
        return None
    severities = [0, *(e.severity or 0 for e in levels)]
    means = [
        float(Sample.of(combined([common], itemgetter(index))).mean)
        for index in range(len(severities))
    ]
    areas = combined([common], lambda row: trapezoid(severities, row or ()))
    area = estimate(mean_score(areas), alpha)
    first = levels[0]
    return SeverityCurve(
        suite=first.suite,
        shift=first.family,
        model=first.model,
        n=len(common),
        accuracies=tuple(zip(severities, means, strict=True)),
        area=area,
        kept=area.value / means[0] if means[0] else None,
    )


def _last_present(*scores: float | None) -> float | None:
    return next((score for score in reversed(scores) if score is not None), None)


def _all_present(*scores: float | None) -> tuple[float, ...] | None:
    """Return the scores; None where one is missing."""
    present = tuple(score for score in scores if score is not None)
    return present if len(present) == len(scores) else None


def trapezoid(severities: Sequence[float], values: Sequence[float]) -> float:
    """Return the mean height of a piecewise linear curve (trapezoidal rule)."""
    steps = zip(severities, severities[1:], values, values[1:], strict=False)
    area = sum((right - left) * (low + high) / 2.0 for left, right, low, high in steps)
    return area / (severities[-1] - severities[0])
