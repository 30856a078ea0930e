"""Servers as processes on loopback: started, waited for, and ended with a context."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STARTS_WITHIN = 180.0
"""Seconds until a server has to answer."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(
    command: Sequence[str],
    log: Path,
    health: str,
    variables: Mapping[str, str],
    is_well: Callable[[bytes], bool] = lambda _: True,
) -> Iterator[None]:
    """Run a server until the context ends; the context begins once the server is well.

    Args:
        command: Starts it.
        log: The file that it writes to.
        health: The address that it is asked at.
        variables: Of its environment, besides our own.
        is_well: Tells from the answer.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=log.parent,
            env={**os.environ, **variables},
            stdout=output,
            stderr=output,
            # It may have processes of its own, which end with it.
            start_new_session=True,
        )
        try:
            if not _healthy(server, health, is_well):
                said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"{' '.join(command)} did not start: {said}")
            yield
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _healthy(
    server: subprocess.Popen[bytes], address: str, is_well: Callable[[bytes], bool]
) -> bool:
    """Ask until the server answers, and tell whether it is well."""
    pause, deadline = threading.Event(), time.monotonic() + STARTS_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own URL
                return is_well(answer.read())
        except OSError:
            pause.wait(0.1)
    return False
