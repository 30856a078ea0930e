"""Logs runs to Weights & Biases, through `wandb.init`.

Where to is said by the client's own variables and settings: WANDB_API_KEY, WANDB_ENTITY,
WANDB_BASE_URL, WANDB_MODE, WANDB_DIR, ...
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, OodError, require
from pytest_ood.trackers._runs import plain_names

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.trackers.protocol import TrackedRun

DEFAULT_PROJECT = "pytest-ood"
ARTIFACT, ARTIFACT_TYPE = "pytest-ood-report", "report"

FORBIDDEN = re.compile(r"[^A-Za-z0-9_/]")
"""What W&B's pages can neither sort nor filter by; a slash makes a section."""

LONGEST_NAME = 250
UNSENT_MODES = ("offline", "dryrun", "disabled")
INIT_TIMEOUT = 30.0
"""Seconds, where WANDB_INIT_TIMEOUT does not say."""


def build(
    *,
    project: str | None = None,
    name: str | None = None,
    tags: list[str] | None = None,
) -> WandbTracker:
    """Build the tracker; nothing is connected to yet.

    Args:
        project: Left out: WANDB_PROJECT, or else "pytest-ood".
        name: Of the run; left out, W&B makes one.
        tags: Of the run.

    Raises:
        ConfigurationError: a tag is no text.
        MissingDependencyError: the client is not installed.
    """
    for tag in tags or ():
        if not isinstance(tag, str):
            raise ConfigurationError(f"wandb: tags: {tag!r} is not a string")
    require("wandb", extra="wandb", purpose="logging to Weights & Biases")
    chosen = project or os.environ.get("WANDB_PROJECT") or DEFAULT_PROJECT
    return WandbTracker(chosen, name, tuple(tags or ()))


@dataclass(frozen=True)
class WandbTracker:
    """A run of pytest becomes a run of a project, beside any that is active.

    Attributes:
        project: Its name.
        name: Of the run, or None for one that W&B makes.
        tags: Of the run.
    """

    project: str
    name: str | None = None
    tags: tuple[str, ...] = ()

    def log(self, run: TrackedRun, report: Path) -> str:
        """Log a run with its JSON report, and return where it is found.

        Raises:
            OodError: nobody is logged in; no key is asked for in the middle of a test run.
            Exception: whatever the client raises.
        """
        wandb = require("wandb", extra="wandb", purpose="logging to Weights & Biases")
        if os.environ.get("WANDB_MODE") not in UNSENT_MODES and not wandb.login(prompt=False):
            raise OodError("no API key: set WANDB_API_KEY, or run `wandb login` once")
        names = plain_names((*run.metrics, *run.verdicts), FORBIDDEN, longest=LONGEST_NAME)
        started = wandb.init(
            project=self.project,
            name=self.name,
            tags=list(self.tags),
            config=dict(run.parameters),
            reinit="create_new",
            settings=wandb.Settings(**_quiet()),
        )
        try:
            started.log({names[key]: value for key, value in run.metrics.items()})
            started.summary.update({names[key]: value for key, value in run.verdicts.items()})
            artifact = wandb.Artifact(ARTIFACT, ARTIFACT_TYPE)
            artifact.add_file(str(report))
            started.log_artifact(artifact)
        except BaseException:
            started.finish(exit_code=1)
            raise
        started.finish()
        if started.disabled:
            return "nowhere, as WANDB_MODE is disabled"
        where = f"run {started.name or started.id} of project {self.project}"
        return f"{where} in {started.dir}" if started.offline else f"{where}, {started.url}"


def _quiet() -> dict[str, Any]:
    """Return settings that leave the terminal to pytest and give a server up after seconds."""
    settings: dict[str, Any] = {"console": "off", "silent": True}
    if "WANDB_INIT_TIMEOUT" not in os.environ:
        settings["init_timeout"] = INIT_TIMEOUT
    return settings
