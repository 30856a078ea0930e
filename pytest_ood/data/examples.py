"""Examples and data sets as values."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.inputs import Inputs, canonical
from pytest_ood.data.lazy import (
    DiskSequence,
    LazySequence,
    MappedSequence,
    Subset,
    hash_of_lines,
    repeated,
)
from pytest_ood.data.values import inputs_from, items_of, label_from, pair_of, text_from
from pytest_ood.errors import DataError
from pytest_ood.utils.seeding import derive_seeds

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

IN_DISTRIBUTION = "in-distribution"
"""The name of the set that looks like the training data."""


@dataclass(frozen=True)
class Example:
    """One labelled example.

    Attributes:
        id: The id, unique within the data set; it seeds the example's perturbations.
        inputs: The inputs of the model.
        label: The right answer.
        references: Further right answers; only questions have any.
        group: The examples that it is counted with, such as a contrast set or a cell of a test.
        rationale: The solution that leads to the answer, for demonstrations.
        language: The language of the inputs, a tag of BCP 47; "" for that of the suite.
    """

    id: str
    inputs: Inputs
    label: str
    references: tuple[str, ...] = ()
    group: str = ""
    rationale: str = ""
    language: str = ""

    @property
    def right_answers(self) -> tuple[str, ...]:
        """All right answers, the label first."""
        return self.label, *self.references


@dataclass(frozen=True)
class Dataset:
    """Labelled examples under a name.

    Ids, labels and texts that are no `str`, such as integers or strings of numpy, are converted as
    `from_pairs` does.

    Attributes:
        name: The name in reports.
        examples: A tuple, or for data from a file a sequence that reads examples when they are
            needed.

    Raises:
        DataError: there is no example, two have the same id, or one has no valid text or label; the
            message names its index.
    """

    name: str
    examples: Sequence[Example]

    def __post_init__(self) -> None:
        if not isinstance(self.examples, LazySequence):
            converted = tuple(_converted(self.name, self.examples))
            object.__setattr__(self, "examples", converted)
        if not self.examples:
            raise DataError(f"{self.name}: there is no example in it; give at least one")
        if isinstance(self.examples, Subset):
            # A part of a data set whose ids have been checked.
            return
        # Comparing hashes needs eight bytes an id; only ids with equal hashes are compared as text.
        hashes = (hash(example.id) for example in self.examples)
        suspects = repeated(np.fromiter(hashes, np.int64, len(self.examples)))
        if len(suspects):
            self._check_ids(set(suspects.tolist()))

    def _check_ids(self, suspects: set[int]) -> None:
        """Check that ids with these hashes are unique."""
        counts = Counter(e.id for e in self.examples if hash(e.id) in suspects)
        duplicates = [identifier for identifier, count in counts.items() if count > 1]
        if duplicates:
            raise DataError(
                f"{self.name}: {counts[duplicates[0]]} rows have the id {duplicates[0]!r} "
                f"({len(duplicates)} ids are repeated); ids must be unique"
            )

    @classmethod
    def from_pairs(cls, name: str, pairs: Iterable[tuple[Any, Any]]) -> Dataset:
        """Return a data set of (inputs, label) pairs; ids are derived from the content.

        Inputs are a text, or a mapping of field names to texts. Labels are text, numbers, True and
        False (converted to `true` and `false`), or members of an enumeration (converted to their
        values). Items may also be examples, which keep their ids.

        Raises:
            DataError: there is no pair, or an item is something else; the message names its index.
        """
        items = [
            item if isinstance(item, Example) else pair_of(item, _location_of(name, index))
            for index, item in enumerate(items_of(pairs, name))
        ]
        ids = iter(content_ids(item for item in items if not isinstance(item, Example)))
        return cls(
            name,
            tuple(
                item if isinstance(item, Example) else Example(next(ids), *item) for item in items
            ),
        )

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over what examples are, independent of their order."""
        return hash_of_lines(
            json.dumps([example.id, canonical(example.inputs), *answers_of(example)])
            for example in self.examples
        )

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that occur, sorted."""
        return tuple(sorted({example.label for example in self.examples}))

    def sample(self, size: int | None, seed: int) -> Dataset:
        """Draw `size` examples in an order that depends on seed, name and ids alone.

        A smaller sample is a prefix of a larger one. None, or a size above the data set's, keeps
        all examples, in the seeded order.

        Raises:
            DataError: `size` is below 1.
        """
        if size is not None and size < 1:
            raise DataError(f"{self.name}: a sample of {size} examples; it is 1 or more")
        ids = (example.id for example in self.examples)
        seeds = np.fromiter(
            derive_seeds((str(seed), "sample", self.name), ids), np.uint64, len(self.examples)
        )
        order = np.argsort(seeds, kind="stable")
        same = repeated(seeds)
        if len(same):
            # By their ids, whatever the order of the examples.
            order = np.array(sorted(order, key=lambda p: (seeds[p], self.examples[p].id)))
        return Dataset(self.name, Subset(self.examples, order[:size]))

    def split(self, share: float, seed: int) -> tuple[Dataset, Dataset]:
        """Split off about `share` of the examples; return the others and those.

        The side of an example depends on seed and inputs alone: equal inputs are on the same side,
        and adding examples changes no other's side.

        Raises:
            DataError: the share is not inside (0, 1), or a side would be empty.
        """
        if not 0.0 < share < 1.0:
            raise DataError(
                f"{self.name}: the share that is held out, {share}, is not inside (0, 1)"
            )
        inputs = (canonical(example.inputs) for example in self.examples)
        seeds = np.fromiter(
            derive_seeds((str(seed), "held out"), inputs), np.uint64, len(self.examples)
        )
        is_held_out = seeds < np.uint64(share * 2.0**64)
        sides = [np.flatnonzero(side) for side in (~is_held_out, is_held_out)]
        if not all(map(len, sides)):
            raise DataError(
                f"{self.name}: of {len(self)} examples, {share:g} held out leave one side empty; "
                "give more examples, or another share"
            )
        stay, out = (Dataset(self.name, Subset(self.examples, side)) for side in sides)
        return stay, out


def as_dataset(data: Dataset | Iterable[tuple[Any, Any]], name: str = "data") -> Dataset:
    """Return data that code gives as a data set; raises as `Dataset.from_pairs`."""
    return data if isinstance(data, Dataset) else Dataset.from_pairs(name, data)


def _location_of(name: str, index: int) -> str:
    """Name an item of data for messages."""
    return f"{name}, row {index + 1} (index {index})"


def _converted(name: str, examples: Iterable[Example]) -> Iterator[Example]:
    """Yield examples with ids, texts and labels that are `str`, all of the same fields."""
    first: tuple[int, Example] | None = None
    for index, example in enumerate(items_of(examples, name)):
        if not isinstance(example, Example):
            raise DataError(
                f"{_location_of(name, index)} is of type {type(example).__name__}; a Dataset has "
                "Examples: Dataset.from_pairs makes them of (inputs, label) pairs"
            )
        converted = example if _is_plain(example) else _plain(example, _location_of(name, index))
        if not converted.id.strip():
            raise DataError(
                f"{_location_of(name, index)}: the id is {converted.id!r}; an id names its example "
                "and is not blank: Dataset.from_pairs derives ids from the content"
            )
        # A case has as many fields as it has inputs.
        if type(converted) is Example:
            first = first or (index, converted)
            _check_fields(name, first, (index, converted))
        yield converted


def _check_fields(name: str, first: tuple[int, Example], other: tuple[int, Example]) -> None:
    """Check that the inputs of an example have the same fields as those of the first."""
    both = [example.inputs for _, example in (first, other)]
    fields = [None if isinstance(inputs, str) else inputs.keys() for inputs in both]
    if fields[0] != fields[1]:
        described = [
            "a text" if names is None else f"the fields {', '.join(names)}" for names in fields
        ]
        raise DataError(
            f"{_location_of(name, other[0])} has {described[1]}, and "
            f"{_location_of('', first[0]).lstrip(', ')} has {described[0]}; the inputs of one data "
            "set are all texts, or mappings of the same fields: fill in what is missing, or make "
            "two data sets of them"
        )


def _is_plain(example: Example) -> bool:
    """Return whether everything in an example is a `str` already."""
    inputs = example.inputs
    texts = inputs.values() if isinstance(inputs, Mapping) else (inputs,)
    values = (example.id, example.label, *example.references, *texts)
    return all(type(value) is str for value in values)


def _plain(example: Example, location: str) -> Example:
    return replace(
        example,
        id=text_from(example.id, f"{location}, its id"),
        inputs=inputs_from(example.inputs, location),
        label=label_from(example.label, location),
        references=tuple(label_from(answer, location) for answer in example.references),
    )


def check_pairs(location: str, originals: Dataset, others: Dataset) -> None:
    """Check that two data sets have the same ids.

    Args:
        location: The beginning of the message.
        originals: One data set.
        others: The other data set.

    Raises:
        DataError: names the number of ids without a partner on either side, and the first of each.
    """
    ids = ({e.id for e in originals}, {e.id for e in others})
    lacking = [
        f"{len(left)} of {name} ({min(left)!r}, ...)"
        for name, left in ((originals.name, ids[0] - ids[1]), (others.name, ids[1] - ids[0]))
        if left
    ]
    if lacking:
        raise DataError(
            f"{location}: examples are paired by their ids, and have no partner: "
            f"{' and '.join(lacking)}. `id` names the column of ids in both, or leave out `paired`"
        )


def paired_with(originals: Dataset, others: Dataset, location: str) -> Dataset:
    """Return the examples of other data that have the ids of the originals, in their order.

    Raises:
        DataError: an id is not there.
    """
    index_of = {example.id: index for index, example in enumerate(others)}
    missing = [example.id for example in originals if example.id not in index_of]
    if missing:
        raise DataError(
            f"{location}: {len(missing)} examples have no partner ({missing[0]!r}, ...)"
        )
    order = np.fromiter((index_of[e.id] for e in originals), np.int64, len(originals))
    return Dataset(others.name, Subset(others.examples, order))


def inputs_of(examples: Sequence[Example]) -> Sequence[Inputs]:
    """Return the inputs of examples, in order."""
    return MappedSequence(examples, lambda example: example.inputs)


def spooled(examples: Iterable[Example]) -> DiskSequence[Example]:
    """Return examples as a sequence that is kept in a temporary file."""
    spool = DiskSequence(_to_json, _from_json)
    spool.extend(examples)
    return spool


def _to_json(example: Example) -> list[Any]:
    inputs = example.inputs
    plain = inputs if isinstance(inputs, str) else dict(inputs)
    return [example.id, plain, *answers_of(example)]


def answers_of(example: Example) -> list[Any]:
    """Return everything but id and inputs; what is empty at the end is left out."""
    values = [
        example.label,
        list(example.references),
        example.group,
        example.rationale,
        example.language,
    ]
    while len(values) > 1 and not values[-1]:
        values.pop()
    return values


def _from_json(values: list[Any]) -> Example:
    identifier, inputs, label, *more = values
    return Example(identifier, inputs, label, *_with_tuples(more))


def _with_tuples(more: list[Any]) -> list[Any]:
    """Return values as an example has them: JSON knows lists alone."""
    return [tuple(value) if isinstance(value, list) else value for value in more]


def content_ids(rows: Iterable[tuple[Inputs, str]]) -> list[str]:
    """Derive ids from inputs and labels, so that shuffling changes none; repeats get a counter."""
    seen: Counter[str] = Counter()
    ids = []
    for inputs, label in rows:
        digest = content_digest(inputs, label)
        seen[digest] += 1
        ids.append(counted_id(digest, seen[digest]))
    return ids


def content_digest(inputs: Inputs, label: str) -> str:
    """Return the id that inputs and label get where there are no others like them: 12 digits."""
    return hashlib.sha256(json.dumps([canonical(inputs), label]).encode()).hexdigest()[:12]


def counted_id(digest: str, count: int) -> str:
    """Return the id of the first, second, ... of the examples with the same inputs and label."""
    return digest if count == 1 else f"{digest}-{count}"
