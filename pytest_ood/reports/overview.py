"""Overviews of collections: a row for each shift of any part, a column for each model."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.budgets import points
from pytest_ood.metrics import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.analysis.report import Report


@dataclass(frozen=True, kw_only=True)
class OverviewCell:
    """A model under one shift.

    Attributes:
        before: The score in distribution on the examples compared; None where only the score under
            the shift counts.
        after: The score under the shift.
        verdict: On the drop, or on the score alone.
    """

    before: float | None
    after: float
    verdict: str

    @property
    def drop(self) -> str:
        """The drop in points; "" where only the score counts."""
        return "" if self.before is None else points(self.before - self.after)

    def __str__(self) -> str:
        if self.before is None:
            return points(self.after)
        return f"{points(self.before)} > {points(self.after)} ({self.drop})"


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A collection's table, after Si et al. 2023 (Prompting GPT-3 To Be Reliable, table 1).

    Attributes:
        collection: Its name.
        models: The columns, those that are in most rows first.
        rows: The name of each shift within its part, and its cells by model.
    """

    collection: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, Mapping[str, OverviewCell]], ...]


def overviews(report: Report) -> list[Overview]:
    """Return the tables of a report's collections."""
    verdicts = {(s.suite, s.shift, s.model): s.verdict for s in report.scores}
    collections = {m.suite: m.collection for m in report.models if m.collection}
    rows: dict[str, dict[tuple[str, str], dict[str, OverviewCell]]] = {}
    for e in report.evaluations:
        if e.metric != ACCURACY or e.suite not in collections:
            continue
        # Cases are shown by their score: single answers in distribution are not comparable.
        alone = bool(e.case_inputs) and e.budget is None
        verdict = verdicts.get((e.suite, e.shift, e.model), e.verdict) if alone else e.verdict
        before = None if alone else e.score_in_distribution
        cell = OverviewCell(before=before, after=e.score_under_shift, verdict=verdict)
        shifts = rows.setdefault(collections[e.suite], {})
        shifts.setdefault((e.suite, e.shift), {})[e.model] = cell
    return [_overview(name, by_shift) for name, by_shift in rows.items()]


def _overview(name: str, rows: Mapping[tuple[str, str], Mapping[str, OverviewCell]]) -> Overview:
    counts = Counter(model for row in rows.values() for model in row)
    return Overview(
        collection=name,
        models=tuple(sorted(counts, key=lambda model: -counts[model])),
        rows=tuple(
            (f"{suite.removeprefix(f'{name}-')}/{shift}", row)
            for (suite, shift), row in rows.items()
        ),
    )
