"""Reports saved with the project: those of releases, and the accepted baseline."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock

from pytest_ood.analysis.serialization import to_text
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.utils.files import LONGEST_PART, write_atomically

if TYPE_CHECKING:
    from pytest_ood.analysis.report import Report

FOLDER = ".ood"
LATEST, BASELINE = "latest", "baseline"
BASELINE_FILE = "ood-baseline.json"
NAME = re.compile(r"\A(?P<number>\d{4,})_(?:(?P<name>.+)_)?(?P<commit>[^_]+)\.json")
NO_COMMIT = "uncommitted"


def check_save_name(name: str) -> str:
    """Return a name that can stand in the name of a file.

    Raises:
        ConfigurationError: it cannot, or is taken for something else.
    """
    if (
        not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.-]*", name)
        or len(name) > LONGEST_PART
        or name.isdigit()
        or name in (LATEST, BASELINE)
    ):
        raise ConfigurationError(
            f"--ood-save {name!r}: a name has letters, digits, dots and hyphens, is no number, and "
            f"neither {LATEST!r} nor {BASELINE!r}; it is no longer than {LONGEST_PART} characters"
        )
    return name


def check_folder(root: Path) -> None:
    """Refuse a folder that nothing can be saved in, before a run has taken its time.

    Raises:
        ReportError: it is none, or cannot be written.
    """
    folder = root / FOLDER
    there = folder if folder.exists() else root
    if not there.is_dir() or not os.access(there, os.W_OK):
        raise ReportError(f"--ood-save: {folder} is no folder that can be written")


def save(root: Path, name: str, report: Report) -> Path:
    """Save a report as `.ood/0001_NAME_COMMIT.json`, with the next free number.

    Raises:
        ReportError: the folder cannot be written.
    """
    folder = root / FOLDER
    try:
        folder.mkdir(exist_ok=True)
        with FileLock(folder / ".saving.lock"):
            taken = [int(match["number"]) for match in _saved(root).values()]
            path = folder / f"{max(taken, default=0) + 1:04d}_{name}_{_commit(root)}.json"
            write_atomically(path, to_text(report))
    except OSError as error:
        raise ReportError(f"{folder} cannot be written: {error.strerror or error}") from None
    return path


def find(root: Path, name: str) -> Path:
    """Return the report that a user means.

    Args:
        root: The project's folder.
        name: A path, "latest", "baseline" (the accepted one), or the name or number of a saved
            one, of which the latest is taken.

    Raises:
        ReportError: there is none.
    """
    if name == BASELINE:
        path = root / BASELINE_FILE
        if not path.is_file():
            raise ReportError(
                f"there is no {path}; `python -m pytest_ood accept REPORT.json` makes a report it"
            )
        return path
    saved = _saved(root)
    for path, parts in sorted(saved.items(), key=lambda item: -int(item[1]["number"])):
        number = parts["number"]
        if name in (LATEST, path.name, parts["name"], number, str(int(number))):
            return path
    # A relative path is one of the current folder first.
    for path in (Path(name), root / name):
        with suppress(OSError):  # such as a name that is too long for a file
            if path.is_file():
                return path
    names = ", ".join(path.name for path in saved) or "none"
    raise ReportError(
        f"there is no report {name!r}: neither a file nor saved in {root / FOLDER} "
        f"(there: {names}); `pytest --ood-suite --ood-save NAME` saves one"
    )


def every(root: Path) -> list[Path]:
    """Return all saved reports, the oldest first."""
    return sorted(_saved(root), key=lambda path: int(path.name.partition("_")[0]))


def accept(root: Path, report: Report) -> Path:
    """Save a report as the baseline.

    Raises:
        ReportError: it cannot be written; the old one is intact.
    """
    path = root / BASELINE_FILE
    try:
        write_atomically(path, to_text(report))
    except OSError as error:
        raise ReportError(f"{path} cannot be written: {error.strerror or error}") from None
    return path


def _saved(root: Path) -> dict[Path, re.Match[str]]:
    """Return the saved reports, by path, in the order of their numbers."""
    folder = root / FOLDER
    matches = {path: NAME.fullmatch(path.name) for path in sorted(folder.glob("*.json"))}
    return {path: match for path, match in matches.items() if match is not None}


def _commit(root: Path) -> str:
    """Return the commit of the project's folder, marked where files differ from it."""
    git = shutil.which("git")
    if git is None:
        return NO_COMMIT
    commands = (["rev-parse", "--short=10", "HEAD"], ["status", "--porcelain", "-uno"])
    done = [
        subprocess.run([git, *command], cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 - git itself
        for command in commands
    ]
    if any(each.returncode for each in done):
        return NO_COMMIT
    commit, changed = (each.stdout.strip() for each in done)
    return f"{commit}-changed" if changed else commit
