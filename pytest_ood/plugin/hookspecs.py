"""The hooks that a conftest.py or another plugin may implement."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.models.protocol import Model, RecordedModel


@pytest.hookspec
def pytest_ood_models(  # type: ignore[empty-body] # a specification
    suite: str, labels: tuple[str, ...]
) -> Sequence[Model | RecordedModel]:
    """Return models under test to measure besides the configured ones.

    Args:
        suite: The name of the suite they are for.
        labels: The labels of its task.
    """
