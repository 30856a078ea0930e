"""Every run in here may be an in-process one, and every report that a run leaves is looked at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_ood.analysis.serialization import read_report


@pytest.fixture(autouse=True)
def _reports_keep_to_their_schema(request: pytest.FixtureRequest) -> Iterator[None]:
    """Read whatever reports a test's runs have written as a later run would."""
    # Made before, so that it is there afterwards.
    uses_runs = "pytester" in request.fixturenames
    folder = request.getfixturevalue("pytester").path if uses_runs else None
    yield
    for path in [] if folder is None else folder.rglob("*.json"):
        if '"schema_version": 3' in path.read_text(encoding="utf-8", errors="replace")[:100]:
            read_report(path)
