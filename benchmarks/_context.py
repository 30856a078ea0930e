"""What scripts give an adapter that reads no data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from pathlib import Path

LABELS = ("negative", "positive")


def context_of(root: Path, cache: Path, *, offline: bool = True) -> Context:
    """Return the context of an adapter without data, for a classifier of `LABELS`."""
    return Context(
        name="model",
        task=Classification(LABELS),
        root=root,
        cache=cache,
        offline=offline,
        progress=Silent(),
        data=_no_data,
    )


def _no_data(_: Any) -> Any:
    raise AssertionError("unreachable: no data is declared")
