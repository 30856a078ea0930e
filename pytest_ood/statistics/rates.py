"""Drops as a share of what there was to lose."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.statistics.planning import Shortage, shortage

if TYPE_CHECKING:
    from pytest_ood.statistics.statistic import Statistic


@dataclass(frozen=True)
class DropRate:
    """drop / score: the share of an in-distribution score that is lost.

    The drop is tested against the limit times the score. The score is an estimate, but not one that
    makes the test less certain: an example that is right before adds to the drop as well, so that
    drop - limit * score has a smaller variance than the drop alone, paired or not, for every limit
    in [0, 1] (its covariance with the score is at least (1 - score) times the limit).

    Attributes:
        drop: Of the mean score.
        score: The mean score in distribution, in [0, 1].
    """

    drop: Statistic
    score: float

    @property
    def value(self) -> float:
        """The share that is lost; 0 where there was nothing to lose."""
        return self.drop.value / self.score if self.score else 0.0

    @property
    def n(self) -> int:
        """Examples."""
        return self.drop.n

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self.drop.spread / self.score if self.score else 0.0

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the two one-sided bounds; all that is possible where there was nothing to lose."""
        low, high = self.drop.bounds(alpha)
        return (low / self.score, min(1.0, high / self.score)) if self.score else (0.0, 1.0)

    def p_above(self, limit: float) -> float:
        """Return the one-sided p-value of "at most a share of `limit` is lost"."""
        return self.drop.p_above(limit * self.score) if self.score else 1.0

    def p_below(self, limit: float) -> float:
        """Return the one-sided p-value of "at least a share of `limit` is lost"."""
        return self.drop.p_below(limit * self.score) if self.score else 1.0

    def shortage(self, limit: float, alpha: float, examples: str) -> Shortage | None:
        """Return why examples are too few to show a share of at most `limit`, if they are."""
        return shortage(self.drop, limit * self.score, alpha, examples)
