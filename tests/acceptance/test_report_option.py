from __future__ import annotations

import json
import sys
from typing import Any

import pytest

EVALUATION_KEYS = {
    "suite", "kind", "shift", "model", "n", "unchanged", "abstained",
    "score_in_distribution", "score_under_shift",
    "drop", "interval", "paired", "budget", "verdict", "shifted_set_hash",
}  # fmt: skip


def read(project: pytest.Pytester, name: str = "report.json") -> dict[str, Any]:
    """Return a report."""
    found: dict[str, Any] = json.loads(project.path.joinpath(name).read_text())
    return found


def test_the_json_report_holds_every_figure(project: pytest.Pytester) -> None:
    """The report has its version, seed, environment, models, evaluations and comparisons."""
    project.runpytest_inprocess("--ood-suite", "--ood-report", "report.json")
    report = read(project)
    assert report["schema_version"] == 3
    assert report["seed"] == 0
    assert {"python", "pytest-ood", "nlpaug"} <= report["environment"].keys()
    assert [m["name"] for m in report["models"]] == ["sturdy", "frail"]
    assert all(m.keys() >= {"name", "paradigm", "source", "parameters"} for m in report["models"])
    assert len(report["evaluations"]) == 6
    assert all(e.keys() >= EVALUATION_KEYS for e in report["evaluations"])
    assert len(report["comparisons"]) == 2
    for e in report["evaluations"]:
        assert e["drop"] == pytest.approx(e["score_in_distribution"] - e["score_under_shift"])
        assert e["interval"][0] <= e["drop"] <= e["interval"][1]
        assert e["paired"] == (e["kind"] != "domain")


def test_no_half_report_takes_the_place_of_a_whole_one(project: pytest.Pytester) -> None:
    """The report is written in one go, and no scratch file stays beside it."""
    folder = project.mkdir("out")
    project.runpytest_inprocess("--ood-suite", "--ood-report", "out/report.json")
    assert [path.name for path in folder.iterdir()] == ["report.json"]


def test_the_same_seed_gives_the_same_report_in_any_order_and_subset(
    project: pytest.Pytester,
) -> None:
    """Shuffled data, a subset of checks and another PYTHONHASHSEED change no figure and no hash."""
    project.runpytest_inprocess("--ood-suite", "--ood-report=whole.json", "--ood-max-examples=80")
    whole = {(e["shift"], e["model"]): e for e in read(project, "whole.json")["evaluations"]}

    path = project.path / "reviews.jsonl"
    path.write_text("\n".join(reversed(path.read_text().splitlines())))
    for hash_seed in ("1", "2"):
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("PYTHONHASHSEED", hash_seed)
            project.runpytest_inprocess(
                "--ood-suite", "--ood-report=part.json", "--ood-max-examples=80",
                "--ood-only=keyboard", "--ood-only=adversarial", "--ood-no-cache",
            )  # fmt: skip
        part = {(e["shift"], e["model"]): e for e in read(project, "part.json")["evaluations"]}
        assert len(part) == 4
        assert part == {key: whole[key] for key in part}


def test_a_run_that_measured_nothing_writes_no_report(project: pytest.Pytester) -> None:
    """When no check has run, an old report stays and no table is shown."""
    project.path.joinpath("report.json").write_text("old")
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=report.json", "-k", "nothing")
    assert project.path.joinpath("report.json").read_text() == "old"
    assert "robustness" not in result.stdout.str()


def test_the_other_forms_are_those_of_the_json_report(project: pytest.Pytester) -> None:
    """The page and the Markdown are what the command makes of the JSON, and nothing half stays."""
    folder = project.mkdir("out")
    options = [f"--ood-report=out/report{suffix}" for suffix in (".json", ".html", ".md")]
    project.runpytest_inprocess("--ood-suite", *options)
    assert sorted(path.name for path in folder.iterdir()) == [
        "report.html", "report.json", "report.md",
    ]  # fmt: skip
    for suffix in (".html", ".md"):
        result = project.run(
            sys.executable, "-m", "pytest_ood", "report", "out/report.json", "--out", f"x{suffix}"
        )
        assert result.ret == 0
        written = folder.joinpath(f"report{suffix}").read_text("utf-8")
        assert project.path.joinpath(f"x{suffix}").read_text("utf-8") == written


def test_workers_write_the_same_page(project: pytest.Pytester) -> None:
    """With pytest-xdist the report is written once, and is the one of a single process."""
    project.runpytest_inprocess("--ood-suite", "--ood-report=one.html", "--ood-report=one.md")
    project.runpytest_inprocess(
        "--ood-suite", "--ood-report=two.html", "--ood-report=two.md", "-n2"
    )
    for suffix in (".html", ".md"):
        one, two = (project.path.joinpath(name + suffix).read_text("utf-8") for name in
                    ("one", "two"))  # fmt: skip
        assert one == two


def test_an_unknown_form_is_refused_before_anything_runs(project: pytest.Pytester) -> None:
    """The message names the forms there are."""
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=report.pdf")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*unknown kind of report '.pdf'; known: .html, .json, .md"])


def test_a_step_of_github_actions_gets_the_summary(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever reports are asked for, the Markdown is added to what the step has written."""
    summary = project.path / "summary.md"
    summary.write_text("# Build\n")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=report.md")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    written = project.path.joinpath("report.md").read_text("utf-8")
    assert summary.read_text("utf-8") == f"# Build\n\n{written}"
    project.runpytest_inprocess("--ood-suite", "-n2")
    assert summary.read_text("utf-8") == f"# Build\n\n{written}\n{written}"


def test_runs_without_results_leave_the_summary_alone(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plain run, and one that measured nothing, add nothing."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path / "summary.md"))
    project.makepyfile("def test_of_ours(): pass")
    project.runpytest_inprocess()
    project.runpytest_inprocess("--ood-suite", "-k", "nothing")
    project.runpytest_inprocess("--ood-suite", "--collect-only")
    assert not project.path.joinpath("summary.md").exists()


def test_a_summary_that_cannot_be_written_changes_no_verdict(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is told, and the run ends as it would have."""
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(project.path))
    result = project.runpytest_inprocess("--ood-suite", "--ood-only=lamps")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["ood: $GITHUB_STEP_SUMMARY: * cannot be written: *"])


def test_a_report_that_cannot_be_written_is_said_so(project: pytest.Pytester) -> None:
    """A folder that vanishes during the run is an error with a name, and not a traceback."""
    project.mkdir("out")
    project.makeconftest(
        """
        import shutil

        def pytest_runtest_teardown():
            shutil.rmtree("out", ignore_errors=True)
        """
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=out/report.html")
    assert result.ret == pytest.ExitCode.INTERNAL_ERROR
    assert "--ood-report: " in result.stdout.str() + result.stderr.str()
    assert "report.html cannot be written" in result.stdout.str() + result.stderr.str()
    assert "Traceback" not in result.stdout.str() + result.stderr.str()
