"""Recall of one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics.outcomes import label_counts
from pytest_ood.metrics.protocol import MeanOverExamples

if TYPE_CHECKING:
    from pytest_ood.metrics.outcomes import Outcomes
    from pytest_ood.tasks import Task

RECALL = "recall-"


@dataclass(frozen=True)
class Recall(MeanOverExamples):
    """The share of a label's examples that are answered with it.

    Attributes:
        of_label: The label.
    """

    NAME = RECALL
    RANK = 40
    BY_LABEL = True

    of_label: str

    @classmethod
    def for_task(cls, task: Task) -> tuple[Recall, ...]:
        """Return the recall of every label."""
        return tuple(map(cls, task.labels))

    @classmethod
    def is_named(cls, name: str) -> bool:
        """Return whether a name is recall-LABEL."""
        return name.startswith(RECALL)

    @property
    def name(self) -> str:
        """recall-LABEL."""
        return RECALL + self.of_label

    @property
    def examples(self) -> str:
        """The examples of the label."""
        return f"examples of {self.of_label!r}"

    def for_answers(self, before: Outcomes, after: Outcomes) -> Recall:
        """Return the metric; both sides need examples of the label."""
        for side, outcomes in {"in distribution": before, "under the shift": after}.items():
            if self.of_label not in label_counts(outcomes):
                raise NotApplicableError(
                    f"{self.name}: of the {len(outcomes)} examples {side} none has the label "
                    f"{self.of_label!r}, so that there is no recall to measure; leave the budget "
                    "out, or add such examples"
                )
        return self

    def of_example(self, truth: str, answer: str | None, score: float) -> float | None:
        """Return whether an example of the label is answered with it; others do not count."""
        del score
        return float(answer == self.of_label) if truth == self.of_label else None


METRIC = Recall
