"""Times every perturbation: texts a second, next to other libraries, and how the cost grows.

Movie reviews of ICWSM 2014, one process, one run. nlpaug is measured raw in this environment;
TextAttack and AugLy under interpreters of environments of their own, where they are named:

    python benchmarks/perturbations.py --textattack ta/bin/python --augly augly/bin/python

The script ends with status 1 where one that has tables of nlpaug's keeps less than 0.8 of raw
nlpaug's throughput, where another is less than 5 times as fast as nlpaug's counterpart, or
where the cost of a character more than doubles from 100 to 100,000 characters, which a cost that
grows faster than linearly would do many times over. Takes about five minutes.
"""

from __future__ import annotations

import argparse
import gc
import json
import random
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

from _peers import augmenters, rate
from _tables import conclude
from platformdirs import user_cache_path

from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.perturbations import Generator, catalogue, from_nlpaug
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

WRAPPERS = ("keyboard", "misspelling", "ocr")
WRAPPED_LEAST, OWN_LEAST, GROWTH_MOST = 0.8, 5.0, 2.0
SIZES = (100, 1_000, 10_000, 100_000)
REPEATS = 20_000
"""Characters that are perturbed at least for one figure: a short text is done many times."""

PEERS = ("nlpaug", "textattack", "augly")


def reviews(cache: Path, count: int) -> list[str]:
    """Return movie reviews."""
    reader = Reader(root=Path.cwd(), cache=cache, offline=False, progress=Silent())
    source = DataSource(data="asset:icwsm-2014/movies", split="test")
    data = reader.load(source, "movies", Classification(("negative", "positive"))).sample(count, 0)
    return [str(example.inputs) for example in data]


def peer(library: str, python: str, texts: list[str], seconds: float) -> dict[str, float]:
    """Return another library's texts a second, by the name of our perturbation."""
    script = Path(__file__).with_name("_peers.py")
    asked = json.dumps({"texts": texts, "seconds": seconds})
    done = subprocess.run(  # noqa: S603 - an interpreter that the user names
        [python, str(script), library], input=asked, capture_output=True, text=True, check=False
    )
    sys.stderr.write(done.stderr[-2000:] if done.returncode else "")
    if done.returncode:
        return {}
    rates: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return rates


def own_rate(change: Generator, texts: list[str], seconds: float) -> float:
    """Return our texts a second; like the others, under one generator of random numbers."""
    rng = random.Random(0)
    # As much as the counterparts change: three words of ten, or one character of ten.
    harder = change.with_parameters(share=0.3 if change.name in WRAPPERS else 0.1)
    return rate(lambda text: harder(text, rng), texts, seconds)


def wrapped(texts: list[str], seconds: float) -> dict[str, tuple[float, float]]:
    """Return texts a second of nlpaug's augmenters, wrapped by `from_nlpaug` and raw."""
    rng = random.Random(0)
    found = {}
    for name, augmenter in augmenters().items():
        change = from_nlpaug(augmenter, source="nlpaug")
        ours = rate(partial(change, rng=rng), texts, seconds)
        found[name] = ours, rate(augmenter.augment, texts, seconds)
    return found


def growth(change: Generator) -> list[float]:
    """Return nanoseconds a character at each size."""
    costs = []
    # What the run has loaded is not gone through again at every collection.
    gc.collect()
    gc.freeze()
    for size in SIZES:
        text = (f"{change.example} " * (size // len(change.example) + 1))[:size]
        count = max(1, REPEATS // size)
        best = float("inf")
        for _ in range(5):
            gc.collect()
            started = time.perf_counter()
            for seed in range(count):
                change(text, random.Random(seed))
            best = min(best, (time.perf_counter() - started) / count)
        costs.append(best / size * 1e9)
    gc.unfreeze()
    return costs


def main() -> int:
    """Measure, print the tables, and tell whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--textattack", metavar="PYTHON")
    parser.add_argument("--augly", metavar="PYTHON")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--texts", type=int, default=100)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="only these perturbations")
    parser.add_argument("--seconds", type=float, default=3.0, help="for one figure")
    options = parser.parse_args()
    # What asks a language model spends its time there; its cost is the model's.
    changes = {
        name: change
        for name, change in catalogue().items()
        if not change.models and name in (options.only or catalogue())
    }
    missed = []
    with using(Resources(cache=options.cache)):
        texts = reviews(options.cache, options.texts)
        rates = {name: own_rate(change, texts, options.seconds) for name, change in changes.items()}
        pythons = {"nlpaug": sys.executable, "textattack": options.textattack,
                   "augly": options.augly}  # fmt: skip
        others = {
            library: peer(library, python, texts, options.seconds)
            for library, python in pythons.items()
            if python
        }
        length = sum(map(len, texts)) / len(texts)
        print(f"texts a second, {len(texts)} texts of {length:.0f} characters on average; "
              "in brackets how many times a library's own rate ours is\n")  # fmt: skip
        print(f"| perturbation | pytest-ood | {' | '.join(others)} |")
        print("|---" * (2 + len(others)) + "|")
        for name, found in sorted(rates.items()):
            cells = []
            for library, measured in others.items():
                ratio = found / measured[name] if name in measured else None
                cells.append("" if ratio is None else f"{measured[name]:,.0f} ({ratio:.1f})")
                least = WRAPPED_LEAST if name in WRAPPERS else OWN_LEAST
                if library == "nlpaug" and ratio is not None and ratio < least:
                    missed.append(f"{name}: {ratio:.2f} of nlpaug's rate; at least {least} is due")
            print(f"| {name} | {found:,.0f} | {' | '.join(cells)} |")
        print("\nnlpaug's own augmenters, wrapped by from_nlpaug: texts a second\n")
        print("| counterpart of | wrapped | raw | wrapped / raw |\n|---|---|---|---|")
        for name, (ours, raw) in wrapped(texts, options.seconds).items():
            print(f"| {name} | {ours:,.0f} | {raw:,.0f} | {ours / raw:.2f} |")
        print("\nnanoseconds a character, by characters of the text\n")
        print(f"| perturbation | {' | '.join(f'{size:,}' for size in SIZES)} | last / first |")
        print("|---" * (2 + len(SIZES)) + "|")
        for name, change in sorted(changes.items()):
            costs = growth(change)
            grown = costs[-1] / costs[0]
            print(f"| {name} | {' | '.join(f'{cost:,.0f}' for cost in costs)} | {grown:.2f} |")
            if grown > GROWTH_MOST:
                missed.append(f"{name}: a character costs {grown:.1f} times as much at 100,000")
    return conclude(missed)


if __name__ == "__main__":
    sys.exit(main())
