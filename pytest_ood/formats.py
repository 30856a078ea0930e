"""Files of labelled data: JSONL, JSON, CSV and TSV, read row by row."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, DataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    Rows = Iterator[tuple[int, Mapping[str, Any]]]

LINE_SUFFIXES = (".csv", ".jsonl", ".tsv")
"""Files that are read line by line, however long they are."""

SUFFIXES = (*LINE_SUFFIXES, ".json")
TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
"""Files whose columns may be named by who reads them, for want of a header."""

LONGEST_FIELD = 2**31 - 1
"""What the module csv takes on every platform."""

DEEPEST_LIST = 4
"""So far down a JSON file lists of rows are looked for, to name them."""


def check_kind(name: str, columns: Sequence[str] = ()) -> None:
    """Refuse a file of no known kind, by its name.

    Args:
        name: Of the file, or its path.
        columns: What its columns are called, for want of a header.

    Raises:
        ConfigurationError: names the right endings.
    """
    suffix = PurePath(name).suffix
    if columns and suffix not in TABLE_SUFFIXES:
        raise ConfigurationError(
            f"{name}: columns: a table without a header has them: a file that ends in "
            f"{', '.join(TABLE_SUFFIXES)}"
        )
    if suffix == ".txt" and not columns:
        raise ConfigurationError(
            f"{name}: a .txt file is read as a table with tabs where `columns` names its columns"
        )
    if suffix not in (*SUFFIXES, *TABLE_SUFFIXES):
        raise ConfigurationError(f"{name}: " + unknown_name("kind of data file", suffix, SUFFIXES))


def parse_rows(path: Path, within: str | None = None, columns: Sequence[str] = ()) -> Rows:
    """Yield (number, row) of a JSONL, JSON, CSV or TSV file.

    Args:
        path: Of the file.
        within: Of a JSON file: the keys that lead to the list of rows, with slashes between.
        columns: Of a table without a header: what its columns are called.

    Raises:
        ConfigurationError: no such kind of file.
        DataError: the file cannot be read, or a row is not right; the number is its line, of a
            JSON file its place in the list, from 1.
    """
    check_kind(path.name, columns)
    if path.suffix == ".json":
        yield from _json_list(path, within)
    else:
        yield from rows_of(lines_of(path), path.suffix, path, columns)


def rows_of(lines: Iterator[str], suffix: str, path: Path, columns: Sequence[str] = ()) -> Rows:
    """Yield (line number, row) of lines in the form of a suffix; messages name the path."""
    if suffix == ".jsonl":
        yield from _jsonl(path, lines)
    else:
        yield from _csv(path, lines, tabs=suffix != ".csv", columns=columns)


def lines_of(path: Path) -> Iterator[str]:
    """Yield the lines of a UTF-8 file, which end in line feeds, with their ends.

    Raises:
        DataError: it is not there, cannot be read, or is not UTF-8.
    """
    try:
        with path.open("rb") as file:
            yield from decoded(file, path)
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def decoded(file: Iterable[bytes], path: Path) -> Iterator[str]:
    """Yield lines as text; raises as `lines_of`."""
    try:
        for number, line in enumerate(file, start=1):
            # A mark of the byte order is no part of the first line.
            yield line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}, line {number}: byte 0x{error.object[error.start]:02x} is not valid UTF-8; "
            "save the file as UTF-8"
        ) from None


def _jsonl(path: Path, lines: Iterator[str]) -> Rows:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json_row(path, number, line.removesuffix("\n"))


def _csv(path: Path, lines: Iterator[str], *, tabs: bool, columns: Sequence[str]) -> Rows:
    rows = csv.DictReader(
        # A carriage return may end a line, too.
        (part for line in lines for part in io.StringIO(line, newline="")),
        fieldnames=columns or None,
        delimiter="\t" if tabs else ",",
        # Quotes are ordinary characters in a TSV file, as data sets are published.
        quoting=csv.QUOTE_NONE if tabs else csv.QUOTE_MINIMAL,
        strict=True,
    )
    # A text may be longer than the 128 KiB that the module allows.
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        names = list(rows.fieldnames or ())
        for name in names:
            if names.count(name) > 1:
                raise DataError(f"{path}, line 1: the column {name!r} stands there twice")
        for row in rows:
            surplus, missing = None in row, [k for k, value in row.items() if value is None]
            if surplus or missing:
                raise DataError(
                    f"{path}, line {rows.line_num}: the row has {'more' if surplus else 'fewer'} "
                    f"columns than {'`columns`' if columns else 'the header'} "
                    f"({', '.join(names)})"
                )
            yield rows.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)


def _json_list(path: Path, within: str | None) -> Rows:
    """Yield (place, row) of a list of objects in a JSON file, which is read as a whole."""
    try:
        found = json.loads("".join(lines_of(path)))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: not valid JSON: {_reason(error)}") from None
    known = list(_lists_in(found))
    for key in [] if within is None else within.split("/"):
        found = found.get(key) if isinstance(found, dict) else None
    if not isinstance(found, list):
        if within is None:
            raise DataError(
                f"{path}: it is no list of rows, but holds some; `split` names one: "
                f"{', '.join(known) or 'there is none'}"
            )
        raise DataError(f"{path}: " + unknown_name("split", within, known))
    for place, row in enumerate(found, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {place}: a row is a JSON object, not {str(row)[:40]!r}")
        yield place, row


def _lists_in(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of the lists in what a JSON file holds."""
    if isinstance(value, dict) and depth < DEEPEST_LIST:
        for key, entry in value.items():
            yield from _lists_in(entry, f"{path}/{key}" if path else key, depth + 1)
    elif isinstance(value, list) and path:
        yield path


def _json_row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}, line {number}: not valid JSON: {_reason(error)}") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: a row is a JSON object, not {line[:40]!r}")
    return row


def _reason(error: Exception) -> str:
    return str(getattr(error, "msg", error))


def value_of(origin: str, number: int, row: Mapping[str, Any], column: str) -> Any:
    """Return what stands in a column of a row; dots lead into an object, as in `answers.text`.

    Raises:
        DataError: there is no such column.
    """
    if column in row:
        return row[column]
    value: Any = row
    for key in column.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise DataError(f"{origin}, row {number}: " + unknown_name("field", column, row))
        value = value[key]
    return value


def cell(origin: str, number: int, row: Mapping[str, Any], column: str) -> str:
    """Return what stands in a column of a row, as text.

    Raises:
        DataError: there is no such column, or neither text nor a finite number in it.
    """
    return text_of(origin, number, column, value_of(origin, number, row, column))


def text_of(origin: str, number: int, column: str, value: Any) -> str:
    """Return a value of a column as text.

    Raises:
        DataError: it is neither text nor a finite number.
    """
    right = isinstance(value, str | int | float) and not isinstance(value, bool)
    if not right or (isinstance(value, float) and not math.isfinite(value)):
        raise DataError(
            f"{origin}, row {number}, field {column!r}: {value!r} is neither text nor a finite "
            "number"
        )
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(
            f"{origin}, row {number}, field {column!r}: the text holds a lone surrogate, "
            "which no encoding can carry"
        ) from None
    return text
