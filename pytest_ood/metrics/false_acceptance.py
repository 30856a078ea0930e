"""The share of inputs out of scope that are accepted."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics.outcomes import label_counts
from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks.classification import out_of_scope_of

if TYPE_CHECKING:
    from pytest_ood.metrics.outcomes import Outcomes
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class FalseAcceptance(MeanOverExamples):
    """The share of inputs out of scope that are answered with a label of those in scope.

    The false acceptance rate of a classifier with a rejection option; 1 minus the out-of-scope
    recall of Larson et al. 2019 (An Evaluation Dataset for Intent Classification and Out-of-Scope
    Prediction). Inputs in scope do not count.

    Attributes:
        truth: The truth of inputs out of scope.
    """

    NAME = "false-acceptance"
    RISES = True
    RANK = 15

    truth: str

    @classmethod
    def for_task(cls, task: Task) -> tuple[FalseAcceptance, ...]:
        """Return the metric for a classification with inputs out of scope."""
        truth = out_of_scope_of(task)
        return (cls(truth),) if truth else ()

    @property
    def examples(self) -> str:
        """The examples out of scope."""
        return "examples out of scope"

    def for_answers(self, before: Outcomes, after: Outcomes) -> FalseAcceptance:
        """Return the metric; both sides need inputs out of scope."""
        for side, outcomes in {"in distribution": before, "under the shift": after}.items():
            if self.truth not in label_counts(outcomes):
                raise NotApplicableError(
                    f"{self.name}: none of the {len(outcomes)} examples {side} is out of scope, so "
                    "that its rise cannot be measured; under a shift to inputs out of scope alone, "
                    "min_score = 0.8 of the shift limits false acceptance to 0.2"
                )
        return self

    def of_example(self, truth: str, answer: str | None, score: float) -> float | None:
        """Return whether an input out of scope got a label; others do not count."""
        del score
        return float(answer not in (None, self.truth)) if truth == self.truth else None


METRIC = FalseAcceptance
