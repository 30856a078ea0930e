"""Models under test.

Every module of this folder that has a function `build` is an adapter, named like its key in the
configuration. Adding a file adds an adapter.
"""

from __future__ import annotations

import builtins
from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError
from pytest_ood.utils.objects import module_named, module_names

if TYPE_CHECKING:
    from pytest_ood.models.protocol import Model, RecordedModel, SeededModel


@cache
def adapters() -> tuple[str, ...]:
    """Return the names of all adapters, importing none."""
    return module_names(__name__)


def adapter(name: str) -> Any:
    """Return the adapter module of this name.

    Raises:
        ConfigurationError: there is none.
    """
    return module_named(__name__, name, "model adapter")


def as_model(
    value: Any, labels: tuple[str, ...], name: str | None = None
) -> Model | RecordedModel | SeededModel:
    """Make a model under test of what a user has at hand.

    Args:
        value: A model under test, a fitted scikit-learn estimator, or a function from a list of
            inputs to a list of answers.
        labels: The labels of the task.
        name: For what has no name of its own; its class or function gives it where left out.

    Raises:
        ConfigurationError: it is none of these.
    """
    from pytest_ood.models.protocol import SeededModel, is_model

    if isinstance(value, SeededModel) or is_model(value):
        return value
    if hasattr(value, "fit") and hasattr(value, "predict"):
        from pytest_ood.models.sklearn import SklearnModel

        kind = type(value).__name__
        return SklearnModel(name or kind, lambda: value, labels, f"scikit-learn {kind}")
    # Not plain `callable`: in this package that name becomes the adapter's module.
    if builtins.callable(value):
        from pytest_ood.models.callable import CallableModel

        own = getattr(value, "__name__", type(value).__name__).strip("<>")
        return CallableModel(name or own, value)
    raise ConfigurationError(
        f"{value!r} is no model: give a model under test, a fitted scikit-learn estimator, or a "
        "function that takes a list of inputs and returns a list of answers"
    )
