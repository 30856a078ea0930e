"""Every run in here may be an in-process one."""

from __future__ import annotations

import pytest


@pytest.fixture(scope="session", autouse=True)
def _compiled_packages(compiled_packages: None) -> None:
    """Load the compiled packages before the first run."""
