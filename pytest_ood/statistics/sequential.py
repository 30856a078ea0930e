"""Sequential tests that are valid at any stopping time, by betting against the budget."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics.statistic import check_level

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_ood.statistics.statistic import Statistic

    Floats = NDArray[np.float64]

BETTING_SHARE = 0.9
"""The share of alpha for stopping early; the rest is for the test on all examples."""

LARGEST_BET = 0.9
"""The largest bet, as a share of the bet at which a single value can ruin the gambler."""

LEAST_BATCH = 32
MOST_LOOKS = 64


def looks(n: int) -> list[int]:
    """Return after how many of n examples the verdict is tested.

    Every 32 examples, and at most 64 times. More looks would not raise the error rate, but make
    batches smaller.
    """
    step = max(LEAST_BATCH, -(-n // MOST_LOOKS))
    return [*range(step, n, step), n]


def bets(horizon: int) -> Floats:
    """Return the shares of the largest safe bet that are mixed, shape (k,).

    They halve from 0.9 down to the one that grows fastest where the true mean is as close to the
    limit as `horizon` examples can just tell: sqrt(8 / horizon) deviations of 0.6.
    """
    smallest = math.sqrt(8.0 / horizon) / 0.6
    count = max(1, round(math.log2(LARGEST_BET / smallest)) + 1) if smallest < 1.0 else 1
    return np.asarray(LARGEST_BET / 2.0 ** np.arange(count), np.float64)


def log_wealth(values: Floats, counts: Floats, limit: float, lowest: float, horizon: int) -> Floats:
    """Return the log wealth of a gambler who starts with 1 and bets on a mean above `limit`.

    The gambler bets on every value x in turn: K = prod(1 + lambda (x - limit)), averaged over a few
    lambda in (0, 1 / (limit - lowest)]. If the mean is at most `limit`, K is a nonnegative
    supermartingale that starts at 1, so that P(K ever reaches 1 / alpha) <= alpha (Ville 1939;
    Waudby-Smith and Ramdas 2023, Journal of the Royal Statistical Society B 86:1-27, sections 4.1
    and 4.4), whatever the distribution of the values.

    Args:
        values: The different values that occur, shape (v,).
        counts: How often each has occurred by each look, shape (..., v).
        limit: Above `lowest`.
        lowest: The least a value can be.
        horizon: The most values there can be; decides which bets are mixed.

    Returns:
        Shape (...).
    """
    factors = bets(horizon) / (limit - lowest)
    gains = np.log1p(factors[:, None] * (values - limit))
    grown: Floats = np.logaddexp.reduce(counts @ gains.T, axis=-1)
    return grown - math.log(len(factors))


@dataclass(frozen=True, eq=False)
class Sequential:
    """A mean that is tested batch by batch, with p-values and bounds valid at any look.

    The tests spend 0.9 alpha on betting. Where all examples were used in the end, the test for a
    fixed number of examples spends the other 0.1 alpha: betting alone loses power at the end.

    Attributes:
        values: The different values that occur, shape (v,), in [lowest, highest].
        counts: How often each has occurred by each look, shape (looks, v).
        lowest: The least a value can be.
        highest: The most.
        horizon: The most examples there could have been.
        current: The statistic on all values so far, by the method for a fixed number of examples.
        final: Whether all examples were used.
    """

    values: Floats
    counts: Floats
    lowest: float
    highest: float
    horizon: int
    current: Statistic
    final: bool

    @property
    def value(self) -> float:
        """The mean so far."""
        return self.current.value

    @property
    def n(self) -> int:
        """Examples so far."""
        return self.current.n

    @property
    def spread(self) -> float:
        """Standard error times the root of n."""
        return self.current.spread

    def bounds(self, alpha: float) -> tuple[float, float]:
        """Return the bounds of the confidence sequence, and of the final test if there was one."""
        check_level(alpha)
        share = alpha * BETTING_SHARE
        low = self._betting_bound(share, 1.0)
        high = -self._betting_bound(share, -1.0)
        if self.final:
            fixed = self.current.bounds(alpha * (1.0 - BETTING_SHARE))
            low, high = max(low, fixed[0]), min(high, fixed[1])
        return min(low, self.value), max(high, self.value)

    def p_above(self, limit: float) -> float:
        """Return the anytime-valid p-value of "the mean is at most `limit`"."""
        p = self._betting_p(limit, 1.0) / BETTING_SHARE
        if self.final:
            p = min(p, self.current.p_above(limit) / (1.0 - BETTING_SHARE))
        return min(1.0, p)

    def p_below(self, limit: float) -> float:
        """Return the anytime-valid p-value of "the mean is at least `limit`"."""
        p = self._betting_p(-limit, -1.0) / BETTING_SHARE
        if self.final:
            p = min(p, self.current.p_below(limit) / (1.0 - BETTING_SHARE))
        return min(1.0, p)

    def _betting_p(self, limit: float, sign: float) -> float:
        """Return 1 / (the largest wealth at any look); values are mirrored where sign is -1.

        By Ville's inequality the largest wealth so far counts, not the last: a test that has once
        rejected stays rejected, whatever the later looks show.
        """
        lowest = self.lowest if sign > 0 else -self.highest
        if limit <= lowest:
            return 0.0 if limit < lowest else 1.0
        wealth = log_wealth(sign * self.values, self.counts, limit, lowest, self.horizon)
        return math.exp(-max(0.0, float(wealth.max())))

    def _betting_bound(self, alpha: float, sign: float) -> float:
        """Return the largest limit that betting refutes at alpha."""
        from scipy.optimize import brentq

        lowest = self.lowest if sign > 0 else -self.highest

        def beyond(limit: float) -> float:
            """Return the logarithm of the p-value over alpha."""
            return math.log(max(self._betting_p(limit, sign), 1e-300)) - math.log(alpha)

        # The p-value rises with the limit: the root lies between the least possible mean, where a
        # bet wins most, and the largest, where nothing can be won.
        near, far = lowest + 1e-9, self.highest if sign > 0 else -self.lowest
        if beyond(near) > 0:
            return lowest
        if beyond(far) <= 0:
            return far
        return float(brentq(beyond, near, far, xtol=1e-7))
