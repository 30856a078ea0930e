"""Asking models: through the store, every different input once, kept as answers come."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_ood.errors import ModelError, unknown_name
from pytest_ood.examples import canonical, size_of
from pytest_ood.models.protocol import Usage, is_metered, is_streaming
from pytest_ood.store import MemoryStore, NoStore, Rate
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model
    from pytest_ood.progress import Progress
    from pytest_ood.store import Store

    Group = tuple[Sequence[int], Sequence[Prediction]]

KEPT_AT_ONCE = 128
"""Inputs between two writes to the store, of a model that answers them together: what a crash can
cost. Of a model whose answers come one by one, each is written as it comes."""

RATED = 32
"""Fewer answers than this tell little about a model's speed."""


@dataclass(frozen=True)
class Answered:
    """Answers, and what they took.

    Attributes:
        answers: One for each input, in order.
        asked: How many inputs the model was asked about; the other answers were known.
    """

    answers: list[Prediction]
    asked: int


class Runner(Protocol):
    """Where models run: in this process, or on a cluster."""

    def run(self, model: Model, inputs: Sequence[Inputs]) -> Generator[Group, None, None]:
        """Yield (places in `inputs`, their answers) as they come, every place once.

        What was yielded is kept, whatever becomes of the rest.
        """
        ...


@dataclass(frozen=True)
class LocalRunner:
    """Runs models in this process."""

    def run(self, model: Model, inputs: Sequence[Inputs]) -> Generator[Group, None, None]:
        """Yield the answers of one call after another, or each answer of a stream."""
        if is_streaming(model):
            with closing(model.stream(inputs)) as stream:
                for place, answer in stream:
                    yield [place], [answer]
            return
        for start in range(0, len(inputs), KEPT_AT_ONCE):
            batch = inputs[start : start + KEPT_AT_ONCE]
            got = model.predict(batch)
            check_count(model.name, got, len(batch))
            yield range(start, start + len(batch)), got


@dataclass
class Tally:
    """What one model was asked in this run, so far.

    Attributes:
        asked: Inputs it was asked about.
        known: Inputs whose answers were known.
        unanswered: Inputs it was asked about that got no answer.
        seconds: That asking took.
        used: Requests, tokens and cost, of a model that counts them.
    """

    asked: int = 0
    known: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    used: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Engine:
    """Asks models and keeps their answers.

    Attributes:
        store: Where answers are kept between runs.
        progress: Told about long steps.
        runner: Where models run.
        memory: Answers of this run; the only place for those of models without a fingerprint, and
            for inputs that got no answer: they are not asked again before the next run.
        asked: Models without a fingerprint, by `id`: kept alive, so that no other gets their id.
        tallies: What was asked in this run, by the model's name.
        clock: Returns seconds.
    """

    store: Store
    progress: Progress
    runner: Runner = field(default_factory=LocalRunner)
    memory: MemoryStore = field(default_factory=MemoryStore)
    asked: dict[int, Model] = field(default_factory=dict)
    tallies: dict[str, Tally] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def predict(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        what: str,
        draw: int = 0,
    ) -> list[Prediction]:
        """Answer every input, in order; equal inputs are asked once.

        Args:
            model: The model under test.
            inputs: What it is asked.
            labels: The answers it may give; None where any will do.
            what: For the progress display: which set this is.
            draw: Answers of another draw are asked for anew, to see whether they are the same.

        Raises:
            ModelError: it gave another number of answers, an unknown label, or a score that is not
                a number.
        """
        return self.answer(model, inputs, labels, what, draw).answers

    def answer(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        what: str,
        draw: int = 0,
        *,
        remember: bool = True,
    ) -> Answered:
        """Answer as `predict` does, and tell how much of it was asked.

        Args:
            model: As in `predict`, like the rest.
            inputs: What it is asked.
            labels: The answers it may give.
            what: For the progress display.
            draw: Of answers.
            remember: Whether new answers are kept in memory besides the store. An attack asks so
                much, most of it once, that memory would grow with it.

        Raises:
            ModelError: as `predict`.
        """
        unique = {canonical(value): value for value in inputs}
        key = self.key(model, labels, draw)
        # Nobody can tell what a model without a fingerprint will answer tomorrow.
        store = self.store if model.fingerprint is not None else NoStore()
        asking = _Asking(self, store, model, key, labels, what, remember=remember)
        known = self.memory.get(key, list(unique.values()))
        known |= asking.stored([value for text, value in unique.items() if text not in known])
        missing = [value for text, value in unique.items() if text not in known]
        asked = 0
        if missing:
            # Another process may be asking the same model: what it has got by then is known.
            with store.alone(key, self.progress, model.name):
                known |= asking.stored(missing)
                missing = [value for value in missing if canonical(value) not in known]
                asked = len(missing)
                known |= asking.ask(missing, len(unique) - asked)
        tally = self.tallies.setdefault(model.name, Tally())
        tally.known += len(unique) - asked
        return Answered([known[canonical(value)] for value in inputs], asked)

    def key(self, model: Model, labels: Sequence[str] | None, draw: int = 0) -> str:
        """Return what has to be equal for answers to be."""
        if model.fingerprint is None:
            self.asked[id(model)] = model
        # The same weights answer another task with other labels, or with ties the other way round.
        key = "\0".join([model.fingerprint or f"unknown:{id(model)}", *(labels or ())])
        return f"{key}\0draw {draw}" if draw else key


@dataclass(frozen=True)
class _Asking:
    """Getting the answers of one model to one set."""

    engine: Engine
    store: Store
    model: Model
    key: str
    labels: Sequence[str] | None
    what: str
    remember: bool

    def stored(self, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that the store has, by canonical input."""
        if not inputs:
            return {}
        found = self.store.get(self.key, inputs)
        if self.remember and found:
            texts = {canonical(value): value for value in inputs}
            self.engine.memory.put(self.key, [(texts[t], answer) for t, answer in found.items()])
        return found

    def ask(self, inputs: Sequence[Inputs], known: int) -> dict[str, Prediction]:
        """Ask the model, and keep every answer as it comes."""
        if not inputs:
            return {}
        model, engine = self.model, self.engine
        # Inputs of like size share a batch.
        ordered = sorted(inputs, key=lambda value: (size_of(value), canonical(value)))
        answers: dict[str, Prediction] = {}
        tally = engine.tallies.setdefault(model.name, Tally())
        title = f"predicting {self.what} with {model.name}"
        started, before = engine.clock(), tally.seconds
        try:
            with ExitStack() as tracks:
                tracker = tracks.enter_context(
                    engine.progress.track(title, len(ordered), "texts", quick=True)
                )
                # Closing gives up what is under way, at once and not when the garbage is collected.
                groups = tracks.enter_context(closing(engine.runner.run(model, ordered)))
                for places, got in groups:
                    check_answers(model.name, got, len(places), self.labels)
                    pairs = [(ordered[p], answer) for p, answer in zip(places, got, strict=True)]
                    self._keep(pairs)
                    answers |= {canonical(value): answer for value, answer in pairs}
                    tally.asked += len(pairs)
                    tally.unanswered += sum(answer.error is not None for answer in got)
                    tracker.update(len(answers), self._note(known))
        finally:
            tally.seconds = before + engine.clock() - started
            if is_metered(model):
                tally.used = model.used
        check_count(model.name, answers, len(ordered))
        self._rate(ordered, tally.seconds - before)
        return answers

    def _keep(self, pairs: Sequence[tuple[Inputs, Prediction]]) -> None:
        answered = [(value, answer) for value, answer in pairs if answer.error is None]
        self.store.put(self.key, answered)
        # What got no answer is not asked again in this run, and is in the next.
        self.engine.memory.put(self.key, pairs if self.remember else [
            pair for pair in pairs if pair[1].error is not None
        ])  # fmt: skip

    def _note(self, known: int) -> str:
        """Say what the progress of a step does not: what was known, what it has cost."""
        told = [f"{known:,} more were known"] if known else []
        if is_metered(self.model):
            told.append(spent(self.model.used))
        return ", ".join(filter(None, told))

    def _rate(self, inputs: Sequence[Inputs], seconds: float) -> None:
        """Keep how fast the model answered: what a dry run expects of it."""
        if len(inputs) >= RATED:
            size = sum(map(size_of, inputs))
            self.store.put_rate(self.model.fingerprint or "", Rate(len(inputs), size, seconds))


def spent(used: Usage) -> str:
    """Write what a model has taken: `1,234 tokens, 0.12 USD`."""
    tokens = used.prompt_tokens + used.completion_tokens
    told = [f"{used.requests:,} requests" if used.requests else "",
            f"{tokens:,} tokens" if tokens else "",
            f"{used.cost:.4f} {used.currency}" if used.cost is not None else ""]  # fmt: skip
    return ", ".join(filter(None, told))


def check_count(name: str, answers: Iterable[object], count: int) -> None:
    """Refuse another number of answers than of inputs.

    Raises:
        ModelError: names the model and both numbers.
    """
    given = sum(1 for _ in answers)
    if given != count:
        raise ModelError(f"model {name!r} gave {given} answers to {count} inputs")


def check_answers(
    name: str, answers: Sequence[Prediction], count: int, labels: Sequence[str] | None
) -> None:
    """Refuse what is not an answer to each of `count` inputs.

    Raises:
        ModelError: names the model and what it gave.
    """
    check_count(name, answers, count)
    for answer in answers:
        if not isinstance(answer, Prediction) or not isinstance(answer.label, str | None):
            raise ModelError(
                f"model {name!r} answered {answer!r}; an answer is a Prediction, its label a str "
                "or None"
            )
        if labels is not None and answer.label is not None and answer.label not in labels:
            raise ModelError(
                f"model {name!r} answered an " + unknown_name("label", answer.label, labels)
            )
        for label, score in answer.scores.items():
            if not math.isfinite(score):
                raise ModelError(f"model {name!r} gave the score {score} to the label {label!r}")


def check_answered(name: str, answers: Sequence[Prediction], what: str) -> None:
    """Refuse answers of which some never came.

    Raises:
        ModelError: names the model, how many are missing and why the first is.
    """
    missing = [answer.error for answer in answers if answer.error is not None]
    if missing:
        raise ModelError(
            f"model {name!r} did not answer {len(missing)} of {len(answers)} inputs of {what} "
            f"({missing[0]}); what it answered is kept: run the same command again"
        )
