"""Trackers of experiments, which a run is logged to.

Every module of this folder that has a function `build` is a tracker, named like its key in the
configuration. Adding a file adds a tracker.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.objects import module_names

if TYPE_CHECKING:
    from types import ModuleType


@cache
def trackers() -> tuple[str, ...]:
    """Return the names of all trackers, importing none."""
    return tuple(name for name in module_names(__path__) if name != "protocol")


def tracker(name: str) -> Any:
    """Return the tracker module of this name.

    Raises:
        ConfigurationError: there is none.
    """
    if name not in trackers():
        raise ConfigurationError(unknown_name("tracker", name, trackers()))
    module: ModuleType = importlib.import_module(f"{__name__}.{name}")
    return module
