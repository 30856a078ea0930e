"""Sample sizes: how many examples a verdict needs, and what a number of examples can show."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from pytest_ood.statistics.statistic import Estimate, Statistic

POWER = 0.8
"""The power of plans: the chance that a verdict is settled."""


@runtime_checkable
class Settling(Protocol):
    """A statistic that plans its own sample size, such as the largest of several."""

    def examples_to_settle(self, limit: float, alpha: float) -> int:
        """Return how many examples would settle on which side of a limit the value lies."""
        ...


def examples_to_settle(statistic: Statistic | Estimate, limit: float, alpha: float) -> int:
    """Return how many examples would settle on which side of a limit the value lies.

    The usual n = ((z_alpha + z_beta) sd / distance)^2 (Chow, Shao and Wang 2008, Sample Size
    Calculations in Clinical Research, section 3.1) for power 0.8, with the observed spread;
    sys.maxsize where the estimate lies on the limit.
    """
    if isinstance(statistic, Settling):
        return statistic.examples_to_settle(limit, alpha)
    distance = abs(statistic.value - limit)
    if distance < 1e-9:  # noqa: PLR2004 - on the limit
        return sys.maxsize
    spread = max(statistic.spread, 1.0 / math.sqrt(statistic.n + 2.0))
    return max(statistic.n + 1, math.ceil((_deviations(alpha) * spread / distance) ** 2))


def least_examples(limit: float, alpha: float) -> int:
    """Return the fewest examples that can show a drop of at most `limit` when none is lost.

    (1 - limit)^n <= alpha: the rule of three, exactly (Hanley and Lippman-Hand 1983, JAMA
    249:1743-1745); sys.maxsize where the limit is 0, or so small that the number is larger.
    """
    check_level(alpha)
    if limit <= 0.0:
        return sys.maxsize
    if limit >= 1.0:
        return 1
    # As a float: of the smallest limits it is infinite.
    least = math.log(alpha) / math.log1p(-limit)
    return math.ceil(least) if least < sys.maxsize else sys.maxsize


@runtime_checkable
class Demanding(Protocol):
    """A statistic with its own sample size, such as a metric of several labels."""

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return why there are too few examples to show the statistic to be at most `limit`."""
        ...


@dataclass(frozen=True)
class Shortage:
    """Examples that are too few to show anything, even if none of them is lost.

    Attributes:
        n: The number of examples.
        least: The least number of examples that would be enough if none were lost.
        examples: The word for them in messages, such as "examples of 'negative'".
    """

    n: int
    least: int
    examples: str = "examples"


def shortage(
    statistic: Statistic, limit: float, alpha: float, examples: str = "examples"
) -> Shortage | None:
    """Return why there are too few examples to show a statistic to be at most `limit`.

    Args:
        statistic: A drop, or a difference of drops.
        limit: The limit, in the unit of the statistic.
        alpha: The one-sided level.
        examples: The word for its examples in messages.
    """
    if isinstance(statistic, Demanding):
        return statistic.shortage(limit, alpha, examples)
    least = least_examples(limit, alpha)
    return Shortage(statistic.n, least, examples) if statistic.n < least < sys.maxsize else None


def detectable(n: int, spread: float, alpha: float, power: float = POWER) -> float:
    """Return the distance from a limit that n examples settle with a given power.

    Args:
        n: Examples, 1 or more.
        spread: The contribution of one example to the uncertainty (see `Estimate.spread`).
        alpha: One-sided level.
        power: The chance that they do.
    """
    return _deviations(alpha, power) * spread / math.sqrt(n)


def _deviations(alpha: float, power: float = POWER) -> float:
    normal = NormalDist()
    return normal.inv_cdf(1.0 - check_level(alpha)) + normal.inv_cdf(power)
