"""CheckList suites: files of behavioural tests, read as cases.

A row of JSON is a case: `test`, `type` (MFT, INV or DIR), `data`, and where it has them
`capability`, `i`, `label` and `expect` (see `cases.parse_expectation`). Tests are those of Ribeiro
et al. 2020, Beyond Accuracy: Behavioral Testing of NLP Models with CheckList, section 2.2.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.cases import (
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
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.examples import Dataset, Example, content_ids
from pytest_ood.formats import LINES, LIST, PARQUET, form_of, parse_rows
from pytest_ood.values import is_missing, label_forms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_ood.cases import Expectation
    from pytest_ood.examples import Inputs
    from pytest_ood.tasks import Task

TYPES = ("DIR", "INV", "MFT")
KEYS = ("checklist", "fields", "labels", "tests", "capabilities", "types", "expect", "tolerance")
"""What the table of a shift may say of a CheckList suite."""


@dataclass(frozen=True)
class Checklist:
    """A file of behavioural tests, or some of them.

    Attributes:
        data: The file: `.jsonl` or another kind whose rows hold lists.
        fields: Names of the fields that one input has; one for a single text.
        labels: Renames labels as they stand in the file; where it is given, rows with others are
            left out.
        tests: The tests that are taken, by name; empty for all.
        capabilities: The same by capability.
        types: The same by type: MFT, INV, DIR.
        expect: By the name of a test, what is expected where its rows do not say.
        tolerance: What a probability may move by, where rows do not say.
    """

    data: str
    fields: tuple[str, ...] = ("text",)
    labels: Mapping[str, str] = field(default_factory=dict)
    tests: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    expect: Mapping[str, Expectation] = field(default_factory=dict)
    tolerance: float = TOLERANCE


@dataclass(frozen=True)
class Loaded:
    """The cases of a CheckList suite.

    Attributes:
        dataset: Of cases.
        left_out: Why rows are no cases, and how many.
    """

    dataset: Dataset
    left_out: tuple[tuple[str, int], ...]


def parse_checklist(table: Mapping[str, Any], fields: tuple[str, ...], where: str) -> Checklist:
    """Read the table of a shift that names a CheckList suite.

    Args:
        table: With the key `checklist`.
        fields: Of the data in distribution: what one input has, unless the table says otherwise.
        where: What messages begin with.

    Raises:
        ConfigurationError: an unknown key or a wrong value.
    """
    for key in table:
        if key not in KEYS:
            raise ConfigurationError(f"{where}: " + unknown_name("key", key, KEYS))
    data = table["checklist"]
    if not isinstance(data, str) or form_of(data) not in (LINES, LIST, PARQUET):
        raise ConfigurationError(
            f"{where}: checklist = {data!r} is no path that ends in .jsonl, .json or .parquet"
        )
    lists = {
        key: _strings(table[key], f"{where}: {key}")
        for key in ("fields", "tests", "capabilities", "types")
        if key in table
    }
    for given in lists.get("types", ()):
        if given not in TYPES:
            raise ConfigurationError(f"{where}: types: " + unknown_name("type", given, TYPES))
    labels, expect = table.get("labels", {}), table.get("expect", {})
    if not isinstance(labels, Mapping) or not all(isinstance(v, str) for v in labels.values()):
        raise ConfigurationError(f"{where}: labels = {labels!r} is not a table of names")
    if not isinstance(expect, Mapping):
        raise ConfigurationError(f"{where}: expect = {expect!r} is not a table of tests")
    try:
        tolerance = check_tolerance(table.get("tolerance", TOLERANCE))
        expected = {test: parse_expectation(one, tolerance) for test, one in expect.items()}
    except DataError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return Checklist(
        data, labels=dict(labels), expect=expected, tolerance=tolerance,
        **{"fields": fields, **lists},
    )  # fmt: skip


def _strings(value: Any, where: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(v, str) for v in value):
        raise ConfigurationError(f"{where} = {value!r} is not a list of names")
    return tuple(value)


def load_checklist(source: Checklist, root: Path, name: str, task: Task) -> Loaded:
    """Read a CheckList suite as cases.

    Rows that ask for what the task does not have are left out and counted: a label that it lacks,
    or no label and no expectation.

    Args:
        source: The file, and what is taken of it.
        root: What a relative path starts from.
        name: Of the data set.
        task: Whose labels the rows' are.

    Raises:
        DataError: the file is missing or has a bad row, which the message names; or nothing of it
            is left.
        ConfigurationError: a test, a capability or a label that is named does not exist.
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
    for what, given, known in (
        ("test", source.tests, reader.tests),
        ("test", source.expect, reader.tests),
        ("capability", source.capabilities, reader.capabilities),
    ):
        for one in given:
            if one not in known:
                raise ConfigurationError(f"{path}: " + unknown_name(what, one, known))
    left_out = tuple(sorted(reader.left_out.items(), key=lambda pair: (-pair[1], pair[0])))
    if not reader.cases:
        told = "; ".join(f"{count}: {why}" for why, count in left_out) or "there is no row"
        raise DataError(f"{path}: no case is left for {name} ({told}); see `labels` and `expect`")
    return Loaded(Dataset(name, tuple(reader.cases)), left_out)


class _LeftOutError(Exception):
    """A row asks for what the task does not have; the message says why."""


class _Rows:
    """Turns rows into cases, and counts those that become none."""

    def __init__(self, source: Checklist, task: Task) -> None:
        self.source, self.task = source, task
        self.cases: list[Case] = []
        self.left_out: Counter[str] = Counter()
        self.tests: dict[str, None] = {}
        self.capabilities: dict[str, None] = {}
        self.seen: Counter[str] = Counter()

    def take(self, row: Mapping[str, Any]) -> None:
        """Add the case of a row, or count why there is none."""
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
        if any(wanted and given not in wanted for wanted, given in chosen):
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
        """Return the label of each input as it stands in the file, or None."""
        given = row.get("label")
        listed = given if isinstance(given, list) else [given] * count
        if len(listed) != count:
            raise DataError(f"label: {len(listed)} labels for {count} inputs")
        known = self.task.labels
        found: list[str | None] = []
        for one in listed:
            forms = label_forms(one)
            is_fraction = isinstance(one, float) and len(forms) == 1
            if not is_missing(one) and (not forms or is_fraction):
                raise DataError(
                    f"label = {shown(one)} is neither text nor a whole number, nor true or false; "
                    "null stands for none"
                )
            named = (form for form in forms if form in self.source.labels or form in known)
            found.append(next(named, next(iter(forms), None)))
        return found

    def _expectation(self, row: Mapping[str, Any], test: str, kind: str) -> Expectation:
        """Return what is expected of the answers to a row."""
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
        """Return an expectation of the file about the task's label."""
        if isinstance(expectation, Avoiding):
            return replace(expectation, label=self._label(expectation.label))
        if isinstance(expectation, Monotonic) and expectation.label is not None:
            return replace(expectation, label=self._label(expectation.label))
        return expectation

    def _label(self, given: str | None) -> str:
        """Return the task's name of a label of the file."""
        if given is None:
            raise _LeftOutError("no label, and no expectation (`expect`)")
        if self.source.labels and given not in self.source.labels:
            raise _LeftOutError(f"label {given}: the task has none like it (`labels`)")
        name = self.source.labels.get(given, given)
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
