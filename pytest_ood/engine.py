"""Asking models: through the store, every different input once, kept as answers come."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol

from pytest_ood.errors import (
    ModelError,
    ModelRaisedError,
    OodError,
    TooLongError,
    one_line,
    reason_of,
    shown,
    unknown_name,
    without_own_frames,
)
from pytest_ood.examples import canonical, size_of
from pytest_ood.models.protocol import Usage, is_metered, is_normalizing, is_streaming
from pytest_ood.rows import blocks
from pytest_ood.store import MemoryStore, NoStore, Rate
from pytest_ood.tasks import Prediction
from pytest_ood.tasks.answers import check_fields, exactly
from pytest_ood.user_code import contained, ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Mapping, Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model
    from pytest_ood.progress import Progress, Tracker
    from pytest_ood.store import Store

    Group = tuple[Sequence[int], Sequence[Prediction]]

KEPT_AT_ONCE = 128
"""Inputs between two writes to the store, of a model that answers them together: what a crash can
cost. Of a model whose answers come one by one, each is written as it comes."""

TRIED = 8
"""A model that raises for so many single inputs, and for more of them than it has answered, is
broken: it is not asked about the rest."""

RAISED = "raised "
"""What the reason begins with why an input got no answer, where the model raised."""

PROBABILITY_SLACK = 1e-3
"""So far outside of [0, 1] a score may be by rounding."""

LEAST_SUM = 0.5
"""The least that probabilities add up to where every label has one."""

SHOWN_SCORES = 5

PROBABILITIES = (
    "Scores have to be probabilities: return those (the softmax of logits, or shares of a sum), or "
    "labels alone"
)

LONGEST_ERROR = 500
"""Characters of why an input got no answer: a model of the user's may give any text."""

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

    @property
    def at_once(self) -> int | None:
        """How many inputs of a set are asked about together; None for a block (`rows.blocks`)."""
        ...

    def run(self, model: Model, inputs: Sequence[Inputs]) -> Generator[Group, None, None]:
        """Yield (places in `inputs`, their answers) as they come, every place once.

        What was yielded is kept, whatever becomes of the rest.
        """
        ...


@dataclass(frozen=True)
class LocalRunner:
    """Runs models in this process."""

    at_once: int | None = None

    def run(self, model: Model, inputs: Sequence[Inputs]) -> Generator[Group, None, None]:
        """Yield the answers of one call after another, or each answer of a stream.

        Raises:
            ModelError: the model gives another number of answers than it was asked for.
            BaseException: whatever it raises.
        """
        who = f"model {model.name!r}"
        if is_streaming(model):
            left = {*range(len(inputs))}
            with closing(model.stream(inputs)) as stream:
                answers = iter(stream)
                while True:
                    with unattended(who):
                        came = next(answers, None)
                    if came is None:
                        break
                    place, answer = came
                    if place not in left:
                        raise ModelError(
                            f"model {model.name!r} answered input {place!r} of {len(inputs)}, "
                            "which was answered before, or is none"
                        )
                    left.remove(place)
                    yield [place], [answer]
            return
        for start in range(0, len(inputs), KEPT_AT_ONCE):
            batch = inputs[start : start + KEPT_AT_ONCE]
            # An iterator without an end is not read any further than it has to be.
            with unattended(who):
                got = exactly(model.name, model.predict(batch), len(batch))
            yield range(start, start + len(batch)), got


@dataclass
class Tally:
    """What one model was asked in this run, so far.

    Attributes:
        asked: Inputs it was asked about.
        known: Inputs whose answers the store had, from before or from earlier in this run.
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
        memory: Answers of this run that `store` does not keep: all of them where that keeps none,
            and those of models without a fingerprint.
        unanswered: Inputs of this run that got no answer: they are not asked again before the next.
        long: Inputs of this run that did not fit into a model's window.
        broken: Models of this run that raised for most of their inputs: they are not asked again.
        asked: Models without a fingerprint, by `id`: kept alive, so that no other gets their id.
        tallies: What was asked in this run, by the model's name.
        clock: Returns seconds.
    """

    store: Store
    progress: Progress
    runner: Runner = field(default_factory=LocalRunner)
    memory: Store = field(default_factory=MemoryStore)
    unanswered: MemoryStore = field(default_factory=MemoryStore)
    long: MemoryStore = field(default_factory=MemoryStore)
    broken: dict[str, ModelRaisedError] = field(default_factory=dict)
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
            labels: The answers it may give; None, or none, where any will do.
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
        isolate: bool = False,
    ) -> Answered:
        """Answer as `predict` does, and tell how much of it was asked.

        Args:
            model: As in `predict`, like the rest.
            inputs: What it is asked.
            labels: The answers it may give; None, or none, where any will do.
            what: For the progress display.
            draw: Of answers.
            remember: Whether new answers that the store does not keep are kept for this run. An
                attack asks so much, most of it once.
            isolate: As in `in_blocks`.

        Raises:
            ModelError: as `predict`.
        """
        asked = self.in_blocks(
            model, inputs, labels, what, draw, remember=remember, isolate=isolate
        )
        found = list(asked)
        answers = [answer for block in found for answer in block.answers]
        return Answered(answers, sum(block.asked for block in found))

    def in_blocks(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        what: str,
        draw: int = 0,
        *,
        remember: bool = True,
        count_long: bool = False,
        isolate: bool = False,
        ids: Callable[[int], str] | None = None,
    ) -> Generator[Answered, None, None]:
        """Yield the answers to so many inputs at a time as the runner is asked about at once.

        However many inputs there are, no more than these are held.

        Args:
            model: As in `answer`, like the rest.
            inputs: What it is asked.
            labels: The answers it may give; None, or none, where any will do.
            what: For the progress display.
            draw: Of answers.
            remember: Whether new answers are kept for this run.
            count_long: Whether inputs that do not fit into the model's window are among those that
                got no answer.
            isolate: Whether inputs for which the model raises are among those that got no answer,
                and the others get theirs; otherwise what it raises ends it.
            ids: Returns what the input at an index is called, for messages; without it they quote
                the input.

        Raises:
            ModelError: as `predict`.
            ModelRaisedError: the model raises for most of its inputs, which are isolated.
            TooLongError: an input does not fit into the model's window, and is not counted.
        """
        key = self.key(model, labels, draw)
        with ExitStack() as held:
            asking = _Asking(
                self, model, key, labels, what, held, len(inputs), remember, count_long,
                isolate and not is_streaming(model), ids,
            )  # fmt: skip
            for block in blocks(inputs, self.runner.at_once):
                yield asking.answer(block)
            asking.rate()

    def home(self, model: Model) -> Store:
        """Return where the answers of a model are kept."""
        # Nobody can tell what a model without a fingerprint will answer tomorrow.
        forgotten = model.fingerprint is None or isinstance(self.store, NoStore)
        return self.memory if forgotten else self.store

    def tally(self, name: str) -> Tally:
        """Return what the model of this name was asked so far."""
        return self.tallies.setdefault(name, Tally())

    def key(self, model: Model, labels: Sequence[str] | None, draw: int = 0) -> str:
        """Return what has to be equal for answers to be."""
        with contained(f"model {model.name!r}"):
            fingerprint = model.fingerprint
        if fingerprint is None:
            self.asked[id(model)] = model
        # The same weights answer another task with other labels, or with ties the other way round.
        key = "\0".join([fingerprint or f"unknown:{id(model)}", *(labels or ())])
        return f"{key}\0draw {draw}" if draw else key


@dataclass(frozen=True)
class _After:
    """How asking goes on after an exception.

    Attributes:
        inputs: Those that get no answer.
        answers: Why, for each of them.
        again: Those that are asked about again, together each time.
    """

    inputs: Sequence[Inputs]
    answers: Sequence[Prediction]
    again: Sequence[Sequence[Inputs]]


@dataclass
class _Asking:
    """Getting the answers of one model to one set.

    Attributes:
        engine: Whose.
        model: Who is asked.
        key: What has to be equal for answers to be.
        labels: The answers it may give; None, or none, where any will do.
        what: For the progress display.
        held: Closed at the end: the right to ask, the progress.
        left: Inputs that were not looked at yet.
        remember: Whether answers that are not stored are kept for this run.
        count_long: Whether what does not fit into the model's window counts as unanswered.
        isolate: Whether inputs for which the model raises get no answer, and the others theirs.
        ids: Returns what the input at an index of the set is called.
        block: The inputs that are asked about together.
        start: Their first one's index in the set.
        raised: Inputs for which the model raised, asked one by one.
        reasons: By the type of what the model raised, what is said of all inputs with it.
        known: Inputs whose answers were known.
        asked: Inputs that were asked about.
        size: Their characters.
        seconds: That they took.
        passed: Known inputs since the progress was announced.
        tracker: Of the progress, once there is any.
        alone: Whether this process has the right to ask.
    """

    engine: Engine
    model: Model
    key: str
    labels: Sequence[str] | None
    what: str
    held: ExitStack
    left: int
    remember: bool
    count_long: bool = False
    isolate: bool = False
    ids: Callable[[int], str] | None = None
    block: Sequence[Inputs] = ()
    start: int = 0
    raised: int = 0
    reasons: dict[str, str] = field(default_factory=dict)
    known: int = 0
    asked: int = 0
    size: int = 0
    seconds: float = 0.0
    passed: int = 0
    tracker: Tracker | None = None
    alone: bool = False

    def answer(self, inputs: Sequence[Inputs]) -> Answered:
        """Answer a block of inputs, the next of the set."""
        self.start, self.block = self.start + len(self.block), inputs
        unique = {canonical(value): value for value in inputs}
        found = self._found(list(unique.values()))
        missing = [value for text, value in unique.items() if text not in found]
        home = self.engine.home(self.model)
        if missing and not self.alone:
            # Another process may be asking the same model: what it has got by then is known.
            progress = self.engine.progress
            self.held.enter_context(home.alone(self.key, progress, self.model.name))
            self.alone = True
            found |= self._found(missing)
            missing = [value for value in missing if canonical(value) not in found]
        self.left -= len(inputs)
        self._pass_over(len(unique) - len(missing), len(inputs) - len(missing))
        before = self.asked
        if missing:
            found |= self._ask(missing)
        return Answered([found[canonical(value)] for value in inputs], self.asked - before)

    def rate(self) -> None:
        """Keep how fast the model answered: what a dry run expects of it."""
        if self.asked >= RATED:
            rate = Rate(self.asked, self.size, self.seconds)
            self.engine.home(self.model).put_rate(self.model.fingerprint or "", rate)

    def _found(self, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the answers that are known, by canonical input.

        Raises:
            TooLongError: an input is known not to fit, and is not counted.
        """
        engine = self.engine
        long = engine.long.get(self.key, inputs)
        if long and not self.count_long:
            reason = next(iter(long.values())).error or ""
            raise TooLongError(
                f"model {self.model.name!r}: {reason}",
                [value for value in inputs if canonical(value) in long],
                reason,
            )
        unanswered = engine.unanswered.get(self.key, inputs)
        return long | unanswered | engine.home(self.model).get(self.key, inputs)

    def _pass_over(self, different: int, places: int) -> None:
        """Count inputs whose answers are known: so many different ones, in so many places."""
        self.known += different
        if self.tracker is not None:
            self.passed += places
        if self.engine.home(self.model) is self.engine.store:
            self.engine.tally(self.model.name).known += different

    def _ask(self, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Get the answers that are not known."""
        if not (self.remember and is_normalizing(self.model)):
            return self._run({canonical(value): [value] for value in inputs}, inputs)
        # What looks the same to the model is asked once in a run.
        memory, key = self.engine.memory, f"{self.key}\0seen"
        alike: dict[str, list[Inputs]] = {}
        for value, sight in zip(inputs, self.model.seen(inputs), strict=True):
            alike.setdefault(sight, []).append(value)
        seen = memory.get(key, list(alike))
        asked = {sight: alike[sight] for sight in alike if canonical(sight) not in seen}
        pairs = [
            (value, seen[canonical(sight)])
            for sight in alike.keys() - asked.keys()
            for value in alike[sight]
        ]
        self._keep(pairs)
        firsts = {sight: values[0] for sight, values in asked.items()}
        groups = {canonical(first): asked[sight] for sight, first in firsts.items()}
        self._pass_over(len(inputs) - len(firsts), len(inputs) - len(firsts))
        answers = self._run(groups, list(firsts.values())) if firsts else {}
        new = [(sight, answers[canonical(first)]) for sight, first in firsts.items()]
        memory.put(key, [(sight, answer) for sight, answer in new if answer.error is None])
        return answers | {canonical(value): answer for value, answer in pairs}

    def _run(
        self, alike: Mapping[str, Sequence[Inputs]], inputs: Sequence[Inputs]
    ) -> dict[str, Prediction]:
        """Ask the model, and keep every answer as it comes, for all inputs that look like it."""
        model, engine = self.model, self.engine
        if self.key in engine.broken:
            raise engine.broken[self.key]
        if self.tracker is None:
            title = f"predicting {self.what} with {model.name}"
            step = engine.progress.track(title, len(inputs) + self.left, "texts", quick=True)
            self.tracker = self.held.enter_context(step)
        # Inputs of like size share a batch.
        ordered = sorted(inputs, key=lambda value: (size_of(value), canonical(value)))
        answers: dict[str, Prediction] = {}
        waiting: list[Sequence[Inputs]] = [ordered]
        tally, count = engine.tally(model.name), 0
        started, before = engine.clock(), tally.seconds
        try:
            while waiting:
                left = waiting.pop()
                try:
                    # Closing gives up what is under way, at once and not when the garbage is
                    # collected.
                    with closing(engine.runner.run(model, left)) as groups:
                        for places, got in groups:
                            answers |= self._taken(alike, [left[p] for p in places], got)
                            count += len(got)
                            self.tracker.update(self.asked + self.passed + count, self._note())
                except BaseException as error:
                    if ends_run(error):
                        raise
                    rest = [value for value in left if canonical(value) not in answers]
                    after = self._after(error, rest, self.asked + count)
                    if after is None and isinstance(error, Exception):
                        raise
                    if after is None:
                        # It would end the process, or skip the test.
                        raise ModelError(self._ended(error, rest)) from without_own_frames(error)
                    answers |= self._taken(alike, after.inputs, after.answers)
                    count += len(after.inputs)
                    waiting += after.again
        finally:
            tally.seconds = before + engine.clock() - started
            if is_metered(model):
                tally.used = model.used
        check_count(model.name, answers, sum(map(len, alike.values())))
        self.asked += len(ordered)
        self.size += sum(map(size_of, ordered))
        self.seconds += tally.seconds - before
        return answers

    def _taken(
        self,
        alike: Mapping[str, Sequence[Inputs]],
        inputs: Sequence[Inputs],
        got: Sequence[Prediction],
    ) -> dict[str, Prediction]:
        """Keep and count answers that came, and return them for all inputs that look alike."""
        check_answers(self.model.name, got, len(inputs), self.labels)
        got = [
            answer
            if answer.error is None
            else replace(answer, error=one_line(answer.error, LONGEST_ERROR))
            for answer in got
        ]
        pairs = [
            (value, answer)
            for asked, answer in zip(inputs, got, strict=True)
            for value in alike[canonical(asked)]
        ]
        self._keep(pairs)
        tally = self.engine.tally(self.model.name)
        tally.asked += len(got)
        tally.unanswered += sum(answer.error is not None for answer in got)
        return {canonical(value): answer for value, answer in pairs}

    def _keep(self, pairs: Sequence[tuple[Inputs, Prediction]]) -> None:
        home = self.engine.home(self.model)
        if self.remember or home is not self.engine.memory:
            home.put(self.key, [pair for pair in pairs if pair[1].error is None])
        # What got no answer is not asked again in this run, and is in the next.
        unanswered = [pair for pair in pairs if pair[1].error is not None]
        self.engine.unanswered.put(self.key, unanswered)

    def _ended(self, error: BaseException, rest: Sequence[Inputs]) -> str:
        """Say what the model raised that is no ordinary exception, and for which input."""
        at = ""
        if len(rest) == 1:
            at = f" for input {repr(name) if (name := self._id_of(rest[0])) else shown(rest[0])}"
        return f"model {self.model.name!r} raised {reason_of(error)}{at}"

    def _after(self, error: BaseException, rest: Sequence[Inputs], asked: int) -> _After | None:
        """Return how asking goes on after an exception; None where it does not.

        Args:
            error: What was raised.
            rest: The inputs that were asked about together, and have no answer.
            asked: How many inputs of the set were asked about before.

        Raises:
            ModelRaisedError: the model raised for most of them.
        """
        if isinstance(error, TooLongError) and self.count_long:
            named = {canonical(value) for value in error.inputs}
            long = [value for value in rest if canonical(value) in named]
            without = [Prediction(None, error=error.reason)] * len(long)
            self.engine.long.put(self.key, list(zip(long, without, strict=True)))
            others = [value for value in rest if canonical(value) not in named]
            return _After(long, without, [others] if others else []) if long else None
        if isinstance(error, OodError) or not self.isolate or not rest:
            return None
        if len(rest) > 1:
            # Each half takes every second input, so that those that are asked alone first are
            # spread over all of them.
            return _After([], [], [rest[1::2], rest[::2]])
        if not isinstance(error, Exception):
            return None
        return _After(rest, [self._raised(error, rest[0], asked)], [])

    def _raised(self, error: Exception, value: Inputs, asked: int) -> Prediction:
        """Say why an input got no answer, for which the model raised though it was asked alone.

        All inputs with a type of exception get the same reason, which names the first of them: a
        report counts equal ones, and the words of an exception may quote the input.
        """
        self.raised += 1
        kind, reason, name = type(error).__name__, reason_of(error), self._id_of(value)
        if self.raised >= TRIED and self.raised > asked - self.raised + 1:
            counts = (self.raised, asked + 1)
            broken = ModelRaisedError(self.model.name, value, reason, counts, name)
            self.engine.broken[self.key] = broken
            raise broken from without_own_frames(error)
        if kind not in self.reasons:
            named = repr(name) if name else shown(value)
            self.reasons[kind] = f"{RAISED}{reason}, first for input {named}"
        return Prediction(None, error=self.reasons[kind])

    def _id_of(self, value: Inputs) -> str:
        """Return what an input of the block is called, or "" where nobody can tell."""
        if self.ids is None:
            return ""
        name = canonical(value)
        index = next((n for n, one in enumerate(self.block) if canonical(one) == name), None)
        return "" if index is None else self.ids(self.start + index)

    def _note(self) -> str:
        """Say what the progress of a step does not: what was known, what it has cost."""
        told = [f"{self.known:,} more were known"] if self.known else []
        if is_metered(self.model):
            told.append(spent(self.model.used))
        return ", ".join(filter(None, told))


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
        check_fields(name, answer)
        if not labels and answer.label and not _is_carried(answer.label):
            raise ModelError(
                f"model {name!r} answered {answer.label!r}: the text holds a lone surrogate, which "
                "no encoding can carry; leave it out"
            )
        if labels and answer.label is not None and answer.label not in labels:
            raise ModelError(
                f"model {name!r} answered an " + unknown_name("label", answer.label, labels)
            )
        _check_scores(name, answer.scores, labels or ())


def _check_scores(name: str, scores: Mapping[str, float], labels: Sequence[str]) -> None:
    """Refuse scores that are no probabilities.

    Their sum may be below 1 where they are shares of a whole that has other parts, as of all tokens
    that could come next; where every label has one, half of the whole is theirs.

    Raises:
        ModelError: names the model, what it gave and what is allowed.
    """
    for label, score in scores.items():
        if not math.isfinite(score):
            raise ModelError(f"model {name!r} gave the score {score} to the label {label!r}")
        if not -PROBABILITY_SLACK <= score <= 1.0 + PROBABILITY_SLACK:
            raise ModelError(
                f"model {name!r} gave the score {score:g} to the label {label!r}, which is no "
                f"probability: it is outside of [0, 1]. {PROBABILITIES}"
            )
    whole = sum(scores.values())
    # Probabilities that were rounded to two decimals each.
    slack = max(0.02, 0.005 * len(scores))
    if whole > 1.0 + slack:
        raise ModelError(
            f"model {name!r} gave scores that add up to {whole:.4g} ({_listed(scores)}), and the "
            f"probabilities of labels add up to 1 at most. {PROBABILITIES}"
        )
    if labels and all(label in scores for label in labels) and whole < LEAST_SUM:
        raise ModelError(
            f"model {name!r} gave scores that add up to {whole:.4g} ({_listed(scores)}), far from "
            f"the 1 that the probabilities of all labels add up to. {PROBABILITIES}"
        )


def _listed(scores: Mapping[str, float]) -> str:
    """Write the first scores."""
    shown = [f"{label!r}: {score:g}" for label, score in list(scores.items())[:SHOWN_SCORES]]
    return ", ".join([*shown, *(["..."] if len(scores) > SHOWN_SCORES else [])])


def _is_carried(text: str) -> bool:
    """Tell whether a text can be written as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_answered(
    name: str, answers: Sequence[Prediction], what: str, *, raised: bool = False
) -> None:
    """Refuse answers of which some never came.

    Args:
        name: Of the model.
        answers: To all inputs.
        what: Which set these are.
        raised: Whether inputs may be without an answer for which the model raised.

    Raises:
        ModelError: names the model, how many are missing and why the first is.
    """
    errors = [answer.error for answer in answers if answer.error is not None]
    missing = [error for error in errors if not (raised and error.startswith(RAISED))]
    if missing:
        raise ModelError(
            f"model {name!r} did not answer {len(missing)} of {len(answers)} inputs of {what} "
            f"({missing[0]}); {next_step(missing[0])}"
        )


def next_step(error: str) -> str:
    """Say what brings an answer that is missing.

    Args:
        error: The reason why it is.
    """
    mend = "once the model is mended, " if error.startswith(RAISED) else ""
    return f"what was answered is kept: {mend}run the same command again"
