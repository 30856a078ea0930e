"""Exact match of answers in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.languages import find_language
from pytest_ood.metrics.protocol import MeanOverExamples
from pytest_ood.tasks import QuestionAnswering
from pytest_ood.tasks.question_answering import exact_match

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


@dataclass(frozen=True)
class ExactMatch(MeanOverExamples):
    """The share of answers that are the nearest right one, where token F1 is the score.

    Attributes:
        language: The language of the task, whose rules compare answers in any language.
    """

    NAME = "exact-match"
    RANK = 10

    language: str = "en"

    @classmethod
    def for_task(cls, task: Task) -> tuple[ExactMatch, ...]:
        """Return the metric for question answering that is scored by token F1."""
        return (
            (cls(task.language),)
            if isinstance(task, QuestionAnswering) and task.metric == "f1"
            else ()
        )

    def of_example(self, truth: str, answer: str | None, score: float) -> float:
        """Return 1 for a match, else 0; an abstention matches nothing."""
        del score
        return 0.0 if answer is None else exact_match(answer, truth, find_language(self.language))


METRIC = ExactMatch
