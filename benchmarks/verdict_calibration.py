"""Shows that releases exactly at their budget fail, or pass, no more often than they may.

A release whose true drop is the budget itself is the hardest case of both errors: a fail is false
because the budget is kept, and a pass claims a drop below what it is. At level alpha = 0.05 each
may happen to at most 5 % of such releases, whatever the number of examples and however seldom
answers change. The script simulates them cell by cell, prints both shares, marks with "!" those
above alpha by more than three standard errors of the simulation, and ends with status 1 if there
are any.

    python benchmarks/verdict_calibration.py
    python benchmarks/verdict_calibration.py --design paired --full --releases 100000

Accuracy, whose tests depend on a few counts, is simulated fast and in detail. The design `metrics`
has every metric that a budget may name, with rare labels, compared models, several seeds, worst
cases and floors; each of its releases is a run's own figures and verdict, and takes a thousand
times as long.

    python benchmarks/verdict_calibration.py --design metrics --metric-releases 200 --sizes 30 100

A cell of a table reads "fails % / passes %". Takes about ten minutes on two cores without the
metrics.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from dataclasses import dataclass
from multiprocessing import Pool
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from _releases import PROCESSES, Paired, Relative, Unpaired, Verdicts, table

sys.path.append(str(Path(__file__).parent.parent / "tests" / "simulations"))

from metric_releases import World, worlds
from metric_releases import simulate as simulate_releases

from pytest_ood.budgets import Rules
from pytest_ood.metrics import SCORE
from pytest_ood.statistics import adjusted, single_step
from pytest_ood.statistics.proportions import PairedDifference
from pytest_ood.statistics.sequential import BETTING_SHARE

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from _releases import Counts, Design, Floats
    from metric_releases import Share as MetricShare

    from pytest_ood.statistics import Correction

ALPHA = 0.05
TOLERANCE = 3.0
"""Standard errors of the simulation that a share may lie above alpha."""

SIZES = (50, 100, 200, 500, 1000, 2000)
DISCORDANCES = (0.02, 0.05, 0.10, 0.20, 0.30)
BUDGETS = (0.0, 0.01, 0.03, 0.05, 0.10)
UNPAIRED_BUDGETS = (0.0, 0.05, 0.10)
ACCURACY = 0.85
MARGIN = 0.02
BASELINE_DROP = 0.03

GATES, GATE_SIZE, GATE_DISCORDANCE, GATE_BUDGET, BROKEN_DROP = 40, 300, 0.10, 0.03, 0.08
RUNS_AT_ONCE = 250

DESIGNS = ("paired", "unpaired", "relative", "family", "metrics")
METRIC_SIZES = (15, 30, 50, 100, 300, 1000)
WAYS = ("fixed n", "sequential")


@dataclass(frozen=True)
class Task:
    """What one process simulates at a time: a number of releases, judged both ways.

    Attributes:
        design: One of DESIGNS.
        n: Examples.
        discordance: The share of answers that change; 0 where it does not apply.
        budget: And true drop; the margin where two models are compared.
        releases: How many.
        seed: Of the whole script.
    """

    design: str
    n: int
    discordance: float
    budget: float
    releases: int
    seed: int

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this cell alone, so that a part of the script repeats the whole's."""
        shares = [round(1000 * self.discordance), round(1000 * self.budget)]
        return np.random.default_rng([self.seed, DESIGNS.index(self.design), self.n, *shares])


@dataclass(frozen=True)
class Share:
    """How often something false happened.

    Attributes:
        value: The share.
        error: Its standard error in the simulation, if the true share were alpha.
        checked: It has to be at most alpha.
    """

    value: float
    error: float
    checked: bool = True

    @property
    def is_too_large(self) -> bool:
        """Whether it is above alpha by more than the simulation's noise."""
        return self.checked and self.value > ALPHA + TOLERANCE * self.error

    def __str__(self) -> str:
        return f"{100 * self.value:.2f}{'!' if self.is_too_large else ''}"


@dataclass(frozen=True)
class Cell:
    """What a task came to, one way of judging."""

    task: Task
    way: str
    fails: Share
    passes: Share


@dataclass(frozen=True)
class Family:
    """What a run of many gates came to under a procedure.

    Attributes:
        task: The runs.
        way: One of WAYS.
        procedure: How p-values are taken together.
        any_false: The share of runs with any false fail, all gates at the budget.
        false_share: The mean share of false ones among a run's fails, half of the gates broken.
        found: The share of broken gates that fail.
    """

    task: Task
    way: str
    procedure: str
    any_false: Share
    false_share: Share
    found: float


def main() -> int:
    """Run the simulations and print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--releases", type=int, default=10_000, help="in each cell")
    parser.add_argument("--design", choices=DESIGNS, help="only this one")
    parser.add_argument("--full", action="store_true", help="every budget, not only the worst")
    parser.add_argument("--seed", type=int, default=1, help="of the designs of accuracy")
    parser.add_argument("--metric-releases", type=int, default=1_000, help="in each cell by metric")
    parser.add_argument("--metrics", nargs="+", default=(), help="only these, such as macro-f1")
    parser.add_argument("--sizes", type=int, nargs="+", default=METRIC_SIZES, help="by metric")
    parser.add_argument("--counts", type=int, nargs="+", choices=SIZES, default=SIZES,
                        help="examples, by counts")  # fmt: skip
    arguments = parser.parse_args()
    designs = [arguments.design] if arguments.design else list(DESIGNS)
    too_large = 0
    if "metrics" in designs:
        too_large = simulate_metrics(arguments.sizes, arguments.metric_releases, arguments.metrics)
        designs.remove("metrics")
    return simulate_accuracy(arguments, designs) + too_large > 0 if designs else too_large > 0


def simulate_accuracy(arguments: argparse.Namespace, designs: Sequence[str]) -> int:
    """Simulate what depends on counts alone, print it, and return how many shares are too large."""
    work = [task for name in designs for task in tasks(name, arguments)]
    # The long ones first, so that no process is left alone with one.
    work.sort(key=lambda task: (task.design != "family", task.design != "relative", -task.n))
    cells: list[Cell] = []
    families: list[Family] = []
    start = time.monotonic()
    with Pool(PROCESSES) as pool:
        for done, (found, together) in enumerate(pool.imap_unordered(simulate, work), start=1):
            cells += found
            families += together
            minutes = (time.monotonic() - start) / 60
            print(f"{done}/{len(work)} after {minutes:.1f} min", file=sys.stderr, flush=True)
    print(f"# False verdicts exactly at the budget, alpha = {100 * ALPHA:g} %\n")
    worst = []
    for name in designs:
        for way in WAYS:
            chosen = [cell for cell in cells if (cell.task.design, cell.way) == (name, way)]
            if chosen:
                print_table(name, way, chosen, full=arguments.full)
                worst.append(worst_line(name, way, chosen))
    if families:
        print_families(families)
        worst += [worst_family(families, way) for way in WAYS]
    shares = [share for cell in cells for share in (cell.fails, cell.passes)]
    shares += [share for family in families for share in (family.any_false, family.false_share)]
    violated = sum(share.is_too_large for share in shares)
    checked = sum(share.checked for share in shares)
    print("\n".join(["Worst cells:", "", *worst, ""]))
    print(f"{violated} of {checked} shares are above alpha by more than {TOLERANCE:g} standard "
          "errors of the simulation.")  # fmt: skip
    return violated


def simulate_metrics(sizes: Sequence[int], releases: int, only: Collection[str]) -> int:
    """Simulate every metric, or only some; print it, and return how many shares are too large."""
    work = [(world, releases) for world in worlds(sizes) if not only or world.metric in only]
    found = []
    start = time.monotonic()
    with Pool(PROCESSES) as pool:
        for done, share in enumerate(pool.imap_unordered(simulate_world, work), start=1):
            found.append(share)
            minutes = (time.monotonic() - start) / 60
            print(
                f"metrics: {done}/{len(work)} after {minutes:.1f} min", file=sys.stderr, flush=True
            )
    error = math.sqrt(ALPHA * (1.0 - ALPHA) / releases)
    shares = {
        share.world: (Share(share.fails, error), Share(share.passes, error)) for share in found
    }
    print(f"## By metric: {releases:,} releases a cell\n")
    print("Columns: n. Of the settings of a row, such as 5 and 20 examples of the rare label, the "
          "worst.\n")  # fmt: skip
    rows = []
    names = dict.fromkeys(map(row_of, (world for world, _ in work)))
    for name in names:
        row = []
        for n in sizes:
            cells = [pair for w, pair in shares.items() if row_of(w) == name and w.n == n]
            worst = [
                max(column, key=lambda share: share.value) for column in zip(*cells, strict=True)
            ]
            row.append(" / ".join(map(str, worst)))
        rows.append((name, row))
    print(table("metric", [str(n) for n in sizes], rows) + "\n")
    checked = [share for pair in shares.values() for share in pair]
    violated = sum(share.is_too_large for share in checked)
    print(f"{violated} of {len(checked)} shares are above alpha by more than {TOLERANCE:g} "
          "standard errors of the simulation.\n")  # fmt: skip
    return violated


def simulate_world(work: tuple[World, int]) -> MetricShare:
    """Simulate the releases of one world."""
    return simulate_releases(*work)


def row_of(world: World) -> str:
    """Name the row of a world."""
    kind = "" if world.metric == SCORE else ", paired" if world.paired else ", other examples"
    if world.loss == "worst case":
        kind = f", worst of {world.perturbations} perturbations"
    compared = "" if world.comparison == "one model" else f", {world.comparison}"
    return f"{world.metric}{kind}{compared}{', sequential' if world.sequential else ''}"


def tasks(design: str, arguments: argparse.Namespace) -> list[Task]:
    """Return a design's cells."""
    sizes = arguments.counts
    if design == "paired":
        cells = [(n, share, budget) for n in sizes for share in DISCORDANCES
                 for budget in BUDGETS if budget <= share]  # fmt: skip
    elif design == "unpaired":
        cells = [(n, 0.0, budget) for n in sizes for budget in UNPAIRED_BUDGETS]
    elif design == "relative":
        cells = [(n, share, MARGIN) for n in sizes for share in DISCORDANCES]
    else:
        cells = [(GATE_SIZE, GATE_DISCORDANCE, GATE_BUDGET)]
    return [Task(design, *cell, arguments.releases, arguments.seed) for cell in cells]


def simulate(task: Task) -> tuple[list[Cell], list[Family]]:
    """Simulate the releases of a cell and judge them."""
    if task.design == "family":
        return [], simulate_families(task)
    design: Design
    if task.design == "paired":
        design, rates = Paired(task.n), Paired.rates(task.discordance, task.budget)
    elif task.design == "unpaired":
        design, rates = Unpaired(task.n), Unpaired.rates(ACCURACY, task.budget)
    else:
        design = Relative(task.n)
        # A model cannot drop by more than the share of its answers that change.
        other = min(BASELINE_DROP, task.discordance - MARGIN)
        rates = Relative.rates(
            Paired.rates(task.discordance, other + MARGIN), Paired.rates(task.discordance, other)
        )
    # Rounding can leave a rate of -1e-18 where there are no gains.
    rates = np.maximum(rates, 0.0)
    rules = Rules(alpha=ALPHA)
    counts = design.draw(rates / rates.sum(), task.releases, task.rng)
    design.check_sample(counts, task.budget, rules)
    judged = (design.fixed(counts, task.budget, rules),
              design.sequential(counts, task.budget, rules))  # fmt: skip
    return [cell(task, way, verdicts) for way, verdicts in zip(WAYS, judged, strict=True)], []


def cell(task: Task, way: str, verdicts: Verdicts) -> Cell:
    """Count the false verdicts."""
    error = math.sqrt(ALPHA * (1.0 - ALPHA) / task.releases)
    return Cell(task, way, Share(float(verdicts.fails.mean()), error),
                Share(float(verdicts.passes.mean()), error))  # fmt: skip


def simulate_families(task: Task) -> list[Family]:
    """Simulate runs of many gates, under each procedure."""
    procedures: dict[str, Correction] = {
        "Holm": "holm", "Bonferroni, single step": "holm",
        "Benjamini-Hochberg": "benjamini-hochberg", "none": "none",
    }  # fmt: skip
    keys = [(way, procedure) for way in WAYS for procedure in procedures]
    any_false: dict[tuple[str, str], list[bool]] = {key: [] for key in keys}
    false_shares: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    found: dict[tuple[str, str], list[float]] = {key: [] for key in keys}
    design, rng = Paired(task.n), task.rng
    half = GATES // 2
    kept, broken = (Paired.rates(task.discordance, drop) for drop in (task.budget, BROKEN_DROP))
    known: dict[tuple[int, int], float] = {}
    for start in range(0, task.releases, RUNS_AT_ONCE):
        runs = min(RUNS_AT_ONCE, task.releases - start)
        good = design.draw(kept, runs * GATES, rng)
        bad = design.draw(broken, runs * half, rng)
        for way, procedure in keys:
            correction = procedures[procedure]
            rules = Rules(alpha=ALPHA, correction=correction, gates=GATES)
            judge = fixed_p_values if way == WAYS[0] else stopped_p_values
            p_good = judge(design, good, rules, known).reshape(runs, GATES)
            p_bad = judge(design, bad, rules, known).reshape(runs, half)
            for mine, others in zip(p_good, p_bad, strict=True):
                fails = failing(procedure, correction, mine)
                any_false[way, procedure].append(bool(fails.any()))
                mixed = failing(procedure, correction, np.append(mine[:half], others))
                wrong = float(mixed[:half].sum())
                false_shares[way, procedure].append(wrong / max(1.0, float(mixed.sum())))
                found[way, procedure].append(float(mixed[half:].mean()))
    error = math.sqrt(ALPHA * (1.0 - ALPHA) / task.releases)
    return [
        Family(
            task,
            *key,
            # With every gate at the budget, any fail is false, and BH holds that to alpha as well.
            Share(float(np.mean(any_false[key])), error, key[1] != "none"),
            Share(
                float(np.mean(false_shares[key])),
                float(np.std(false_shares[key])) / math.sqrt(task.releases),
                key[1] != "none",
            ),
            float(np.mean(found[key])),
        )
        for key in keys
    ]


def fixed_p_values(
    design: Design, counts: Counts, rules: Rules, known: dict[tuple[int, int], float]
) -> Floats:
    """Return p_above(budget) on all examples, computed once for equal counts."""
    del rules
    pairs = [(lost, gained) for gained, _, lost in counts[:, -1].tolist()]
    for lost, gained in set(pairs) - set(known):
        figure = PairedDifference(lost, gained, design.n)
        known[lost, gained] = figure.p_above(GATE_BUDGET)
    return np.array([known[pair] for pair in pairs])


def stopped_p_values(
    design: Design, counts: Counts, rules: Rules, known: dict[tuple[int, int], float]
) -> Floats:
    """Return p_above(budget) at the look at which each gate stopped, as `Sequential` has it."""
    verdicts = design.sequential(counts, GATE_BUDGET, rules)
    rows, place = np.arange(len(counts)), np.searchsorted(design.looks, verdicts.examples)
    bet = design.bet(counts, GATE_BUDGET, 1.0)[rows, place]
    fixed = fixed_p_values(design, counts, rules, known) / (1.0 - BETTING_SHARE)
    last = place == len(design.looks) - 1
    p_values: Floats = np.minimum(1.0, np.where(last, np.minimum(bet, fixed), bet))
    return p_values


def failing(procedure: str, correction: Correction, p_values: Floats) -> np.ndarray:
    """Return which gates of a run fail."""
    if procedure.startswith("Bonferroni"):
        return p_values <= single_step(ALPHA, correction, GATES)
    found = adjusted(p_values.tolist(), correction, GATES)
    return np.array(found) <= ALPHA


def print_table(design: str, way: str, cells: Sequence[Cell], *, full: bool) -> None:
    """Print a design's cells, by examples and discordance (unpaired: budget)."""
    print(f"## {design}, {way}: {releases_of(cells)} releases a cell\n")
    budgets = sorted({cell.task.budget for cell in cells})
    if design == "unpaired":
        print(f"Accuracy in distribution {100 * ACCURACY:g} %. Columns: budget, points.\n")
        print_grid(cells, [("budget", [budget]) for budget in budgets])
    elif design == "relative":
        print(f"Margin {100 * MARGIN:g} points. Columns: discordance of each model, %.\n")
        print_grid(cells, [("discordance", [share]) for share in DISCORDANCES])
    else:
        if full:
            for budget in budgets:
                print(f"Budget {100 * budget:g} points. Columns: discordance, %.\n")
                chosen = [cell for cell in cells if cell.task.budget == budget]
                print_grid(chosen, [("discordance", [share]) for share in DISCORDANCES])
        listed = ", ".join(f"{100 * budget:g}" for budget in budgets)
        print(f"Worst of the budgets {listed} (where at most the discordance), of fails and of "
              "passes. Columns: discordance, %.\n")  # fmt: skip
        print_grid(cells, [("discordance", [share]) for share in DISCORDANCES])


def print_grid(cells: Sequence[Cell], columns: Sequence[tuple[str, list[float]]]) -> None:
    """Print the worst cell at each number of examples and column."""
    rows = []
    for n in sorted({cell.task.n for cell in cells}):
        row = []
        for key, values in columns:
            chosen = [c for c in cells if c.task.n == n and getattr(c.task, key) in values]
            fails = max((c.fails for c in chosen), key=lambda share: share.value, default=None)
            passes = max((c.passes for c in chosen), key=lambda share: share.value, default=None)
            row.append(f"{fails} / {passes}" if chosen else "")
        rows.append((str(n), row))
    names = [f"{100 * values[0]:g}" for _, values in columns]
    print(table("n", names, rows) + "\n")


def print_families(families: Sequence[Family]) -> None:
    """Print what the procedures do to a run's gates."""
    task = families[0].task
    print(f"## {GATES} gates in a run: {task.releases:,} runs\n")
    print(
        f"Independent, n = {task.n}, discordance {100 * task.discordance:g} %, budget "
        f"{100 * task.budget:g} points. Left: all of them at the budget. Right: half of them at "
        f"{100 * BROKEN_DROP:g} points. All in %; the errors of `none` are not bounded.\n"
    )
    columns = ["runs with a false fail", "false among fails", "broken gates that fail"]
    rows = [
        (f"{f.procedure}, {f.way}", [str(f.any_false), str(f.false_share), f"{100 * f.found:.1f}"])
        for f in families
    ]
    print(table("procedure", columns, rows) + "\n")


def worst_line(design: str, way: str, cells: Sequence[Cell]) -> str:
    """Say where a design errs most."""
    fails = max(cells, key=lambda cell: cell.fails.value)
    passes = max(cells, key=lambda cell: cell.passes.value)
    return (
        f"- {design}, {way}: fails {fails.fails} % ({where(fails.task)}); "
        f"passes {passes.passes} % ({where(passes.task)})"
    )


def worst_family(families: Sequence[Family], way: str) -> str:
    """Say which procedure errs most."""
    chosen = [f for f in families if f.way == way and f.any_false.checked]
    run = max(chosen, key=lambda family: family.any_false.value)
    share = max(chosen, key=lambda family: family.false_share.value)
    return (
        f"- family, {way}: runs with a false fail {run.any_false} % ({run.procedure}); "
        f"false among fails {share.false_share} % ({share.procedure})"
    )


def where(task: Task) -> str:
    """Name a cell."""
    share = f", discordance {100 * task.discordance:g} %" if task.discordance else ""
    return f"n = {task.n}{share}, budget {100 * task.budget:g}"


def releases_of(cells: Sequence[Cell]) -> str:
    """Say how many releases the cells have."""
    return " or ".join(f"{number:,}" for number in sorted({c.task.releases for c in cells}))


if __name__ == "__main__":
    sys.exit(main())
