"""Progress of long steps: what, how far, how long left, readable on a terminal and in a CI log."""

from __future__ import annotations

import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

CI_INTERVAL = 15.0
"""Seconds between two lines where a line cannot be overwritten."""


class Tracker(Protocol):
    """One long step under way."""

    def update(self, done: int, note: str = "") -> None:
        """Say how many units are done in all, and what else there is to say by now."""
        ...


class Progress(Protocol):
    """Where long steps are announced."""

    def track(
        self, what: str, total: int, unit: str, *, quick: bool = False
    ) -> AbstractContextManager[Tracker]:
        """Announce a step of `total` units; the context's value takes updates.

        A quick step is announced only once it turns out to take long.
        """
        ...


class _NoTracker:
    def update(self, done: int, note: str = "") -> None:
        """Say nothing."""


class Silent:
    """Announces nothing."""

    def track(
        self, what: str, total: int, unit: str, *, quick: bool = False
    ) -> AbstractContextManager[Tracker]:
        """Announce nothing."""
        del what, total, unit, quick
        return nullcontext(_NoTracker())


@dataclass
class _LineTracker:
    what: str
    total: int
    unit: str
    write: Callable[[str], None]
    interval: float
    clock: Callable[[], float]
    quick: bool
    started: float = field(init=False)
    written: float = field(init=False)
    done: int = 0
    note: str = ""

    def __post_init__(self) -> None:
        self.started = self.written = self.clock()
        if not self.quick:
            self.write(f"{self.what}: {self.total:,} {self.unit}" if self.total else self.what)

    def update(self, done: int, note: str = "") -> None:
        """Write a line if the last one is old enough."""
        now = self.clock()
        self.done, self.note = done, note
        if now - self.written < self.interval or done <= 0:
            return
        self.written, self.quick = now, False
        left = (now - self.started) / done * max(0, self.total - done)
        share = f"{done / self.total:.0%}" if self.total else "?"
        self.write(
            f"{self.what}: {done:,} of {self.total:,} {self.unit} ({share}), {self._rate(now)}, "
            f"about {duration(left)} left{self._note_suffix()}"
        )

    def close(self) -> None:
        """Write the last line."""
        now = self.clock()
        if not self.quick:
            rate = f", {self._rate(now)}" if self.done and now > self.started else ""
            self.write(
                f"{self.what}: done in {duration(now - self.started)}{rate}{self._note_suffix()}"
            )

    def stop(self) -> None:
        """Say how far it got, where something has ended it."""
        if 0 < self.done < self.total:
            self.write(f"{self.what}: stopped after {self.done:,} of {self.total:,} {self.unit}")

    def _rate(self, now: float) -> str:
        rate = self.done / max(now - self.started, 1e-9)
        # Of what takes long, the time each takes says more.
        return f"{rate:,.1f} {self.unit} a second" if rate >= 1.0 else f"{1 / rate:,.1f} s each"

    def _note_suffix(self) -> str:
        return f"; {self.note}" if self.note else ""


@dataclass(frozen=True)
class Lines:
    """Writes a line when a step starts, every `interval` seconds, and when it ends.

    A quick step gets no line at all unless it takes longer than the interval.

    Attributes:
        write: Takes one line without its end.
        interval: Seconds between two lines of one step.
        clock: Returns seconds; replaced in tests.
    """

    write: Callable[[str], None]
    interval: float = CI_INTERVAL
    clock: Callable[[], float] = time.monotonic

    @contextmanager
    def track(self, what: str, total: int, unit: str, *, quick: bool = False) -> Iterator[Tracker]:
        """Announce one step."""
        tracker = _LineTracker(
            what=what,
            total=total,
            unit=unit,
            write=self.write,
            interval=self.interval,
            clock=self.clock,
            quick=quick,
        )
        try:
            yield tracker
        except BaseException:
            tracker.stop()
            raise
        tracker.close()


def duration(seconds: float) -> str:
    """Write seconds as people say them: `4 s`, `2 min 05 s`, `1 h 10 min`."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004
        return f"{whole} s"
    if whole < 3600:  # noqa: PLR2004
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
