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
    from pytest_ood.tasks import Task


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
    value: Any,
    labels: tuple[str, ...],
    name: str | None = None,
    *,
    ordered: bool = True,
    task: Task | None = None,
) -> Model | RecordedModel | SeededModel:
    """Make a model under test of what a user has at hand.

    Args:
        value: A model under test; a fitted estimator, or another object with `predict`; a pipeline
            of transformers; a model of spaCy, fastText or MLflow; or a function from a list of
            inputs to a list of answers.
        labels: The labels of the task.
        name: For what has no name of its own; its class or function gives it where left out.
        ordered: Whether the order of the labels is that of the model's classes, so that class
            indices and rows of probabilities can be read.
        task: The task, which decides the form of answers; None for labels.

    Raises:
        ConfigurationError: it is none of these.
    """
    from pytest_ood.models._objects import known_object
    from pytest_ood.models._pyfunc import is_pyfunc, native_model, pyfunc_answers
    from pytest_ood.models.protocol import SeededModel, is_model
    from pytest_ood.tasks.classification import out_of_scope_of

    if isinstance(value, SeededModel) or is_model(value):
        return value
    if is_pyfunc(value):
        from pytest_ood.models.callable import CallableModel

        owner = f"model {name or 'MLflow'!r}"
        native = native_model(value, owner, labels)
        if native is not None:
            return as_model(native, labels, name, ordered=ordered, task=task)
        return CallableModel(
            name or "MLflow",
            pyfunc_answers(value, owner),
            "fine-tuned",
            "a model of MLflow",
            labels=labels,
            ordered=ordered,
        )
    kind = type(value).__name__
    known = known_object(value, f"model {name or kind!r}", labels)
    # Not plain `callable`: in this package that name becomes the adapter's module.
    can_be_called = builtins.callable(value)
    is_estimator = hasattr(value, "fit") or not can_be_called
    if known is None and hasattr(value, "predict") and is_estimator:
        from pytest_ood.models.sklearn import SklearnModel

        # SetFit's and others' estimators are asked in the same way.
        library = type(value).__module__.partition(".")[0]
        source = f"scikit-learn {kind}" if hasattr(value, "fit") else f"{library} {kind}"
        if task is not None and task.classes:
            from pytest_ood.models._multi_label_sklearn import MultiLabelEstimator

            return MultiLabelEstimator(name or kind, lambda: (value, None), task.classes, source)
        optional = () if task is None else (out_of_scope_of(task),)
        return SklearnModel(
            name or kind, lambda: value, labels, source, ordered=ordered, optional=optional
        )
    if known is not None or can_be_called:
        from pytest_ood.models.callable import CallableModel

        own = getattr(value, "__name__", kind).strip("<>")
        return CallableModel(
            name or own,
            value,
            "other" if known is None else "fine-tuned",
            "a Python function" if known is None else known.source,
            labels=labels,
            ordered=ordered,
            structured=task is not None and task.structured,
        )
    raise ConfigurationError(
        f"{value!r} is no model: give a model under test, a fitted scikit-learn estimator or "
        "another object with `predict`, a pipeline of transformers, a model of spaCy, fastText "
        "or MLflow, or a function that takes a list of inputs and returns a list of answers"
    )
