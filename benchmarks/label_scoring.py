"""Times labels of several tokens next to a plain loop and lm-evaluation-harness, with accuracies.

The packaged SmolLM2 answers questions of Banking77 (Casanueva et al. 2020: train.csv and test.csv
with the columns text and category) with one of its 77 intents. The loop runs the model on every
intent behind every question. The harness runs under the interpreter of an environment of its own:

    python -m venv lmeval
    lmeval/bin/pip install lm-eval==0.4.13 torch==2.13.0 transformers==5.23.0 accelerate
    python benchmarks/label_scoring.py banking77 --lmeval lmeval/bin/python --write docs/speed.md

Contenders take turns, round by round, and each counts by its best round; only scoring is timed, no
loading. The harness has the batch size that is fastest here. What is computed once for a prompt is
computed anew in every round. Claims are about processor time, which other programs change little;
where some run, set OMP_NUM_THREADS=1, as threads that wait for each other use the processor in
vain. The script ends with status 1 where a claim is missed: 8 times the loop and the harness, the
same labels, scores within 0.001. It takes half an hour on two cores.
"""

from __future__ import annotations

import argparse
import csv
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

from _scoring import Contender, Harness, Scores, agreement, anew
from _tables import conclude, put
from platformdirs import user_cache_path
from scipy.special import log_softmax, logsumexp

from pytest_ood.models import adapter
from pytest_ood.models._label_scoring import LabelScorer
from pytest_ood.models._packing import LabelTrie
from pytest_ood.models.prompted import CONTENT_FREE
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pytest_ood.models.prompted import PromptedModel

PROMPT = "Question: {text}\nIntent:"
TIMES, WITHIN = 8.0, 1e-3


@dataclass(frozen=True)
class Questions:
    """Questions with their intents.

    Attributes:
        train: Texts and labels to show.
        test: Texts and labels to ask about.
    """

    train: list[tuple[str, str]]
    test: list[tuple[str, str]]

    @classmethod
    def read(cls, folder: Path) -> Questions:
        """Read train.csv and test.csv."""
        parts = []
        for name in ("train", "test"):
            with (folder / f"{name}.csv").open(encoding="utf-8") as stream:
                parts.append([(row["text"], row["category"]) for row in csv.DictReader(stream)])
        return cls(*parts)

    @property
    def labels(self) -> tuple[str, ...]:
        """All intents."""
        return tuple(sorted({label for _, label in self.train}))

    def shown(self, shots: int) -> list[dict[str, str]]:
        """Draw demonstrations of different intents."""
        rng = Random(0)
        labels = rng.sample(self.labels, shots)
        texts = {label: text for text, label in rng.sample(self.train, len(self.train))}
        return [{"text": texts[label], "label": label} for label in labels]

    def sample(self, count: int) -> list[tuple[str, str]]:
        """Draw questions to ask about."""
        return Random(0).sample(self.test, min(count, len(self.test)))


@dataclass(frozen=True)
class Loop:
    """Nothing but transformers: one forward pass for each text and label."""

    model: PromptedModel

    def sums(self, texts: list[str]) -> Scores:
        """Return the log-probability of every label behind every text."""
        torch, tokenizer, lm = self.model.checkpoint.loaded
        rows = []
        for text in texts:
            prompt = self.model.prompt.render(text)
            start = len(tokenizer(prompt)["input_ids"])
            row = []
            for word in self.model.prompt.label_words.values():
                ids = tokenizer(f"{prompt} {word}", return_tensors="pt")["input_ids"]
                own = ids[0, start:]
                with torch.inference_mode():
                    logits = lm(input_ids=ids, use_cache=False, logits_to_keep=len(own) + 1).logits
                shares = logits[0, :-1].log_softmax(-1)
                row.append(float(shares[range(len(own)), own].sum()))
            rows.append(row)
        return rows


def accuracies(model: PromptedModel, texts: list[str], truths: list[str]) -> dict[str, str]:
    """Return the accuracy under each way to score a label, from one pass over the texts."""
    scorer = LabelScorer(decoder=model.decoder, labels=tuple(model.label_tokens))

    def sums(values: Sequence[str]) -> NDArray[np.float64]:
        """Return the log-probability of every label behind every text."""
        rendered = [model.rendering.text(value) for value in values]
        return scorer.log_probabilities(model.rendering.tokens(rendered))

    of_texts = sums(texts)
    lengths = [len(label) for label in model.label_tokens]
    free = logsumexp(log_softmax(sums(CONTENT_FREE), axis=1), axis=0)
    variants = {
        '`normalize = "sum"`': of_texts,
        '`normalize = "tokens"`': of_texts / lengths,
        '`normalize = "empty"`': of_texts - sums([""]),
        "`calibrate = true`": of_texts - free,
    }
    return {name: right(scores.tolist(), model.labels, truths) for name, scores in variants.items()}


def right(scores: Scores, labels: tuple[str, ...], truths: list[str]) -> str:
    """Return the share of rows whose highest score is that of the right label, in percent."""
    pairs = zip(scores, truths, strict=True)
    share = sum(labels[row.index(max(row))] == truth for row, truth in pairs) / len(truths)
    return f"{100 * share:.1f} %"


def related(sums: Scores, free: list[float]) -> Scores:
    """Return the probabilities of labels under `normalize = "empty"`.

    Args:
        sums: Log-probabilities of labels, a row per text.
        free: Those behind the prompt without a text.
    """
    rows = [[math.exp(score - none) for score, none in zip(row, free, strict=True)] for row in sums]
    return [[share / sum(row) for share in row] for row in rows]


class Comparison:
    """Ours, the loop and the harness on the same texts."""

    def __init__(self, model: PromptedModel, asked: list[tuple[str, str]], rounds: int) -> None:
        """Take texts with labels; ours scores all in every round, and the others a share."""
        self.model = model
        self.texts, self.truths = ([pair[index] for pair in asked] for index in (0, 1))
        self.rounds = rounds
        self.missed: list[str] = []

    def ours(self, texts: list[str]) -> Scores:
        """Score with nothing computed before."""
        return [list(answer.scores.values()) for answer in anew(self.model).predict(texts)]

    def lines(self, lmeval: str | None, batches: list[int], shots: int) -> list[str]:
        """Measure, and return the rows of a table."""
        mine = Contender(self.ours)
        loop = Loop(self.model).sums
        others = {"a loop over texts and labels": Contender(loop)}
        (free,) = loop([""])
        self.ours(self.texts[:1])
        if lmeval is None:
            self._take_turns(mine, others)
        else:
            best = max(batches, key=lambda batch: self._harness_rate(lmeval, batch))
            with Harness(lmeval, self.model, best) as harness:
                harness.sums(self.texts[:1])
                name = f"lm-evaluation-harness {harness.version}, batches of {best}"
                others[name] = Contender(harness.sums, lambda: harness.processor_time)
                self._take_turns(mine, others)
        own = mine.scores[: len(self.texts)]
        lines = [
            f"| {shots} | pytest-ood | {mine.rate:.3f} | | {min(mine.processor_seconds):.2f} | | "
            f"| | {self._right(own)} |"
        ]
        for name, other in others.items():
            theirs = related(other.scores, free)
            same, apart = agreement(own, theirs)
            used = min(other.processor_seconds)
            times = used / min(mine.processor_seconds)
            lines.append(
                f"| {shots} | {name} | {other.rate:.3f} | {mine.rate / other.rate:.1f} times "
                f"| {used:.2f} | {times:.1f} times | {same} of {len(own)} | {apart:.5f} "
                f"| {self._right(theirs)} |"
            )
            if times < TIMES:
                self.missed.append(f"{shots} shots: {times:.2f} times as fast as {name}")
            if same < len(own) or apart > WITHIN:
                self.missed.append(f"{shots} shots: labels or scores differ from {name}")
        return lines

    def _right(self, scores: Scores) -> str:
        return right(scores, self.model.labels, self.truths)

    def _take_turns(self, mine: Contender, others: dict[str, Contender]) -> None:
        share = math.ceil(len(self.texts) / self.rounds)
        for start in range(0, len(self.texts), share):
            mine(self.texts)
            for other in others.values():
                other(self.texts[start : start + share])

    def _harness_rate(self, lmeval: str, batch: int) -> float:
        """Return the texts a second of the harness with a batch size."""
        with Harness(lmeval, self.model, batch) as harness:
            tried = Contender(harness.sums)
            tried(self.texts[:1])
            return tried.rate


def no_data(_: Any) -> Any:
    """Demonstrations are given as a list."""
    raise AssertionError("unreachable: no data is declared")


def main() -> int:
    """Measure, print the tables, and tell whether the claims hold."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("data", type=Path, help="the folder of train.csv and test.csv")
    parser.add_argument("--lmeval", metavar="PYTHON")
    parser.add_argument("--batches", type=int, nargs="+", default=[16, 32])
    parser.add_argument(
        "--timed", type=int, nargs="+", default=[24, 6], help="texts of all contenders, by shots"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--shots", type=int, nargs="+", default=[0, 8], help="of the first table")
    parser.add_argument("--examples", type=int, default=300, help="texts of the second table")
    parser.add_argument("--more-shots", type=int, nargs="+", default=[0, 8, 77])
    parser.add_argument("--write", type=Path, metavar="PATH", help="put the tables into this file")
    parser.add_argument("--cache", type=Path, default=user_cache_path("pytest-ood"))
    options = parser.parse_args()
    questions = Questions.read(options.data)
    context = Context(
        name="smollm2",
        task=Classification(questions.labels),
        root=Path(),
        cache=options.cache,
        offline=False,
        progress=Silent(),
        data=no_data,
    )

    def model(shots: int, **variant: Any) -> PromptedModel:
        """Return a model under a prompt with demonstrations."""
        built: PromptedModel = adapter("prompted").build(
            "asset:smollm2",
            context,
            prompt=PROMPT,
            chat=False,
            demonstrations=questions.shown(shots) if shots else None,
            label_words={label: label.replace("_", " ") for label in questions.labels},
            **variant,
        )
        return built

    first = model(options.shots[0])
    torch = first.checkpoint.loaded[0]
    trie = LabelTrie.of(first.label_tokens, range(len(questions.labels)))
    lines = [
        f"{len(questions.labels)} intents of {sum(map(len, first.label_tokens))} tokens, "
        f"{trie.inner} of which pass the model behind a question; {torch.get_num_threads()} "
        f"threads, torch {torch.__version__}, float32, the best of "
        f'{options.rounds} rounds each, `normalize = "empty"`',
        "",
        "| shots | | texts/s | pytest-ood is faster | processor s a text | pytest-ood takes less "
        "| same labels | scores apart by at most | accuracy |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    missed = []
    for shots, timed in zip(options.shots, options.timed, strict=True):
        asked = model(shots, normalize="empty")
        comparison = Comparison(asked, questions.sample(timed), options.rounds)
        rows = comparison.lines(options.lmeval, options.batches, shots)
        print("\n".join(rows), file=sys.stderr, flush=True)
        lines += rows
        missed += comparison.missed
    sample = questions.sample(options.examples)
    texts, truths = ([pair[index] for pair in sample] for index in (0, 1))
    shares = {shots: accuracies(model(shots), texts, truths) for shots in options.more_shots}
    heads = next(iter(shares.values()))
    lines += [
        "",
        f"Accuracy on {len(texts)} questions, by how a label is scored:",
        "",
        f"| shots | {' | '.join(heads)} |",
        "|---|" + "---|" * len(heads),
        *(f"| {shots} | {' | '.join(row.values())} |" for shots, row in shares.items()),
    ]
    text = "\n".join(lines)
    print(text)
    if options.write is not None:
        put(options.write, __file__, text)
    return conclude(missed)


if __name__ == "__main__":
    sys.exit(main())
