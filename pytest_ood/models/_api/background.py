"""A coroutine on a thread of its own, its results taken one by one by a plain generator."""

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
    """The last thing in the queue."""

    error: BaseException | None = None


def emitted(work: Callable[[Callable[[T], None]], Awaitable[None]]) -> Generator[T, None, None]:
    """Run a coroutine that emits results, and yield them as they come.

    The event loop has a thread of its own: calls under way go on, and no time limit of theirs
    passes unnoticed, while whoever takes the results is busy; and it works where an event loop
    runs already. Closing the generator cancels the coroutine and waits for its end.

    Args:
        work: Takes a function to emit with.

    Raises:
        Exception: whatever the coroutine raises, after the results before it.
    """
    results: SimpleQueue[T | _End] = SimpleQueue()
    running: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def main() -> None:
        task = asyncio.current_task()
        assert task is not None, "unreachable because a coroutine runs in a task"
        running.set_result((asyncio.get_running_loop(), task))
        end = _End()
        try:
            await work(results.put)
        except asyncio.CancelledError:
            pass  # given up
        except BaseException as error:  # noqa: BLE001 - handed over to the other thread
            end = _End(error)
        finally:
            results.put(end)

    def run() -> None:
        try:
            asyncio.run(main())
        except BaseException as error:  # noqa: BLE001 - such as no file left for an event loop
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
        # Either there never was a loop, or it is closed already.
        with suppress(CancelledError, RuntimeError):
            loop, task = running.result()
            loop.call_soon_threadsafe(task.cancel)
        thread.join()
