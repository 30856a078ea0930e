"""Shows that a judge that errs lets no more releases pass than alpha, once it is corrected.

A release whose true drop, to people, is the budget itself may pass in at most 5 % of cases. The
script simulates such releases with judges of known error rates (tests/simulations) and prints the
shares that pass: by the judge's verdicts alone, corrected with labelled
answers, and by the labelled answers alone. Beside them stands the power: the share of releases that
pass where the budget is 10 points above what they lose. Ends with status 1 if corrected verdicts
pass or fail more often than alpha by three standard errors of the simulation.

    python benchmarks/judge_calibration.py --write docs/judges.md      # ten minutes on two cores
"""

from __future__ import annotations

import argparse
import math
import sys
from multiprocessing import Pool
from pathlib import Path

from _releases import PROCESSES
from _tables import conclude, put

sys.path.append(str(Path(__file__).parent.parent / "tests" / "simulations"))

from judged_releases import ALPHA, CORRECTED, JUDGES, KINDS, METHODS, NAIVE, Share, World, simulate

TOLERANCE, BEYOND = 3.0, 0.10
SIZES = ((100, 50), (300, 100), (500, 50), (500, 200))
ERRS = "errs 20 %, 30 % under the shift"
LENIENT = "the same, but lenient there"


def main() -> int:
    """Simulate, write the tables, and return the exit status."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--releases", type=int, default=2000, help="in each cell, at the budget")
    parser.add_argument("--power", type=int, default=400, help="in each cell, below the budget")
    parser.add_argument("--write", type=Path, help="the document that gets the tables")
    options = parser.parse_args()
    worlds = [World(*size, judge) for judge in JUDGES for size in SIZES]
    others = [World(300, 100, judge, kind=kind) for judge in (ERRS, LENIENT) for kind in KINDS[1:]]
    work = [(w, options.releases, 0.0) for w in (*worlds, *others)]
    work += [(w, options.power, BEYOND) for w in (*worlds, *others)]
    with Pool(PROCESSES) as pool:
        shares = pool.starmap(_share, work, chunksize=1)
    edge, power = shares[: len(work) // 2], shares[len(work) // 2 :]
    text = [
        "| judge | examples, labels | passes at the budget, %: judge alone | corrected | labels "
        "alone | power, %: corrected | labels alone |",
        "|---|---|---|---|---|---|---|",
    ]
    count = len(worlds)
    for world, at, below in zip(worlds, edge, power, strict=False):
        falsely = " | ".join(f"{at.passes[method]:.1f}" for method in METHODS)
        shown = " | ".join(f"{below.passes[method]:.0f}" for method in METHODS[1:])
        text.append(f"| {world.judge} | {world.n}, {world.labels} | {falsely} | {shown} |")
    text += [
        "",
        "Corrected, with 300 examples and 100 labels on each side:",
        "",
        "| judge | drop | passes at the budget, % | fails, % | power, % |",
        "|---|---|---|---|---|",
    ]
    for world, at, below in zip(others, edge[count:], power[count:], strict=True):
        text.append(
            f"| {_full(world.judge)} | {world.kind} | {at.passes[CORRECTED]:.1f} | "
            f"{at.fails[CORRECTED]:.1f} | {below.passes[CORRECTED]:.0f} |"
        )
    print("\n".join(text))
    if options.write is not None:
        put(options.write, __file__, "\n".join(text))
    most = 100 * (ALPHA + TOLERANCE * math.sqrt(ALPHA * (1 - ALPHA) / options.releases))
    missed = [
        f"{world}: {at.passes[CORRECTED]:.1f} % pass, {at.fails[CORRECTED]:.1f} % fail"
        for world, at in zip((*worlds, *others), edge, strict=True)
        if max(at.passes[CORRECTED], at.fails[CORRECTED]) > most
    ]
    if all(at.passes[NAIVE] <= most for at in edge if NAIVE in at.passes):
        missed.append("the judge alone passes no more often either, so that nothing is shown")
    return conclude(missed)


def _share(world: World, releases: int, beyond: float) -> Share:
    return simulate(world, releases, beyond=beyond)


def _full(judge: str) -> str:
    return judge.replace("the same, but", f"{ERRS}, but")


if __name__ == "__main__":
    sys.exit(main())
