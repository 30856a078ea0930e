"""Recall of one label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics.outcomes import label_counts
from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks.multi_label import labels_of

if TYPE_CHECKING:
    from pytest_ood.metrics.outcomes import Outcomes
    from pytest_ood.tasks import Task

RECALL = "recall-"


@dataclass(frozen=True)
class Recall(MeanOverExamples):
    """The share of a label's examples that are answered with it.

    Attributes:
        of_label: The label.
        among_several: Whether truths and answers are sets of labels, which have the label or not.
    """

    NAME = RECALL
    RANK = 40
    BY_LABEL = True

    of_label: str
    among_several: bool = False

    @classmethod
    def for_task(cls, task: Task) -> tuple[Recall, ...]:
        """Return the recall of every label."""
        return (*map(cls, task.labels), *(cls(label, among_several=True) for label in task.classes))

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
            if not any(map(self._has, label_counts(outcomes))):
                raise NotApplicableError(
                    f"{self.name}: of the {len(outcomes)} examples {side} none has the label "
                    f"{self.of_label!r}, so that there is no recall to measure; leave the budget "
                    "out, or add such examples"
                )
        return self

    def of_example(self, truth: str, answer: str | None, score: float) -> float | None:
        """Return whether an example of the label is answered with it; others do not count."""
        del score
        return float(self._has(answer)) if self._has(truth) else None

    def _has(self, answer: str | None) -> bool:
        """Return whether an answer is the label, or has it."""
        if self.among_several:
            return self.of_label in labels_of(answer)
        return answer == self.of_label


METRIC = Recall
