from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.analysis.serialization import from_json
from pytest_ood.budgets import Verdict
from pytest_ood.evaluation import Evaluation
from pytest_ood.reports.charts import MAX_TICKS, NAMES_SHOWN, Axis, scatter, severity_curves
from pytest_ood.reports.checks import CheckRow, check_rows

Report = dict[str, Any]

shares = st.floats(-1.0, 1.0).map(lambda share: round(share, 6))


@given(values=st.lists(shares, min_size=1), span=st.sampled_from([0.02, 0.1, 0.5]))
def test_an_axis_holds_its_values(values: list[float], span: float) -> None:
    """Every value lies on the axis, the ends are ticks, and there are few of them."""
    axis = Axis.over(values, span=span)
    assert axis.low <= min(values) + 1e-6
    assert axis.high >= max(values) - 1e-6
    assert axis.high - axis.low >= span - 1e-6
    assert (axis.ticks[0], axis.ticks[-1]) == (axis.low, axis.high)
    assert 2 <= len(axis.ticks) <= MAX_TICKS + 2
    assert axis.at(axis.low) == 0.0
    assert axis.at(axis.high) == 100.0


@given(values=st.lists(st.floats(0.0, 1.0), min_size=1))
def test_an_axis_of_shares_ends_at_one(values: list[float]) -> None:
    """Round ends do not go beyond 100 %, where no value does."""
    assert Axis.over(values, span=0.1, most=1.0).high <= 1.0 + 0.05


def drops(report: Report, kind: str) -> list[CheckRow]:
    """Return the drops of accuracy under a kind of shift."""
    return [r for r in check_rows(from_json(report)) if r.sort == "drop" and r.kind == kind]


def test_a_point_below_the_corridor_is_beyond_its_budget(full_report: Report) -> None:
    """A point lies below the edge of the corridor exactly where the drop is above the budget."""
    for kind in ("domain", "noise", "adversarial"):
        chart = scatter(kind, drops(full_report, kind))
        (corridor,) = chart.corridors
        _, left, _, right = corridor.edge
        for point in chart.points:
            edge = left + (right - left) * point.x / 100
            assert point.row.estimate is not None
            beyond = point.row.estimate.value > corridor.budget
            assert (point.y > edge) == beyond
            assert point.y_high <= point.y <= point.y_low


def test_every_budget_has_its_corridor(full_report: Report) -> None:
    """Two budgets make two corridors, the widest first; without a budget there is none."""
    first, second, *rest = drops(full_report, "noise")
    lines = [first, replace(second, limit=0.5), *(replace(line, limit=None) for line in rest)]
    assert [c.budget for c in scatter("noise", lines).corridors] == [0.5, first.limit]
    assert scatter("noise", [replace(first, limit=None)]).corridors == ()


def test_the_worst_are_named(full_report: Report) -> None:
    """Names do not hide each other; a fail is named before a pass that lies beside it."""
    line = drops(full_report, "noise")[0]
    verdicts: tuple[Verdict, ...] = ("pass", "fail", "pass")
    alike = [replace(line, result=replace(line.result, verdict=v)) for v in verdicts]
    assert [bool(point.named) for point in scatter("noise", alike).points] == [False, True, False]
    assert isinstance(line.result, Evaluation)
    many = [
        replace(
            line,
            result=replace(
                line.result, score_in_distribution=0.5 + n % 3 / 10, score_under_shift=n / 60
            ),
        )
        for n in range(60)
    ]
    named = [point for point in scatter("noise", many).points if point.named]
    assert 0 < len(named) <= NAMES_SHOWN


def test_a_curve_goes_from_the_originals_to_the_highest_severity(full_report: Report) -> None:
    """Every model has a point at each severity, on one pair of axes."""
    rows = from_json(full_report).severity_curves
    chart = severity_curves("keyboard", rows)
    assert chart.x.ticks == (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
    assert len(chart.curves) == len(rows) == 2
    for curve, row in zip(chart.curves, rows, strict=True):
        assert [x for x, _ in curve.points] == [0.0, 20.0, 40.0, 60.0, 80.0, 100.0]
        values = [point.accuracy for point in row.accuracies]
        heights = [100 - y for _, y in curve.points]
        assert heights == pytest.approx([chart.y.at(value) for value in values])
