"""Logging a run to trackers of experiments, which do not affect its verdict."""

from __future__ import annotations

import hashlib
import json
import warnings
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pytest_ood.analysis.report import path_of
from pytest_ood.errors import OodError
from pytest_ood.evaluation import Comparison, Floor
from pytest_ood.metrics import ACCURACY, SCORE
from pytest_ood.reports import formats
from pytest_ood.reports.escaping import one_line
from pytest_ood.trackers._runs import without_secrets
from pytest_ood.trackers.protocol import TrackedRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.analysis.report import Report
    from pytest_ood.evaluation import Result
    from pytest_ood.statistics import Estimate
    from pytest_ood.trackers.protocol import Tracker

REPORT = "report.json"
PROMPT_KEYS = ("instruction", "template", "label_words")
VERDICTS = ("pass", "fail", "inconclusive", "invalid", "measured")
SHOWN = 800
"""Characters of a client's message that are shown."""


@dataclass(frozen=True)
class Logged:
    """The outcome of logging to a tracker.

    Attributes:
        line: A description without secrets, on one line.
        failed: Whether it failed.
    """

    line: str
    failed: bool


def log_report(report: Report, trackers: Mapping[str, Tracker]) -> list[Logged]:
    """Log a run to each tracker; failures are described in the result, and nothing is raised.

    Args:
        report: The report of the run.
        trackers: By name.
    """
    with TemporaryDirectory() as folder, warnings.catch_warnings():
        # The clients' warnings are about themselves; where a project makes errors of them, a run
        # would not be logged for no reason of its own.
        warnings.simplefilter("ignore")
        path = Path(folder) / REPORT
        formats.write(path, report)
        run = tracked_run(report)
        return [_logged(name, tracker, run, path) for name, tracker in trackers.items()]


def _logged(name: str, tracker: Tracker, run: TrackedRun, report: Path) -> Logged:
    try:
        return Logged(_clean(f"logged to {name}: {tracker.log(run, report)}"), failed=False)
    # Ctrl-C here ends the wait for a server; the run itself is over.
    except (Exception, KeyboardInterrupt, SystemExit) as error:  # noqa: BLE001 - see the docstring
        why = str(error)
        if not isinstance(error, OodError):
            why = f"{type(error).__name__}: {why}" if why else type(error).__name__
        line = f"not logged to {name} (verdicts and exit status stand): {why}"
        return Logged(_clean(line), failed=True)


def _clean(text: str) -> str:
    return one_line(" ".join(without_secrets(text).split()), SHOWN)


def tracked_run(report: Report) -> TrackedRun:
    """Return what is logged of a report."""
    parameters = {
        "seed": str(report.seed),
        "alpha": str(report.rules.alpha),
        "correction": report.rules.correction,
        "gates": str(report.rules.gates),
        "suites": ", ".join(dict.fromkeys(model.suite for model in report.models)),
        "pytest-ood": report.environment.get("pytest-ood", "unknown"),
    }
    for model in report.models:
        at = f"{model.suite}/{model.name}"
        parameters[f"{at}/source"] = model.source
        parameters[f"{at}/paradigm"] = model.paradigm
        if "template" in model.parameters:
            parameters[f"{at}/prompt"] = prompt_hash(model.parameters)
    metrics: dict[str, float] = {}
    verdicts: dict[str, str] = {}
    for result in report.results:
        path, figures = _path(result), _figures(result)
        metrics |= {f"{path}/{name}": float(value) for name, value in figures.items()}
        verdicts[f"{path}/verdict"] = result.verdict
    counts = Counter(verdicts.values())
    metrics |= {f"verdicts/{verdict}": float(counts[verdict]) for verdict in VERDICTS}
    metrics["verdicts/error"] = float(len(report.errors))
    return TrackedRun(parameters, metrics, verdicts)


def _path(result: Result) -> str:
    """Return the path of a result, which is that of its check."""
    path, model = path_of(result.suite, result.kind, result.shift), result.model
    if isinstance(result, Floor):
        return f"{path}/{SCORE}/{model}" if result.shift else f"{path}/{model}"
    if isinstance(result, Comparison):
        model = f"{model}-vs-{result.baseline}"
    return f"{path}/{model}" if result.metric == ACCURACY else f"{path}/{result.metric}/{model}"


def _figures(result: Result) -> dict[str, float]:
    if isinstance(result, Floor):
        return {"score": result.score.value, "n": result.n, **_interval(result.score)}
    if isinstance(result, Comparison):
        difference = result.difference
        return {"difference": difference.value, "n": result.n, **_interval(difference)}
    return {
        "score_in_distribution": result.score_in_distribution,
        "score_under_shift": result.score_under_shift,
        "drop": result.drop.value,
        "n": result.n,
        **_interval(result.drop),
    }


def _interval(estimate: Estimate) -> dict[str, float]:
    return {"low": estimate.low, "high": estimate.high}


def prompt_hash(parameters: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a model's instruction, template and label words."""
    prompt = {key: parameters[key] for key in PROMPT_KEYS if key in parameters}
    text = json.dumps(prompt, sort_keys=True, default=repr)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
