"""Simulated releases whose answers a judge scores that errs, tested as a run tests them.

A release has answers to n examples before and under a shift, each right or wrong to people, and the
verdicts of a judge that errs with known rates. People have labelled some more answers on both
sides. `statistics.prediction_powered` computes the drop and its p-values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.statistics import paired_drop, unpaired_drop
from pytest_ood.statistics.prediction_powered import CHANGE, SHARE, Judged, Labelled, judged_drop

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from pytest_ood.statistics import Statistic

    Verdicts = NDArray[np.bool_]

RIGHT, GAINED = 0.85, 0.10
"""The share of right answers in distribution, and of wrong ones that a shift turns right."""

NAIVE, CORRECTED, LABELS = "the judge alone", "corrected", "labels alone"
METHODS = (NAIVE, CORRECTED, LABELS)

KINDS = ("same examples", "same labelled examples", "other examples", "two models")

ALPHA = 0.05


@dataclass(frozen=True)
class Errors:
    """How often a judge errs.

    Attributes:
        passes: Of wrong answers, the share that it passes.
        fails: Of right answers, the share that it fails.
    """

    passes: float
    fails: float

    def judged(self, right: Verdicts, rng: np.random.Generator) -> NDArray[np.float64]:
        """Return the judge's verdicts on answers, shape (n,)."""
        passes = np.where(right, 1.0 - self.fails, self.passes)
        return (rng.random(len(right)) < passes).astype(np.float64)


JUDGES = {
    "never errs": (Errors(0.0, 0.0), Errors(0.0, 0.0)),
    "errs 5 %": (Errors(0.05, 0.05), Errors(0.05, 0.05)),
    "errs 20 %": (Errors(0.2, 0.2), Errors(0.2, 0.2)),
    "errs 20 %, 30 % under the shift": (Errors(0.2, 0.2), Errors(0.3, 0.3)),
    "the same, but lenient there": (Errors(0.2, 0.2), Errors(0.6, 0.2)),
    "the same, but harsh there": (Errors(0.2, 0.2), Errors(0.1, 0.36)),
}
"""Judges in distribution and under the shift. One that gets lenient hides a drop."""


@dataclass(frozen=True)
class World:
    """Where releases come from.

    Attributes:
        n: Examples on either side.
        labels: Labelled answers on either side.
        judge: A name of JUDGES.
        drop: What people's verdicts drop in truth; the budget as well.
        kind: One of KINDS: whether the shift changes the same examples, whether the labelled
            answers on both sides are to the same examples, and whether two models are compared.
    """

    n: int
    labels: int
    judge: str
    drop: float = 0.05
    kind: str = KINDS[0]

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this world alone."""
        return np.random.default_rng([*f"{self.judge} {self.kind}".encode(), self.n, self.labels])


@dataclass(frozen=True)
class Share:
    """How many of the releases of a world got a verdict, in percent, by method.

    Attributes:
        passes: That pass.
        fails: That fail.
    """

    passes: dict[str, float]
    fails: dict[str, float]


def simulate(
    world: World, releases: int, *, beyond: float = 0.0, methods: tuple[str, ...] = METHODS
) -> Share:
    """Judge releases against a budget that is what they lose in truth, or that plus `beyond`."""
    passes, fails, rng = dict.fromkeys(methods, 0), dict.fromkeys(methods, 0), world.rng
    budget = world.drop + beyond
    for _ in range(releases):
        for method, statistic in _release(world, rng).items():
            if method in methods:
                passes[method] += statistic.p_below(budget) <= ALPHA
                fails[method] += statistic.p_above(budget) <= ALPHA
    return Share(
        {method: 100 * count / releases for method, count in passes.items()},
        {method: 100 * count / releases for method, count in fails.items()},
    )


def _release(world: World, rng: np.random.Generator) -> dict[str, Statistic]:
    before, after = JUDGES[world.judge]
    # The second model loses nothing, so that the difference of both drops is the drop of the first.
    drops = (world.drop, 0.0) if world.kind == "two models" else (world.drop,)
    paired = world.kind != "other examples"
    signs, changes, labelled = (1.0, -1.0), [], []
    for number, drop in enumerate(drops):
        first, last = _answers(world.n, drop, rng, paired=paired)
        judged = before.judged(first, rng), after.judged(last, rng)
        changes.append(judged)
        same = world.kind == "same labelled examples"
        human = _answers(world.labels, drop, rng, paired=same)
        ids = [f"{number}-{n}" for n in range(2 * world.labels)]
        names = (ids[: world.labels], ids[: world.labels] if same else ids[world.labels :])
        sides = [
            Labelled(right.astype(np.float64), errors.judged(right, rng), tuple(name))
            for right, errors, name in zip(human, (before, after), names, strict=True)
        ]
        labelled.append((signs[number], sides[0], sides[1]))
    judged_before, judged_after = changes[0]
    if not paired:
        parts = [Judged(1.0, judged_before, SHARE), Judged(-1.0, judged_after, SHARE)]
        naive = unpaired_drop(judged_before, judged_after)
    else:
        change = judged_before - judged_after
        naive = paired_drop(judged_before, judged_after)
        if len(changes) > 1:
            change = change - (changes[1][0] - changes[1][1])
        parts = [Judged(1.0, change, CHANGE)]
    human_drop = unpaired_drop(labelled[0][1].human, labelled[0][2].human)
    statistics: dict[str, Statistic] = {CORRECTED: judged_drop(parts, labelled, paired=paired)}
    # The other methods are for one model.
    return statistics if len(changes) > 1 else {NAIVE: naive, LABELS: human_drop, **statistics}


def _answers(
    n: int, drop: float, rng: np.random.Generator, *, paired: bool
) -> tuple[Verdicts, Verdicts]:
    """Draw which answers are right before and under a shift."""
    kept = (RIGHT - drop - (1.0 - RIGHT) * GAINED) / RIGHT
    before = rng.random(n) < RIGHT
    base = before if paired else rng.random(n) < RIGHT
    return before, rng.random(n) < np.where(base, kept, GAINED)
