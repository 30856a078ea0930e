"""F1 of entities that overlap with right ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import F1OfCounts
from pytest_ood.tasks.named_entities import NamedEntities, overlapping

if TYPE_CHECKING:
    from pytest_ood.tasks import Counts, Task


@dataclass(frozen=True)
class PartialF1(F1OfCounts):
    """Micro-averaged F1 of entities whose label is right, and some of whose span.

    The type matching of SemEval-2013 task 9 (Segura-Bedmar et al. 2013), which the library
    nervaluate calls `ent_type`.
    """

    NAME = "partial-f1"
    RANK = 6

    @classmethod
    def for_task(cls, task: Task) -> tuple[PartialF1, ...]:
        """Return the metric for named entities."""
        return (cls(),) if isinstance(task, NamedEntities) else ()

    def counts(self, answer: str | None, truth: str) -> Counts:
        """Return the counts of one text."""
        return overlapping(answer, truth)


METRIC = PartialF1
