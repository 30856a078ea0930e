"""Compares what two trees of this project measure: figures, verdicts, hashes and exit statuses.

Each project is gated under both trees, and then once more under the second tree from the answers
that the first one has cached, where no model may be queried again:

    python benchmarks/compare_trees.py BEFORE AFTER --demo
    pytest tests/test_documentation.py --basetemp=projects
    python benchmarks/compare_trees.py BEFORE AFTER projects

BEFORE and AFTER are checkouts, such as worktrees of git. The trees are run in the environment of
this interpreter. Reports of an earlier schema version are read as the second tree reads them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OPTIONS = ("--ood-suite", "--ood-offline", "-p", "no:cacheprovider", "-p", "no:xdist", "-q")
VOLATILE = frozenset({"work", "versions", "created", "digest", "notes", "environment"})
"""Parts of a report that say when, with what and how fast it was measured, or say it in words."""

IGNORED = ("user-cache", ".ood", "__pycache__", "*.sqlite")
"""What earlier runs have left in a project."""

READ = """
import json, sys
from pathlib import Path
from pytest_ood.analysis.serialization import read_report, to_json
print(json.dumps(to_json(read_report(Path(sys.argv[1])))))
"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of a project under one tree.

    Attributes:
        status: The exit status of pytest.
        report: The plain values of the report; None where none was written.
        output: What the run has printed.
    """

    status: int
    report: dict[str, Any] | None
    output: str

    def queried(self) -> int:
        """Return the number of inputs that models were queried with, as the run prints it."""
        _, _, work = " ".join(self.output.split()).rpartition("queried: ")
        counts = re.findall(r" ([\d,]+) inputs \([\d,]+ cached\)", work)
        return sum(int(count.replace(",", "")) for count in counts)


def run(tree: Path, reader: Path, project: Path, cache: Path, options: list[str]) -> Run:
    """Gate a project under a tree; its report is read by the tree `reader`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pytest", *OPTIONS, f"--ood-report={path}"]
        done = subprocess.run(  # noqa: S603 - this interpreter
            [*command, f"--ood-cache={cache}", *options],
            cwd=project,
            env={**os.environ, "PYTHONPATH": str(tree)},
            capture_output=True,
            text=True,
            check=False,
        )
        if not path.exists():
            return Run(status=done.returncode, report=None, output=done.stdout + done.stderr)
        text = subprocess.run(  # noqa: S603 - likewise
            [sys.executable, "-c", READ, str(path)],
            env={**os.environ, "PYTHONPATH": str(reader)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    return Run(status=done.returncode, report=json.loads(text), output=done.stdout)


def differences(before: Any, after: Any, path: str = "") -> list[str]:
    """Return where two plain values differ, as `path: before -> after`.

    A value that is null before was unknown, such as one that an earlier schema did not have.
    """
    if before is None and after is not None and path:
        return []
    if isinstance(before, dict) and isinstance(after, dict):
        keys = dict.fromkeys((*before, *after))
        return [
            line
            for key in keys
            if key not in VOLATILE
            for line in differences(before.get(key), after.get(key), f"{path}/{key}")
        ]
    if isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        pairs = zip(before, after, strict=True)
        return [x for n, (b, a) in enumerate(pairs) for x in differences(b, a, f"{path}/{n}")]
    return [] if before == after else [f"{path}: {before!r:.80} -> {after!r:.80}"]


def compare(before: Path, after: Path, project: Path, cache: Path, options: list[str]) -> list[str]:
    """Return how a project's runs under two trees differ."""
    old = run(before, after, project, cache / "before", options)
    new = run(after, after, project, cache / "after", options)
    again = run(after, after, project, cache / "before", options)
    found = differences(old.report, new.report) + differences(old.report, again.report)
    if old.status != new.status:
        found.append(f"exit status: {old.status} -> {new.status}")
    # Models without a fingerprint are queried in every run, so that a last run queries as many.
    if queried := again.queried():
        least = run(after, after, project, cache / "before", options).queried()
        if queried > least:
            found.append(f"queried from the old cache: {queried} inputs, not {least}")
    rows = len((new.report or {}).get("evaluations", ()))
    print(f"{project.name}: exit status {new.status}, {rows} drops, {len(found)} differences")
    for line in dict.fromkeys(found):
        print(f"  {line}")
    return found


def projects_below(folder: Path) -> list[Path]:
    """Return the folders that hold a configuration of this plugin."""
    paths = sorted(folder.rglob("pyproject.toml"))
    return [p.parent for p in paths if "[tool.pytest_ood]" in p.read_text(encoding="utf-8")]


def main() -> int:
    """Compare the projects, and return 1 where any figure differs."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("before", type=Path, help="a checkout")
    parser.add_argument("after", type=Path, help="another checkout")
    parser.add_argument("projects", type=Path, nargs="*", help="folders with projects")
    parser.add_argument("--demo", action="store_true", help="the built-in suite, too")
    parser.add_argument("--cache", type=Path, help="a cache folder that both start from")
    parser.add_argument("--option", action="append", default=[], help="of pytest, for each run")
    arguments = parser.parse_args()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as scratch:
        folders = [p for folder in arguments.projects for p in projects_below(folder.resolve())]
        if arguments.demo:
            folders.append(Path(scratch) / "demo")
            folders[-1].mkdir()
        for number, folder in enumerate(folders):
            project, cache = Path(scratch) / f"{number}" / folder.name, Path(scratch) / f"c{number}"
            ignored = shutil.ignore_patterns(
                "user-cache", ".ood", "__pycache__", "*.sqlite", "tmp*"
            )
            shutil.copytree(folder, project, ignore=ignored)
            for name in ("before", "after"):
                if arguments.cache:
                    shutil.copytree(arguments.cache, cache / name)
            found += compare(
                arguments.before.resolve(),
                arguments.after.resolve(),
                project,
                cache,
                arguments.option,
            )
    print("no differences" if not found else f"{len(found)} differences")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
