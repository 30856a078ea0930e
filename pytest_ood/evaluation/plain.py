"""Records as plain values and back: whole for other processes, and as rows of reports.

A record of a closed set, such as the details of a kind of shift, is written with its `TYPE`, which
selects its class when it is read.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation.example_scores import ExampleScores
from pytest_ood.statistics import Estimate

FLIPS_REPORTED = 3
"""Flipped examples that a report has of each check; the others are counted."""


def to_plain(value: Any) -> Any:
    """Return a record, or a value of one, as dictionaries, lists, texts and numbers."""
    if isinstance(value, Categorical | ExampleScores):
        return value.to_record()
    if is_dataclass(value) and not isinstance(value, type):
        named = {f.name: to_plain(getattr(value, f.name)) for f in fields(value)}
        return {**_type_of(value), **named}
    if isinstance(value, Mapping):
        return {key: to_plain(item) for key, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def to_row(record: Any) -> dict[str, Any]:
    """Return a record as it is written in a report.

    Fields that are marked as not reported are left out, and the properties named in `DERIVED` are
    added. An estimate is written as its value, with `interval` beside it; where a record has
    several, each is an object. Figures are rounded, as sums in another order differ.
    """
    cls: Any = type(record)
    estimates = [name for name, hint in hints_of(cls).items() if _is_estimate(hint)]
    row: dict[str, Any] = {}
    for f in fields(cls):
        value = getattr(record, f.name)
        if not f.metadata.get("reported", True):
            continue
        if estimates == [f.name]:
            row |= {f.name: None, "interval": None} if value is None else _estimate(f.name, value)
        elif hints_of(cls)[f.name] == Mapping[str, Any]:
            row[f.name] = dict(value)
        else:
            row[f.name] = _reported(value[:FLIPS_REPORTED] if f.name == "flips" else value)
    return row | {name: _reported(getattr(record, name)) for name in getattr(cls, "DERIVED", ())}


def _reported(value: Any) -> Any:
    if isinstance(value, float):
        return _rounded(value)
    if isinstance(value, Estimate):
        return _estimate("value", value)
    if isinstance(value, Categorical | ExampleScores):
        return value.to_record()
    if is_dataclass(value) and not isinstance(value, type):
        return {**_type_of(value), **to_row(value)}
    if isinstance(value, Mapping):
        return {key: _reported(item) for key, item in value.items()}
    return [_reported(item) for item in value] if isinstance(value, list | tuple) else value


def _estimate(name: str, estimate: Estimate) -> dict[str, Any]:
    return {
        name: _rounded(estimate.value),
        "interval": [_rounded(estimate.low), _rounded(estimate.high)],
    }


def _rounded(value: float) -> float:
    # Adding 0 makes 0.0 of -0.0.
    return round(value, 9) + 0.0


def _type_of(record: Any) -> dict[str, Any]:
    return {"type": record.TYPE} if hasattr(record, "TYPE") else {}


def from_plain(kind: Any, value: Any) -> Any:  # noqa: PLR0911 - one for each form of type
    """Undo `to_plain` and `to_row`, also after lists have taken the place of tuples.

    Keys that a record does not have are ignored, and fields without a key have their defaults.

    Args:
        kind: The type to be built, as an annotation has it.
        value: Plain values.

    Raises:
        ValueError: columns or items are damaged.
    """
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        return _member(arguments, value)
    if kind is ExampleScores:
        return ExampleScores.from_record(value)
    if origin is Categorical:
        return Categorical.from_record(value)
    if isinstance(kind, type) and is_dataclass(kind):
        return _record(kind, value)
    if origin is tuple:
        kinds = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(from_plain(k, item) for k, item in zip(kinds, value, strict=True))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return {key: from_plain(arguments[1], item) for key, item in value.items()}
    return value


def _member(kinds: tuple[Any, ...], value: Any) -> Any:
    """Build a value of the one member of a union that it belongs to."""
    if value is None:
        return None
    members = [kind for kind in kinds if kind is not NoneType]
    if len(members) > 1 and isinstance(value, Mapping):
        members = [kind for kind in members if value["type"] == kind.TYPE]
    return from_plain(members[0], value) if len(members) == 1 else value


def _record(kind: type, row: Mapping[str, Any]) -> Any:
    if kind is Estimate and "interval" in row:
        return _read_estimate(row["value"], row)
    values = {}
    for name, hint in hints_of(kind).items():
        if name in row:
            value = row[name]
            flat = _is_estimate(hint) and not isinstance(value, Mapping | NoneType)
            values[name] = _read_estimate(value, row) if flat else from_plain(hint, value)
    return kind(**values)


def _read_estimate(value: float, row: Mapping[str, Any]) -> Estimate:
    low, high = row["interval"]
    # A report has neither the estimate's own sample size nor its spread.
    return Estimate(value, low, high, row.get("n", 0), 0.0)


def _is_estimate(hint: Any) -> bool:
    return hint in (Estimate, Estimate | None)


@cache
def hints_of(kind: Hashable) -> Mapping[str, Any]:
    """Return the types of a record's fields by their names."""
    hints = get_type_hints(kind)
    return {f.name: hints[f.name] for f in fields(kind)}  # type: ignore[arg-type]
