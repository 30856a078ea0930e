"""Many simulated releases of a known drop, and the verdicts that the package gives on them.

Every verdict is the one of `pytest_ood.statistics` and `pytest_ood.budgets`; what is done here for
speed only is to share work between releases: exact tests depend on a release's counts alone and
refute ever more as one count rises, so that one critical count is searched for where the others are
equal; betting is followed over all releases at once. `check_sample` compares the outcome with
figures that are built release by release.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.budgets import is_settled
from pytest_ood.statistics import mean_difference
from pytest_ood.statistics.proportions import PairedDifference, UnpairedDifference
from pytest_ood.statistics.sequential import BETTING_SHARE, Sequential, log_wealth, looks

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from pytest_ood.budgets import Rules
    from pytest_ood.statistics import Statistic

    Floats = NDArray[np.float64]
    Counts = NDArray[np.int64]
    Flags = NDArray[np.bool_]

PROCESSES = 2
"""At most; the machine may be somebody else's as well."""

SAMPLE = 4
"""Releases of a cell that `check_sample` builds one by one."""


@dataclass(frozen=True)
class Verdicts:
    """What came out for each release, arrays of shape (releases,).

    Attributes:
        fails: p_above(limit) is at most the level of a fail.
        passes: p_below(limit) is at most alpha.
        examples: How many were used.
    """

    fails: Flags
    passes: Flags
    examples: Counts


class Frontier:
    """For each number of one outcome, the least number of another at which a test refutes.

    Args:
        p_value: Of (number of the rising outcome, number of the other); falls in the first.
        most: The largest number of the rising outcome, given the other.
        level: At most this p-value refutes.
    """

    def __init__(
        self, p_value: Callable[[int, int], float], most: Callable[[int], int], level: float
    ) -> None:
        self._p_value, self._most, self._level = p_value, most, level
        self._least: dict[int, int] = {}
        self._guess = 0

    def reached(self, rising: Counts, other: Counts) -> Flags:
        """Tell for each release whether the test refutes."""
        different, places = np.unique(other, return_inverse=True)
        least = np.array([self.least(int(value)) for value in different])
        reached: Flags = rising >= least[places]
        return reached

    def least(self, other: int) -> int:
        """Return the least number that refutes; one more than there can be where none does."""
        if other not in self._least:
            self._guess = self._least[other] = self._search(other)
        return self._least[other]

    def _search(self, other: int) -> int:
        # Neighbours have nearly the same answer: the steps widen from there.
        short, enough = -1, self._most(other) + 1
        place, step = min(max(self._guess, 0), enough - 1), 1
        while enough - short > 1:
            if self._p_value(place, other) <= self._level:
                enough = place
                place -= step
            else:
                short = place
                place += step
            step *= 2
            if not short < place < enough:
                place = (short + enough) // 2
        return enough


class Design(ABC):
    """How n examples become a figure; an outcome is what one example can come to.

    Attributes:
        n: Examples.
        values: The value of each outcome, shape (k,).
        edge: Values lie in [-edge, edge].
    """

    values: Floats
    edge: float

    def __init__(self, n: int) -> None:
        self.n = n

    @cached_property
    def looks(self) -> list[int]:
        """After how many examples a sequential verdict is looked at."""
        return looks(self.n)

    @abstractmethod
    def figure(self, counts: Counts) -> Statistic:
        """Return the figure for a fixed number of examples, given counts of shape (k,)."""

    @abstractmethod
    def refuted(self, counts: Counts, limit: float, level: float, *, above: bool) -> Flags:
        """Tell whether the fixed test has a p-value of at most `level`; counts (releases, k).

        Args:
            counts: How often each outcome occurred.
            limit: Of the figure.
            level: Of the p-value.
            above: p_above; otherwise p_below.
        """

    def draw(self, rates: Floats, releases: int, rng: np.random.Generator) -> Counts:
        """Return how often each outcome has occurred by each look, (releases, looks, k)."""
        sizes = np.diff([0, *self.looks])
        drawn: Counts = rng.multinomial(sizes, rates, size=(releases, len(sizes))).cumsum(axis=1)
        return drawn

    def fixed(self, counts: Counts, limit: float, rules: Rules) -> Verdicts:
        """Return the verdicts on all n examples, given counts of shape (releases, looks, k)."""
        last = counts[:, -1]
        return Verdicts(
            self.refuted(last, limit, rules.fail_alpha, above=True),
            self.refuted(last, limit, rules.alpha, above=False),
            np.full(len(counts), self.n),
        )

    def sequential(self, counts: Counts, limit: float, rules: Rules) -> Verdicts:
        """Return the verdicts at the first look that settles them, or at the last."""
        fails = self.bet(counts, limit, 1.0) <= rules.fail_alpha
        passes = self.bet(counts, limit, -1.0) <= rules.alpha
        last, share = counts[:, -1], 1.0 - BETTING_SHARE
        fails[:, -1] |= self.refuted(last, limit, rules.fail_alpha * share, above=True)
        passes[:, -1] |= self.refuted(last, limit, rules.alpha * share, above=False)
        settled = fails | passes
        settled[:, -1] = True
        first = settled.argmax(axis=1)
        rows = np.arange(len(counts))
        return Verdicts(fails[rows, first], passes[rows, first], np.array(self.looks)[first])

    def sequential_figure(self, counts: Counts, place: int) -> Statistic:
        """Build one release's figure at a look, given its counts of shape (looks, k)."""
        return Sequential(
            values=self.values,
            counts=counts[: place + 1].astype(np.float64),
            lowest=-self.edge,
            highest=self.edge,
            horizon=self.n,
            current=self.figure(counts[place]),
            final=place == len(self.looks) - 1,
        )

    def stop(self, counts: Counts, limit: float, rules: Rules) -> tuple[Statistic, int]:
        """Look at one release until it is settled; return the figure and the examples used."""
        place = 0
        figure = self.sequential_figure(counts, place)
        while place + 1 < len(self.looks) and not is_settled(figure, limit, rules):
            place += 1
            figure = self.sequential_figure(counts, place)
        return figure, self.looks[place]

    def check_sample(self, counts: Counts, limit: float, rules: Rules) -> None:
        """Compare the first releases' verdicts with those of figures built one by one.

        Raises:
            RuntimeError: a verdict is not the package's own.
        """
        fixed, looked = self.fixed(counts, limit, rules), self.sequential(counts, limit, rules)
        for place, release in enumerate(counts[:SAMPLE]):
            stopped, size = self.stop(release, limit, rules)
            found = (int(looked.examples[place]), *_pair(looked, place), *_pair(fixed, place))
            figure = self.figure(release[-1])
            own = (size, *_sides(stopped, limit, rules), *_sides(figure, limit, rules))
            if found != own:
                raise RuntimeError(f"release {release[-1]} of n = {self.n}: {found}, not {own}")

    def bet(self, counts: Counts, limit: float, sign: float) -> Floats:
        """Return the p-values of betting at each look, as `Sequential` has them."""
        flat = counts.reshape(-1, counts.shape[-1]).astype(np.float64)
        wealth = log_wealth(sign * self.values, flat, sign * limit, -self.edge, self.n)
        most = np.maximum.accumulate(wealth.reshape(counts.shape[:2]), axis=1)
        p_values: Floats = np.exp(-np.maximum(0.0, most)) / BETTING_SHARE
        return p_values


class Paired(Design):
    """The drop over the same examples; outcomes are a gain, nothing and a loss."""

    values = np.array([-1.0, 0.0, 1.0])
    edge = 1.0

    @staticmethod
    def rates(discordance: float, drop: float) -> Floats:
        """Return the outcomes' rates."""
        return np.array([(discordance - drop) / 2, 1.0 - discordance, (discordance + drop) / 2])

    def figure(self, counts: Counts) -> Statistic:
        """Return the exact paired difference."""
        return PairedDifference(int(counts[2]), int(counts[0]), self.n)

    def refuted(self, counts: Counts, limit: float, level: float, *, above: bool) -> Flags:
        """Look the critical number of losses, or of gains, up."""
        gained, lost = counts[:, 0], counts[:, 2]
        frontier = _paired_frontier(self.n, limit, level, above=above)
        return frontier.reached(lost, gained) if above else frontier.reached(gained, lost)


class Unpaired(Design):
    """The drop between two sets of n examples; outcomes are right/right, r/w, w/r and w/w."""

    values = np.array([0.0, 1.0, -1.0, 0.0])
    edge = 1.0

    @staticmethod
    def rates(accuracy: float, drop: float) -> Floats:
        """Return the outcomes' rates, given the accuracy in distribution."""
        first, second = accuracy, accuracy - drop
        return np.array([first * second, first * (1 - second), (1 - first) * second,
                         (1 - first) * (1 - second)])  # fmt: skip

    def figure(self, counts: Counts) -> Statistic:
        """Return the exact difference of independent shares."""
        return UnpairedDifference(
            int(counts[0] + counts[1]), self.n, int(counts[0] + counts[2]), self.n
        )

    def refuted(self, counts: Counts, limit: float, level: float, *, above: bool) -> Flags:
        """Look the critical number of right answers up."""
        first, second = counts[:, 0] + counts[:, 1], counts[:, 0] + counts[:, 2]
        frontier = _unpaired_frontier(self.n, limit, level, above=above)
        return frontier.reached(first, second) if above else frontier.reached(second, first)


class Relative(Design):
    """How much more one model drops than another; outcomes are the values -2 to 2."""

    values = np.array([-2.0, -1.0, 0.0, 1.0, 2.0])
    edge = 2.0

    def __init__(self, n: int) -> None:
        super().__init__(n)
        self._known: dict[Any, tuple[float, float]] = {}

    @staticmethod
    def rates(candidate: Floats, baseline: Floats) -> Floats:
        """Return the outcomes' rates of independent models, given each one's `Paired.rates`."""
        return np.convolve(candidate, baseline[::-1])

    def figure(self, counts: Counts) -> Statistic:
        """Return the mean difference: exact where no value is +-2, else by the bootstrap."""
        return mean_difference(np.repeat(self.values, counts))

    def refuted(self, counts: Counts, limit: float, level: float, *, above: bool) -> Flags:
        """Compute the p-values once for equal counts."""
        found = np.array([self._p_values(tuple(row), limit)[0 if above else 1]
                          for row in counts.tolist()])  # fmt: skip
        reached: Flags = found <= level
        return reached

    def _p_values(self, counts: tuple[int, ...], limit: float) -> tuple[float, float]:
        key = (counts, limit)
        if key not in self._known:
            figure = self.figure(np.array(counts))
            self._known[key] = figure.p_above(limit), figure.p_below(limit)
        return self._known[key]


@cache
def _paired_frontier(n: int, limit: float, level: float, *, above: bool) -> Frontier:
    def p_value(rising: int, other: int) -> float:
        if above:
            return PairedDifference(rising, other, n).p_above(limit)
        return PairedDifference(other, rising, n).p_below(limit)

    return Frontier(p_value, lambda other: n - other, level)


@cache
def _unpaired_frontier(n: int, limit: float, level: float, *, above: bool) -> Frontier:
    def p_value(rising: int, other: int) -> float:
        if above:
            return UnpairedDifference(rising, n, other, n).p_above(limit)
        return UnpairedDifference(other, n, rising, n).p_below(limit)

    return Frontier(p_value, lambda _: n, level)


def _pair(verdicts: Verdicts, place: int) -> tuple[bool, bool]:
    return bool(verdicts.fails[place]), bool(verdicts.passes[place])


def _sides(figure: Statistic, limit: float, rules: Rules) -> tuple[bool, bool]:
    return figure.p_above(limit) <= rules.fail_alpha, figure.p_below(limit) <= rules.alpha


def table(corner: str, columns: list[str], rows: list[tuple[str, list[str]]]) -> str:
    """Return a Markdown table."""
    cells = [[corner, *columns], *([name, *row] for name, row in rows)]
    widths = [max(len(row[place]) for row in cells) for place in range(len(cells[0]))]
    lines = ["| " + " | ".join(c.rjust(w) for c, w in zip(row, widths, strict=True)) + " |"
             for row in cells]  # fmt: skip
    lines.insert(1, "|" + "|".join("-" * (width + 1) + ":" for width in widths) + "|")
    return "\n".join(lines)
