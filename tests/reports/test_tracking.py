from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from pathlib import Path

import pytest

from pytest_ood.budgets import Rules
from pytest_ood.errors import OodError
from pytest_ood.reports import formats, json_report
from pytest_ood.reports.results import ModelInfo, Results
from pytest_ood.reports.tracking import Logged, log_report
from pytest_ood.trackers.protocol import TrackedRun

MODEL = ModelInfo("tiny", "m", "other", "here", {}, baseline=False)
REPORT = json_report.as_json(Results(11, Rules(0.05), (MODEL,), ()))


@dataclass
class Notebook:
    """Keeps what it is given, and raises what it is told to."""

    error: BaseException | None = None
    run: TrackedRun | None = None
    report: str = ""

    def log(self, run: TrackedRun, report: Path) -> str:
        """Keep, and raise."""
        warnings.warn("this client is old", DeprecationWarning, stacklevel=1)
        self.run, self.report = run, report.read_text()
        if self.error is not None:
            raise self.error
        return "page 1 of\nhttps://me:word@host/book"


def test_each_tracker_gets_the_run_and_its_report(tmp_path: Path) -> None:
    """The report is the file that --ood-report writes; the place is told on one line."""
    first, second = Notebook(), Notebook()
    told = log_report(REPORT, {"first": first, "second": second})
    assert told == [
        Logged(f"logged to {name}: page 1 of https://***@host/book", failed=False)
        for name in ("first", "second")
    ]
    formats.write(tmp_path / "r.json", REPORT)
    assert first.report == second.report == (tmp_path / "r.json").read_text()
    assert first.run is not None
    assert first.run.parameters["seed"] == str(json.loads(first.report)["seed"]) == "11"


@pytest.mark.parametrize(
    ("error", "why"),
    [
        (RuntimeError("no\x1b[1m\nroom\u202e"), r"RuntimeError: no\x1b[1m room\u202e"),
        (OodError("no key"), "no key"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
        (SystemExit(3), "SystemExit: 3"),
    ],
    ids=lambda value: type(value).__name__,
)  # fmt: skip
def test_what_a_tracker_raises_is_told_and_the_next_one_is_asked(
    error: BaseException, why: str
) -> None:
    """Nothing goes on to the run, not even Ctrl-C or an exit, and what is told is harmless."""
    last = Notebook()
    told = log_report(REPORT, {"first": Notebook(error), "last": last})
    assert told[0].failed
    assert told[0].line == f"not logged to first (verdicts and exit status stand): {why}"
    assert not told[1].failed
    assert last.run is not None
