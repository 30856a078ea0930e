"""Reports to render: real ones, and ones in which every foreign text is what a test says."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

Report = dict[str, Any]

OWN = frozenset(
    {"kind", "verdict", "metric", "correction", "paradigm", "type", "hashes", "dtype", "codes"}
)
"""Keys whose values are this package's own words, by the reports' schema."""
FOREIGN_KEYS = frozenset({"errors", "environment", "left_out", "parameters", "skipped"})
"""Objects whose keys come from elsewhere."""


def spoiled(value: Any, text: str, key: str = "") -> Any:
    """Add a text to every foreign string of a report; the same strings stay the same."""
    if isinstance(value, str):
        return value if key in OWN else value + text
    if isinstance(value, list):
        return [spoiled(item, text) for item in value]
    if isinstance(value, dict):
        return {
            name + text if key in FOREIGN_KEYS or name.startswith("recall-") else name: spoiled(
                item, text, name
            )
            for name, item in value.items()
        }
    return value


@pytest.fixture(scope="session")
def short_report(full_report: Report) -> Report:
    """Return a report with one check of each sort, and everything that may stand in one."""
    report = copy.deepcopy(full_report)
    shifts: dict[tuple[str, str], Any] = {}
    for e in report["evaluations"]:
        shifts.setdefault((e["kind"], e["model"]), e)
    report["evaluations"] = list(shifts.values())
    for e in report["evaluations"]:
        e["flips"] = e["flips"][:1]
        e["errors"] = {"no answer": 3}
        e["per_label"] = [
            {"label": label, "n_in_distribution": 10, "correct_in_distribution": 9,
             "n_under_shift": 10, "correct_under_shift": 4}
            for label in ("negative", "positive")
        ]  # fmt: skip
    domain = next(e for e in report["evaluations"] if e["kind"] == "domain")
    figures = {"n": 9, "score": 0.5, "interval": [0.3, 0.7]}
    domain["breakdown"] = [
        {"group": "Negation", "within": None, **figures},
        {"group": "not <good> | bad", "within": "Negation", **figures},
    ]
    domain |= {"left_out": {"no label": 3}, "details": {"type": "cases", "inputs": 41}}
    floor = report["in_distribution"][0]
    alone = {"kind": domain["kind"], "shift": domain["shift"], "budget": 0.5, "items": None}
    report["scores"] = [{**floor, **alone, "verdict": "fail", "reason": "below"}]
    report["evaluations"][0]["reason"] = "a reason"
    report["evaluations"][1]["verdict"] = "invalid"
    report["comparisons"] = report["comparisons"][:2]
    report["release"]["changes"] = report["release"]["changes"][:3]
    report["release"]["changes"][0]["verdict"] = "fail"
    report["release"]["notes"] = ["another seed"]
    report["errors"] = [{"check": "reviews/noise/ocr[frail]", "message": "ModelError: no"}]
    report["notes"] = ["other data"]
    report["frozen"] = [{"suite": "reviews", "path": "frozen/reviews.jsonl"}]
    return report


@pytest.fixture(scope="session")
def spoil(short_report: Report) -> Callable[[str], Report]:
    """Return what makes a report in which every foreign text ends in the given one."""
    return lambda text: spoiled(short_report, text)
