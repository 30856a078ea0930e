"""Categorical columns: a value for each example, of which few are different."""

from __future__ import annotations

import base64
from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from numpy.typing import NDArray

    Codes = NDArray[np.unsignedinteger[Any]]

T = TypeVar("T", bound=Hashable)
U = TypeVar("U", bound=Hashable)

AT_ONCE = 65_536
"""Examples that are processed at the same time."""


class Categorical(Sequence[T]):
    """A value for each example, stored as a code of one, two or four bytes.

    Attributes:
        values: The different values, in the order of their first occurrence.
        codes: For each example the index of its value in `values`, shape (n,).
    """

    def __init__(self, values: Sequence[T] = (), codes: Codes | None = None) -> None:
        self.values = tuple(values)
        indices = np.empty(0, np.uint8) if codes is None else codes
        self.codes: Codes = indices.astype(_width(len(self.values)), copy=False)

    @classmethod
    def of(cls, values: Iterable[T]) -> Categorical[T]:
        """Return a column of these values."""
        code_of: dict[T, int] = {}
        codes = [code_of.setdefault(value, len(code_of)) for value in values]
        return cls(tuple(code_of), np.array(codes, np.uint32))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Categorical[Any]:
        """Return the column that `to_record` wrote."""
        codes = np.frombuffer(base64.b64decode(record["codes"]), record["dtype"])
        return cls(tuple(record["values"]), codes)

    def to_record(self) -> dict[str, Any]:
        """Return the column as plain values, for another process; its values have to be plain."""
        codes = self.codes.astype(self.codes.dtype.newbyteorder("<"))
        return {
            "values": list(self.values),
            "dtype": codes.dtype.str,
            "codes": base64.b64encode(codes.tobytes()).decode("ascii"),
        }

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice | NDArray[Any]) -> Categorical[T]: ...
    def __getitem__(self, index: int | slice | NDArray[Any]) -> T | Categorical[T]:
        """Return a value, or the column of a slice, of indices, or of a mask."""
        if isinstance(index, slice | np.ndarray):
            return Categorical(self.values, self.codes[index])
        return self.values[int(self.codes[index])]

    def __add__(self, other: Categorical[T]) -> Categorical[T]:
        code_of = {value: code for code, value in enumerate(self.values)}
        new_codes = [code_of.setdefault(value, len(code_of)) for value in other.values]
        # Both have the type of the longer list: concatenating different ones would widen it.
        width = _width(len(code_of))
        codes = (self.codes.astype(width), np.array(new_codes, width)[other.codes])
        return Categorical(tuple(code_of), np.concatenate(codes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Categorical):
            return NotImplemented
        if len(self) != len(other):
            return False
        code_of = {value: code for code, value in enumerate(self.values)}
        new_codes = np.array([code_of.get(value, -1) for value in other.values], np.int64)
        return bool(np.array_equal(self.codes, new_codes[other.codes])) if len(self) else True

    def __hash__(self) -> int:
        return hash((len(self), *self[:10]))

    def __repr__(self) -> str:
        return f"<{len(self):,} values, {len(self.values):,} different>"

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each of `values` occurs, shape (v,)."""
        counts = np.zeros(len(self.values), np.int64)
        for start in range(0, len(self), AT_ONCE):
            part = self.codes[start : start + AT_ONCE]
            counts += np.bincount(part, minlength=len(self.values))
        return counts

    @property
    def array(self) -> NDArray[Any]:
        """The values one after the other, shape (n,)."""
        return np.array(self.values)[self.codes]

    def count(self, value: Any) -> int:
        """Return how often a value occurs."""
        return int(self.counts[self.values.index(value)]) if value in self.values else 0

    def where(self, wanted: Callable[[T], bool]) -> NDArray[np.bool_]:
        """Return for each example whether a condition holds for its value, shape (n,)."""
        table = np.array([wanted(value) for value in self.values], np.bool_)
        return table[self.codes] if len(table) else np.zeros(0, np.bool_)


def combined(columns: Sequence[Categorical[Any]], function: Callable[..., U]) -> Categorical[U]:
    """Return the results of a function of one value of each column, example by example.

    Args:
        columns: One or more columns of the same length.
        function: The function; it is called once for each different combination.
    """
    if len(columns) == 1:
        (column,) = columns
        return _each(column, function)
    # Scores of ten million examples have some hundred different combinations of label, answer and
    # confidence: the function runs for each of those rather than for each example. Blocks keep the
    # arrays of indices small, and what a block has seen is not computed again in the next.
    code_of: dict[U, int] = {}
    code_of_row: dict[tuple[Any, ...], int] = {}
    parts: list[Codes] = []
    for start in range(0, len(columns[0]), AT_ONCE):
        rows, inverse = different([column[start : start + AT_ONCE] for column in columns])
        for row in rows:
            if row not in code_of_row:
                code_of_row[row] = code_of.setdefault(function(*row), len(code_of))
        codes = [code_of_row[row] for row in rows]
        parts.append(np.array(codes, _width(len(code_of)))[inverse])
    return Categorical(tuple(code_of), np.concatenate(parts) if parts else None)


def _each(column: Categorical[Any], function: Callable[[Any], U]) -> Categorical[U]:
    """Return the results of a function of the value, example by example."""
    code_of: dict[U, int] = {}
    codes = np.zeros(len(column.values), np.uint32)
    # Values that occur in no example, as in a part of a column, are not computed.
    for code in np.flatnonzero(column.counts).tolist():
        codes[code] = code_of.setdefault(function(column.values[code]), len(code_of))
    return Categorical(tuple(code_of), codes.astype(_width(len(code_of)))[column.codes])


def spread(column: Categorical[T], indices: NDArray[Any], size: int) -> Categorical[T | None]:
    """Return a column of this size: a column's values at these indices, and None elsewhere."""
    absent = len(column.values)
    codes = np.full(size, absent, _width(absent + 1))
    codes[indices] = column.codes
    return Categorical((*column.values, None), codes)


def longer(column: Categorical[T | None], size: int) -> Categorical[T | None]:
    """Return a column, filled up to this size with None."""
    return spread(column, np.arange(len(column)), size)


def different(
    columns: Sequence[Categorical[Any]],
) -> tuple[list[tuple[Any, ...]], NDArray[np.intp]]:
    """Return the different combinations of values, and the index of each example's, shape (n,)."""
    # A combination is a number with one digit for each column, in the base of its number of values.
    # Before the numbers get too large for a table they are replaced by their ranks, of which there
    # are no more than examples.
    numbers, size = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        base = max(1, len(column.values))
        if size * base > AT_ONCE:
            numbers, size = _ranked(numbers, size)[1:]
        numbers, size = numbers * base + column.codes, size * base
    first, inverse, _ = _ranked(numbers, size)
    values = (map(column.values.__getitem__, column.codes[first].tolist()) for column in columns)
    return list(zip(*values, strict=True)), inverse


def _ranked(
    numbers: NDArray[np.int64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return the first index of each different number, and each number's rank among them.

    Args:
        numbers: Numbers from 0, shape (n,).
        size: A bound above all of them.

    Returns:
        First indices, shape (d,); ranks, shape (n,); and d.
    """
    if size > AT_ONCE:
        _, first, ranks = np.unique(numbers, return_index=True, return_inverse=True)
        return first, ranks, len(first)
    # For few possible numbers a table is faster than sorting. Written backwards, so that the first
    # index of each number is the one that remains.
    first_index = np.full(size, -1)
    first_index[numbers[::-1]] = np.arange(len(numbers))[::-1]
    occurs = np.flatnonzero(first_index >= 0)
    ranks = np.zeros(size, np.intp)
    ranks[occurs] = np.arange(len(occurs))
    return first_index[occurs], ranks[numbers], len(occurs)


def _width(count: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the smallest type with so many values."""
    return np.min_scalar_type(max(0, count - 1))
