"""Runs of whole suites on real data, and the table that a document shows of one."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    Report = Mapping[str, Any]

STATUSES = (0, 1)
"""Exit statuses of pytest after which there is a report: all passed, or some did not."""


@dataclass(frozen=True, kw_only=True)
class TaskRun:
    """A project that gates a few models on one suite.

    Attributes:
        folder: Where its files are written, and its data are read.
        suite: The suite file as text.
        project: The tables of `pyproject.toml`: models above all.
        options: Further options of pytest.
    """

    folder: Path
    suite: str
    project: str
    options: Sequence[str] = field(default=())

    def report(self) -> tuple[Report, float]:
        """Run the suite; return the JSON report, and the seconds that the process took.

        Raises:
            RuntimeError: pytest could not run it; the message has its output.
        """
        (self.folder / "suite.toml").write_text(self.suite, encoding="utf-8")
        head = '[tool.pytest_ood]\nsuites = ["suite.toml"]\ntests = []\n'
        (self.folder / "pyproject.toml").write_text(head + self.project, encoding="utf-8")
        path = self.folder / "report.json"
        command = ["-m", "pytest", "--ood-suite", f"--ood-report={path}", *self.options]
        started = time.perf_counter()
        done = subprocess.run(  # noqa: S603 - this script's own arguments
            [sys.executable, *command],
            cwd=self.folder,
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - started
        if done.returncode not in STATUSES:
            raise RuntimeError(f"pytest ended with {done.returncode}:\n{done.stdout}{done.stderr}")
        report: Report = json.loads(path.read_text(encoding="utf-8"))
        return report, seconds


def rows_of(report: Report) -> list[str]:
    """Return the rows of a table of all drops: one of each model, shift and metric."""
    rows = [
        "| model | shift | metric | n | before | under the shift | drop in points | verdict |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for e in report["evaluations"]:
        before, after = e["score_in_distribution"], e["score_under_shift"]
        low, high = map(points, e["interval"])
        measure = e["score_name"] if e["metric"] == "accuracy" else e["metric"]
        rows.append(
            f"| {e['model']} | {e['shift']} | {measure} | {e['n']:,} | {points(before)} | "
            f"{points(after)} | {points(e['drop'])} [{low}, {high}] | {e['verdict']} |"
        )
    return rows


def points(share: float) -> str:
    """Return a share in percentage points."""
    return f"{100 * share:.1f}"
