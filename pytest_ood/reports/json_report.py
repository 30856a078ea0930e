"""The JSON report: every figure of a run, for machines.

`report.schema.json` beside this file says what is in it.
"""

from __future__ import annotations

import hashlib
import json
import platform
from dataclasses import asdict
from importlib import metadata, resources
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ReportError
from pytest_ood.evaluation import unparsed
from pytest_ood.metrics import metric_class
from pytest_ood.models.protocol import Usage
from pytest_ood.reports.explanation import SHOWN_FLIPS
from pytest_ood.strict import RefusedError, json_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_ood.evaluation import (
        AttackFigures,
        Comparison,
        Evaluation,
        Floor,
        SeverityCurve,
    )
    from pytest_ood.reports.releases import Release
    from pytest_ood.reports.results import Results
    from pytest_ood.statistics import Estimate

SCHEMA_VERSION = 2
SCHEMA = "report.schema.json"
SHOWN = 200
"""Characters of what a validator says: it may quote half of a report."""

PACKAGES = ("pytest-ood", "pytest", "numpy", "scipy", "scikit-learn", "nlpaug", "torch",
            "transformers")  # fmt: skip


def to_text(report: Mapping[str, Any]) -> str:
    """Return the report as it stands in a file."""
    return json.dumps(report, indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def as_json(results: Results) -> dict[str, Any]:
    """Return the report as plain values."""
    report = json.loads(json.dumps(_report(results), allow_nan=False, default=repr))
    return {**report, "digest": digest(report)}


def digest(report: Mapping[str, Any]) -> str:
    """Return the SHA-256 of what a report says, which tells when it was edited by hand."""
    said = {key: value for key, value in report.items() if key != "digest"}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()


def read(path: Path) -> dict[str, Any]:
    """Read a report that an earlier run has written.

    Raises:
        ReportError: it is not there, is none, is cut off, was changed by hand, or was written by
            another version.
    """
    try:
        report = json_of(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror or error}") from None
    except RefusedError as error:
        raise ReportError(
            f"{path} is damaged: {error}; it is as pytest --ood-suite wrote it, or of no use"
        ) from None
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{path} is no report: it is no JSON, or was cut off ({error}); "
            "pytest --ood-suite --ood-report=PATH.json writes one"
        ) from None
    if not isinstance(report, dict) or "schema_version" not in report:
        raise ReportError(
            f"{path} is no report of pytest-ood: it has no schema_version; "
            "pytest --ood-suite --ood-report=PATH.json writes one"
        )
    version = report["schema_version"]
    if version != SCHEMA_VERSION:
        raise ReportError(
            f"{path} has schema version {version!r}, this pytest-ood reads {SCHEMA_VERSION}: run "
            "the release that it is of again, with this version, and save its report"
        )
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    wrong = best_match(Draft202012Validator(schema()).iter_errors(report))
    if wrong is not None:
        raise ReportError(
            f"{path} is damaged: at {wrong.json_path}: {wrong.message[:SHOWN]}; it is as "
            "pytest --ood-suite wrote it, or of no use"
        )
    if report["digest"] != digest(report):
        raise ReportError(
            f"{path} was changed after it was written: its digest is that of other figures; take "
            "the file as pytest --ood-suite wrote it"
        )
    return report


def schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    text = resources.files("pytest_ood.reports").joinpath(SCHEMA).read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


def _report(results: Results) -> dict[str, Any]:
    return {
        "schema_version": SCHEMA_VERSION,
        "seed": results.seed,
        "max_examples": results.max_examples,
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
                "fingerprint": model.fingerprint,
                "collection": model.collection,
                "base": model.base,
                "size": model.size,
                "training_examples": model.training_examples,
                "shots": model.shots,
            }
            for model in results.models
        ],
        "in_distribution": [_floor(floor) for floor in results.floors],
        "scores": [
            {**_floor(score), "kind": score.kind, "shift": score.shift} for score in results.scores
        ],
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
        "release": None if results.release is None else release_json(results.release),
    }


def release_json(release: Release) -> dict[str, Any]:
    """Return a run against an earlier one as plain values, as it stands in a report."""
    return {
        "old": release.old,
        "changes": [
            {
                **asdict(change),
                **(
                    {"drop": None, "interval": None}
                    if change.drop is None
                    else _estimate("drop", change.drop)
                ),
            }
            for change in release.changes
        ],
        "notes": list(release.notes),
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


def _figure_or_none(value: float | None) -> float | None:
    return None if value is None else _figure(value)


def _floor(floor: Floor) -> dict[str, Any]:
    return {
        "suite": floor.suite,
        "model": floor.model,
        "n": floor.n,
        "abstained": floor.abstained,
        **_unparsed(floor),
        "errors": dict(floor.errors),
        **_estimate("score", floor.score),
        "score_answered": _figure_or_none(floor.score_answered),
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
        "items": None if floor.items is None else floor.items.to_record(),
        "measure": floor.measure,
    }


def _unparsed(result: Floor | Evaluation) -> dict[str, Any]:
    """Return what was written instead of answers, where something is known of it."""
    said = unparsed(result.flips)[:SHOWN_FLIPS]
    return {"unparsed": list(said)} if said else {}


def _evaluation(e: Evaluation) -> dict[str, Any]:
    return {
        "suite": e.suite,
        "kind": e.kind,
        "shift": e.shift,
        "family": e.family or None,
        "severity": e.severity,
        "model": e.model,
        "metric": e.metric,
        "measure": e.measure,
        "n": e.n,
        "drawn": e.drawn,
        "planned": e.planned,
        "unchanged": e.unchanged,
        "rejected": e.rejected,
        "abstained": e.abstained,
        **_unparsed(e),
        "abstained_id": e.abstained_id,
        "errors": dict(e.errors),
        "score_id": _figure(e.score_id),
        "score_ood": _figure(e.score_ood),
        "score_answered": _figure_or_none(e.score_answered),
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
        "per_label": [asdict(counts) for counts in e.per_label],
        "breakdown": [
            {
                "group": cell.group,
                "within": cell.within or None,
                "n": cell.n,
                **_estimate("score", cell.score),
            }
            for cell in e.breakdown
        ],
        "left_out": dict(e.left_out),
        "cases": e.cases or None,
        "items": None if e.items is None else e.items.to_record(),
    }


def _comparison(c: Comparison) -> dict[str, Any]:
    metric = metric_class(c.metric)
    return {
        "suite": c.suite,
        "kind": c.kind,
        "shift": c.shift,
        "surrogate": c.surrogate or None,
        "model": c.model,
        "baseline": c.baseline,
        "metric": c.metric,
        "measure": c.measure,
        "n": c.n,
        "drawn": c.drawn,
        "planned": c.planned,
        "errors": dict(c.errors),
        "cases": c.cases or None,
        "drop": _figure(float(metric.drop(*c.scores))),
        "baseline_drop": _figure(float(metric.drop(*c.baseline_scores))),
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


def _family(result: Floor | Evaluation | Comparison) -> dict[str, Any]:
    """Return the p-value of "the budget is kept", alone and among all gates of the run."""
    return {
        "p_fail": None if result.p_fail is None else _figure(result.p_fail),
        "p_fail_adjusted": None if result.adjusted_p is None else _figure(result.adjusted_p),
    }
