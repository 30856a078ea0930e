"""Reads the lines of text files of any size and encoding, optionally compressed by gzip."""

from __future__ import annotations

import codecs
import gzip
import zlib
from contextlib import contextmanager
from itertools import chain
from typing import IO, TYPE_CHECKING, cast

from pytest_ood.errors import ConfigurationError, DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

COMPRESSED = ".gz"
DEFAULT_ENCODING = "utf-8"

_MARKS = {
    "utf-8": codecs.BOM_UTF8,
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}
"""Byte order marks; longer ones first, since the mark of UTF-16-LE begins that of UTF-32-LE."""

_FAMILIES = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}
"""Encodings with an optional mark or an open byte order, and their meaning without a mark."""

_SIGNATURES = {
    b"\x1f\x8b": "it is compressed by gzip: let its name end in .gz",
    b"PAR1": "it is a Parquet file: let its name end in .parquet",
    b"PK\x03\x04": "it is an archive or a spreadsheet (.xlsx): unpack it, or save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "it is a spreadsheet (.xls): save the sheet as CSV",
    b"ARROW1": "it is an Arrow file: save it as Parquet or as JSONL",
    b"\x28\xb5\x2f\xfd": "it is compressed by zstd: unpack it, or compress it with gzip",
    b"\xfd7zXZ\x00": "it is compressed by xz: unpack it, or compress it with gzip",
    b"BZh": "it is compressed by bzip2: unpack it, or compress it with gzip",
    b"\x80\x04\x95": "it is a pickle, which runs code when it is loaded: save it as JSONL",
    b"SQLite format 3\x00": "it is an SQLite database: save the table as CSV",
}
"""Signatures of other kinds of files, and advice for them."""


def check_encoding(name: str) -> str:
    """Return Python's name of a text encoding.

    Raises:
        ConfigurationError: there is no such encoding.
    """
    try:
        # Encoding an empty text also refuses codecs that are no text encodings, such as base64.
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError):
        raise ConfigurationError(
            f"encoding = {name!r} is no encoding that Python knows; usual ones are utf-8, utf-16, "
            "cp1252 (Windows, western Europe), latin-1, gb18030, shift_jis"
        ) from None


@contextmanager
def opened(path: Path) -> Iterator[IO[bytes]]:
    """Open a file as bytes, decompressed if its name ends in `.gz`.

    Raises:
        DataError: it does not exist, cannot be read, or is damaged; also if this only shows while
            it is read.
    """
    is_compressed = path.suffix.lower() == COMPRESSED
    try:
        with gzip.open(path, "rb") if is_compressed else path.open("rb") as file:
            yield cast("IO[bytes]", file)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except IsADirectoryError:
        raise DataError(
            f"{path}: cannot be read: it is a folder; name the file that has the rows"
        ) from None
    except gzip.BadGzipFile as error:
        if "Not a gzipped file" not in str(error):
            raise DataError(f"{path}: the compressed file is damaged: {error}") from None
        raise DataError(
            f"{path}: it is not compressed by gzip, as its name says; take .gz off its name"
        ) from None
    except (EOFError, zlib.error) as error:
        damage = "ends too early" if isinstance(error, EOFError) else f"is damaged ({error})"
        raise DataError(
            f"{path}: the compressed file {damage}; copy it, or compress it, again"
        ) from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: cannot be read: {getattr(error, 'strerror', error)}") from None


def lines_of(path: Path, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a file with their line feeds.

    Args:
        path: The file.
        encoding: The encoding of its text; None for UTF-8, or the encoding of its mark.

    Raises:
        DataError: it does not exist, cannot be read, or is not in this encoding.
    """
    with opened(path) as file:
        yield from decoded(file, path, encoding)


def decoded(file: Iterable[bytes], path: Path, encoding: str | None = None) -> Iterator[str]:
    """Yield lines as text; each line has to fit into memory.

    Args:
        file: The bytes, in lines or in any other pieces.
        path: The file, for messages.
        encoding: As for `lines_of`.

    Raises:
        DataError: a byte is invalid in this encoding, or the file is of another kind.
    """
    pieces = iter(file)
    start = next(pieces, b"")
    while len(start) < len(codecs.BOM_UTF32_LE) and (more := next(pieces, b"")):
        start += more
    name, mark = _encoding_of(start, path, encoding)
    decoder = codecs.getincrementaldecoder(name)()
    # A piece may end within a character, so that the decoder keeps incomplete bytes.
    offset, number = mark, 1
    parts: list[str] = []
    for piece in chain([start[mark:]], pieces, [b""]):
        try:
            text = decoder.decode(piece, final=not piece)
        except UnicodeDecodeError as error:
            # `error.object` includes the bytes that the decoder kept from the piece before.
            before = error.object[: error.start]
            at = offset + len(piece) - len(error.object) + error.start
            number += before.decode(name, "ignore").count("\n")
            raise DataError(_not_decodable(path, number, at, error, encoding)) from None
        except UnicodeError as error:
            raise DataError(f"{path}, line {number}: not in {encoding}: {error}") from None
        first, *rest = text.split("\n")
        parts.append(first)
        for part in rest:
            yield "".join([*parts, "\n"])
            parts = [part]
        number += len(rest)
        offset += len(piece)
    if last := "".join(parts):
        yield last


def _encoding_of(start: bytes, path: Path, encoding: str | None) -> tuple[str, int]:
    """Return the encoding of a file, and the length of its byte order mark.

    Raises:
        DataError: it has the signature of another kind of file, or the mark of another encoding.
    """
    for signature, advice in _SIGNATURES.items():
        # A signature in ASCII may be the beginning of a text, unless a byte 0 follows.
        if start.startswith(signature) and (not signature.isascii() or b"\0" in start):
            raise DataError(f"{path}: it is no text: {advice}")
    wanted = codecs.lookup(encoding or DEFAULT_ENCODING).name
    named = _FAMILIES.get(wanted, wanted)
    marked = next((name for name, mark in _MARKS.items() if start.startswith(mark)), named)
    if marked == named or marked.startswith(f"{wanted}-"):
        length = len(_MARKS[marked]) if start.startswith(_MARKS.get(marked, b"\0none")) else 0
        return marked, length
    family = marked if marked == "utf-8" else marked[: len("utf-16")]
    raise DataError(
        f"{path}, line 1: byte 0x{start[0]:02x} is not valid {wanted.upper()}; save the file "
        f'as UTF-8, or write encoding = "{family}" beside `data`: it begins with the mark '
        f"of {family.upper()}"
    )


def _not_decodable(
    path: Path, number: int, at: int, error: UnicodeDecodeError, encoding: str | None
) -> str:
    """Return the message for an invalid byte, with advice."""
    name = (encoding or DEFAULT_ENCODING).upper()
    if encoding is None:
        advice = (
            "save the file as UTF-8, or name its encoding beside `data`, such as "
            'encoding = "cp1252"'
        )
    else:
        advice = f"encoding = {encoding!r} is not that of the file; without it UTF-8 is read"
    return (
        f"{path}, line {number}: byte 0x{error.object[error.start]:02x} is not valid {name}; "
        f"{advice} (it is the byte at offset {at:,})"
    )
