from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from pytest_ood.commands import main


def run(project: pytest.Pytester, *options: str) -> pytest.RunResult:
    """Run the suite."""
    return project.runpytest_inprocess("--ood-suite", *options)


def worsened(project: pytest.Pytester) -> None:
    """Let the model `frail` know less than it did, as a bad release would."""
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().replace('negative = ["terrible"]', 'negative = ["horrid"]'))


def test_a_release_that_lost_nothing_passes(project: pytest.Pytester) -> None:
    """Each score is a test of its own beside the checks, and none of them fails."""
    before = run(project, "--ood-save=first").parseoutcomes()
    assert [p.name for p in (project.path / ".ood").glob("*.json")] == [
        "0001_first_uncommitted.json"
    ]
    result = run(project, "--ood-compare=latest", "--ood-compare-fail=drop:10%")
    after = result.parseoutcomes()
    assert after.get("failed", 0) == before.get("failed", 0)
    assert sum(after.values()) == sum(before.values()) + 8
    result.stdout.fnmatch_lines(["*since the earlier run*", "against 0001_first_uncommitted*"])


def test_a_release_that_lost_something_fails(project: pytest.Pytester) -> None:
    """What dropped by more than the budget is named, with figures, in terminal, JUnit and JSON."""
    run(project, "--ood-save=first")
    worsened(project)
    result = run(
        project, "--ood-compare=first", "--ood-compare-fail=drop:2%", "--junitxml=j.xml",
        "--ood-report=r.json", "--ood-only=in-distribution",
    )  # fmt: skip
    assert result.ret == 1
    name = "reviews/in-distribution[[]frail] since 0001_first_uncommitted.json"
    result.stdout.fnmatch_lines(
        [
            f"*{name}*",
            "fail: frail in reviews/in-distribution: above *",
            "  score * then, * now, on the same 300 examples",
            "reviews/in-distribution * frail * FAIL",
            "note: frail is another model: *",
        ]
    )
    cases = {c.get("name"): c for c in ET.parse(project.path / "j.xml").iter("testcase")}  # noqa: S314 - made here
    (case,) = [c for key, c in cases.items() if key and "[frail] since" in key]
    told = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert told["ood_verdict"] == "fail"
    assert float(told["ood_release_drop"] or 0) > 0.1
    release = json.loads((project.path / "r.json").read_text())["release"]
    assert [c["verdict"] for c in release["changes"]] == ["pass", "fail"]


def test_without_a_budget_a_comparison_only_shows(project: pytest.Pytester) -> None:
    """The table is there, and the exit status is that of the checks."""
    status = run(project, "--ood-save=first", "--ood-only=noise").ret
    result = run(project, "--ood-compare=latest", "--ood-only=noise")
    assert result.ret == status
    result.stdout.fnmatch_lines(["*reviews/noise/keyboard * sturdy * 0.0  [[]*"])


def test_other_data_fails_and_is_named(project: pytest.Pytester) -> None:
    """A score on other examples is no score to compare with: it fails where a budget gates."""
    run(project, "--ood-save=first", "--ood-only=noise", "--ood-only=lamps")
    path = project.path / "lamps.jsonl"
    path.write_text(path.read_text().replace("lamp", "lantern"))
    result = run(
        project, "--ood-compare=latest", "--ood-compare-fail=drop:10%", "--ood-only=noise",
        "--ood-only=lamps",
    )  # fmt: skip
    assert result.ret == 1
    result.stdout.fnmatch_lines(
        [
            "  it was measured on 300 examples then, and on 300 others now; *",
            "reviews/domain/lamps * sturdy * no example in common",
            "note: reviews/domain/lamps: another data set: 0 of 300 examples are the same",
        ]
    )


def test_an_open_change_fails_under_strict(project: pytest.Pytester) -> None:
    """What nobody can tell yet passes, unless it must not."""
    options = ("--ood-only=adversarial", "--ood-model=sturdy")
    run(project, "--ood-save=first", *options)
    gate = ("--ood-compare=latest", "--ood-compare-fail=drop:2%", *options)
    open_ = run(project, *gate)
    open_.stdout.fnmatch_lines(["*adversarial/greedy-characters * sturdy * open"])
    strict = run(project, *gate, "--ood-strict")
    before, after = open_.parseoutcomes(), strict.parseoutcomes()
    assert after.get("failed", 0) > before.get("failed", 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--ood-compare=latest"], "*there is no report 'latest'*--ood-save NAME*"),
        (["--ood-compare=reviews.jsonl"], "*reviews.jsonl is no report*"),
        (["--ood-compare=other.json"], "*other.json is no report of pytest-ood*"),
        (["--ood-compare-fail=drop:2%"], "*--ood-compare-fail needs --ood-compare*"),
        (["--ood-save=a/b"], "*--ood-save 'a/b'*"),
        (["--ood-compare=other.json", "--ood-compare-fail=2"], "*'2' is no budget*"),
    ],
)
def test_wrong_options_end_the_run_before_it_starts(
    project: pytest.Pytester, options: list[str], message: str
) -> None:
    """The exit status is 4, and no model is asked."""
    (project.path / "other.json").write_text("{}")
    result = run(project, *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_xdist_compares_once(project: pytest.Pytester) -> None:
    """The workers measure, the controller compares: the figures are those of one process."""
    pytest.importorskip("xdist")
    run(project, "--ood-save=first")
    worsened(project)
    reports = []
    for options in ((), ("-n", "2")):
        run(
            project, "--ood-compare=first", "--ood-compare-fail=drop:2%", "--ood-report=r.json",
            "--ood-no-cache", *options,
        )  # fmt: skip
        reports.append(json.loads((project.path / "r.json").read_text()))
    assert reports[0] == reports[1]
    assert [c["verdict"] for c in reports[0]["release"]["changes"]].count("fail") > 0


def test_the_commands_compare_and_accept(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`accept` shows what a new baseline changes; `compare` prints the table and gates."""
    monkeypatch.chdir(project.path)
    run(project, "--ood-save=first")
    assert main(["accept", "latest"]) == 0
    worsened(project)
    run(project, "--ood-save=second", "--ood-compare=baseline")
    capsys.readouterr()
    assert main(["compare", "baseline", "latest", "--fail", "drop:2%"]) == 1
    table = capsys.readouterr().out
    assert "against ood-baseline.json" in table
    assert main(["compare", "baseline", "latest", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert {change["verdict"] for change in told["changes"]} == {"measured"}
    assert main(["accept", "second"]) == 0
    shown = capsys.readouterr().out
    assert "frail is another model" in shown
    assert "0002_second_uncommitted.json is the baseline now" in shown
    assert main(["compare", "baseline", "latest", "--fail", "drop:10%"]) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda text: text[:-40], "no JSON, or was cut off"),
        (lambda text: text.replace('"schema_version": 3', '"schema_version": 9'), "version 9"),
        (lambda text: text.replace('"n": 300', '"n": 299'), "changed after it was written"),
        (lambda text: text.replace('"n": 300', '"n": "many"'), "damaged: at $.in_distribution["),
    ],
)
def test_damaged_reports_are_refused(
    project: pytest.Pytester, change: object, message: str, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    """A file that was cut off, edited or is of another version is an error, and stays as it is."""
    assert callable(change)
    monkeypatch.chdir(project.path)
    run(project, "--ood-report=r.json", "--ood-only=in-distribution")
    text = change(Path("r.json").read_text())
    Path("damaged.txt").write_text(text)
    capsys.readouterr()
    for command in (["compare", "damaged.txt", "r.json"], ["accept", "damaged.txt"]):
        assert main(command) == 2
        assert message in capsys.readouterr().err
    assert Path("damaged.txt").read_text() == text
    assert not Path("ood-baseline.json").exists()


def test_a_folder_that_cannot_be_written_is_told_before_the_run(project: pytest.Pytester) -> None:
    """A file in the place of `.ood` is a usage error, not the loss of a run."""
    (project.path / ".ood").write_text("mine")
    result = run(project, "--ood-save=first")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*--ood-save: */.ood is no folder that can be written*"])


def test_a_run_that_was_cut_short_is_no_release(project: pytest.Pytester) -> None:
    """After -x nothing is saved or compared: half a run would be taken for all of it."""
    result = run(project, "-x", "--ood-save=first", "--ood-report=r.json")
    assert result.ret == 1
    result.stdout.fnmatch_lines(["* of 10 checks were carried out; *; no report was written"])
    assert not (project.path / ".ood").exists()
    assert not (project.path / "r.json").exists()


def test_a_model_that_is_left_out_does_not_pass(project: pytest.Pytester) -> None:
    """What the earlier run measured and a whole later one does not, fails a budget."""
    run(project, "--ood-save=first")
    path = project.path / "pyproject.toml"
    path.write_text(path.read_text().partition("[tool.pytest_ood.models.frail]")[0])
    gate = ("--ood-compare=latest", "--ood-compare-fail=drop:10%")
    result = run(project, *gate)
    assert result.ret == 1
    result.stdout.fnmatch_lines(["reviews/noise/keyboard * frail * not measured now"])
    assert run(project, *gate, "--ood-only=in-distribution").ret == 0
