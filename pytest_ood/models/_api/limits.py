"""Limits of queries: caps that are enforced before a call, rates, and waits between attempts."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from datetime import MAXYEAR, datetime, timedelta, timezone
from email.utils import parsedate_tz
from math import inf, isfinite
from typing import TYPE_CHECKING

from pytest_ood.models.protocol import Usage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random

MILLION = 1e6
MINUTE = 60.0

FIRST_WAIT = 0.5
"""Seconds before the second attempt of a call; each further wait is twice as long."""

LONGEST_WAIT = 60.0
"""The longest wait between two attempts, in seconds."""

LONGEST_RETRY_AFTER = 300.0
"""The longest `retry-after` in seconds that is waited for; a longer one ends the attempts."""


@dataclass(frozen=True)
class Prices:
    """The prices of tokens and calls.

    Attributes:
        prompt: The price of a million tokens of prompts.
        completion: The price of a million tokens of answers.
        currency: The currency of all prices.
        call: The price of a call, whatever its tokens.
    """

    prompt: float
    completion: float
    currency: str = "USD"
    call: float = 0.0

    def of(self, prompt_tokens: float, completion_tokens: float) -> float:
        """Return the cost of some tokens."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / MILLION


@dataclass(frozen=True, kw_only=True)
class Caps:
    """The maximum usage of a model in a run; None for no cap.

    Attributes:
        requests: Calls, failed ones included.
        tokens: Tokens of prompts and answers together.
        cost: The cost in the currency of the prices.
    """

    requests: int | None = None
    tokens: int | None = None
    cost: float | None = None


@dataclass
class Ledger:
    """Counts the usage so far, with upper bounds for calls under way.

    A call is entered with its upper bounds before it is made, so that no cap is ever exceeded, and
    corrected by the usage that the server reports. A call without such a report stays at its
    bounds: it may be billed.

    Attributes:
        caps: Limits for all models together.
        prices: The prices of tokens; None if unknown.
    """

    caps: Caps = field(default_factory=Caps)
    prices: Prices | None = None
    _taken: dict[str, Usage] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False, compare=False)

    def used(self, model: str) -> Usage:
        """Return the usage of one model so far."""
        return self.priced(self._taken.get(model, Usage()))

    def enter(self, model: str, prompt: int, completion: int) -> str | None:
        """Enter a call with the bounds of its tokens, or return the cap that it would exceed."""
        call = Usage(requests=1, prompt_tokens=prompt, completion_tokens=completion)
        with self._lock:
            beyond = self._beyond(sum(self._taken.values(), call))
            if beyond is None:
                self._taken[model] = self._taken.get(model, Usage()) + call
        return beyond

    def correct(self, model: str, prompt: int, completion: int) -> None:
        """Correct the bounds of an entered call by these differences."""
        with self._lock:
            self._taken[model] += Usage(
                requests=0, prompt_tokens=prompt, completion_tokens=completion
            )

    def priced(self, used: Usage) -> Usage:
        """Return a usage with its cost; as it is without prices."""
        if self.prices is None:
            return used
        cost = self.prices.of(used.prompt_tokens, used.completion_tokens)
        cost += used.requests * self.prices.call
        return replace(used, cost=cost, currency=self.prices.currency)

    def _beyond(self, used: Usage) -> str | None:
        """Return the cap that a usage exceeds, or None."""
        caps, cost = self.caps, self.priced(used).cost
        if caps.requests is not None and used.requests > caps.requests:
            return f"max_requests = {caps.requests:,}"
        if caps.tokens is not None and used.prompt_tokens + used.completion_tokens > caps.tokens:
            return f"max_total_tokens = {caps.tokens:,}"
        if caps.cost is not None and cost is not None and cost > caps.cost:
            return f"max_cost = {caps.cost:g} {self.priced(used).currency}"
        return None


@dataclass
class Pace:
    """Spreads calls evenly, so that no minute holds more of them, or of their tokens, than allowed.

    Attributes:
        requests_per_minute: None for no limit.
        tokens_per_minute: None for no limit.
    """

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    _next_request: float = 0.0
    _next_tokens: float = 0.0
    _not_before: float = 0.0

    def wait(self, now: float) -> float:
        """Return the seconds until the next call may start."""
        return max(0.0, max(self._next_request, self._next_tokens, self._not_before) - now)

    def requested_delay(self, now: float) -> float:
        """Return the seconds until the time that the server has asked to wait for."""
        return max(0.0, self._not_before - now)

    def start(self, now: float, tokens: float) -> None:
        """Note that a call of about so many tokens starts now."""
        if self.requests_per_minute is not None:
            self._next_request = now + MINUTE / self.requests_per_minute
        if self.tokens_per_minute is not None:
            self._next_tokens = max(now, self._next_tokens) + self._taking(tokens)

    def correct(self, more: float) -> None:
        """Note that a call took this many tokens more than expected, or less."""
        if self.tokens_per_minute is not None:
            self._next_tokens += self._taking(more)

    def leave_alone(self, until: float) -> None:
        """Start no call before a time, as the server has asked."""
        self._not_before = max(self._not_before, until)

    def _taking(self, tokens: float) -> float:
        return tokens * MINUTE / self.tokens_per_minute if self.tokens_per_minute else 0.0


def backoff(attempt: int, rng: Random) -> float:
    """Return the seconds to wait after attempt n: doubled each time, the upper half random."""
    whole = min(LONGEST_WAIT, FIRST_WAIT * 2.0 ** min(attempt - 1, 32))
    return whole * (0.5 + 0.5 * rng.random())


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a server asks to wait (RFC 9110, section 10.2.3), if it does.

    Infinity for values out of a clock's range: a number of hundreds of digits, a year of five. A
    value that is neither a number nor a date is ignored.

    Args:
        headers: The headers of its answer; names in lower case, or a case-insensitive mapping.
        now: Seconds since the epoch, for a date.
    """
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        value = headers.get(name, "").strip()
        try:
            seconds = float(value) * unit
        except ValueError:
            continue
        if isfinite(seconds) or value.isdecimal():
            return max(0.0, seconds)
    date = _seconds_of(headers.get("retry-after", ""))
    if date is None:
        return None
    # Dates have whole seconds, and the clocks may differ: the difference of the two dates by the
    # server's own clock is exact.
    sent = _seconds_of(headers.get("date", ""))
    by_server = 0.0 if sent is None else date - sent
    return max(0.0, date - now, by_server if by_server <= LONGEST_WAIT else 0.0)


def _seconds_of(date: str) -> float | None:
    """Return a date of HTTP in seconds since the epoch; None if it is invalid."""
    fields = parsedate_tz(date)
    if fields is None:
        return None
    if fields[0] > MAXYEAR:
        return inf
    try:
        zone = timezone(timedelta(seconds=fields[9] or 0))
        return datetime(*fields[:6], tzinfo=zone).timestamp()
    except (ValueError, OverflowError):
        return None
