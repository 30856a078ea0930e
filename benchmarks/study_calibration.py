"""Shows how often a study's intervals hold the truth, and how often its verdicts are wrong.

    python benchmarks/study_calibration.py
    python benchmarks/study_calibration.py --studies 2000 --document docs/studies.md

Effective robustness: baselines with accuracies of 70 to 90 % lie around a line on probit axes, with
a scatter on it; a model lies 5 points above. A cell is the share of 90 % intervals that hold these
5 points. Scale: sizes over four powers of ten with values on a line, or with a break in the middle,
and noise. A cell is the share of curves called log-linear / broken; the rest cannot be told.

Takes about four minutes for 300 studies a cell.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
from _tables import put
from scipy.special import ndtr, ndtri

from pytest_ood.statistics.robustness import AXES, Accuracies, effective_robustness, why_no_line
from pytest_ood.statistics.scaling import scaling

ALPHA = 0.05
ABOVE = 0.05
SLOPE, INTERCEPT = 0.9, -0.3
LEAST, MOST = 0.7, 0.9
BASELINES = (3, 4, 5, 8, 15)
SCATTERS = (0.0, 0.1)
EXAMPLES = (300, 3000)
SIZES = (7, 8, 10, 12, 20)
NOISES = (0.005, 0.02)
CURVES = {"a line": (0.08, 0.0), "a break": (0.0, 0.15)}
"""Points of 1 for ten times the size, before and added after the middle."""


def held(count: int, scatter: float, n: int, studies: int) -> tuple[float, ...]:
    """Return on each axis the share of intervals that hold the truth."""
    draw = np.random.default_rng([count, int(100 * scatter), n])
    found: Counter[str] = Counter()
    made = 0

    def measured(before: float, place: float, above: float) -> Accuracies:
        after = min(1.0, float(ndtr(INTERCEPT + SLOPE * ndtri(before) + place)) + above)
        return Accuracies(draw.binomial(n, before) / n, draw.binomial(n, after) / n, n, n)

    for _ in range(studies):
        baselines = [
            measured(before, scatter * draw.standard_normal(), 0.0)
            for before in draw.uniform(LEAST, MOST, count)
        ]
        model = measured(draw.uniform(LEAST, MOST), 0.0, ABOVE)
        if why_no_line(baselines):
            continue
        made += 1
        for axis in AXES:
            estimate = effective_robustness(model, baselines, axis, ALPHA, draw)
            found[axis] += estimate.low <= ABOVE <= estimate.high
    return tuple(found[axis] / made for axis in AXES)


def shapes(count: int, curve: str, noise: float, studies: int) -> tuple[float, float]:
    """Return the shares of curves that are called log-linear, and broken."""
    draw = np.random.default_rng([count, int(1000 * noise)])
    x = np.linspace(0.0, 4.0, count)
    before, more = CURVES[curve]
    values = 0.5 + before * x + more * np.maximum(0.0, x - 2.0)
    found = Counter(
        scaling(
            (10.0 ** (7.0 + x)).tolist(),
            (values + noise * draw.standard_normal(count)).tolist(),
            ALPHA,
        ).shape
        for _ in range(studies)
    )
    return found["log-linear"] / studies, found["broken"] / studies


def main() -> int:
    """Print both tables, or put them into a document."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--studies", type=int, default=300)
    parser.add_argument("--document", type=Path)
    options = parser.parse_args()
    heads = [f"{n:,} examples, scatter {scatter:g}" for n in EXAMPLES for scatter in SCATTERS]
    lines = [f"| baselines | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for count in BASELINES:
        cells = [
            " / ".join(f"{100 * share:.0f}" for share in held(count, scatter, n, options.studies))
            for n in EXAMPLES
            for scatter in SCATTERS
        ]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    heads = [f"{curve}, noise {100 * noise:g}" for curve in CURVES for noise in NOISES]
    lines += ["", f"| sizes | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for count in SIZES:
        cells = [
            " / ".join(
                f"{100 * share:.0f}" for share in shapes(count, curve, noise, options.studies)
            )
            for curve in CURVES
            for noise in NOISES
        ]
        lines.append(f"| {count} | {' | '.join(cells)} |")
    text = "\n".join(lines)
    if options.document is None:
        print(text)
    else:
        put(options.document, __file__, text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
