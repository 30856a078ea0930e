"""Converts values of data to texts and labels, and refuses what is neither."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import Enum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from pytest_ood.data.inputs import Inputs

NO_LABEL = "null"
"""The key of `labels` for missing labels."""

_LARGEST = 10**300
"""Python writes no larger numbers without limit, and no label is one."""

_WHOLE = re.compile(r"\A([+-]?\d+)\.0+")
_ENDINGS = frozenset("0eE")
"""The last signs of what has another form; the rest takes no closer look."""

_TRUTH = {"True": "true", "TRUE": "true", "False": "false", "FALSE": "false"}


def plain(value: Any) -> Any:
    """Return a value of numpy, pandas or an enumeration as a value of Python.

    An array of one number becomes the number, a missing value None, and the member of an
    enumeration its value, or its name if the value is of another type.
    """
    if isinstance(value, Enum):
        inner = plain(value.value)
        return inner if isinstance(inner, str | bool | int | float) else value.name
    if isinstance(value, str):
        # Also of numpy's and other classes of strings.
        return value if type(value) is str else str.__str__(value)
    # A signaling NaN of the module decimal raises wherever it is looked at.
    is_nan = isinstance(value, Decimal) and value.is_nan()
    if is_nan or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if not isinstance(value, bool) and hasattr(value, "dtype") and hasattr(value, "item"):
        # A number of numpy, or an array or a tensor of one.
        return value.item() if getattr(value, "shape", None) == () else value
    if isinstance(value, Integral) and not isinstance(value, bool):
        return int(value)
    return float(value) if isinstance(value, Real) and not isinstance(value, bool) else value


def is_missing(value: Any) -> bool:
    """Return whether a plain value is missing: None, or not a number."""
    if isinstance(value, float | Decimal):
        return math.isnan(value)
    return value is None


def label_forms(value: Any) -> tuple[str, ...]:
    """Return the ways of writing a label, the one of the data first.

    A label is text, a number, or true or false. Whole numbers are equal with and without decimals,
    as `1` and `1.0`, and so are `true` and `True`.

    Returns:
        The ways; none if the value is no label.
    """
    value = plain(value)
    if isinstance(value, bool):
        return (str(value).lower(), str(value))
    if isinstance(value, str):
        if value[-1:] not in _ENDINGS:
            return (value,)
        whole = _WHOLE.fullmatch(value)
        other = whole[1] if whole else _TRUTH.get(value, value)
        return tuple(dict.fromkeys((value, other)))
    if isinstance(value, int):
        return (str(value),) if abs(value) < _LARGEST else ()
    if isinstance(value, float | Decimal) and math.isfinite(value):
        is_whole = -_LARGEST < value < _LARGEST and value == int(value)
        return tuple(dict.fromkeys((str(value), str(int(value)) if is_whole else str(value))))
    return ()


def renamed_label(value: Any, names: Mapping[str, str]) -> Any:
    """Return the name for a value, or the value itself where it has none.

    Args:
        value: A label in any form; a missing one has the name of `NO_LABEL`.
        names: The names, by labels as text.
    """
    if not names:
        return value
    forms = (NO_LABEL,) if is_missing(plain(value)) else label_forms(value)
    return next((names[form] for form in forms if form in names), value)


def label_among(value: Any, labels: Collection[str]) -> str:
    """Return the label that is equal to a value of other code, such as a class of an estimator.

    Args:
        value: A label in any form.
        labels: The labels; if none is equal to the value, the value is converted to text.
    """
    forms = label_forms(value)
    return next((form for form in forms if form in labels), label_text(value) or str(value))


def label_text(value: Any) -> str | None:
    """Return a label from Python code as text, or None if the value is no label.

    Numbers are written without needless decimals (1.0 as `1`), True and False as `true` and
    `false`, members of an enumeration as their values.
    """
    value = plain(value)
    forms = label_forms(value)
    if not forms or isinstance(value, str):
        return forms[0] if forms else None
    return forms[0] if isinstance(value, bool) else forms[-1]


def check_spelling(labels: Iterable[str], location: str) -> None:
    """Check that no two labels differ in white space or case alone: they would be two classes.

    Args:
        labels: The labels of the data.
        location: The beginning of the message: the data.

    Raises:
        DataError: names two such labels.
    """
    seen: dict[str, str] = {}
    for label in sorted(set(labels)):
        other = seen.setdefault(_folded(label), label)
        if other != label:
            raise DataError(
                f"{location}: the labels {shown(other)} and {shown(label)} are equal but for white "
                "space or case; write them alike, or name all that there are: labels=[...]"
            )


def spelled_like(label: str, labels: Iterable[str]) -> str | None:
    """Return the label that is equal to another but for white space or case, if any is."""
    return next((other for other in sorted(labels) if _folded(other) == _folded(label)), None)


def _folded(label: str) -> str:
    return " ".join(label.casefold().split())


def is_unlabelled(value: Any) -> bool:
    """Return whether a label commonly marks unlabelled rows: -1, an empty or a missing one."""
    value = plain(value)
    return is_missing(value) or value == "" or "-1" in label_forms(value)


def pair_of(item: Any, location: str) -> tuple[Inputs, str]:
    """Return (inputs, label) of an item of data from Python code.

    Args:
        item: Two values: the inputs and the label.
        location: The beginning of messages: the data and the item's index.

    Raises:
        DataError: the item is something else; the message shows it and says what is allowed.
    """
    inputs, label = values_of(item, location)
    return inputs, label_from(label, location)


def values_of(item: Any, location: str) -> tuple[Inputs, Any]:
    """Return (inputs, value) of an item of data from Python code, whatever the value is.

    Raises:
        DataError: the item is no pair, or its inputs are invalid.
    """
    inputs, value = _two(item, location)
    return inputs_from(inputs, location), value


def label_from(value: Any, location: str) -> str:
    """Return a label from Python code as text.

    Raises:
        DataError: it is neither text, a number, True, False nor a member of an enumeration.
    """
    text = label_text(value)
    if text is not None:
        return _encodable(text, f"{location}: the label")
    if is_missing(plain(value)):
        raise DataError(
            f"{location}: the label is {shown(value)}, which means that there is none; leave the "
            "row out, or give it a label"
        )
    raise DataError(
        f"{location}: the label is {_described(value)}; a label is a text, a number, True or "
        "False, or a member of an enumeration"
    )


def inputs_from(value: Any, location: str) -> Inputs:
    """Return inputs from Python code: one text, or texts by the names of fields.

    Raises:
        DataError: the inputs, or one of their texts, are something else.
    """
    if isinstance(value, Mapping):
        if not value or not all(isinstance(name, str) and name for name in value):
            names = ", ".join(map(shown, list(value)[:5])) or "none"
            raise DataError(
                f"{location}: inputs of several fields are a mapping of names to texts; its names "
                f"are {names}"
            )
        return {
            str.__str__(name): text_from(text, f"{location}, field {shown(name)}")
            for name, text in value.items()
        }
    return text_from(value, location)


def text_from(value: Any, location: str) -> str:
    """Return a text from Python code; numbers are converted.

    Raises:
        DataError: it is something else.
    """
    text = plain(value)
    if isinstance(text, str):
        return _encodable(text, f"{location}: the text")
    if is_missing(text):
        raise DataError(
            f"{location}: the text is {shown(value)}, which means that there is none; leave the "
            "row "
            'out, or give "" if an empty text is meant'
        )
    if isinstance(text, bytes | bytearray | memoryview):
        raise DataError(
            f"{location}: the text is {_described(value)}; decode it first: text.decode('utf-8')"
        )
    if isinstance(text, int | float | Decimal) and not isinstance(text, bool):
        if not label_forms(text):
            raise DataError(f"{location}: the text is {shown(value)}, which is no finite number")
        return str(text)
    advice = ""
    if hasattr(value, "iloc"):
        advice = "; write dict(row) of a row of pandas, or row['text'] for one text"
    elif isinstance(value, list | tuple) and all(isinstance(part, str) for part in value):
        advice = "; of a list of words write ' '.join(words)"
    raise DataError(
        f"{location}: the text is {_described(value)}; inputs are a text, or a mapping of the "
        f"names of fields to texts{advice}"
    )


def items_of(data: Any, name: str, expected: str | None = None) -> Iterable[Any]:
    """Return the items of data from Python code, such as a list of pairs.

    Args:
        data: The data.
        name: The name of the data in messages.
        expected: The expected data in messages, such as "a case is a list of inputs"; None for
            (inputs, label) pairs.

    Raises:
        DataError: the data is a text, a mapping, a table or not iterable.
    """
    advice = expected or "give (inputs, label) pairs, or a Dataset"
    if expected is not None and (hasattr(data, "iloc") or isinstance(data, str | Mapping)):
        pass
    elif hasattr(data, "iloc"):
        advice = "of a table of pandas write zip(table['text'], table['label'])"
    elif isinstance(data, str):
        advice += "; of a file the rows are given, and a suite names the file itself"
    elif isinstance(data, Mapping):
        advice += ", such as list(data.items())"
    elif not isinstance(data, bytes) and hasattr(data, "__iter__"):
        items: Iterable[Any] = data
        return items
    raise DataError(f"{name} is {_described(data)}; {advice}")


def _two(item: Any, location: str) -> tuple[Any, Any]:
    """Return the two values of an item."""
    allowed = "an item is a pair: (inputs, label)"
    unordered = isinstance(item, str | bytes | Mapping | set | frozenset)
    if unordered or not hasattr(item, "__iter__"):
        if isinstance(item, Mapping):
            allowed += ", such as (row['text'], row['label'])"
        raise DataError(f"{location} is {_described(item)}; {allowed}")
    # One more than is wanted, in case that there is no end.
    values: Sequence[Any] = [value for value, _ in zip(item, range(4), strict=False)]
    if len(values) != 2:  # noqa: PLR2004 - a pair
        count = len(item) if hasattr(item, "__len__") else len(values)
        if count > 2:  # noqa: PLR2004 - more than a pair
            allowed += ", or of examples with ids: a Dataset of Example(id, inputs, label)"
        raise DataError(
            f"{location} has {count} value{'s' * (count != 1)} ({shown(tuple(values))}); {allowed}"
        )
    return values[0], values[1]


def _encodable(text: str, description: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(
            f"{description} holds a lone surrogate, which no encoding can carry; replace it first"
        ) from None
    return text


def _described(value: Any) -> str:
    """Return a value and its type, as messages show them."""
    if value is None:
        return "None"
    return f"{shown(value)}, of type {type(value).__name__}"
