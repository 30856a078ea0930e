"""How a figure moves with the size of models: along a line over the logarithm, or with a break.

Capabilities that grow as a power of the size lie on a line over its logarithm (Kaplan et al. 2020,
Scaling Laws for Neural Language Models); those that emerge break away from it, level at first and
steep beyond some size (Wei et al. 2022, Emergent Abilities of Large Language Models, section 2).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

Form = Literal["log-linear", "broken"]
Shape = Literal["log-linear", "broken", "cannot tell"]

PARAMETERS: dict[Form, int] = {"log-linear": 3, "broken": 5}
"""The parameters of a fit: intercept, slope, variance; and a second slope and the break."""
LEAST_SIZES = PARAMETERS["broken"] + 2
"""AICc divides by n - k - 1."""
LEAST_LINE = 3
DECISIVE = 2.0
"""A smaller difference of AIC leaves both fits with support (Burnham and Anderson 2002, 2.6)."""
EXACT = 1e-6
"""Residuals below this are none."""
BREAKS = 200
"""The number of grid points at which a break is tried."""


@dataclass(frozen=True, kw_only=True)
class Fit:
    """y = intercept + slope x + bend max(0, x - at), where x is the logarithm to the base 10.

    Attributes:
        form: "log-linear", of which `bend` is 0, or "broken".
        intercept: At x = 0, a model of one weight.
        slope: For ten times the size, before the break.
        bend: The change of the slope at the break.
        at: Where it is, as a logarithm.
        aicc: Akaike's criterion, corrected for few points (Hurvich and Tsai 1989, Biometrika
            76:297-307); infinite where they are too few for it.
        left_out: The root of the mean squared error on points that were left out, one at a time.
    """

    form: Form
    intercept: float
    slope: float
    bend: float = 0.0
    at: float = 0.0
    aicc: float = math.inf
    left_out: float = math.inf

    def __call__(self, size: float) -> float:
        """Return the value at a size."""
        x = math.log10(size)
        return self.intercept + self.slope * x + self.bend * max(0.0, x - self.at)


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """The trend of a measured value over the size of models.

    Attributes:
        sizes: The different ones, rising.
        values: The figure at each; of several models of one size, their mean.
        line: The log-linear fit; None where there are fewer than 3 sizes.
        slope: The bounds of its slope for ten times the size (Student's), or None.
        broken: The fit with a break; None where there are too few sizes to compare it.
        shape: Which of them holds.
        reason: Why, in words.
    """

    sizes: tuple[float, ...]
    values: tuple[float, ...]
    line: Fit | None
    slope: tuple[float, float] | None
    broken: Fit | None
    shape: Shape
    reason: str


def scaling(sizes: Sequence[float], values: Sequence[float], alpha: float) -> Scaling:
    """Fit a figure over sizes, and decide between a line and a break.

    Both AICc, by 2 or more, and leave-one-out cross-validation have to prefer a form; otherwise the
    data cannot tell.

    Args:
        sizes: One a model, above 0; models of one size count as one point.
        values: The figure of each.
        alpha: One-sided level of the bounds of the slope.

    Raises:
        ValueError: lengths differ, there is no model, or a size is not above 0.
    """
    if len(sizes) != len(values) or not sizes or min(sizes) <= 0:
        raise ValueError(
            f"{len(sizes)} sizes and {len(values)} values: there is one value for each size, and a "
            "size is above 0"
        )
    different = tuple(sorted(set(sizes)))
    means = tuple(
        float(np.mean([v for s, v in zip(sizes, values, strict=True) if s == size]))
        for size in different
    )
    count = len(different)
    line = slope = broken = None
    shape: Shape = "cannot tell"
    if count < LEAST_LINE:
        reason = f"{count} different size{'' if count == 1 else 's'}, and a line needs {LEAST_LINE}"
    else:
        x, y = np.log10(different), np.array(means)
        line = _fitted("log-linear", x, y)
        slope = _slope_bounds(x, y, alpha)
        reason = f"{count} different sizes, and it takes {LEAST_SIZES} to tell a line from a break"
        if count >= LEAST_SIZES:
            broken = _fitted("broken", x, y)
            shape, reason = _decided(line, broken)
    return Scaling(
        sizes=different,
        values=means,
        line=line,
        slope=slope,
        broken=broken,
        shape=shape,
        reason=reason,
    )


def _decided(line: Fit, broken: Fit) -> tuple[Shape, str]:
    """Choose between the two fits, and say why."""
    difference = broken.aicc - line.aicc
    better, worse = (line, broken) if difference > 0 else (broken, line)
    if abs(difference) < DECISIVE:
        return "cannot tell", f"AICc differs by {abs(difference):.1f} only, and {DECISIVE:g} decide"
    message = f"AICc prefers {NAMES[better.form]} by {abs(difference):.1f}"
    if better.left_out > worse.left_out:
        return "cannot tell", f"{message}, and cross-validation {NAMES[worse.form]}"
    return better.form, f"{message}, and so does cross-validation"


NAMES: dict[Form, str] = {"log-linear": "the line", "broken": "the break"}


def _fitted(form: Form, x: Floats, y: Floats) -> Fit:
    """Fit by least squares, and say how well: AICc, and errors on points that are left out."""
    intercept, slope, bend, at, squares = _least_squares(form, x, y)
    n, k = len(x), PARAMETERS[form]
    aicc = math.inf
    if n > k + 1:
        # Points that lie on the fit exactly would make any other one infinitely worse.
        mean = max(squares / n, EXACT**2)
        aicc = n * math.log(mean) + 2 * k + 2 * k * (k + 1) / (n - k - 1)
    left = math.inf
    if n > k:
        errors = []
        for index in range(n):
            a, b, c, t, _ = _least_squares(form, np.delete(x, index), np.delete(y, index))
            errors.append(a + b * x[index] + c * max(0.0, x[index] - t) - y[index])
        left = max(EXACT, float(np.sqrt(np.mean(np.square(errors)))))
    return Fit(
        form=form,
        intercept=intercept,
        slope=slope,
        bend=bend,
        at=at,
        aicc=aicc,
        left_out=left,
    )


def _least_squares(form: Form, x: Floats, y: Floats) -> tuple[float, float, float, float, float]:
    """Return intercept, slope, bend, place of the break, and the sum of squared residuals.

    The break is looked for on a grid with two sizes or more on each of its sides.
    """
    # Within 0 and 1, whatever the unit of the sizes.
    low, span = x[0], x[-1] - x[0]
    scaled = (x - low) / span
    ones = np.ones_like(scaled)
    if form == "log-linear":
        breaks, designs = np.zeros(1), np.stack([ones, scaled], -1)[None]
    else:
        breaks = np.linspace(scaled[1], scaled[-2], BREAKS)
        hinges = np.maximum(0.0, scaled[None, :] - breaks[:, None])
        both = np.broadcast_to(np.stack([ones, scaled], -1), (BREAKS, len(x), 2))
        designs = np.concatenate([both, hinges[..., None]], -1)
    coefficients = np.linalg.pinv(designs) @ y
    squares = ((np.einsum("gnk,gk->gn", designs, coefficients) - y) ** 2).sum(-1)
    best = int(squares.argmin())
    a, b, c = [*coefficients[best], 0.0][:3]
    at = low + breaks[best] * span
    intercept, slope, bend = a - b * low / span, b / span, c / span
    return float(intercept), float(slope), float(bend), float(at), float(squares[best])


def _slope_bounds(x: Floats, y: Floats, alpha: float) -> tuple[float, float]:
    """Return the bounds of a line's slope, Student's with n - 2 degrees of freedom."""
    from scipy.stats import t

    centred = x - x.mean()
    slope = float(centred @ y / (centred @ centred))
    rest = y - y.mean() - slope * centred
    error = math.sqrt(float(rest @ rest) / (len(x) - 2) / float(centred @ centred))
    half = float(t.isf(alpha, len(x) - 2)) * error
    return slope - half, slope + half
