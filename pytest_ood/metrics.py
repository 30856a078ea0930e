"""What can be measured besides accuracy: functions of means over examples.

Every metric is written as a function of the means of a few features of each example, so that it can
be resampled thousands of times at once; scikit-learn's own functions give the same values, which
the tests hold.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

import numpy as np

from pytest_ood.columns import Categorical, spread
from pytest_ood.errors import ConfigurationError, ModelError, NotApplicableError, unknown_name
from pytest_ood.examples import Example
from pytest_ood.rows import LazySequence, read
from pytest_ood.tasks import Prediction, QuestionAnswering
from pytest_ood.tasks.question_answering import exact_match, token_f1

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.rows import Indices
    from pytest_ood.tasks import Task

    Floats = NDArray[np.float64]

T = TypeVar("T", bound=Hashable)
ExampleValue = Callable[[str, "str | None", float], "float | None"]
GradedRow = tuple[str, str | None, float | None, float, str | None]
"""Truth, answer, confidence, score and error of one example."""

ACCURACY = "accuracy"
SCORE = "score"
"""The mean score under a shift by itself: what a floor is of, which no drop tells."""
RECALL = "recall-"
MACRO_F1 = "macro-f1"
ECE = "ece"
PDR = "pdr"
REWEIGHTED = "reweighted"
IN_DOMAIN = "in-domain"
SINGLE_ACCURACY = "single-accuracy"
"""The share of single answers that are right, where contrast sets are what is counted."""
CALIBRATION_BINS = 10

SAID_KEPT = 200
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
class Graded:
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
    def of(cls, rows: Iterable[tuple[str, Prediction, float]]) -> Graded:
        """Put the truth, the answer and the score of each example into columns."""
        columns: list[list[Any]] = [[], [], [], [], [], []]
        for truth, given, score in rows:
            label = given.label
            confidence = None if label is None else given.scores.get(label)
            known = None if confidence is None else float(confidence)
            said = None if label is not None or given.text is None else given.text[:SAID_KEPT]
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

    def __getitem__(self, places: slice | NDArray[Any]) -> Graded:
        return Graded(*(column[places] for column in (*self.columns, self.said)))

    def __add__(self, other: Graded) -> Graded:
        pairs = zip((*self.columns, self.said), (*other.columns, other.said), strict=True)
        return Graded(*(one + more for one, more in pairs))

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

    def __init__(self, examples: Sequence[Example], places: Indices, graded: Graded) -> None:
        self.examples, self.places, self.graded = examples, places.astype(np.uint32), graded

    @classmethod
    def of(cls, outcomes: Iterable[Outcome]) -> Outcomes:
        """Put outcomes into columns."""
        rows = list(outcomes)
        examples = [Example(o.id, "", o.label) for o in rows]
        graded = Graded.of((o.label, o.prediction, o.score) for o in rows)
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
    """Return an outcome from what the columns of `Graded` have of it."""
    truth, answer, confidence, score, error = row
    scores = {} if answer is None or confidence is None else {answer: confidence}
    return Outcome(identifier, truth, Prediction(answer, scores, said, error), score)


class Metric(Protocol):
    """A figure of merit of a set of answers."""

    @property
    def name(self) -> str:
        """In configurations and reports."""
        ...

    @property
    def rises(self) -> bool:
        """Whether more of it is worse: its "drop" is then how much it rises."""
        ...

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return what is averaged, shape (n, k).

        Raises:
            NotApplicableError: the answers lack what the metric needs.
        """
        ...

    def value(self, means: Floats) -> Floats:
        """Return the metric from the features' means, (..., k) to (...)."""
        ...


@dataclass(frozen=True)
class MacroF1:
    """The unweighted mean over labels of the harmonic mean of precision and recall.

    Of the labels that are given, as scikit-learn's `f1_score` with `labels` and `zero_division=0`;
    one that is neither true nor predicted counts as 0. What is measured under a shift is the mean
    over the labels that occur as truths both before and under it: no other label has an F1 score
    that answers could raise, and a perfect model has 1 on both sides. An answer with any other
    label costs its true label recall.

    Attributes:
        labels: Over which the mean is taken.
        name: In reports.
    """

    labels: tuple[str, ...]
    name: str = MACRO_F1
    rises: bool = False

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each label: right, true or predicted (a right one counts twice)."""
        rows = np.zeros((len(outcomes), 2 * len(self.labels)))
        for row, outcome in zip(rows, outcomes, strict=True):
            for place, label in enumerate(self.labels):
                true, given = outcome.label == label, outcome.prediction.label == label
                row[2 * place] = true and given
                row[2 * place + 1] = true + given
        return rows

    def value(self, means: Floats) -> Floats:
        """Return the mean of 2 right / (true + predicted)."""
        return np.asarray(_ratio(2.0 * means[..., 0::2], means[..., 1::2]).mean(axis=-1))


@dataclass(frozen=True)
class Recall:
    """The share of a label's examples that are answered with it.

    Attributes:
        label: Which.
    """

    label: str
    rises: bool = False

    @property
    def name(self) -> str:
        """recall-LABEL."""
        return RECALL + self.label

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return: right and of this label; of this label."""
        return np.array(
            [
                [float(o.label == self.label == o.prediction.label), float(o.label == self.label)]
                for o in outcomes
            ]
        )

    def value(self, means: Floats) -> Floats:
        """Return right / all."""
        return _ratio(means[..., 0], means[..., 1])


@dataclass(frozen=True)
class CalibrationError:
    """Expected calibration error over ten bins of equal width.

    The mean distance between the confidence in the answer and the share of right answers, weighted
    by the bins' sizes (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).
    """

    name: str = ECE
    rises: bool = True

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each bin: confidence minus rightness of what falls into it."""
        rows = np.zeros((len(outcomes), CALIBRATION_BINS))
        for row, outcome in zip(rows, outcomes, strict=True):
            answer = outcome.prediction
            if answer.label is None:
                # No answer: no confidence, and nothing right.
                continue
            confidence = check_confidence(answer.scores.get(answer.label))
            row[bin_of(confidence)] = confidence - float(answer.label == outcome.label)
        return rows

    def value(self, means: Floats) -> Floats:
        """Return the sum over bins of the absolute mean difference."""
        return np.asarray(np.abs(means).sum(axis=-1))


def check_confidence(confidence: float | None) -> float:
    """Return the probability of an answer.

    Raises:
        NotApplicableError: there is none.
        ModelError: it is outside of [0, 1].
    """
    if confidence is None:
        raise NotApplicableError(
            "ece: the expected calibration error needs a probability with every answer, "
            "and this model gives none"
        )
    if not 0.0 <= confidence <= 1.0:
        raise ModelError(f"ece: the probability of an answer is {confidence}, outside of [0, 1]")
    return confidence


def bin_of(confidence: float) -> int:
    """Return the index of the bin that a confidence is in."""
    return min(CALIBRATION_BINS - 1, int(confidence * CALIBRATION_BINS))


@dataclass(frozen=True)
class Matching:
    """How well answers in words match the nearest right one, by the measure that is not the score.

    Attributes:
        name: "exact-match" or "f1".
    """

    name: Literal["exact-match", "f1"]
    rises: bool = False

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return each answer's match; an abstention matches nothing."""
        match = exact_match if self.name == "exact-match" else token_f1
        return np.array(
            [
                [0.0 if o.prediction.label is None else match(o.prediction.label, o.label)]
                for o in outcomes
            ]
        )

    def value(self, means: Floats) -> Floats:
        """Return the mean."""
        return means[..., 0]


def _beside(task: Task) -> list[Metric]:
    """Return what is measured of answers in words beside the score."""
    if not isinstance(task, QuestionAnswering):
        return []
    return [Matching("exact-match" if task.metric == "f1" else "f1")]


class Loss(Protocol):
    """What is lost from before to under a shift, as a function of means over both sets."""

    @property
    def name(self) -> str:
        """In configurations and reports."""
        ...

    def before(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return what is averaged in distribution, shape (n, k).

        Raises:
            NotApplicableError: the answers lack what the metric needs.
        """
        ...

    def after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return what is averaged under the shift, shape (m, l)."""
        ...

    def scores(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the metric before and under the shift from the means, (..., k) to (...)."""
        ...

    def value(self, before: Floats, after: Floats) -> Floats:
        """Return the loss from the means; above 0 where the shift makes things worse."""
        ...


@dataclass(frozen=True)
class Drop:
    """What a metric falls by, or rises by where more of it is worse.

    Attributes:
        metric: Which.
    """

    metric: Metric

    @property
    def name(self) -> str:
        """The metric's."""
        return self.metric.name

    def before(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the metric's features."""
        return self.metric.features(outcomes)

    def after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the metric's features."""
        return self.metric.features(outcomes)

    def scores(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the metric's two values."""
        return self.metric.value(before), self.metric.value(after)

    def value(self, before: Floats, after: Floats) -> Floats:
        """Return their difference."""
        first, second = self.scores(before, after)
        return second - first if self.metric.rises else first - second


@dataclass(frozen=True)
class PerformanceDropRate:
    """1 - score under the shift / score in distribution (Zhu et al. 2023, PromptBench, section 3).

    0 where the score in distribution is 0.
    """

    name: str = PDR

    def before(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the scores."""
        return np.array([[outcome.score] for outcome in outcomes])

    def after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the scores."""
        return self.before(outcomes)

    def scores(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the mean scores."""
        return before[..., 0], after[..., 0]

    def value(self, before: Floats, after: Floats) -> Floats:
        """Return the share of the score that is lost."""
        first, second = self.scores(before, after)
        return np.where(first > 0, 1.0 - _ratio(second, first), 0.0)


@dataclass(frozen=True)
class Reweighted:
    """The drop of a domain shift at the in-distribution mix of labels.

    The target's score is averaged label by label with the labels' shares in distribution as
    weights (post-stratification; Holt and Smith 1979, Journal of the Royal Statistical Society A
    142:33-46), so that another mix of labels does not count as a loss.

    Attributes:
        labels: Of the task.
        name: In reports.
    """

    labels: tuple[str, ...]
    name: str = REWEIGHTED

    def before(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the score, then each label's presence."""
        return np.array(
            [[o.score, *(float(o.label == label) for label in self.labels)] for o in outcomes]
        )

    def after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each label its score and its presence."""
        return np.array(
            [
                [
                    v
                    for label in self.labels
                    for v in (o.score * (o.label == label), float(o.label == label))
                ]
                for o in outcomes
            ]
        )

    def scores(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the mean score, and the target's at the same mix of labels."""
        shares = before[..., 1:]
        present = after[..., 1::2] > 0
        shares = np.where(present, shares, 0.0)
        weights = _ratio(shares, shares.sum(axis=-1, keepdims=True) + np.zeros_like(shares))
        return before[..., 0], (weights * _ratio(after[..., 0::2], after[..., 1::2])).sum(axis=-1)

    def value(self, before: Floats, after: Floats) -> Floats:
        """Return their difference."""
        first, second = self.scores(before, after)
        return first - second


def loss_names(task: Task, kind: str) -> tuple[str, ...]:
    """Return the names that a budget of this kind of shift may have besides accuracy's own keys."""
    domain = (REWEIGHTED, IN_DOMAIN) if kind == "domain" else ()
    if task.labels:
        return (MACRO_F1, ECE, PDR, *(RECALL + label for label in task.labels), *domain)
    other = tuple(metric.name for metric in _beside(task))
    return (*other, PDR, *(name for name in domain if name != REWEIGHTED))


def value_of_example(metric: str, task: Task) -> ExampleValue | None:
    """Return what a metric that is a mean over examples is a mean of; None for other metrics.

    The function takes truth, answer and score of an example, and returns None where the example
    does not count, as one of another label in a recall.
    """
    if metric == ACCURACY:
        return lambda _truth, _answer, score: score
    label = metric.removeprefix(RECALL)
    if metric.startswith(RECALL) and label in task.labels:
        return lambda truth, answer, _: float(answer == label) if truth == label else None
    if metric in {one.name for one in _beside(task)}:
        match = exact_match if metric == "exact-match" else token_f1
        return lambda truth, answer, _: 0.0 if answer is None else match(answer, truth)
    return None


def examples_of(metric: str) -> str:
    """Return what the examples are called that a metric rests on."""
    if metric.startswith(RECALL):
        return f"examples of {metric.removeprefix(RECALL)!r}"
    return "examples"


def goes_by_label(metric: str) -> bool:
    """Tell whether a metric needs the same labels before and under a shift."""
    return metric in (MACRO_F1, REWEIGHTED) or metric.startswith(RECALL)


def find_loss(name: str, task: Task) -> Loss:
    """Return the loss of this name; `accuracy` and `in-domain` are means and have none.

    Raises:
        ConfigurationError: there is none.
    """
    labels, metrics = task.labels, _beside(task)
    losses: list[Loss] = [PerformanceDropRate()]
    if labels:
        metrics = [MacroF1(labels), CalibrationError(), *map(Recall, labels)]
        losses.append(Reweighted(labels))
    losses += map(Drop, metrics)
    known = {loss.name: loss for loss in losses}
    if name not in known:
        raise ConfigurationError(unknown_name("metric", name, known))
    return known[name]


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


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)
