"""Logging a run to trackers of experiments, which decide nothing."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import OodError
from pytest_ood.reports import formats
from pytest_ood.reports.text import one_line
from pytest_ood.trackers._runs import tracked_run, without_secrets

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.trackers.protocol import TrackedRun, Tracker

REPORT = "report.json"
SHOWN = 800
"""Characters of what a client says that are shown."""


@dataclass(frozen=True)
class Logged:
    """What became of logging to a tracker.

    Attributes:
        line: In words that hold no secret, on one line.
        failed: Whether it failed.
    """

    line: str
    failed: bool


def log_report(report: Mapping[str, Any], trackers: Mapping[str, Tracker]) -> list[Logged]:
    """Log a run to each tracker; what fails is told, and nothing is raised.

    Args:
        report: Its plain values.
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
        told = f"not logged to {name} (verdicts and exit status stand): {why}"
        return Logged(_clean(told), failed=True)


def _clean(text: str) -> str:
    return one_line(" ".join(without_secrets(text).split()), SHOWN)
