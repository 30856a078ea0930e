"""Times whole processes from their start to their exit status: pytest-ood, Giskard and LangTest.

Typos, OCR errors and lower case on 200 movie reviews, with the fine-tuned MiniLM of the built-in
suite: the same texts, weights and threads for all, nothing kept from one run to the next. A
process's time is everything: interpreter, imports, loading, changing texts, asking, the verdict
printed, and the exit. The others run under the interpreters of environments of their own:

    python -m venv giskard && giskard/bin/pip install "giskard==2.19.2" "pandas<3" torch==2.13.0
    python -m venv langtest
    langtest/bin/pip install "langtest[transformers,openai,evaluate]==2.7.0" torch==2.13.0
    python benchmarks/verdict_time.py --giskard giskard/bin/python --langtest langtest/bin/python \
        --write docs/speed.md

Giskard is asked for its three transformations, not for the seven that its scan has otherwise, once
as it is when nothing is said of batches (one text at a time), and once in batches of 32; its
setting GSK_DISABLE_ANALYTICS keeps it from calling home. LangTest has no batches. "Transformers
alone" imports it, loads the model and asks it about the texts that ours asks, sorted, in batches of
32: no texts are changed, and there is no verdict. Runs take turns, and of each the
quickest counts. The script ends with status 1 where ours took longer than another library, or more
than a quarter longer than transformers alone.
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
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from _tables import PROJECT_OPTION, put
from _verdicts import counted
from platformdirs import user_cache_path

from pytest_ood.gate.gate import Gate, Options
from pytest_ood.models._encoder import FinetunedModel
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pytest_ood.tasks import Prediction

SUITE, MODEL = "sentiment", "minilm"
BATCH = 32
MOST_CHANGED = 0.05
"""Giskard's own threshold, given to LangTest as well."""

MOST_OVERHEAD = 1.25
ALONE = "transformers alone"
PROJECT = """[tool.pytest_ood]
suites = ["noise.toml"]

[tool.pytest_ood.models.minilm]
finetuned = {folder}
"""
NOISE = """labels = {labels}

[in_distribution]
data = "movies.jsonl"
id = "id"

[shifts.noise]
keyboard = {{ severity = 2 }}
ocr = {{ severity = 2 }}
lower-case = {{}}

[budgets]
noise = {{ max_drop = 0.03 }}
"""
IMPORTS = """import pytest, pytest_ood.gate.gate, torch, nlpaug.augmenter.char
from transformers import AutoModelForSequenceClassification, AutoTokenizer"""


@dataclass(frozen=True)
class Run:
    """One process.

    Attributes:
        seconds: From its start to its end.
        imports: Seconds until everything was imported.
        texts: That the network was asked for.
        tokens: Of these texts.
        failed: A test of robustness failed.
        status: The exit status.
    """

    seconds: float
    imports: float
    texts: int
    tokens: int
    failed: bool
    status: int


def main() -> int:
    """Measure all, print the table, and tell whether the claim holds."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--giskard", metavar="PYTHON")
    parser.add_argument("--langtest", metavar="PYTHON")
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    parser.add_argument("--project", **PROJECT_OPTION)
    options = parser.parse_args()
    gate = Gate(
        Options(root=options.project, cache=options.cache, max_examples=options.examples), Silent()
    )
    folder = gate.models[SUITE][MODEL].folder  # type: ignore[union-attr] # a fine-tuned model
    labels = list(gate.evaluators[SUITE].suite.task.labels)
    examples = gate.evaluators[SUITE].data.in_distribution().examples
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        environment = {
            **os.environ,
            "OMP_NUM_THREADS": str(options.threads),
            "HF_HUB_OFFLINE": "1",
            "GSK_DISABLE_ANALYTICS": "true",
            "GSK_HOME": str(scratch / "giskard"),
        }
        (scratch / "noise.toml").write_text(NOISE.format(labels=json.dumps(labels)))
        (scratch / "pyproject.toml").write_text(PROJECT.format(folder=json.dumps(str(folder))))
        rows = [{"id": e.id, "text": e.inputs, "label": e.label} for e in examples]
        (scratch / "movies.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        asked = {
            "checkpoint": str(folder),
            "labels": labels,
            "rows": [[row["text"], row["label"]] for row in rows],
            "most_changed": MOST_CHANGED,
        }
        work, asked["texts"] = asked_of_ours(scratch, options.cache)
        contenders: dict[str, Callable[[], Run]] = {
            "pytest-ood": lambda: ours(scratch, options.cache, environment)
        }
        for library, python, batches in (
            ("transformers", sys.executable, (BATCH,)),
            ("Giskard", options.giskard, (1, BATCH)),
            ("LangTest", options.langtest, (1,)),
        ):
            for batch in batches if python else ():
                told = f"{library}, batches of {batch}" if batch > 1 else library
                told = ALONE if library == "transformers" else told
                command = [python, str(Path(__file__).with_name("_verdicts.py")), library.lower()]
                text = json.dumps({**asked, "batch": batch})
                contenders[told] = partial(theirs, command, text, scratch, environment)
        runs: dict[str, list[Run]] = {name: [] for name in contenders}
        for _ in range(options.rounds):
            for told, start in contenders.items():
                runs[told].append(start())
    text = "\n".join([f"n = {len(rows)}, {options.threads} threads", "", *table(runs, work)])
    print(text)
    for told, done in runs.items():
        print(f"{told}, all rounds: {', '.join(f'{run.seconds:.1f}' for run in done)} s")
    if options.write is not None:
        put(options.write, __file__, text)
    told = missed(runs)
    print("\n" + (told or "the claims hold"))
    return 1 if told else 0


def timed(command: Sequence[str], **named: Any) -> tuple[float, subprocess.CompletedProcess[str]]:
    """Run a process to its end; return its seconds, and what it printed."""
    started = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False, **named)  # noqa: S603 - interpreters that the user names
    return time.perf_counter() - started, done


def ours(project: Path, cache: Path, environment: Mapping[str, str]) -> Run:
    """Run pytest on the project, and its imports by themselves in another process."""
    python = sys.executable
    imports, _ = timed([python, "-c", IMPORTS], env=environment)
    seconds, done = timed(
        [python, "-m", "pytest", "--ood-suite", "--ood-no-cache", f"--ood-cache={cache}",
         "-p", "no:cacheprovider"],
        cwd=project, env=environment,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stdout + done.stderr)
    return Run(seconds, imports, 0, 0, done.returncode == 1, done.returncode)


def theirs(command: Sequence[str], text: str, folder: Path, environment: Mapping[str, str]) -> Run:
    """Run another library's test in its own environment."""
    started = time.time()
    seconds, done = timed(command, input=text, cwd=folder, env=environment)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    told = json.loads(done.stdout.splitlines()[-1])
    imports = told["imported"] - started
    return Run(seconds, imports, told["texts"], told["tokens"], told["failed"], done.returncode)


def asked_of_ours(project: Path, cache: Path) -> tuple[list[int], list[str]]:
    """Return for how many texts and tokens the same run asks the network, and for which texts."""
    gate = Gate(Options(root=project, cache=cache, keep_predictions=False), Silent())
    texts: list[str] = []
    (models,) = gate.models.values()
    encoder = models[MODEL]
    assert isinstance(encoder, FinetunedModel), "unreachable: the project names no other"  # noqa: S101 - says why
    count = counted(encoder._loaded[1])  # noqa: SLF001 - what is counted is inside
    predict = FinetunedModel.predict

    def recorded(model: FinetunedModel, inputs: Sequence[Any]) -> list[Prediction]:
        texts.extend(inputs)
        return predict(model, inputs)

    with patch.object(FinetunedModel, "predict", recorded):
        for check in gate.checks:
            gate.measure(check)
    return count, texts


def table(runs: Mapping[str, Sequence[Run]], own_work: list[int]) -> list[str]:
    """Return the lines of the table."""
    best = {name: quickest(done) for name, done in runs.items()}
    own = best["pytest-ood"].seconds
    lines = [
        "| | whole process s | imports s | rest s | texts asked | their tokens | fails shown "
        "| exit status | times as long |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, run in best.items():
        texts, tokens = (run.texts, run.tokens) if run.texts else own_work
        cells = [
            f"{run.seconds:.1f}", f"{run.imports:.1f}", f"{run.seconds - run.imports:.1f}",
            f"{texts:,}", f"{tokens:,}", "yes" if run.failed else "no", str(run.status),
            f"{run.seconds / own:.1f}",
        ]  # fmt: skip
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return lines


def quickest(runs: Sequence[Run]) -> Run:
    """Return the quickest run, which an interruption slowed least."""
    return min(runs, key=lambda run: run.seconds)


def missed(runs: Mapping[str, Sequence[Run]]) -> str:
    """Return the claims that are missed, in words; empty where all hold."""
    best = {name: quickest(done).seconds for name, done in runs.items()}
    own, alone = best.pop("pytest-ood"), best.pop(ALONE)
    told = [f"missed: {name} is quicker" for name, seconds in best.items() if seconds < own]
    if own > MOST_OVERHEAD * alone:
        told.append(f"missed: {own / alone:.2f} times as long as {ALONE}")
    return "\n".join(told)


if __name__ == "__main__":
    sys.exit(main())
