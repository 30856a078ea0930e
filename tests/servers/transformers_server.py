"""The OpenAI-compatible server that comes with transformers, as a process on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, running


@contextmanager
def transformers_serving(folder: Path, log: Path) -> Iterator[str]:
    """Serve a model of a folder until the context ends; its value is the base URL.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    port = free_port()
    start = "from transformers.cli.transformers import main; main()"
    command = [
        sys.executable, "-c", start, "serve", str(folder), "--host", "127.0.0.1", "--port",
        str(port), "--device", "cpu", "--dtype", "float32",
    ]  # fmt: skip
    variables = {"HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    url = f"http://127.0.0.1:{port}"
    with running(command, log, f"{url}/health", variables, _is_ok):
        yield f"{url}/v1"


def _is_ok(answer: bytes) -> bool:
    return bool(json.loads(answer)["status"] == "ok")
