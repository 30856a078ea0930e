"""Forms of reports, by the endings of files, all of the plain values of the JSON report."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, OodError
from pytest_ood.files import write_atomically
from pytest_ood.reports import json_report

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMS = (".json", ".html", ".md")
COMMENT_LIMIT = 65_536
"""Bytes; GitHub takes comments of so many characters, which is more where not all are ASCII."""
SUMMARY_LIMIT = 1024**2
"""Bytes that GitHub Actions shows of the summary of one step; of more, it shows nothing."""


def render(suffix: str, report: Mapping[str, Any]) -> str:
    """Return a report in the form that a file's ending names.

    Raises:
        ConfigurationError: there is no such form.
    """
    if suffix == ".json":
        return json_report.to_text(report)
    if suffix == ".html":
        from pytest_ood.reports import html

        return html.render(report)
    if suffix == ".md":
        from pytest_ood.reports import markdown

        return markdown.render(report, COMMENT_LIMIT)
    raise ConfigurationError(
        f"unknown kind of report {suffix!r}; known: {', '.join(FORMS)} (the ending of the file)"
    )


def write(path: Path, report: Mapping[str, Any]) -> None:
    """Write a report whole or not at all; an old file stays until the new one is complete.

    Raises:
        ConfigurationError: the file's ending names no form.
        OodError: the file cannot be written.
    """
    write_page(path, render(path.suffix, report))


def write_page(path: Path, text: str) -> None:
    """Write a text whole or not at all.

    Raises:
        OodError: the file cannot be written.
    """
    try:
        write_atomically(path, text)
    except OSError as error:
        raise OodError(
            f"{path} cannot be written: {error.strerror}; name a file in a folder that is there "
            "and may be written to"
        ) from None


def add_to_summary(path: Path, report: Mapping[str, Any]) -> None:
    """Add a report to the summary of a step of GitHub Actions, in what is left of its size.

    Args:
        path: What $GITHUB_STEP_SUMMARY names; what stands in it stays.
        report: The plain values.

    Raises:
        OodError: the file cannot be read or written.
    """
    from pytest_ood.reports import markdown

    try:
        there = path.stat().st_size if path.exists() else 0
        text = markdown.render(report, SUMMARY_LIMIT - there - 1)
        with path.open("a", encoding="utf-8") as stream:
            if text:
                # After what was written before, on lines of its own.
                stream.write("\n" * bool(there) + text)
    except OSError as error:
        raise OodError(
            f"$GITHUB_STEP_SUMMARY: {path} cannot be written: {error.strerror}"
        ) from None
