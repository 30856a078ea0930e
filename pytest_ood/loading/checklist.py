"""CheckList suites: files of behavioural tests, read as cases.

A row of JSON is a case: `test`, `type` (MFT, INV or DIR), `data`, and where it has them
`capability`, `i`, `label` and `expect` (see `cases.parse_expectation`). Tests are those of Ribeiro
et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, section 2.2.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.examples import Dataset, Example, content_ids
from pytest_ood.data.values import is_missing, label_forms
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.loading.cases import (
    TOLERANCE,
    AllRight,
    Avoiding,
    Case,
    Invariant,
    Monotonic,
    check_tolerance,
    label_of,
    parse_expectation,
)
from pytest_ood.loading.formats import LINES, LIST, PARQUET, form_of, parse_rows
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.loading.cases import Expectation
    from pytest_ood.tasks import Task

TYPES = ("DIR", "INV", "MFT")
KEYS = ("checklist", "fields", "labels", "tests", "capabilities", "types", "expect", "tolerance")
"""The keys of the table of a CheckList suite."""


@dataclass(frozen=True, kw_only=True)
class Checklist:
    """A file of behavioural tests, or some of them.

    Attributes:
        data: The file: `.jsonl` or another kind whose rows can have lists.
        fields: The names of an input's fields; one for a single text.
        labels: The suite's label for each label of the file; if there are any, rows with other
            labels are excluded.
        tests: The names of the tests to read; empty for all.
        capabilities: The capabilities to read; empty for all.
        types: The types to read (MFT, INV, DIR); empty for all.
        expect: The expectation of a test, by its name, for rows that have none.
        tolerance: The default tolerance of probabilities.
    """

    data: str
    fields: tuple[str, ...] = ("text",)
    labels: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    expect: Mapping[str, Expectation] = field(default_factory=dict)
    tolerance: float = TOLERANCE


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """The cases of a CheckList suite.

    Attributes:
        dataset: The cases.
        left_out: The reasons why rows were excluded, each with the number of rows.
    """

    dataset: Dataset
    left_out: tuple[tuple[str, int], ...]


def parse_checklist(table: Mapping[str, Any], fields: tuple[str, ...], location: str) -> Checklist:
    """Read the table of a shift that names a CheckList suite.

    Args:
        table: A table with the key `checklist`.
        fields: The fields of an input, unless the table has others: those of the suite's data.
        location: The beginning of messages.

    Raises:
        ConfigurationError: an unknown key or a wrong value.
    """
    settings = ConfigTable(table, location).only(KEYS)
    data = settings["checklist"]
    if not isinstance(data, str) or form_of(data) not in (LINES, LIST, PARQUET):
        raise settings.wrong("checklist", "a path that ends in .jsonl, .json or .parquet")
    for key in ("fields", "tests", "capabilities", "types"):
        if key in settings and not settings.strings(key):
            raise settings.wrong(key, "a list of names")
    try:
        tolerance = check_tolerance(settings.get("tolerance", TOLERANCE))
        expected = {
            test: parse_expectation(expectation, tolerance)
            for test, expectation in settings.subtable("expect").items()
        }
    except DataError as error:
        raise settings.error(str(error)) from None
    return Checklist(
        data=data,
        fields=settings.strings("fields", fields),
        labels=settings.names("labels"),
        tests=settings.strings("tests"),
        capabilities=settings.strings("capabilities"),
        types=settings.choices("types", TYPES, "type"),
        expect=expected,
        tolerance=tolerance,
    )


def load_checklist(source: Checklist, root: Path, name: str, task: Task) -> Loaded:
    """Read a CheckList suite as cases.

    Rows with a label that the task lacks, or with neither label nor expectation, are excluded and
    counted.

    Args:
        source: The file, and the tests to read.
        root: The folder that relative paths start from.
        name: The name of the data set.
        task: The task, which has the labels.

    Raises:
        DataError: the file is missing or has a bad row, which the message names; or all rows are
            excluded.
        ConfigurationError: the file lacks a test or a capability, or the task a label.
    """
    path = root / source.data
    for expectation in source.expect.values():
        label = label_of(expectation)
        if label is not None and label not in task.labels:
            raise ConfigurationError(
                f"{path}: expect: " + unknown_name("label", label, task.labels)
            )
    reader = _Rows(source, task)
    for number, row in parse_rows(path):
        try:
            reader.take(row)
        except DataError as error:
            raise DataError(f"{path}, row {number}: {error}") from None
    for kind, names, available in (
        ("test", source.tests, reader.tests),
        ("test", source.expect, reader.tests),
        ("capability", source.capabilities, reader.capabilities),
    ):
        for name_ in names:
            if name_ not in available:
                raise ConfigurationError(f"{path}: " + unknown_name(kind, name_, available))
    left_out = tuple(sorted(reader.left_out.items(), key=lambda pair: (-pair[1], pair[0])))
    if not reader.cases:
        reasons = "; ".join(f"{count}: {why}" for why, count in left_out) or "there is no row"
        raise DataError(
            f"{path}: no case is left for {name} ({reasons}); see `labels` and `expect`"
        )
    return Loaded(dataset=Dataset(name, tuple(reader.cases)), left_out=left_out)


class _LeftOutError(Exception):
    """A row is excluded; the message has the reason."""


class _Rows:
    """Converts rows to cases, and counts the excluded rows."""

    def __init__(self, source: Checklist, task: Task) -> None:
        self.source, self.task = source, task
        self.cases: list[Case] = []
        self.left_out: Counter[str] = Counter()
        self.tests: dict[str, None] = {}
        self.capabilities: dict[str, None] = {}
        self.seen: Counter[str] = Counter()

    def take(self, row: Mapping[str, Any]) -> None:
        """Add the case of a row, or count the row as excluded."""
        test, kind = _text(row, "test"), _text(row, "type")
        capability = _text(row, "capability", "")
        if kind not in TYPES:
            raise DataError(unknown_name("type", kind, TYPES))
        self.tests.setdefault(test)
        self.capabilities.setdefault(capability)
        chosen = (
            (self.source.tests, test),
            (self.source.capabilities, capability),
            (self.source.types, kind),
        )
        if any(selected and value not in selected for selected, value in chosen):
            return
        inputs = self._inputs(row)
        labels = self._labels(row, len(inputs))
        try:
            expectation = self._expectation(row, test, kind)
            if isinstance(expectation, AllRight):
                labels = [self._label(label) for label in labels]
        except _LeftOutError as error:
            self.left_out[str(error)] += 1
            return
        if kind != "MFT" and len(inputs) < 2:  # noqa: PLR2004 - an original and what became of it
            raise DataError(f"data: {kind} compares two inputs or more, and there is one")
        identifier = self._id(row, test, inputs)
        members = [
            Example(f"{identifier}/{n}" if len(inputs) > 1 else identifier, value, label or "")
            for n, (value, label) in enumerate(zip(inputs, labels, strict=True))
        ]
        path = (*filter(None, [capability]), f"{test} ({kind})")
        self.cases.append(Case.of(identifier, members, expectation, path))

    def _id(self, row: Mapping[str, Any], test: str, inputs: Sequence[Inputs]) -> str:
        own = row.get("i")
        if isinstance(own, str) and not own.strip():
            raise DataError(
                f"i = {own!r}: an id names its row and is not blank; fill it in, or leave `i` out"
            )
        if own is None:
            own = content_ids((value, "") for value in inputs)[0]
        identifier = f"{test}#{own}"
        self.seen[identifier] += 1
        count = self.seen[identifier]
        return identifier if count == 1 else f"{identifier}-{count}"

    def _inputs(self, row: Mapping[str, Any]) -> list[Inputs]:
        """Return the inputs of a row: one, or a list of them."""
        if "data" not in row:
            raise DataError(unknown_name("field", "data", row))
        data = row["data"]
        if self._is_one(data):
            return [self._input(data)]
        if not isinstance(data, list) or not data or not all(map(self._is_one, data)):
            one = f"a list of {len(self.source.fields)} texts ({', '.join(self.source.fields)})"
            raise DataError(
                f"data = {str(data)[:80]!r} is neither one input nor a list of them; here an input "
                f"is {'a text' if len(self.source.fields) == 1 else one}"
            )
        return [self._input(one) for one in data]

    def _is_one(self, data: Any) -> bool:
        if len(self.source.fields) == 1:
            return isinstance(data, str)
        return (
            isinstance(data, list)
            and len(data) == len(self.source.fields)
            and all(isinstance(text, str) for text in data)
        )

    def _input(self, data: Any) -> Inputs:
        if isinstance(data, str):
            return data
        return dict(zip(self.source.fields, data, strict=True))

    def _labels(self, row: Mapping[str, Any], count: int) -> list[str | None]:
        """Return the label of each input as the file has it, or None."""
        value = row.get("label")
        listed = value if isinstance(value, list) else [value] * count
        if len(listed) != count:
            raise DataError(f"label: {len(listed)} labels for {count} inputs")
        labels: list[str | None] = []
        for label in listed:
            forms = label_forms(label)
            is_fraction = isinstance(label, float) and len(forms) == 1
            if not is_missing(label) and (not forms or is_fraction):
                raise DataError(
                    f"label = {shown(label)} is neither text nor a whole number, nor true or "
                    "false; null stands for none"
                )
            named = (f for f in forms if f in self.source.labels or f in self.task.labels)
            labels.append(next(named, next(iter(forms), None)))
        return labels

    def _expectation(self, row: Mapping[str, Any], test: str, kind: str) -> Expectation:
        """Return the expectation of a row."""
        own = row.get("expect")
        if own is not None:
            expectation = self._renamed(parse_expectation(own, self.source.tolerance))
        elif test in self.source.expect:
            expectation = self.source.expect[test]
        elif kind == "DIR":
            raise _LeftOutError("a directional test that does not say what is expected (`expect`)")
        else:
            expectation = Invariant(self.source.tolerance) if kind == "INV" else AllRight()
        if expectation.kind != kind:
            raise DataError(f"expect: what is expected is of type {expectation.kind}, not {kind}")
        return expectation

    def _renamed(self, expectation: Expectation) -> Expectation:
        """Return an expectation of the file with the task's name of its label."""
        if isinstance(expectation, Avoiding):
            return replace(expectation, label=self._label(expectation.label))
        if isinstance(expectation, Monotonic) and expectation.label is not None:
            return replace(expectation, label=self._label(expectation.label))
        return expectation

    def _label(self, label: str | None) -> str:
        """Return the task's name for a label of the file."""
        if label is None:
            raise _LeftOutError("no label, and no expectation (`expect`)")
        if self.source.labels and label not in self.source.labels:
            raise _LeftOutError(f"label {label}: the task has none like it (`labels`)")
        name = self.source.labels.get(label, label)
        if not self.task.labels:
            return self.task.reference(name)
        if name not in self.task.labels:
            raise _LeftOutError(f"label {name}: the task has none like it (`labels`)")
        return name


def _text(row: Mapping[str, Any], key: str, default: str | None = None) -> str:
    value = row.get(key, default)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or (not value and default is None):
        raise DataError(f"{key} = {value!r} is no text")
    return value
