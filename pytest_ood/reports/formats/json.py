"""Reports as JSON, which later runs, studies and other programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.reports import json_report

if TYPE_CHECKING:
    from collections.abc import Mapping


def render(report: Mapping[str, Any]) -> str:
    """Return a report as JSON, after its schema."""
    return json_report.to_text(report)
