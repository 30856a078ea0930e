"""The largest of several statistics, such as the drop under the worst of several shifts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.statistics.planning import Shortage, examples_to_settle, shortage
from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.statistics.statistic import Statistic


@dataclass(frozen=True, eq=False)
class Largest:
    """The largest of k quantities, each of which has a statistic; they may be dependent.

    That it is below a limit is shown where every part is shown to be, each at the full level: an
    intersection-union test (Berger 1982, Technometrics 24:295-300). The part that is truly the
    largest has its bound above it with probability 1 - alpha, whatever the other bounds are. That
    it is above a limit is shown where one part is, at alpha / k: the part that shows it may be the
    luckiest of k (Bonferroni's bound).

    The largest of k estimates is on average above the largest of what they estimate; its bounds are
    those of the tests, and are not centred at it.

    Attributes:
        parts: The statistics, by name; at least one.
    """

    parts: Mapping[str, Statistic]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("there are no statistics; the largest is one of them")

    @property
    def name(self) -> str:
        """The name of the part with the largest estimate; the first of equal ones."""
        return max(self.parts, key=lambda name: self.parts[name].value)

    @property
    def value(self) -> float:
        """The largest of the estimates."""
        return self._worst.value

    @property
    def n(self) -> int:
        """Examples of the part with the largest estimate."""
        return self._worst.n

    @property
    def spread(self) -> float:
        """Standard error of that part's estimate times the root of its n."""
        return self._worst.spread

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the one-sided lower and the one-sided upper bound, each of level alpha."""
        check_level(alpha)
        parts = self.parts.values()
        low = max(part.bounds(alpha / len(parts))[0] for part in parts)
        return low, max(part.bounds(alpha)[1] for part in parts)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "no quantity is above `limit`"."""
        least = min(part.p_above(limit) for part in self.parts.values())
        return min(1.0, len(self.parts) * least)

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "some quantity is at least `limit`"."""
        return max(part.p_below(limit) for part in self.parts.values())

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return the first part whose examples are too few to show it to be at most `limit`."""
        for name, part in self.parts.items():
            short = shortage(part, limit, alpha, f"{examples} of {name}")
            if short is not None:
                return short
        return None

    def examples_to_settle(self, limit: float, alpha: float) -> int:
        """Return how many examples of each part would settle on which side of a limit it lies.

        Below it, as many as the part with the least certain margin needs; above it, as many as the
        largest needs at its share of the level.
        """
        if self.value > limit:
            return examples_to_settle(self._worst, limit, alpha / len(self.parts))
        return max(examples_to_settle(part, limit, alpha) for part in self.parts.values())

    @property
    def _worst(self) -> Statistic:
        return self.parts[self.name]
