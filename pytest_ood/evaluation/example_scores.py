"""The score of each example, by its hash, so that runs can be compared on common examples."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.categorical import Categorical
from pytest_ood.data.inputs import canonical
from pytest_ood.data.lazy import occurrences

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

    from pytest_ood.data.inputs import Inputs

MAX_EXAMPLES = 100_000
"""Only the first examples of a sample are reported: a random subset that is precise to a tenth of a
point, where a report of a million examples would have hundreds of megabytes."""


@dataclass(frozen=True)
class ExampleScores:
    """The scores of a model on examples that are identified by hashes.

    Attributes:
        hashes: The hashes of inputs and truth, shape (n,); equal examples have equal hashes.
        scores: The score of each example, in [0, 1], averaged over the seeds of the model.
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
        """Return both scores of the examples that both have, in the same order."""
        _, first, last = np.intersect1d(self._keys, other._keys, return_indices=True)
        return self.scores[first], other.scores[last]

    @property
    def _keys(self) -> NDArray[np.uint64]:
        """Hashes that tell the first, second, ... of several equal examples apart."""
        # Multiples of the golden ratio in 64 bits keep keys apart (Knuth, TAOCP 3, section 6.4).
        again = occurrences(self.hashes).astype(np.uint64) - np.uint64(1)
        return self.hashes + again * np.uint64(0x9E3779B97F4A7C15)

    def to_record(self) -> dict[str, Any]:
        """Return plain values, for other processes and for reports."""
        written = self.hashes.astype("<u8").tobytes()
        return {
            "hashes": base64.b64encode(written).decode("ascii"),
            "scores": self.scores.to_record(),
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> ExampleScores:
        """Build scores from the values of `to_record`.

        Raises:
            ValueError: the numbers of scores and hashes differ, or a score is out of range.
        """
        read = np.frombuffer(base64.b64decode(record["hashes"], validate=True), "<u8")
        loaded = cls(read.astype(np.uint64), Categorical.from_record(record["scores"]))
        if len(loaded.hashes) != len(loaded.scores):
            raise ValueError(f"{len(loaded.scores)} scores of {len(loaded.hashes)} items")
        if len(loaded.scores) and int(loaded.scores.codes.max()) >= len(loaded.scores.values):
            raise ValueError("a score that is not among the values")
        return loaded


def hash_examples(rows: Iterable[tuple[Inputs | None, Inputs, str]]) -> NDArray[np.uint64]:
    """Hash the original input (or None), the input under the shift, and the truth of examples.

    The first eight bytes of SHA-256: among 100,000 examples, a collision has a chance of one in
    three billion.
    """
    digests = [
        hashlib.sha256(
            json.dumps(
                [None if before is None else canonical(before), canonical(inputs), label]
            ).encode()
        ).digest()[:8]
        for before, inputs, label in rows
    ]
    return np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
