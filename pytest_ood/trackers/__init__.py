"""Trackers of experiments, which a run is logged to.

Every module of this folder that has a function `build` is a tracker, named like its key in the
configuration. Adding a file adds a tracker.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pytest_ood.utils.objects import module_named, module_names


@cache
def trackers() -> tuple[str, ...]:
    """Return the names of all trackers, importing none."""
    return module_names(__name__)


def tracker(name: str) -> Any:
    """Return the tracker module of this name.

    Raises:
        ConfigurationError: there is none.
    """
    return module_named(__name__, name, "tracker")
