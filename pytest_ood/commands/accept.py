"""Accept a report as the baseline that later runs are compared with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.analysis import releases
from pytest_ood.analysis.serialization import read_report
from pytest_ood.errors import ReportError
from pytest_ood.gate.configuration import project_root
from pytest_ood.reports import archive, release_text

if TYPE_CHECKING:
    import argparse

    from pytest_ood.analysis.report import Report

EXAMPLE = "python -m pytest_ood accept latest"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "report", metavar="REPORT", help="a JSON file, a saved report or its name, or latest"
    )


def run(options: argparse.Namespace) -> int:
    """Write the baseline, and say what changes by it.

    Raises:
        OodError: a report cannot be read, or the baseline cannot be written; the old one is intact.
    """
    root = project_root(Path.cwd())
    path = archive.find(root, options.report)
    report = read_report(path)
    lines = _since(root, report)
    failing = sum(result.verdict in ("fail", "invalid") for result in report.results)
    if failing or report.errors:
        lines.append(f"in it, {failing} checks fail and {len(report.errors)} ended as errors")
    written = archive.accept(root, report)
    lines.append(f"{path.name} is the baseline now: {written.name}; commit it, and")
    lines.append("pytest --ood-suite --ood-compare=baseline compares with it")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _since(root: Path, report: Report) -> list[str]:
    """Compare with the baseline that there was."""
    path = root / archive.BASELINE_FILE
    if not path.exists():
        return ["there was no baseline"]
    try:
        release = releases.compare(read_report(path), report, path.name)
        return release_text.render(release, report.rules.alpha)
    except ReportError as error:
        return [f"the earlier baseline cannot be compared: {error}"]
