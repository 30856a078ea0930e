from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable

import pytest

from pytest_ood.models._api.background import emitted


async def three(emit: Callable[[int], None]) -> None:
    """Emit three numbers."""
    for number in range(3):
        emit(number)
        await asyncio.sleep(0)


def test_results_are_yielded() -> None:
    """What a coroutine emits comes out in order, and its thread ends."""
    before = threading.active_count()
    assert list(emitted(three)) == [0, 1, 2]
    assert threading.active_count() == before


def test_it_works_where_an_event_loop_runs() -> None:
    """Within a coroutine of somebody else the results come all the same."""

    async def main() -> list[int]:
        return list(emitted(three))

    assert asyncio.run(main()) == [0, 1, 2]


def test_an_error_comes_after_the_results_before_it() -> None:
    """What was emitted is yielded before the coroutine's error is raised."""

    async def work(emit: Callable[[int], None]) -> None:
        emit(1)
        raise ValueError("broken")

    results = emitted(work)
    assert next(results) == 1
    with pytest.raises(ValueError, match="broken"):
        next(results)


def test_closing_cancels() -> None:
    """Closing the generator cancels the coroutine at once and waits until it has ended."""
    ended = []

    async def work(emit: Callable[[int], None]) -> None:
        emit(1)
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)

    before = threading.active_count()
    results = emitted(work)
    assert next(results) == 1
    results.close()
    assert ended == [True]
    assert threading.active_count() == before


def test_work_goes_on_while_results_are_used() -> None:
    """The coroutine does not wait for whoever takes its results."""
    done = threading.Event()

    async def work(emit: Callable[[int], None]) -> None:
        emit(1)
        await asyncio.sleep(0)
        emit(2)
        done.set()

    for _ in emitted(work):
        assert done.wait(10)


def test_a_loop_that_cannot_start_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no event loop can be made, the generator raises instead of waiting for ever."""

    def refuse(work: Awaitable[None]) -> None:
        work.close()
        raise OSError("too many open files")

    monkeypatch.setattr(asyncio, "run", refuse)
    with pytest.raises(OSError, match="too many open files"):
        list(emitted(three))
