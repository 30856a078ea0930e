"""Files of labelled data: JSONL, JSON, CSV, TSV, Parquet and CoNLL, read row by row."""

from __future__ import annotations

import csv
import importlib
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from pytest_ood.data.values import is_missing
from pytest_ood.errors import (
    ConfigurationError,
    DataError,
    beginning,
    require,
    shown,
    unknown_name,
)
from pytest_ood.loading import conll
from pytest_ood.utils.decoding import COMPRESSED, lines_of
from pytest_ood.utils.strict import RefusedError, RepeatedKeyError, has_repeated, json_of, marked

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    NumberedRows = Iterator[tuple[int, Mapping[str, Any]]]

LINES, LIST, TABLE, PARQUET = "lines of JSON", "JSON", "table", "Parquet"
CONLL = "CoNLL columns"
"""Forms of files."""

_FORMAT_OF_SUFFIX = {
    ".csv": TABLE,
    ".json": LIST,
    ".jsonl": LINES,
    ".ndjson": LINES,
    ".parquet": PARQUET,
    ".tsv": TABLE,
    ".conll": CONLL,
    ".iob": CONLL,
    ".bio": CONLL,
}
SUFFIXES = tuple(_FORMAT_OF_SUFFIX)
TEXT_SUFFIXES = tuple(suffix for suffix, form in _FORMAT_OF_SUFFIX.items() if form != PARQUET)
"""Files of text, which need no package to be read."""

TABLE_SUFFIXES = (".csv", ".tsv", ".txt")
"""Endings of files that may have no header, and whose columns the configuration names then."""

CONLL_SUFFIXES = tuple(suffix for suffix, form in _FORMAT_OF_SUFFIX.items() if form == CONLL)

LINE_SUFFIXES = (".csv", ".jsonl", ".ndjson", ".tsv")
"""Files that are read line by line, however long they are."""

_SPREADSHEET = "save the sheet as CSV, in UTF-8"
_UNPACK = "unpack it, or compress the file with gzip (.gz)"
_ELSEWHERE = {
    **dict.fromkeys((".xlsx", ".xls", ".xlsm", ".xlsb", ".ods", ".numbers"), _SPREADSHEET),
    **dict.fromkeys(
        (".arrow", ".feather", ".orc", ".avro", ".h5", ".hdf5"),
        "save it as Parquet, in Python: pandas.read_feather(...).to_parquet(...), or "
        "datasets.Dataset.from_file(...).to_parquet(...)",
    ),
    **dict.fromkeys(
        (".pkl", ".pickle", ".joblib", ".npy", ".npz"),
        "loading one may run code; save it as JSONL: frame.to_json(..., orient='records', "
        "lines=True)",
    ),
    **dict.fromkeys((".zip", ".tar", ".tgz", ".bz2", ".xz", ".zst", ".7z"), _UNPACK),
    ".conllu": "save words and their tags in a .conll file, one word a line",
    **dict.fromkeys((".db", ".sqlite", ".sqlite3"), "save the table as CSV"),
    **dict.fromkeys((".xml", ".html", ".yaml", ".yml"), "save its rows as JSONL"),
}
"""Formats that are not read, with advice."""

SEPARATORS = (",", ";", "\t", "|")
USUAL_SEPARATORS = {".csv": ",", ".tsv": "\t", ".txt": "\t"}
"""By how a table's name ends."""

_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars (|)", " ": "spaces"}

_SEPARATOR_LINE = re.compile(r"(?i)sep=([^\"\r\n\0])[\r\n]*")
"""The first line of a CSV file of Excel that names the separator."""

_NO_SEPARATORS = " _-.!?'\"()[]{}<>"
"""Characters of column names and texts that are usually no separators."""

LONGEST_FIELD = 2**31 - 1
"""The largest limit that the module csv accepts on every platform."""

ROWS_AT_ONCE = 1_024
"""Rows of a Parquet file in memory at the same time."""

DEEPEST_LIST = 4
"""The largest depth at which lists of rows are searched in a JSON file, to name them."""

MOST_COLUMNS = 20
"""Columns that a message names."""

LONGEST_HEADER = 2_000
"""Characters of a line in which other separators are searched."""


@dataclass(frozen=True, kw_only=True)
class FileLayout:
    """The layout of a file's rows, as far as its name does not decide it.

    Attributes:
        within: For a JSON file, the keys that lead to the list of rows, with slashes between.
        columns: For a table without a header, the names of its columns; for CoNLL columns, theirs,
            with `text` for words and `label` for tags.
        separator: For a table, the separator of its cells; None for the one of its ending, or the
            one of SEPARATORS with which the header has the needed columns.
        encoding: The encoding of the text; None for UTF-8.
        needed: The columns that will be read.
    """

    within: str | None = None
    columns: tuple[str, ...] = ()
    separator: str | None = None
    encoding: str | None = None
    needed: Collection[str] = field(default=(), compare=False)


def suffix_of(name: str) -> str:
    """Return how a file's name ends, in small letters, without the ending of compressed files."""
    path = PurePath(name)
    if path.suffix.lower() == COMPRESSED:
        path = PurePath(path.stem)
    return path.suffix.lower()


def form_of(name: str) -> str | None:
    """Return the form of a file, by its name; None for one that is not read."""
    suffix = suffix_of(name)
    if suffix == ".parquet" and PurePath(name).suffix.lower() == COMPRESSED:
        return None
    return TABLE if suffix == ".txt" else _FORMAT_OF_SUFFIX.get(suffix)


def check_layout(name: str, layout: FileLayout) -> None:
    """Check that a file, by its name, can be read with a layout.

    Args:
        name: The name or the path of the file.
        layout: The layout.

    Raises:
        ConfigurationError: names the right endings, or what to do with the file.
    """
    suffix, form = suffix_of(name), form_of(name)
    if layout.columns and suffix not in (*TABLE_SUFFIXES, *CONLL_SUFFIXES):
        raise ConfigurationError(
            f"{name}: columns: a table without a header has them: a file that ends in "
            f"{', '.join(TABLE_SUFFIXES)}; or in {', '.join(CONLL_SUFFIXES)}, with CoNLL columns"
        )
    if layout.columns and form == CONLL and not {conll.TEXT, conll.LABEL} <= {*layout.columns}:
        raise ConfigurationError(
            f"{name}: columns = {list(layout.columns)!r}: of CoNLL columns the one with words is "
            f"called {conll.TEXT!r}, and the one with tags {conll.LABEL!r}"
        )
    if suffix == ".txt" and not layout.columns:
        raise ConfigurationError(
            f"{name}: a .txt file is read as a table with tabs where `columns` names its columns"
        )
    if form is None:
        if suffix == ".parquet":
            raise ConfigurationError(
                f"{name}: a Parquet file is compressed already; unpack it, and drop .gz from its "
                "name"
            )
        ending = suffix or PurePath(name).suffix
        advice = "All but .parquet may be compressed by gzip, as .csv.gz."
        if suffix in _ELSEWHERE:
            advice = f"What to do with a {suffix} file: {_ELSEWHERE[suffix]}."
        raise ConfigurationError(
            f"{name}: {unknown_name('kind of data file', ending, SUFFIXES)} {advice}"
        )
    if layout.separator is not None and form != TABLE:
        raise ConfigurationError(
            f"{name}: separator: a table has one: a file that ends in {', '.join(TABLE_SUFFIXES)}"
        )
    if layout.encoding is not None and form == PARQUET:
        raise ConfigurationError(f"{name}: encoding: a Parquet file knows its own; leave it out")


def refuse_unreadable(name: str) -> None:
    """Check that a file, by its name, is not of a known format without lines of text.

    Raises:
        ConfigurationError: says what to do with the file.
    """
    suffix = suffix_of(name)
    if suffix in _ELSEWHERE:
        raise ConfigurationError(
            f"{name}: {suffix} files are not read; what to do with one: {_ELSEWHERE[suffix]}"
        )


def parse_rows(path: Path, layout: FileLayout | None = None) -> NumberedRows:
    """Yield (number, row) of a data file.

    The number is that of the line in which the row begins, counted from 1; for a JSON or Parquet
    file, that of the row.

    Args:
        path: The file.
        layout: The layout of its rows.

    Raises:
        ConfigurationError: the format is not supported.
        DataError: the file cannot be read, or a row is invalid.
        MissingDependencyError: a Parquet file without the package `pyarrow`.
    """
    layout = FileLayout() if layout is None else layout
    check_layout(path.name, layout)
    form = form_of(path.name)
    if form == LIST:
        yield from _json_list(path, layout)
    elif form == PARQUET:
        yield from _parquet(path)
    elif form == CONLL:
        lines = _ended(lines_of(path, layout.encoding))
        yield from conll.sentences_of(lines, path, layout.columns)
    else:
        lines = lines_of(path, layout.encoding)
        yield from rows_of(lines, suffix_of(path.name), path, layout)


def rows_of(
    lines: Iterator[str], suffix: str, path: Path, layout: FileLayout | None = None
) -> NumberedRows:
    """Yield (line number, row) of lines in the form of a suffix; messages name the path."""
    if _FORMAT_OF_SUFFIX.get(suffix) == LINES:
        yield from _jsonl(path, lines)
    else:
        yield from _table(path, _Lines(lines), suffix, layout or FileLayout())


def _ended(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines that end in line feeds, carriage returns, or one of each."""
    for line in lines:
        if "\r" in line:
            yield from io.StringIO(line, newline="")
        else:
            yield line


def _jsonl(path: Path, lines: Iterator[str]) -> NumberedRows:
    # Inside a string of JSON no line ends: there they are escaped.
    for number, line in enumerate(_ended(lines), start=1):
        if line.strip():
            yield number, _json_row(path, number, line.rstrip("\r\n"))


class _Lines:
    """The lines of a table, and where among them the current row begins.

    Attributes:
        read: How many lines were read.
        row: Those of the current row.
    """

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = _ended(lines)
        self._next: str | None = None
        self.read = 0
        self.row: list[str] = []

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._lines) if self._next is None else self._next
        self._next = None
        self.read += 1
        self.row.append(line)
        return line

    def first(self) -> str:
        """Return the first line that is not blank, and leave it to be read; "" at the end."""
        for line in self._lines:
            if line.strip("\r\n"):
                self._next = line
                return line
            self.read += 1
        return ""

    @property
    def begin(self) -> int:
        """The number of the current row's first line."""
        return self.read - len(self.row) + 1


class Headed(dict[str, Any]):
    """A row of a table with a header."""


def _table(path: Path, lines: _Lines, suffix: str, layout: FileLayout) -> NumberedRows:
    separator = _separator(lines, suffix, layout)
    # Quotes are ordinary characters between tabs, as data sets are published.
    is_quoted = separator != "\t" or suffix == ".csv"
    reader = csv.reader(
        lines,
        delimiter=separator,
        quoting=csv.QUOTE_MINIMAL if is_quoted else csv.QUOTE_NONE,
        strict=True,
    )
    names = layout.columns or tuple(_row(path, lines, reader, separator))
    _check_names(path, names, f", line {lines.begin}")
    kind, is_first = dict if layout.columns else Headed, bool(layout.columns)
    before: list[str] = []
    while True:
        cells = _row(path, lines, reader, separator)
        if not lines.row:
            return
        if not cells:
            continue
        if len(cells) != len(names):
            header = "`columns`" if layout.columns else "the header"
            message = _ragged(lines, len(cells), names, header, separator)
            kinds = (separator, suffix)
            other = _otherwise(lines.row[0], cells, before, len(names), kinds)
            raise DataError(f"{path}, {message}{other}")
        if is_first and [*map(_folded, cells)] == [*map(_folded, names)]:
            raise DataError(
                f"{path}, line {lines.begin}: the row has the names that `columns` gives "
                f"({', '.join(map(beginning, names[:MOST_COLUMNS]))}): it is a header, which names "
                "the columns itself; leave `columns` out"
            )
        is_first, before = False, cells
        yield lines.begin, kind(zip(names, cells, strict=True))


def _folded(name: str) -> str:
    return name.strip().casefold()


def _otherwise(
    line: str, cells: Sequence[str], before: Sequence[str], count: int, kind: tuple[str, str]
) -> str:
    """Return advice on the format of a table with a row of another number of cells, or "".

    Args:
        line: The first line of the row.
        cells: The cells of the row.
        before: The cells of the row before it.
        count: The expected number of cells.
        kind: The separator, and the ending of the file's name.
    """
    separator, suffix = kind
    last = before[-1] if before else ""
    goes_on = last.startswith('"') and not last.endswith('"')
    quoted = goes_on or '"' in (line[:1], cells[-1][:1])
    if separator == "\t" and suffix != ".csv" and len(cells) < count and quoted:
        return (
            f"; quotes are ordinary characters in a {suffix} file with tabs: where a quoted text "
            "goes on over several lines, as pandas writes it, let the file's name end in .csv "
            'beside separator = "\\t"'
        )
    if len(cells) > 1:
        return ""
    other = _other_separator(line, count, separator)
    return f"; {_separator_advice(other)}" if other else ""


def _separator_advice(separator: str) -> str:
    return (
        f"where the cells are separated otherwise, `separator` says so: separator = "
        f"{json.dumps(separator, ensure_ascii=False)}"
    )


def _other_separator(line: str, count: int | None, separator: str = "", name: str = "") -> str:
    """Return the likely separator of a line that was read as one cell; "" for none.

    Args:
        line: The line, of which the beginning is searched.
        count: The number of cells, or None.
        separator: The separator with which it was read.
        name: The name of one of the cells, or "".
    """
    line = line.rstrip("\r\n")[:LONGEST_HEADER]
    others = [one for one in dict.fromkeys([*SEPARATORS, *line]) if one != separator]
    signs: list[str] = [
        one
        for one in others
        if one in line and not one.isalnum() and one not in _NO_SEPARATORS and one != "\0"
    ][:MOST_COLUMNS]
    for sign in signs:
        cells = [cell_.strip('"') for cell_ in line.split(sign)]
        if name in cells if name else len(cells) == count:
            return sign
    likely = [one for one in signs if one in SEPARATORS or count is None]
    return likely[0] if likely else ""


def _row(path: Path, lines: _Lines, reader: Iterator[list[str]], separator: str) -> list[str]:
    """Return the cells of the next row; none of a blank line, and none at the end.

    Raises:
        DataError: a quote is not closed, or closed at the wrong place; or there is a byte 0.
    """
    lines.row = []
    # A text may be longer than the 128 KiB that the module allows, whoever else uses it.
    limit = csv.field_size_limit(LONGEST_FIELD)
    try:
        cells = next(reader, [])
    except csv.Error as error:
        raise DataError(
            f"{path}, {_misquoted(lines, separator) or _at_line(lines)}{error}"
        ) from None
    finally:
        csv.field_size_limit(limit)
    for number, line in enumerate(lines.row, start=lines.begin):
        if "\0" in line:
            raise DataError(
                f"{path}, line {number}: there is a byte 0 in it, which no table has; where every "
                'other one is, the file is in UTF-16: write encoding = "utf-16" beside `data`'
            )
    return cells


def _at_line(lines: _Lines) -> str:
    return f"line {lines.begin}: "


def _misquoted(lines: _Lines, separator: str) -> str:
    """Return the message for a quote that is not closed, or closed inside a cell; or ""."""
    opened: int | None = None
    begins, closing = True, False
    for number, line in enumerate(lines.row, start=lines.begin):
        for character in line:
            if closing and character != '"':
                closing = False
                if character not in (separator, "\r", "\n"):
                    return (
                        f"line {opened}: the quote that opens here is closed in line {number}, "
                        f"where {shown(character)} follows rather than the end of the cell; close "
                        'it in its own line, or write quotes inside a quoted text twice (""): '
                    )
                opened, begins = None, True
            elif closing:
                closing = False
            elif opened is not None:
                closing = character == '"'
            elif begins and character == '"':
                opened, begins = number, False
            else:
                begins = character == separator
    if opened is None or closing:
        return ""
    return (
        f"line {opened}: the quote that opens here is never closed; close it, or write a quote "
        'that begins a text as """: '
    )


def _ragged(lines: _Lines, count: int, names: Sequence[str], header: str, separator: str) -> str:
    """Return the message for a row with a wrong number of cells, with a likely reason."""
    more = count > len(names)
    listed = [*map(beginning, names[:MOST_COLUMNS])] + ["..."] * (len(names) > MOST_COLUMNS)
    message = (
        f"line {lines.begin}: the row has {'more' if more else 'fewer'} columns than {header} "
        f"({', '.join(listed)}): {count} rather than {len(names)}"
    )
    between = _NAMES.get(separator, shown(separator))
    if len(lines.row) > 1:
        return (
            f"{message}; a quoted cell of it goes on to line {lines.read}: is a quote left open "
            "here?"
        )
    if lines.row[0].startswith("#") or names[0].startswith("#"):
        return f"{message}; a table has no comments: delete the line that begins with #"
    if more:
        return f"{message}; {between} separate cells: write a text that has some in double quotes"
    return f"{message}; {between} separate cells, and an empty cell has its own"


def _separator(lines: _Lines, suffix: str, layout: FileLayout) -> str:
    """Return the separator of a table, up to whose header the lines are read.

    A first line `sep=;`, as Excel writes it, names the separator and is no part of the table.
    """
    first = lines.first()
    declaration = _SEPARATOR_LINE.fullmatch(first)
    if declaration is None:
        return layout.separator or _guessed_separator(first, suffix, layout)
    next(lines)
    lines.row = []
    lines.first()
    return layout.separator or declaration[1]


def _guessed_separator(first: str, suffix: str, layout: FileLayout) -> str:
    """Return the separator of a table by its ending and its header.

    It is that of the ending: commas in a .csv file, tabs in others; unless the header lacks needed
    columns then (or has fewer than two, if none are needed), and has them with exactly one other of
    SEPARATORS.
    """
    usual = USUAL_SEPARATORS[suffix]
    if layout.columns:
        return usual

    def fits(separator: str) -> bool:
        """Return whether a separator splits the first line into the required columns."""
        try:
            names = next(csv.reader([first], delimiter=separator))
        except (csv.Error, StopIteration):
            return False
        needed = layout.needed
        return {*needed} <= {*names} if needed else len(names) > 1

    fitting = [separator for separator in SEPARATORS if fits(separator)]
    return fitting[0] if len(fitting) == 1 and usual not in fitting else usual


def separator_of(path: Path, layout: FileLayout) -> str:
    """Return the separator of a table; raises as `parse_rows`."""
    suffix = suffix_of(path.name)
    return _separator(_Lines(lines_of(path, layout.encoding)), suffix, layout)


def _json_list(path: Path, layout: FileLayout) -> NumberedRows:
    """Yield (number, row) of a list of objects in a JSON file, which is read as a whole."""
    within = layout.within
    text = "".join(lines_of(path, layout.encoding))
    try:
        content = json_of(text)
    except RepeatedKeyError as error:
        raise DataError(f"{path}{_row_repeated(text, within)}: {error}") from None
    except (ValueError, RecursionError) as error:
        advice = ""
        if "Extra data" in str(error) and text.lstrip().startswith("{"):
            advice = "; where each line is an object, let the file's name end in .jsonl"
        elif not text.strip():
            advice = ": the file is empty"
        raise DataError(f"{path}: {_reason(error)}{advice}") from None
    lists = list(_lists_in(content))
    content = _inside(content, within)
    if not isinstance(content, list):
        if within is None:
            raise DataError(
                f"{path}: it is no list of rows, but holds some; `split` names one: "
                f"{', '.join(map(beginning, lists[:MOST_COLUMNS])) or 'there is none'}"
            )
        raise DataError(f"{path}: " + unknown_name("split", within, lists))
    for index, row in enumerate(content, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{path}, row {index}: a row is a JSON object, not {str(row)[:40]!r}")
        yield index, row


def _inside(content: Any, within: str | None) -> Any:
    """Return the value at the path of keys in the content of a JSON file, or None."""
    for key in [] if within is None else within.split("/"):
        content = content.get(key) if isinstance(content, dict) else None
    return content


def _row_repeated(text: str, within: str | None) -> str:
    """Return ", row N" for the row of a JSON file in which a key is repeated, or ""."""
    try:
        rows = _inside(marked(text), within)
    except (ValueError, RecursionError):
        # What stands behind it is no JSON.
        return ""
    numbered = enumerate(rows if isinstance(rows, list) else (), start=1)
    return next((f", row {index}" for index, row in numbered if has_repeated(row)), "")


def _lists_in(value: Any, path: str = "", depth: int = 0) -> Iterator[str]:
    """Yield the paths of the lists in the content of a JSON file."""
    if isinstance(value, dict) and depth < DEEPEST_LIST:
        for key, entry in value.items():
            yield from _lists_in(entry, f"{path}/{key}" if path else key, depth + 1)
    elif isinstance(value, list) and path:
        yield path


def _json_row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json_of(line)
    except (ValueError, RecursionError) as error:
        advice = ""
        if line.lstrip().startswith(("#", "//")):
            advice = "; there are no comments: delete the line"
        elif number == 1 and line.strip() in ("[", "{"):
            advice = "; a row is one line: let the name of a file that is one list end in .json"
        raise DataError(f"{path}, line {number}: {_reason(error)}{advice}") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: a row is a JSON object, not {line[:40]!r}")
    return row


def _reason(error: Exception) -> str:
    if isinstance(error, RefusedError):
        return str(error)
    return f"not valid JSON: {getattr(error, 'msg', error)}"


def _parquet(path: Path) -> NumberedRows:
    """Yield (number, row) of a Parquet file, some rows at a time.

    If `datasets` has written the file, whole numbers of class labels become the names of the
    classes.
    """
    parquet = _pyarrow(path)
    if not path.exists():
        raise DataError(f"{path}: there is no such file")
    if path.is_dir():
        raise DataError(f"{path}: cannot be read: it is a folder; name the file that has the rows")
    index = 0
    try:
        with parquet.ParquetFile(path, pre_buffer=False) as file:
            schema = file.schema_arrow
            _check_names(path, schema.names, "")
            names = _class_names(schema.metadata or {})
            for batch in file.iter_batches(batch_size=ROWS_AT_ONCE):
                for row in batch.to_pylist():
                    index += 1
                    yield index, named_classes(row, names)
    except DataError:
        raise
    except Exception as error:  # noqa: BLE001 - what pyarrow raises has no base of its own
        raise DataError(
            f"{path}: not a Parquet file that can be read (after row {index}): "
            f"{beginning(str(error))}"
        ) from None


def _check_names(path: Path, names: Sequence[str], location: str) -> None:
    """Check that the names of columns are unique; columns of spreadsheets may have none."""
    for name, count in Counter(names).items():
        if count > 1 and name:
            times = "twice" if count == 2 else f"{count} times"  # noqa: PLR2004 - a word for two
            raise DataError(
                f"{path}{location}: the column {shown(name)} occurs {times}; rename one"
            )


def class_names(path: Path) -> dict[str, list[str]]:
    """Return the names of the classes of a Parquet file's columns, by the column."""
    return _class_names(_pyarrow(path).read_schema(path).metadata or {})


def _pyarrow(path: Path) -> Any:
    """Return the module `pyarrow.parquet`.

    Raises:
        MissingDependencyError: the package is not installed.
    """
    require("pyarrow", extra="datasets", purpose=f"{path}: a Parquet file")
    return importlib.import_module("pyarrow.parquet")


def _class_names(metadata: Mapping[bytes, bytes]) -> dict[str, list[str]]:
    """Return the names of the classes of columns, as `datasets` writes them into a file."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        return {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and feature.get("_type") == "ClassLabel"
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def named_classes(row: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> Mapping[str, Any]:
    """Return a row with the names of its classes, or of those of a list; -1, no class, stays."""
    if not names:
        return row

    def named(value: Any, listed: Sequence[str]) -> Any:
        """Return the name of a class, or the names of several."""
        if isinstance(value, list):
            return [named(one, listed) for one in value]
        return listed[value] if isinstance(value, int) and 0 <= value < len(listed) else value

    present = {column: listed for column, listed in names.items() if column in row}
    return {**row, **{column: named(row[column], listed) for column, listed in present.items()}}


def value_of(origin: str, number: int, row: Mapping[str, Any], column: str) -> Any:
    """Return the value of a row's column; dots lead into an object, as in `answers.text`.

    Raises:
        DataError: there is no such column.
    """
    if column in row:
        return row[column]
    value: Any = row
    for key in column.split("."):
        if not isinstance(value, Mapping) or key not in value:
            raise DataError(f"{origin}, row {number}: {_unknown_field(row, column)}")
        value = value[key]
    return value


def _unknown_field(row: Mapping[str, Any], column: str) -> str:
    """Return the message for a column that a row lacks, with advice."""
    message = unknown_name("field", column, row)
    if column in ("text", "label"):
        # Nobody need have written these names.
        message += " `fields` says which columns have the text, and `label` which has the label."
    only = next(iter(row), "") if len(row) == 1 else ""
    other = _other_separator(only, None, name=column)
    if other:
        advice = _separator_advice(other)
        message += f" {advice[0].upper()}{advice[1:]}."
    if (
        isinstance(row, Headed)
        and not other
        and ("Did you mean" not in message or any(map(_is_data, row)))
    ):
        names = ", ".join(f'"COLUMN{number}"' for number in range(1, min(len(row), 3) + 1))
        message += (
            " Where that is a row of data, and the file has no header, name its columns beside "
            f"`data`: columns = [{names}{', ...' * (len(row) > 3)}]."  # noqa: PLR2004 - enough
        )
    return message


def _is_data(name: str) -> bool:
    """Return whether the name of a column looks like a cell: a text, a number, or nothing."""
    words = name.split()
    return len(words) > 3 or not words or name.strip().isdecimal()  # noqa: PLR2004 - a text


def has_column(row: Mapping[str, Any], column: str) -> bool:
    """Return whether there is such a column, or such a value inside an object."""
    if column in row:
        return True
    value: Any = row
    for key in column.split("."):
        if not isinstance(value, Mapping) or key not in value:
            return False
        value = value[key]
    return True


def cell(origin: str, number: int, row: Mapping[str, Any], column: str, key: str = "fields") -> str:
    """Return the value of a row's column as text.

    Args:
        origin: The beginning of messages.
        number: The number of the row.
        row: The row.
        column: The column.
        key: The key of a data source that names the column, such as `id`.

    Raises:
        DataError: there is no such column, or its value is neither text nor a finite number.
    """
    return text_of(origin, number, column, value_of(origin, number, row, column), key)


def identifier_of(origin: str, number: int, row: Mapping[str, Any], column: str) -> str:
    """Return the id of a row, which is not blank.

    Raises:
        DataError: it is blank, or as `cell`.
    """
    identifier = cell(origin, number, row, column, "id")
    if not identifier.strip():
        raise DataError(
            f"{origin}, row {number}, field {shown(column)}: the id is {shown(identifier)}; an id "
            "names its row and is not blank: fill it in, or leave `id` out, and ids are derived "
            "from the content"
        )
    return identifier


def text_of(origin: str, number: int, column: str, value: Any, key: str = "fields") -> str:
    """Return a value of a column as text; the message for another value says what to do.

    Raises:
        DataError: it is neither text nor a finite number.
    """
    right = isinstance(value, str | int | float | Decimal) and not isinstance(value, bool)
    if not right or (not isinstance(value, str) and not _is_finite(value)):
        raise DataError(
            f"{origin}, row {number}, field {shown(column)}: {shown(value)} is neither text nor a "
            f"finite number{_instead(column, value, key)}"
        )
    text = str(value)
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise DataError(
            f"{origin}, row {number}, field {shown(column)}: the text holds a lone surrogate, "
            "which no encoding can carry"
        ) from None
    return text


def _instead(column: str, value: Any, key: str) -> str:
    """Return advice on a value that is no text, or ""."""
    if isinstance(value, Mapping):
        names = [f"{column}.{name}" for name in value] or [f"{column}.NAME"]
        listed = json.dumps(beginning(names[0]), ensure_ascii=False)
        example = f"{key} = [{listed}]" if key == "fields" else f"{key} = {listed}"
        others = f" (there: {', '.join(map(beginning, names[:MOST_COLUMNS]))})"
        return f"; name what is in the object with a dot: {example}{others * (len(names) > 1)}"
    if isinstance(value, bytes | bytearray | memoryview):
        return "; decode it when the file is written: text.decode('utf-8')"
    if isinstance(value, list | tuple):
        return (
            '; join the list into one text when the file is written, such as " ".join(words), or '
            "give its parts columns of their own"
        )
    if is_missing(value):
        empty = "" if key == "id" else ', or write "" where an empty one is meant'
        return (
            f"; it means that there is none: delete such rows (in pandas: frame.dropna(subset="
            f"[{column!r}])){empty}"
        )
    return ""


def _is_finite(value: float | Decimal) -> bool:
    return Decimal(value).is_finite()
