"""What F1 is computed from."""

from __future__ import annotations

from typing import NamedTuple


class Counts(NamedTuple):
    """How many parts of an answer, such as entities or labels, are right.

    Attributes:
        right: Parts of the answer that are right.
        true: Parts of the right answer.
        answered: Parts of the answer.
    """

    right: int
    true: int
    answered: int

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 1.0 where neither side has a part."""
        total = self.true + self.answered
        return 2.0 * self.right / total if total else 1.0
