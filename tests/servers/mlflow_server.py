"""MLflow's own tracking server, as a process on loopback."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from processes import free_port, running


@contextmanager
def mlflow_serving(folder: Path) -> Iterator[str]:
    """Serve a database and artifacts in a folder until the context ends; its value is the URL.

    Raises:
        RuntimeError: the server ended, or did not start in time; the message has its log.
    """
    port = free_port()
    command = [
        sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port),
        "--workers", "1", "--backend-store-uri", f"sqlite:///{folder}/mlflow.db",
        "--artifacts-destination", str(folder / "artifacts"),
    ]  # fmt: skip
    variables = {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    url = f"http://127.0.0.1:{port}"
    with running(command, folder / "log", f"{url}/health", variables):
        yield url
