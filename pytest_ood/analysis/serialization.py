"""Reports as JSON: written, read and checked against `report.schema.json` beside this file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_ood.analysis.report import (
    CheckError,
    FrozenFile,
    ParadigmComparison,
    Release,
    Report,
    Work,
    path_of,
)
from pytest_ood.analysis.upgrade import READABLE_VERSIONS, SCHEMA_VERSION, upgraded
from pytest_ood.budgets import Rules
from pytest_ood.errors import ReportError
from pytest_ood.evaluation import Comparison, Evaluation, Floor, ModelInfo, SeverityCurve
from pytest_ood.evaluation.plain import from_plain, to_row
from pytest_ood.models.protocol import Usage
from pytest_ood.utils.strict import RefusedError, json_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SCHEMA = "report.schema.json"
SHOWN = 200
"""The largest number of characters of a validator's message: it may quote half of a report."""

WRITE_ONE = "pytest --ood-suite --ood-report=PATH.json writes one"
AS_WRITTEN = "use the file as pytest --ood-suite wrote it"

SECTIONS: Mapping[str, type] = {
    "frozen": FrozenFile,
    "models": ModelInfo,
    "in_distribution": Floor,
    "scores": Floor,
    "evaluations": Evaluation,
    "comparisons": Comparison,
    "severity_curves": SeverityCurve,
    "paradigm_comparisons": ParadigmComparison,
    "errors": CheckError,
}
"""The lists of a report, and the records in them."""

RESULTS = ("in_distribution", "scores", "evaluations", "comparisons")


def to_text(report: Report) -> str:
    """Return a report as the text of its file.

    Raises:
        ValueError: a figure is not a finite number.
    """
    return json.dumps(to_json(report), indent=2, ensure_ascii=True, allow_nan=False) + "\n"


def to_json(report: Report) -> dict[str, Any]:
    """Return a report as plain values that follow the schema.

    Raises:
        ValueError: a figure is not a finite number.
    """
    values = {
        "schema_version": SCHEMA_VERSION,
        "seed": report.seed,
        "max_examples": report.max_examples,
        "alpha": report.rules.alpha,
        "correction": report.rules.correction,
        "gates": report.rules.gates,
        "environment": dict(report.environment),
        "notes": list(report.notes),
        **{name: list(map(to_row, getattr(report, name))) for name in SECTIONS},
        # The number of cached answers depends on earlier runs, and only the terminal shows it.
        "usage": [
            {"model": work.model, **asdict(work.used)}
            for work in report.work
            if work.used != Usage()
        ],
        "release": None if report.release is None else to_row(report.release),
    }
    plain = json.loads(json.dumps(values, allow_nan=False, default=repr))
    return {**plain, "digest": digest(plain)}


def from_json(values: Mapping[str, Any]) -> Report:
    """Return the report of plain values, of this schema version or of the one before.

    Raises:
        ReportError: the scores of examples are damaged.
    """
    values = upgraded(values)
    sections = {
        name: tuple(_record_of(cls, row) for row in values[name]) for name, cls in SECTIONS.items()
    }
    results = [result for name in RESULTS for result in sections.pop(name)]
    return Report(
        seed=values["seed"],
        max_examples=values["max_examples"],
        rules=Rules(values["alpha"], values["correction"], values["gates"]),
        environment=values["environment"],
        notes=tuple(values["notes"]),
        results=tuple(results),
        work=tuple(
            Work(model=row["model"], used=Usage(**{k: v for k, v in row.items() if k != "model"}))
            for row in values["usage"]
        ),
        release=None if values["release"] is None else _record_of(Release, values["release"]),
        **sections,
    )


def as_written(report: Report) -> Report:
    """Return a report with the rounded figures of its JSON file, as if it was read again."""
    return from_json(to_json(report))


def _record_of(cls: type, row: Mapping[str, Any]) -> Any:
    try:
        return from_plain(cls, row)
    except ValueError as error:
        name = path_of(row["suite"], row.get("kind"), row.get("shift"))
        raise ReportError(f"{name}[{row['model']}]: its items are damaged: {error}") from None


def digest(report: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a report without its digest, which shows whether it was edited."""
    rest = {key: value for key, value in report.items() if key != "digest"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def read_report(path: Path) -> Report:
    """Read a report that an earlier run has written.

    Raises:
        ReportError: the file does not exist, is not a report, is incomplete or was edited, or
            its schema version is unknown.
    """
    try:
        values = json_of(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ReportError(f"{path} cannot be read: {error.strerror or error}") from None
    except RefusedError as error:
        raise ReportError(f"{path} is damaged: {error}; {AS_WRITTEN}") from None
    except (ValueError, RecursionError) as error:
        raise ReportError(
            f"{path} is no report: it is no JSON, or was cut off ({error}); {WRITE_ONE}"
        ) from None
    if not isinstance(values, dict) or "schema_version" not in values:
        raise ReportError(
            f"{path} is no report of pytest-ood: it has no schema_version; {WRITE_ONE}"
        )
    version = values["schema_version"]
    if version not in READABLE_VERSIONS:
        raise ReportError(
            f"{path} has schema version {version!r}, this pytest-ood reads "
            f"{' and '.join(map(str, READABLE_VERSIONS))}: run the release that it is of again, "
            "with this version, and save its report"
        )
    if version == SCHEMA_VERSION:
        # Reports of an earlier version are checked after the upgrade, which needs their keys.
        _check(path, values)
    if values.get("digest") != digest(values):
        raise ReportError(
            f"{path} was changed after it was written: its digest is that of other figures; "
            f"{AS_WRITTEN}"
        )
    if version != SCHEMA_VERSION:
        try:
            values = upgraded(values)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise ReportError(f"{path} is damaged: {error!r}; {AS_WRITTEN}") from None
        _check(path, values)
    return from_json(values)


def _check(path: Path, values: Mapping[str, Any]) -> None:
    """Check a report against the schema.

    Raises:
        ReportError: it differs; the message has the path of the first difference.
    """
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(schema()).iter_errors(values))
    if error is not None:
        raise ReportError(
            f"{path} is damaged: at {error.json_path}: {error.message[:SHOWN]}; {AS_WRITTEN}"
        )


def schema() -> dict[str, Any]:
    """Return the JSON Schema of reports."""
    text = resources.files("pytest_ood.analysis").joinpath(SCHEMA).read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text)
    return values
