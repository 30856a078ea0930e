"""Notes on labelled data: empty texts, equal rows, and equal texts with different labels."""

from __future__ import annotations

import hashlib
from array import array
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.examples import answers_of
from pytest_ood.data.inputs import canonical, fields_of
from pytest_ood.data.lazy import compact_json, repeated

if TYPE_CHECKING:
    from pytest_ood.data.examples import Dataset


def notes_on(name: str, dataset: Dataset) -> list[str]:
    """Return notes on defects that make data less informative than its size, one for each kind.

    Memory use is sixteen bytes per example.

    Args:
        name: The name of the data in the notes.
        dataset: The data, which is read once, in order.
    """
    empty: Counter[str] = Counter()
    first_empty: dict[str, str] = {}
    hashes = {"inputs": array("Q"), "rows": array("Q")}
    for example in dataset:
        for field, text in fields_of(example.inputs).items():
            if not text.strip():
                empty[field] += 1
                first_empty.setdefault(field, example.id)
        inputs = canonical(example.inputs)
        label, *others = answers_of(example)
        references = others[:1]
        hashes["inputs"].append(_hash(inputs))
        hashes["rows"].append(_hash(compact_json([inputs, label, *references])))
    total = len(dataset)
    notes = []
    for field, count in empty.items():
        of_field = "" if field == "text" else f" of {field}"
        notes.append(
            f"{name}: {count:,} of {total:,} texts{of_field} are empty or only white space (first: "
            f"{first_empty[field]}); models are asked about them all the same"
        )
    inputs_, rows = (np.frombuffer(values, np.uint64) for values in hashes.values())
    different, first = np.unique(rows, return_index=True)
    equal = total - len(different)
    if equal:
        notes.append(
            f"{name}: {equal:,} of {total:,} rows are equal to another one, text and label; each "
            "counts, so that intervals are narrower than they should be"
        )
    contradicted = repeated(inputs_[first])
    if len(contradicted):
        count = int(np.isin(inputs_, contradicted).sum())
        notes.append(
            f"{name}: {count:,} of {total:,} rows have a text that occurs with different "
            "labels; no model can have all of them right"
        )
    return notes


def _hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little")
