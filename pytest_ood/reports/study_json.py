"""A study as plain values, for machines."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_ood.reports import study_text

if TYPE_CHECKING:
    from pytest_ood.analysis.merge import ShiftKey
    from pytest_ood.analysis.studies import (
        Curve,
        Entry,
        Learning,
        Scale,
        ShiftStudy,
        Study,
        SuiteStudy,
    )
    from pytest_ood.statistics import Estimate

FACTS = ("name", "paradigm", "kind", "source", "base", "size", "training_examples", "shots")


def as_json(study: Study) -> dict[str, Any]:
    """Return a study as plain values; figures are shares of 1, intervals at 1 - 2 alpha."""
    return {
        "alpha": study.alpha,
        "seed": study.seed,
        "reports": list(study.reports),
        "notes": list(study.notes),
        "suites": [_suite(suite) for suite in study.suites],
    }


def _suite(suite: SuiteStudy) -> dict[str, Any]:
    return {
        "suite": suite.name,
        "seed": suite.seed,
        "models": [{key: getattr(info, key) for key in FACTS} for info in suite.models],
        "baselines": list(suite.baselines),
        "reference": suite.reference,
        "shifts": [_shift(suite, shift) for shift in suite.shifts],
        "unknown_size": list(suite.unsized),
        "scaling": [_scale(scale) for scale in suite.scales],
        "learning": [_learning(learning) for learning in suite.learning],
    }


def _shift(suite: SuiteStudy, shift: ShiftStudy) -> dict[str, Any]:
    return {
        **_shift_of(shift.key),
        "lines": {
            axis: {"slope": _round(line.slope), "intercept": _round(line.intercept)}
            for axis, line in shift.lines.items()
        },
        "no_line": shift.no_line or None,
        "models": [_entry(entry) for entry in shift.entries],
        "left_out": [{"model": name, "reason": why} for name, why in shift.left_out],
        "sentences": study_text.sentences(suite, shift),
    }


def _entry(entry: Entry) -> dict[str, Any]:
    return {
        "model": entry.info.name,
        "in_distribution": _estimate(entry.before),
        "under_shift": _estimate(entry.after),
        "drop": None if entry.drop is None else _estimate(entry.drop),
        "usable": entry.usable,
        "baseline": entry.on_line,
        "effective": {axis: _estimate(estimate) for axis, estimate in entry.effective.items()},
        "extrapolated": entry.outside,
        "relative": None if entry.relative is None else _estimate(entry.relative),
    }


def _scale(scale: Scale) -> dict[str, Any]:
    result = scale.result
    return {
        "figure": scale.figure,
        **_shift_of(scale.shift),
        "kind": scale.kind,
        "models": [
            {"model": name, "size": size, **_estimate(value)} for name, size, value in scale.models
        ],
        "shape": result.shape,
        "reason": result.reason,
        "log_linear": _fit(result.line),
        "slope_interval": None if result.slope is None else [_round(end) for end in result.slope],
        "broken": _fit(result.broken),
    }


def _fit(fit: Any) -> dict[str, Any] | None:
    """Return a fit; what is infinite, as there were too few points for it, is null."""
    if fit is None:
        return None
    values = {key: value for key, value in asdict(fit).items() if key != "form"}
    return {k: None if abs(v) == float("inf") else _round(v) for k, v in values.items()}


def _learning(learning: Learning) -> dict[str, Any]:
    return {
        **_shift_of(learning.shift),
        "curves": [_curve(curve) for curve in learning.curves],
        "crossings": [
            {
                "trained": mine.name,
                "prompted": theirs.name,
                **asdict(passing),
                "sentence": study_text.passing_sentence(learning, mine, theirs, passing),
            }
            for mine, theirs, passing in learning.passings
        ],
    }


def _curve(curve: Curve) -> dict[str, Any]:
    return {
        "name": curve.name,
        "prompted": curve.prompted,
        "models": list(curve.models),
        "points": [{"examples": count, **_estimate(score)} for count, score in curve.points],
    }


def _shift_of(shift: ShiftKey | None) -> dict[str, Any]:
    if shift is None:
        return {"kind_of_shift": None, "shift": None}
    return {"kind_of_shift": shift.kind, "shift": shift.name}


def _estimate(estimate: Estimate) -> dict[str, Any]:
    return {
        "value": _round(estimate.value),
        "interval": [_round(estimate.low), _round(estimate.high)],
        "n": estimate.n,
    }


def _round(value: float) -> float:
    return round(value, 9) + 0.0
