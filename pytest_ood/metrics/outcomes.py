"""Answered examples, as the columns that metrics are computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pytest_ood.data.categorical import Categorical, spread
from pytest_ood.data.examples import Example
from pytest_ood.data.lazy import LazySequence, read
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.lazy import Indices
    from pytest_ood.tasks import Task

T = TypeVar("T", bound="Hashable")
GradedRow = tuple[str, str | None, float | None, float, str | None]
"""Truth, answer, confidence, score and error of one example."""

UNPARSED_LENGTH = 200
"""The number of characters that are stored of a text without a parseable answer."""


@dataclass(frozen=True)
class Outcome:
    """One answered example.

    Attributes:
        id: The example's id.
        label: The truth.
        prediction: The model's answer.
        score: The task's score of the answer, in [0, 1].
    """

    id: str
    label: str
    prediction: Prediction
    score: float


@dataclass(frozen=True)
class GradedAnswers:
    """Answers and their scores, as columns of what metrics are computed from.

    Attributes:
        truth: The right label.
        answer: The model's answer; None for an abstention.
        confidence: The probability of the answer, or None.
        score: The task's score, in [0, 1].
        error: The reason why there is no answer at all, or None.
        said: The beginning of what the model wrote where no answer could be parsed; else None. No
            metric uses it.
    """

    truth: Categorical[str] = field(default_factory=Categorical)
    answer: Categorical[str | None] = field(default_factory=Categorical)
    confidence: Categorical[float | None] = field(default_factory=Categorical)
    score: Categorical[float] = field(default_factory=Categorical)
    error: Categorical[str | None] = field(default_factory=Categorical)
    said: Categorical[str | None] = field(default_factory=Categorical)

    @classmethod
    def of(cls, rows: Iterable[tuple[str, Prediction, float]]) -> GradedAnswers:
        """Put the truth, the answer and the score of each example into columns."""
        columns: list[list[Any]] = [[], [], [], [], [], []]
        for truth, prediction, score in rows:
            label, text = prediction.label, prediction.text
            confidence = None if label is None else prediction.scores.get(label)
            probability = None if confidence is None else float(confidence)
            said = None if label is not None or text is None else text[:UNPARSED_LENGTH]
            row = (truth, label, probability, float(score), prediction.error, said)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        return cls(*map(Categorical.of, columns))

    @property
    def columns(self) -> tuple[Categorical[Any], ...]:
        """The columns that metrics are computed from."""
        return self.truth, self.answer, self.confidence, self.score, self.error

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, indices: slice | NDArray[Any]) -> GradedAnswers:
        return GradedAnswers(*(column[indices] for column in (*self.columns, self.said)))

    def __add__(self, other: GradedAnswers) -> GradedAnswers:
        pairs = zip((*self.columns, self.said), (*other.columns, other.said), strict=True)
        return GradedAnswers(*(one + more for one, more in pairs))

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether there is an answer at all, an abstention included, shape (n,)."""
        return self.error.where(lambda error: error is None)


class Outcomes(LazySequence[Outcome]):
    """Answered examples: the answers are in memory, the ids are read from the examples.

    Attributes:
        examples: All examples of the set.
        indices: The indices of those that were answered, ascending, shape (n,).
        graded: Their answers.
    """

    def __init__(
        self, examples: Sequence[Example], indices: Indices, graded: GradedAnswers
    ) -> None:
        self.examples, self.indices, self.graded = examples, indices.astype(np.uint32), graded

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcomes:
        """Put outcomes into columns."""
        rows = list(outcomes)
        examples = [Example(o.id, "", o.label) for o in rows]
        graded = GradedAnswers.of((o.label, o.prediction, o.score) for o in rows)
        return cls(examples, np.arange(len(rows)), graded)

    def __len__(self) -> int:
        return len(self.indices)

    def read(self, indices: Indices) -> list[Outcome]:
        """Return the outcomes at these indices among the answered."""
        examples = read(self.examples, self.indices[indices])
        ids = [example.id for example in examples]
        rows = zip(*(column[indices] for column in self.graded.columns), strict=True)
        return list(map(outcome, rows, ids, self.graded.said[indices]))

    def only(self, chosen: NDArray[Any]) -> Outcomes:
        """Return some of the outcomes, by index or by mask."""
        return Outcomes(self.examples, self.indices[chosen], self.graded[chosen])

    def spread(self, column: Categorical[T], size: int) -> Categorical[T | None]:
        """Align a column of the outcomes with all examples up to a size; see `columns.spread`."""
        return spread(column, self.indices, size)


def outcome(row: GradedRow, identifier: str = "", said: str | None = None) -> Outcome:
    """Return an outcome from a row of `GradedAnswers`."""
    truth, answer, confidence, score, error = row
    scores = {} if answer is None or confidence is None else {answer: confidence}
    return Outcome(identifier, truth, Prediction(answer, scores, said, error), score)


def pseudo_outcomes(outcomes: Outcomes, task: Task, truth: str | None = None) -> list[Outcome]:
    """Return a right and a wrong answer, both possible whatever a sample shows.

    Their confidence is 0.5 where the model gives scores.

    Args:
        outcomes: The sample.
        task: The task of the sample.
        truth: The label of both; None for the most frequent label of the sample.
    """
    graded = outcomes.graded
    label = most_frequent(graded.truth)[0] if truth is None else truth
    confidence = 0.5 if graded.confidence.count(None) < len(graded) else None
    return [
        outcome((label, answer, confidence, float(answer == label), None), "pseudo")
        for answer in (label, wrong_answer(label, task))
    ]


def wrong_answer(truth: str, task: Task) -> str:
    """Return a wrong answer to the task."""
    # In an open task, the empty answer shares no word with the truth and so scores 0.
    return next((label for label in task.labels if label != truth), "")


def most_frequent(labels: Categorical[str]) -> tuple[str, int]:
    """Return the most frequent value of a column, the last by name among equals, and its count."""
    return max(zip(labels.values, labels.counts.tolist(), strict=True), key=lambda p: (p[1], p[0]))


def by_frequency(labels: Categorical[str]) -> list[str]:
    """Return the values that occur, the most frequent first, the last by name among equals."""
    pairs = zip(labels.counts.tolist(), labels.values, strict=True)
    return [value for count, value in sorted(pairs, reverse=True) if count]


def label_counts(outcomes: Outcomes) -> dict[str, int]:
    """Return how often each label is the truth; labels that never are, are left out."""
    truth = outcomes.graded.truth
    pairs = zip(truth.values, truth.counts.tolist(), strict=True)
    return {label: count for label, count in pairs if count}
