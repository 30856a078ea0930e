"""Proportions and differences of proportions, with exact tests.

0/1 scores have a known distribution, so nothing has to be left to the normal approximation, whose
error rates at a few discordant examples are up to half again of what they should be. The score
statistics of the literature say which outcomes are more extreme; how likely those are is added up.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

NUISANCE_ALPHA = 1e-6
"""Level at which the nuisance parameter's confidence set may miss; it is added to the p-value."""

NUISANCE_POINTS = 25
"""Points of that set that are looked at: about three to a standard deviation."""

CLOSER_POINTS = 11
"""Points looked at again between the neighbours of the one with the largest probability."""

TAIL_DEVIATIONS = 6.5
"""Outcomes further out than this have a probability below 1e-10."""

EXACT = 1e-12
"""Differences below this are rounding."""

PRECISION = 2e-5
"""How close bounds are found, as a share of 1: two thousandths of a point."""


@dataclass(frozen=True)
class Proportion:
    """A share of successes, with the exact interval of Clopper and Pearson 1934.

    Attributes:
        successes: How many of n.
        n: How many were tried, 1 or more.
    """

    successes: int
    n: int

    @property
    def value(self) -> float:
        """The share."""
        return self.successes / self.n

    @property
    def spread(self) -> float:
        """Standard deviation of one trial."""
        return math.sqrt(self.value * (1.0 - self.value))

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two exact one-sided bounds (Clopper and Pearson 1934)."""
        low, high = clopper_pearson(self.successes, self.n, check_level(alpha))
        return float(low), float(high)

    def p_above(self, limit: float) -> float:
        """Return the exact binomial p-value of "the rate is at most `limit`"."""
        from scipy.special import betainc

        if self.successes == 0:
            return 1.0
        rate = min(1.0, max(0.0, limit))
        return float(betainc(self.successes, self.n - self.successes + 1, rate))

    def p_below(self, limit: float) -> float:
        """Return the exact binomial p-value of "the rate is at least `limit`"."""
        return Proportion(self.n - self.successes, self.n).p_above(1.0 - limit)


@dataclass(frozen=True)
class PairedDifference:
    """(lost - gained) / n: what a 0/1 score drops over the same n examples.

    The p-values are exact unconditional ones (Hsueh, Liu and Chen 2001, Biometrics 57:478-483):
    outcomes are ordered by Tango's score statistic, and the probability of all that are at least as
    extreme is maximised over the probability of a gain. The maximum is taken over a confidence set
    (Berger and Boos 1994, Journal of the American Statistical Association 89:1012-1016).

    Attributes:
        lost: Examples that were right before and wrong after.
        gained: Examples that were wrong before and right after.
        n: All examples, 1 or more.
    """

    lost: int
    gained: int
    n: int

    @property
    def value(self) -> float:
        """The drop."""
        return (self.lost - self.gained) / self.n

    @property
    def spread(self) -> float:
        """Standard deviation of one example's loss."""
        return math.sqrt(max(0.0, (self.lost + self.gained) / self.n - self.value**2))

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the limits that the exact tests just do not refute at level alpha."""
        return _exact_bounds(
            self, lambda level: tango_bounds(self.lost, self.gained, self.n, level), alpha
        )

    def p_above(self, limit: float) -> float:
        """Return the exact p-value of "the drop is at most `limit`"."""
        if limit >= 1.0:
            return 1.0
        if limit < -1.0:
            return 0.0
        n = self.n
        low, high = _nuisance(self.lost, n, self.gained, n, limit)
        if low > high:
            return _unlikely(self.value, limit)
        # Losing and gaining exclude each other.
        low, high = min(low, (1.0 - limit) / 2), min(high, (1.0 - limit) / 2)
        gains = _likely(low, high, n)

        def statistic(losses: Floats) -> Floats:
            """Return the statistic at other numbers of losses."""
            return tango_statistic(losses, gains, n, limit)

        observed = float(tango_statistic(np.array(self.lost), np.array(self.gained), n, limit))
        most = n - gains
        fewest = _smallest(statistic, observed, most)

        def tail(points: Floats) -> Floats:
            """Return the tail probability at points of the nuisance parameter."""
            others = np.clip((points + limit) / np.maximum(1.0 - points, EXACT), 0.0, 1.0)
            return _tail(points, n, gains, inner_rates=others, most=most, fewest=fewest)

        return _largest(tail, low, high)

    def p_below(self, limit: float) -> float:
        """Return the exact p-value of "the drop is at least `limit`"."""
        return PairedDifference(self.gained, self.lost, self.n).p_above(-limit)


@dataclass(frozen=True)
class UnpairedDifference:
    """x1 / n1 - x2 / n2: what a 0/1 score drops between two independent sets of examples.

    The p-values are exact unconditional ones (Chan and Zhang 1999, Biometrics 55:1202-1209):
    outcomes are ordered by the score statistic of Miettinen and Nurminen, and the probability of
    all that are at least as extreme is maximised over the second rate, within a confidence set
    (Berger and Boos 1994).

    Attributes:
        x1: Right answers in the first set.
        n1: Its size, 1 or more.
        x2: Right answers in the second set.
        n2: Its size, 1 or more.
    """

    x1: int
    n1: int
    x2: int
    n2: int

    @property
    def n(self) -> int:
        """Size of the smaller set."""
        return min(self.n1, self.n2)

    @property
    def value(self) -> float:
        """The drop."""
        return self.x1 / self.n1 - self.x2 / self.n2

    @property
    def spread(self) -> float:
        """Standard error times the root of the smaller set's size."""
        first, second = self.x1 / self.n1, self.x2 / self.n2
        variance = first * (1 - first) / self.n1 + second * (1 - second) / self.n2
        return math.sqrt(variance * self.n)

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the limits that the exact tests just do not refute at level alpha."""
        return _exact_bounds(
            self,
            lambda level: miettinen_nurminen_bounds(self.x1, self.n1, self.x2, self.n2, level),
            alpha,
        )

    def p_above(self, limit: float) -> float:
        """Return the exact p-value of "the drop is at most `limit`"."""
        if limit >= 1.0:
            return 1.0
        if limit < -1.0:
            return 0.0
        low, high = _nuisance(self.x1, self.n1, self.x2, self.n2, limit)
        if low > high:
            return _unlikely(self.value, limit)
        seconds = _likely(low, high, self.n2)

        def statistic(firsts: Floats) -> Floats:
            """Return the statistic at other numbers of successes."""
            return miettinen_nurminen_statistic(firsts, self.n1, seconds, self.n2, limit)

        observed = float(
            miettinen_nurminen_statistic(
                np.array(self.x1), self.n1, np.array(self.x2), self.n2, limit
            )
        )
        most = np.full_like(seconds, self.n1)
        fewest = _smallest(statistic, observed, most)

        def tail(points: Floats) -> Floats:
            """Return the tail probability at points of the nuisance parameter."""
            others = np.clip(points + limit, 0.0, 1.0)
            return _tail(points, self.n2, seconds, inner_rates=others, most=most, fewest=fewest)

        return _largest(tail, low, high)

    def p_below(self, limit: float) -> float:
        """Return the exact p-value of "the drop is at least `limit`"."""
        return UnpairedDifference(self.x2, self.n2, self.x1, self.n1).p_above(-limit)


def clopper_pearson(successes: int, n: int, alpha: float) -> tuple[float, float]:
    """Return the exact one-sided bounds of a rate (Clopper and Pearson 1934, Biometrika 26)."""
    from scipy.special import betaincinv

    low = 0.0 if successes == 0 else float(betaincinv(successes, n - successes + 1, alpha))
    high = 1.0 if successes == n else float(betaincinv(successes + 1, n - successes, 1.0 - alpha))
    return low, high


def tango_statistic(lost: Floats, gained: Floats, n: int, delta: float) -> Floats:
    """Return Tango's score statistic of "(lost - gained) / n has the mean delta".

    T = (lost - gained - n delta) / sqrt(n (2 q + delta (1 - delta))), q the larger root of
    2 n q^2 + (-lost - gained + (2n - lost + gained) delta) q - gained delta (1 - delta) = 0:
    the probability of a gain that is most likely given delta (Tango 1998, Statistics in Medicine
    17:891-908, equations 6 to 10).
    """
    lost, gained = np.asarray(lost, np.float64), np.asarray(gained, np.float64)
    b = -lost - gained + (2 * n - lost + gained) * delta
    c = -gained * delta * (1 - delta)
    q = (np.sqrt(np.maximum(0.0, b * b - 8 * n * c)) - b) / (4 * n)
    return _standardised(lost - gained - n * delta, n * (2 * q + delta * (1 - delta)))


def miettinen_nurminen_statistic(x1: Floats, n1: int, x2: Floats, n2: int, delta: float) -> Floats:
    """Return the score statistic of "x1 / n1 - x2 / n2 has the mean delta".

    The variance is taken at the rates that are most likely given the difference, the root of a
    cubic in closed form, and carries the factor N / (N - 1) (Miettinen and Nurminen 1985,
    Statistics in Medicine 4:213-226, section 2 and appendix I).
    """
    x1, x2 = np.asarray(x1, np.float64), np.asarray(x2, np.float64)
    total = n1 + n2
    # The cubic l3 p^3 + l2 p^2 + l1 p + l0 = 0 for the second rate.
    l3, l2 = total, (n1 + 2 * n2) * delta - total - x1 - x2
    l1 = (n2 * delta - total - 2 * x2) * delta + x1 + x2
    l0 = x2 * delta * (1 - delta)
    q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
    p = np.copysign(np.sqrt(np.maximum(0.0, l2**2 / (3 * l3) ** 2 - l1 / (3 * l3))), q)
    cubed = np.where(p == 0.0, 1.0, p**3)
    ratio = np.where(p == 0.0, 1.0, np.clip(q / cubed, -1.0, 1.0))
    angle = (math.pi + np.arccos(ratio)) / 3
    p2 = np.clip(2 * p * np.cos(angle) - l2 / (3 * l3), 0.0, 1.0)
    p1 = np.clip(p2 + delta, 0.0, 1.0)
    variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
    return _standardised(x1 / n1 - x2 / n2 - delta, variance)


def tango_bounds(lost: int, gained: int, n: int, alpha: float) -> tuple[float, float]:
    """Return Tango's score interval for (lost - gained) / n (Tango 1998, section 3)."""
    return _score_bounds(
        lambda delta: float(tango_statistic(np.array(lost), np.array(gained), n, delta)),
        (lost - gained) / n,
        alpha,
    )


def miettinen_nurminen_bounds(
    x1: int, n1: int, x2: int, n2: int, alpha: float
) -> tuple[float, float]:
    """Return the score interval for x1 / n1 - x2 / n2 (Miettinen and Nurminen 1985, section 2)."""
    return _score_bounds(
        lambda delta: float(
            miettinen_nurminen_statistic(np.array(x1), n1, np.array(x2), n2, delta)
        ),
        x1 / n1 - x2 / n2,
        alpha,
    )


def _standardised(numerator: Floats, variance: Floats) -> Floats:
    """Divide by the root of the variance; where there is none, the sign is all that is known."""
    # A finite stand-in for infinity keeps differences of statistics defined.
    beyond = np.where(np.abs(numerator) < EXACT, 0.0, np.copysign(1e6, numerator))
    positive = variance > EXACT**2
    scaled = numerator / np.sqrt(np.where(positive, variance, 1.0))
    return np.clip(np.where(positive, scaled, beyond), -1e6, 1e6)


def _score_bounds(
    statistic: Callable[[float], float], value: float, alpha: float
) -> tuple[float, float]:
    """Find where a decreasing score statistic crosses z (lower bound) and -z (upper bound)."""
    from scipy.optimize import brentq

    z = NormalDist().inv_cdf(1.0 - check_level(alpha))

    def bound(target: float, edge: float) -> float:
        """Return the limit at which the statistic reaches the target."""
        # Away from the edge, where the variance can vanish.
        inside = edge * (1 - 1e-12)
        if value == edge or (statistic(inside) - target) * (statistic(value) - target) > 0:
            return edge
        return float(brentq(lambda d: statistic(d) - target, inside, value, xtol=1e-10))

    return bound(z, -1.0), bound(-z, 1.0)


def _exact_bounds(
    statistic: PairedDifference | UnpairedDifference,
    near: Callable[[float], tuple[float, float]],
    alpha: float,
) -> tuple[float, float]:
    """Find where the exact p-values cross alpha, starting from the score interval."""
    from scipy.optimize import brentq

    check_level(alpha)

    def bound(p_value: Callable[[float], float], side: int, edge: float) -> float:
        """Return the limit at which the p-value is alpha."""

        def beyond(limit: float) -> float:
            """Return the logarithm of the p-value over alpha."""
            return math.log(max(p_value(limit), NUISANCE_ALPHA)) - math.log(alpha)

        if statistic.value == edge or beyond(edge) > 0:
            return edge
        inner = statistic.value
        for share in (0.8, 0.2, 0.01):
            outer = near(alpha * share)[side]
            if outer != inner and beyond(outer) <= 0:
                break
            inner = outer
        else:
            outer = edge
        tails = float(brentq(beyond, outer, inner, xtol=PRECISION))
        # On the safe side of what the search leaves open.
        return max(-1.0, tails - PRECISION) if side == 0 else min(1.0, tails + PRECISION)

    return bound(statistic.p_above, 0, -1.0), bound(statistic.p_below, 1, 1.0)


def _nuisance(x1: int, n1: int, x2: int, n2: int, limit: float) -> tuple[float, float]:
    """Return a confidence set for the second rate where the first is `limit` above it."""
    low1, high1 = clopper_pearson(x1, n1, NUISANCE_ALPHA / 4)
    low2, high2 = clopper_pearson(x2, n2, NUISANCE_ALPHA / 4)
    low = max(low2, low1 - limit, 0.0, -limit)
    return low, min(high2, high1 - limit, 1.0, 1.0 - limit)


def _unlikely(value: float, limit: float) -> float:
    """Return the p-value where no second rate goes with the limit: the statistic is far from it."""
    return NUISANCE_ALPHA if value > limit else 1.0


def _likely(low: float, high: float, n: int) -> Floats:
    """Return the counts (k,) that have any probability to speak of at a rate in [low, high]."""
    points = np.linspace(low, high, NUISANCE_POINTS)
    deviation = TAIL_DEVIATIONS * np.sqrt(n * points * (1.0 - points)) + TAIL_DEVIATIONS
    first = max(0, math.floor(float(np.min(n * points - deviation))))
    last = min(n, math.ceil(float(np.max(n * points + deviation))))
    return np.arange(first, last + 1, dtype=np.float64)


def _smallest(statistic: Callable[[Floats], Floats], observed: float, most: Floats) -> Floats:
    """Return, for each outer count, the smallest inner count that is as extreme as observed.

    The statistic rises with the inner count; where even the largest is less extreme, the answer is
    one more than that.
    """
    low, high = np.zeros_like(most), most + 1
    while np.any(low < high):
        middle = np.floor((low + high) / 2)
        extreme = statistic(np.minimum(middle, most)) >= observed - 1e-9 * max(1.0, abs(observed))
        extreme |= middle > most
        high = np.where(extreme, middle, high)
        low = np.where(extreme, low, middle + 1)
    return low


def _largest(tail: Callable[[Floats], Floats], low: float, high: float) -> float:
    """Return the p-value: the largest probability at any rate in [low, high]."""
    points = np.linspace(low, high, NUISANCE_POINTS)
    tails = tail(points)
    best = int(tails.argmax())
    before, after = points[max(0, best - 1)], points[min(NUISANCE_POINTS - 1, best + 1)]
    closer = tail(np.linspace(before, after, CLOSER_POINTS))
    return min(1.0, max(float(tails.max()), float(closer.max())) + NUISANCE_ALPHA)


def _tail(
    points: Floats,
    n: int,
    outer: Floats,
    *,
    inner_rates: Floats,
    most: Floats,
    fewest: Floats,
) -> Floats:
    """Return the probability (p,), at each point, of an outcome as extreme as observed.

    Args:
        points: Rates of the outer count, shape (p,).
        n: Trials of the outer count.
        outer: Its values, shape (k,).
        inner_rates: The inner count's rate at each point, shape (p,).
        most: Trials of the inner count at each outer value, shape (k,).
        fewest: The smallest inner count that is extreme, shape (k,).
    """
    from scipy.special import betainc, gammaln, xlog1py, xlogy

    rates = points[:, None]
    chosen = gammaln(n + 1) - gammaln(outer + 1) - gammaln(n - outer + 1)
    outer_likely = np.exp(chosen + xlogy(outer, rates) + xlog1py(n - outer, -rates))
    inner_likely = np.zeros_like(outer_likely)
    possible = (fewest > 0) & (fewest <= most)
    inner_likely[:, possible] = betainc(
        fewest[possible], most[possible] - fewest[possible] + 1, inner_rates[:, None]
    )
    inner_likely[:, fewest == 0] = 1.0
    tails: Floats = (outer_likely * inner_likely).sum(axis=1)
    return tails
