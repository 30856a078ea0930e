"""Examples and data sets as values."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_ood.errors import DataError
from pytest_ood.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Inputs = str | Mapping[str, str]
"""What a model is asked: one text, or named fields such as premise and hypothesis."""


def canonical(inputs: Inputs) -> str:
    """Write inputs as one string, the same for equal inputs: for hashing, sorting and caching."""
    # The order of the fields stays: a model may read them in it.
    value = inputs if isinstance(inputs, str) else dict(inputs)
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


def fields_of(inputs: Inputs) -> dict[str, str]:
    """Return the named fields of inputs; a single text is the field `text`."""
    return {"text": inputs} if isinstance(inputs, str) else dict(inputs)


def with_fields(inputs: Inputs, changed: Mapping[str, str]) -> Inputs:
    """Return inputs of the same form with some fields replaced."""
    if isinstance(inputs, str):
        return changed.get("text", inputs)
    return {**inputs, **changed}


def size_of(inputs: Inputs) -> int:
    """Return the number of characters in all fields."""
    return sum(len(text) for text in fields_of(inputs).values())


@dataclass(frozen=True)
class Example:
    """One labelled example. `id` is unique within its data set and seeds its perturbations."""

    id: str
    inputs: Inputs
    label: str


@dataclass(frozen=True)
class Dataset:
    """Labelled examples under a name.

    Raises:
        DataError: no example, or two examples with the same id.
    """

    name: str
    examples: tuple[Example, ...]

    def __post_init__(self) -> None:
        if not self.examples:
            raise DataError(f"{self.name}: there is no example in it; give at least one")
        counts = Counter(example.id for example in self.examples)
        repeated = [identifier for identifier, count in counts.items() if count > 1]
        if repeated:
            raise DataError(
                f"{self.name}: the id {repeated[0]!r} stands in {counts[repeated[0]]} rows "
                f"({len(repeated)} ids are repeated); ids must be unique"
            )

    @classmethod
    def from_pairs(cls, name: str, pairs: Iterable[tuple[Inputs, str]]) -> Dataset:
        """Make a data set from (inputs, label) pairs; ids are derived from the content."""
        rows = list(pairs)
        ids = content_ids(rows)
        return cls(
            name,
            tuple(
                Example(identifier, inputs, label)
                for identifier, (inputs, label) in zip(ids, rows, strict=True)
            ),
        )

    def __len__(self) -> int:
        return len(self.examples)

    def __iter__(self) -> Iterator[Example]:
        return iter(self.examples)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over ids, inputs and labels, independent of their order."""
        rows = sorted(
            json.dumps([example.id, canonical(example.inputs), example.label])
            for example in self.examples
        )
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()

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
        ordered = sorted(
            self.examples, key=lambda e: (derive_seed(seed, "sample", self.name, e.id), e.id)
        )
        return Dataset(self.name, tuple(ordered[:size]))


def content_ids(rows: Iterable[tuple[Inputs, str]]) -> list[str]:
    """Derive ids from inputs and labels, so that shuffling changes none; repeats get a counter."""
    seen: Counter[str] = Counter()
    ids = []
    for inputs, label in rows:
        digest = hashlib.sha256(json.dumps([canonical(inputs), label]).encode()).hexdigest()[:12]
        seen[digest] += 1
        ids.append(digest if seen[digest] == 1 else f"{digest}-{seen[digest]}")
    return ids
