"""Collections of suites: one table over all parts, a row for each shift and a column a model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.budgets import points
from pytest_ood.metrics import ACCURACY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from pytest_ood.reports.results import Results


@dataclass(frozen=True)
class Cell:
    """A model under one shift.

    Attributes:
        suite: The part of the collection.
        shift: Its name.
        model: Its name.
        before: The score in distribution, on the examples compared; None of cases without a budget
            of their drop: what single answers score in distribution is no measure of these.
        after: The score under the shift.
        verdict: Of the drop, or of the score alone.
    """

    suite: str
    shift: str
    model: str
    before: float | None
    after: float
    verdict: str

    @property
    def drop(self) -> str:
        """What is lost, in points; "" where the score stands alone."""
        return "" if self.before is None else points(self.before - self.after)

    def __str__(self) -> str:
        if self.before is None:
            return points(self.after)
        return f"{points(self.before)} > {points(self.after)} ({self.drop})"


@dataclass(frozen=True)
class Table:
    """A collection's table, after Si et al. 2023 (Prompting GPT-3 To Be Reliable, table 1).

    Attributes:
        collection: Its name.
        models: The columns, those that are in most rows first.
        rows: The name of each shift within its part, and its cells by model.
    """

    collection: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, Mapping[str, Cell]], ...]


def of_results(results: Results) -> list[Table]:
    """Return the tables of a run's collections."""
    verdicts = {(s.suite, s.shift, s.model): s.verdict for s in results.scores}
    return _tables(
        {m.suite: m.collection for m in results.models if m.collection},
        (
            Cell(*key, None, e.score_ood, verdicts.get(key, e.verdict))
            if e.cases and e.budget is None
            else Cell(*key, e.score_id, e.score_ood, e.verdict)
            for e in results.evaluations
            if e.metric == ACCURACY
            for key in ((e.suite, e.shift, e.model),)
        ),
    )


def of_report(report: Mapping[str, Any]) -> list[Table]:
    """Return the tables of a report's collections, from its plain values."""
    verdicts = {
        (s["suite"], s["shift"], s["model"]): s["verdict"] for s in report.get("scores", ())
    }
    return _tables(
        {m["suite"]: m["collection"] for m in report["models"] if m.get("collection")},
        (
            Cell(*key, None, e["score_ood"], verdicts.get(key, e["verdict"]))
            if e.get("cases") and e["budget"] is None
            else Cell(*key, e["score_id"], e["score_ood"], e["verdict"])
            for e in report["evaluations"]
            if e["metric"] == ACCURACY
            for key in ((e["suite"], e["shift"], e["model"]),)
        ),
    )


def _tables(collections: Mapping[str, str], cells: Iterable[Cell]) -> list[Table]:
    found: dict[str, dict[tuple[str, str], dict[str, Cell]]] = {}
    for cell in cells:
        if cell.suite in collections:
            rows = found.setdefault(collections[cell.suite], {})
            rows.setdefault((cell.suite, cell.shift), {})[cell.model] = cell
    tables = []
    for name, rows in found.items():
        counts: dict[str, int] = {}
        for row in rows.values():
            for model in row:
                counts[model] = counts.get(model, 0) + 1
        models = tuple(sorted(counts, key=lambda model: -counts[model]))
        named = tuple(
            (f"{suite.removeprefix(f'{name}-')}/{shift}", row)
            for (suite, shift), row in rows.items()
        )
        tables.append(Table(name, models, named))
    return tables
