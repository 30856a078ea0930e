"""Shows what a driver gets through, and that reports do not depend on where models run.

Throughput: an engine asks a model that costs nothing, so that what is left is the engine, the store
and the way to the actors and back; the share of a cluster that one driver can feed. Then the fixed
costs: the first answer of a set (a pool of actors starts for each), and a small call, such as an
attack makes, to actors that stay. Last, one suite in one process, in two of pytest-xdist and on two
actors of Ray, each with a cache of its own: the script ends with status 1 if the reports differ.

    python benchmarks/cluster.py
    python benchmarks/cluster.py --write docs/scaling.md

Takes about three minutes on two cores.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from _tables import put

from pytest_ood.inference.cluster import BATCHES_AN_ACTOR, ClusterSettings, RayRunner
from pytest_ood.inference.engine import BATCH_SIZE, Engine, LocalRunner
from pytest_ood.inference.store import FileStore, NoStore
from pytest_ood.models.fake import FakeModel
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pytest_ood.inference.engine import Runner
    from pytest_ood.inference.store import Store

TEXTS = 50_000
LENGTH = 150
LABELS = ("negative", "positive")
EXAMPLES = 500
SETS = 3
CALLS = 200
SMALL = 64
ACTORS = 2
RUNS = {
    "one process": (),
    "two processes, `-n 2`": ("-n", "2"),
    "two actors, `--ood-engine ray`": ("--ood-engine", "ray"),
}


def main() -> int:
    """Measure, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--texts", type=int, default=TEXTS)
    parser.add_argument("--sets", type=int, default=SETS, help="whose first answer is timed")
    parser.add_argument("--examples", type=int, default=EXAMPLES, help="of the suite")
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the tables into this file")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        lines = throughput(options.texts, options.sets, folder)
        hashes = reports(options.examples, folder)
    lines += ["", "| the same suite in | SHA-256 of its report |", "|---|---|"]
    lines += [f"| {where} | `{digest}` |" for where, digest in hashes.items()]
    print("\n".join(lines))
    if options.write is not None:
        put(options.write, __file__, "\n".join(lines))
    return len(set(hashes.values())) - 1


def throughput(count: int, sets: int, folder: Path) -> list[str]:
    """Measure what a driver gets through, locally and on a cluster on this machine."""
    texts = [f"{number:07d} ".ljust(LENGTH, "x") for number in range(count)]
    cluster = RayRunner(ClusterSettings(actors=ACTORS), folder)
    started = time.perf_counter()
    cluster.connect()
    start = time.perf_counter() - started
    lines = ["| one driver, a model that costs nothing | |", "|---|---|"]
    for where, runner in (("in this process", LocalRunner()), ("on two actors", cluster)):
        for kept, store in (
            ("answers not stored", NoStore()),
            ("answers stored", FileStore(folder / f"{where}.sqlite")),
        ):
            rate = asked(runner, store, texts)
            lines.append(f"| texts a second {where}, {kept} | {rate:,.0f} |")
    path = folder / "written.sqlite"
    lines += [
        f"| answers a second that the store alone takes | {written(path, texts):,.0f} |",
        f"| bytes an answer takes in the store | {path.stat().st_size / count:,.0f} |",
        f"| start of a cluster on this machine, s | {start:.1f} |",
        "| first answers of a large set, from a new pool of actors, s | "
        f"{first(cluster, texts, sets):.1f} |",
        f"| a call of {SMALL} texts to actors that stay, ms | {1000 * small(cluster, texts):.1f} |",
    ]
    cluster.close()
    return lines


def asked(runner: Runner, store: Store, texts: list[str]) -> float:
    """Return how many texts an engine asks in a second, as a suite does."""
    engine = Engine(store, Silent(), runner)
    model = FakeModel("trivial", "constant", LABELS)
    started = time.perf_counter()
    engine.predict(model, texts, LABELS, "texts")
    return len(texts) / (time.perf_counter() - started)


def written(path: Path, texts: list[str]) -> float:
    """Return how many answers a store takes in a second, in the engine's portions."""
    store = FileStore(path)
    answer = Prediction("positive", {"negative": 0.1234, "positive": 0.8766})
    started = time.perf_counter()
    for start in range(0, len(texts), BATCH_SIZE):
        store.put("model", [(text, answer) for text in texts[start : start + BATCH_SIZE]])
    return len(texts) / (time.perf_counter() - started)


def first(cluster: RayRunner, texts: list[str], sets: int) -> float:
    """Return the seconds until a large set's first answers come, the median of some sets."""
    large = cluster.actors * cluster.settings.batch_size * BATCHES_AN_ACTOR + 1
    seconds = []
    for _ in range(sets):
        started = time.perf_counter()
        groups = cluster.run(FakeModel("trivial", "constant", LABELS), texts[:large])
        next(groups)
        seconds.append(time.perf_counter() - started)
        for _ in groups:
            pass
    return statistics.median(seconds)


def small(cluster: RayRunner, texts: list[str]) -> float:
    """Return the median seconds of a small call."""
    model = FakeModel("trivial", "constant", LABELS)
    seconds = []
    for _ in range(CALLS):
        started = time.perf_counter()
        for _ in cluster.run(model, texts[:SMALL]):
            pass
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


SUITE = """
labels = ["negative", "positive"]
[in_distribution]
data = "films.jsonl"
id = "id"
[shifts.domain.lamps]
data = "lamps.jsonl"
id = "id"
[shifts.noise.keyboard]
parameters = { share = 0.35 }
[shifts.adversarial.greedy-characters]
query_budget = 20
max_examples = 50
"""

CONFIGURATION = """
[tool.pytest_ood]
suites = ["films.toml"]
[tool.pytest_ood.models.frail]
fake = "keyword"
words = { positive = ["wonderful"], negative = ["terrible"] }
[tool.pytest_ood.models.tfidf]
sklearn = "models:pipeline"
train = "films.jsonl"
[tool.pytest_ood.ray]
actors = 2
batch_size = 25
"""

MODELS = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

def pipeline():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())
"""


def reports(examples: int, folder: Path) -> dict[str, str]:
    """Run one suite in every way, and return the hashes of the reports."""
    for noun in ("film", "lamp"):
        words = [("terrible", "negative"), ("wonderful", "positive")]
        rows = [
            {
                "id": str(n),
                "text": f"A {words[n % 2][0]} {noun}, number {n}.",
                "label": words[n % 2][1],
            }
            for n in range(examples)
        ]
        (folder / f"{noun}s.jsonl").write_text("\n".join(map(json.dumps, rows)))
    (folder / "films.toml").write_text(SUITE)
    (folder / "pyproject.toml").write_text(CONFIGURATION)
    (folder / "models.py").write_text(MODELS)
    found = {}
    for number, (where, options) in enumerate(RUNS.items()):
        command = [sys.executable, "-m", "pytest", "--ood-suite", "--ood-cache", f"cache{number}",
                   "--ood-report", f"{number}.json", *options]  # fmt: skip
        subprocess.run(command, cwd=folder, capture_output=True, check=False)  # noqa: S603 - ours
        found[where] = hashlib.sha256((folder / f"{number}.json").read_bytes()).hexdigest()
    return found


if __name__ == "__main__":
    sys.exit(main())
