"""Lazy sequences: data sets that do not fit into memory, read block by block.

A data set of ten million texts may cost hardly more memory than one of ten thousand. So whatever is
as long as a data set is a column of numbers (`columns.Categorical`) or one of these: items in a
temporary file (`DiskSequence`), or a view that computes its items from another sequence when they
are read. Code that goes through `blocks` has one block in memory, and reads each item once.
"""

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
from json.encoder import encode_basestring_ascii
from typing import IO, TYPE_CHECKING, Any, TypeVar, overload

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from numpy.typing import NDArray

    Indices = NDArray[np.int64] | NDArray[np.uint32]

T = TypeVar("T")
S = TypeVar("S")
Number = TypeVar("Number", np.int64, np.uint64)

BLOCK = 8_192
"""Items that are in memory at the same time."""

IN_MEMORY = 1 << 20
"""Bytes up to which a temporary file stays in memory."""

SORTED_AT_ONCE = 32_768
"""Lines that are sorted in memory; more are sorted in parts, in files, and merged."""


class LazySequence(Sequence[T]):
    """A sequence whose items are read when they are needed.

    It is equal to any sequence of equal items.
    """

    @abstractmethod
    def __len__(self) -> int: ...

    @abstractmethod
    def read(self, indices: Indices) -> list[T]:
        """Return the items at these indices, in this order."""

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Subset[T]: ...
    def __getitem__(self, index: int | slice) -> T | Subset[T]:
        """Return an item, or a view of a slice, which reads nothing yet."""
        if isinstance(index, slice):
            return Subset(self, np.arange(*index.indices(len(self))))
        if not -len(self) <= index < len(self):
            raise IndexError(f"index {index} of {len(self)}")
        return self.read(np.array([index % len(self)]))[0]

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
    """Yield the items of a sequence in lists of `size`, or of `BLOCK`, items."""
    size = size or BLOCK
    for start in range(0, len(sequence), size):
        stop = min(start + size, len(sequence))
        yield read(sequence, np.arange(start, stop))


def read(sequence: Sequence[T], indices: Indices) -> list[T]:
    """Return the items at these indices, in this order."""
    if isinstance(sequence, LazySequence):
        return sequence.read(indices)
    return [sequence[index] for index in indices.tolist()]


class Subset(LazySequence[T]):
    """Some items of a sequence, in any order.

    Attributes:
        base: The sequence.
        indices: The indices of the items in it.
    """

    def __init__(self, base: Sequence[T], indices: Indices) -> None:
        # A subset of a subset refers to the base itself: a sample of a split of a file would go
        # through one more view for every step otherwise, and pick item by item in each.
        self.base: Sequence[T] = base.base if isinstance(base, Subset) else base
        positions = base.indices[indices] if isinstance(base, Subset) else indices
        self.indices: Indices = positions.astype(np.uint32)

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, indices: Indices) -> list[T]:
        """Return the items at these indices."""
        return read(self.base, self.indices[indices])


class MappedSequence(LazySequence[T]):
    """The results of a function for the items of a sequence, computed at every reading.

    Attributes:
        base: The sequence.
        function: The function of an item.
    """

    def __init__(self, base: Sequence[S], function: Callable[[S], T]) -> None:
        self.base: Sequence[Any] = base
        self.function: Callable[[Any], T] = function

    def __len__(self) -> int:
        return len(self.base)

    def read(self, indices: Indices) -> list[T]:
        """Return the results for the items at these indices."""
        return list(map(self.function, read(self.base, indices)))


class PairedSequence(LazySequence[tuple[T, S]]):
    """The pairs of the items of two sequences of the same length.

    Attributes:
        first: The sequence of the first items.
        second: The sequence of the second items.
    """

    def __init__(self, first: Sequence[T], second: Sequence[S]) -> None:
        self.first, self.second = first, second

    def __len__(self) -> int:
        return len(self.first)

    def read(self, indices: Indices) -> list[tuple[T, S]]:
        """Return the pairs at these indices."""
        return list(zip(read(self.first, indices), read(self.second, indices), strict=True))


class SelectedSequence(LazySequence[T]):
    """At each index, the item of one of several sequences of the same length.

    Attributes:
        sources: The sequences.
        numbers: The number of the selected sequence at each index, shape (n,).
    """

    def __init__(self, sources: Sequence[Sequence[T]], numbers: NDArray[np.int64]) -> None:
        self.sources, self.numbers = sources, numbers.astype(np.uint16)

    def __len__(self) -> int:
        return len(self.numbers)

    def read(self, indices: Indices) -> list[T]:
        """Return the items at these indices."""
        # Each source is read once, with all of its indices, and the results are put in order.
        items: dict[int, T] = {}
        for source_number, source in enumerate(self.sources):
            chosen = np.flatnonzero(self.numbers[indices] == source_number)
            items |= zip(chosen.tolist(), read(source, indices[chosen]), strict=True)
        return [items[index] for index in range(len(indices))]


class DiskSequence(LazySequence[T]):
    """Items in temporary files, which are deleted with it; a small one stays in memory.

    One file has the items as JSON, the other the offset at which each item ends: eight bytes an
    item on disk instead of a Python object in memory, and any item is found by two reads.

    Attributes:
        encode: Converts an item to a JSON value.
        decode: Converts it back.
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
            # With a comma after each item, any run of items is a JSON list without its brackets,
            # and is parsed by one call.
            lines = [compact_json(self.encode(item)).encode("ascii") + b"," for item in batch]
            ends = array("Q", accumulate(map(len, lines), initial=self._size))[1:]
            for file, offset, written in (
                (self._items, self._size, b"".join(lines)),
                (self._ends, (self._count + 1) * _WORD.size, ends.tobytes()),
            ):
                file.seek(offset)
                file.write(written)
            self._count, self._size = self._count + len(batch), ends[-1]

    def read(self, indices: Indices) -> list[T]:
        """Return the items at these indices; consecutive ones are read at once."""
        positions = indices.tolist()
        if positions and positions == list(range(positions[0], positions[0] + len(positions))):
            encoded = self._between(positions[0], positions[-1] + 1)
        else:
            encoded = b"".join(self._between(index, index + 1) for index in positions)
        return [self.decode(value) for value in json.loads(b"[%s]" % encoded[:-1])]

    def _between(self, start: int, stop: int) -> bytes:
        """Return the encoded items with the indices from `start` to before `stop`."""
        size = _WORD.size
        ends = _at(self._ends, start * size, (stop + 1) * size)
        (first,), (last,) = _WORD.unpack(ends[:size]), _WORD.unpack(ends[-size:])
        return _at(self._items, first, last)


_WORD = struct.Struct("=Q")


def _temporary(owner: object) -> IO[bytes]:
    """Return a temporary file that is closed, and so deleted, with its owner."""
    # Unbuffered: it is written and read in blocks anyway.
    file = tempfile.SpooledTemporaryFile(IN_MEMORY, buffering=0)  # noqa: SIM115 - see above
    weakref.finalize(owner, file.close)
    return file


def _at(file: IO[bytes], start: int, stop: int) -> bytes:
    file.seek(start)
    return file.read(stop - start)


def compact_json(value: Any) -> str:
    """Write a value as ASCII JSON without spaces."""
    # Most values are texts, and written many times.
    return encode_basestring_ascii(value) if isinstance(value, str) else _ENCODER.encode(value)


# `json.dumps` builds an encoder at every call, unless all of its arguments are the default ones.
_ENCODER = json.JSONEncoder(separators=(",", ":"))


def hash_of_lines(lines: Iterable[str]) -> str:
    """Return the SHA-256 of ASCII lines, sorted and joined by line ends."""
    digest, first = hashlib.sha256(), True
    for line in _in_order(lines):
        digest.update(line[:-1] if first else b"\n" + line[:-1])
        first = False
    return digest.hexdigest()


def _in_order(lines: Iterable[str]) -> Iterator[bytes]:
    """Yield lines in sorted order, each with its line end."""
    iterator = iter(lines)
    parts: list[Iterable[bytes]] = []
    while batch := sorted(
        line.encode("ascii") + b"\n" for line in islice(iterator, SORTED_AT_ONCE)
    ):
        parts.append(batch if len(batch) < SORTED_AT_ONCE else _filed(batch))
    return merge(*parts)


def _filed(lines: Sequence[bytes]) -> Iterator[bytes]:
    """Write lines to a temporary file, and return an iterator over them."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by the iterator, or with it
    file.writelines(lines)
    file.seek(0)

    def reading() -> Iterator[bytes]:
        """Yield the lines of the file, and close it at the end."""
        with file:
            yield from file

    stream = reading()
    weakref.finalize(stream, file.close)
    return stream


def repeated(hashes: NDArray[Number]) -> NDArray[Number]:
    """Return the hashes that occur more than once."""
    ordered = np.sort(hashes)
    return np.unique(ordered[1:][ordered[1:] == ordered[:-1]])


def occurrences(hashes: NDArray[Number]) -> NDArray[np.int64]:
    """Return for each hash whether it is the first, second, ... of its kind, counted from 1."""
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    positions = np.arange(len(hashes))
    starts = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    counts = np.empty(len(hashes), np.int64)
    counts[order] = positions - np.maximum.accumulate(np.where(starts, positions, 0)) + 1
    return counts
