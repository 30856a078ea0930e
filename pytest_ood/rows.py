"""Sequences that are too long to be held: kept in a temporary file, read block by block."""

from __future__ import annotations

import hashlib
import json
import struct
import tempfile
import weakref
from abc import abstractmethod
from array import array
from collections.abc import Sequence
from heapq import merge
from itertools import accumulate, islice
from typing import IO, TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Places = NDArray[np.int64] | NDArray[np.uint32]

T = TypeVar("T")
S = TypeVar("S")
Number = TypeVar("Number", np.int64, np.uint64)

BLOCK = 8_192
"""Rows that are held at the same time."""

IN_MEMORY = 1 << 20
"""Bytes of a temporary file that are not worth a file."""

SORTED_AT_ONCE = 32_768
"""Lines that are sorted in memory; more of them are merged from files."""


class Rows(Sequence[T]):
    """A sequence that is read rather than held. It is equal to any sequence of equal items."""

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, places: Places) -> list[T]:
        """Return the items at these places, in this order."""

    @overload
    def __getitem__(self, place: int) -> T: ...
    @overload
    def __getitem__(self, place: slice) -> Picked[T]: ...
    def __getitem__(self, place: int | slice) -> T | Picked[T]:
        """Return an item; of a slice a view, which reads nothing."""
        if isinstance(place, slice):
            return Picked(self, np.arange(*place.indices(len(self))))
        if not -len(self) <= place < len(self):
            raise IndexError(f"place {place} of {len(self)}")
        return self.read(np.array([place % len(self)]))[0]

    def __iter__(self) -> Iterator[T]:
        for block in blocks(self):
            yield from block

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Sequence) or isinstance(other, str):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"<{len(self):,} rows>"


def blocks(sequence: Sequence[T], size: int | None = None) -> Iterator[list[T]]:
    """Yield the items of a sequence, `size` at a time, or as many as may be held."""
    size = size or BLOCK
    for start in range(0, len(sequence), size):
        stop = min(start + size, len(sequence))
        yield read(sequence, np.arange(start, stop))


def read(sequence: Sequence[T], places: Places) -> list[T]:
    """Return the items at these places, in this order."""
    if isinstance(sequence, Rows):
        return sequence.read(places)
    return [sequence[place] for place in places.tolist()]


class Picked(Rows[T]):
    """Some items of a sequence, in an order of their own.

    Attributes:
        base: The sequence.
        places: Where they stand in it.
    """

    def __init__(self, base: Sequence[T], places: Places) -> None:
        self.base: Sequence[T] = base.base if isinstance(base, Picked) else base
        found = base.places[places] if isinstance(base, Picked) else places
        self.places: Places = found.astype(np.uint32)

    def __len__(self) -> int:
        return len(self.places)

    def read(self, places: Places) -> list[T]:
        """Return the items at these places."""
        return read(self.base, self.places[places])


class Mapped(Rows[T]):
    """What a function makes of the items of a sequence, made anew whenever it is read.

    Attributes:
        base: The sequence.
        function: Of an item.
    """

    def __init__(self, base: Sequence[S], function: Callable[[S], T]) -> None:
        self.base: Sequence[Any] = base
        self.function: Callable[[Any], T] = function

    def __len__(self) -> int:
        return len(self.base)

    def read(self, places: Places) -> list[T]:
        """Return what becomes of the items at these places."""
        return list(map(self.function, read(self.base, places)))


class Paired(Rows[tuple[T, S]]):
    """At each place, the items that two sequences have there.

    Attributes:
        first: As long as the second.
        second: Likewise.
    """

    def __init__(self, first: Sequence[T], second: Sequence[S]) -> None:
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first)

    def read(self, places: Places) -> list[tuple[T, S]]:
        """Return the pairs at these places."""
        return list(zip(read(self.first, places), read(self.second, places), strict=True))


class Chosen(Rows[T]):
    """At each place, the item that one of several sequences has there.

    Attributes:
        sources: As long as each other.
        numbers: Of the sequence that is chosen at each place.
    """

    def __init__(self, sources: Sequence[Sequence[T]], numbers: NDArray[np.int64]) -> None:
        self.sources, self.numbers = sources, numbers.astype(np.uint16)

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, places: Places) -> list[T]:
        """Return the items at these places."""
        found: dict[int, T] = {}
        for number, source in enumerate(self.sources):
            wanted = np.flatnonzero(self.numbers[places] == number)
            found |= zip(wanted.tolist(), read(source, places[wanted]), strict=True)
        return [found[place] for place in range(len(places))]


class Spool(Rows[T]):
    """Items in temporary files, which go with them; what is small stays in memory.

    One file has the items, the other where in it each of them ends.

    Attributes:
        encode: Makes JSON values of an item.
        decode: Undoes it.
    """

    def __init__(self, encode: Callable[[T], Any], decode: Callable[[Any], T]) -> None:
        self.encode, self.decode = encode, decode
        self._items, self._ends = _temporary(self), _temporary(self)
        self._ends.write(_WORD.pack(0))
        self._count = self._size = 0

    def __len__(self) -> int:
        return self._count

    def extend(self, items: Iterable[T]) -> None:
        """Add items at the end."""
        iterator = iter(items)
        while batch := list(islice(iterator, BLOCK)):
            # Each with a comma behind it: a list of JSON, but for its brackets.
            lines = [compact_json(self.encode(item)).encode("ascii") + b"," for item in batch]
            ends = array("Q", accumulate(map(len, lines), initial=self._size))[1:]
            for file, place, written in (
                (self._items, self._size, b"".join(lines)),
                (self._ends, (self._count + 1) * _WORD.size, ends.tobytes()),
            ):
                file.seek(place)
                file.write(written)
            self._count, self._size = self._count + len(batch), ends[-1]

    def read(self, places: Places) -> list[T]:
        """Return the items at these places; those that stand together are read together."""
        listed = places.tolist()
        if listed and listed == list(range(listed[0], listed[0] + len(listed))):
            found = self._between(listed[0], listed[-1] + 1)
        else:
            found = b"".join(self._between(place, place + 1) for place in listed)
        return [self.decode(value) for value in json.loads(b"[%s]" % found[:-1])]

    def _between(self, start: int, stop: int) -> bytes:
        """Return what is written of the items from one place to another."""
        size = _WORD.size
        ends = _at(self._ends, start * size, (stop + 1) * size)
        (first,), (last,) = _WORD.unpack(ends[:size]), _WORD.unpack(ends[-size:])
        return _at(self._items, first, last)


_WORD = struct.Struct("=Q")


def _temporary(owner: object) -> IO[bytes]:
    """Return a temporary file that is closed, and gone, with its owner."""
    # Unbuffered: it is written and read in blocks.
    file = tempfile.SpooledTemporaryFile(IN_MEMORY, buffering=0)  # noqa: SIM115 - see above
    weakref.finalize(owner, file.close)
    return file


def _at(file: IO[bytes], start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def compact_json(value: Any) -> str:
    """Write a value as ASCII JSON without spaces."""
    return _ENCODER.encode(value)


# `json.dumps` makes one for every call, unless all of its arguments are the default ones.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def hash_of_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of ASCII lines without line ends, joined by them, in sorted order."""
    digest, first = hashlib.sha256(), True
    for line in _in_order(lines):
        digest.update(line[:-1] if first else b"\n" + line[:-1])
        first = False
    return digest.hexdigest()


def _in_order(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines in sorted order, each with its end."""
    iterator = iter(lines)
    parts: list[Iterable[bytes]] = []
    while batch := sorted(
        line.encode("ascii") + b"\n" for line in islice(iterator, SORTED_AT_ONCE)
    ):
        parts.append(batch if len(batch) < SORTED_AT_ONCE else _filed(batch))
    return merge(*parts)


def _filed(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Write lines to a temporary file, and return an iterator that reads them again."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the iterator, or with it
    file.writelines(lines)
    file.seek(0)

    def reading() -> Iterator[bytes]:
        with file:
            yield from file

    made = reading()
    weakref.finalize(made, file.close)
    return made


def repeated(hashes: NDArray[Number]) -> NDArray[Number]:
    """Return the hashes that occur more than once."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def occurrences(hashes: NDArray[Number]) -> NDArray[np.int64]:
    """Return for each hash whether it is the first, second, ... of its kind, from 1."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    places = np.arange(len(hashes))
    begins = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    counts = np.empty(len(hashes), np.int64)
    counts[order] = places - np.maximum.accumulate(np.where(begins, places, 0)) + 1
    return counts
