from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest

from pytest_ood.analysis.report import Report
from pytest_ood.budgets import Rules
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.reports import archive

if TYPE_CHECKING:
    from pathlib import Path

REPORT = Report(seed=0, rules=Rules(0.05), models=(), results=())


def test_reports_are_numbered_and_found(tmp_path: Path) -> None:
    """The latest, the latest of a name, a number, and a path each name one report."""
    for name in ("first", "release-1.0", "first"):
        archive.save(tmp_path, name, REPORT)
    names = [f"000{n + 1}_{name}_uncommitted.json"
             for n, name in enumerate(["first", "release-1.0", "first"])]  # fmt: skip
    assert sorted(path.name for path in (tmp_path / ".ood").glob("*.json")) == names
    for given, name in (
        ("latest", names[2]), ("first", names[2]), ("release-1.0", names[1]), ("1", names[0]),
        ("0002", names[1]), (f".ood/{names[0]}", names[0]),
        (str(tmp_path / ".ood" / names[1]), names[1]),
    ):  # fmt: skip
        assert archive.find(tmp_path, given).name == name


def test_a_file_of_the_current_folder_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever names a file in a folder of the project means the one that is there."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "r.json").write_text("{}")
    monkeypatch.chdir(tmp_path / "sub")
    assert archive.find(tmp_path, "r.json").resolve() == tmp_path / "sub" / "r.json"


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_report_is_named_after_its_commit(tmp_path: Path) -> None:
    """The commit is in the name, with a mark where files differ from it."""

    def git(*command: str) -> str:
        who = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        done = subprocess.run(
            [shutil.which("git") or "git", *who, *command],
            cwd=tmp_path, check=True, capture_output=True, text=True,
        )  # fmt: skip
        return done.stdout.strip()

    git("init", "-q")
    assert archive.save(tmp_path, "x", REPORT).name == "0001_x_uncommitted.json"
    (tmp_path / "code.py").write_text("1")
    git("add", "code.py")
    git("commit", "-qm", "first")
    commit = git("rev-parse", "--short=10", "HEAD")
    assert archive.save(tmp_path, "x", REPORT).name == f"0002_x_{commit}.json"
    (tmp_path / "code.py").write_text("2")
    assert archive.save(tmp_path, "x", REPORT).name == f"0003_x_{commit}-changed.json"


@pytest.mark.parametrize("given", ["latest", "no", "7", "baseline"])
def test_what_is_not_there_is_told(tmp_path: Path, given: str) -> None:
    """The message says where it was looked for, and how one gets there."""
    with pytest.raises(ReportError, match=r"there is no .*(--ood-save NAME|accept REPORT.json)"):
        archive.find(tmp_path, given)


def test_the_accepted_report_is_the_baseline(tmp_path: Path) -> None:
    """It lies in the project's folder, where it is committed."""
    path = archive.accept(tmp_path, REPORT)
    assert archive.find(tmp_path, "baseline") == path == tmp_path / "ood-baseline.json"


@pytest.mark.parametrize("name", ["", "a/b", "../x", "4", "latest", "baseline", "a_b", "a b", ".x"])
def test_names_that_are_none_are_refused(name: str) -> None:
    """A name stands in the name of a file, between underscores."""
    with pytest.raises(ConfigurationError, match="--ood-save"):
        archive.check_save_name(name)


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    """A file where the folder should be is told; a baseline that cannot be replaced stays."""
    (tmp_path / ".ood").write_text("mine")
    with pytest.raises(ReportError, match="cannot be written"):
        archive.save(tmp_path, "x", REPORT)
    assert (tmp_path / ".ood").read_text() == "mine"
    (tmp_path / "ood-baseline.json").mkdir()
    with pytest.raises(ReportError, match="cannot be written"):
        archive.accept(tmp_path, REPORT)
    assert (tmp_path / "ood-baseline.json").is_dir()
    assert not list(tmp_path.glob(".ood-baseline*"))
