"""Shows what an attack costs as examples grow: time an example, peak memory, what a rerun asks.

deepwordbug on a TF-IDF logistic regression (a real model, and the quickest there is, so that the
engine's own cost shows), with the answers kept in a store, as a suite runs it. Each size runs in a
process of its own, twice: the second run finds every result in the store. The similarity of
successes, for which a suite loads MiniLM at the end, is not part of it.

    python benchmarks/attack_scaling.py
    python benchmarks/attack_scaling.py 100 1000 10000 --recipe greedy-characters
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from _tables import put
from platformdirs import user_cache_path

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.loading.readers import Reader, parse_source
from pytest_ood.models.sklearn import SklearnModel
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.shifts import AdversarialShift
from pytest_ood.shifts.adversarial import AttackTrial
from pytest_ood.tasks import Classification
from pytest_ood.trials.answer_sets import AnswerSet
from pytest_ood.trials.predictor import Predictor
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks import Prediction

LABELS = ("negative", "positive")
SETS = (("movies", "train"), ("movies", "test"), ("amazon", None))
SIZES = (100, 1_000, 10_000)
FLAT = 1.2
"""Memory and time an example may grow by so much from 1,000 examples to 10,000."""


@dataclass(frozen=True)
class Counted(SklearnModel):
    """The model, counting what it is asked."""

    asked: list[int] = field(default_factory=lambda: [0])

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer."""
        self.asked[0] += len(inputs)
        return super().predict(inputs)


def films(reader: Reader) -> Dataset:
    """Return all reviews of films and products, with ids of their own."""
    examples = []
    for name, split in SETS:
        table = {"data": f"asset:icwsm-2014/{name}", **({"split": split} if split else {})}
        found = reader.load(parse_source(table, name), name, Classification(LABELS))
        examples += [Example(f"{name}-{e.id}", e.inputs, e.label) for e in found]
    return Dataset("reviews", tuple(examples))


def measure(size: int, recipe: str, store: Path, cache: Path) -> dict[str, float]:
    """Attack so many examples, as a suite does."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    reader = Reader(root=Path(), cache=cache, offline=False, progress=Silent())
    data = films(reader)
    texts, labels = zip(*((str(e.inputs), e.label) for e in data), strict=True)
    fitted = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, labels)
    model = Counted("tfidf", lambda: fitted, LABELS, "TF-IDF logistic regression")
    shift = AdversarialShift("attack", find_attack(recipe), QueryBudget(50))
    engine = Engine(FileStore(store), Silent())
    predictor = Predictor("reviews", Classification(LABELS), engine, model)
    examples = data.sample(size, 0).examples
    started = time.perf_counter()
    trial = AttackTrial(predictor, shift, AnswerSet(predictor, examples), 0).extend_to(size)
    seconds = time.perf_counter() - started
    results = trial.attacks or ()
    return {
        "examples": len(results),
        "seconds": seconds,
        "queries": sum(result.queries + result.reducing for result in results),
        "asked": model.asked[0],
        "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def main() -> int:
    """Measure every size in a process of its own, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sizes", nargs="*", type=int, default=list(SIZES))
    parser.add_argument("--recipe", default="deepwordbug")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.store is not None:
        found = measure(options.sizes[0], options.recipe, options.store, options.cache)
        print(json.dumps(found))
        return 0
    lines = [
        "| examples | ms an example | queries an example | peak memory, MB | again: ms | asked |",
        "|---|---|---|---|---|---|",
    ]
    rows = []
    for size in options.sizes or SIZES:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, __file__, str(size), "--recipe", options.recipe, "--cache",
                       str(options.cache), "--store", f"{folder}/store.sqlite"]  # fmt: skip
            first, again = (
                json.loads(subprocess.run(command, check=True, capture_output=True).stdout)  # noqa: S603 - this script
                for _ in range(2)
            )
        rows.append(first)
        lines.append(
            f"| {first['examples']:,} | {1000 * first['seconds'] / first['examples']:.1f} "
            f"| {first['queries'] / first['examples']:.1f} | {first['megabytes']:.0f} "
            f"| {1000 * again['seconds'] / again['examples']:.2f} "
            f"| {again['asked']:,} |"
        )
    print("\n".join(lines))
    if options.write is not None:
        put(options.write, __file__, "\n".join(lines))
    if len(rows) < 2:  # noqa: PLR2004 - nothing to compare
        return 0
    small, large = rows[-2:]
    memory = large["megabytes"] / small["megabytes"]
    cost = large["seconds"] / large["examples"] / (small["seconds"] / small["examples"])
    print(f"\nfrom {small['examples']:,} to {large['examples']:,} examples: memory times "
          f"{memory:.2f}, time an example times {cost:.2f}")  # fmt: skip
    return 0 if max(memory, cost) <= FLAT else 1


if __name__ == "__main__":
    sys.exit(main())
