"""The server of llama.cpp, as the package `xllamacpp` has it, as a process on loopback."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, running

START = """
import sys, threading, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.port = sys.argv[1], int(sys.argv[2])
params.hostnames, params.n_ctx, params.n_parallel = ["127.0.0.1"], 2048, 2
# More threads than free processors wait for each other.
params.use_jinja, params.warmup, params.cpuparams.n_threads = True, False, 1
server = xllamacpp.Server(params)
threading.Event().wait()
"""


@contextmanager
def llama_cpp_serving(model: Path, log: Path) -> Iterator[str]:
    """Serve a GGUF file until the context ends; its value is the URL, without the version.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-c", START, str(model), str(port)]
    with running(command, log, f"{url}/health", {}, _is_ok):
        yield url


def _is_ok(answer: bytes) -> bool:
    return bool(json.loads(answer)["status"] == "ok")
