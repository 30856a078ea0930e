"""Reports of schema version 2, read as reports of version 3."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    Row = Mapping[str, Any]

SCHEMA_VERSION = 3
READABLE_VERSIONS = (2, SCHEMA_VERSION)

FLOOR_KEYS = {
    "unparsed": "unparsed_outputs",
    "measure": "score_name",
    "reasked": "repeated",
    "disagreed": "inconsistent",
}
EVALUATION_KEYS = {
    "measure": "score_name",
    "unparsed": "unparsed_outputs",
    "abstained_id": "abstained_in_distribution",
    "score_id": "score_in_distribution",
    "score_ood": "score_under_shift",
    "disagreement": "inconsistency_rate",
}
LABEL_KEYS = {
    "n_id": "n_in_distribution",
    "right_id": "correct_in_distribution",
    "n_ood": "n_under_shift",
    "right_ood": "correct_under_shift",
}
FLIP_KEYS = {"said_before": "output_before", "said_after": "output_after"}
CHANGE_KEYS = {
    "n_old": "n_before",
    "n_new": "n_now",
    "before": "score_before",
    "after": "score_now",
    "adjusted_p": "p_fail_adjusted",
}
MOVED_TO_DETAILS = (
    "rejected",
    "family",
    "severity",
    "reweighted_drop",
    "in_domain_score",
    "queries",
    "attack",
    "unheld",
    "prompt",
    "cases",
)


def upgraded(report: Row) -> Row:
    """Return the plain values of a report in the current schema version.

    The digest of an upgraded report is the old one, which `read_report` has checked.
    """
    if report["schema_version"] == SCHEMA_VERSION:
        return report
    rest = {key: value for key, value in report.items() if key != "answers"}
    return {
        **rest,
        "schema_version": SCHEMA_VERSION,
        "models": [
            {**model, "collection": model.get("collection") or None} for model in report["models"]
        ],
        "in_distribution": [_floor(row) for row in report["in_distribution"]],
        "scores": [_floor(row) for row in report.get("scores", ())],
        "evaluations": [_evaluation(row) for row in report["evaluations"]],
        "comparisons": [
            {
                **_renamed(row, {"measure": "score_name", "cases": "case_inputs"}),
                "scores": None,
                "baseline_scores": None,
            }
            for row in report["comparisons"]
        ],
        "paradigm_comparisons": report["answers"],
        "release": None if report["release"] is None else _release(report["release"]),
    }


def _renamed(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {names.get(key, key): value for key, value in row.items()}


def _floor(row: Row) -> dict[str, Any]:
    return {"kind": None, "shift": None, **_renamed(row, FLOOR_KEYS)}


def _evaluation(row: Row) -> dict[str, Any]:
    shared = {key: value for key, value in row.items() if key not in MOVED_TO_DETAILS}
    return {
        **_renamed(shared, EVALUATION_KEYS),
        "metrics": {
            name: {"in_distribution": pair["id"], "under_shift": pair["ood"]}
            for name, pair in row["metrics"].items()
        },
        "flips": [_renamed(flip, FLIP_KEYS) for flip in row["flips"]],
        "per_label": [_renamed(counts, LABEL_KEYS) for counts in row["per_label"]],
        "details": _details(row),
    }


def _details(row: Row) -> dict[str, Any]:
    """Return the details of a kind of shift, of which version 2 had all in one row."""
    if row["prompt"] is not None:
        return {"type": "prompt-attack", "queries": row["queries"] or 0, "prompt": row["prompt"]}
    if row["attack"] is not None or row["queries"] is not None or row["surrogate"] is not None:
        return {
            "type": "attack",
            "queries": row["queries"],
            "unconfirmed": row["unheld"],
            "figures": row["attack"],
        }
    if row.get("cases"):
        return {"type": "cases", "inputs": row["cases"]}
    if row["kind"] == "domain":
        return {"type": "domain", **{k: row[k] for k in ("reweighted_drop", "in_domain_score")}}
    return {"type": "perturbation", **{k: row[k] for k in ("rejected", "family", "severity")}}


def _release(release: Row) -> dict[str, Any]:
    return {
        "earlier": release["old"],
        "changes": [_change(row) for row in release["changes"]],
        "notes": release["notes"],
    }


def _change(row: Row) -> dict[str, Any]:
    kind, _, shift = row["shift"].partition("/")
    rest = {key: value for key, value in row.items() if key != "cells"}
    return {
        **_renamed(rest, CHANGE_KEYS),
        "kind": kind if shift else None,
        "shift": shift or None,
        "groups": [
            {**_renamed(cell, CHANGE_KEYS), "within": cell["within"] or None}
            for cell in row.get("cells", ())
        ],
    }
