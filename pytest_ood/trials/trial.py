"""The answers of one model before and under one shift."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pytest_ood.data.categorical import Categorical, combined
from pytest_ood.data.lazy import Subset
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.statistics.samples import Sample
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.data.lazy import Indices
    from pytest_ood.perturbations.adversarial import AttackResult
    from pytest_ood.statistics.prediction_powered import Labelled


@dataclass(frozen=True, kw_only=True)
class PromptAttack:
    """A prompt before and after an attack.

    Attributes:
        before: The original prompt, with its fields in braces.
        after: The changed prompt.
        tried: The number of prompts that were tried, including the original.
        search_examples: The number of examples that each prompt was tried on, each a query.
    """

    before: str
    after: str
    tried: int
    search_examples: int


@dataclass(frozen=True, kw_only=True)
class DecidingInput:
    """The input that decides whether a case is right, and what it is compared with.

    Attributes:
        id: The id of the case.
        expected: The expectation, in words.
        inputs: The deciding input.
        answer: The model's answer to it; None for an abstention.
        before: The input that it is compared with, or None.
        answer_before: The model's answer to that input.
        right: The number of the case's inputs that were answered right.
        total: The number of its inputs.
        silent: The number of its inputs with an abstention.
        said: The beginning of the model's text where `answer` is an abstention, if there is one.
        said_before: The same for `answer_before`.
    """

    id: str
    expected: str
    inputs: Inputs
    answer: str | None
    before: Inputs | None
    answer_before: str | None
    right: int
    total: int
    silent: int
    said: str | None = None
    said_before: str | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """The answers of a model before and under a shift, on the first `drawn` examples.

    Attributes:
        paired: Whether both sides are the same examples in the same order.
        drawn: The number of examples of the in-distribution sample that were used.
        before: The outcomes in distribution.
        after: The outcomes under the shift.
        originals: The inputs of `after` before the shift; None for a shift to other examples.
        shifted: The inputs of `after`.
        unchanged: The number of examples in which nothing was changed.
        rejected: The number of examples whose change the validity filter rejected.
        attacks: The result of each attacked example; None for other shifts.
        unheld: The number of an attack's successes that did not hold on a second query.
        cached: The number of an attack's queries that the store answered.
        prompt: The prompt before and after an attack on it; None for other shifts.
        unanswered: The reason for each input without an answer; those examples are left out.
        decided: For shifts that count cases, the deciding input of each of `after`; else None.
        left_out: The number of cases that do not apply to the model, by reason.
        labelled: Where a judge scores answers, those that people have judged as well, in
            distribution and under the shift; None for other tasks, and where they are too few.
    """

    paired: bool
    drawn: int
    before: Outcomes
    after: Outcomes
    originals: Sequence[Inputs] | None
    shifted: Sequence[Inputs]
    unchanged: int = 0
    rejected: int = 0
    attacks: tuple[AttackResult, ...] | None = None
    unheld: int = 0
    cached: int = 0
    prompt: PromptAttack | None = None
    unanswered: Categorical[str] = field(default_factory=Categorical)
    decided: Sequence[DecidingInput] | None = None
    left_out: tuple[tuple[str, int], ...] = ()
    labelled: tuple[Labelled, Labelled] | None = None


class ExtendableTrial(Protocol):
    """A trial that predicts more examples on demand."""

    def extend_to(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, predicting those that are missing."""
        ...


def perfect_trial(before: Sequence[str], after: Sequence[str], *, paired: bool) -> Trial:
    """Return the trial of a model that is always right, with confidence 1.

    Args:
        before: The truths in distribution.
        after: The truths under the shift.
        paired: Whether both are the truths of the same examples.
    """

    def right(truths: Sequence[str]) -> Outcomes:
        """Return outcomes in which each answer is right."""
        rows = ((truth, Prediction(truth, {truth: 1.0}), 1.0) for truth in truths)
        return Outcomes((), np.arange(len(truths)), GradedAnswers.of(rows))

    first, last = right(before), right(after)
    return Trial(
        paired=paired, drawn=len(first), before=first, after=last, originals=None, shifted=()
    )


def aligned(trials: Sequence[Trial]) -> list[Trial]:
    """Restrict trials to the examples that all of them have answers to.

    An attack may skip an example for one model and not for another. An unanswered input is neither
    right nor wrong, so its example is left out of all trials.
    """
    before = _common_indices([trial.before for trial in trials])
    after = _common_indices([trial.after for trial in trials])
    if before is None and after is None:
        return list(trials)
    return [_only(trial, before, after) for trial in trials]


def _common_indices(sides: Sequence[Outcomes]) -> Indices | None:
    """Return the indices that all sides have answers to; None where no side has others."""
    answered = [side.indices[side.graded.answered] for side in sides]
    common = reduce(np.intersect1d, answered)
    return None if all(len(side) == len(common) for side in sides) else common


def _only(trial: Trial, before: Indices | None, after: Indices | None) -> Trial:
    """Restrict a trial to examples by their indices; a paired one to those of both sides."""
    if trial.paired:
        before = after = reduce(np.intersect1d, [p for p in (before, after) if p is not None])
    sides = ((trial.before, before), (trial.after, after))
    first, last = (
        np.arange(len(side)) if common is None else np.flatnonzero(np.isin(side.indices, common))
        for side, common in sides
    )
    originals, errors = trial.originals, trial.before.graded.error + trial.after.graded.error
    return replace(
        trial,
        before=trial.before.only(first),
        after=trial.after.only(last),
        originals=None if originals is None else Subset(originals, last),
        shifted=Subset(trial.shifted, last),
        decided=None if trial.decided is None else Subset(trial.decided, last),
        unanswered=trial.unanswered + without_none(errors),
    )


def without_none(errors: Categorical[str | None]) -> Categorical[str]:
    """Return the errors, without None."""
    return combined([errors[errors.where(lambda error: error is not None)]], str)


def answered_by_all(sides: Sequence[Outcomes]) -> tuple[list[Outcomes], Categorical[str]]:
    """Return the outcomes that all seeds have answers to, and the errors of the others.

    Args:
        sides: The outcomes of each seed of a model, on the same examples.
    """
    errors = combined([side.graded.error for side in sides], _first_error)
    answered = errors.where(lambda error: error is None)
    return [side.only(answered) for side in sides], without_none(errors)


def _first_error(*errors: str | None) -> str | None:
    return next((error for error in errors if error is not None), None)


def spread_scores(
    trials: Sequence[Trial], side: Callable[[Trial], Outcomes]
) -> Categorical[float | None]:
    """Return each example's mean score over the seeds of a model, by its index."""
    outcomes = [side(trial) for trial in trials]
    indices = outcomes[0].indices
    size = int(indices[-1]) + 1 if len(indices) else 0
    return outcomes[0].spread(mean_scores_of(outcomes), size)


def mean_scores_of(sides: Sequence[Outcomes]) -> Categorical[float]:
    """Return each example's score, averaged over the seeds."""
    return combined([side.graded.score for side in sides], _mean_of_all)


def mean_of(outcomes: Outcomes) -> float:
    """Return the mean score."""
    return float(Sample.of(outcomes.graded.score).mean)


def _mean_of_all(*values: float) -> float:
    return sum(values) / len(values)
