from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.analysis.serialization import from_json
from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.reports import formats


@pytest.fixture
def given(full_report: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a report where a user has one, and work there."""
    path = tmp_path / "report.json"
    path.write_text(formats.render(".json", from_json(full_report)))
    monkeypatch.chdir(tmp_path)
    return path


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_report_is_turned_into_another_form(
    suffix: str, given: Path, full_report: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """The file holds what the run itself would have written, and its name is told."""
    assert main(["report", given.name, "--out", f"out{suffix}"]) == 0
    assert capsys.readouterr().out == f"out{suffix}\n"
    written = given.with_name(f"out{suffix}").read_text("utf-8")
    assert written == formats.render(suffix, from_json(full_report))


def test_the_help_shows_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` ends in a command that can be copied."""
    with pytest.raises(SystemExit) as ended:
        main(["report", "--help"])
    assert ended.value.code == 0
    assert "python -m pytest_ood report report.json --out report.html" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("out.pdf", "unknown kind of report '.pdf'; known: .html, .json, .md"),
        ("out", "unknown kind of report ''"),
        ("nowhere/out.html", "nowhere/out.html cannot be written: No such file or directory"),
        ("folder.html", "folder.html cannot be written: Is a directory"),
    ],
)
def test_a_wrong_path_is_an_error(
    out: str, message: str, given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message names the path and the reason; nothing is left behind."""
    given.with_name("folder.html").mkdir()
    assert main(["report", given.name, "--out", out]) == USAGE_ERROR
    assert message in capsys.readouterr().err
    assert sorted(path.name for path in given.parent.iterdir()) == ["folder.html", "report.json"]


@pytest.mark.skipif(
    os.name == "nt" or os.geteuid() == 0, reason="needs a folder that may not be written to"
)
def test_an_old_file_stays_where_none_can_be_written(given: Path) -> None:
    """In a folder that is read-only the old report is left as it was."""
    old = given.parent / "locked" / "out.html"
    old.parent.mkdir()
    old.write_text("old")
    old.parent.chmod(0o555)
    try:
        assert main(["report", given.name, "--out", str(old)]) == USAGE_ERROR
        assert old.read_text() == "old"
    finally:
        old.parent.chmod(0o755)


def test_an_old_file_stays_where_the_report_is_damaged(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A report that cannot be read writes nothing."""
    old = given.with_name("out.html")
    old.write_text("old")
    given.write_text(given.read_text()[:-100])
    assert main(["report", given.name, "--out", old.name]) == USAGE_ERROR
    assert "report.json is no report" in capsys.readouterr().err
    assert old.read_text() == "old"


def test_a_report_that_is_not_there_is_an_error(
    given: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message says what was looked for."""
    del given
    assert main(["report", "none.json", "--out", "out.html"]) == USAGE_ERROR
    assert "there is no report 'none.json'" in capsys.readouterr().err


def test_a_saved_report_is_found_by_its_name(given: Path) -> None:
    """`latest` is the one that was saved last, as for `compare`."""
    saved = given.parent / ".ood" / "0001_v1_uncommitted.json"
    saved.parent.mkdir()
    given.rename(saved)
    given.with_name("pyproject.toml").write_text("[tool.pytest_ood]\n")
    assert main(["report", "latest", "--out", "out.md"]) == 0
    assert given.with_name("out.md").read_text("utf-8").startswith("## ")
    assert json.loads(saved.read_text())["schema_version"] == 3
