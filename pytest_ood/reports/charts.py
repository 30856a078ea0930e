"""The geometry of charts: axes, and the positions of points, corridors and names.

All positions are percentages of a plot's width or height, so that a chart has any width while its
text keeps its size. A chart is drawn by templates/charts.html, and knows neither colours nor words.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ood.evaluation import SeverityCurve
    from pytest_ood.reports.checks import CheckRow

LEAST_SPAN = 0.1
"""Ten points: a shorter axis would make mountains of small drops."""
MAX_TICKS = 6
NAMES_SHOWN = 14
"""More names in one plot hide the points."""
NAME_HEIGHT = 6.0
NAME_WIDTH = 36.0
"""Room that a name takes, in percent of a plot."""
WORST_FIRST = ("fail", "inconclusive", "pass", "measured")


@dataclass(frozen=True)
class Axis:
    """A scale from low to high, both ends with a tick.

    Attributes:
        low: The value at 0 %.
        high: The value at 100 %.
        ticks: Values that are labelled, rising.
    """

    low: float
    high: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Iterable[float], *, span: float, most: float = math.inf) -> Axis:
        """Return an axis with round ends that holds all values.

        Args:
            values: The values to be shown.
            span: The axis is at least so long.
            most: And does not go beyond this for the sake of round ends.
        """
        shown = list(values)
        low, high = min(shown), max(shown)
        missing = max(0.0, span - (high - low)) / 2
        low, high = low - missing, high + missing
        step = _round_step((high - low) / (MAX_TICKS - 1))
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        while last * step > most + 1e-9 and (last - 1) * step >= max(shown) - 1e-9:
            last -= 1
        ticks = tuple(round(number * step, 6) + 0.0 for number in range(first, last + 1))
        return cls(ticks[0], ticks[-1], ticks)

    def at(self, value: float) -> float:
        """Return the position of a value in percent of the axis; outside of it, beyond 0 or 100."""
        return round(100.0 * (value - self.low) / (self.high - self.low), 2) + 0.0


def _round_step(least: float) -> float:
    """Return the least of 1, 2, 5 times a power of ten that is not below."""
    power = 10.0 ** math.floor(math.log10(least))
    return next(
        factor * power for factor in (1.0, 2.0, 5.0, 10.0) if factor * power >= least * (1 - 1e-9)
    )


@dataclass(frozen=True)
class Corridor:
    """The band between y = x and what a budget allows.

    Attributes:
        budget: The most that may be lost.
        polygon: Its corners, as an SVG `points` attribute in a box of 100 by 100.
        edge: Its lower edge, as x1, y1, x2, y2 in percent.
        name_at: The height of its name at the right end of the edge, or None outside of the plot.
    """

    budget: float
    polygon: str
    edge: tuple[float, float, float, float]
    name_at: float | None


@dataclass(frozen=True, kw_only=True)
class Point:
    """A model under a shift.

    Attributes:
        row: The drop.
        x: The position of the score in distribution.
        y: That of the score under the shift.
        y_low: That of the score at the upper end of the drop's interval.
        y_high: That at the lower end.
        named: On which side its shift is named: "right", "left" or "".
    """

    row: CheckRow
    x: float
    y: float
    y_low: float
    y_high: float
    named: str


@dataclass(frozen=True, kw_only=True)
class Scatter:
    """Accuracy under shifts against accuracy in distribution.

    Attributes:
        kind: Of shift.
        x: The axis in distribution.
        y: The axis under the shift.
        identity: The line y = x, as x1, y1, x2, y2 in percent.
        corridors: One for each budget, the widest first.
        points: One for each model and shift.
    """

    kind: str
    x: Axis
    y: Axis
    identity: tuple[float, float, float, float]
    corridors: tuple[Corridor, ...]
    points: tuple[Point, ...]


def scatter(kind: str, drops: Sequence[CheckRow]) -> Scatter:
    """Lay out the drops of accuracy under one kind of shift.

    Raises:
        ValueError: there is none.
    """
    scores = [row.scores for row in drops if row.scores is not None]
    before, after = [pair[0] for pair in scores], [pair[1] for pair in scores]
    bounds = [
        (min(1.0, max(0.0, score - e.high)), min(1.0, max(0.0, score - e.low)))
        for row, score in zip(drops, before, strict=True)
        if (e := row.estimate) is not None
    ]
    x = Axis.over(before, span=LEAST_SPAN, most=1.0)
    y = Axis.over([*after, *chain.from_iterable(bounds)], span=LEAST_SPAN, most=1.0)
    budgets = sorted({row.limit for row in drops if row.limit is not None}, reverse=True)
    positions = [(x.at(a), _down(y, b)) for a, b in zip(before, after, strict=True)]
    points = zip(drops, positions, bounds, _named(drops, positions), strict=True)
    return Scatter(
        kind=kind,
        x=x,
        y=y,
        identity=_edge(x, y, 0.0),
        corridors=tuple(_corridor(x, y, budget) for budget in budgets),
        points=tuple(
            Point(row=row, x=px, y=py, y_low=_down(y, low), y_high=_down(y, high), named=side)
            for row, (px, py), (low, high), side in points
        ),
    )


def _down(y: Axis, value: float) -> float:
    """Return the height of a value in percent from the top, as SVG has it."""
    return round(100.0 - y.at(value), 2)


def _edge(x: Axis, y: Axis, lost: float) -> tuple[float, float, float, float]:
    """Return the line on which so much is lost, from the left end to the right one."""
    return 0.0, _down(y, x.low - lost), 100.0, _down(y, x.high - lost)


def _corridor(x: Axis, y: Axis, budget: float) -> Corridor:
    _, left, _, right = _edge(x, y, 0.0)
    edge = _edge(x, y, budget)
    polygon = f"0,{left} 100,{right} 100,{edge[3]} 0,{edge[1]}"
    shown = NAME_HEIGHT < edge[3] < 100 - NAME_HEIGHT / 2
    return Corridor(budget, polygon, edge, edge[3] if shown else None)


def _named(drops: Sequence[CheckRow], positions: Sequence[tuple[float, float]]) -> list[str]:
    """Choose which points are named, the worst first, where a name hides no other."""
    order = sorted(
        range(len(drops)),
        key=lambda n: (
            WORST_FIRST.index(drops[n].verdict)
            if drops[n].verdict in WORST_FIRST
            else len(WORST_FIRST)
        ),
    )
    sides = [""] * len(drops)
    taken: list[tuple[float, float]] = []
    for number in order:
        x, y = positions[number]
        side = "left" if x > 100 - NAME_WIDTH else "right"
        centre = x + (NAME_WIDTH / 2 if side == "right" else -NAME_WIDTH / 2)
        free = all(abs(centre - cx) > NAME_WIDTH or abs(y - cy) > NAME_HEIGHT for cx, cy in taken)
        if free and len(taken) < NAMES_SHOWN:
            sides[number] = side
            taken.append((centre, y))
    return sides


@dataclass(frozen=True)
class Curve:
    """A model's accuracy over severity.

    Attributes:
        curve: The severity curve.
        polyline: Its points, as an SVG `points` attribute in a box of 100 by 100.
        points: The same as (x, y) in percent.
    """

    curve: SeverityCurve
    polyline: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class Curves:
    """The curves of all models for one perturbation.

    Attributes:
        shift: Its name.
        x: Severities.
        y: Accuracies.
        curves: One for each model.
    """

    shift: str
    x: Axis
    y: Axis
    curves: tuple[Curve, ...]


def severity_curves(shift: str, curves: Sequence[SeverityCurve]) -> Curves:
    """Lay out the severity curves of one perturbation.

    Raises:
        ValueError: there is none.
    """
    levels = sorted({point.severity for curve in curves for point in curve.accuracies})
    values = [point.accuracy for curve in curves for point in curve.accuracies]
    x = Axis(float(levels[0]), float(levels[-1]), tuple(map(float, levels)))
    y = Axis.over(values, span=LEAST_SPAN, most=1.0)
    lines = []
    for curve in curves:
        points = tuple(
            (x.at(point.severity), _down(y, point.accuracy)) for point in curve.accuracies
        )
        lines.append(Curve(curve, " ".join(f"{px},{py}" for px, py in points), points))
    return Curves(shift, x, y, tuple(lines))
