"""Shows what a busy machine costs: a step of fine-tuning, an encoder and an LLM beside other work.

Each is timed alone and beside processes that do nothing but compute, in a process of its own, with
the waits of a run (`pytest_ood.utils.threads`) and with OpenMP's usual ones, in turn. The script
ends with status 1 if one busy process beside two cores makes anything take more than 2.5 times as
long as alone, or if an idle machine is slower by more than a tenth.

    python benchmarks/busy_cores.py
    python benchmarks/busy_cores.py --rounds 1 --seconds 3 --write docs/speed.md

Takes about eight minutes on two cores, on which nothing else may run; the second command three.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _context import context_of
from _tables import conclude, put
from platformdirs import user_cache_path

from pytest_ood.loading.assets import fetch
from pytest_ood.models import adapter
from pytest_ood.models._torch import checkpoint_path, unpacked
from pytest_ood.utils.progress import Silent
from pytest_ood.utils.threads import VARIABLES, short_waits

if TYPE_CHECKING:
    from collections.abc import Callable

SECONDS = 5.0
ROUNDS = 2
SLOWEST = 2.5
"""Times as long as alone, beside one busy process on two cores: at best it is two."""

IDLE = 1.1
"""Times as long as with OpenMP's usual waits, alone."""

WAITS = ("of a run", "usual")
KINDS = {
    "training": "a step of fine-tuning MiniLM, 32 texts",
    "encoder": "64 texts by MiniLM",
    "LLM": "8 prompts by SmolLM2",
}
CORES = 2
"""For which the first claim is made."""

TEXTS = [
    f"A {('warm', 'dull')[n % 2]} film, number {n}, with a long and winding plot" for n in range(64)
]


def main() -> int:
    """Measure, print the table, and tell whether the claims hold."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--busy", type=int, nargs="*", default=[1, 4], help="other processes")
    parser.add_argument("--only", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each measurement")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--alone", choices=KINDS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.alone:
        print(json.dumps(timed(options.alone, options.cache, options.seconds)))
        return 0
    around = context_of(Path(), options.cache, offline=False)
    fetch("minilm", options.cache, offline=False, progress=Silent())
    if "LLM" in options.only:
        unpacked(checkpoint_path("asset:smollm2", "busy_cores", around), "busy_cores", around)
    seconds = {
        key: statistics.median(measured(*key, options) for _ in range(options.rounds))
        for key in [(k, w, b) for k in options.only for b in (0, *options.busy) for w in WAITS]
    }
    text = "\n".join(table(seconds, options.busy))
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return conclude(missed(seconds))


def table(seconds: dict[tuple[str, str, int], float], busy: list[int]) -> list[str]:
    """Return the lines of the table; in brackets what OpenMP's usual waits take."""
    heads = ["alone", *(f"beside {count} busy process{'es' * (count > 1)}" for count in busy)]
    lines = ["| seconds for | " + " | ".join(heads) + " |", "|---" * (len(heads) + 1) + "|"]
    for kind in dict.fromkeys(kind for kind, _, _ in seconds):
        cells = []
        for count in (0, *busy):
            cell = []
            for waits in WAITS:
                alone, now = seconds[kind, waits, 0], seconds[kind, waits, count]
                cell.append(f"{now:.2f}" + (f", {now / alone:.1f} times" if count else ""))
            cells.append(f"{cell[0]} ({cell[1]})")
        lines.append(f"| {KINDS[kind]} | " + " | ".join(cells) + " |")
    return lines


def missed(seconds: dict[tuple[str, str, int], float]) -> list[str]:
    """Return the claims that do not hold."""
    claims = []
    for kind in dict.fromkeys(kind for kind, _, _ in seconds):
        alone = seconds[kind, WAITS[0], 0]
        if alone > IDLE * seconds[kind, WAITS[1], 0]:
            claims.append(f"{KINDS[kind]}: an idle machine is slower, {alone:.3f} s")
        times = seconds.get((kind, WAITS[0], 1), 0.0) / alone
        if len(os.sched_getaffinity(0)) == CORES and times > SLOWEST:
            claims.append(f"{KINDS[kind]}: {times:.1f} times as long beside one busy process")
    return claims


def measured(kind: str, waits: str, busy: int, options: argparse.Namespace) -> float:
    """Return the median seconds of a kind of work, in a process of its own beside busy ones."""
    environment = {name: value for name, value in os.environ.items() if name not in VARIABLES}
    environment.pop("OMP_NUM_THREADS", None)
    command = [sys.executable, __file__, "--alone", kind, f"--cache={options.cache}",
               f"--seconds={options.seconds}"]  # fmt: skip
    with ExitStack() as stack:
        if waits == WAITS[0]:
            stack.enter_context(short_waits())
            environment |= {name: os.environ[name] for name in VARIABLES if name in os.environ}
        for _ in range(busy):
            process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
            stack.callback(process.wait)
            stack.callback(process.kill)
        done = subprocess.run(  # noqa: S603 - this script
            command, env=environment, capture_output=True, text=True, check=True
        )
    return float(json.loads(done.stdout))


def timed(kind: str, cache: Path, seconds: float) -> float:
    """Return the median seconds of a kind of work, in this process."""
    work = WORK[kind](cache)
    work()
    times: list[float] = []
    end = time.perf_counter() + seconds
    while not times or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def training(cache: Path) -> Callable[[], Any]:
    """Return what makes a step of fine-tuning the packaged encoder, as a trainer makes it."""
    import torch
    import transformers

    folder = fetch("minilm", cache, offline=True, progress=Silent())
    model = transformers.AutoModelForSequenceClassification.from_pretrained(folder).train()
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    batch = tokenizer(TEXTS[:32], padding=True, return_tensors="pt")
    labels = torch.arange(32) % 2
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)

    def step() -> None:
        optimizer.zero_grad()
        model(**batch, labels=labels).loss.backward()
        optimizer.step()

    return step


def encoder(cache: Path) -> Callable[[], Any]:
    """Return what asks the packaged encoder."""
    import transformers

    folder = fetch("minilm", cache, offline=True, progress=Silent())
    model = transformers.pipeline("text-classification", str(folder), batch_size=32)
    return lambda: model(TEXTS)


def prompted(cache: Path) -> Callable[[], Any]:
    """Return what asks the packaged LLM."""
    model = adapter("prompted").build(
        "asset:smollm2", context_of(Path(), cache), prompt="Review: {text}\nSentiment:", chat=False
    )
    return lambda: model.predict(TEXTS[:8])


WORK: dict[str, Callable[[Path], Callable[[], Any]]] = {
    "training": training,
    "encoder": encoder,
    "LLM": prompted,
}

if __name__ == "__main__":
    sys.exit(main())
