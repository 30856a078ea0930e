"""What the tests of the adapters share."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from checkpoints import causal_model

from pytest_ood.data.examples import Dataset
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification, Task
from pytest_ood.utils.progress import Silent

LABELS = ("negative", "positive")


def make_context(
    root: Path,
    data: Dataset | None = None,
    *,
    labels: tuple[str, ...] = LABELS,
    task: Task | None = None,
    **changes: Any,
) -> Context:
    """Return what an adapter is given: it may fetch nothing, and any source is the same data."""

    def load() -> Dataset:
        assert data is not None, "this test gives no data"
        return data

    values = {"name": "model", "cache": root / "cache", "offline": True, "progress": Silent()}
    asked = Classification(labels) if task is None else task
    return Context(task=asked, root=root, data=lambda _: load, **{**values, **changes})


@pytest.fixture(scope="session")
def context_of() -> Callable[..., Context]:
    """Return a maker of contexts."""
    return make_context


@pytest.fixture
def context(tmp_path: Path) -> Context:
    """Return a context without data, in a folder of its own."""
    return make_context(tmp_path)


@pytest.fixture(scope="session")
def model_of(one_thread: None) -> Callable[[str], Any]:  # noqa: ARG001 - while they run
    """Return what makes the causal language model of a name, once."""
    return cache(causal_model)


@pytest.fixture
def room_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Return what gives the processor room for so many bytes of weights, and the disk for more."""

    def set_room(size: int) -> None:
        monkeypatch.setattr(
            "transformers.integrations.accelerate.get_max_memory",
            lambda *_: {"cpu": size, "disk": 10**12},
        )

    return set_room
