"""MLflow's own tracking server, as a process on loopback."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STARTS_WITHIN = 180.0
"""Seconds until the server has to answer."""


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def mlflow_serving(folder: Path) -> Iterator[str]:
    """Serve a database and artifacts in a folder until the context ends; its value is the URL.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    port, log = free_port(), folder / "log"
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with log.open("wb") as output:
        server = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdout=output,
            stderr=output,
            # It has processes of its own, which end with it.
            start_new_session=True,
        )
        try:
            if not _healthy(server, f"http://127.0.0.1:{port}/health"):
                said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"mlflow server did not start: {said}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
                server.wait()


def _healthy(server: subprocess.Popen[bytes], url: str) -> bool:
    """Ask until the server is well; tell whether it is."""
    pause, deadline = threading.Event(), time.monotonic() + STARTS_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5):  # noqa: S310 - our own URL
                return True
        except OSError:
            pause.wait(0.1)
    return False
