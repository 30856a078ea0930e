"""CONTRIBUTING's promise: one more file is one more kind, and nothing else changes."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

Report = dict[str, Any]

ROOT = Path(__file__).parents[1]
ADDED = re.compile(r"<!-- adds: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)
KINDS = {
    "perturbations",
    "perturbations/adversarial",
    "suites",
    *(
        f"pytest_ood/{name}"
        for name in ("commands", "languages", "metrics", "models", "reports/formats")
    ),
    *(f"pytest_ood/{name}" for name in ("shifts", "tasks", "trackers")),
}
PROJECT = """
[tool.pytest_ood]
suites = ["colours"]
[tool.pytest_ood.models.careful]
pattern = "gr[e]*n"
ignore_case = true
baseline = true
[tool.pytest_ood.models.frail]
pattern = "green"
[tool.pytest_ood.journal]
path = "runs.jsonl"
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Copy the package, with each file that CONTRIBUTING shows added to it."""
    site = tmp_path_factory.mktemp("site")
    package = site / "pytest_ood"
    # What is compiled already is copied along with its dates, and not compiled again.
    shutil.copytree(ROOT / "pytest_ood", package)
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    added = dict(ADDED.findall(text))
    assert {str(Path(name).parent) for name in added} == KINDS
    for name, code in added.items():
        path = package / name.removeprefix("pytest_ood/")
        assert not path.exists()
        path.write_text(code, encoding="utf-8")
    return site


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a project that measures the added suite on two models of the added kind."""
    project = tmp_path_factory.mktemp("project")
    (project / "pyproject.toml").write_text(PROJECT)
    rows = "".join(
        f"Is the {noun} number {n} {colour}?,{answer}\n"
        for n in range(60)
        for noun, colour, answer in (("meadow", "green", "yes"), ("tomato", "yellow", "no"))
    )
    (project / "questions.csv").write_text(f"text,label\n{rows}")
    return project


def run(site: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of the copied package in the project."""
    return subprocess.run(
        [sys.executable, "-m", *arguments],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def report(site: Path, project: Path) -> Report:
    """Measure the suite and return the JSON report."""
    done = run(
        site,
        project,
        "pytest",
        "--ood-suite",
        "--ood-cache=cache",
        "--ood-track=journal",
        "--ood-report=r.json",
        "--ood-report=r.txt",
        "--ood-report=r.html",
        "--ood-report=r.md",
    )
    assert done.returncode == 1, done.stdout + done.stderr
    (project / "output.txt").write_text(done.stdout)
    stored: Report = json.loads((project / "r.json").read_text())
    return stored


def drops(report: Report, model: str) -> dict[tuple[str, str], float]:
    """Return a model's drops by shift and metric."""
    return {
        (e["shift"], e["metric"]): e["drop"] for e in report["evaluations"] if e["model"] == model
    }


@pytest.mark.slow
def test_one_file_of_each_kind_is_measured(report: Report, project: Path) -> None:
    """The suite, its task and shifts, and the models are found by their names."""
    careful, frail = drops(report, "careful"), drops(report, "frail")
    assert set(careful) == set(frail)
    assert {shift for shift, _ in frail} == {"vowels", "capitals", "inner-swaps"}
    assert careful["capitals", "accuracy"] == careful["vowels", "accuracy"] == 0.0
    assert frail["capitals", "accuracy"] == 0.5
    assert frail["inner-swaps", "accuracy"] > 0.1
    output = (project / "output.txt").read_text()
    assert re.search(r"^loudness\n capitals +0\.0 .* 50\.0 .* FAIL$", output, re.MULTILINE)
    for name in ("r.html", "r.md"):
        text = (project / name).read_text()
        assert all(word in text for word in ("capitals", "inner-swaps", "error-rate"))


def test_a_metric_that_rises_has_drops_of_the_right_sign(report: Report) -> None:
    """More errors are a drop above 0, of a model and beyond that of the baseline."""
    frail = drops(report, "frail")
    assert frail["vowels", "error-rate"] == frail["vowels", "accuracy"] > 0.0
    (evaluated,) = (
        e for e in report["evaluations"] if (e["metric"], e["model"]) == ("error-rate", "frail")
    )
    assert evaluated["score_in_distribution"] == 0.0
    assert evaluated["score_under_shift"] == evaluated["drop"]
    assert evaluated["verdict"] == "fail"
    (compared,) = (c for c in report["comparisons"] if c["metric"] == "error-rate")
    assert compared["drop"] == compared["difference"] == evaluated["drop"]
    assert compared["baseline_drop"] == 0.0
    (accuracy,) = (
        e
        for e in report["evaluations"]
        if (e["shift"], e["metric"], e["model"]) == ("capitals", "accuracy", "frail")
    )
    assert accuracy["metrics"]["error-rate"] == {"in_distribution": 0.0, "under_shift": 0.5}


@pytest.mark.slow
def test_the_added_format_tracker_and_command_read_the_run(
    report: Report, site: Path, project: Path
) -> None:
    """Each has the drop of the run that the JSON report has."""
    worst = max(drops(report, "frail").values())
    assert "loudness/capitals accuracy frail 0.500 fail" in (project / "r.txt").read_text()
    (logged,) = map(json.loads, (project / "runs.jsonl").read_text().splitlines())
    assert logged["colours/loudness/capitals/frail/drop"] == 0.5
    done = run(site, project, "pytest_ood", "worst", "r.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f" {worst:.3f}\n")


@pytest.mark.slow
def test_an_added_language_has_what_fits_it(site: Path, project: Path) -> None:
    """Its letters are written in the letters that its file has, and it has no keyboard yet."""
    (project / "eo.txt").write_text("\u011dis la revido\n", encoding="utf-8")
    options = (
        "eo.txt",
        "--language",
        "eo",
        "--severity",
        "5",
        "--out",
        "eo.out.txt",
        "--overwrite",
    )
    done = run(site, project, "pytest_ood", "perturb", "transliterate", *options)
    assert done.returncode == 0, done.stderr
    assert (project / "eo.out.txt").read_text(encoding="utf-8") == "gxis la revido\n"
    done = run(site, project, "pytest_ood", "perturb", "keyboard", *options)
    assert "keyboard does not fit Esperanto (eo)" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("report")
def test_added_kinds_are_listed_and_chosen_like_any(site: Path, project: Path) -> None:
    """The commands list them, and `--ood-only` takes the kind of shift."""
    for command, name in (
        ("models", "pattern"),
        ("perturbations", "vowels"),
        ("suites", "colours"),
    ):
        done = run(site, project, "pytest_ood", command)
        assert name in done.stdout, done.stderr
    done = run(site, project, "pytest", "--ood-suite", "--ood-cache=cache", "--ood-only=loudness")
    assert "loudness/capitals[frail]" in done.stdout
    assert "vowels" not in done.stdout
