from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.commands import USAGE_ERROR, main


@pytest.fixture
def given(
    make_report: Callable[..., Any],
    study_models: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    """Put reports where a user has them, and work there: of parts of the models."""
    monkeypatch.chdir(tmp_path)
    parts = {"runs": study_models[:4], "more": study_models[4:], "one": study_models[:1]}
    for name, models in parts.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(make_report(models), indent=2))
    other = make_report(study_models[4:], seed=3)
    (tmp_path / "other.json").write_text(json.dumps(other, indent=2))
    return tmp_path


@pytest.mark.slow
def test_reports_are_studied_together(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The terminal has every model of both under each shift, and the conclusions."""
    del given
    assert main(["study", "runs.json", "more.json"]) == 0
    told = capsys.readouterr().out
    assert "reviews (seed 0): 9 models; baselines, which lines go through: encoder-0," in told
    assert "Under tweets, beyond the baselines' line: llm is more robust" in told
    assert "2 reports; 90% intervals" in told


def test_the_page_is_written(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Its name is told, and no half of it is left where it cannot be written."""
    assert main(["study", "runs.json", "--html", "study.html"]) == 0
    assert capsys.readouterr().out.endswith("page: study.html\n")
    assert given.joinpath("study.html").read_text("utf-8").startswith("<!DOCTYPE html>")
    assert main(["study", "runs.json", "--html", "nowhere/study.html"]) == USAGE_ERROR
    assert "nowhere/study.html cannot be written: No such file" in capsys.readouterr().err


def test_json_is_written_for_machines(given: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--json` writes JSON and nothing else."""
    del given
    assert main(["study", "runs.json", "--json", "--seed", "7", "--html", "s.html"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["seed"], found["reports"]) == (7, ["runs.json"])
    assert len(found["suites"][0]["models"]) == 4


@pytest.mark.slow
def test_saved_reports_are_studied_without_being_named(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """All of `.ood` are, the later one of a model that was saved twice counting."""
    folder = given / ".ood"
    folder.mkdir()
    for number, name in ((1, "runs"), (2, "more")):
        given.joinpath(f"{name}.json").rename(folder / f"000{number}_{name}_abc.json")
    assert main(["study"]) == 0
    told = capsys.readouterr().out
    assert "9 models" in told
    assert "2 reports" in told


def test_nothing_to_study_says_how_to_begin(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without reports the message has the two commands that make one and study it."""
    del given
    assert main(["study"]) == USAGE_ERROR
    told = capsys.readouterr().err
    assert "`pytest --ood-suite --ood-report=runs.json` writes one" in told
    assert "`python -m pytest_ood study runs.json` studies it" in told


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["none.json"], "there is no report 'none.json'"),
        (["damaged.json"], "damaged.json is no report: it is no JSON, or was cut off"),
        (["edited.json"], "edited.json was changed after it was written"),
        (["one.json"], "there is nothing to compare: suite reviews is left out: one model"),
        (["runs.json", "other.json"], "runs.json has seed 0, other.json seed 3"),
        (["runs.json", "--baseline", "encoder"], "--baseline: unknown model 'encoder'"),
        (["runs.json", "--reference", "nobody"], "--reference: unknown model 'nobody'"),
    ],
)
def test_what_cannot_be_studied_is_an_error(
    arguments: list[str], message: str, given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what was given and what to do; nothing is written."""
    text = given.joinpath("runs.json").read_text()
    given.joinpath("damaged.json").write_text(text[:-100])
    given.joinpath("edited.json").write_text(text.replace('"size": 1000000,', '"size": 2000000,'))
    assert main(["study", *arguments, "--html", "study.html"]) == USAGE_ERROR
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not given.joinpath("study.html").exists()
