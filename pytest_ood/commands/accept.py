"""Accept a report as the baseline that later runs are compared with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.configuration import project_root
from pytest_ood.errors import ReportError
from pytest_ood.reports import json_report, releases, saved

if TYPE_CHECKING:
    import argparse

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
    path = saved.find(root, options.report)
    report = json_report.read(path)
    lines = _since(root, report)
    gates = [*report["in_distribution"], *report["evaluations"], *report["comparisons"]]
    failing = sum(gate["verdict"] in ("fail", "invalid") for gate in gates)
    if failing or report["errors"]:
        lines.append(f"in it, {failing} checks fail and {len(report['errors'])} ended as errors")
    written = saved.accept(root, report)
    lines.append(f"{path.name} is the baseline now: {written.name}; commit it, and")
    lines.append("pytest --ood-suite --ood-compare=baseline compares with it")
    sys.stdout.write("\n".join(lines) + "\n")
    return 0


def _since(root: Path, report: dict[str, object]) -> list[str]:
    """Compare with the baseline that there was."""
    path = root / saved.BASELINE_FILE
    if not path.exists():
        return ["there was no baseline"]
    try:
        return releases.render(releases.compare(json_report.read(path), report, path.name))
    except ReportError as error:
        return [f"the baseline that there was tells nothing: {error}"]
