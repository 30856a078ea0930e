"""Texts in the header of a GGUF file, which has the settings before the weights.

The format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
"""

from __future__ import annotations

import mmap
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAGIC = b"GGUF"
OLDEST_VERSION = 2
"""Version 1 has lengths of 4 bytes, and no tool has written it since 2023."""

STRING, ARRAY = 8, 9
SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
"""The types of other values, with their sizes in bytes."""


@dataclass
class _Header:
    """The header of an open file, and the position up to which it was read."""

    data: Any
    position: int = 0

    def number(self, form: str) -> int:
        """Return the next number, in the notation of `struct`."""
        (value,) = struct.unpack_from(f"<{form}", self.data, self.position)
        self.position += struct.calcsize(f"<{form}")
        return int(value)

    def string(self) -> bytes:
        """Return the next string."""
        length = self.number("Q")
        self.position += length
        return bytes(self.data[self.position - length : self.position])

    def skip(self, kind: int) -> None:
        """Pass over a value of a type."""
        if kind == STRING:
            length = self.number("Q")
            self.position += length
        elif kind == ARRAY:
            inner, count = self.number("I"), self.number("Q")
            if inner in SIZES:
                self.position += count * SIZES[inner]
                return
            for _ in range(count):
                self.skip(inner)
        else:
            self.position += SIZES[kind]


def gguf_text(path: Path, key: str) -> str | None:
    """Return a string of a GGUF file's header, such as "tokenizer.chat_template".

    Args:
        path: The file.
        key: The name of the setting.

    Returns:
        None if the file has no such string, or is no GGUF file of version 2 or later.
    """
    with path.open("rb") as stream:
        if stream.read(len(MAGIC)) != MAGIC:
            return None
        try:
            with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
                return _text(_Header(data, len(MAGIC)), key.encode())
        except (struct.error, KeyError, RecursionError):
            # A damaged header; loading the file reports it.
            return None


def _text(header: _Header, key: bytes) -> str | None:
    if header.number("I") < OLDEST_VERSION:
        return None
    header.skip(10)  # the number of tensors
    for _ in range(header.number("Q")):
        name, kind = header.string(), header.number("I")
        if name == key and kind == STRING:
            return header.string().decode("utf-8", "replace")
        header.skip(kind)
    return None
