"""Learning curves: scores over the number of labelled examples, and where one passes another.

How many examples a model has to be fine-tuned on to do as well as a prompted one is what a prompt
is worth (Le Scao and Rush 2021, How Many Data Points is a Prompt Worth?, NAACL, section 3).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pytest_ood.statistics.robustness import RESAMPLES, half_counted
from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Outcome = Literal["passes", "above", "below"]

NONE_AT = 0.5
"""The position of zero examples on the logarithmic axis, left of one example."""


@dataclass(frozen=True)
class LearningPoint:
    """A score after so many labelled examples.

    Attributes:
        examples: That it was fine-tuned on, or shown in the prompt.
        score: In [0, 1].
        n: Examples it was tested on.
    """

    examples: int
    score: float
    n: int


@dataclass(frozen=True)
class Passing:
    """Where a learning curve passes another one for good, within what was measured of the first.

    Attributes:
        outcome: "passes", or it is "above" from the first, or still "below" at the end.
        at: After how many examples; None unless it passes.
        low: The lower bound of that; None where it may be before what was measured.
        high: The upper bound; None where it may be beyond.
    """

    outcome: Outcome
    at: float | None
    low: float | None
    high: float | None


def on_axis(examples: float) -> float:
    """Return the position of a number of examples on the logarithmic axis."""
    return math.log10(max(NONE_AT, examples))


def passing(
    trained: Sequence[LearningPoint],
    prompted: Sequence[LearningPoint],
    alpha: float,
    rng: np.random.Generator,
) -> Passing:
    """Find where the first curve passes the second for good.

    Both are interpolated on the logarithm of the number of examples. The second stays where it is
    beyond its last point, as a prompt that is full does. The bounds are those of a parametric
    bootstrap: every score is drawn anew, binomially.

    Args:
        trained: Two points or more, of different numbers of examples.
        prompted: One point or more, likewise.
        alpha: One-sided level of each bound.
        rng: Of the bootstrap.

    Raises:
        ValueError: there are too few points, or two of the same number of examples.
    """
    check_level(alpha)
    for curve, least in ((trained, 2), (prompted, 1)):
        if len({p.examples for p in curve}) < max(least, len(curve)):
            raise ValueError(
                f"a curve of {len(curve)} points: it has {least} or more, of different numbers of "
                "examples"
            )
    mine, theirs = (sorted(c, key=lambda p: p.examples) for c in (trained, prompted))
    first, last = (on_axis(p.examples) for p in (mine[0], mine[-1]))
    positions = {on_axis(p.examples) for p in (*mine, *theirs)}
    grid = np.array(sorted(position for position in positions if first <= position <= last))
    weights = [_weights(curve, grid) for curve in (mine, theirs)]

    def passed(scores: Sequence[Floats]) -> Floats:
        """Return the crossing points of two fitted curves."""
        return _last_crossing(grid, scores[0] @ weights[0].T - scores[1] @ weights[1].T)

    crossing = float(passed([np.array([[p.score for p in c]]) for c in (mine, theirs)])[0])
    drawn = np.sort(passed([_drawn(curve, rng) for curve in (mine, theirs)]))
    ends = (math.floor(alpha * RESAMPLES), math.ceil((1.0 - alpha) * RESAMPLES) - 1)
    low, high = (float(drawn[position]) for position in ends)
    if math.isinf(crossing):
        return Passing("above" if crossing < 0 else "below", None, _examples(low), _examples(high))
    return Passing(
        "passes", _examples(crossing), _examples(min(low, crossing)), _examples(max(high, crossing))
    )


def _examples(position: float) -> float | None:
    return None if math.isinf(position) else 10.0**position


def _weights(curve: Sequence[LearningPoint], grid: Floats) -> Floats:
    """Return how much each point of a curve counts at each place of a grid, (places, points)."""
    positions = [on_axis(p.examples) for p in curve]
    return np.stack([np.interp(grid, positions, row) for row in np.eye(len(curve))], -1)


def _drawn(curve: Sequence[LearningPoint], rng: np.random.Generator) -> Floats:
    """Draw the scores of a curve anew, shape (RESAMPLES, points)."""
    rows = [rng.binomial(p.n, half_counted(p.score, p.n), RESAMPLES) / p.n for p in curve]
    return np.stack(rows, -1)


def _last_crossing(grid: Floats, differences: Floats) -> Floats:
    """Return where each row comes to stay at 0 or above.

    Minus infinity where it is so from the first, infinity where it ends below.

    Args:
        grid: Places, rising, shape (g,).
        differences: Shape (rows, g), linear between places.
    """
    below = differences < 0.0
    count = len(grid)
    last = count - 1 - np.argmax(below[:, ::-1], axis=1)
    left = np.minimum(last, count - 2)
    rows = np.arange(len(differences))
    start, end = differences[rows, left], differences[rows, left + 1]
    step = end - start
    share = np.where(step > 0, -start / np.where(step > 0, step, 1.0), 0.0)
    crossing = grid[left] + share * (grid[left + 1] - grid[left])
    crossing = np.where(below.any(axis=1), crossing, -math.inf)
    return np.where(below[:, -1], math.inf, crossing)
