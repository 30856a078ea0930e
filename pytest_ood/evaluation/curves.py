"""Curves of accuracy over the severities of one perturbation."""

from __future__ import annotations

from dataclasses import dataclass
from operator import itemgetter
from typing import TYPE_CHECKING

from pytest_ood.data.categorical import combined, longer
from pytest_ood.evaluation.records import PerturbationDetails
from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import Estimate, estimate, mean_score
from pytest_ood.statistics.samples import Sample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.data.categorical import Categorical
    from pytest_ood.evaluation.records import Evaluation


@dataclass(frozen=True, kw_only=True)
class SeverityAccuracy:
    """A model's accuracy at one severity of a perturbation."""

    severity: int
    accuracy: float


@dataclass(frozen=True, kw_only=True)
class SeverityCurve:
    """A model's accuracy at every severity of a perturbation, on the same examples.

    Attributes:
        suite: The name of the suite.
        shift: The name of the perturbation's family of shifts.
        model: The name of the model.
        n: The number of examples that every severity changed; the curve uses only these.
        accuracies: In ascending order of severities, starting with 0 for the originals.
        area: The area under the curve divided by its width, by the trapezoidal rule: the mean
            accuracy over the severities from 0 to the highest, with its interval. A mean over
            severities as in Hendrycks and Dietterich 2019, section 3, of accuracies rather than
            errors and with the originals as the first point.
        area_relative: The area as a share of the accuracy at severity 0; None where that is 0.
    """

    suite: str
    shift: str
    model: str
    n: int
    accuracies: tuple[SeverityAccuracy, ...]
    area: Estimate
    area_relative: float | None


def severity_curves(evaluations: Sequence[Evaluation], alpha: float) -> list[SeverityCurve]:
    """Return the curve of every family and model with two severities or more."""
    families: dict[tuple[str, str, str], dict[int, Evaluation]] = {}
    for e in evaluations:
        level = e.details
        if not isinstance(level, PerturbationDetails) or level.severity is None:
            continue
        if e.metric == ACCURACY and e.verdict != "invalid" and e.is_by_example:
            key = (e.suite, level.family or "", e.model)
            families.setdefault(key, {})[level.severity] = e
    curves = [
        _curve(family, dict(sorted(levels.items())), alpha)
        for (_, family, _), levels in families.items()
        if len(levels) > 1
    ]
    return [curve for curve in curves if curve is not None]


def _curve(
    family: str, by_severity: Mapping[int, Evaluation], alpha: float
) -> SeverityCurve | None:
    """Return the curve of one family and model; None where no example has all severities."""
    levels = list(by_severity.values())
    size = max(len(e.after) for e in levels)
    before: list[Categorical[float | None]] = [longer(e.before, size) for e in levels]
    after: list[Categorical[float | None]] = [longer(e.after, size) for e in levels]
    points = combined([combined(before, _last_present), *after], _all_present)
    common = points[points.where(lambda row: row is not None)]
    if not len(common):
        return None
    severities = [0, *by_severity]
    means = [
        float(Sample.of(combined([common], itemgetter(index))).mean)
        for index in range(len(severities))
    ]
    areas = combined([common], lambda row: trapezoid(severities, row or ()))
    area = estimate(mean_score(areas), alpha)
    return SeverityCurve(
        suite=levels[0].suite,
        shift=family,
        model=levels[0].model,
        n=len(common),
        accuracies=tuple(
            SeverityAccuracy(severity=severity, accuracy=mean)
            for severity, mean in zip(severities, means, strict=True)
        ),
        area=area,
        area_relative=area.value / means[0] if means[0] else None,
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
