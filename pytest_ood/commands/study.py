"""Study many models side by side, out of JSON reports: robustness, scale and data efficiency."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.configuration import project_root
from pytest_ood.errors import ReportError
from pytest_ood.reports import formats, json_report, saved, study_json, study_text
from pytest_ood.reports.study import study
from pytest_ood.reports.together import put_together

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
        help="repeatable: a model that lines go through; without any, those that were fine-tuned",
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
    paths = [saved.find(root, given) for given in options.reports] or saved.every(root)
    if not paths:
        raise ReportError(
            f"there is no report to study: none was given, and none is saved in "
            f"{root / saved.FOLDER}; `pytest --ood-suite --ood-report=runs.json` writes one, "
            "`python -m pytest_ood study runs.json` studies it"
        )
    paths = list(dict.fromkeys(paths))
    # Reports of one name in several folders are told apart by their paths.
    names = Counter(path.name for path in paths)
    called = {path: path.name if names[path.name] == 1 else str(path) for path in paths}
    reports = [(called[path], json_report.read(path)) for path in paths]
    # Whoever names reports means all of them; what was saved is a history.
    together = put_together(reports, newest_counts=not options.reports)
    made = study(
        together,
        [name for name, _ in reports],
        baselines=options.baseline,
        reference=options.reference,
        seed=options.seed,
    )
    if options.html is not None:
        from pytest_ood.reports import study_html

        formats.write_page(options.html, study_html.render(made))
    if options.json:
        sys.stdout.write(json.dumps(study_json.as_json(made), indent=2, allow_nan=False) + "\n")
    else:
        sys.stdout.write("\n".join(study_text.render(made)) + "\n")
        if options.html is not None:
            sys.stdout.write(f"page: {options.html}\n")
    return 0
