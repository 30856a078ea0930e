"""Times a classifier under ONNX Runtime next to the same one under torch.

The packaged MiniLM with a head of two labels is exported, and both adapters classify the same movie
snippets of ICWSM 2014, in batches of 32 and one by one. They take turns, round by round, and each
is told by its best round. Both run on one core, and their processor time is counted, so that other
work on the machine decides little. Only asking is timed, tokens included; loading is not. Exporting
needs the package `onnx`:

    pip install "pytest-ood[onnx]" onnx
    python benchmarks/onnx_speed.py --write docs/speed.md

The script ends with status 1 where a score is further from torch's than 0.0002.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from _context import LABELS, context_of
from _tables import put
from platformdirs import user_cache_path

from pytest_ood.loading.assets import fetch
from pytest_ood.loading.readers import Reader, parse_source
from pytest_ood.models import adapter
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pytest_ood.tasks import Prediction

TASK = Classification(LABELS)
WITHIN = 2e-4
ROUNDS = 3


@dataclass
class Contender:
    """One way to classify, and what it took so far.

    Attributes:
        name: Its row of the table.
        model: The model.
        size: The inputs of a call.
        seconds: Of processor time, in each round.
        answers: Of the last round.
    """

    name: str
    model: Any
    size: int
    seconds: list[float] = field(default_factory=list)
    answers: list[Prediction] = field(default_factory=list)

    def ask(self, texts: list[str]) -> None:
        """Classify all texts, and count the processor time."""
        started = time.process_time()
        self.answers = [
            answer
            for start in range(0, len(texts), self.size)
            for answer in self.model.predict(texts[start : start + self.size])
        ]
        self.seconds.append(time.process_time() - started)


def exported(base: Path, folder: Path) -> None:
    """Save a base with a new head, and export it beside its tokenizer."""
    import torch
    import transformers

    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = transformers.AutoModelForSequenceClassification.from_pretrained(
            base, id2label=dict(enumerate(TASK.labels)),
            label2id={label: index for index, label in enumerate(TASK.labels)},
        ).eval()  # fmt: skip
    tokenizer = transformers.AutoTokenizer.from_pretrained(base)
    network.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    tokens = dict(tokenizer("a great film", return_tensors="pt"))

    class Logits(torch.nn.Module):
        """The network with the tokens in a fixed order, and one output."""

        def __init__(self) -> None:
            super().__init__()
            self.network = network

        def forward(self, *tensors: Any) -> Any:
            """Return the logits."""
            return self.network(**dict(zip(tokens, tensors, strict=True))).logits

    axes = {0: "batch", 1: "sequence"}
    with warnings.catch_warnings(action="ignore"):
        torch.onnx.export(
            Logits().eval(), tuple(tokens.values()), str(folder / "model.onnx"),
            input_names=list(tokens), output_names=["logits"], dynamo=False,
            dynamic_axes={**dict.fromkeys(tokens, axes), "logits": {0: "batch"}},
        )  # fmt: skip


def main() -> int:
    """Measure, print the table, and tell whether the scores are the same."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--examples", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the table into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    options = parser.parse_args()
    reader = Reader(root=Path(), cache=options.cache, offline=False, progress=Silent())
    source = parse_source({"data": "asset:icwsm-2014/movies"}, "movies")
    data = reader.load(source, "movies", TASK).sample(options.examples, 0)
    texts = [str(example.inputs) for example in data]
    base = fetch("minilm", options.cache, offline=False, progress=Silent())
    with tempfile.TemporaryDirectory() as folder:
        exported(base, Path(folder))
        text, differs = table(texts, Path(folder), options.rounds, options.cache)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return 1 if differs else 0


def table(texts: list[str], folder: Path, rounds: int, cache: Path) -> tuple[str, bool]:
    """Return the table, and whether a score differs."""
    import onnxruntime
    import torch

    # ONNX Runtime has as many threads as the process may use cores.
    os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
    torch.set_num_threads(1)
    context = context_of(folder, cache)
    models = {
        "torch": adapter("finetuned").build(str(folder), context, device="cpu"),
        "ONNX Runtime": adapter("onnx").build(str(folder), context, device="cpu"),
    }
    contenders = [
        Contender(name, model, size) for size in (len(texts), 1) for name, model in models.items()
    ]
    for model in models.values():
        model.predict(texts[:2])
    for _ in range(rounds):
        for contender in contenders:
            contender.ask(texts)
    lines = [
        f"{len(texts)} movie snippets, MiniLM with a classification head, float32, one core, "
        f"torch {torch.__version__}, onnxruntime {onnxruntime.__version__}, the best of {rounds} "
        "rounds each",
        "",
        "| | in batches of 32, texts/s | one by one, texts/s | same labels | scores apart by |",
        "|---|---|---|---|---|",
    ]
    reference = contenders[0].answers
    apart = 0.0
    for name in models:
        whole, single = (c for c in contenders if c.name == name)
        same = sum(a.label == b.label for a, b in zip(whole.answers, reference, strict=True))
        far = max(
            abs(one.scores[label] - other.scores[label])
            for contender in (whole, single)
            for one, other in zip(contender.answers, reference, strict=True)
            for label in TASK.labels
        )
        apart = max(apart, far)
        rates = [len(texts) / min(contender.seconds) for contender in (whole, single)]
        lines.append(
            f"| {name} | {rates[0]:.1f} | {rates[1]:.1f} | {same} of {len(texts)} | {far:.4f} |"
        )
    return "\n".join(lines), apart > WITHIN


if __name__ == "__main__":
    sys.exit(main())
