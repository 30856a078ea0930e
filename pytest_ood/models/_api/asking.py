"""Asking a server many things at once, within its limits and ours, until each has its answer."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ModelError
from pytest_ood.models._api.background import emitted
from pytest_ood.models._api.calls import CallError, Reply, Server, is_same_model
from pytest_ood.models._api.limits import (
    FIRST_WAIT,
    LONGEST_RETRY_AFTER,
    Ledger,
    Pace,
    backoff,
)
from pytest_ood.progress import duration

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

MAX_UNANSWERED = 25
"""Inputs without an answer, one after the other, after which what is left is not asked; of a
later set one input is, in case the server is well again."""

LEFT_ALONE = "the server wants to be left alone for"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked once.

    Attributes:
        body: Of the request.
        size: UTF-8 bytes of its texts, and what a chat template may add: at least as many as there
            are tokens.
        completion: Tokens that its answer may have.
    """

    body: Mapping[str, Any]
    size: int
    completion: int


@dataclass(frozen=True)
class Missing:
    """A question that stays without a reply.

    Attributes:
        reason: Why.
        asked: Whether a call was made for it at all.
        well: Whether the server is well, and nothing is wrong but the question.
    """

    reason: str
    was_sent: bool = True
    well: bool = False


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How a server is asked.

    Attributes:
        concurrency: Calls under way at once.
        attempts: Calls for one question at most.
        timeout: Seconds for one call.
        time_limit: Seconds that asking may take in a run; None for no limit.
        seed: Of the jitter of waits.
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
    """What all that ask a server for one model of the configuration share in a run.

    Attributes:
        ledger: What was taken.
        pace: When the next call may start.
        answered: Whether an answer has come, so that whatever fails later is no wrong setting.
        failures: Questions in a row that were asked and got no reply.
        seconds: Spent asking.
        share: Tokens of a prompt for a byte of it, the largest seen; 1 at first.
        excess: Tokens that a prompt had beyond its size, the most seen.
        others: Models that the server says have answered instead of the one that was asked.
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
        """Return the tokens that a call will take, going by those before."""
        share = 1.0 if self.share is None else self.share
        return question.size * share + question.completion

    def learn(self, size: int, tokens: int) -> None:
        """Take note of how many tokens a prompt had; 0 is a call that was not processed."""
        if not tokens:
            return
        self.share = max(self.share or 0.0, tokens / size)
        self.excess = max(self.excess, tokens - size)


@dataclass(frozen=True)
class _Entry:
    """A call that was let in.

    Attributes:
        prompt: Tokens that its prompt may have.
        expected: Tokens that it will probably take.
    """

    prompt: int
    expected: float


@dataclass(kw_only=True)
class _Run:
    """One round of questions.

    Attributes:
        name: Of the model, in the ledger.
        server: Who is asked.
        account: What is shared with other rounds.
        patience: How.
        emit: Takes a question's place and what came of it.
        client: An open one.
        deadline: On the clock; None for no limit.
        stopped: Why nothing more is asked, if so.
        wrong: What an error says of settings that must be wrong, as long as no call is answered.
        held: What came of questions since then: emitted should one of those under way be answered.
        under_way: Calls that are entered and not settled.
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
        """Ask everything; the first alone, unless all went well before.

        It tells whether the settings are right at all, and the server there.

        Raises:
            ModelError: the settings are wrong.
        """
        indices = iter(range(len(questions)))
        if not self.account.has_answered or self.account.failures:
            first = next(indices)
            await self.one(first, questions[first])
            self.settle()

        async def worker() -> None:
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
        """Emit what was held back.

        Raises:
            ModelError: the settings are wrong, and no call has shown otherwise.
        """
        if self.wrong and not self.account.has_answered:
            raise ModelError(self.wrong)
        for held_outcome in self.held_outcomes:
            self.emit(held_outcome)
        self.held_outcomes.clear()

    async def one(self, index: int, question: Question) -> None:
        """Ask one question, and emit what came of it."""
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
            # Calls under way are waited for: they are paid, and one of them may be answered.
            self.held_outcomes.append((index, outcome))
        else:
            self.emit((index, outcome))

    async def outcome(self, question: Question) -> Reply | Missing:
        """Ask one question until it is answered, or say why it is not."""
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
        """Wait until a call may be made and enter it, or say why it may not."""
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
            # Calls under way hold more than they will take; what is left over may do.
            async with self.settled:
                if not self.under_way:
                    return Missing(f"another call could exceed {cap}")
                await self.settled.wait()

    async def call(self, question: Question, entry: _Entry) -> Reply:
        """Make an entered call and settle it.

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
        """Wait before the next try, or say why it would be too late."""
        wait = backoff(attempt, self.rng)
        if error.wait is not None:
            if error.wait > LONGEST_RETRY_AFTER:
                is_finite = isfinite(error.wait)
                return f"{LEFT_ALONE} {duration(error.wait) if is_finite else 'longer'}"
            # A little more, so that not all processes come back at the same moment. All calls of
            # this one do: after a wait of its own, each would fail at another moment, and hold back
            # those that still wait for as long again.
            wait = error.wait + self.rng.random() * FIRST_WAIT
            self.account.pace.leave_alone(self.patience.clock() + wait)
        left = self.left()
        if left is not None and wait >= left:
            return self.over
        await self.patience.sleep(wait)
        return ""

    async def hopeless(self, error: CallError) -> None:
        """Stop the round where no further question can be answered either."""
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
        """That the time is over, in words."""
        return f"time_limit = {self.patience.time_limit:g} s is over"

    def left(self) -> float | None:
        """Return the seconds left of the time limit."""
        return None if self.deadline is None else self.deadline - self.patience.clock()


def ask(
    name: str, questions: Sequence[Question], server: Server, account: Account, patience: Patience
) -> Generator[tuple[int, Reply | Missing], None, None]:
    """Yield (place, what came of the question) as replies come; each place once.

    Raises:
        MissingDependencyError: there is no client.
        ModelError: there is no key, or no answer has ever come and the settings must be wrong.
    """
    if not questions:
        return
    server.check()

    async def work(emit: Callable[[tuple[int, Reply | Missing]], None]) -> None:
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
        # Raised anew: what caused it holds the request, and the request holds the key.
        raise ModelError(wrong)
