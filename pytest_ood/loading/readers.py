"""Reading labelled data: files, Hugging Face data sets, packaged data."""

from __future__ import annotations

import json
import re
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.examples import Dataset, Example, content_digest, counted_id, spooled
from pytest_ood.data.lazy import occurrences
from pytest_ood.data.options import FORMS, LETTERS
from pytest_ood.data.values import (
    NO_LABEL,
    is_missing,
    is_unlabelled,
    label_forms,
    plain,
    renamed_label,
)
from pytest_ood.errors import (
    LONGEST_SHOWN,
    ConfigurationError,
    DataError,
    beginning,
    near_names,
    require,
    shown,
    unknown_name,
)
from pytest_ood.languages import find_language
from pytest_ood.loading.assets import fetch
from pytest_ood.loading.formats import (
    CONLL,
    LIST,
    PARQUET,
    TABLE,
    FileLayout,
    cell,
    check_layout,
    form_of,
    has_column,
    identifier_of,
    named_classes,
    parse_rows,
    text_of,
    value_of,
)
from pytest_ood.loading.options import options_of_row
from pytest_ood.tasks import MULTIPLE_CHOICE, Task, check_labels
from pytest_ood.tasks.numeric import reasoning_of
from pytest_ood.utils.decoding import check_encoding
from pytest_ood.utils.objects import ReloadsAfterPickling
from pytest_ood.utils.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.formats import NumberedRows
    from pytest_ood.loading.options import RowOptions
    from pytest_ood.utils.progress import Progress

ICWSM_DOMAINS = {
    "movies": "movieReviewSnippets",
    "amazon": "amazonReviewSnippets",
    "tweets": "tweets",
    "nyt": "nytEditorialSnippets",
}
ICWSM_TRAIN_SIZE = 7_600
"""How many movie snippets are for training; the rest, never trained on, is for testing."""


HUB, ASSET, YOURS = "hub", "asset", "yours"
DEFAULT_SPLIT = "test"
"""The default split of a hub data set."""

NO_ID = ""
"""The id of a row whose column of ids, which is inherited from the suite, has none."""

MOST_CACHED_LABELS = 1_000
"""The largest number of different labels in the cache of a file that is read."""

MOST_NAMED_VALUES = 20
"""The largest number of values of a column in a message."""

MOST_VALUES = 200
"""The largest number of values of a column among which similar ones are searched."""

_COLUMN = re.compile(r"\{([^{}]+)\}")
_TEXT = ("text",)
_NO_COLUMN_KEYS = (
    "where",
    "steps",
    "group",
    "rationale",
    "options",
    "columns",
    "separator",
    "encoding",
    "language_column",
)
"""Keys that packaged data, which has no columns, does not support."""

INHERITED = (
    "fields",
    "templates",
    "label",
    "options",
    "answer_form",
    "labels",
    "id",
    "columns",
    "separator",
    "encoding",
    "language",
    "language_column",
)
"""Keys of the suite's data that are the defaults of all its other data."""


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """The location of a data set and the meaning of its columns.

    Columns inside an object are named with dots between, as `answers.text`.

    Attributes:
        data: A file (`.jsonl`, `.ndjson`, `.json`, `.csv`, `.tsv`, `.conll`, `.iob`, `.bio`, or
            `.txt` with `columns`, each also compressed, as `.csv.gz`; or `.parquet`), `hub:NAME`,
            or `asset:NAME/PART`.
        split: The split of a hub data set or an asset ("train", "test", ...); of a JSON file the
            keys that lead to its rows, with slashes between.
        fields: The columns of the model's inputs; a single column is a single text.
        label: The column of the label; the first entry of a list is the label, the others are
            further right answers.
        options: For multiple choice the column of the options, or a column for each; they become
            the field `options`.
        answer_form: How the label names the right option, one of `FORMS`; None to tell by its type.
        id: The column of unique ids; None for ids that are derived from the content.
        labels: The suite's label for each label of the file.
        templates: For each field that is no column a template with columns in braces; a single
            field `text` is a single text then.
        group: The columns by which examples are counted together.
        rationale: The column of solutions.
        columns: The names of the columns of a table without a header, or of CoNLL columns.
        where: A filter of rows: for each column the values that it may have.
        steps: A filter of rows: the least and the most steps of the rationale.
        max_examples: The number of examples that are drawn, independently of the seed of a run; a
            smaller sample is part of a larger one. None for all.
        separator: The separator of the cells of a table; None for that of its ending or header.
        encoding: The encoding of a file's text; None for UTF-8.
        language: The language of the texts, a tag of BCP 47; None for English.
        language_column: The column of the language of each row, where rows differ; a row that has
            none is in `language`.
        inherited: Attributes of the suite's data that this table does not set. They apply when it
            is read; columns that it lacks have the usual names then.
    """

    data: str
    split: str | None = None
    fields: tuple[str, ...] = _TEXT
    label: str = "label"
    options: tuple[str, ...] = ()
    answer_form: str | None = None
    id: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    templates: Mapping[str, str] = field(default_factory=dict)
    group: tuple[str, ...] = ()
    rationale: str | None = None
    columns: tuple[str, ...] = ()
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    steps: tuple[int, int] | None = None
    max_examples: int | None = None
    separator: str | None = None
    encoding: str | None = None
    language: str | None = None
    language_column: str | None = None
    inherited: Mapping[str, Any] = field(default_factory=dict, compare=False)

    @property
    def is_single(self) -> bool:
        """Whether inputs are one text rather than named fields."""
        if self.options:
            return False
        return self.fields == _TEXT if self.templates else len(self.fields) == 1

    @property
    def scheme(self) -> str:
        """The kind of source: HUB, ASSET, YOURS, or "" for a file."""
        scheme, colon, _ = self.data.partition(":")
        return scheme if colon and scheme in (HUB, ASSET, YOURS) else ""

    @property
    def layout(self) -> FileLayout:
        """The layout of the rows of its file."""
        return FileLayout(
            within=self.split,
            columns=self.columns,
            separator=self.separator,
            encoding=self.encoding,
            needed=self._needed,
        )

    @property
    def _needed(self) -> frozenset[str]:
        """The columns that rows have to have."""
        templates = [name for text in self.templates.values() for name in _COLUMN.findall(text)]
        named = (self.label, self.id, self.rationale, self.language_column)
        optional = {self.id} if "id" in self.inherited else set()
        optional |= {self.language_column} if "language_column" in self.inherited else set()
        wanted = {*(templates or self.fields), *named, *self.group, *self.where, *self.options}
        return frozenset(name for name in wanted - optional if name is not None)

    def completed(self) -> DataSource:
        """Return the source with the attributes that it inherits from its suite."""
        return replace(self, **self.inherited) if self.inherited else self

    def fitting(self) -> DataSource:
        """Return the source without inherited attributes that its format does not have."""
        form = None if self.scheme else form_of(self.data)
        has_none = {
            "separator": form != TABLE,
            "columns": form not in (TABLE, CONLL),
            "encoding": bool(self.scheme) or form == PARQUET,
        }
        if self.scheme == YOURS:
            # What it is turns out where it is redirected.
            return self
        dropped = {name for name, is_none in has_none.items() if is_none and name in self.inherited}
        changes: dict[str, Any] = {name: getattr(_USUAL, name) for name in dropped}
        inherited = {name: value for name, value in self.inherited.items() if name not in dropped}
        return replace(self, inherited=inherited, **changes) if dropped else self

    def adapted(self, row: Mapping[str, Any]) -> DataSource:
        """Return the source with the usual columns where its file lacks those of its suite.

        Args:
            row: The first one of the file.
        """
        changes: dict[str, Any] = {}
        if "id" in self.inherited and self.id is not None and not has_column(row, self.id):
            changes["id"] = None
        column = self.language_column
        if "language_column" in self.inherited and column and not has_column(row, column):
            changes["language_column"] = None
        if "label" in self.inherited and not has_column(row, self.label) and "label" in row:
            changes["label"] = "label"
        if "fields" in self.inherited and not self.templates and self.is_single:
            (name,) = self.fields
            if not has_column(row, name) and "text" in row:
                changes["fields"] = _TEXT
        return replace(self, **changes) if changes else self


_USUAL = DataSource(data="")

SOURCE_KEYS = tuple(f.name for f in fields(DataSource) if f.name not in ("templates", "inherited"))
"""The keys of the table of a data source."""


def parse_source(value: Any, location: str, like: DataSource | None = None) -> DataSource:
    """Read a data source from a configuration: a string, or a table of SOURCE_KEYS.

    Args:
        value: The string or the table.
        location: The beginning of messages.
        like: The suite's data, whose columns are the defaults; None for the usual ones.

    Raises:
        ConfigurationError: an unknown key or a value of the wrong type.
    """
    table = {"data": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{location}: {value!r} is neither a path nor a table with `data`")
    values = _attributes(table, location)
    if "data" not in table:
        raise ConfigurationError(f"{location}: the key `data` is missing")
    if like is not None:
        # The names of fields and what they are made of are said together, and so are a language and
        # the column of languages.
        own_keys = values.keys() | ({"templates"} if "fields" in values else set())
        own_keys |= {"language_column"} if "language" in values else set()
        columns = like.completed()
        values["inherited"] = {n: getattr(columns, n) for n in INHERITED if n not in own_keys}
    if "language" in values:
        values["language"] = find_language(values["language"]).code
    source = DataSource(**values).fitting()
    try:
        _check_source(source.completed())
    except ConfigurationError as error:
        raise ConfigurationError(f"{location}: {error}") from None
    return source


def parse_redirects(value: Any, location: str) -> dict[str, Mapping[str, Any]]:
    """Read the redirects of data sources to this machine.

    Args:
        value: A table with a path, or a table of SOURCE_KEYS that replace the suite's, for each
            source as suites name it, or for one split of it (`NAME@SPLIT`).
        location: The beginning of messages.

    Returns:
        For each source the attributes of a DataSource that change.

    Raises:
        ConfigurationError: no table, an unknown key, or a value of the wrong type.
    """
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{location} = {value!r} is not a table")
    redirects: dict[str, Mapping[str, Any]] = {}
    for name, entry in value.items():
        table = {"data": entry} if isinstance(entry, str) else entry
        if not isinstance(table, Mapping):
            raise ConfigurationError(
                f"{location}.{name!r}: {entry!r} is neither a path nor a table"
            )
        redirects[name] = _attributes(table, f"{location}.{name!r}")
    return redirects


def redirectable(data: str, split: str | None) -> tuple[str, str]:
    """Return the names under which a source may be redirected, that of its split first."""
    return f"{data}@{split or DEFAULT_SPLIT}", data


def _attributes(table: Mapping[str, Any], location: str) -> dict[str, Any]:
    """Return the attributes of a DataSource that a table sets."""
    for key, entry in table.items():
        if key not in SOURCE_KEYS:
            raise ConfigurationError(f"{location}: " + unknown_name("key", key, SOURCE_KEYS))
        _check_entry(key, entry, location)
    values = dict(table)
    if "fields" in values:
        fields_ = values["fields"]
        values["templates"] = dict(fields_) if isinstance(fields_, Mapping) else {}
    for key in ("fields", "columns", "steps"):
        if key in values:
            values[key] = tuple(values[key])
    for key in ("group", "options"):
        if key in values:
            values[key] = _listed(values[key])
    if "where" in values:
        values["where"] = {
            column: tuple(map(_condition, _listed(allowed)))
            for column, allowed in values["where"].items()
        }
    return values


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def _condition(value: Any) -> str:
    """Return a value as `where` compares it: as text, nothing as empty, true and false in words."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _condition_forms(value: Any) -> tuple[str, ...]:
    """Return the ways of writing a value that `where` compares; nothing is an empty text."""
    value = plain(value)
    return ("",) if is_missing(value) else label_forms(value) or (str(value),)


def _refuse_unnamed(source: DataSource) -> None:
    if source.scheme == YOURS:
        raise DataError(
            f"{source.data} stands for data that only you have; name it under "
            f'[tool.pytest_ood.data]: "{source.data}" = "PATH"'
        )


def _check_source(source: DataSource) -> None:
    """Check the kind of a source, and the keys that this kind supports."""
    if source.answer_form is not None and not source.options:
        raise ConfigurationError(
            f"{source.data}: answer_form: it says how the label names one of the options; "
            "`options` names their column"
        )
    if source.steps is not None and source.rationale is None:
        raise ConfigurationError(
            f"{source.data}: steps: they are those of the rationale; `rationale` names its column"
        )
    if source.scheme == HUB:
        _refuse_keys(source, ("columns",), "a hub data set has names for them")
        _refuse_keys(source, ("separator", "encoding"), "a hub data set has none; files have")
    splits: tuple[str, ...] = ()
    if source.scheme == ASSET:
        rest = source.data.partition(":")[2]
        asset, _, part = rest.partition("/")
        if asset != "icwsm-2014" or part not in ICWSM_DOMAINS:
            available = [f"icwsm-2014/{domain}" for domain in ICWSM_DOMAINS]
            raise ConfigurationError(unknown_name("data asset", rest, available))
        _refuse_keys(source, _NO_COLUMN_KEYS, "packaged data has no columns")
        splits = ("all", "test", "train")
    elif not source.scheme:
        check_layout(source.data, source.layout)
    may_have_any = source.scheme in (HUB, YOURS) or form_of(source.data) == LIST
    if source.split is not None and not may_have_any and source.split not in splits:
        raise ConfigurationError(f"{source.data}: " + unknown_name("split", source.split, splits))


def _refuse_keys(source: DataSource, keys: Iterable[str], why: str) -> None:
    for key in keys:
        if getattr(source, key):
            raise ConfigurationError(f"{source.data}: {key}: {why}")


def _check_entry(key: str, entry: Any, location: str) -> None:
    right, expected = _is_right(key, entry)
    if not right:
        raise ConfigurationError(f"{location}: {key} = {entry!r} is not {expected}")
    if not entry:
        raise ConfigurationError(f"{location}: {key} is empty; fill it in, or leave it out")
    check = _CHECKS.get(key)
    if check is not None:
        try:
            check(entry)
        except ConfigurationError as error:
            raise ConfigurationError(f"{location}: {error}") from None
    names = entry if key in ("fields", "columns", "options") and not isinstance(entry, str) else ()
    if "" in names or len(set(names)) < len(names):
        raise ConfigurationError(f"{location}: {key} = {entry!r}: names differ and are not empty")
    if key == "fields" and isinstance(entry, Mapping):
        for name, template in entry.items():
            if not _COLUMN.search(template):
                raise ConfigurationError(
                    f"{location}: fields.{name} = {template!r} names no column; write "
                    "{COLUMN} where its text goes"
                )


_CHECKS: dict[str, Callable[[str], object]] = {
    "encoding": check_encoding,
    "language": find_language,
}
"""Raise a ConfigurationError for a value that there is not."""


def _is_right(key: str, entry: Any) -> tuple[bool, str]:
    """Return whether a value is of the type that a key takes, and which that is, in words."""
    texts = isinstance(entry, list | tuple) and all(isinstance(name, str) for name in entry)
    table = isinstance(entry, Mapping)
    names = table and all(isinstance(name, str) for name in entry.values())
    numbers = isinstance(entry, list | tuple) and [type(number) for number in entry] == [int, int]
    values = [v for allowed in entry.values() for v in _listed(allowed)] if table else []
    right: dict[str, tuple[bool, str]] = {
        "fields": (texts or names, "a list of column names, or a table of templates"),
        "columns": (texts, "a list of column names"),
        "group": (texts or isinstance(entry, str), "a column name, or a list of them"),
        "options": (texts or isinstance(entry, str), "a column name, or a list of them"),
        "answer_form": (entry in FORMS, f"one of {', '.join(FORMS)}"),
        "labels": (names, "a table of names"),
        "where": (
            table and all(isinstance(value, str | int | float) for value in values),
            "a table of values, or lists of values, by column",
        ),
        "max_examples": (type(entry) is int and entry > 0, "a whole number of 1 or more"),
        "separator": (
            isinstance(entry, str) and len(entry) == 1 and entry not in '"\r\n\0',
            r'one character, such as ";" or "\t", and neither a quote nor the end of a line',
        ),
        "steps": (numbers and 0 <= entry[0] <= entry[1], "a list of the least and the most steps"),
    }
    return right.get(key, (isinstance(entry, str), "a string"))


@dataclass(frozen=True, kw_only=True)
class Reader:
    """Loads data sources.

    Attributes:
        root: The folder that relative paths start from.
        cache: The cache folder, for packaged data.
        offline: Whether fetching is forbidden.
        progress: Reports downloads.
        redirects: The redirects of data sources; see `parse_redirects`.
    """

    root: Path
    cache: Path
    offline: bool
    progress: Progress
    redirects: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def check(self, source: DataSource) -> None:
        """Check that a file exists, without reading it.

        Raises:
            DataError: names the file, or the data that only the user has.
            ConfigurationError: the source is redirected to an unknown kind of data.
        """
        resolved = self.resolved(source)
        _refuse_unnamed(resolved)
        path = self.root / resolved.data
        if resolved.scheme or path.is_file():
            return
        if path.is_dir():
            raise DataError(f"{path}: it is a folder; name the file that has the rows")
        raise DataError(f"{path}: there is no such file")

    def redirected(self, data: str) -> str:
        """Return the file to which a file is redirected, or the file itself."""
        return self.resolved(DataSource(data=data)).data

    def resolved(self, source: DataSource) -> DataSource:
        """Return the source to which a source is redirected, or the source itself.

        `{split}` in a redirect is replaced by the source's split. Another hub data set is read at
        the same split, and so is the replacement of the user's own data; any other has no split
        unless the redirect names one.

        Raises:
            ConfigurationError: the source is redirected to an unknown kind of data.
        """
        source = source.completed()
        split = source.split or DEFAULT_SPLIT
        names = redirectable(source.data, split)
        key = next((name for name in names if name in self.redirects), None)
        if key is None:
            return source
        changes = dict(self.redirects[key])
        for attribute in ("data", "split"):
            if attribute in changes:
                changes[attribute] = changes[attribute].replace("{split}", split)
        resolved = replace(source, **changes)
        keeps_split = "split" in changes or resolved.scheme == HUB or source.scheme == YOURS
        if "data" in changes:
            written = {"separator", "columns", "encoding"} - changes.keys()
            own = {**resolved.inherited, **{name: getattr(resolved, name) for name in written}}
            resolved = replace(
                resolved, split=resolved.split if keeps_split else None, inherited=own
            ).fitting()
        try:
            _check_source(resolved)
        except ConfigurationError as error:
            raise ConfigurationError(f"tool.pytest_ood.data.{key!r}: {error}") from None
        return resolved

    def load(self, source: DataSource, name: str, task: Task | None = None) -> Dataset:
        """Load a data source, or `max_examples` of its examples, as a data set.

        Args:
            source: The data source.
            name: The name of the data set.
            task: The task, which checks the labels; None for any labels.

        Raises:
            DataError: the file is missing, empty, not in its encoding, lacks a column, or has a bad
                row; the message names file, row and field.
            ConfigurationError: the kind of source is unknown.
            AssetError: packaged data that cannot be fetched.
            MissingDependencyError: a hub data set without the package `datasets`.
        """
        _check_source(source.completed())
        resolved = self.resolved(source)
        _refuse_unnamed(resolved)
        whole = self._whole(resolved, name, task)
        if resolved.max_examples is None:
            return whole
        # Sampled under a fixed name: that of the data set differs from suite to suite.
        drawn = Dataset("max_examples", whole.examples).sample(resolved.max_examples, seed=0)
        return Dataset(name, drawn.examples)

    def _whole(self, source: DataSource, name: str, task: Task | None) -> Dataset:
        rest = source.data.partition(":")[2]
        if source.scheme == ASSET:
            dataset = self._asset(rest, source, name)
            if task is not None:
                check_labels(dataset, task.truths)
            return dataset
        if source.scheme == HUB:
            return _dataset(name, source.data, self._hub_rows(rest, source), source, task)
        path = self.root / source.data
        rows = parse_rows(path, source.layout)
        return _dataset(name, str(path), rows, source, task)

    def _hub_rows(self, name: str, source: DataSource) -> NumberedRows:
        datasets = require("datasets", extra="datasets", purpose=f"the data set {source.data!r}")
        configuration, split = None, source.split or DEFAULT_SPLIT
        if "#" in name:
            name, _, configuration = name.partition("#")
        try:
            loaded = datasets.load_dataset(
                name,
                configuration,
                split=split,
                download_config=datasets.DownloadConfig(local_files_only=self.offline),
            )
        except Exception as error:
            raise DataError(
                f"{source.data}: the data set cannot be loaded (split {split!r}): {error}. "
                "A copy on this machine takes its place by a line in pyproject.toml: "
                f'[tool.pytest_ood.data] "{source.data}@{split}" = "PATH"'
            ) from error
        names = {
            column: names
            for column, feature in loaded.features.items()
            if (names := getattr(getattr(feature, "feature", feature), "names", None))
        }
        for number, row in enumerate(loaded, start=1):
            yield number, named_classes(row, names)

    def _asset(self, rest: str, source: DataSource, name: str) -> Dataset:
        asset, _, part = rest.partition("/")
        split = source.split or ("test" if part == "movies" else "all")
        folder = fetch(asset, self.cache, offline=self.offline, progress=self.progress)
        text = (folder / f"{ICWSM_DOMAINS[part]}_GroundTruth.txt").read_text(encoding="utf-8")
        cut = ICWSM_TRAIN_SIZE if part == "movies" else None
        return Dataset(name, tuple(_icwsm_examples(text, split, cut)))


@dataclass(frozen=True, kw_only=True)
class Loading(ReloadsAfterPickling):
    """Loads a data source when it is first called, once in a process.

    Attributes:
        reader: Loads the data.
        source: The data source.
        task: The task, which checks the labels.
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
        text: The content of the file.
        split: "train", "test" or "all".
        cut: The number of training examples; None for half of them.
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


def _dataset(
    name: str, origin: str, rows: NumberedRows, source: DataSource, task: Task | None
) -> Dataset:
    numbers, digests = array("Q"), array("Q")
    row_filter = RowFilter(source=source)
    first = list(islice(rows, 1))
    for _, row in first:
        source = source.adapted(row)
    answers = _AnswerReader(
        origin=origin, source=source, task=task, first=next((number for number, _ in first), None)
    )

    most_options = _most_options(source, task)

    def examples() -> Iterator[Example]:
        """Yield an example for each selected row."""
        for number, row in chain(first, rows):
            steps = _rationale(origin, number, row, source)
            if not row_filter.has(origin, number, row, steps):
                continue
            options = options_of_row(origin, number, row, source.options, most_options)
            inputs = options.added_to(inputs_of_row(origin, number, row, source))
            language = _language(origin, number, row, source)
            label, *others = answers.in_language(language).of_row(number, row, inputs, options)
            if source.id is None:
                identifier = content_digest(inputs, label)
                digests.append(int(identifier, 16))
            else:
                identifier = _identifier(origin, number, row, source)
                digests.append(_digest(identifier))
            numbers.append(number)
            group = ", ".join(cell(origin, number, row, name, "group") for name in source.group)
            yield Example(
                id=identifier,
                inputs=inputs,
                label=label,
                references=tuple(others),
                group=group,
                rationale=steps,
                language=language,
            )

    spool = spooled(examples())
    if not spool:
        raise DataError(f"{origin}: {row_filter.why_none()}")
    row_filter.check(origin, task.labels if task is not None else ())
    counts = occurrences(np.frombuffer(digests, np.uint64))
    if counts.max() == 1 and _digest(NO_ID) not in digests:
        return Dataset(name, spool)
    if source.id is not None and "id" not in source.inherited:
        _check_ids(f"{origin}, row {{}}, field {source.id!r}", spool, numbers, counts > 1)
        return Dataset(name, spool)
    if source.id is not None:
        # The suite's `id` says nothing about this file, whose column of that name has no ids.
        spool = spooled(replace(e, id=content_digest(e.inputs, e.label)) for e in spool)
        counts = occurrences(np.array([int(e.id, 16) for e in spool], np.uint64))
    counted = zip(spool, counts.tolist(), strict=True)
    return Dataset(name, spooled(replace(e, id=counted_id(e.id, count)) for e, count in counted))


def _most_options(source: DataSource, task: Task | None) -> int:
    """Return the largest number of options of a row.

    Raises:
        DataError: the task has no options.
    """
    if task is None or not source.options:
        return len(LETTERS)
    if not task.labels_vary:
        raise DataError(
            f"{source.data}: options: they belong to the task {MULTIPLE_CHOICE}, and this one is "
            f'{task.name}; leave `options` out, or set task = "{MULTIPLE_CHOICE}"'
        )
    return len(task.labels)


def _identifier(origin: str, number: int, row: Mapping[str, Any], source: DataSource) -> str:
    """Return the id of a row; NO_ID if there is none, and the table of its data names no column.

    Raises:
        DataError: it is blank or missing.
    """
    assert source.id is not None, "unreachable because ids are derived from the content otherwise"
    try:
        return identifier_of(origin, number, row, source.id)
    except DataError:
        if "id" in source.inherited:
            return NO_ID
        raise


def _language(origin: str, number: int, row: Mapping[str, Any], source: DataSource) -> str:
    """Return the language of a row, or "" for English that nobody named.

    Raises:
        DataError: the row names a language that is not known.
    """
    column = source.language_column
    value = value_of(origin, number, row, column) if column is not None else None
    if value is None or is_missing(value) or value == "":
        return source.language or ""
    try:
        return find_language(value).code
    except ConfigurationError as error:
        raise DataError(f"{origin}, row {number}, field {column!r}: {error}") from None


def _digest(identifier: str) -> int:
    return hash(identifier) % 2**64


@dataclass(kw_only=True)
class RowFilter:
    """Selects rows by `where` and `steps` of a source, and collects values for messages.

    Attributes:
        source: The data source.
        rows: The number of rows so far.
        values: Some of the values of each column of `where`.
        matched: For each column the values of `where` that rows have, in all ways of writing them.
    """

    source: DataSource
    rows: int = 0
    values: dict[str, set[str]] = field(default_factory=dict)
    matched: dict[str, set[str]] = field(default_factory=dict)

    @cached_property
    def _allowed(self) -> dict[str, set[str]]:
        """The selected values of each column, in all ways of writing them."""
        return {
            column: {form for value in allowed for form in _condition_forms(value)}
            for column, allowed in self.source.where.items()
        }

    def has(self, origin: str, number: int, row: Mapping[str, Any], rationale: str = "") -> bool:
        """Return whether a row is selected.

        Raises:
            DataError: it lacks a column.
        """
        self.rows += 1
        selected = True
        for column, allowed in self._allowed.items():
            value = value_of(origin, number, row, column)
            values, forms = self.values.setdefault(column, set()), _condition_forms(value)
            if len(values) < MOST_VALUES:
                values.add(beginning(forms[0]))
            # As it stands, where `where` has a text that is no label, such as white space.
            forms = (*forms, value) if isinstance(value, str) else forms
            matched = allowed.intersection(forms)
            if matched:
                self.matched.setdefault(column, set()).update(matched)
            selected = selected and bool(matched)
        if self.source.steps is not None:
            least, most = self.source.steps
            selected = selected and least <= len(reasoning_of(rationale).splitlines()) <= most
        return selected

    def check(self, origin: str, labels: Collection[str] = ()) -> None:
        """Check that rows have every value of `where`; a typo would exclude rows.

        Labels of the task may be listed even if the file has none of them.

        Args:
            origin: The beginning of the message.
            labels: The labels of the task.

        Raises:
            DataError: names value and column, and the nearest values.
        """
        for column, allowed in self.source.where.items():
            matched, values = self.matched.get(column, set()), self.values.get(column, set())
            may_lack = {*labels, *self.source.labels} if column == self.source.label else set()
            folded = {value.strip().casefold() for value in values - self._allowed[column]}
            for value in allowed:
                if not matched.isdisjoint(_condition_forms(value)):
                    continue
                if value in may_lack and value.strip().casefold() not in folded:
                    continue
                raise DataError(
                    f"{origin}: where: no row has {_toml_key(column)} = {shown(value)}: "
                    f"{_unknown_value(value, values)} Correct it, or take it out of `where`"
                )

    def why_none(self) -> str:
        """Return the message for a source without selected rows."""
        if not self.rows:
            return "there is no row in it; give at least one"
        conditions = [f"{c} = {' or '.join(map(shown, v))}" for c, v in self.source.where.items()]
        if self.source.steps is not None:
            conditions.append("from {} to {} steps".format(*self.source.steps))
        available = [
            f"{column} has {', '.join(map(repr, sorted(values)[:MOST_NAMED_VALUES]))}"
            for column, values in self.values.items()
        ]
        suffix = f" ({'; '.join(available)})" if available else ""
        return f"none of its {self.rows} rows has {' and '.join(conditions)}{suffix}"


def _unknown_value(value: str, available: Collection[str]) -> str:
    """Return the message for a value of `where` that no row has."""
    near = near_names(value, available)
    listed = [*near, *(other for other in sorted(available) if other not in near)][
        :MOST_NAMED_VALUES
    ]
    message = unknown_name("value", value, listed)
    return message if len(available) <= len(listed) else f"{message[:-1]}, ..."


def inputs_of_row(origin: str, number: int, row: Mapping[str, Any], source: DataSource) -> Inputs:
    """Return the inputs of a row.

    Raises:
        DataError: a column is missing, or has no text.
    """

    def composed(template: str) -> str:
        """Return a template with the columns of the row filled in."""
        return _COLUMN.sub(lambda match: cell(origin, number, row, match[1]), template)

    values = {
        name: composed(source.templates[name])
        if source.templates
        else cell(origin, number, row, name)
        for name in source.fields
    }
    return values[source.fields[0]] if source.is_single else values


def _rationale(origin: str, number: int, row: Mapping[str, Any], source: DataSource) -> str:
    if source.rationale is None:
        return ""
    # Not normalised: perturbations of numbers compute the answer from it again.
    return cell(origin, number, row, source.rationale, "rationale").strip()


@dataclass(frozen=True, kw_only=True)
class _AnswerReader:
    """Reads the right answers of rows.

    Attributes:
        origin: The beginning of messages.
        source: The data source, with the column and the names of labels.
        task: The task, which checks the answers; None for any answers.
        first: The number of the first row.
        cached: The labels of values that were read before.
        others: The readers of answers in other languages, by language.
    """

    origin: str
    source: DataSource
    task: Task | None
    first: int | None = None
    cached: dict[tuple[type, Any], str] = field(default_factory=dict)
    others: dict[str, _AnswerReader] = field(default_factory=dict)

    def in_language(self, language: str) -> _AnswerReader:
        """Return the reader of answers in a language; "" for that of the task."""
        if self.task is None or not language:
            return self
        if language not in self.others:
            task = self.task.in_language(language)
            self.others[language] = replace(self, task=task, cached={}, others={})
        return self.others[language]

    def of_row(
        self,
        number: int,
        row: Mapping[str, Any],
        inputs: Inputs,
        options: RowOptions,
    ) -> list[str]:
        """Return the right answers of a row with these inputs, without repeats.

        Args:
            number: The number of the row.
            row: The row.
            inputs: Its inputs.
            options: Its options, if it has any.

        Raises:
            DataError: there is none, an invalid one, or more than the task allows.
        """
        value = value_of(self.origin, number, row, self.source.label)
        if options.texts:
            return [self._letter(number, value, options)]
        encoded = self._encoded(number, value, inputs)
        if encoded is not None:
            return [encoded]
        if not isinstance(value, list | tuple):
            return [self._one(number, value)]
        answers = list(dict.fromkeys(self._one(number, entry) for entry in value))
        task = self.task
        if len(answers) != 1 and task is not None and not task.several:
            described = (
                f"{len(answers)} different answers ({', '.join(answers)})"
                if answers
                else "no answer"
            )
            raise DataError(
                f"{self._at(number)}there is {beginning(described)}; the task {task.name} has one "
                "right answer to each row"
            )
        # A question that has no answer (Rajpurkar et al. 2018, SQuAD 2.0).
        return answers or [self._in_form(number, "")]

    def _letter(self, number: int, value: Any, options: RowOptions) -> str:
        """Return the letter of the right option."""
        try:
            return LETTERS[options.position(value, self.source.answer_form)]
        except DataError as error:
            raise DataError(f"{self._at(number)}{error}") from None

    def _encoded(self, number: int, value: Any, inputs: Inputs) -> str | None:
        """Return the answer of a value that the task reads itself, or None."""
        task, names = self.task, self.source.labels
        if task is None or (not task.structured and renamed_label(value, names) is not value):
            return None
        try:
            return task.encode(task.renamed(value, names), inputs)
        except DataError as error:
            raise DataError(f"{self._at(number)}{error}") from None

    def _one(self, number: int, value: Any) -> str:
        if not isinstance(value, str | int | float):
            return self._read(number, value)
        key = (type(value), value)
        if key not in self.cached:
            label = self._read(number, value)
            if len(self.cached) >= MOST_CACHED_LABELS:
                return label
            self.cached[key] = label
        return self.cached[key]

    def _read(self, number: int, value: Any) -> str:
        """Return the label of a value.

        A value may be written in several ways (`1` and `1.0`, `true` and `True`), of which the one
        in `labels`, or else in the task, is taken.
        """
        source, task = self.source, self.task
        value = plain(value)
        missing = is_missing(value)
        forms = (NO_LABEL,) if missing and NO_LABEL in source.labels else label_forms(value)
        labels = task.truths if task is not None else ()
        renamed = next((source.labels[form] for form in forms if form in source.labels), None)
        label = next((form for form in forms if form in labels), next(iter(forms), None))
        # What a suite's data call their labels need not be what other data call them.
        strict = bool(source.labels) and "labels" not in source.inherited
        if renamed is not None:
            label = renamed
        elif is_unlabelled(value) and (strict or (label not in labels if labels else missing)):
            if task is None or labels or strict:
                raise DataError(f"{self._at(number)}{_unlabelled(value, source, labels)}")
        elif strict and forms:
            raise DataError(self._at(number) + self._unknown(number, forms[0], source.labels))
        if label is None or isinstance(value, str):
            # Refuses what is no text.
            text_of(self.origin, number, source.label, value, "label")
        assert label is not None, "unreachable because text_of() refuses what has no form"
        if labels and label not in labels:
            raise DataError(self._at(number) + self._unknown(number, label, labels))
        return self._in_form(number, label)

    def _in_form(self, number: int, answer: str) -> str:
        """Return a right answer in the form in which the task compares answers."""
        try:
            return answer if self.task is None else self.task.reference(answer)
        except DataError as error:
            raise DataError(f"{self._at(number)}{error}") from None

    def _unknown(self, number: int, label: str, allowed: Collection[str]) -> str:
        """Return the message for an unknown label, with advice.

        Args:
            number: The number of the row.
            label: The label, as in the file or as renamed by `labels`.
            allowed: The labels that `labels` of the source renames, or the task's.
        """
        message, source = unknown_name("label", label, allowed), self.source
        if number == self.first and source.columns:
            message += (
                " Where that row is a header, it names the columns itself: leave `columns` out."
            )
        if label in source.labels.values():
            return (
                f"{message} `labels` of the data renames labels of the file to those of the suite."
            )
        if len(label) > LONGEST_SHOWN:
            return message
        ours = self.task.labels if self.task is not None else ()
        names = {**{name: name for name in ours}, **source.labels}
        meant = [names[name] for name in names if _letters(name) == _letters(label)]
        name = json.dumps(meant[0], ensure_ascii=False) if meant else '"..."'
        message += (
            f" Where {shown(label)} stands for a label of the suite, say so beside `data`, for all "
            f"labels of the file: labels = {{ {_toml_key(label)} = {name}, ... }}"
        )
        if meant:
            return f"{message}."
        listed = [*map(json.dumps, [*allowed][:MOST_NAMED_VALUES])]
        return (
            f"{message}; where = {{ {_toml_key(source.label)} = [{', '.join(listed)}] }} leaves "
            "rows with other values out."
        )

    def _at(self, number: int) -> str:
        return f"{self.origin}, row {number}, field {shown(self.source.label)}: "


def _unlabelled(value: Any, source: DataSource, labels: Sequence[str]) -> str:
    """Return the message for a row without a label, with advice on excluding such rows."""
    listed = [*map(json.dumps, [*(source.labels or labels)][:MOST_NAMED_VALUES])] or [
        '"LABEL"',
        "...",
    ]
    described, name = shown(value), _toml_key((label_forms(value) or (NO_LABEL,))[-1])
    if is_missing(value):
        described += " is neither text nor a finite number: it"
    return (
        f"{described} commonly means that a row is unlabelled; leave such rows out with where = "
        f"{{ {_toml_key(source.label)} = [{', '.join(listed)}] }}, or say what it stands for with "
        f"labels = {{ {name} = ... }}"
    )


def _toml_key(name: str) -> str:
    # JSON escapes what is no ASCII by pairs of surrogates, which TOML does not have.
    plain = re.fullmatch(r"[A-Za-z0-9_-]+", name)
    return name if plain else json.dumps(name, ensure_ascii=False)


def _letters(label: str) -> str:
    return label.strip().casefold()


def _check_ids(
    location: str, examples: Sequence[Example], numbers: Sequence[int], later: NDArray[np.bool_]
) -> None:
    """Check that ids are unique.

    Args:
        location: The beginning of the message, with `{}` for the number of the row.
        examples: The examples.
        numbers: The numbers of their rows.
        later: Whether an earlier id has the same hash, shape (n,).
    """
    suspects = {examples[int(index)].id for index in np.flatnonzero(later)}
    first: dict[str, int] = {}
    for number, example in zip(numbers, examples, strict=True):
        if example.id in first:
            raise DataError(
                f"{location.format(number)}: row {first[example.id]} has the id {example.id!r}, "
                "too; ids must be unique"
            )
        if example.id in suspects:
            first[example.id] = number
