"""Compiled packages can be loaded once a process, and pytester forgets what a run has imported."""

from __future__ import annotations

import importlib

import pytest


@pytest.fixture(scope="session", autouse=True)
def compiled_packages() -> None:
    """Load what in-process runs would otherwise load a second time."""
    for name in ("numpy", "scipy.stats", "scipy.optimize", "nlpaug.augmenter.word", "sklearn"):
        importlib.import_module(name)
