"""Robustness beyond what accuracy in distribution promises: effective and relative.

Models that are more accurate in distribution are more accurate under a shift as well, along a line
(Miller et al. 2021, Accuracy on the Line, ICML, section 3). Effective robustness is how far above
that line a model lies (Taori et al. 2020, Measuring Robustness to Natural Distribution Shifts in
Image Classification, NeurIPS, section 2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from pytest_ood.statistics.statistic import Estimate, check_level

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Axis = Literal["linear", "probit"]
AXES: tuple[Axis, ...] = ("linear", "probit")
"""Accuracies as they are, or their probits, on which lines are straighter (Miller et al. 2021)."""

LEAST_BASELINES = 3
"""A line goes through any two points, and so says nothing of a third."""

RESAMPLES = 10_000


@dataclass(frozen=True)
class Accuracies:
    """A model's accuracy in distribution and under a shift.

    Attributes:
        before: In distribution, in [0, 1].
        after: Under the shift, in [0, 1].
        n_before: Examples in distribution, 1 or more.
        n_after: Examples under the shift, 1 or more.
        both: Where the two are of the same examples: the share that is right in both. None where
            the examples are others.
    """

    before: float
    after: float
    n_before: int
    n_after: int
    both: float | None = None

    def draws(self, rng: np.random.Generator, size: int) -> tuple[Floats, Floats]:
        """Draw accuracies of as many new examples, each of shape (size,).

        Binomial, at the rates `half_counted`; multinomial over right and wrong, before and after,
        where the examples are the same.
        """
        if self.both is None:
            first = rng.binomial(self.n_before, half_counted(self.before, self.n_before), size)
            last = rng.binomial(self.n_after, half_counted(self.after, self.n_after), size)
            return first / self.n_before, last / self.n_after
        n = self.n_after
        shares = [self.both, self.before - self.both, self.after - self.both]
        cells = np.maximum(0.0, [*shares, 1.0 - sum(shares)]) * n
        # A quarter of an example in each of the four cells makes half of one in each margin.
        cells = (cells + 0.25) / (cells.sum() + 1.0)
        drawn = rng.multinomial(n, cells / cells.sum(), size) / n
        return drawn[:, 0] + drawn[:, 1], drawn[:, 0] + drawn[:, 2]


@dataclass(frozen=True)
class Line:
    """A line through the baselines' accuracies, straight on its axis.

    Attributes:
        axis: Linear or probit.
        slope: On the axis.
        intercept: On the axis.
        low: The least accuracy in distribution among the baselines.
        high: The largest.
    """

    axis: Axis
    slope: float
    intercept: float
    low: float
    high: float

    def at(self, before: Floats | float, n: int) -> Floats:
        """Return the accuracy under the shift that goes with one in distribution, on n examples."""
        return from_axis(self.intercept + self.slope * to_axis(before, n, self.axis), self.axis)

    def holds(self, before: float) -> bool:
        """Return whether an accuracy is in the range of the baselines, where the line is fitted."""
        return self.low <= before <= self.high


def half_counted(accuracy: Floats | float, n: int) -> Floats:
    """Return (k + 1/2) / (n + 1) for k of n, which is neither 0 nor 1.

    Anscombe 1956, On Estimating Binomial Response Relations, Biometrika 43:461-464.
    """
    return (np.asarray(accuracy, np.float64) * n + 0.5) / (n + 1.0)


def to_axis(accuracy: Floats | float, n: int, axis: Axis) -> Floats:
    """Return the position of an accuracy on an axis; half-counted on the probit axis."""
    from scipy.special import ndtri

    if axis == "linear":
        return np.asarray(accuracy, np.float64)
    return np.asarray(ndtri(half_counted(accuracy, n)), np.float64)


def from_axis(positions: Floats, axis: Axis) -> Floats:
    """Undo `to_axis`, but for the half count."""
    from scipy.special import ndtr

    return positions if axis == "linear" else np.asarray(ndtr(positions), np.float64)


def why_no_line(baselines: Sequence[Accuracies]) -> str:
    """Return why a line through these baselines means nothing; "" where it is meaningful."""
    if len(baselines) < LEAST_BASELINES:
        count = len(baselines)
        return f"{count} baseline{'' if count == 1 else 's'}, and a line needs {LEAST_BASELINES}"
    before = np.array([b.before for b in baselines])
    rates = np.array([float(half_counted(b.before, b.n_before)) for b in baselines])
    sampling = rates * (1.0 - rates) / np.array([b.n_before for b in baselines])
    if before.var(ddof=1) <= sampling.mean():
        return (
            f"the {len(baselines)} baselines' accuracies in distribution lie no further apart than "
            "chance would have them, and give a line no direction"
        )
    return ""


def fit_line(baselines: Sequence[Accuracies], axis: Axis) -> Line:
    """Fit a line through baselines by least squares on an axis.

    Raises:
        ValueError: a line would mean nothing (see `why_no_line`).
    """
    why = why_no_line(baselines)
    if why:
        raise ValueError(why)
    x, y = _positions(baselines, axis)
    slope, intercept = _least_squares(x, y)
    before = [b.before for b in baselines]
    return Line(
        axis=axis,
        slope=float(slope),
        intercept=float(intercept),
        low=min(before),
        high=max(before),
    )


def effective_robustness(
    model: Accuracies,
    baselines: Sequence[Accuracies],
    axis: Axis,
    alpha: float,
    rng: np.random.Generator,
) -> Estimate:
    """Estimate accuracy under the shift beyond what the baselines' line predicts.

    rho = accuracy under the shift - beta(accuracy in distribution), with beta the line (Taori et
    al. 2020, section 2). The interval is that of a parametric bootstrap: the model's accuracies are
    drawn anew, and so are the baselines', around the line, from which they scatter by as much as
    they were found to, whose variance is drawn from its own distribution, and by their sampling
    error. Accuracies of different models are taken to be independent; on the same examples they
    are not, and the interval is wider than it had to be.

    Args:
        model: Not one of the baselines.
        baselines: 3 or more.
        axis: On which the line is straight; the statistic is a share of 1 on both.
        alpha: One-sided level of each bound.
        rng: Of the bootstrap.

    Raises:
        ValueError: a line would mean nothing (see `why_no_line`), or alpha is outside (0, 0.5).
    """
    check_level(alpha)
    line = fit_line(baselines, axis)
    value = model.after - float(line.at(model.before, model.n_before))
    slopes, intercepts = _redrawn(baselines, line, rng)
    before, after = model.draws(rng, RESAMPLES)
    positions = intercepts + slopes * to_axis(before, model.n_before, axis)
    drawn = after - from_axis(positions, axis)
    low, high = np.quantile(drawn, [alpha, 1.0 - alpha])
    n = model.n_after
    spread = float(drawn.std()) * float(np.sqrt(n))
    return Estimate(
        value=value,
        low=min(value, float(low)),
        high=max(value, float(high)),
        n=n,
        spread=spread,
    )


def _positions(baselines: Sequence[Accuracies], axis: Axis) -> tuple[Floats, Floats]:
    x = [float(to_axis(b.before, b.n_before, axis)) for b in baselines]
    return np.array(x), np.array([float(to_axis(b.after, b.n_after, axis)) for b in baselines])


def _least_squares(x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return slopes and intercepts of lines through points of shape (..., m)."""
    centred = x - x.mean(-1, keepdims=True)
    squares = np.maximum((centred**2).sum(-1), np.finfo(np.float64).tiny)
    slope = (centred * y).sum(-1) / squares
    return slope, y.mean(-1) - slope * x.mean(-1)


def _redrawn(
    baselines: Sequence[Accuracies], line: Line, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Return slopes and intercepts of the line through baselines that are drawn anew."""
    axis = line.axis
    x, y = _positions(baselines, axis)
    fitted = line.intercept + line.slope * x
    freedom = len(baselines) - 2
    squares = ((y - fitted) ** 2).sum()
    variances = squares / rng.chisquare(freedom, RESAMPLES)
    # The residual variance contains sampling variance, which the binomial below draws again:
    # without the subtraction it would count twice.
    sampling = np.mean([_variance(b.after, b.n_after, axis) for b in baselines])
    scatter = np.sqrt(np.maximum(0.0, variances - sampling))
    xs, ys = [], []
    for baseline, centre in zip(baselines, fitted, strict=True):
        before, _ = baseline.draws(rng, RESAMPLES)
        n = baseline.n_after
        rates = from_axis(centre + scatter * rng.standard_normal(RESAMPLES), axis)
        # Rates end at 0 and 1, but clipping alone would remove scatter: the rest is added back.
        inside = np.clip(rates, 0.0, 1.0)
        after = rng.binomial(n, inside) / n + (rates - inside)
        xs.append(to_axis(before, baseline.n_before, axis))
        ys.append(to_axis(after, n, axis))
    return _least_squares(np.stack(xs, -1), np.stack(ys, -1))


def _variance(accuracy: float, n: int, axis: Axis) -> float:
    """Return the sampling variance of an accuracy on an axis, by the delta method on the probit."""
    from scipy.stats import norm

    rate = float(half_counted(accuracy, n))
    variance = rate * (1.0 - rate) / n
    return variance if axis == "linear" else variance / float(norm.pdf(norm.ppf(rate))) ** 2
