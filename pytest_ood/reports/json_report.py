"""The JSON report: every figure of a run, for machines."""

from __future__ import annotations

import json
import platform
from dataclasses import asdict
from importlib import metadata
from typing import TYPE_CHECKING, Any

from pytest_ood.files import write_atomically
from pytest_ood.models.protocol import Usage
from pytest_ood.reports.explanation import SHOWN_FLIPS

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.evaluation import (
        AttackFigures,
        Comparison,
        Evaluation,
        Floor,
        SeverityCurve,
    )
    from pytest_ood.reports.results import Results
    from pytest_ood.statistics import Estimate

SCHEMA_VERSION = 1
PACKAGES = ("pytest-ood", "pytest", "numpy", "scipy", "scikit-learn", "nlpaug", "torch",
            "transformers")  # fmt: skip


def write(path: Path, results: Results) -> None:
    """Write the report whole or not at all."""
    text = json.dumps(as_json(results), indent=2, ensure_ascii=True, allow_nan=False, default=repr)
    write_atomically(path, text + "\n")


def as_json(results: Results) -> dict[str, Any]:
    """Return the report as plain values."""
    return {
        "schema_version": SCHEMA_VERSION,
        "seed": results.seed,
        "alpha": results.rules.alpha,
        "correction": results.rules.correction,
        "gates": results.rules.gates,
        "environment": environment(),
        "frozen": [{"suite": suite, "path": path} for suite, path in results.frozen],
        "notes": list(results.notes),
        "models": [
            {
                "suite": model.suite,
                "name": model.name,
                "paradigm": model.paradigm,
                "source": model.source,
                "parameters": dict(model.parameters),
                "baseline": model.baseline,
            }
            for model in results.models
        ],
        "in_distribution": [_floor(floor) for floor in results.floors],
        "evaluations": [_evaluation(evaluation) for evaluation in results.evaluations],
        "comparisons": [_comparison(comparison) for comparison in results.comparisons],
        "severity_curves": [_curve(curve) for curve in results.curves],
        "answers": [
            {
                "suite": suite,
                "kind": answer.kind,
                "surrogate": answer.surrogate or None,
                "model": answer.model.name,
                "baseline": answer.baseline.name,
                **_estimate("difference", answer.difference),
                "settled": answer.settled,
            }
            for suite in results.suites
            for answer in results.answers(suite)
        ],
        "errors": [{"check": check, "message": text} for check, text in results.errors],
        # How many answers were known depends on what ran before, and is left to the terminal.
        "usage": [
            {"model": work.model, **asdict(work.used)}
            for work in results.work
            if work.used != Usage()
        ],
    }


def environment() -> dict[str, str]:
    """Return the versions that a result may depend on."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def _estimate(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        name: _figure(estimate.value),
        "interval": [_figure(estimate.low), _figure(estimate.high)],
    }


def _figure(value: float) -> float:
    """Round away what differs between two ways of adding the same numbers."""
    return round(value, 9) + 0.0


def _floor(floor: Floor) -> dict[str, Any]:
    return {
        "suite": floor.suite,
        "model": floor.model,
        "n": floor.n,
        "abstained": floor.abstained,
        "errors": dict(floor.errors),
        **_estimate("score", floor.score),
        "majority": _figure(floor.majority),
        "budget": floor.budget,
        "verdict": floor.verdict,
        "reason": floor.reason,
        **_family(floor),
        "planned": floor.planned,
        "reasked": floor.reasked,
        "disagreed": floor.disagreed,
        "seed_scores": [_figure(score) for score in floor.seed_scores],
        "data_hash": floor.data_hash,
    }


def _evaluation(e: Evaluation) -> dict[str, Any]:
    return {
        "suite": e.suite,
        "kind": e.kind,
        "shift": e.shift,
        "family": e.family or None,
        "severity": e.severity,
        "model": e.model,
        "metric": e.metric,
        "n": e.n,
        "drawn": e.drawn,
        "planned": e.planned,
        "unchanged": e.unchanged,
        "rejected": e.rejected,
        "abstained": e.abstained,
        "abstained_id": e.abstained_id,
        "errors": dict(e.errors),
        "score_id": _figure(e.score_id),
        "score_ood": _figure(e.score_ood),
        **_estimate("drop", e.drop),
        "paired": e.paired,
        "sequential": e.sequential,
        "budget": e.budget,
        "verdict": e.verdict,
        "reason": e.reason,
        **_family(e),
        "disagreement": None if e.disagreement is None else _figure(e.disagreement),
        "seed_drops": [_figure(drop) for drop in e.seed_drops],
        "reweighted_drop": None if e.reweighted is None else _figure(e.reweighted),
        "in_domain_score": None if e.reference is None else _figure(e.reference),
        "metrics": {
            name: {"id": _figure(before), "ood": _figure(after)}
            for name, before, after in e.measures
        },
        "queries": e.queries,
        "attack": None if e.attack is None else _attack(e.attack),
        "surrogate": e.surrogate or None,
        "prompt": None if e.prompt is None else asdict(e.prompt),
        "unheld": e.unheld,
        "shifted_set_hash": e.shifted_set_hash,
        "flipped": e.flipped,
        "flips": [vars(flip) for flip in e.flips[:SHOWN_FLIPS]],
    }


def _comparison(c: Comparison) -> dict[str, Any]:
    return {
        "suite": c.suite,
        "kind": c.kind,
        "shift": c.shift,
        "surrogate": c.surrogate or None,
        "model": c.model,
        "baseline": c.baseline,
        "metric": c.metric,
        "n": c.n,
        "drawn": c.drawn,
        "planned": c.planned,
        "errors": dict(c.errors),
        "drop": _figure(_drop(c.metric, *c.scores)),
        "baseline_drop": _figure(_drop(c.metric, *c.baseline_scores)),
        **_estimate("difference", c.difference),
        "margin": c.margin,
        "verdict": c.verdict,
        "reason": c.reason,
        **_family(c),
    }


def _attack(attack: AttackFigures) -> dict[str, Any]:
    # How many queries the cache answered depends on what ran before, and is left to the terminal.
    figures = {
        "accuracy": attack.accuracy,
        "success_rate": attack.success,
        "queries": attack.queries,
        "edited_words": attack.edited_words,
        "edited_characters": attack.edited_characters,
        "similarity": attack.similarity,
    }
    median, *bounds = map(_figure, attack.queries_median)
    return {
        "attacked": attack.attacked,
        **{
            name: None if value is None else _estimate("value", value)
            for name, value in figures.items()
        },
        "queries_median": {"value": median, "interval": bounds},
        "queries_reducing": attack.reducing,
        "rejected": attack.rejected,
        "skipped": dict(attack.skipped),
        "decision_only": attack.decision_only,
    }


def _curve(curve: SeverityCurve) -> dict[str, Any]:
    area = _estimate("area", curve.area)
    return {
        "suite": curve.suite,
        "shift": curve.shift,
        "model": curve.model,
        "n": curve.n,
        "accuracies": [
            {"severity": severity, "accuracy": _figure(value)}
            for severity, value in curve.accuracies
        ],
        **area,
        "area_relative": None if curve.kept is None else _figure(curve.kept),
    }


def _drop(metric: str, before: float, after: float) -> float:
    """Return how much worse a metric is under the shift."""
    if metric == "pdr":
        return 1.0 - after / before if before else 0.0
    return after - before if metric == "ece" else before - after


def _family(result: Floor | Evaluation | Comparison) -> dict[str, Any]:
    """Return the p-value of "the budget is kept", alone and among all gates of the run."""
    return {
        "p_fail": None if result.p_fail is None else _figure(result.p_fail),
        "p_fail_adjusted": None if result.adjusted_p is None else _figure(result.adjusted_p),
    }
