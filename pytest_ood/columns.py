"""Columns: one value for each example, of which there are few different ones."""

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
"""Examples that are worked on at the same time."""


class Column(Sequence[T]):
    """A value for each example, as a number of one, two or four bytes that stands for it.

    Attributes:
        values: The different values, in the order in which they came.
        codes: For each example the place of its value in `values`, shape (n,).
    """

    def __init__(self, values: Sequence[T] = (), codes: Codes | None = None) -> None:
        self.values = tuple(values)
        given = np.empty(0, np.uint8) if codes is None else codes
        self.codes: Codes = given.astype(_width(len(self.values)), copy=False)

    @classmethod
    def of(cls, values: Iterable[T]) -> Column[T]:
        """Make a column of these values."""
        known: dict[T, int] = {}
        codes = [known.setdefault(value, len(known)) for value in values]
        return cls(tuple(known), np.array(codes, np.uint32))

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Column[Any]:
        """Undo `to_record`."""
        codes = np.frombuffer(base64.b64decode(record["codes"]), record["dtype"])
        return cls(tuple(record["values"]), codes)

    def to_record(self) -> dict[str, Any]:
        """Return the column as plain values, for another process; its values have to be such."""
        codes = self.codes.astype(self.codes.dtype.newbyteorder("<"))
        return {
            "values": list(self.values),
            "dtype": codes.dtype.str,
            "codes": base64.b64encode(codes.tobytes()).decode("ascii"),
        }

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice | NDArray[Any]) -> Column[T]: ...
    def __getitem__(self, place: int | slice | NDArray[Any]) -> T | Column[T]:
        """Return a value, or the column of a slice, of some places, or of a mask."""
        if isinstance(place, slice | np.ndarray):
            return Column(self.values, self.codes[place])
        return self.values[int(self.codes[place])]

    def __add__(self, other: Column[T]) -> Column[T]:
        known = {value: code for code, value in enumerate(self.values)}
        moved = [known.setdefault(value, len(known)) for value in other.values]
        # Both in the type of the longer list, so that joining them makes no wider one.
        width = _width(len(known))
        codes = (self.codes.astype(width), np.array(moved, width)[other.codes])
        return Column(tuple(known), np.concatenate(codes))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Column):
            return NotImplemented
        if len(self) != len(other):
            return False
        known = {value: code for code, value in enumerate(self.values)}
        moved = np.array([known.get(value, -1) for value in other.values], np.int64)
        return bool(np.array_equal(self.codes, moved[other.codes])) if len(self) else True

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
        """Return for each example whether its value is wanted, shape (n,)."""
        table = np.array([wanted(value) for value in self.values], np.bool_)
        return table[self.codes] if len(table) else np.zeros(0, np.bool_)


def combined(columns: Sequence[Column[Any]], function: Callable[..., U]) -> Column[U]:
    """Return what a function of one value of each column is, example by example.

    Args:
        columns: As long as each other, one or more.
        function: Called once for each different combination.
    """
    if len(columns) == 1:
        (column,) = columns
        return _each(column, function)
    known: dict[U, int] = {}
    made: dict[tuple[Any, ...], int] = {}
    parts: list[Codes] = []
    for start in range(0, len(columns[0]), AT_ONCE):
        rows, places = different([column[start : start + AT_ONCE] for column in columns])
        for row in rows:
            if row not in made:
                made[row] = known.setdefault(function(*row), len(known))
        codes = [made[row] for row in rows]
        parts.append(np.array(codes, _width(len(known)))[places])
    return Column(tuple(known), np.concatenate(parts) if parts else None)


def _each(column: Column[Any], function: Callable[[Any], U]) -> Column[U]:
    """Return what a function of its value is, example by example."""
    known: dict[U, int] = {}
    codes = np.zeros(len(column.values), np.uint32)
    for code in np.flatnonzero(column.counts).tolist():
        codes[code] = known.setdefault(function(column.values[code]), len(known))
    return Column(tuple(known), codes.astype(_width(len(known)))[column.codes])


def spread(column: Column[T], places: NDArray[Any], size: int) -> Column[T | None]:
    """Return a column of this size: a column's values at these places, and None elsewhere."""
    absent = len(column.values)
    codes = np.full(size, absent, _width(absent + 1))
    codes[places] = column.codes
    return Column((*column.values, None), codes)


def longer(column: Column[T | None], size: int) -> Column[T | None]:
    """Return a column of this size that goes on with None."""
    return spread(column, np.arange(len(column)), size)


def different(
    columns: Sequence[Column[Any]],
) -> tuple[list[tuple[Any, ...]], NDArray[np.intp]]:
    """Return the different combinations of the columns' values, and each example's, shape (n,)."""
    # Numbers of one digit for each column, in the base of its number of values.
    numbers, size = np.zeros(len(columns[0]), np.int64), 1
    for column in columns:
        base = max(1, len(column.values))
        if size * base > AT_ONCE:
            numbers, size = _ranked(numbers, size)[1:]
        numbers, size = numbers * base + column.codes, size * base
    first, places, _ = _ranked(numbers, size)
    return [tuple(column[place] for column in columns) for place in first.tolist()], places


def _ranked(
    numbers: NDArray[np.int64], size: int
) -> tuple[NDArray[np.intp], NDArray[np.intp], int]:
    """Return where each different number stands first, and each number's rank among them.

    Args:
        numbers: From 0, shape (n,).
        size: Above all of them.

    Returns:
        Shapes (d,) and (n,), and d.
    """
    if size > AT_ONCE:
        _, first, ranks = np.unique(numbers, return_index=True, return_inverse=True)
        return first, ranks, len(first)
    # Of few possible numbers a table is quicker than sorting.
    stands = np.full(size, -1)
    stands[numbers[::-1]] = np.arange(len(numbers))[::-1]
    occurs = np.flatnonzero(stands >= 0)
    ranks = np.zeros(size, np.intp)
    ranks[occurs] = np.arange(len(occurs))
    return stands[occurs], ranks[numbers], len(occurs)


def _width(count: int) -> np.dtype[np.unsignedinteger[Any]]:
    """Return the smallest type that tells so many values apart."""
    return np.min_scalar_type(max(0, count - 1))
