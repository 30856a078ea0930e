"""Answered examples, as the columns that metrics are computed from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from pytest_ood.columns import Categorical, spread
from pytest_ood.examples import Example
from pytest_ood.rows import LazySequence, read
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.rows import Indices
    from pytest_ood.tasks import Task

T = TypeVar("T", bound="Hashable")
GradedRow = tuple[str, str | None, float | None, float, str | None]
"""Truth, answer, confidence, score and error of one example."""

UNPARSED_LENGTH = 200
"""Characters kept of what a model wrote instead of an answer."""


@dataclass(frozen=True)
class Outcome:
    """One answered example.

    Attributes:
        id: Of the example.
        label: The truth.
        prediction: What the model answered.
        score: Of the answer, in [0, 1].
    """

    id: str
    label: str
    prediction: Prediction
    score: float


@dataclass(frozen=True)
class GradedAnswers:
    """Answers and what they are worth, as columns: of an answer what figures are made of.

    Attributes:
        truth: The right label.
        answer: The model's, or None.
        confidence: The probability of the answer, or None.
        score: In [0, 1].
        error: Why there is no answer at all, or None.
        said: Where no answer could be read out of what the model wrote: its beginning; else None.
            No figure is made of it.
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
        for truth, given, score in rows:
            label = given.label
            confidence = None if label is None else given.scores.get(label)
            known = None if confidence is None else float(confidence)
            said = None if label is not None or given.text is None else given.text[:UNPARSED_LENGTH]
            row = (truth, label, known, float(score), given.error, said)
            for column, value in zip(columns, row, strict=True):
                column.append(value)
        return cls(*map(Categorical.of, columns))

    @property
    def columns(self) -> tuple[Categorical[Any], ...]:
        """Those that figures are made of."""
        return self.truth, self.answer, self.confidence, self.score, self.error

    def __len__(self) -> int:
        return len(self.truth)

    def __getitem__(self, places: slice | NDArray[Any]) -> GradedAnswers:
        return GradedAnswers(*(column[places] for column in (*self.columns, self.said)))

    def __add__(self, other: GradedAnswers) -> GradedAnswers:
        pairs = zip((*self.columns, self.said), (*other.columns, other.said), strict=True)
        return GradedAnswers(*(one + more for one, more in pairs))

    @property
    def answered(self) -> NDArray[np.bool_]:
        """Whether there is an answer at all, an abstention included, shape (n,)."""
        return self.error.where(lambda error: error is None)


class Outcomes(LazySequence[Outcome]):
    """Answered examples: the answers as columns, the ids read from where the examples are.

    Attributes:
        examples: All there are.
        places: Which of them were answered, rising, shape (n,).
        graded: Their answers.
    """

    def __init__(self, examples: Sequence[Example], places: Indices, graded: GradedAnswers) -> None:
        self.examples, self.places, self.graded = examples, places.astype(np.uint32), graded

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcomes:
        """Put outcomes into columns."""
        rows = list(outcomes)
        examples = [Example(o.id, "", o.label) for o in rows]
        graded = GradedAnswers.of((o.label, o.prediction, o.score) for o in rows)
        return cls(examples, np.arange(len(rows)), graded)

    def __len__(self) -> int:
        return len(self.places)

    def read(self, places: Indices) -> list[Outcome]:
        """Return the outcomes at these places among the answered."""
        examples = read(self.examples, self.places[places])
        ids = [example.id for example in examples]
        rows = zip(*(column[places] for column in self.graded.columns), strict=True)
        return list(map(outcome, rows, ids, self.graded.said[places]))

    def only(self, chosen: NDArray[Any]) -> Outcomes:
        """Return some of the outcomes, by their places or by a mask."""
        return Outcomes(self.examples, self.places[chosen], self.graded[chosen])

    def spread(self, column: Categorical[T], size: int) -> Categorical[T | None]:
        """Return a column of the outcomes as one of all examples up to a size; see `spread`."""
        return spread(column, self.places, size)


def outcome(row: GradedRow, identifier: str = "", said: str | None = None) -> Outcome:
    """Return an outcome from what the columns of `GradedAnswers` have of it."""
    truth, answer, confidence, score, error = row
    scores = {} if answer is None or confidence is None else {answer: confidence}
    return Outcome(identifier, truth, Prediction(answer, scores, said, error), score)


def pseudo_outcomes(outcomes: Outcomes, task: Task, truth: str | None = None) -> list[Outcome]:
    """Return a right and a wrong answer, both possible whatever a sample shows.

    A score of 0.5 stands beside the answer where the model gives scores.

    Args:
        outcomes: The sample.
        task: What was asked.
        truth: Their truth; None for the sample's most frequent label.
    """
    graded = outcomes.graded
    label = most_frequent(graded.truth)[0] if truth is None else truth
    confidence = 0.5 if graded.confidence.count(None) < len(graded) else None
    return [
        outcome((label, answer, confidence, float(answer == label), None), "pseudo")
        for answer in (label, wrong_answer(label, task))
    ]


def wrong_answer(truth: str, task: Task) -> str:
    """Return an answer that is wrong, and an answer to the task."""
    # Where any text may be an answer, one without a word of the truth is wrong whatever that is.
    return next((label for label in task.labels if label != truth), "")


def most_frequent(labels: Categorical[str]) -> tuple[str, int]:
    """Return the most frequent value of a column, of several the last by name; and how often."""
    return max(zip(labels.values, labels.counts.tolist(), strict=True), key=lambda p: (p[1], p[0]))


def label_counts(outcomes: Outcomes) -> dict[str, int]:
    """Return how often each label is the truth; labels that never are, are left out."""
    truth = outcomes.graded.truth
    pairs = zip(truth.values, truth.counts.tolist(), strict=True)
    return {label: count for label, count in pairs if count}
