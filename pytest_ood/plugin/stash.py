"""Keys of the values that are stored on pytest's configuration and items, and shared constants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.analysis.report import Report
    from pytest_ood.gate.gate import Gate
    from pytest_ood.reports.tracking import Logged
    from pytest_ood.trackers.protocol import Tracker
    from pytest_ood.utils.redaction import Secrets

GATE: pytest.StashKey[Gate] = pytest.StashKey()
COLLECTED: pytest.StashKey[dict[str, pytest.Item]] = pytest.StashKey()
REPORT: pytest.StashKey[Report] = pytest.StashKey()
FINISHED: pytest.StashKey[bool] = pytest.StashKey()
RECORD: pytest.StashKey[dict[str, Any]] = pytest.StashKey()
OWN_NOTES: pytest.StashKey[list[str]] = pytest.StashKey()
"""Notes of the user's own tests since the last report of a test."""
TRACKERS: pytest.StashKey[Mapping[str, Tracker]] = pytest.StashKey()
LOGGED: pytest.StashKey[list[Logged]] = pytest.StashKey()
SECRETS: pytest.StashKey[Secrets] = pytest.StashKey()
CHOSEN = "ood_chosen"
"""The key of a worker's output: the gates and tests it was to run, and those it has put back."""
FIXTURES = frozenset({"ood", "ood_model", "ood_baseline", "ood_shift"})
SKIP_REASON = "robustness test: runs with --ood-suite"
DEMO = (
    "the built-in demo measures models and data that come with the plugin, none of yours: "
    "[tool.pytest_ood] in pyproject.toml names yours"
)
