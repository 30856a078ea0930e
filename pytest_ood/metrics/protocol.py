"""The protocol of metrics, with the defaults that fit most of them.

A metric is computed from the means of a few features of each example, so that it can be resampled
thousands of times at once. All metrics are shares of 1, which tables show in percentage points.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.metrics.outcomes import Outcome, Outcomes
    from pytest_ood.statistics import Statistic
    from pytest_ood.tasks import Counts, Task

    Floats = NDArray[np.float64]
    ExampleValue = Callable[[str, "str | None", float], "float | None"]


class BeforeAfter(Protocol):
    """The answers of one model, under one of its seeds, before and under a shift."""

    @property
    def paired(self) -> bool:
        """Whether both sides are the same examples in the same order."""
        ...

    @property
    def before(self) -> Outcomes:
        """The answers in distribution."""
        ...

    @property
    def after(self) -> Outcomes:
        """The answers under the shift."""
        ...


class Metric:
    """A metric of a set of answers, and how much of it is lost under a shift.

    A metric defines `NAME`, `for_task`, and `features` with `value`; the rest has defaults that fit
    most metrics. `MeanOverExamples` and `F1OfCounts` need a single function of an example instead.

    Attributes:
        NAME: In suite files and reports; of several metrics of one class, what their names begin
            with.
        RISES: Whether a higher value is worse. The drop is then how much the metric rises.
        RANK: Its position among the metrics of a suite; equal ranks are sorted by name.
        KINDS: The kinds of shift under which a budget may name the metric; empty for all.
        BY_LABEL: Whether it needs the same labels before and under a shift.
        FROM_SCORES: Whether it needs nothing but the score of each example, and so can be measured
            where an attack leaves the answers as they are, or several inputs are scored as one.
        SHOWS_SCORES: Whether the values before and under the shift are mean scores, which tables
            call by the name of the task's score. Such a metric is no further property of the
            answers, and is not listed beside the others.
        NEEDS_REFERENCE: Whether the value before the shift is that of the in-domain reference.
        DROP_LIMITS: The least and the largest drop.
    """

    NAME: ClassVar[str]
    RISES: ClassVar[bool] = False
    RANK: ClassVar[int] = 100
    KINDS: ClassVar[tuple[str, ...]] = ()
    BY_LABEL: ClassVar[bool] = False
    FROM_SCORES: ClassVar[bool] = False
    SHOWS_SCORES: ClassVar[bool] = False
    NEEDS_REFERENCE: ClassVar[bool] = False
    DROP_LIMITS: ClassVar[tuple[float, float]] = (-1.0, 1.0)

    @classmethod
    def for_task(cls, task: Task) -> tuple[Metric, ...]:
        """Return the metrics of this class that apply to a task's answers."""
        raise NotImplementedError

    @classmethod
    def is_named(cls, name: str) -> bool:
        """Return whether a metric of this class has this name, for whatever task."""
        return name == cls.NAME

    @classmethod
    def label(cls, name: str, measure: str) -> str:
        """Return what tables call the values before and under the shift.

        Args:
            name: The metric's name.
            measure: The task's name of the mean score.
        """
        return measure if cls.SHOWS_SCORES else name

    @property
    def name(self) -> str:
        """The name in suite files and reports."""
        return self.NAME

    @property
    def examples(self) -> str:
        """The word for the examples of the metric in messages."""
        return "examples"

    def for_answers(self, before: Outcomes, after: Outcomes) -> Metric:
        """Return the metric as it is measured on these answers.

        Args:
            before: The answers in distribution.
            after: The answers under the shift.

        Raises:
            NotApplicableError: the examples lack what the metric needs.
        """
        del before, after
        return self

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return what is averaged over n examples, shape (n, k).

        Raises:
            NotApplicableError: the answers lack what the metric needs.
        """
        raise NotImplementedError

    def features_after(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return what is averaged under the shift, shape (m, l); usually the same."""
        return self.features(outcomes)

    def value(self, means: Floats) -> Floats:
        """Return the metric from the features' means, shape (..., k) to (...)."""
        raise NotImplementedError

    def values(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return the metric before and under the shift from both sides' means."""
        return self.value(before), self.value(after)

    @classmethod
    def drop(cls, before: Floats | float, after: Floats | float) -> Floats:
        """Return how much worse the metric is under the shift; above 0 where it is worse.

        Args:
            before: The metric in distribution.
            after: The metric under the shift.
        """
        return np.asarray(after - before if cls.RISES else before - after)

    def value_of_example(self, answers: BeforeAfter) -> ExampleValue | None:
        """Return the function of truth, answer and score whose mean the metric is, if there is one.

        Its values are in [0, 1], or None where an example does not count. A mean has exact or
        bounded intervals, which are narrower than those of a function of several means.
        """
        del answers
        return None

    def statistic(
        self, models: Sequence[Sequence[BeforeAfter]], signs: Sequence[float]
    ) -> Statistic | None:
        """Return the metric's own statistic, where it has a better one than a function of means.

        Args:
            models: The answers of each model, one for each of its seeds.
            signs: The weight of each model's drop in the sum that is estimated.

        Raises:
            NotApplicableError: the answers lack what the metric needs.
        """
        del models, signs
        return None


class MeanOverExamples(Metric):
    """A metric that is the mean of a value in [0, 1] over the examples that count."""

    def of_example(self, truth: str, answer: str | None, score: float) -> float | None:
        """Return the value of one example, or None where it does not count.

        Args:
            truth: The right answer.
            answer: The model's; None for an abstention.
            score: The task's score of the answer.
        """
        raise NotImplementedError

    def value_of_example(self, answers: BeforeAfter) -> ExampleValue | None:
        """Return `of_example`."""
        del answers
        return self.of_example

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return each example's value, 0 where it does not count, and whether it counts."""
        values = [self.of_example(o.label, o.prediction.label, o.score) for o in outcomes]
        return np.array([[value or 0.0, float(value is not None)] for value in values])

    def value(self, means: Floats) -> Floats:
        """Return the mean over the examples that count; 0 where there are none."""
        return ratio(means[..., 0], means[..., 1])


class F1OfCounts(Metric):
    """The micro-averaged F1 of the parts of answers: 2 right / (true + answered).

    Each is summed over all examples. A metric defines `counts`.
    """

    def counts(self, answer: str | None, truth: str) -> Counts:
        """Return the counts of one example; an abstention has no parts."""
        raise NotImplementedError

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each example: parts that are right, and true and answered ones together."""
        counts = (self.counts(o.prediction.label, o.label) for o in outcomes)
        rows = [(c.right, c.true + c.answered) for c in counts]
        return np.array(rows, np.float64).reshape(-1, 2)

    def value(self, means: Floats) -> Floats:
        """Return the F1; 0 where neither side has a part."""
        return ratio(2.0 * means[..., 0], means[..., 1])


def ratio(part: Floats, whole: Floats) -> Floats:
    """Return part / whole; 0 where the whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)
