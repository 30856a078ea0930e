"""Accuracy over severity: what several severities of one perturbation add up to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import Estimate, estimate, mean_score

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    after = [dict(e.after) for e in levels]
    before = {key: score for e in levels for key, score in e.before}
    common = [key for key in after[0] if all(key in scores for scores in after)]
    if not common:
        return None
    places = [0, *(e.severity or 0 for e in levels)]
    rows = [[before[key], *(scores[key] for scores in after)] for key in common]
    means = [sum(column) / len(common) for column in zip(*rows, strict=True)]
    area = estimate(mean_score([trapezoid(places, row) for row in rows]), alpha)
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


def trapezoid(places: Sequence[float], values: Sequence[float]) -> float:
    """Return the mean height of a curve through points, straight between them."""
    steps = zip(places, places[1:], values, values[1:], strict=False)
    area = sum((right - left) * (low + high) / 2.0 for left, right, low, high in steps)
    return area / (places[-1] - places[0])
