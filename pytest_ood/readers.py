"""Reading labelled data: JSONL, CSV and TSV files, Hugging Face data sets, packaged data."""

from __future__ import annotations

import csv
import io
import json
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pytest_ood.assets import fetch
from pytest_ood.errors import ConfigurationError, DataError, require, unknown_name
from pytest_ood.examples import Dataset, Example, content_digest, counted_id, spooled
from pytest_ood.objects import Portable
from pytest_ood.rows import occurrences
from pytest_ood.seeding import derive_seed
from pytest_ood.tasks import Task, check_labels

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pytest_ood.examples import Inputs
    from pytest_ood.progress import Progress

SUFFIXES = (".csv", ".jsonl", ".tsv")

LONGEST_FIELD = 2**31 - 1
"""What the module csv takes on every platform."""

ICWSM_DOMAINS = {
    "movies": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "tweets": "tweets",
    "nyt": "nytEditorialSnippets",
}
ICWSM_TRAIN_SIZE = 7_600
"""How many movie snippets are for training; the rest, never trained on, is for testing."""


@dataclass(frozen=True)
class DataSource:
    """Where a data set lies and what its columns mean.

    Attributes:
        data: A file (`.jsonl`, `.csv`, `.tsv`), `hub:NAME`, or `asset:NAME/PART`.
        split: The split of a hub data set or an asset ("train", "test", ...).
        fields: The columns the model is asked about; one column is a single text.
        label: The column that holds the label.
        id: The column that holds a unique id; without it ids are derived from the content.
        labels: Renames labels as they stand in the file.
    """

    data: str
    split: str | None = None
    fields: tuple[str, ...] = ("text",)
    label: str = "label"
    id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def parse_source(value: Any, where: str) -> DataSource:
    """Read a data source from a configuration: a string, or a table of DataSource's attributes.

    Raises:
        ConfigurationError: an unknown key or a value of the wrong type.
    """
    table = {"data": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{where}: {value!r} is neither a path nor a table with `data`")
    known = [f.name for f in fields(DataSource)]
    for key, entry in table.items():
        if key not in known:
            raise ConfigurationError(f"{where}: " + unknown_name("key", key, known))
        _check_entry(key, entry, where)
    if "data" not in table:
        raise ConfigurationError(f"{where}: the key `data` is missing")
    values = dict(table)
    if "fields" in values:
        values["fields"] = tuple(values["fields"])
    source = DataSource(**values)
    try:
        _check_source(source)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return source


def _check_source(source: DataSource) -> None:
    """Refuse a source of no known kind, and a split where there is none."""
    scheme, colon, rest = source.data.partition(":")
    if colon and scheme == "hub":
        return
    if colon and scheme == "asset":
        asset, _, part = rest.partition("/")
        if asset != "icwsm-2014" or part not in ICWSM_DOMAINS:
            known = [f"icwsm-2014/{domain}" for domain in ICWSM_DOMAINS]
            raise ConfigurationError(unknown_name("data asset", rest, known))
        splits: tuple[str, ...] = ("all", "test", "train")
    else:
        suffix = PurePath(source.data).suffix
        if suffix not in SUFFIXES:
            raise ConfigurationError(
                f"{source.data}: " + unknown_name("kind of data file", suffix, SUFFIXES)
            )
        splits = ()
    if source.split is not None and source.split not in splits:
        raise ConfigurationError(f"{source.data}: " + unknown_name("split", source.split, splits))


def _check_entry(key: str, entry: Any, where: str) -> None:
    if key == "fields":
        right = isinstance(entry, list | tuple) and all(isinstance(f, str) for f in entry)
    elif key == "labels":
        right = isinstance(entry, Mapping) and all(isinstance(v, str) for v in entry.values())
    else:
        right = isinstance(entry, str)
    if not right:
        expected = {"fields": "a list of column names", "labels": "a table of names"}
        raise ConfigurationError(
            f"{where}: {key} = {entry!r} is not {expected.get(key, 'a string')}"
        )
    if not entry:
        raise ConfigurationError(f"{where}: {key} is empty; fill it in, or leave it out")
    if key == "fields" and ("" in entry or len(set(entry)) < len(entry)):
        raise ConfigurationError(f"{where}: fields = {entry!r}: names differ and are not empty")


class Located(Protocol):
    """What lies somewhere."""

    @property
    def data(self) -> str:
        """Where."""
        ...


@dataclass(frozen=True)
class Reader:
    """Loads data sources.

    Attributes:
        root: What relative paths start from.
        cache: Where packaged data is kept.
        offline: Fetch nothing.
        progress: Told about downloads.
    """

    root: Path
    cache: Path
    offline: bool
    progress: Progress

    def check(self, source: Located) -> None:
        """Refuse a file that is not there, without reading it.

        Raises:
            DataError: names the file.
        """
        path = self.root / source.data
        if not source.data.startswith(("asset:", "hub:")) and not path.is_file():
            raise DataError(f"{path}: there is no such file")

    def load(self, source: DataSource, name: str, task: Task | None = None) -> Dataset:
        """Load a data source as a data set of this name.

        Args:
            source: Where it lies.
            name: Of the data set.
            task: What its labels have to be right for; None for any labels.

        Raises:
            DataError: the file is missing, empty, not UTF-8, lacks a column, or has a bad row; the
                message names file, row and field.
            ConfigurationError: the kind of source is unknown.
            AssetError: packaged data that cannot be fetched.
            MissingDependencyError: a hub data set without the package `datasets`.
        """
        _check_source(source)
        scheme, colon, rest = source.data.partition(":")
        if colon and scheme == "asset":
            dataset = self._asset(rest, source, name)
            if task is not None:
                check_labels(dataset, task.labels)
            return dataset
        if colon and scheme == "hub":
            return _dataset(name, source.data, self._hub_rows(rest, source), source, task)
        path = self.root / source.data
        return _dataset(name, str(path), parse_rows(path), source, task)

    def _hub_rows(self, name: str, source: DataSource) -> Iterator[tuple[int, Mapping[str, Any]]]:
        datasets = require("datasets", extra="datasets", purpose=f"the data set {source.data!r}")
        configuration = None
        if "#" in name:
            name, _, configuration = name.partition("#")
        try:
            loaded = datasets.load_dataset(
                name,
                configuration,
                split=source.split or "test",
                download_config=datasets.DownloadConfig(local_files_only=self.offline),
            )
        except Exception as error:
            raise DataError(
                f"{source.data}: the data set cannot be loaded (split "
                f"{source.split or 'test'!r}): {error}"
            ) from error
        feature = loaded.features.get(source.label)
        names = getattr(feature, "names", None)
        for number, row in enumerate(loaded, start=1):
            if names and isinstance(row[source.label], int) and row[source.label] >= 0:
                row = {**row, source.label: names[row[source.label]]}  # noqa: PLW2901
            yield number, row

    def _asset(self, rest: str, source: DataSource, name: str) -> Dataset:
        asset, _, part = rest.partition("/")
        split = source.split or ("test" if part == "movies" else "all")
        folder = fetch(asset, self.cache, offline=self.offline, progress=self.progress)
        text = (folder / f"{ICWSM_DOMAINS[part]}_GroundTruth.txt").read_text(encoding="utf-8")
        cut = ICWSM_TRAIN_SIZE if part == "movies" else None
        return Dataset(name, tuple(_icwsm_examples(text, split, cut)))


@dataclass(frozen=True)
class Loading(Portable):
    """Loads a data source when it is first called, once in a process.

    Attributes:
        reader: Who loads it.
        source: Where it lies.
        task: What its labels have to be right for.
    """

    reader: Reader
    source: DataSource
    task: Task

    def __call__(self) -> Dataset:
        """Return the data set; raises as `Reader.load`."""
        return self.loaded

    @cached_property
    def loaded(self) -> Dataset:
        """The data set, named like its source."""
        return self.reader.load(self.source, self.source.data, self.task)


def _icwsm_examples(text: str, split: str, cut: int | None) -> list[Example]:
    """Label the rated snippets by the sign of ratings of at least 1 in size; drop repeated texts.

    The snippets are ordered by a hash of their ids and cut into train and test once and for all,
    whatever the seed of a run: a model trained once is never tested on what it has seen.

    Args:
        text: Of the file.
        split: "train", "test" or "all".
        cut: How many are for training; half of them where it is None.
    """
    examples, seen = [], set()
    for line in text.split("\n"):
        if not line.strip():
            continue
        identifier, rating, raw = line.split("\t")
        snippet = raw.strip()
        if abs(float(rating)) >= 1 and snippet not in seen:
            seen.add(snippet)
            label = "positive" if float(rating) > 0 else "negative"
            examples.append(Example(identifier, snippet, label))
    if split == "all":
        return examples
    examples.sort(key=lambda e: (derive_seed(0, "icwsm-2014", e.id), e.id))
    cut = len(examples) // 2 if cut is None else cut
    return examples[:cut] if split == "train" else examples[cut:]


def parse_rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row) of a JSONL, CSV or TSV file."""
    if path.suffix not in SUFFIXES:
        raise ConfigurationError(
            f"{path.name}: " + unknown_name("kind of data file", path.suffix, SUFFIXES)
        )
    yield from rows_of(lines_of(path), path.suffix, path)


def rows_of(
    lines: Iterator[str], suffix: str, path: Path
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row) of lines in the form of a suffix; messages name the path."""
    yield from (_jsonl if suffix == ".jsonl" else _csv)(path, lines, tabs=suffix == ".tsv")


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


def _jsonl(
    path: Path, lines: Iterator[str], *, tabs: bool
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    del tabs
    for number, line in enumerate(lines, start=1):
        if line.strip():
            yield number, _json_row(path, number, line.removesuffix("\n"))


def _csv(
    path: Path, lines: Iterator[str], *, tabs: bool
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    rows = csv.DictReader(
        # A carriage return may end a line, too.
        (part for line in lines for part in io.StringIO(line, newline="")),
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
                    f"columns than the header ({', '.join(names)})"
                )
            yield rows.line_num, row
    except csv.Error as error:
        raise DataError(f"{path}, line {rows.line_num}: {error}") from None
    finally:
        csv.field_size_limit(limit)


def _json_row(path: Path, number: int, line: str) -> Mapping[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        reason = getattr(error, "msg", error)
        raise DataError(f"{path}, line {number}: not valid JSON: {reason}") from None
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number}: a row is a JSON object, not {line[:40]!r}")
    return row


def _dataset(
    name: str,
    origin: str,
    rows: Iterator[tuple[int, Mapping[str, Any]]],
    source: DataSource,
    task: Task | None,
) -> Dataset:
    numbers, digests = array("Q"), array("Q")

    def examples() -> Iterator[Example]:
        for number, row in rows:
            values = {column: cell(origin, number, row, column) for column in source.fields}
            inputs: Inputs = values[source.fields[0]] if len(values) == 1 else values
            label = _label(origin, number, row, source, task)
            if source.id is None:
                identifier = content_digest(inputs, label)
                digests.append(int(identifier, 16))
            else:
                identifier = cell(origin, number, row, source.id)
                digests.append(hash(identifier) % 2**64)
            numbers.append(number)
            yield Example(identifier, inputs, label)

    found = spooled(examples())
    if not found:
        raise DataError(f"{origin}: there is no row in it; give at least one")
    counts = occurrences(np.frombuffer(digests, np.uint64))
    if counts.max() > 1:
        if source.id is not None:
            _check_ids(f"{origin}, row {{}}, field {source.id!r}", found, numbers, counts > 1)
        else:
            counted = zip(found, counts.tolist(), strict=True)
            found = spooled(replace(e, id=counted_id(e.id, count)) for e, count in counted)
    return Dataset(name, found)


def _label(
    origin: str,
    number: int,
    row: Mapping[str, Any],
    source: DataSource,
    task: Task | None,
) -> str:
    label = cell(origin, number, row, source.label)
    at = f"{origin}, row {number}, field {source.label!r}: "
    if source.labels and label not in source.labels:
        raise DataError(at + unknown_name("label", label, source.labels))
    label = source.labels.get(label, label)
    try:
        return label if task is None else task.reference(label)
    except DataError as error:
        raise DataError(f"{at}{error}") from None


def _check_ids(
    where: str, examples: Sequence[Example], numbers: Sequence[int], later: NDArray[np.bool_]
) -> None:
    """Refuse an id that stands in a row before, too.

    Args:
        where: `{}` in it is for the row's number.
        examples: What was read.
        numbers: Their rows.
        later: Where there is one before whose id has the same hash.
    """
    suspects = {examples[int(place)].id for place in np.flatnonzero(later)}
    first: dict[str, int] = {}
    for number, example in zip(numbers, examples, strict=True):
        if example.id in first:
            raise DataError(
                f"{where.format(number)}: the id {example.id!r} stands in row "
                f"{first[example.id]} already; ids must be unique"
            )
        if example.id in suspects:
            first[example.id] = number


def cell(origin: str, number: int, row: Mapping[str, Any], column: str) -> str:
    """Return what stands in a column of a row, as text.

    Raises:
        DataError: there is no such column, or neither text nor a whole number in it.
    """
    if column not in row:
        raise DataError(f"{origin}, row {number}: " + unknown_name("field", column, row))
    value = row[column]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise DataError(
            f"{origin}, row {number}, field {column!r}: {value!r} is neither text nor a whole "
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
