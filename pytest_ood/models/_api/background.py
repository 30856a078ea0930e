"""Runs a coroutine on a thread of its own, and yields its results from a plain generator."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator

T = TypeVar("T")

THREAD = "pytest-ood-asking"
"""Name of the thread."""


@dataclass(frozen=True)
class _End:
    """The last item of the queue."""

    error: BaseException | None = None


def emitted(work: Callable[[Callable[[T], None]], Awaitable[None]]) -> Generator[T, None, None]:
    """Run a coroutine that emits results, and yield them as they come.

    Closing the generator cancels the coroutine and waits for its end.

    Args:
        work: Takes a function that emits a result.

    Raises:
        Exception: whatever the coroutine raises, after the results before it.
    """
    # The event loop has a thread of its own, so that calls go on and their time limits are checked
    # while the consumer scores and stores results; and because the caller's thread may already run
    # an event loop (a notebook, an async test), in which `asyncio.run` is an error.
    results: SimpleQueue[T | _End] = SimpleQueue()
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def main() -> None:
        """Run the coroutine, and put its end, or its error, after its results."""
        task = asyncio.current_task()
        assert task is not None, "unreachable because a coroutine runs in a task"
        running.set_result((asyncio.get_running_loop(), task))
        end = _End()
        try:
            await work(results.put)
        except asyncio.CancelledError:
            pass  # the generator was closed
        except BaseException as error:  # noqa: BLE001 - handed over to the other thread
            end = _End(error)
        finally:
            results.put(end)

    def run() -> None:
        """Run the event loop of the thread."""
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - such as no file descriptor left for a loop
            running.cancel()
            results.put(_End(error))

    thread = threading.Thread(target=run, name=THREAD, daemon=True)
    thread.start()
    try:
        while not isinstance(item := results.get(), _End):
            yield item
        if item.error is not None:
            raise item.error
    finally:
        # Suppressed: the loop never started, or it is closed already.
        with suppress(CancelledError, RuntimeError):
            loop, task = running.result()
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
