"""Formats of reports.

Every module of this folder that has a function `render` is a format, named like the ending of its
files. Adding a file adds a format.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, OodError
from pytest_ood.utils.files import write_atomically
from pytest_ood.utils.objects import module_names

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.analysis.report import Report

SUMMARY_LIMIT = 1024**2
"""Bytes that GitHub Actions shows of the summary of one step; of more, it shows nothing."""


@cache
def formats() -> tuple[str, ...]:
    """Return the endings of the files of all formats, importing none."""
    return tuple(f".{name}" for name in module_names(__name__))


def render(suffix: str, report: Report) -> str:
    """Return a report in the format that a file's ending names.

    Raises:
        ConfigurationError: there is no such format.
    """
    if suffix not in formats():
        raise ConfigurationError(
            f"unknown kind of report {suffix!r}; known: {', '.join(formats())} (the ending of the "
            "file)"
        )
    module = importlib.import_module(f"{__name__}{suffix}")
    text: str = module.render(report)
    return text


def write(path: Path, report: Report) -> None:
    """Write a report whole or not at all; an old file stays until the new one is complete.

    Raises:
        ConfigurationError: the file's ending names no format.
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


def add_to_summary(path: Path, report: Report) -> None:
    """Add a report to the summary of a step of GitHub Actions, in what is left of its size.

    Args:
        path: The value of $GITHUB_STEP_SUMMARY; the content of the file is preserved.
        report: The report of the run.

    Raises:
        OodError: the file cannot be read or written.
    """
    from pytest_ood.reports.formats import md

    try:
        size = path.stat().st_size if path.exists() else 0
        text = md.render(report, SUMMARY_LIMIT - size - 1)
        with path.open("a", encoding="utf-8") as stream:
            if text:
                # On lines of its own, whatever other steps have written before.
                stream.write("\n" * bool(size) + text)
    except OSError as error:
        raise OodError(
            f"$GITHUB_STEP_SUMMARY: {path} cannot be written: {error.strerror}"
        ) from None
