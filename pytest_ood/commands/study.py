"""Study many models side by side, out of JSON reports: robustness, scale and data efficiency."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.serialization import read_report
from pytest_ood.analysis.studies import build_study
from pytest_ood.errors import ReportError
from pytest_ood.gate.configuration import project_root
from pytest_ood.reports import archive, formats, study_json, study_text

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood study runs.json --html study.html"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command is told."""
    parser.add_argument(
        "reports",
        nargs="*",
        metavar="REPORT.json",
        help="JSON reports: files, saved ones, latest or baseline; without any, all saved ones",
    )
    parser.add_argument(
        "--baseline",
        action="append",
        default=[],
        metavar="NAME",
        help="repeatable: a model that lines are fitted to; by default those that were fine-tuned",
    )
    parser.add_argument(
        "--reference",
        metavar="NAME",
        help="the model that relative robustness compares with; the reports' baseline",
    )
    parser.add_argument("--seed", type=int, default=0, metavar="INT", help="of the bootstrap (0)")
    parser.add_argument("--html", type=Path, metavar="PATH", help="write a page with plots, too")
    parser.add_argument("--json", action="store_true", help="write JSON")


def run(options: argparse.Namespace) -> int:
    """Write the study.

    Raises:
        OodError: a report cannot be read, reports contradict each other, there is nothing to
            compare, or the page cannot be written.
    """
    root = project_root(Path.cwd())
    paths = [archive.find(root, name) for name in options.reports] or archive.every(root)
    if not paths:
        raise ReportError(
            f"there is no report to study: none was given, and none is saved in "
            f"{root / archive.FOLDER}; `pytest --ood-suite --ood-report=runs.json` writes one, "
            "`python -m pytest_ood study runs.json` studies it"
        )
    paths = list(dict.fromkeys(paths))
    # Reports of the same name in several folders are labelled by their paths.
    names = Counter(path.name for path in paths)
    labels = {path: path.name if names[path.name] == 1 else str(path) for path in paths}
    reports = [(labels[path], read_report(path)) for path in paths]
    # Named reports all count; the saved ones are a history, in which the newest counts.
    merged = merge_reports(reports, newest_counts=not options.reports)
    study = build_study(
        merged,
        [name for name, _ in reports],
        baselines=options.baseline,
        reference=options.reference,
        seed=options.seed,
    )
    if options.html is not None:
        from pytest_ood.reports import study_html

        formats.write_page(options.html, study_html.render(study))
    if options.json:
        sys.stdout.write(json.dumps(study_json.as_json(study), indent=2, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(study_text.render(study)) + "\n")
        if options.html is not None:
            sys.stdout.write(f"page: {options.html}\n")
    return 0
