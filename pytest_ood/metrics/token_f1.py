"""Token F1 of answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.languages import find_language
from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import QuestionAnswering
from pytest_ood.tasks.question_answering import token_f1

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class TokenF1(MeanOverExamples):
    """The mean token F1 with the nearest right answer, where exact match is the score.

    Attributes:
        language: The language of the task, whose rules compare answers in any language.
    """

    NAME = "f1"
    RANK = 10

    language: str = "en"

    @classmethod
    def for_task(cls, task: Task) -> tuple[TokenF1, ...]:
        """Return the metric for question answering that is scored by exact match."""
        return (
            (cls(task.language),)
            if isinstance(task, QuestionAnswering) and task.metric != "f1"
            else ()
        )

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return the token F1; an abstention shares no token."""
        del score
        return 0.0 if answer is None else token_f1(answer, truth, find_language(self.language))


METRIC = TokenF1
