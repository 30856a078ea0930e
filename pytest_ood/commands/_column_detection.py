"""Detects the columns and labels of a data file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.loading.formats import (
    PARQUET,
    TABLE,
    USUAL_SEPARATORS,
    FileLayout,
    form_of,
    parse_rows,
    separator_of,
    suffix_of,
)
from pytest_ood.loading.readers import DataSource

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import Reader
    from pytest_ood.tasks import Task

LOOKED_AT = 100
"""Rows that columns are guessed from."""

MOST_LABELS = 100
"""More different values are no labels."""

MOST_SHOWN = 10
"""The largest number of labels in a line of output."""

TEXT_NAMES = (
    "text",
    "sentence",
    "review",
    "content",
    "body",
    "comment",
    "tweet",
    "message",
    "question",
    "document",
    "utterance",
    "title",
)
LABEL_NAMES = (
    "label",
    "labels",
    "class",
    "category",
    "target",
    "sentiment",
    "intent",
    "y",
    "rating",
    "stars",
    "topic",
)
ID_NAME = "id"


def listed_labels(labels: Sequence[str]) -> str:
    """Return labels as one line: at most MOST_SHOWN, and how many more there are."""
    listed = ", ".join(labels[:MOST_SHOWN])
    more = len(labels) - MOST_SHOWN
    return f"{listed} and {more:,} more" if more > 0 else listed


@dataclass(frozen=True, kw_only=True)
class LabelledFile:
    """A data file with detected columns.

    Attributes:
        source: The path, relative to the project if it is inside, and the used columns.
        columns: The names of all columns.
        data: The examples.
    """

    source: DataSource
    columns: tuple[str, ...]
    data: Dataset

    @property
    def counts(self) -> dict[str, int]:
        """How often each label occurs, sorted by label."""
        return dict(sorted(Counter(example.label for example in self.data).items()))

    def summary(self) -> str:
        """Say what it holds."""
        used = f"text in {', '.join(self.source.fields)}, label in {self.source.label}"
        if self.source.id is not None:
            used += f", id in {self.source.id}"
        labels = listed_labels([f"{label} {count:,}" for label, count in self.counts.items()])
        return f"{self.source.data}: {len(self.data):,} examples, {used}; {labels}"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The columns that a user named, and the format of the file; None for values to be detected."""

    text: tuple[str, ...] | None = None
    label: str | None = None
    id: str | None = None
    separator: str | None = None
    encoding: str | None = None

    def layout(self, path: Path) -> FileLayout:
        """Return how the rows of a file are laid out."""
        wanted = (*(self.text or ()), *_listed(self.label), *_listed(self.id))
        is_table = form_of(path.name) == TABLE
        has_encoding = form_of(path.name) != PARQUET
        return FileLayout(
            separator=self.separator if is_table else None,
            encoding=self.encoding if has_encoding else None,
            needed=wanted,
        )


def look(path: Path, columns: Columns) -> tuple[tuple[str, ...], Columns]:
    """Return all columns of a file, and the columns of text, label and id, detected unless named.

    Raises:
        DataError: the file cannot be read, or is empty.
        ConfigurationError: a named column does not exist, or a column cannot be detected; the
            message names all columns.
    """
    layout = columns.layout(path)
    rows = [row for _, row in islice(parse_rows(path, layout), LOOKED_AT)]
    if not rows:
        raise DataError(f"{path}: there is no row in it; give at least one")
    names = tuple(rows[0])
    options = (
        ("--text-column", columns.text or ()),
        ("--label-column", _listed(columns.label)),
        ("--id-column", _listed(columns.id)),
    )
    for option, listed in options:
        for name in listed:
            if name not in names:
                raise ConfigurationError(f"{path}: {option}: {unknown_name('column', name, names)}")
    text = columns.text or _guessed_text(path, names, rows, columns)
    label = columns.label or _guessed_label(path, names, rows, text)
    if label in text:
        raise ConfigurationError(f"{path}: the column {label!r} is given as text and as label")
    identifier = columns.id
    if identifier is None and ID_NAME in names and ID_NAME not in (*text, label):
        identifier = ID_NAME
    if form_of(path.name) == TABLE:
        # Written down where it is another than the name says, for whoever reads the file.
        layout = replace(layout, separator=separator_of(path, layout))
    return names, Columns(
        text=text, label=label, id=identifier, separator=layout.separator, encoding=layout.encoding
    )


def read(path: Path, columns: Columns, reader: Reader, task: Task | None) -> LabelledFile:
    """Read a file as data with these columns.

    Args:
        path: The file.
        columns: The columns that the user named, as for `look`.
        reader: Loads the data.
        task: The task, which checks the labels; None for any labels.

    Raises:
        OodError: as `look` and `Reader.load`, or there are too many labels to be such.
    """
    names, detected = look(path, columns)
    assert detected.text is not None, "unreachable because look() detects it"
    assert detected.label is not None, "unreachable because look() detects it"
    relative = path.resolve()
    root = reader.root.resolve()
    data_path = relative.relative_to(root) if relative.is_relative_to(root) else relative
    usual = USUAL_SEPARATORS.get(suffix_of(path.name))
    source = DataSource(
        data=data_path.as_posix(),
        fields=detected.text,
        label=detected.label,
        id=detected.id,
        separator=None if detected.separator == usual else detected.separator,
        encoding=detected.encoding,
    )
    try:
        data = reader.load(source, source.data, task)
    except DataError:
        if columns.id is not None or detected.id is None:
            raise
        # What is called so is not always unique.
        source = replace(source, id=None)
        data = reader.load(source, source.data, task)
    if len(data.labels) > MOST_LABELS:
        raise DataError(
            f"{path}: the column {source.label!r} has {len(data.labels):,} different values, too "
            f"many for labels; --label-column names another of {', '.join(names)}"
        )
    return LabelledFile(source=source, columns=names, data=data)


def _listed(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _guessed_text(
    path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]], columns: Columns
) -> tuple[str, ...]:
    """Return the column with a usual name for texts, or the one with the longest texts."""
    free = [name for name in names if name not in (columns.label, columns.id)]
    for usual in TEXT_NAMES:
        for name in free:
            if name.casefold() == usual:
                return (name,)
    lengths = {
        name: sum(len(row[name]) for row in rows)
        for name in free
        if all(isinstance(row.get(name), str) for row in rows)
    }
    spaced = {n: size for n, size in lengths.items() if any(" " in row[n].strip() for row in rows)}
    if not spaced:
        raise ConfigurationError(
            f"{path}: the text column cannot be detected; --text-column names one of "
            f"{', '.join(names)}"
        )
    return (max(spaced, key=lambda name: spaced[name]),)


def _guessed_label(
    path: Path, names: Sequence[str], rows: Sequence[Mapping[str, Any]], text: Sequence[str]
) -> str:
    """Return the column with a usual name for labels, or the only one with few values."""
    free = [name for name in names if name not in text]
    for usual in LABEL_NAMES:
        for name in free:
            if name.casefold() == usual:
                return name
    few = [
        name
        for name in free
        if 1 < len({str(row.get(name)) for row in rows}) <= max(2, len(rows) // 5)
    ]
    if len(few) != 1:
        raise ConfigurationError(
            f"{path}: the label column cannot be detected; --label-column names one of "
            f"{', '.join(free) or 'none: names is no column but ' + ', '.join(text)}"
        )
    return few[0]
