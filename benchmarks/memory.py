"""Shows what a run takes as data sets grow: peak memory, and time an example.

`pytest --ood-suite` on N short labelled texts in distribution and N of another domain, with two
noise shifts, budgets and a JSON report, in a process of its own for each N, with a cache of its
own. The model is a scikit-learn pipeline (hashed words and a logistic regression): so cheap that
what is measured is the run and not the model. `sequential = false` has every example asked about,
which is what costs most. Time is that of the processor, whatever else the machine does.

    python benchmarks/memory.py
    python benchmarks/memory.py 1000 100000 --no-cache

The script ends with status 1 if, from the last size but one to the last, peak memory or the time an
example grows by more than a fifth. A million examples take a quarter of an hour with `--no-cache`,
and with the prediction store half an hour: each 128 answers are a transaction of their own, and
the disk decides.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

from _tables import put

SIZES = (1_000, 10_000, 100_000, 300_000, 1_000_000)
TRAINED_ON = 5_000
FLAT = 1.2

SUITE = """\
labels = ["negative", "positive"]
min_score = 0.6

[in_distribution]
data = "data/reviews.jsonl"
id = "id"

[shifts.domain.messages]
data = "data/messages.jsonl"
id = "id"

[shifts.noise.lower-case]

[shifts.noise.keyboard]
severity = 2

[budgets]
domain = { max_drop = 0.10 }
noise = { max_drop = 0.10 }
"""
CONFIGURATION = """\
[tool.pytest_ood]
suites = ["suites/texts.toml"]
sequential = false

[tool.pytest_ood.models.hashed]
sklearn = "my_models:pipeline"
train = "data/train.jsonl"
"""
MODELS = """\
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline


def pipeline():
    return make_pipeline(HashingVectorizer(n_features=2**14), LogisticRegression())
"""
WORDS = {
    "positive": ("wonderful", "delightful", "brilliant", "moving", "charming"),
    "negative": ("terrible", "dreadful", "boring", "clumsy", "tedious"),
}
NOUNS = {
    "reviews": ("film", "plot", "ending", "cast", "score"),
    "messages": ("day", "trip", "meal", "phone", "concert"),
}
SLIPS = 0.1
"""The share of texts that have a word of the other label."""


@dataclass(frozen=True)
class Row:
    """What one run took.

    Attributes:
        examples: In distribution, and as many of the other domain.
        megabytes: Peak resident memory of the process.
        seconds: From start to end.
        busy: Seconds of processor time, of all cores; others on the machine do not count.
        gates: As (check, verdict).
    """

    examples: int
    megabytes: float
    seconds: float
    busy: float
    gates: tuple[tuple[str, str], ...]


def write_rows(path: Path, kind: str, count: int, seed: int) -> None:
    """Write so many labelled texts, no two of them alike, one after the other."""
    rng = Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            label = ("negative", "positive")[number % 2]
            given = label if rng.random() > SLIPS else ("positive", "negative")[number % 2]
            noun = rng.choice(NOUNS["messages" if kind == "messages" else "reviews"])
            text = f"A {rng.choice(WORDS[given])} {noun} at No {number}."
            file.write(json.dumps({"id": f"{kind}{number}", "text": text, "label": label}) + "\n")


def make_project(folder: Path, size: int) -> None:
    """Write a project with its data."""
    for name in ("data", "suites"):
        (folder / name).mkdir()
    write_rows(folder / "data" / "reviews.jsonl", "reviews", size, 1)
    write_rows(folder / "data" / "messages.jsonl", "messages", size, 2)
    write_rows(folder / "data" / "train.jsonl", "train", TRAINED_ON, 3)
    (folder / "suites" / "texts.toml").write_text(SUITE, encoding="utf-8")
    (folder / "pyproject.toml").write_text(CONFIGURATION, encoding="utf-8")
    (folder / "my_models.py").write_text(MODELS, encoding="utf-8")


def measure(size: int, options: list[str]) -> Row:
    """Run a suite on so many examples in a process of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_project(folder, size)
        command = [sys.executable, "-m", "pytest", "--ood-suite", "-q", "-p", "no:cacheprovider",
                   "--ood-cache", "cache", "--ood-report", "report.json", *options]  # fmt: skip
        started = time.perf_counter()
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(command, cwd=folder, stdout=output, stderr=output)  # noqa: S603 - pytest
            # Of this child alone: RUSAGE_CHILDREN would be the largest of all so far.
            _, status, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        if os.waitstatus_to_exitcode(status) not in (0, 1):
            raise RuntimeError((folder / "output.txt").read_text(encoding="utf-8"))
        report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
        if report["errors"]:
            raise RuntimeError(report["errors"])
        gates = tuple((e["shift"], e["verdict"]) for e in report["evaluations"])
        busy = used.ru_utime + used.ru_stime
        return Row(size, used.ru_maxrss / 1024, seconds, busy, gates)


def main() -> int:
    """Measure every size, and print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--no-cache", action="store_true", help="keep no answers between runs")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    arguments = parser.parse_args()
    rows = []
    for size in arguments.sizes or SIZES:
        rows.append(measure(size, ["--ood-no-cache"] if arguments.no_cache else []))
        print(rows[-1], file=sys.stderr, flush=True)
    lines = [
        "| examples | peak memory, MB | processor time, s | processor time, ms an example |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {row.examples:,} | {row.megabytes:.0f} | {row.busy:.1f} "
        f"| {1000 * row.busy / row.examples:.2f} |"
        for row in rows
    ]
    print("\n".join(lines))
    if arguments.write is not None:
        put(arguments.write, __file__, "\n".join(lines))
    if len(rows) < 2:  # noqa: PLR2004 - nothing to compare
        return 0
    small, large = rows[-2:]
    memory = large.megabytes / small.megabytes
    cost = large.busy / large.examples / (small.busy / small.examples)
    print(f"\nfrom {small.examples:,} to {large.examples:,} examples: memory times {memory:.2f}, "
          f"time an example times {cost:.2f}")  # fmt: skip
    return 0 if max(memory, cost) <= FLAT else 1


if __name__ == "__main__":
    sys.exit(main())
