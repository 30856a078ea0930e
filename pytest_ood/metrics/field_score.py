"""The mean score of one field of extracted objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import Extraction

if TYPE_CHECKING:
    from pytest_ood.tasks import Task

FIELD = "field-"


@dataclass(frozen=True)
class FieldScore(MeanOverExamples):
    """The mean over examples of the score of one field.

    A field that neither occurs nor is answered is right.

    Attributes:
        task: The task, which compares values.
        field: The name of the field.
    """

    NAME = FIELD
    RANK = 40

    task: Extraction
    field: str

    @classmethod
    def for_task(cls, task: Task) -> tuple[FieldScore, ...]:
        """Return the score of every field of an extraction."""
        if not isinstance(task, Extraction):
            return ()
        return tuple(cls(task, field.name) for field in task.fields)

    @classmethod
    def is_named(cls, name: str) -> bool:
        """Return whether a name is field-NAME."""
        return name.startswith(FIELD)

    @property
    def name(self) -> str:
        """field-NAME."""
        return FIELD + self.field

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return the score of the field; 0 for an answer that is no object."""
        del score
        return self.task.field_scores(truth, answer)[self.field]


METRIC = FieldScore
