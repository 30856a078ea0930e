"""Reports as JSON, which later runs, studies and other programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.analysis.serialization import to_text

if TYPE_CHECKING:
    from pytest_ood.analysis.report import Report


def render(report: Report) -> str:
    """Return a report as JSON, after its schema."""
    return to_text(report)
