"""Whether pytest has taken the value of an option for a test path, and so the wrong rootdir."""

from __future__ import annotations

import configparser
import os
import shlex
import tomllib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pytest

VALUED = (
    "--ood-only", "--ood-model", "--ood-seed", "--ood-max-examples", "--ood-report", "--ood-save",
    "--ood-compare", "--ood-compare-fail", "--ood-track", "--ood-cache", "--ood-engine",
)  # fmt: skip

SETTINGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini")


def misled_by(config: pytest.Config, paths: Sequence[str]) -> str | None:
    """Return what to write where an option's value made pytest take another rootdir; else None.

    Before plugins are known, pytest looks for its rootdir from every argument that exists as a file
    or folder: so it is with the value of `--ood-report /elsewhere/r.json`, from the second run on.

    Args:
        config: Of pytest, before any conftest.py was imported.
        paths: The test paths that were named.
    """
    options = config.known_args_namespace
    if options.rootdir or options.inifilename:
        return None
    here = config.invocation_params.dir
    arguments = [*shlex.split(os.environ.get("PYTEST_ADDOPTS", "")), *config.invocation_params.args]
    taken = [
        (option, value)
        for option, value in pairwise(map(str, arguments))
        if option in VALUED and _exists(here / value)
    ]
    if not taken:
        return None
    named = [path for path in (here / name.partition("::")[0] for name in paths) if _exists(path)]
    starts = [str(path if path.is_dir() else path.parent) for path in named] or [str(here)]
    expected = expected_rootdir(Path(os.path.commonpath(starts)))
    if config.rootpath == expected:
        return None
    write = " ".join(f"{option}={shlex.quote(value)}" for option, value in taken)
    return (
        f"pytest has taken {' and '.join(value for _, value in taken)} for a test path, and so "
        f"{config.rootpath} for its rootdir: the settings in {expected} are not read. "
        f"Write {write}"
    )


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return False


def expected_rootdir(start: Path) -> Path:
    """Return the rootdir that pytest documents for tests below a folder."""
    above = (start, *start.parents)
    for is_one in (
        _has_settings,
        lambda folder: (folder / "pyproject.toml").is_file(),
        lambda folder: (folder / "setup.py").is_file(),
    ):
        for folder in above:
            if is_one(folder):
                return folder
    return start


def _has_settings(folder: Path) -> bool:
    """Return whether a folder has a file with settings of pytest."""
    if any((folder / name).is_file() for name in SETTINGS):
        return True
    for name, section in (("tox.ini", "pytest"), ("setup.cfg", "tool:pytest")):
        parser = configparser.RawConfigParser(strict=False)
        try:
            parser.read(folder / name, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError):
            continue
        if parser.has_section(section):
            return True
    try:
        table = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    tool = table.get("tool")
    return isinstance(tool, dict) and "pytest" in tool
