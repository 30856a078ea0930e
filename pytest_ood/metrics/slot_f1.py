"""Micro-averaged F1 over the values of extracted objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import F1OfCounts
from pytest_ood.tasks import Counts, Extraction

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class SlotF1(F1OfCounts):
    """The harmonic mean of precision and recall over all values of all fields and examples.

    A field counts as one value if it occurs, and the answer's as one if it has a value; it is right
    if its score is 1. The F1 of slot filling, as the script conlleval counts it (Tjong Kim Sang and
    Buchholz 2000, CoNLL-2000 shared task, section 4), with values in place of chunks: a field that
    neither occurs nor is answered does not count.

    Attributes:
        task: The task, which compares values.
    """

    NAME = "slot-f1"
    RANK = 20

    task: Extraction

    @classmethod
    def for_task(cls, task: Task) -> tuple[SlotF1, ...]:
        """Return the metric for an extraction."""
        return (cls(task),) if isinstance(task, Extraction) else ()

    def counts(self, answer: str | None, truth: str) -> Counts:
        """Return the number of right values, of values of the data and of the answer."""
        expected, said = self.task.said(truth) or {}, self.task.said(answer) or {}
        scores = self.task.field_scores(truth, answer)
        occurring, answered = ({n for n, v in side.items() if v} for side in (expected, said))
        right = sum(scores[name] == 1.0 for name in occurring & answered)
        return Counts(right, len(occurring), len(answered))


METRIC = SlotF1
