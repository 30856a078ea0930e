"""Shows how many model calls stopping early saves, and what it costs, around the budget.

Releases of a known true drop are judged twice at the same error rates: on all n examples, and batch
by batch with `sequential`. Saved is the share of examples, and so of model calls, that are never
asked about; settled is the share of releases that pass or fail. The script ends with status 1 if
less than half is saved where the true drop is 3 points or more from the budget, at n = 2000 and a
discordance of up to 10 %.

    python benchmarks/sequential_savings.py

Takes about three minutes on two cores.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from multiprocessing import Pool

import numpy as np
from _releases import PROCESSES, Design, Paired, Unpaired, Verdicts, table

from pytest_ood.budgets import Rules

ALPHA = 0.05
BUDGET = 0.05
DISTANCES = (-0.10, -0.05, -0.03, -0.02, -0.01, 0.0, 0.01, 0.02, 0.03, 0.05, 0.10)
SIZES = (300, 500, 1000, 2000)
DISCORDANCES = (0.05, 0.10, 0.20)
ACCURACY = 0.85
FAMILY = 40

CLAIM_SIZE, CLAIM_DISCORDANCE, CLAIM_DISTANCE, CLAIM = 2000, 0.10, 0.03, 0.5
ROUNDING = 1e-9


@dataclass(frozen=True)
class Task:
    """Releases of one kind.

    Attributes:
        n: Examples.
        discordance: The share of answers that change; 0 for a domain shift.
        distance: The true drop minus the budget.
        gates: Of the run.
        releases: How many.
        seed: Of the whole script.
    """

    n: int
    discordance: float
    distance: float
    gates: int
    releases: int
    seed: int

    @property
    def drop(self) -> float:
        """The true drop."""
        return BUDGET + self.distance

    @property
    def is_possible(self) -> bool:
        """Whether so few changed answers can make such a drop."""
        if not self.discordance:
            return 0.0 <= ACCURACY - self.drop <= 1.0
        return abs(self.drop) <= self.discordance + ROUNDING

    @property
    def is_claimed(self) -> bool:
        """Whether half of the calls have to be saved."""
        return (
            self.gates == 1
            and self.n == CLAIM_SIZE
            and 0.0 < self.discordance <= CLAIM_DISCORDANCE + ROUNDING
            and abs(self.distance) >= CLAIM_DISTANCE - ROUNDING
        )


@dataclass(frozen=True)
class Outcome:
    """What became of them.

    Attributes:
        task: Which releases.
        saved: The share of examples not asked about.
        settled: The share that passes or fails, batch by batch.
        settled_fixed: The share that passes or fails on all n.
        wrong: The share that passes or fails on the wrong side, batch by batch; exactly at the
            budget, where both verdicts are wrong, the more frequent one.
        wrong_fixed: The same on all n.
    """

    task: Task
    saved: float
    settled: float
    settled_fixed: float
    wrong: float
    wrong_fixed: float


def main() -> int:
    """Run the simulations and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--releases", type=int, default=2_000, help="in each cell")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sizes", type=int, nargs="+", choices=SIZES, default=SIZES, help="n")
    arguments = parser.parse_args()
    tasks = [
        task
        for gates in (1, FAMILY)
        for discordance in (*DISCORDANCES, 0.0)
        for n in arguments.sizes
        for distance in DISTANCES
        if (
            task := Task(n, discordance, distance, gates, arguments.releases, arguments.seed)
        ).is_possible
    ]
    outcomes = []
    with Pool(PROCESSES) as pool:
        for done, outcome in enumerate(pool.imap(judge, tasks), start=1):
            outcomes.append(outcome)
            print(f"{done}/{len(tasks)}", file=sys.stderr, flush=True)
    print(
        f"# What sequential verdicts save: budget {100 * BUDGET:g} points, alpha = "
        f"{100 * ALPHA:g} %, {arguments.releases:,} releases a cell\n\n"
        "Cells: calls saved % (settled batch by batch % / on all n %). Columns: true drop minus "
        "budget, points.\n"
    )
    for gates in (1, FAMILY):
        for discordance in (*DISCORDANCES, 0.0):
            chosen = [
                o for o in outcomes if (o.task.gates, o.task.discordance) == (gates, discordance)
            ]
            print_table(chosen)
    claimed = [o for o in outcomes if o.task.is_claimed]
    if not claimed:
        return 0
    print_claim(claimed)
    least = min(claimed, key=lambda o: o.saved)
    holds = least.saved >= CLAIM
    print(
        f"At least half is saved at n = {CLAIM_SIZE}, discordance up to "
        f"{100 * CLAIM_DISCORDANCE:g} %, {100 * CLAIM_DISTANCE:g} points or more from the budget: "
        f"{'yes' if holds else 'no'}; least {100 * least.saved:.1f} % (discordance "
        f"{100 * least.task.discordance:g} %, {100 * least.task.distance:+g} points)."
    )
    return int(not holds)


def judge(task: Task) -> Outcome:
    """Judge a cell's releases both ways."""
    design: Design
    if task.discordance:
        design, rates = Paired(task.n), Paired.rates(task.discordance, task.drop)
    else:
        design, rates = Unpaired(task.n), Unpaired.rates(ACCURACY, task.drop)
    rates = np.maximum(rates, 0.0)
    rules = Rules(alpha=ALPHA, gates=task.gates)
    place = [SIZES.index(task.n), DISTANCES.index(task.distance), round(100 * task.discordance)]
    rng = np.random.default_rng([task.seed, *place])
    counts = design.draw(rates / rates.sum(), task.releases, rng)
    design.check_sample(counts, BUDGET, rules)
    fixed, looked = design.fixed(counts, BUDGET, rules), design.sequential(counts, BUDGET, rules)
    return Outcome(
        task,
        1.0 - float(looked.examples.mean()) / task.n,
        float((looked.passes | looked.fails).mean()),
        float((fixed.passes | fixed.fails).mean()),
        wrong_share(looked, task.distance),
        wrong_share(fixed, task.distance),
    )


def wrong_share(verdicts: Verdicts, distance: float) -> float:
    """Return how often a verdict is on the wrong side."""
    fails, passes = float(verdicts.fails.mean()), float(verdicts.passes.mean())
    if distance == 0.0:
        return max(fails, passes)
    return passes if distance > 0.0 else fails


def print_table(outcomes: list[Outcome]) -> None:
    """Print the cells of one discordance, by examples and distance."""
    task = outcomes[0].task
    kind = (
        f"Paired, discordance {100 * task.discordance:g} %"
        if task.discordance
        else f"Unpaired (domain shift), {100 * ACCURACY:g} % right in distribution"
    )
    among = "" if task.gates == 1 else f", one of {task.gates} gates"
    print(f"## {kind}{among}\n")
    distances = [d for d in DISTANCES if any(o.task.distance == d for o in outcomes)]
    cells = {(o.task.n, o.task.distance): o for o in outcomes}
    rows = []
    for n in sorted({o.task.n for o in outcomes}):
        shown = [cells[n, distance] for distance in distances]
        rows.append((str(n), [
            f"{100 * o.saved:.0f} ({100 * o.settled:.0f}/{100 * o.settled_fixed:.0f})"
            for o in shown
        ]))  # fmt: skip
    print(table("n", [f"{100 * distance:+g}" for distance in distances], rows) + "\n")
    wrong, wrong_fixed = max(o.wrong for o in outcomes), max(o.wrong_fixed for o in outcomes)
    print(
        f"On the wrong side, in the worst cell: {100 * wrong:.1f} % batch by batch, "
        f"{100 * wrong_fixed:.1f} % on all n.\n"
    )


def print_claim(outcomes: list[Outcome]) -> None:
    """Print for each cell of the claim whether half is saved."""
    print(f"## At least half saved: n = {CLAIM_SIZE}, {100 * CLAIM_DISTANCE:g} points or more\n")
    rows = [
        (
            f"{100 * o.task.discordance:g} %, {100 * o.task.distance:+g}",
            [f"{100 * o.saved:.1f} %", "yes" if o.saved >= CLAIM else "no"],
        )
        for o in outcomes
    ]
    print(table("discordance, distance", ["saved", "half"], rows) + "\n")


if __name__ == "__main__":
    sys.exit(main())
