"""Reads the options of rows: a column that is a list, several columns, or a mapping."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.data.options import (
    LETTERS,
    OPTIONS,
    check_options,
    position_of,
    read_options,
    write_options,
)
from pytest_ood.data.values import is_missing, label_text, plain
from pytest_ood.errors import DataError, shown
from pytest_ood.loading.formats import value_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ood.data.inputs import Inputs


@dataclass(frozen=True)
class RowOptions:
    """The options of one row.

    Attributes:
        texts: The options.
        marks: The data's own marks, such as 1, 2, 3; letters where it has none.
    """

    texts: Sequence[str]
    marks: Sequence[str] = LETTERS

    def added_to(self, inputs: Inputs) -> Inputs:
        """Return the inputs of a model with the field of the options, if there are any."""
        if not self.texts:
            return inputs
        return {**fields_of(inputs), OPTIONS: write_options(self.texts)}

    def position(self, value: Any, form: str | None) -> int:
        """Return the position of the right option; see `position_of`."""
        return position_of(value, self.texts, self.marks, form)


def options_of_row(
    origin: str, number: int, row: Mapping[str, Any], columns: Sequence[str], most: int
) -> RowOptions:
    """Return the options of a row.

    Args:
        origin: The beginning of messages.
        number: The number of the row.
        row: The row.
        columns: One column with a list of texts, an object of texts by their marks, or an object of
            two lists (`text` and `label`, as ARC has); or several columns of one text each, the
            last of which may be empty; none for a row without options.
        most: The largest number of options.

    Raises:
        DataError: a column is missing, or the options are invalid.
    """
    if not columns:
        return RowOptions(())
    values = [value_of(origin, number, row, column) for column in columns]
    try:
        options = _of_columns(values) if len(columns) > 1 else _of_column(values[0])
        check_options(options.texts, most)
        write_options(options.texts)
    except DataError as error:
        named = ", ".join(map(shown, columns))
        raise DataError(f"{origin}, row {number}, field {named}: {error}") from None
    return options


def _of_columns(values: Sequence[Any]) -> RowOptions:
    texts = ["" if is_missing(plain(value)) else _text(value) for value in values]
    while texts and not texts[-1]:
        texts.pop()
    return RowOptions(texts)


def _of_column(value: Any) -> RowOptions:
    options = options_of_value(value)
    if options is None:
        raise DataError(
            f"{shown(value)} is no list of options; `options` names a column that has a list of "
            "texts, an object of them or such a list as JSON, or several columns of one text each"
        )
    return options


def options_of_value(value: Any) -> RowOptions | None:
    """Return the options in a value of one column; None if it is no list of options.

    Raises:
        DataError: one of them is no text.
    """
    if isinstance(value, str):
        written = read_options(value)
        if written:
            return RowOptions([o.text for o in written], [o.mark for o in written])
        if not value.startswith(("[", "{")):
            return None
        # A table has its lists as text.
        with suppress(ValueError):
            value = json.loads(value)
    if isinstance(value, Mapping):
        return _of_mapping(value)
    listed = _listed(value)
    return None if listed is None else RowOptions(_texts(listed))


def _of_mapping(value: Mapping[str, Any]) -> RowOptions:
    """Return the options of an object: texts by their marks, or the lists `text` and `label`."""
    lists = [_listed(value.get(key)) for key in ("text", "label")]
    if None in lists:
        present = {mark: text for mark, text in value.items() if not is_missing(plain(text))}
        return RowOptions(_texts(present.values()), list(present))
    texts, marks = (_texts(some or ()) for some in lists)
    if len(texts) != len(marks):
        raise DataError(f"there are {len(texts)} texts and {len(marks)} labels of options")
    return RowOptions(texts, marks)


def _listed(value: Any) -> Sequence[Any] | None:
    """Return a list, a tuple or an array as a sequence; None for anything else."""
    value = value.tolist() if hasattr(value, "tolist") else value
    return value if isinstance(value, list | tuple) else None


def _texts(values: Iterable[Any]) -> list[str]:
    return [_text(value) for value in values]


def _text(value: Any) -> str:
    text = label_text(value)
    if text is None:
        raise DataError(f"the option {shown(value)} is neither text nor a finite number")
    return text.strip()
