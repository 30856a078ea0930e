from __future__ import annotations

import json
from typing import Any

import pytest

EVALUATION_KEYS = {
    "suite", "kind", "shift", "model", "n", "unchanged", "abstained", "score_id", "score_ood",
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
    assert report["schema_version"] == 2
    assert report["seed"] == 0
    assert {"python", "pytest-ood", "nlpaug"} <= report["environment"].keys()
    assert [m["name"] for m in report["models"]] == ["sturdy", "frail"]
    assert all(m.keys() >= {"name", "paradigm", "source", "parameters"} for m in report["models"])
    assert len(report["evaluations"]) == 6
    assert all(e.keys() >= EVALUATION_KEYS for e in report["evaluations"])
    assert len(report["comparisons"]) == 2
    for e in report["evaluations"]:
        assert e["drop"] == pytest.approx(e["score_id"] - e["score_ood"])
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
            project.runpytest_subprocess(
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
