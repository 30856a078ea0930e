from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_ood import trackers as package
from pytest_ood.errors import ConfigurationError
from pytest_ood.trackers import tracker, trackers


def test_the_trackers() -> None:
    """Every public module but the protocol is a tracker, in order."""
    names = {path.stem for path in Path(package.__path__[0]).glob("[!_]*.py")} - {"protocol"}
    assert trackers() == tuple(sorted(names))
    assert {"mlflow", "wandb"} <= names


@pytest.mark.parametrize("name", trackers())
def test_every_tracker_builds_from_keyword_options(name: str) -> None:
    """A tracker's `build` takes options by keyword, with annotations, and needs none of them."""
    for parameter in inspect.signature(tracker(name).build).parameters.values():
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation is not inspect.Parameter.empty
        assert parameter.default is not inspect.Parameter.empty


def test_a_wrong_tracker_is_guessed() -> None:
    """An unknown tracker is a usage error with the nearest; the protocol is none."""
    with pytest.raises(ConfigurationError, match="Did you mean 'mlflow'"):
        tracker("mlfow")
    for name in ("protocol", "_runs", ""):
        with pytest.raises(ConfigurationError, match="unknown tracker"):
            tracker(name)


def test_importing_the_trackers_loads_no_client() -> None:
    """Neither client is loaded before a tracker is built."""
    program = (
        "import sys\n"
        "from pytest_ood.trackers import tracker, trackers\n"
        "[tracker(name) for name in trackers()]\n"
        "print(sorted({'mlflow', 'wandb'} & {*sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
