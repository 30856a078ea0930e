"""Compare two reports: every model's scores in the one and the other, on the same examples."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.analysis import releases
from pytest_ood.analysis.serialization import read_report
from pytest_ood.evaluation.plain import to_row
from pytest_ood.gate.configuration import project_root
from pytest_ood.reports import archive, release_text

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood compare baseline latest --fail drop:2%"
FAILED = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    for name, description in (("old", "the earlier report"), ("new", "the later one")):
        parser.add_argument(
            name,
            metavar=name.upper(),
            help=f"{description}: a JSON file, a saved one, latest or baseline",
        )
    parser.add_argument(
        "--fail", metavar="BUDGET", help="exit with 1 where a score dropped by more, as drop:2%%"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Write the comparison; return 1 where a score dropped by more than the budget.

    Raises:
        OodError: a report cannot be read, the two have nothing in common, or the budget is invalid.
    """
    root = project_root(Path.cwd())
    budget = None if options.fail is None else releases.parse_budget(options.fail)
    old, new = (archive.find(root, name) for name in (options.old, options.new))
    report = read_report(new)
    release = releases.compare(read_report(old), report, old.name, budget, whole=True)
    if options.json:
        sys.stdout.write(json.dumps(to_row(release), indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(release_text.render(release, report.rules.alpha)) + "\n")
    failed = any(change.verdict in ("fail", "invalid") for change in release.changes)
    return FAILED if failed and budget is not None else 0
