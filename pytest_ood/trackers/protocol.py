"""What a tracker is, and what it is given of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True)
class TrackedRun:
    """What is logged of a run; names are paths such as reviews/noise/keyboard/sturdy/drop.

    Attributes:
        parameters: What decides the figures: seed, suites, sources of models, hashes of prompts.
        metrics: The figures; scores and drops as shares of 1.
        verdicts: pass, fail, inconclusive, invalid or measured, by the same paths.
    """

    parameters: Mapping[str, str]
    metrics: Mapping[str, float]
    verdicts: Mapping[str, str]


class Tracker(Protocol):
    """Logs a run through its own client, which knows the server and the key by its environment."""

    def log(self, run: TrackedRun, report: Path) -> str:
        """Log a run with its JSON report, and return where it is found.

        Raises:
            Exception: whatever the client raises; the run has its verdict all the same.
        """
        ...
