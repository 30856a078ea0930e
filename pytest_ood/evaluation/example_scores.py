"""Each example's score, so that another run finds the same examples again."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.columns import Categorical
from pytest_ood.examples import canonical
from pytest_ood.rows import occurrences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from pytest_ood.examples import Inputs

KEPT = 100_000
"""The first examples of a draw that are kept: a sample of it at random, and enough for a tenth of a
point. A report of a million examples would be hundreds of megabytes."""


@dataclass(frozen=True)
class ExampleScores:
    """Examples by their hashes, and what a model scores on them.

    Attributes:
        hashes: Shape (n,), of what was asked and of the truth; equal examples have equal ones.
        scores: In [0, 1], each the mean over a model's seeds, n of them.
    """

    hashes: NDArray[np.uint64]
    scores: Categorical[float]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ExampleScores):
            return NotImplemented
        return bool(np.array_equal(self.hashes, other.hashes)) and self.scores == other.scores

    def __hash__(self) -> int:
        return hash(self.scores)

    def common(self, other: ExampleScores) -> tuple[Categorical[float], Categorical[float]]:
        """Return the scores here and there of the examples that both have, in one order."""
        _, first, last = np.intersect1d(self._keys, other._keys, return_indices=True)
        return self.scores[first], other.scores[last]

    @property
    def _keys(self) -> NDArray[np.uint64]:
        """What is the same for the first, the second, ... of equal examples everywhere."""
        # The golden ratio in 64 bits spreads small numbers (Knuth, TAOCP 3, section 6.4).
        again = occurrences(self.hashes).astype(np.uint64) - np.uint64(1)
        return self.hashes + again * np.uint64(0x9E3779B97F4A7C15)

    def to_record(self) -> dict[str, Any]:
        """Return them as plain values, for another process and for reports."""
        written = self.hashes.astype("<u8").tobytes()
        return {
            "hashes": base64.b64encode(written).decode("ascii"),
            "scores": self.scores.to_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ExampleScores:
        """Undo `to_record`.

        Raises:
            ValueError: there is not one score for each hash.
        """
        read = np.frombuffer(base64.b64decode(record["hashes"], validate=True), "<u8")
        made = cls(read.astype(np.uint64), Categorical.from_record(record["scores"]))
        if len(made.hashes) != len(made.scores):
            raise ValueError(f"{len(made.scores)} scores of {len(made.hashes)} items")
        if len(made.scores) and int(made.scores.codes.max()) >= len(made.scores.values):
            raise ValueError("a score that is not among the values")
        return made


def hash_examples(rows: Iterable[tuple[Inputs | None, Inputs, str]]) -> NDArray[np.uint64]:
    """Hash examples: the original (or None), what the model is asked, and the truth.

    The first eight bytes of SHA-256: among the 100,000 that are kept, two different examples share
    them with a chance of one in three billion.
    """
    digests = [
        hashlib.sha256(
            json.dumps(
                [None if before is None else canonical(before), canonical(asked), label]
            ).encode()
        ).digest()[:8]
        for before, asked, label in rows
    ]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
