"""The geometry of a study's charts, and where names lie in them so that none hides another.

Places are percentages of a plot's width or height, as in `charts`; how far a name is from its
point, and how large it is, are pixels.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.reports.charts import LEAST_SPAN, Axis
from pytest_ood.reports.study_text import amount
from pytest_ood.statistics.learning import on_axis

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_ood.analysis.studies import Curve, Entry, Learning, Scale, ShiftStudy
    from pytest_ood.statistics import Estimate

WIDTHS = (240, 330, 460, 640)
"""Pixels that a plot may be wide; names are kept apart in all of them."""
HEIGHT = 280
CHARACTER = 6.4
"""Pixels that a character takes at most, on average."""
LINE = 13
MARK = 8
EDGE = 30
"""Pixels beside a plot that a name may reach into."""
NAME_CUT = 24
REACHES = (10, 20, 34, 50)
"""How far a name may be from its point; those beyond the first have a leader."""
DIRECTIONS = ((1, 0), (-1, 0), (0, -1), (0, 1), (1, -1), (1, 1), (-1, -1), (-1, 1))
STEPS = 40
"""Pieces that a bent line is drawn in."""


@dataclass(frozen=True)
class Tick:
    """A labelled position of an axis.

    Attributes:
        at: In percent.
        label: What stands there.
    """

    at: float
    label: str


@dataclass(frozen=True)
class Name:
    """A name beside its point.

    Attributes:
        text: As it is shown, cut where it is long.
        dx: Pixels from the point to its anchor, to the right.
        dy: Pixels from the point to its middle, downwards.
        anchor: "start", "middle" or "end", as SVG has it.
        leader: It is so far away that a line leads there.
    """

    text: str
    dx: int
    dy: int
    anchor: str
    leader: bool


@dataclass(frozen=True)
class Mark:
    """A point of a chart with the intervals of its figures.

    Attributes:
        title: What it is, with its figures.
        kind: Of the model, or the name of its curve: what gives it its look.
        x: In percent.
        y: In percent from the top.
        left: Where its horizontal interval begins.
        right: Where that ends.
        high: The upper end of the vertical one, in percent from the top.
        low: The lower end.
        hollow: It is one of those that the line goes through.
        name: None where there is no room for one.
    """

    title: str
    kind: str
    x: float
    y: float
    left: float
    right: float
    high: float
    low: float
    hollow: bool
    name: Name | None


@dataclass(frozen=True)
class Path:
    """A line of a chart.

    Attributes:
        look: "identity", "linear", "probit", "log-linear", "broken", "trained", "prompted" or
            "held".
        kind: Of the models that it is of, or the name of the curve; "" for none.
        points: As an SVG `points` attribute in a box of 100 by 100.
    """

    look: str
    kind: str
    points: str


@dataclass(frozen=True)
class Plot:
    """A chart.

    Attributes:
        title: What it shows.
        description: The same in words, for screen readers.
        x_name: Of the horizontal axis.
        y_name: Of the vertical one.
        x: Its ticks.
        y: Its ticks.
        paths: Lines, the first beneath the others.
        marks: Points.
        unnamed: Names for which there is no room.
    """

    title: str
    description: str
    x_name: str
    y_name: str
    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    paths: tuple[Path, ...]
    marks: tuple[Mark, ...]
    unnamed: tuple[str, ...]


@dataclass(frozen=True)
class _Point:
    """A point before names are placed: values, not positions."""

    name: str
    kind: str
    title: str
    x: tuple[float, float, float]
    y: tuple[float, float, float]
    hollow: bool = False


@dataclass(frozen=True)
class _Box:
    """Pixels that something takes."""

    left: float
    top: float
    right: float
    bottom: float

    def meets(self, other: _Box) -> bool:
        """Return whether two boxes overlap."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.top < other.bottom
            and other.top < self.bottom
        )


@dataclass(frozen=True)
class _Frame:
    """The axes of a chart, and what is laid out on them.

    Attributes:
        x: The horizontal axis.
        ticks: Its ticks.
        y: The vertical one, of shares.
        names: Of both.
    """

    x: Axis
    ticks: tuple[Tick, ...]
    y: Axis
    names: tuple[str, str]

    def steps(self, first: float, last: float) -> list[float]:
        """Return values between two, so near that a bend looks like one."""
        values: list[float] = np.linspace(first, last, STEPS + 1).tolist()
        return values

    def path(self, look: str, kind: str, positions: Iterable[tuple[float, float]]) -> Path:
        """Join values."""
        joined = " ".join(f"{self.x.at(px):g},{_down(self.y, py):g}" for px, py in positions)
        return Path(look, kind, joined)

    def plot(
        self, title: str, description: str, paths: Sequence[Path], points: Sequence[_Point]
    ) -> Plot:
        """Return the chart, its points named where there is room."""
        positions = [(self.x.at(point.x[1]), _down(self.y, point.y[1])) for point in points]
        names = placed([point.name for point in points], positions)
        marks = tuple(
            Mark(
                title=point.title,
                kind=point.kind,
                x=x,
                y=y,
                left=self.x.at(point.x[0]),
                right=self.x.at(point.x[2]),
                high=_down(self.y, point.y[2]),
                low=_down(self.y, point.y[0]),
                hollow=point.hollow,
                name=name,
            )
            for point, (x, y), name in zip(points, positions, names, strict=True)
        )
        unnamed = tuple(
            p.name for p, name in zip(points, names, strict=True) if p.name and name is None
        )
        x_name, y_name = self.names
        return Plot(
            title=title,
            description=description,
            x_name=x_name,
            y_name=y_name,
            x=self.ticks,
            y=_share_ticks(self.y, down=True),
            paths=tuple(paths),
            marks=marks,
            unnamed=unnamed,
        )


# The three charts


def robustness_plot(shift: ShiftStudy, words: Callable[[Entry], str]) -> Plot:
    """Lay out accuracy under a shift against accuracy in distribution.

    Args:
        shift: What was measured.
        words: Says what a point is.
    """
    points = [
        _Point(
            name=e.info.name,
            kind=e.info.kind,
            title=words(e),
            x=_ends(e.before),
            y=_ends(e.after),
            hollow=e.on_line,
        )
        for e in shift.entries
    ]
    x = _shares(value for point in points for value in point.x)
    y = _shares(value for point in points for value in point.y)
    frame = _Frame(x, _share_ticks(x), y, ("accuracy in distribution", "accuracy under the shift"))
    steps = frame.steps(x.low, x.high)
    paths = [frame.path("identity", "", [(value, value) for value in steps])]
    # Half counts matter at 0 and 1 only, where the line of no model in particular has none.
    size = min(e.before.n for e in shift.entries)
    for axis, line in shift.lines.items():
        paths.append(frame.path(axis, "", [(v, float(line.at(v, size))) for v in steps]))
    description = (
        f"Accuracy under {shift.key.name} against accuracy in distribution of {len(points)} "
        "models, with their intervals, the line y = x and the line through the baselines. The "
        "table holds every figure."
    )
    return frame.plot(shift.key.name, description, paths, points)


def scaling_plot(
    title: str, scales: Sequence[Scale], words: Callable[[str, Estimate], str]
) -> Plot:
    """Lay out a figure over the size of models, with the fits of each kind.

    Args:
        title: Of the plot.
        scales: The same figure of every kind of model.
        words: Says what a point is.
    """
    points = []
    for scale in scales:
        for name, size, value in scale.models:
            description = f"{words(name, value)}, {amount(size)} weights"
            points.append(
                _Point(name, scale.kind, description, (math.log10(size),) * 3, _ends(value))
            )
    x, ticks = _logarithms([point.x[1] for point in points])
    y = _shares(value for point in points for value in point.y)
    frame = _Frame(x, ticks, y, ("number of weights", scales[0].figure))
    paths = []
    for scale in scales:
        sizes = scale.result.sizes
        steps = frame.steps(math.log10(sizes[0]), math.log10(sizes[-1]))
        paths += [
            frame.path(fit.form, scale.kind, [(v, fit(10.0**v)) for v in steps])
            for fit in (scale.result.line, scale.result.broken)
            if fit is not None
        ]
    description = (
        f"The {title} of {len(points)} models over their number of weights, on a logarithmic axis, "
        "with the fits of each kind. The table holds every fit."
    )
    return frame.plot(title, description, paths, points)


def learning_plot(title: str, learning: Learning, words: Callable[[Curve, Estimate], str]) -> Plot:
    """Lay out accuracy over the number of labelled examples; a curve's end has its name.

    Args:
        title: Of the plot.
        learning: What was measured.
        words: Says what a point is.
    """
    points = []
    for curve in learning.curves:
        for count, score in curve.points:
            name = curve.name if count == curve.points[-1][0] else ""
            description = f"{words(curve, score)} after {count:,} examples"
            points.append(
                _Point(name, curve.name, description, (on_axis(count),) * 3, _ends(score))
            )
    x, ticks = _logarithms([point.x[1] for point in points])
    y = _shares(value for point in points for value in point.y)
    frame = _Frame(x, ticks, y, ("labelled examples", "accuracy"))
    paths = []
    for curve in learning.curves:
        positions = [(on_axis(count), score.value) for count, score in curve.points]
        if curve.prompted:
            last = positions[-1][1]
            paths.append(frame.path("held", curve.name, [positions[-1], (x.high, last)]))
        if len(positions) > 1:
            look = "prompted" if curve.prompted else "trained"
            paths.append(frame.path(look, curve.name, positions))
    description = (
        f"Accuracy of {len(learning.curves)} curves over the number of labelled examples, trained "
        "on or shown in the prompt, on a logarithmic axis. The table holds every figure."
    )
    return frame.plot(title, description, paths, points)


def _ends(estimate: Estimate) -> tuple[float, float, float]:
    return estimate.low, estimate.value, estimate.high


# Axes


def _shares(values: Iterable[float]) -> Axis:
    return Axis.over(values, span=LEAST_SPAN, most=1.0)


def _down(y: Axis, value: float) -> float:
    return round(100.0 - y.at(value), 2) + 0.0


def _share_ticks(axis: Axis, *, down: bool = False) -> tuple[Tick, ...]:
    return tuple(
        Tick(_down(axis, tick) if down else axis.at(tick), f"{round(100 * tick, 2):g}")
        for tick in axis.ticks
    )


def _logarithms(values: Sequence[float]) -> tuple[Axis, tuple[Tick, ...]]:
    """Return an axis over logarithms, a little longer than they are, and its ticks.

    Powers of ten are ticks; where there is one or none of them, so are 2 and 5 times those.
    """
    low, high = min(values), max(values)
    margin = max(0.15, 0.06 * (high - low))
    low, high = low - margin, high + margin
    powers = range(math.floor(low) - 1, math.ceil(high) + 1)
    few = sum(low <= power <= high for power in powers) < 2  # noqa: PLR2004 - no scale is description by one tick
    factors = (1, 2, 5) if few else (1,)
    candidates = [
        (math.log10(factor) + power, factor * 10.0**power) for power in powers for factor in factors
    ]
    axis = Axis(low, high, ())
    ticks = [
        Tick(axis.at(position), amount(value))
        for position, value in candidates
        if low <= position <= high and value >= 1
    ]
    zero = on_axis(0)
    if low <= zero <= high and zero in values:
        ticks.insert(0, Tick(axis.at(zero), "0"))
    # More labels than these run into one another on a phone.
    step = math.ceil(len(ticks) / 6)
    return axis, tuple(ticks[::step])


# Names


def placed(names: Sequence[str], positions: Sequence[tuple[float, float]]) -> list[Name | None]:
    """Find for each name a position beside its point where it hides neither point nor name.

    The crowded ones choose first. What is free in a narrow plot is not always free in a wide one,
    so it has to be in each of `WIDTHS`.

    Args:
        names: One a point; "" for none.
        positions: Of the points, in percent from the left and from the top.
    """
    placed_names: list[Name | None] = [None] * len(names)
    taken: list[list[_Box]] = [
        [_around(*_pixels(position, width)) for position in positions] for width in WIDTHS
    ]
    order = sorted(range(len(names)), key=lambda n: -_crowd(positions, n))
    for number in order:
        if names[number]:
            name = _free(names[number], positions[number], number, taken)
            placed_names[number] = name
            if name is not None:
                for width, boxes in zip(WIDTHS, taken, strict=True):
                    boxes.append(_box(name, *_pixels(positions[number], width)))
    return placed_names


def _free(
    text: str, position: tuple[float, float], own: int, taken: Sequence[Sequence[_Box]]
) -> Name | None:
    shown = text if len(text) <= NAME_CUT else f"{text[: NAME_CUT - 3]}..."
    for reach in REACHES:
        for right, down in DIRECTIONS:
            anchor = {1: "start", 0: "middle", -1: "end"}[right]
            dy = down * (reach + (0 if right else LINE // 4))
            name = Name(shown, right * reach, dy, anchor, reach > REACHES[0])
            if all(
                _fits(name, position, own, width, boxes)
                for width, boxes in zip(WIDTHS, taken, strict=True)
            ):
                return name
    return None


def _fits(
    name: Name, position: tuple[float, float], own: int, width: int, taken: Sequence[_Box]
) -> bool:
    box = _box(name, *_pixels(position, width))
    if box.left < -EDGE or box.right > width + EDGE / 2 or box.top < 0 or box.bottom > HEIGHT:
        return False
    others = (other for number, other in enumerate(taken) if number != own or name.leader)
    return not any(box.meets(other) for other in others)


def _pixels(position: tuple[float, float], width: int) -> tuple[float, float]:
    return position[0] * width / 100.0, position[1] * HEIGHT / 100.0


def _around(px: float, py: float) -> _Box:
    return _Box(px - MARK, py - MARK, px + MARK, py + MARK)


def _box(name: Name, px: float, py: float) -> _Box:
    size = len(name.text) * CHARACTER
    start = {"start": 0.0, "middle": size / 2, "end": size}[name.anchor]
    left, top = px + name.dx - start, py + name.dy - LINE / 2
    return _Box(left, top, left + size, top + LINE)


def _crowd(positions: Sequence[tuple[float, float]], own: int) -> float:
    """Return how near other points are."""
    px, py = positions[own]
    distances = (math.hypot(px - x, py - y) for n, (x, y) in enumerate(positions) if n != own)
    return sum(1.0 / (1.0 + distance) for distance in distances)
