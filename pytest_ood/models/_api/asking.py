"""Concurrent calls of a server, within its limits and the user's, until each has its answer."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.errors import ModelError
from pytest_ood.models._api.background import emitted
from pytest_ood.models._api.completions import is_same_model
from pytest_ood.models._api.limits import (
    FIRST_WAIT,
    LONGEST_RETRY_AFTER,
    Ledger,
    Pace,
    backoff,
)
from pytest_ood.models._api.outcomes import CallError, Reply
from pytest_ood.utils.progress import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from pytest_ood.utils.redaction import Secrets

MAX_UNANSWERED = 25
"""Consecutive inputs without an answer after which no further ones are sent. One input of a later
set is sent, in case the server has recovered."""

LEFT_ALONE = "the server wants to be left alone for"


class Server(Protocol):
    """What answers questions."""

    @property
    def model(self) -> str:
        """The model's name at the server; "" if it has none."""
        ...

    @property
    def secrets(self) -> Secrets:
        """The credentials, which no output may contain."""
        ...

    def check(self) -> None:
        """Check the client, the credentials and the proxy, before any thread is started.

        Raises:
            MissingDependencyError: the client is not installed.
            ModelError: a credential is missing or invalid, or the proxy cannot be used.
        """
        ...

    def client(self, seconds: float) -> AbstractAsyncContextManager[Any]:
        """Open a client with a time limit per call, and without retries of its own."""
        ...

    async def call(self, client: Any, body: Mapping[str, Any], seconds: float) -> Reply:
        """Make one call.

        Args:
            client: An open client.
            body: The body of the request.
            seconds: Time limit of the whole call.

        Raises:
            CallError: there was no answer.
        """
        ...

    async def explain(self, client: Any, error: CallError) -> str:
        """Return the message of a wrong setting that a call's error shows, with advice."""
        ...


@dataclass(frozen=True, kw_only=True)
class Question:
    """One request.

    Attributes:
        body: The body of the request.
        size: An upper bound of the prompt's tokens: the UTF-8 bytes of its texts, and of what a
            chat template may add.
        completion: The maximum number of tokens of the answer.
    """

    body: Mapping[str, Any]
    size: int
    completion: int


@dataclass(frozen=True)
class Missing:
    """The outcome of a question without a reply.

    Attributes:
        reason: Why there is no reply.
        was_sent: Whether a call was made at all.
        well: Whether only the question was at fault, and the server works.
    """

    reason: str
    was_sent: bool = True
    well: bool = False


@dataclass(frozen=True, kw_only=True)
class Patience:
    """Limits of calls to a server.

    Attributes:
        concurrency: The maximum number of concurrent calls.
        attempts: The maximum number of calls for one question.
        timeout: Time limit of one call, in seconds.
        time_limit: Time limit of all calls in a run, in seconds; None for no limit.
        seed: Seed of the jitter of waits.
        sleep: Waits so many seconds; replaced in tests.
        clock: Returns seconds; replaced in tests.
    """

    concurrency: int = 8
    attempts: int = 5
    timeout: float = 60.0
    time_limit: float | None = None
    seed: int = 0
    sleep: Callable[[float], Awaitable[None]] = field(default=asyncio.sleep, repr=False)
    clock: Callable[[], float] = field(default=time.monotonic, repr=False)


@dataclass(kw_only=True)
class Account:
    """The state of a run that all models of one table of the configuration share.

    Attributes:
        ledger: Counts the usage.
        pace: Decides when the next call may start.
        has_answered: Whether the server has answered, so that later failures are not due to wrong
            settings.
        failures: Consecutive questions without a reply.
        seconds: Time spent on calls.
        share: The largest number of tokens per byte of a prompt so far; None before the first.
        excess: The largest number of tokens of a prompt beyond its size so far.
        others: Other models that answered, by the server's reports.
    """

    ledger: Ledger = field(default_factory=Ledger)
    pace: Pace = field(default_factory=Pace)
    has_answered: bool = False
    failures: int = 0
    seconds: float = 0.0
    share: float | None = None
    excess: int = 0
    others: set[str] = field(default_factory=set)

    def expected(self, question: Question) -> float:
        """Return the expected tokens of a call, by those before."""
        share = 1.0 if self.share is None else self.share
        return question.size * share + question.completion

    def learn(self, size: int, tokens: int) -> None:
        """Update the estimates by a prompt's tokens; 0 tokens mean an unprocessed call."""
        if not tokens:
            return
        self.share = max(self.share or 0.0, tokens / size)
        self.excess = max(self.excess, tokens - size)


@dataclass(frozen=True)
class _Entry:
    """A call that was entered in the ledger.

    Attributes:
        prompt: The upper bound of its prompt's tokens.
        expected: The expected number of tokens.
    """

    prompt: int
    expected: float


@dataclass(kw_only=True)
class _Run:
    """One set of questions.

    Attributes:
        name: The model's name in the ledger.
        server: The server.
        account: The state that is shared with other sets.
        patience: The limits.
        emit: Takes a question's index and its outcome.
        client: An open client.
        deadline: The end of the time limit by the clock; None for no limit.
        rng: Draws the jitter of waits.
        settled: Notified when a call is finished and its bounds are corrected.
        stopped: Why no further questions are sent; "" if they are.
        wrong: The message for wrong settings, which holds unless a call is answered; "" for none.
        held_outcomes: Outcomes since `wrong` was set, emitted if a call under way is answered.
        under_way: Calls that are entered and not finished.
    """

    name: str
    server: Server
    account: Account
    patience: Patience
    emit: Callable[[tuple[int, Reply | Missing]], None]
    client: Any
    deadline: float | None
    rng: random.Random
    settled: asyncio.Condition = field(default_factory=asyncio.Condition)
    stopped: str = ""
    wrong: str = ""
    held_outcomes: list[tuple[int, Missing]] = field(default_factory=list)
    under_way: int = 0

    async def all(self, questions: Sequence[Question]) -> None:
        """Send all questions.

        Raises:
            ModelError: the settings are wrong.
        """
        # The first question goes alone, unless all went well before: it shows whether the server is
        # there and the settings are right, before many calls fail, or cost, at the same time.
        indices = iter(range(len(questions)))
        if not self.account.has_answered or self.account.failures:
            first = next(indices)
            await self.one(first, questions[first])
            self.settle()

        async def worker() -> None:
            """Send one request after another until none is left."""
            for index in indices:
                await self.one(index, questions[index])

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(self.patience.concurrency, len(questions))):
                    group.create_task(worker())
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        self.settle()

    def settle(self) -> None:
        """Emit the outcomes that were held back.

        Raises:
            ModelError: the settings are wrong, and no call has shown otherwise.
        """
        if self.wrong and not self.account.has_answered:
            raise ModelError(self.wrong)
        for held_outcome in self.held_outcomes:
            self.emit(held_outcome)
        self.held_outcomes.clear()

    async def one(self, index: int, question: Question) -> None:
        """Send one question, and emit its outcome."""
        account, outcome = self.account, await self.outcome(question)
        if isinstance(outcome, Reply) or outcome.well:
            account.failures = 0
        elif outcome.was_sent:
            account.failures += 1
            if account.failures >= MAX_UNANSWERED and not self.stopped:
                self.stopped = (
                    f"{MAX_UNANSWERED} inputs in a row had no answer; the last one: "
                    f"{outcome.reason}"
                )
        if self.wrong and isinstance(outcome, Missing):
            # Held back, not raised yet: calls under way are paid for, and if one of them is
            # answered, the settings were right after all.
            self.held_outcomes.append((index, outcome))
        else:
            self.emit((index, outcome))

    async def outcome(self, question: Question) -> Reply | Missing:
        """Send one question until it is answered; return why, if it is not."""
        account, attempts = self.account, self.patience.attempts
        empty: Reply | None = None
        missing = Missing("")
        for attempt in range(1, attempts + 1):
            entry = await self.entered(question)
            if isinstance(entry, Missing):
                before = f"{missing.reason}; " if missing.reason else "not asked: "
                missing = Missing(f"{before}{entry.reason}", attempt > 1)
                break
            try:
                reply = await self.call(question, entry)
            except CallError as error:
                if error.cause in ("too long", "too large"):
                    return Missing(error.reason, well=error.cause == "too long")
                missing = Missing(error.reason + (f" ({attempt} attempts)" if attempt > 1 else ""))
                if error.wait is not None:
                    account.pace.leave_alone(self.patience.clock() + error.wait)
                if error.cause in ("refused", "rejected") or attempt == attempts:
                    await self.hopeless(error)
                    break
                late = await self.late(error, attempt)
                if late:
                    missing = Missing(f"{error.reason}; {late}")
                    break
            else:
                if reply.text.strip() or reply.declined or empty:
                    return reply
                empty = reply
        return empty or missing

    async def entered(self, question: Question) -> _Entry | Missing:
        """Wait until a call may be made and enter it; return why, if it may not."""
        account, clock = self.account, self.patience.clock
        while True:
            if self.stopped:
                return Missing(self.stopped)
            delay = account.pace.requested_delay(clock())
            if delay > LONGEST_RETRY_AFTER:
                return Missing(f"{LEFT_ALONE} longer")
            wait, left = account.pace.wait(clock()), self.left()
            if left is not None and wait >= left:
                return Missing(self.over)
            if wait > 0.0:
                await self.patience.sleep(wait)
                continue
            entry = _Entry(question.size + account.excess, account.expected(question))
            cap = account.ledger.enter(self.name, entry.prompt, question.completion)
            if cap is None:
                account.pace.start(clock(), entry.expected)
                self.under_way += 1
                return entry
            # Calls under way are entered at their upper bounds. Once one is finished and corrected,
            # the cap may have room for this call; without any under way, it never will.
            async with self.settled:
                if not self.under_way:
                    return Missing(f"another call could exceed {cap}")
                await self.settled.wait()

    async def call(self, question: Question, entry: _Entry) -> Reply:
        """Make an entered call, and correct its bounds in the ledger.

        Raises:
            CallError: there was no answer.
        """
        account, left = self.account, self.left()
        seconds = self.patience.timeout if left is None else min(self.patience.timeout, left)
        tokens: tuple[int, int] | None = None
        try:
            reply = await self.server.call(self.client, question.body, seconds)
            tokens = reply.tokens
        except CallError as error:
            tokens = error.tokens
            raise
        else:
            account.has_answered = True
            if reply.model and not is_same_model(self.server.model, reply.model):
                account.others.add(reply.model)
            return reply
        finally:
            if tokens is not None:
                prompt, completion = tokens
                account.ledger.correct(
                    self.name, prompt - entry.prompt, completion - question.completion
                )
                account.pace.correct(prompt + completion - entry.expected)
                account.learn(question.size, prompt)
            self.under_way -= 1
            async with self.settled:
                self.settled.notify_all()

    async def late(self, error: CallError, attempt: int) -> str:
        """Wait before the next attempt; return why, if it would be too late."""
        wait = backoff(attempt, self.rng)
        if error.wait is not None:
            if error.wait > LONGEST_RETRY_AFTER:
                is_finite = isfinite(error.wait)
                return f"{LEFT_ALONE} {duration(error.wait) if is_finite else 'longer'}"
            # A random addition, so that several processes do not come back at the same moment. All
            # calls of this process wait until the same time: if each had a wait of its own, each
            # would fail at another moment, and every failure would delay the others again.
            wait = error.wait + self.rng.random() * FIRST_WAIT
            self.account.pace.leave_alone(self.patience.clock() + wait)
        left = self.left()
        if left is not None and wait >= left:
            return self.over
        await self.patience.sleep(wait)
        return ""

    async def hopeless(self, error: CallError) -> None:
        """Stop the set if no further question can be answered either."""
        if error.cause != "failed" and not self.account.has_answered:
            message = await self.server.explain(self.client, error)
            # Another call may have been answered while the server was asked for its models.
            if not self.account.has_answered:
                self.wrong = self.wrong or message
                self.stopped = self.stopped or error.reason
        if error.cause == "refused":
            self.stopped = error.reason

    @property
    def over(self) -> str:
        """The reason for questions after the time limit."""
        return f"time_limit = {self.patience.time_limit:g} s is over"

    def left(self) -> float | None:
        """Return the seconds left of the time limit."""
        return None if self.deadline is None else self.deadline - self.patience.clock()


def ask(
    name: str, questions: Sequence[Question], server: Server, account: Account, patience: Patience
) -> Generator[tuple[int, Reply | Missing], None, None]:
    """Yield (index, outcome of the question) as replies come; each index once.

    Raises:
        MissingDependencyError: the client is not installed.
        ModelError: there is no key, or the settings are wrong.
    """
    if not questions:
        return
    server.check()

    async def work(emit: Callable[[tuple[int, Reply | Missing]], None]) -> None:
        """Send all requests, and emit each reply as it arrives."""
        started = patience.clock()
        deadline = None
        if patience.time_limit is not None:
            deadline = started + max(0.0, patience.time_limit - account.seconds)
        rng = random.Random(patience.seed)
        try:
            async with server.client(patience.timeout) as client:
                run = _Run(
                    name=name,
                    server=server,
                    account=account,
                    patience=patience,
                    emit=emit,
                    client=client,
                    deadline=deadline,
                    rng=rng,
                )
                await run.all(questions)
        finally:
            account.seconds += patience.clock() - started

    wrong = ""
    try:
        yield from emitted(work)
    except ModelError as error:
        wrong = str(error)
    if wrong:
        # Raised as a new error: the causes of the old one have the request, with the key.
        raise ModelError(wrong)
