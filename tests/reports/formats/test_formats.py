from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ood.analysis.report import Report
from pytest_ood.analysis.serialization import from_json
from pytest_ood.errors import ConfigurationError, OodError
from pytest_ood.reports.formats import SUMMARY_LIMIT, add_to_summary, formats, render, write


@pytest.fixture(scope="module", name="report")
def _report(full_report: dict[str, Any]) -> Report:
    return from_json(full_report)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", formats())
def test_every_form_is_written(suffix: str, report: Report, tmp_path: Path) -> None:
    """The ending says the form."""
    path = tmp_path / f"report{suffix}"
    write(path, report)
    assert path.read_text("utf-8") == render(suffix, report)


def test_an_unknown_form_is_refused(report: Report, tmp_path: Path) -> None:
    """Nothing is written, and the forms there are are named."""
    with pytest.raises(ConfigurationError, match=r"known: \.html, \.json, \.md"):
        write(tmp_path / "report.pdf", report)
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_leaves_the_old_one(
    report: Report, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is an error that names the file; what was there stays."""
    path = tmp_path / "report.html"
    path.write_text("old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    with pytest.raises(OodError, match=r"report\.html cannot be written: No space left on device"):
        write(path, report)
    assert path.read_text() == "old"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]


def test_the_summary_is_added_to(report: Report, tmp_path: Path) -> None:
    """What other steps have written stays, and the report begins on a line of its own."""
    path = tmp_path / "summary.md"
    add_to_summary(path, report)
    once = path.read_text("utf-8")
    assert once.startswith("## ")
    path.write_text("before", encoding="utf-8")
    add_to_summary(path, report)
    assert path.read_text("utf-8") == f"before\n{once}"


@pytest.mark.parametrize("there", [0, SUMMARY_LIMIT - 10_000, SUMMARY_LIMIT - 10, 2**21])
def test_the_summary_stays_below_its_limit(there: int, report: Report, tmp_path: Path) -> None:
    """A report takes what room is left; where there is none, nothing is added."""
    path = tmp_path / "summary.md"
    path.write_text("x" * there)
    add_to_summary(path, report)
    size = path.stat().st_size
    assert size <= max(there, SUMMARY_LIMIT)
    assert (size > there) == (there <= SUMMARY_LIMIT - 10_000)


def test_a_summary_that_cannot_be_written_is_an_error(report: Report, tmp_path: Path) -> None:
    """The message names the variable that is to be looked at."""
    with pytest.raises(OodError, match="GITHUB_STEP_SUMMARY"):
        add_to_summary(tmp_path / "nowhere" / "summary.md", report)
