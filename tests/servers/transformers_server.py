"""The OpenAI-compatible server that comes with transformers, as a process on loopback."""

from __future__ import annotations

import json
import os
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


@contextmanager
def transformers_serving(folder: Path, log: Path) -> Iterator[str]:
    """Serve a model of a folder until the context ends; its value is the base URL.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    start = "from transformers.cli.transformers import main; main()"
    command = [
        sys.executable, "-c", start, "serve", str(folder), "--host", "127.0.0.1", "--port",
        str(port), "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            if not _healthy(server, f"http://127.0.0.1:{port}/health"):
                said = log.read_text(encoding="utf-8", errors="replace")[-3000:]
                raise RuntimeError(f"transformers serve did not start: {said}")
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            server.terminate()
            try:
                server.wait(30)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def _healthy(server: subprocess.Popen[bytes], url: str) -> bool:
    """Ask until the server is well; tell whether it is."""
    pause, deadline = threading.Event(), time.monotonic() + STARTS_WITHIN
    while server.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - our own URL
                return bool(json.load(answer)["status"] == "ok")
        except OSError:
            pause.wait(0.2)
    return False
