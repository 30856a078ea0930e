"""Logs runs to MLflow, through `MlflowClient`.

The client's environment variables set the server: MLFLOW_TRACKING_URI, MLFLOW_TRACKING_TOKEN.
"""

from __future__ import annotations

import os
import re
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, require
from pytest_ood.trackers._runs import plain_names

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_ood.trackers.protocol import TrackedRun

DEFAULT_EXPERIMENT = "pytest-ood"

FORBIDDEN = re.compile(r"[^\w.\-/]")
LONGEST_NAME = 250
LONGEST_VALUE = 500
"""The limits of servers of several years; the report has the whole values."""

BATCH = 100
"""The largest number of parameters, tags or metrics in one call."""

PATIENCE = {"MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2", "MLFLOW_HTTP_REQUEST_TIMEOUT": "30"}
"""Defaults for variables that the user does not set: the client's own retry for minutes."""


def build(
    *, experiment: str | None = None, name: str | None = None, tags: Mapping[str, Any] | None = None
) -> MlflowTracker:
    """Build the tracker; nothing is connected to yet.

    Args:
        experiment: The experiment's name, created if it does not exist; None for
            MLFLOW_EXPERIMENT_NAME, or else "pytest-ood".
        name: The run's name; None for one that MLflow generates.
        tags: The run's tags, strings by name.

    Raises:
        ConfigurationError: a tag is not a string.
        MissingDependencyError: MLflow is not installed.
    """
    for key, value in (tags or {}).items():
        if not isinstance(value, str):
            raise ConfigurationError(f"mlflow: tags: {key} = {value!r} is not a string")
    require("mlflow", extra="mlflow", purpose="logging to MLflow")
    chosen = experiment or os.environ.get("MLFLOW_EXPERIMENT_NAME") or DEFAULT_EXPERIMENT
    return MlflowTracker(experiment=chosen, name=name, tags=tags or {})


@dataclass(frozen=True, kw_only=True)
class MlflowTracker:
    """Logs a run of pytest as a run of an experiment.

    Attributes:
        experiment: The experiment's name.
        name: The run's name, or None for one that MLflow generates.
        tags: The run's tags.
    """

    experiment: str
    name: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    def log(self, run: TrackedRun, report: Path) -> str:
        """Log a run with its JSON report, and return its location.

        Raises:
            Exception: any error of the client; a run that it has started is marked as failed.
        """
        mlflow = require("mlflow", extra="mlflow", purpose="logging to MLflow")
        with patience():
            client = mlflow.MlflowClient()
            experiment_id = self._experiment_id(client)
            info = client.create_run(experiment_id, run_name=self.name, tags=dict(self.tags)).info
            try:
                _log(mlflow.entities, client, info, run)
                client.log_artifact(info.run_id, str(report))
            except BaseException:
                with suppress(Exception):
                    client.set_terminated(info.run_id, "FAILED")
                raise
            client.set_terminated(info.run_id)
        location = f"run {info.run_name} of experiment {self.experiment}"
        if not client.tracking_uri.startswith(("http://", "https://")):
            return f"{location} in {client.tracking_uri}"
        page = f"#/experiments/{experiment_id}/runs/{info.run_id}"
        return f"{location}, {client.tracking_uri.rstrip('/')}/{page}"

    def _experiment_id(self, client: Any) -> str:
        existing = client.get_experiment_by_name(self.experiment)
        if existing is None:
            return str(client.create_experiment(self.experiment))
        return str(existing.experiment_id)


def _log(entities: Any, client: Any, info: Any, run: TrackedRun) -> None:
    """Log parameters, metrics and tags, at most BATCH a call."""
    names = plain_names(
        (*run.parameters, *run.metrics, *run.verdicts), FORBIDDEN, longest=LONGEST_NAME
    )
    params = [entities.Param(names[key], _cut(value)) for key, value in run.parameters.items()]
    metrics = [
        entities.Metric(names[key], value, info.start_time, 0) for key, value in run.metrics.items()
    ]
    tags = [entities.RunTag(names[key], value) for key, value in run.verdicts.items()]
    for kind, entries in (("params", params), ("metrics", metrics), ("tags", tags)):
        for start in range(0, len(entries), BATCH):
            client.log_batch(info.run_id, **{kind: entries[start : start + BATCH]})


def _cut(value: str) -> str:
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 3] + "..."


@contextmanager
def patience() -> Iterator[None]:
    """Set a short limit for retries, unless the user's environment sets one."""
    added = {key: value for key, value in PATIENCE.items() if key not in os.environ}
    os.environ.update(added)
    try:
        yield
    finally:
        for key in added:
            del os.environ[key]
