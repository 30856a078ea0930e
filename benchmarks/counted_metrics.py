"""Shows how often verdicts by micro-F1 are wrong, of entities and of sets of labels.

    python benchmarks/counted_metrics.py --write docs/statistics.md

A release has n texts before and under a shift. The number of entities, or labels, of a text is
random; each is found with one chance before the shift and with a smaller one under it, and others
are found that are not there. So the true drop of micro-F1 is known exactly, and it is the budget: a
fail or a pass is then an error, and may occur in at most 5 % of releases. The script ends with
status 1 where it occurs more often, by more than three standard errors of the simulation.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from _tables import conclude, put

from pytest_ood.budgets import Rules, judge_at_most
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import estimators
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.tasks import Prediction
from pytest_ood.tasks.multi_label import MultiLabel
from pytest_ood.tasks.named_entities import NamedEntities
from pytest_ood.trials.trial import Trial

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.tasks import Task

ALPHA = 0.05
TOLERANCE = 3.0
SIZES = (30, 100, 300)
BEFORE, AFTER = 0.85, 0.72
"""The chance that something which is there is found."""
SPURIOUS = 0.15
"""The mean number of things in a text that are found and are not there."""
MOST = 6
"""The most things that a text has, and that are found in it by mistake."""
CLASSES = tuple(f"label{n}" for n in range(2 * MOST))


@dataclass(frozen=True)
class World:
    """Where releases come from.

    Attributes:
        kind: "entities" or "sets of labels".
        n: Texts on either side.
        per_text: The mean number of things in a text; few texts have any where it is small.
        paired: Whether both sides are the same texts.
    """

    kind: str
    n: int
    per_text: float
    paired: bool

    @property
    def task(self) -> Task:
        """The task whose metric is simulated."""
        if self.kind == "entities":
            return NamedEntities(("PER",))
        return MultiLabel(CLASSES)

    @property
    def budget(self) -> float:
        """The true drop: micro-F1 is 2 found / (there + all that is found), in the mean."""
        drawn = np.random.default_rng(0).poisson(self.per_text, 10**6)
        there = float(np.minimum(drawn, MOST).mean())

        def f1(chance: float) -> float:
            """Return micro-F1 where each thing is found with a chance."""
            return 2 * there * chance / (there + there * chance + SPURIOUS)

        return f1(BEFORE) - f1(AFTER)

    def release(self, rng: np.random.Generator) -> Trial:
        """Draw the answers of a release."""
        truths = self._counts(rng)
        luck = rng.random((self.n, MOST))
        before = self._side(truths, luck < BEFORE, rng)
        if not self.paired:
            truths, luck = self._counts(rng), rng.random((self.n, MOST))
        else:
            # Most of what is found before is found under the shift, too.
            anew = rng.random((self.n, MOST)) < 0.2  # noqa: PLR2004 - a share of this world
            luck = np.where(anew, rng.random((self.n, MOST)), luck)
        after = self._side(truths, luck < AFTER, rng)
        return Trial(
            paired=self.paired, drawn=self.n, before=before, after=after, originals=None, shifted=()
        )

    def _counts(self, rng: np.random.Generator) -> NDArray[np.int64]:
        return np.minimum(rng.poisson(self.per_text, self.n), MOST)

    def _side(
        self, counts: NDArray[np.int64], found: NDArray[np.bool_], rng: np.random.Generator
    ) -> Outcomes:
        extra = np.minimum(rng.poisson(SPURIOUS, self.n), MOST)
        rows = []
        for count, hits, wrong in zip(counts.tolist(), found, extra.tolist(), strict=True):
            right = [index for index in range(count) if hits[index]]
            truth = self._written(range(count))
            answer = self._written([*right, *range(MOST, MOST + wrong)])
            rows.append((truth, Prediction(answer), float(truth == answer)))
        return Outcomes((), np.arange(self.n), GradedAnswers.of(rows))

    def _written(self, things: Sequence[int]) -> str:
        """Write what is there, or what is found, as an answer."""
        if self.kind != "entities":
            return json.dumps([CLASSES[index] for index in things], separators=(",", ":"))
        spans: list[dict[str, Any]] = [
            {"start": 10 * index, "end": 10 * index + 4, "label": "PER", "text": "name"}
            for index in things
        ]
        return json.dumps(spans)


def verdicts(world: World, releases: int) -> tuple[float, float]:
    """Return how many of the releases fail and pass, at a budget that is their true drop."""
    seeds = [*world.kind.encode(), world.n, round(100 * world.per_text), world.paired]
    rng = np.random.default_rng(seeds)
    task, rules, budget = world.task, Rules(ALPHA), world.budget
    counts = {"fail": 0, "pass": 0}
    for _ in range(releases):
        try:
            drop = estimators.drop_statistic([world.release(rng)], task.headline, task)
        except NotApplicableError:
            continue
        verdict = judge_at_most(drop, budget, rules, "texts").verdict
        if verdict in counts:
            counts[verdict] += 1
    return counts["fail"] / releases, counts["pass"] / releases


def main() -> int:
    """Simulate, print the table, and tell whether verdicts are wrong too often."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--releases", type=int, default=1_000, help="in each cell")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES, help="texts")
    parser.add_argument("--write", type=Path, help="put the table into this file")
    options = parser.parse_args()
    error = math.sqrt(ALPHA * (1 - ALPHA) / options.releases)
    lines = [
        f"{options.releases:,} releases a cell; false fails / false passes in %, at most 5 allowed",
        "",
        "| micro-F1 of | a text has | | " + " | ".join(f"{n} texts" for n in options.sizes) + " |",
        "|---|---|---|" + "---|" * len(options.sizes),
    ]
    missed = []
    for kind, per_text, paired in product(
        ("entities", "sets of labels"), (0.3, 1.2), (True, False)
    ):
        cells = []
        for n in options.sizes:
            fails, passes = verdicts(World(kind, n, per_text, paired), options.releases)
            cells.append(f"{100 * fails:.1f} / {100 * passes:.1f}")
            if max(fails, passes) > ALPHA + TOLERANCE * error:
                missed.append(f"{kind}, {per_text} a text, paired {paired}, {n} texts: {cells[-1]}")
            print(kind, per_text, paired, n, cells[-1], file=sys.stderr, flush=True)
        side = "the same texts" if paired else "other texts"
        lines.append(f"| {kind} | {per_text} | {side} | {' | '.join(cells)} |")
    text = "\n".join(lines)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return conclude(missed)


if __name__ == "__main__":
    sys.exit(main())
