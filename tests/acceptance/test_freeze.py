"""Freezing a suite and replaying it, run as its users run it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_ood.commands import main


@pytest.fixture
def frozen(project: pytest.Pytester, capsys: pytest.CaptureFixture[str]) -> str:
    """Freeze the project's suite and configure it; return what the command said."""
    assert main(["freeze"]) == 0
    told: str = capsys.readouterr().out
    path = project.path / "pyproject.toml"
    configured = '[tool.pytest_ood]\nfrozen = ["frozen/reviews.jsonl"]\n'
    path.write_text(path.read_text().replace("[tool.pytest_ood]\n", configured))
    return told


def reported(project: pytest.Pytester, *options: str) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run the suite and read its report."""
    result = project.runpytest_inprocess("--ood-suite", "--ood-report", "r.json", *options)
    report: dict[str, Any] = json.loads(project.path.joinpath("r.json").read_text())
    return result, report


def figures(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Return what was measured."""
    return [(e["shift"], e["model"], e["n"], e["drop"], e["shifted_set_hash"])
            for e in report["evaluations"]]  # fmt: skip


def test_the_command_says_what_is_in_the_file(project: pytest.Pytester, frozen: str) -> None:
    """It names the file, its hash, sets, shifts with their generators, and the line to add."""
    pytest.LineMatcher(frozen.splitlines()).fnmatch_lines(
        [
            "*frozen/reviews.jsonl: suite reviews, seed 0, SHA-256 *",
            "  in-distribution: 300 examples",
            "  lamps: 300 examples",
            "  keyboard: 300 changed by keyboard@4(characters=0.1,layout='',share=0.35)*",
            '*frozen = [[]"frozen/reviews.jsonl"[]]',
        ]
    )
    assert project.path.joinpath("frozen/reviews.jsonl").exists()


def test_machines_read_what_was_frozen(
    project: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """Path, hash, counts and generators as JSON."""
    assert main(["freeze", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["path"] == str(project.path / "frozen/reviews.jsonl")
    assert told["examples"] == {"in-distribution": 300, "lamps": 300}
    assert told["shifts"]["keyboard"]["changed"] == 300
    assert (told["suite"], told["seed"], len(told["sha256"])) == ("reviews", 0, 64)


def test_a_replay_gives_the_same_figures(project: pytest.Pytester, frozen: str) -> None:
    """Frozen texts are those of the run they were frozen at, under any seed from then on."""
    assert frozen
    path = project.path / "pyproject.toml"
    with_frozen = path.read_text()
    path.write_text(with_frozen.replace('frozen = ["frozen/reviews.jsonl"]\n', ""))
    _, fresh = reported(project, "--ood-only", "noise", "--ood-only", "domain")
    path.write_text(with_frozen)
    result, replayed = reported(
        project, "--ood-only", "noise", "--ood-only", "domain", "--ood-seed", "7"
    )
    assert figures(replayed) == figures(fresh)
    assert replayed["frozen"] == [{"suite": "reviews", "path": "frozen/reviews.jsonl"}]
    assert (fresh["frozen"], fresh["notes"], replayed["notes"]) == ([], [], [])
    result.stdout.fnmatch_lines(["ood: suite reviews is replayed from frozen/reviews.jsonl"])


def test_another_generator_is_noted_and_the_texts_stay(
    project: pytest.Pytester, frozen: str
) -> None:
    """Where the suite names other parameters by now, the report says so, also under xdist."""
    assert frozen
    _, before = reported(project, "--ood-only", "noise")
    suite = project.path / "reviews.toml"
    suite.write_text(suite.read_text().replace("share = 0.35", "share = 0.5"))
    for options in ((), ("-n", "2")):
        result, after = reported(project, "--ood-only", "noise", *options)
        assert figures(after) == figures(before)
        (note,) = after["notes"]
        assert note.startswith("reviews/noise/keyboard: the texts are those that keyboard@4(")
        result.stdout.fnmatch_lines(["note: reviews/noise/keyboard: the texts are those that*"])


def test_changed_data_fail_and_are_named(project: pytest.Pytester, frozen: str) -> None:
    """A run on other data than those that were frozen measures nothing, and says what differs."""
    assert frozen
    data = project.path / "reviews.jsonl"
    data.write_text(data.read_text().replace("Number 7 was", "Number 7 is"))
    result = project.runpytest_inprocess("--ood-suite", "--ood-only", "noise")
    result.stdout.fnmatch_lines(["*in-distribution is not the data*1 of 300*have changed (r7)*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


def test_more_data_change_nothing(project: pytest.Pytester, frozen: str) -> None:
    """Rows that were added later are not used; fewer are where the user asks for fewer."""
    assert frozen
    _, before = reported(project, "--ood-only", "noise")
    data = project.path / "reviews.jsonl"
    row = json.dumps({"id": "new", "text": "A wonderful thing.", "label": "positive"})
    data.write_text(f"{row}\n{data.read_text()}")
    _, after = reported(project, "--ood-only", "noise")
    assert figures(after) == figures(before)
    _, fewer = reported(project, "--ood-only", "noise", "--ood-max-examples", "50")
    assert {e["n"] for e in fewer["evaluations"]} == {50}


def test_a_file_is_not_overwritten_unasked(
    project: pytest.Pytester, frozen: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """A new baseline is an explicit step."""
    assert frozen
    path = project.path / "frozen/reviews.jsonl"
    before = path.read_bytes()
    assert main(["freeze", "--seed", "1"]) == 2
    assert "--overwrite replaces it" in capsys.readouterr().err
    assert path.read_bytes() == before
    assert main(["freeze", "--seed", "1", "--overwrite", "--max-examples", "40"]) == 0
    assert path.read_bytes() != before
    assert "in-distribution: 40 examples" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("configured", "message"),
    [
        ('"no.jsonl"', "frozen suite no.jsonl cannot be read"),
        ("3", "frozen = [[]3[]] is not a list of strings"),
        ('"frozen/reviews.jsonl", "frozen/reviews.jsonl"', "both freeze the suite 'reviews'"),
        ('"other.jsonl"', "unknown suite 'other'"),
    ],
)
def test_a_wrong_frozen_suite_is_a_usage_error(
    project: pytest.Pytester, frozen: str, configured: str, message: str
) -> None:
    """What cannot be replayed is told before anything runs."""
    assert frozen
    path = project.path / "frozen/reviews.jsonl"
    text = path.read_text().replace('"suite": "reviews"', '"suite": "other"')
    project.path.joinpath("other.jsonl").write_text(text)
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().replace('"frozen/reviews.jsonl"', configured))
    result = project.runpytest_inprocess("--ood-suite")
    result.stderr.fnmatch_lines([f"*{message}*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["freeze", "no-suite"], "unknown suite 'no-suite'"),
        (["freeze", "--max-examples", "0"], "--max-examples 0 is a whole number of 1 or more"),
        (["freeze", "--out", "reviews.jsonl/x.jsonl"], "x.jsonl cannot be written"),
    ],
)
def test_a_wrong_argument_is_told(
    project: pytest.Pytester,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    """What the command cannot do is a usage error in words."""
    assert project.path.exists()
    assert main(arguments) == 2
    assert message in capsys.readouterr().err
