"""What the scripts share that time scores of label words: contenders, one of them the harness."""

from __future__ import annotations

import json
import math
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ood.loading.prompts import Prompt
    from pytest_ood.models.prompted import PromptedModel

Scores = list[list[float]]


@dataclass
class Contender:
    """One way to ask, and what it took so far.

    Attributes:
        ask: Returns the label words' probabilities among themselves for each prompt.
        clock: Returns the processor time of the process that answers, in seconds.
        seconds: For a text, in each round.
        processor_seconds: The same of processor time, all threads together.
        scores: All that it answered.
    """

    ask: Callable[[list[str]], Scores]
    clock: Callable[[], float] = time.process_time
    seconds: list[float] = field(default_factory=list)
    processor_seconds: list[float] = field(default_factory=list)
    scores: Scores = field(default_factory=list)

    def __call__(self, texts: list[str]) -> None:
        """Ask, and look at the clocks."""
        used, started = self.clock(), time.perf_counter()
        self.scores += self.ask(texts)
        self.seconds.append((time.perf_counter() - started) / len(texts))
        self.processor_seconds.append((self.clock() - used) / len(texts))

    @property
    def rate(self) -> float:
        """Texts a second in the best round."""
        return 1 / min(self.seconds)


class Harness:
    """lm-evaluation-harness in a process of its own."""

    def __init__(self, python: str, model: PromptedModel, batch: int) -> None:
        """Start it, and wait until its model is loaded."""
        self.model = model
        self.process = subprocess.Popen(  # noqa: S603 - an interpreter that the user names
            [python, str(Path(__file__).with_name("_lmeval.py"))],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        )  # fmt: skip
        folder = model.checkpoint.loaded[2].name_or_path
        words = list(model.prompt.label_words.values())
        told = self._tell({"folder": folder, "batch": batch, "words": words})
        self.version = told["version"]
        self.processor_time = 0.0

    def _tell(self, asked: dict[str, Any]) -> dict[str, Any]:
        assert self.process.stdin is not None  # noqa: S101 - a pipe, as asked above
        assert self.process.stdout is not None  # noqa: S101 - likewise
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def sums(self, texts: list[str]) -> Scores:
        """Return the log-probabilities of the label words; the pipe takes a millisecond of it."""
        answer = self._tell({"prompts": [self.model.prompt.render(text) for text in texts]})
        self.processor_time = answer["processor_time"]
        scores: Scores = answer["scores"]
        return scores

    def __call__(self, texts: list[str]) -> Scores:
        """Score."""
        rows = [[math.exp(score) for score in row] for row in self.sums(texts)]
        return [[share / sum(row) for share in row] for row in rows]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go."""
        self.process.communicate()


def anew(model: PromptedModel, prompt: Prompt | None = None) -> PromptedModel:
    """Return the model with nothing computed yet, on the same weights."""
    return model.with_prompt(prompt or model.prompt)


def agreement(one: Scores, other: Scores) -> tuple[int, float]:
    """Return how many labels are the same, and the largest difference of scores."""
    pairs = list(zip(one, other, strict=True))
    same = sum(mine.index(max(mine)) == its.index(max(its)) for mine, its in pairs)
    apart = max(abs(a - b) for mine, its in pairs for a, b in zip(mine, its, strict=True))
    return same, apart
