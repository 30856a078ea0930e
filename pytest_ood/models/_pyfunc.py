"""MLflow's models as functions: their inputs by their signature."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ModelError, require
from pytest_ood.models._objects import is_a, known_object

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.data.inputs import Inputs

SIGNATURE = (
    "log it again with signature=mlflow.models.infer_signature(inputs, outputs), or with "
    "input_example=..., where the inputs are a table with one column of texts, or with the fields "
    "of the suite"
)


def is_pyfunc(value: Any) -> bool:
    """Return whether a value is what `mlflow.pyfunc.load_model` returns."""
    return is_a(value, "PyFuncModel", "mlflow.")


def native_model(model: Any, owner: str, labels: Sequence[str]) -> Any:
    """Return the estimator or the pipeline in one of MLflow's models; None if it has neither.

    They are asked themselves, for two reasons: they give probabilities, where `predict` of MLflow
    gives labels alone; and a vectorizer needs a list of texts, where MLflow passes the table that
    the signature describes.

    Args:
        model: What `mlflow.pyfunc.load_model` returns.
        owner: The start of error messages, such as "model 'a'".
        labels: The labels of the task.
    """
    flavors = getattr(model.metadata, "flavors", {})
    if not {"sklearn", "transformers"} & {*flavors}:
        return None
    raw = model.get_raw_model()
    is_estimator = "sklearn" in flavors and hasattr(raw, "predict")
    return raw if is_estimator or known_object(raw, owner, labels) is not None else None


def pyfunc_answers(model: Any, owner: str) -> Callable[[Sequence[Inputs]], Any]:
    """Return a function that asks one of MLflow's models for inputs.

    Args:
        model: What `mlflow.pyfunc.load_model` returns.
        owner: The start of error messages, such as "model 'a'".

    Raises:
        ModelError: it has no signature, or one that is not of texts.
    """
    columns = _columns(model, owner)
    pandas = require("pandas", extra="mlflow", purpose=owner)

    def answers(inputs: Sequence[Inputs]) -> Any:
        """Return what the model returns for a table."""
        rows = [_row(fields_of(value), columns, owner) for value in inputs]
        return model.predict(pandas.DataFrame(rows, columns=list(rows[0]) if rows else None))

    return answers


def _columns(model: Any, owner: str) -> dict[Any, bool]:
    """Return the columns of a model's input table, and whether each is required."""
    schema = model.metadata.get_input_schema()
    if schema is None:
        raise ModelError(
            f"{owner}: this model of MLflow has no signature, so that the form of its inputs is "
            f"unknown; {SIGNATURE}"
        )
    if schema.is_tensor_spec():
        raise ModelError(f"{owner}: its signature is of tensors ({schema}), not texts; {SIGNATURE}")
    columns = {}
    for index, column in enumerate(schema.inputs):
        # An unnamed column is the first of a table.
        name = index if column.name is None else column.name
        if getattr(column.type, "name", None) != "string":
            if not column.required:
                continue
            raise ModelError(
                f"{owner}: the column {name!r} of its signature is of the type {column.type}, and "
                f"inputs are texts; {SIGNATURE}"
            )
        columns[name] = bool(column.required)
    return columns


def _row(fields: dict[str, str], columns: dict[Any, bool], owner: str) -> dict[Any, str]:
    """Return the row of a table for the fields of an input."""
    required = [name for name, needed in columns.items() if needed]
    if set(required) <= set(fields) and set(columns) & set(fields):
        return {name: fields[name] for name in columns if name in fields}
    single = required or list(columns)
    if len(single) == 1:
        return {single[0]: "\n".join(fields.values())}
    raise ModelError(
        f"{owner}: its signature has the columns {', '.join(map(str, columns)) or 'none'}, and the "
        f"inputs have {', '.join(fields)}; name the columns of the data so, as the suite's `fields`"
    )
