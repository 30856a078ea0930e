"""Queries models through the store: each distinct input once, answers written as they come."""

from __future__ import annotations

import math
import time
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Protocol, TypeVar

from pytest_ood.data.inputs import canonical, size_of
from pytest_ood.data.lazy import blocks
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
from pytest_ood.inference.store import MemoryStore, NoStore, Rate
from pytest_ood.models.protocol import (
    Usage,
    is_batched,
    is_metered,
    is_normalizing,
    is_streaming,
)
from pytest_ood.tasks import UNSCORED, Prediction
from pytest_ood.tasks.answers import check_fields, exactly
from pytest_ood.utils.user_code import contained, ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.store import Store
    from pytest_ood.models.protocol import Model, Streaming
    from pytest_ood.utils.progress import Progress, Tracker

    IndexedPredictions = tuple[Sequence[int], Sequence[Prediction]]
    """Indices of inputs, and the prediction for each of them."""

T = TypeVar("T")

FIRST_BATCH, BATCH_SIZE = 8, 128
"""Inputs per call of `predict`: at first, and at most. A slow model gets few, so that a crash loses
seconds; those of a streaming model are written one by one."""

SLOW_SECONDS = 0.5
"""Seconds of a call after which the next one gets fewer inputs."""

WRITE_SECONDS = 0.1
"""Seconds between two writes of answers, at least: what a crash costs. Each takes milliseconds, in
which an accelerator computes the batches that it already has."""

MAX_RAISED = 8
"""A model is broken once it has raised for this many single inputs, and for more inputs than it has
answered. It is not queried any further."""

RAISED = "raised "
"""Prefix of `Prediction.error` for an input on which the model raised."""

PROBABILITY_SLACK = 1e-3
"""How far rounding may put a score outside of [0, 1]."""

MIN_PROBABILITY_SUM = 0.5
"""The least sum of the probabilities where every label has one."""

MAX_SHOWN_SCORES = 5

PROBABILITIES = (
    "Scores have to be probabilities: return those (the softmax of logits, or shares of a sum), or "
    "labels alone"
)

MAX_ERROR_LENGTH = 500
"""Characters of a `Prediction.error`, which a user's model may return in any length."""

MIN_RATED_INPUTS = 32
"""The fewest inputs from which a model's speed is estimated."""


@dataclass(frozen=True, kw_only=True)
class PredictionBlock:
    """Predictions for consecutive inputs.

    Attributes:
        predictions: One for each input, in order.
        query_count: The number of inputs that the model was queried for; the others were cached.
    """

    predictions: list[Prediction]
    query_count: int


class Runner(Protocol):
    """Runs models, in this process or on a cluster."""

    @property
    def block_size(self) -> int | None:
        """The most inputs passed to one call of `run`; None for the size of `rows.blocks`."""
        ...

    def run(
        self, model: Model, inputs: Sequence[Inputs]
    ) -> Generator[IndexedPredictions, None, None]:
        """Yield the predictions as they come, with their indices in `inputs`, each index once.

        Predictions that were yielded are stored even if a later one fails.
        """
        ...


@dataclass(frozen=True)
class LocalRunner:
    """Runs models in this process."""

    block_size: int | None = None

    def run(
        self, model: Model, inputs: Sequence[Inputs]
    ) -> Generator[IndexedPredictions, None, None]:
        """Yield the predictions of one call after another, or of a stream one by one.

        Raises:
            ModelError: the model returns another number of predictions than of inputs.
            BaseException: whatever the model raises.
        """
        owner = f"model {model.name!r}"
        if is_streaming(model):
            yield from self._stream(model, inputs, owner)
            return
        yield from self._written_by_time(
            _items_of(model.predict_batches(inputs), owner)
            if is_batched(model)
            else self._calls(model, inputs, owner)
        )

    @staticmethod
    def _calls(
        model: Model, inputs: Sequence[Inputs], owner: str
    ) -> Generator[IndexedPredictions, None, None]:
        """Yield the predictions of one call of `predict` after another."""
        start, size = 0, FIRST_BATCH
        while start < len(inputs):
            batch = inputs[start : start + size]
            started = time.monotonic()
            with unattended(owner):
                # `exactly` reads one item more than it needs, at most: an iterator may be endless.
                predictions = exactly(model.name, model.predict(batch), len(batch))
            yield range(start, start + len(batch)), predictions
            start += len(batch)
            # A model that is quick gets the same batches whatever the machine does beside it.
            taken = time.monotonic() - started
            if taken > SLOW_SECONDS:
                size = max(1, size // 4)
            elif taken < SLOW_SECONDS / 4:
                size = min(BATCH_SIZE, 4 * size)

    @staticmethod
    def _written_by_time(
        batches: Iterable[IndexedPredictions],
    ) -> Generator[IndexedPredictions, None, None]:
        """Yield what comes within `WRITE_SECONDS` together, as a write takes milliseconds."""
        indices: list[int] = []
        predictions: list[Prediction] = []
        written = time.monotonic()
        try:
            for some, new in batches:
                indices += some
                predictions += new
                if time.monotonic() - written >= WRITE_SECONDS:
                    yield indices, predictions
                    indices, predictions = [], []
                    written = time.monotonic()
        except BaseException as error:
            # What came before is kept, unless it is the consumer who ends this.
            if indices and not isinstance(error, GeneratorExit):
                yield indices, predictions
            raise
        if indices:
            yield indices, predictions

    def _stream(
        self, model: Streaming, inputs: Sequence[Inputs], owner: str
    ) -> Generator[IndexedPredictions, None, None]:
        pending = set(range(len(inputs)))
        with closing(model.stream(inputs)) as stream:
            for index, prediction in _items_of(stream, owner):
                if index not in pending:
                    raise ModelError(
                        f"model {model.name!r} streamed an answer for the index {index!r} of "
                        f"{len(inputs)} inputs, which was answered before or is out of range"
                    )
                pending.remove(index)
                yield [index], [prediction]


def _items_of(items: Iterable[T], owner: str) -> Iterator[T]:
    """Yield what a model's own code yields."""
    iterator = iter(items)
    while True:
        # Only the model's own code runs unattended, not the engine's between two answers.
        with unattended(owner):
            item = next(iterator, None)
        if item is None:
            return
        yield item


@dataclass(kw_only=True)
class QueryTally:
    """The work of one model in this run, so far.

    Attributes:
        queried: Inputs that the model was queried for.
        cached: Inputs whose predictions were in the store, from earlier runs or from this one.
        unanswered: Inputs in `queried` that got no answer.
        seconds: Time spent querying.
        used: Requests, tokens and cost, for a model that counts them.
    """

    queried: int = 0
    cached: int = 0
    unanswered: int = 0
    seconds: float = 0.0
    used: Usage = field(default_factory=Usage)


@dataclass(frozen=True)
class Engine:
    """Queries models and caches their predictions.

    Attributes:
        store: Predictions kept between runs.
        progress: Shows long steps.
        runner: Runs the models.
        memory: Predictions of this run that `store` does not keep: all of them if `store` keeps
            none, otherwise those of models without a fingerprint.
        unanswered: Inputs without an answer in this run; they are queried again in the next run.
        too_long: Inputs of this run that did not fit into a model's window.
        broken: By cache key, models of this run that raised for most of their inputs; they are not
            queried again.
        without_fingerprint: Models without a fingerprint by `id`. The reference keeps them alive,
            so that no other model gets the same `id`.
        tallies: The work of this run by the model's name.
        clock: Returns seconds.
    """

    store: Store
    progress: Progress
    runner: Runner = field(default_factory=LocalRunner)
    memory: Store = field(default_factory=MemoryStore)
    unanswered: MemoryStore = field(default_factory=MemoryStore)
    too_long: MemoryStore = field(default_factory=MemoryStore)
    broken: dict[str, ModelRaisedError] = field(default_factory=dict)
    without_fingerprint: dict[int, Model] = field(default_factory=dict)
    tallies: dict[str, QueryTally] = field(default_factory=dict)
    clock: Callable[[], float] = time.monotonic

    def predict(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        title: str,
        draw: int = 0,
    ) -> list[Prediction]:
        """Return the prediction for every input, in order; equal inputs are queried once.

        Args:
            model: The model under test.
            inputs: The inputs.
            labels: The allowed labels; None or empty where any text may be an answer.
            title: Names the set of inputs in the progress display.
            draw: Predictions of different draws are cached separately, so that a second draw shows
                whether a model repeats its answers.

        Raises:
            ModelError: another number of answers than inputs, an unknown label, or a score that is
                no probability.
        """
        return self.predict_counted(model, inputs, labels, title, draw).predictions

    def predict_counted(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        title: str,
        draw: int = 0,
        *,
        remember: bool = True,
        isolate: bool = False,
    ) -> PredictionBlock:
        """Return the predictions for all inputs, and for how many the model was queried.

        Args:
            model: As for `predict`, like `inputs`, `labels`, `title` and `draw`.
            inputs: The inputs.
            labels: The allowed labels.
            title: Names the set of inputs.
            draw: The draw.
            remember: Whether predictions that the store does not keep are kept in memory. An attack
                has many inputs, most of which occur once.
            isolate: As for `predict_in_blocks`.

        Raises:
            ModelError: as for `predict`.
        """
        results = list(
            self.predict_in_blocks(
                model, inputs, labels, title, draw, remember=remember, isolate=isolate
            )
        )
        return PredictionBlock(
            predictions=[prediction for block in results for prediction in block.predictions],
            query_count=sum(block.query_count for block in results),
        )

    def predict_in_blocks(
        self,
        model: Model,
        inputs: Sequence[Inputs],
        labels: Sequence[str] | None,
        title: str,
        draw: int = 0,
        *,
        remember: bool = True,
        count_long: bool = False,
        isolate: bool = False,
        id_of: Callable[[int], str] | None = None,
    ) -> Generator[PredictionBlock, None, None]:
        """Yield the predictions for one block of inputs after another.

        Only one block is held in memory, whatever the number of inputs. A block has as many inputs
        as the runner takes at a time.

        Args:
            model: As for `predict`, like `inputs`, `labels`, `title` and `draw`.
            inputs: The inputs.
            labels: The allowed labels.
            title: Names the set of inputs.
            draw: The draw.
            remember: As for `predict_counted`.
            count_long: Whether inputs that exceed the model's window count as unanswered; otherwise
                they raise.
            isolate: Whether inputs for which the model raises count as unanswered while the others
                get their predictions; otherwise the exception is passed on.
            id_of: Returns the id of the input at an index, for messages, which otherwise quote the
                input.

        Raises:
            ModelError: as for `predict`.
            ModelRaisedError: with `isolate`, the model raises for most of its inputs.
            TooLongError: without `count_long`, an input exceeds the model's window.
        """
        request = PredictionRequest(
            model=model,
            cache_key=self.cache_key(model, labels, draw),
            labels=labels,
            title=title,
            input_count=len(inputs),
            remember=remember,
            count_long=count_long,
            # A streaming model says for itself which inputs it could not answer; an exception of
            # it is about the server, not about an input.
            isolate=isolate and not is_streaming(model),
            id_of=id_of,
        )
        with ExitStack() as resources:
            run = _RequestRun(self, request, resources)
            for block in blocks(inputs, self.runner.block_size):
                yield run.predict_block(block)
            run.store_rate()

    def store_of(self, model: Model) -> Store:
        """Return the store that keeps a model's predictions."""
        # Without a fingerprint a changed model cannot be told from the one before, so that its
        # predictions are valid in this run only.
        this_run_only = model.fingerprint is None or isinstance(self.store, NoStore)
        return self.memory if this_run_only else self.store

    def tally(self, name: str) -> QueryTally:
        """Return the work in this run of the model with this name."""
        return self.tallies.setdefault(name, QueryTally())

    def cache_key(self, model: Model, labels: Sequence[str] | None, draw: int = 0) -> str:
        """Return the key under which predictions are cached: equal keys, equal predictions."""
        with contained(f"model {model.name!r}"):
            fingerprint = model.fingerprint
        if fingerprint is None:
            self.without_fingerprint[id(model)] = model
        # The labels and their order are part of the key: the same weights predict something else
        # for another task, and resolve ties by the order.
        key = "\0".join([fingerprint or f"unknown:{id(model)}", *(labels or ())])
        return f"{key}\0draw {draw}" if draw else key


@dataclass(frozen=True, kw_only=True)
class PredictionRequest:
    """A set of inputs for one model, and what happens to inputs without an answer.

    Attributes:
        model: The model.
        cache_key: As by `Engine.cache_key`.
        labels: The allowed labels; None or empty where any text may be an answer.
        title: Names the set of inputs in the progress display.
        input_count: The number of inputs in all blocks.
        remember: Whether predictions that the store does not keep are kept in memory.
        count_long: Whether inputs that exceed the model's window count as unanswered.
        isolate: Whether inputs for which the model raises count as unanswered.
        id_of: Returns the id of the input at an index; None where inputs have no ids.
    """

    model: Model
    cache_key: str
    labels: Sequence[str] | None
    title: str
    input_count: int
    remember: bool
    count_long: bool
    isolate: bool
    id_of: Callable[[int], str] | None


@dataclass(kw_only=True)
class _RequestCounts:
    """Counts over the blocks of one request.

    Attributes:
        remaining: Inputs in blocks that were not begun yet.
        cached: Distinct inputs whose predictions were cached.
        passed: Inputs with cached predictions since the progress display began.
        queried: Inputs that the model was queried for, in finished queries.
        characters: Their size.
        seconds: The time they took.
    """

    remaining: int
    cached: int = 0
    passed: int = 0
    queried: int = 0
    characters: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class _Recovery:
    """How a query goes on after an exception.

    Attributes:
        failed: Inputs that stay without an answer.
        predictions: One for each of them, with the reason.
        retries: Batches of inputs that are queried again.
    """

    failed: Sequence[Inputs] = ()
    predictions: Sequence[Prediction] = ()
    retries: Sequence[Sequence[Inputs]] = ()


class _FailureIsolation:
    """Finds the inputs that make a model fail, so that the others get their predictions.

    Args:
        engine: Records inputs that are too long, and broken models.
        request: The request.
    """

    def __init__(self, engine: Engine, request: PredictionRequest) -> None:
        self.engine = engine
        self.request = request
        self.raised = 0
        self.reasons: dict[str, str] = {}

    def recover(
        self,
        error: BaseException,
        batch: Sequence[Inputs],
        queried: int,
        name_of: Callable[[Inputs], str],
    ) -> _Recovery | None:
        """Return how a query goes on after an exception; None if the exception ends it.

        Args:
            error: The exception.
            batch: The inputs that were queried together and have no prediction.
            queried: The number of inputs of the request that were finished before.
            name_of: Returns the id of an input, or "".

        Raises:
            ModelRaisedError: the model raised for most of its inputs.
        """
        if isinstance(error, TooLongError) and self.request.count_long:
            return self._drop_long(error, batch)
        # The project's own errors (a server that is gone, a wrong setting) hold for all inputs.
        if isinstance(error, OodError) or not self.request.isolate or not batch:
            return None
        if len(batch) > 1:
            # Halving finds k failing inputs among n in O(k log n) calls. Each half takes every
            # second input of a batch sorted by length, so that the first single inputs come from
            # all lengths: a model that fails on long inputs alone is not taken for a broken one.
            return _Recovery(retries=[batch[1::2], batch[::2]])
        if not isinstance(error, Exception):
            return None
        prediction = self._count_raised(error, batch[0], queried, name_of)
        return _Recovery(failed=batch, predictions=[prediction])

    def _drop_long(self, error: TooLongError, batch: Sequence[Inputs]) -> _Recovery | None:
        """Return a recovery without the inputs that the error names; None if it names none."""
        named = {canonical(value) for value in error.inputs}
        long = [value for value in batch if canonical(value) in named]
        if not long:
            # A retry of the same batch would fail in the same way, for ever.
            return None
        predictions = [Prediction(None, error=error.reason)] * len(long)
        self.engine.too_long.put(self.request.cache_key, list(zip(long, predictions, strict=True)))
        others = [value for value in batch if canonical(value) not in named]
        retries = [others] if others else []
        return _Recovery(failed=long, predictions=predictions, retries=retries)

    def _count_raised(
        self, error: Exception, value: Inputs, queried: int, name_of: Callable[[Inputs], str]
    ) -> Prediction:
        """Return the prediction for an input on which the model raised though it was alone.

        All inputs with the same type of exception get the same reason, which names the first of
        them: reports count equal reasons, and the exception's own text may quote the input.
        """
        self.raised += 1
        kind, reason, name = type(error).__name__, reason_of(error), name_of(value)
        # `queried` counts inputs that raised before, but not this one.
        if self.raised >= MAX_RAISED and self.raised > queried - self.raised + 1:
            counts = (self.raised, queried + 1)
            broken = ModelRaisedError(self.request.model.name, value, reason, counts, name)
            self.engine.broken[self.request.cache_key] = broken
            raise broken from without_own_frames(error)
        if kind not in self.reasons:
            named = repr(name) if name else shown(value)
            self.reasons[kind] = f"{RAISED}{reason}, first for input {named}"
        return Prediction(None, error=self.reasons[kind])


class _RequestRun:
    """Answers one request, block by block.

    Args:
        engine: Has the stores, the runner and the progress display.
        request: The request.
        resources: Entered contexts that last as long as the request: the lock on the model, and
            the progress display.
    """

    def __init__(self, engine: Engine, request: PredictionRequest, resources: ExitStack) -> None:
        self.engine = engine
        self.request = request
        self.resources = resources
        self.isolation = _FailureIsolation(engine, request)
        self.counts = _RequestCounts(remaining=request.input_count)
        self.block: Sequence[Inputs] = ()
        self.block_start = 0
        self.tracker: Tracker | None = None
        self.has_lock = False

    def predict_block(self, inputs: Sequence[Inputs]) -> PredictionBlock:
        """Return the predictions for the next block of inputs."""
        self.block_start, self.block = self.block_start + len(self.block), inputs
        distinct = {canonical(value): value for value in inputs}
        predictions = self._cached(list(distinct.values()))
        missing = [value for text, value in distinct.items() if text not in predictions]
        if missing and not self.has_lock:
            # One process at a time queries a model: xdist's workers need the same predictions, and
            # a server or an accelerator is not to compute them twice. The lock is taken only when
            # something is missing, and held until the request ends. While this process waited,
            # another one may have written what is missing, so that the cache is read again.
            self.resources.enter_context(
                self.engine.store_of(self.request.model).query_lock(
                    self.request.cache_key, self.engine.progress, self.request.model.name
                )
            )
            self.has_lock = True
            predictions |= self._cached(missing)
            missing = [value for value in missing if canonical(value) not in predictions]
        self.counts.remaining -= len(inputs)
        self._count_cached(len(distinct) - len(missing), len(inputs) - len(missing))
        queried_before = self.counts.queried
        if missing:
            predictions |= self._predict_missing(missing)
        return PredictionBlock(
            predictions=[predictions[canonical(value)] for value in inputs],
            query_count=self.counts.queried - queried_before,
        )

    def store_rate(self) -> None:
        """Store how fast the model answered; a dry run estimates its time by it."""
        counts, model = self.counts, self.request.model
        if counts.queried >= MIN_RATED_INPUTS:
            rate = Rate(inputs=counts.queried, characters=counts.characters, seconds=counts.seconds)
            self.engine.store_of(model).put_rate(model.fingerprint or "", rate)

    def _cached(self, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the cached predictions by canonical input.

        Raises:
            TooLongError: without `count_long`, an input exceeded the window before in this run.
        """
        engine, request = self.engine, self.request
        too_long = engine.too_long.get(request.cache_key, inputs)
        if too_long and not request.count_long:
            reason = next(iter(too_long.values())).error or ""
            raise TooLongError(
                f"model {request.model.name!r}: {reason}",
                [value for value in inputs if canonical(value) in too_long],
                reason,
            )
        unanswered = engine.unanswered.get(request.cache_key, inputs)
        return too_long | unanswered | engine.store_of(request.model).get(request.cache_key, inputs)

    def _count_cached(self, distinct: int, all_inputs: int) -> None:
        """Count inputs with cached predictions: the distinct ones, and all with repetitions."""
        engine, model = self.engine, self.request.model
        self.counts.cached += distinct
        if self.tracker is not None:
            # The display's total includes all inputs of later blocks, as nobody knows at its start
            # which of them are cached.
            self.counts.passed += all_inputs
        if engine.store_of(model) is engine.store:
            engine.tally(model.name).cached += distinct

    def _predict_missing(self, inputs: Sequence[Inputs]) -> dict[str, Prediction]:
        """Return the predictions for distinct inputs that are not cached, by canonical input."""
        model = self.request.model
        if not (self.request.remember and is_normalizing(model)):
            return self._query({canonical(value): [value] for value in inputs}, inputs)
        # Inputs may be the same to a model, as "A" and "a" to an uncased one. One of each group is
        # queried per run, and its prediction is written for all. The key has the normalised inputs
        # apart from the literal ones, as a normalised input may be the text of another input.
        memory, key = self.engine.memory, f"{self.request.cache_key}\0seen"
        groups: dict[str, list[Inputs]] = {}
        for value, normalized in zip(inputs, model.seen(inputs), strict=True):
            groups.setdefault(normalized, []).append(value)
        seen = memory.get(key, list(groups))
        unseen = {name: values for name, values in groups.items() if canonical(name) not in seen}
        repeated = [
            (value, seen[canonical(normalized)])
            for normalized in groups.keys() - unseen.keys()
            for value in groups[normalized]
        ]
        self._write(repeated)
        queried = {normalized: values[0] for normalized, values in unseen.items()}
        same_answer = {canonical(first): unseen[name] for name, first in queried.items()}
        self._count_cached(len(inputs) - len(queried), len(inputs) - len(queried))
        predictions = self._query(same_answer, list(queried.values())) if queried else {}
        new = [(name, predictions[canonical(first)]) for name, first in queried.items()]
        memory.put(key, [pair for pair in new if pair[1].error is None])
        return predictions | {canonical(value): prediction for value, prediction in repeated}

    def _query(
        self, same_answer: Mapping[str, Sequence[Inputs]], inputs: Sequence[Inputs]
    ) -> dict[str, Prediction]:
        """Query the model, and write each prediction as it comes.

        Args:
            same_answer: For each of `inputs` in canonical form, all inputs that get its prediction,
                itself included.
            inputs: The inputs to query, distinct.
        """
        engine, counts, model = self.engine, self.counts, self.request.model
        if self.request.cache_key in engine.broken:
            raise engine.broken[self.request.cache_key]
        if self.tracker is None:
            title = f"predicting {self.request.title} with {model.name}"
            step = engine.progress.track(title, len(inputs) + counts.remaining, "texts", quick=True)
            self.tracker = self.resources.enter_context(step)
        # Batches of inputs of similar length are padded little. The order is total, so that a
        # batch depends on nothing but the set of inputs.
        ordered = sorted(inputs, key=lambda value: (size_of(value), canonical(value)))
        predictions: dict[str, Prediction] = {}
        # A stack of batches: one that raises is replaced by what `_FailureIsolation` retries.
        batches: list[Sequence[Inputs]] = [ordered]
        tally, finished = engine.tally(model.name), 0
        started, seconds_before = engine.clock(), tally.seconds
        try:
            while batches:
                batch = batches.pop()
                try:
                    # The runner's generator is closed here and not by the garbage collector:
                    # closing cancels the requests and tasks under way, which cost money or hold
                    # the cluster. Each prediction is written when it comes, so that whatever ends
                    # the query, a crash included, does not lose it.
                    with closing(engine.runner.run(model, batch)) as results:
                        for indices, new in results:
                            answered = [batch[index] for index in indices]
                            predictions |= self._record(same_answer, answered, new)
                            finished += len(new)
                            done = counts.queried + counts.passed + finished
                            self.tracker.update(done, self._note())
                except BaseException as error:
                    if ends_run(error):
                        raise
                    # A batch may have got some of its predictions before it raised.
                    rest = [value for value in batch if canonical(value) not in predictions]
                    recovery = self.isolation.recover(
                        error, rest, counts.queried + finished, self._id_of
                    )
                    if recovery is None and isinstance(error, Exception):
                        raise
                    if recovery is None:
                        # SystemExit would end the process, and pytest.skip would skip the test,
                        # if they left the engine as they are.
                        raise ModelError(self._ended(error, rest)) from without_own_frames(error)
                    predictions |= self._record(same_answer, recovery.failed, recovery.predictions)
                    finished += len(recovery.failed)
                    batches += recovery.retries
        finally:
            tally.seconds = seconds_before + engine.clock() - started
            if is_metered(model):
                tally.used = model.used
        check_count(model.name, predictions, sum(map(len, same_answer.values())))
        counts.queried += len(ordered)
        counts.characters += sum(map(size_of, ordered))
        counts.seconds += tally.seconds - seconds_before
        return predictions

    def _record(
        self,
        same_answer: Mapping[str, Sequence[Inputs]],
        inputs: Sequence[Inputs],
        predictions: Sequence[Prediction],
    ) -> dict[str, Prediction]:
        """Check, count and write predictions; return them for all inputs that share them."""
        model = self.request.model
        check_answers(model.name, predictions, len(inputs), self.request.labels)
        shortened = [
            prediction
            if prediction.error is None
            else replace(prediction, error=one_line(prediction.error, MAX_ERROR_LENGTH))
            for prediction in predictions
        ]
        pairs = [
            (value, prediction)
            for queried, prediction in zip(inputs, shortened, strict=True)
            for value in same_answer[canonical(queried)]
        ]
        self._write(pairs)
        tally = self.engine.tally(model.name)
        tally.queried += len(shortened)
        tally.unanswered += sum(prediction.error is not None for prediction in shortened)
        return {canonical(value): prediction for value, prediction in pairs}

    def _write(self, pairs: Sequence[tuple[Inputs, Prediction]]) -> None:
        """Write predictions to the store, and inputs without an answer to this run's memory."""
        engine, key = self.engine, self.request.cache_key
        store = engine.store_of(self.request.model)
        if self.request.remember or store is not engine.memory:
            store.put(key, [pair for pair in pairs if pair[1].error is None])
        # An error may pass (a server that was down), so that it is not stored: the input is not
        # queried again in this run, but in the next one.
        engine.unanswered.put(key, [pair for pair in pairs if pair[1].error is not None])

    def _ended(self, error: BaseException, rest: Sequence[Inputs]) -> str:
        """Return the message for an exception that is not an `Exception`, such as SystemExit."""
        suffix = ""
        if len(rest) == 1:
            name = self._id_of(rest[0])
            suffix = f" for input {repr(name) if name else shown(rest[0])}"
        return f"model {self.request.model.name!r} raised {reason_of(error)}{suffix}"

    def _id_of(self, value: Inputs) -> str:
        """Return the id of an input of the current block, or "" if it has none."""
        if self.request.id_of is None:
            return ""
        name = canonical(value)
        index = next((n for n, other in enumerate(self.block) if canonical(other) == name), None)
        return "" if index is None else self.request.id_of(self.block_start + index)

    def _note(self) -> str:
        """Return what the progress display adds: the number of cached inputs, and the cost."""
        notes = [f"{self.counts.cached:,} more in the cache"] if self.counts.cached else []
        if is_metered(self.request.model):
            notes.append(spent(self.request.model.used))
        return ", ".join(filter(None, notes))


def spent(used: Usage) -> str:
    """Return a model's usage as text: `1,234 tokens, 0.12 USD`."""
    tokens = used.prompt_tokens + used.completion_tokens
    parts = [
        f"{used.requests:,} requests" if used.requests else "",
        f"{tokens:,} tokens" if tokens else "",
        f"{used.cost:.4f} {used.currency}" if used.cost is not None else "",
    ]
    return ", ".join(filter(None, parts))


def check_count(name: str, answers: Iterable[object], count: int) -> None:
    """Check that there are as many answers as inputs.

    Raises:
        ModelError: there are not; the message has the model's name and both numbers.
    """
    answer_count = sum(1 for _ in answers)
    if answer_count != count:
        raise ModelError(f"model {name!r} gave {answer_count} answers to {count} inputs")


def check_answers(
    name: str, answers: Sequence[Prediction], count: int, labels: Sequence[str] | None
) -> None:
    """Check the number of answers, their types, their labels and their scores.

    Args:
        name: The model's name, for messages.
        answers: The answers.
        count: The number of inputs.
        labels: The allowed labels; None or empty where any text may be an answer.

    Raises:
        ModelError: an answer is invalid; the message has the model's name and the answer.
    """
    check_count(name, answers, count)
    for answer in answers:
        check_fields(name, answer)
        if not labels and answer.label and not _is_encodable(answer.label):
            raise ModelError(
                f"model {name!r} answered {answer.label!r}: the text has a lone surrogate, which "
                "cannot be encoded as UTF-8; leave it out"
            )
        if labels and answer.label is not None and answer.label not in labels:
            raise ModelError(
                f"model {name!r} answered an " + unknown_name("label", answer.label, labels)
            )
        _check_scores(name, answer.scores, labels or ())


def _check_scores(name: str, scores: Mapping[str, float], labels: Sequence[str]) -> None:
    """Check that scores are probabilities.

    Their sum may be below 1, as the labels' tokens share the probability with all other tokens that
    could come next. If every label has a score, the sum has to be `MIN_PROBABILITY_SUM` or more.

    Raises:
        ModelError: they are not; the message has the model's name, the score and the bounds.
    """
    for label, score in scores.items():
        if not math.isfinite(score):
            raise ModelError(f"model {name!r} gave the score {score} to the label {label!r}")
        if not -PROBABILITY_SLACK <= score <= 1.0 + PROBABILITY_SLACK:
            raise ModelError(
                f"model {name!r} gave the score {score:g} to the label {label!r}, which is no "
                f"probability: it is outside of [0, 1]. {PROBABILITIES}"
            )
    total = sum(scores.values())
    # Each score may be rounded to two decimals, which changes it by 0.005 at most.
    slack = max(0.02, 0.005 * len(scores))
    if total > 1.0 + slack:
        raise ModelError(
            f"model {name!r} gave scores that add up to {total:.4g} ({_listed(scores)}), and the "
            f"probabilities of labels add up to 1 at most. {PROBABILITIES}"
        )
    if labels and all(label in scores for label in labels) and total < MIN_PROBABILITY_SUM:
        raise ModelError(
            f"model {name!r} gave scores that add up to {total:.4g} ({_listed(scores)}), far from "
            f"the 1 that the probabilities of all labels add up to. {PROBABILITIES}"
        )


def _listed(scores: Mapping[str, float]) -> str:
    """Return the first scores as text."""
    parts = [f"{label!r}: {score:g}" for label, score in list(scores.items())[:MAX_SHOWN_SCORES]]
    return ", ".join([*parts, *(["..."] if len(scores) > MAX_SHOWN_SCORES else [])])


def _is_encodable(text: str) -> bool:
    """Return whether a text can be encoded as UTF-8."""
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def check_complete(
    name: str, answers: Sequence[Prediction], title: str, *, allow_raised: bool = False
) -> None:
    """Check that every input has an answer.

    Args:
        name: The model's name, for the message.
        answers: The answers to all inputs.
        title: Names the set of inputs in the message.
        allow_raised: Whether an input on which the model raised may be without an answer.

    Raises:
        ModelError: answers are missing; the message has their number and the first reason.
    """
    errors = [answer.error for answer in answers if answer.error is not None]
    missing = [error for error in errors if not (allow_raised and error.startswith(RAISED))]
    if missing:
        raise ModelError(
            f"model {name!r} did not answer {len(missing)} of {len(answers)} inputs of {title} "
            f"({missing[0]}); {next_step(missing[0])}"
        )


def next_step(error: str) -> str:
    """Return what a user can do to get a missing answer.

    Args:
        error: The reason why it is missing.
    """
    if error == UNSCORED:
        return "correct the judge or its rubric, so that it answers by one of its two words"
    fix = "fix the model, then " if error.startswith(RAISED) else ""
    return f"the answers so far are cached: {fix}run the same command again"
