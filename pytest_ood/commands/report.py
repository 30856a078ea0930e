"""Turn a JSON report into an HTML page, or into Markdown for a comment."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.analysis.serialization import read_report
from pytest_ood.gate.configuration import project_root
from pytest_ood.reports import archive, formats

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood report report.json --out report.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command is told."""
    parser.add_argument(
        "report", metavar="IN.json", help="a JSON report: a file, a saved one, latest or baseline"
    )
    parser.add_argument(
        "--out",
        type=Path,
        required=True,
        metavar="OUT",
        help="the file to write; its ending selects the format: .html or .md",
    )


def run(options: argparse.Namespace) -> int:
    """Write the report.

    Raises:
        OodError: the report cannot be read, its format is unknown, or the file cannot be written.
    """
    path = archive.find(project_root(Path.cwd()), options.report)
    formats.write(options.out, read_report(path))
    sys.stdout.write(f"{options.out}\n")
    return 0
