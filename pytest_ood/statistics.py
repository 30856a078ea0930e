"""Arithmetic of the verdicts: intervals for scores, drops and differences of drops.

Every interval is two one-sided bounds, each of level `alpha`: together they cover 1 - 2 alpha. A
gate uses one side at a time, so its error rate is alpha. Scores are in [0, 1]. Nothing in here
knows about models or pytest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray


EXACT = 1e-12
"""Differences below this are rounding."""


@dataclass(frozen=True)
class Estimate:
    """A figure with its interval.

    Attributes:
        value: The point estimate.
        low: One-sided lower bound of level alpha.
        high: One-sided upper bound of level alpha.
        n: How many examples it rests on (the smaller sample of an unpaired difference).
        spread: Standard error times sqrt(n): what one example contributes to the uncertainty.
    """

    value: float
    low: float
    high: float
    n: int
    spread: float


def z_value(alpha: float) -> float:
    """Return the upper alpha quantile of the standard normal distribution.

    Raises:
        ValueError: alpha is not inside (0, 0.5).
    """
    from statistics import NormalDist

    if not 0.0 < alpha < 0.5:  # noqa: PLR2004 - the definition of a one-sided level
        raise ValueError(
            f"alpha = {alpha!r}: a one-sided level lies inside (0, 0.5); 0.05 is usual"
        )
    return NormalDist().inv_cdf(1.0 - alpha)


def checked(scores: Sequence[float]) -> NDArray[np.float64]:
    """Return scores as an array.

    Raises:
        ValueError: no scores, or one that is not a number in [0, 1].
    """
    array = np.asarray(scores, dtype=np.float64)
    if array.size == 0:
        raise ValueError("there are no scores to compare")
    if not np.all(np.isfinite(array)) or array.min() < 0.0 or array.max() > 1.0:
        raise ValueError("a score is not a number in [0, 1]")
    return array


def is_binary(*arrays: NDArray[np.float64]) -> bool:
    """Tell whether every score is 0 or 1."""
    return all(bool(np.all((array == 0.0) | (array == 1.0))) for array in arrays)


def wilson_bounds(successes: float, n: int, alpha: float) -> tuple[float, float]:
    """Return the score interval of a proportion (Wilson 1927; Newcombe 1998a, method 3)."""
    z = z_value(alpha)
    p = successes / n
    centre = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    # At the ends the bound is the end itself, which rounding misses by 1e-17.
    low = 0.0 if successes == 0 else max(0.0, (centre - half) / scale)
    return low, 1.0 if successes == n else min(1.0, (centre + half) / scale)


def mean_score(scores: Sequence[float], alpha: float) -> Estimate:
    """Estimate a mean score: Wilson for 0/1 scores, Student's t for others.

    Raises:
        ValueError: no scores, a score outside [0, 1], or alpha outside (0, 0.5).
    """
    array = checked(scores)
    if not is_binary(array):
        return _student(array, alpha, bounds=(0.0, 1.0), pseudo=(0.0, 1.0))
    low, high = wilson_bounds(float(array.sum()), array.size, alpha)
    p = float(array.mean())
    return Estimate(p, low, high, array.size, math.sqrt(p * (1 - p)))


def paired_drop(before: Sequence[float], after: Sequence[float], alpha: float) -> Estimate:
    """Estimate the drop of a mean score over the same examples, before minus after.

    0/1 scores: the score interval for the difference of paired proportions (Tango 1998, Statistics
    in Medicine 17:891-908, section 3). Other scores: Student's t over the differences.

    Args:
        before: One score an example, in distribution.
        after: The scores of the same examples under the shift, in the same order.
        alpha: One-sided level.

    Raises:
        ValueError: lengths differ, no scores, a score outside [0, 1], or alpha outside (0, 0.5).
    """
    first, second = checked(before), checked(after)
    if first.size != second.size:
        raise ValueError(f"{first.size} scores before and {second.size} after are not paired")
    differences = first - second
    if not is_binary(first, second):
        return _student(differences, alpha, bounds=(-1.0, 1.0), pseudo=(-1.0, 1.0))
    lost = int(np.sum(differences > 0))
    gained = int(np.sum(differences < 0))
    low, high = tango_bounds(lost, gained, first.size, alpha)
    return Estimate(
        float(differences.mean()), low, high, first.size, float(differences.std(ddof=0))
    )


def tango_bounds(lost: int, gained: int, n: int, alpha: float) -> tuple[float, float]:
    """Return Tango's score interval for (lost - gained) / n.

    Inverts the score test: delta is inside where |T(delta)| <= z, with
    T = (lost - gained - n delta) / sqrt(n (2 q + delta (1 - delta))) and q the larger root of
    2 n q^2 + (-lost - gained + (2n - lost + gained) delta) q - gained delta (1 - delta) = 0,
    the probability of a gain that is most likely given delta (Tango 1998, equations 6 to 10).
    """
    z = z_value(alpha)

    def statistic(delta: float) -> float:
        b = -lost - gained + (2 * n - lost + gained) * delta
        c = -gained * delta * (1 - delta)
        q = (math.sqrt(max(0.0, b * b - 8 * n * c)) - b) / (4 * n)
        variance = n * (2 * q + delta * (1 - delta))
        numerator = lost - gained - n * delta
        if variance <= 0.0:
            return 0.0 if abs(numerator) < EXACT else math.copysign(math.inf, numerator)
        return numerator / math.sqrt(variance)

    return _invert(statistic, (lost - gained) / n, z)


def unpaired_drop(before: Sequence[float], after: Sequence[float], alpha: float) -> Estimate:
    """Estimate the drop of a mean score between two independent sets of examples.

    0/1 scores: the score interval of Miettinen and Nurminen 1985 (Statistics in Medicine
    4:213-226). Other scores: Welch's t interval.

    Raises:
        ValueError: no scores, a score outside [0, 1], or alpha outside (0, 0.5).
    """
    first, second = checked(before), checked(after)
    value = float(first.mean() - second.mean())
    n = min(first.size, second.size)
    variance = float(first.var() / first.size + second.var() / second.size)
    if is_binary(first, second):
        low, high = miettinen_nurminen_bounds(
            int(first.sum()), first.size, int(second.sum()), second.size, alpha
        )
        return Estimate(value, low, high, n, math.sqrt(variance * n))
    return _welch([first, second], [1.0, -1.0], alpha, bounds=(-1.0, 1.0), pseudo=(0.0, 1.0))


def miettinen_nurminen_bounds(
    x1: int, n1: int, x2: int, n2: int, alpha: float
) -> tuple[float, float]:
    """Return the score interval for x1 / n1 - x2 / n2 (Miettinen and Nurminen 1985, section 2).

    The variance is taken at the proportions that are most likely given the difference, in the
    closed form of their appendix I, and carries the factor N / (N - 1).
    """
    z = z_value(alpha)
    total = n1 + n2

    def statistic(delta: float) -> float:
        # The cubic l3 p^3 + l2 p^2 + l1 p + l0 = 0 for the second proportion.
        l3, l2 = total, (n1 + 2 * n2) * delta - total - x1 - x2
        l1 = (n2 * delta - total - 2 * x2) * delta + x1 + x2
        l0 = x2 * delta * (1 - delta)
        q = l2**3 / (3 * l3) ** 3 - l1 * l2 / (6 * l3**2) + l0 / (2 * l3)
        p = math.copysign(math.sqrt(max(0.0, l2**2 / (3 * l3) ** 2 - l1 / (3 * l3))), q)
        ratio = 1.0 if p == 0.0 else max(-1.0, min(1.0, q / p**3))
        angle = (math.pi + math.acos(ratio)) / 3
        p2 = min(1.0, max(0.0, 2 * p * math.cos(angle) - l2 / (3 * l3)))
        p1 = min(1.0, max(0.0, p2 + delta))
        variance = (p1 * (1 - p1) / n1 + p2 * (1 - p2) / n2) * total / (total - 1)
        numerator = x1 / n1 - x2 / n2 - delta
        if variance <= 0.0:
            return 0.0 if abs(numerator) < EXACT else math.copysign(math.inf, numerator)
        return numerator / math.sqrt(variance)

    return _invert(statistic, x1 / n1 - x2 / n2, z)


def _invert(statistic: Callable[[float], float], value: float, z: float) -> tuple[float, float]:
    """Find where a decreasing score statistic crosses z (lower bound) and -z (upper bound)."""
    from scipy.optimize import brentq

    def bound(target: float, edge: float) -> float:
        if (statistic(edge) - target) * (statistic(value) - target) > 0 or value == edge:
            return edge
        # Away from the edge, where the variance can vanish.
        inside = edge * (1 - 1e-12)
        if (_finite(statistic(inside)) - target) * (_finite(statistic(value)) - target) > 0:
            return edge
        return float(brentq(lambda d: _finite(statistic(d)) - target, inside, value, xtol=1e-10))

    return bound(z, -1.0), bound(-z, 1.0)


def _finite(value: float) -> float:
    return max(-1e6, min(1e6, value))


def unpaired_difference_of_drops(
    before: tuple[Sequence[float], Sequence[float]],
    after: Sequence[tuple[Sequence[float], Sequence[float]]],
    alpha: float,
) -> Estimate:
    """Estimate how much more the candidate drops than the baseline, on average over target sets.

    The models are paired on every set; the sets are independent samples. With d = candidate -
    baseline, the estimate is mean(d before) - mean over targets of mean(d after); its variance is
    the sum of the sets' variances, the source set counted once.

    Args:
        before: (candidate scores, baseline scores) on the in-distribution set.
        after: The same for each target set.
        alpha: One-sided level.

    Raises:
        ValueError: lengths differ, no scores, a score outside [0, 1], or alpha outside (0, 0.5).
    """
    if not after:
        raise ValueError("there is no target set to compare on")
    parts = [_paired_difference(*before), *(_paired_difference(*scores) for scores in after)]
    weights = [1.0, *(-1.0 / len(after) for _ in after)]
    return _welch(parts, weights, alpha, bounds=(-2.0, 2.0), pseudo=(-1.0, 1.0))


def mean_over_examples(values: Sequence[float], alpha: float) -> Estimate:
    """Estimate a mean of one value an example, such as a paired difference of drops, in [-2, 2].

    Values that are all -1, 0 or 1 are losses and gains, and get Tango's score interval (Tango
    1998); others, such as means over a cluster of several measurements, get Student's t.

    Raises:
        ValueError: no values, one outside [-2, 2], or alpha outside (0, 0.5).
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0:
        raise ValueError("there are no values to average")
    if not np.all(np.isfinite(array)) or np.abs(array).max() > 2.0:  # noqa: PLR2004 - the range
        raise ValueError("a value is not a number in [-2, 2]")
    if not np.isin(array, (-1.0, 0.0, 1.0)).all():
        return _student(array, alpha, bounds=(-2.0, 2.0), pseudo=(-1.0, 1.0))
    low, high = tango_bounds(int(np.sum(array > 0)), int(np.sum(array < 0)), array.size, alpha)
    return Estimate(float(array.mean()), low, high, array.size, float(array.std(ddof=0)))


def _paired_difference(
    candidate: Sequence[float], baseline: Sequence[float]
) -> NDArray[np.float64]:
    first, second = checked(candidate), checked(baseline)
    if first.size != second.size:
        raise ValueError(f"{first.size} and {second.size} scores are not on the same examples")
    return first - second


def _student(
    values: NDArray[np.float64],
    alpha: float,
    *,
    bounds: tuple[float, float],
    pseudo: tuple[float, float],
) -> Estimate:
    """Return Student's t interval of a mean, after adding two pseudo-values.

    Without them a sample with hardly any spread, which a lucky draw easily is, gets an interval
    that is far too short (Agresti and Min 2005, Statistics in Medicine 24:729-740: an added
    observation of each outcome repairs the Wald interval of paired differences).
    """
    return _welch([values], [1.0], alpha, bounds=bounds, pseudo=pseudo)


def _welch(
    parts: Sequence[NDArray[np.float64]],
    weights: Sequence[float],
    alpha: float,
    *,
    bounds: tuple[float, float],
    pseudo: tuple[float, float],
) -> Estimate:
    """Return the interval of a weighted sum of independent means (Welch 1947).

    Each part gets the two pseudo-values (Agresti and Caffo 2000, The American Statistician
    54:280-288, for the difference of proportions); the estimate itself is that of the values.
    """
    from scipy.stats import t

    z_value(alpha)
    pairs = list(zip(parts, weights, strict=True))
    value = float(sum(weight * part.mean() for part, weight in pairs))
    padded = [(np.append(part, pseudo), weight) for part, weight in pairs]
    centre = float(sum(weight * part.mean() for part, weight in padded))
    variances = [float(weight**2 * part.var(ddof=1) / part.size) for part, weight in padded]
    variance = sum(variances)
    freedom = variance**2 / sum(
        v**2 / (part.size - 1) for v, (part, _) in zip(variances, padded, strict=True)
    )
    half = float(t.ppf(1.0 - alpha, freedom)) * math.sqrt(variance)
    n = min(part.size for part in parts)
    return Estimate(
        value,
        max(bounds[0], min(value, centre - half)),
        min(bounds[1], max(value, centre + half)),
        n,
        math.sqrt(variance * n),
    )


def examples_to_settle(estimate: Estimate, limit: float, alpha: float, power: float = 0.8) -> int:
    """Return how many examples would settle on which side of a limit the value lies.

    The usual n = ((z_alpha + z_beta) sd / distance)^2 (Chow, Shao and Wang 2008, section 3.1), with
    the observed spread; sys.maxsize where the estimate lies on the limit.
    """
    import sys
    from statistics import NormalDist

    distance = abs(estimate.value - limit)
    if distance < 1e-9:  # noqa: PLR2004 - on the limit
        return sys.maxsize
    z = z_value(alpha) + NormalDist().inv_cdf(power)
    spread = max(estimate.spread, 1.0 / math.sqrt(estimate.n + 2.0))
    return max(estimate.n + 1, math.ceil((z * spread / distance) ** 2))


def p_above(successes: int, n: int, share: float) -> float:
    """Return the one-sided exact binomial p-value of "the true rate is at most `share`"."""
    from scipy.stats import binomtest

    return float(binomtest(successes, n, share, alternative="greater").pvalue)
