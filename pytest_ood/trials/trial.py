"""What one model answered before and under one shift."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import reduce
from typing import TYPE_CHECKING, Protocol

import numpy as np

from pytest_ood.columns import Categorical, combined
from pytest_ood.metrics import GradedAnswers, Outcomes
from pytest_ood.rows import Subset
from pytest_ood.statistics.samples import Sample
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.perturbations.adversarial import AttackResult
    from pytest_ood.rows import Indices


@dataclass(frozen=True)
class PromptAttack:
    """What an attack made of a prompt.

    Attributes:
        before: The prompt, its fields in braces.
        after: The changed one.
        tried: Prompts that were tried, the original included.
        search_examples: Examples on which each of them was tried; each is a query.
    """

    before: str
    after: str
    tried: int
    search_examples: int


@dataclass(frozen=True)
class Decided:
    """The input that decides whether a case is right, and what it is compared with.

    Attributes:
        id: Of the case.
        expected: What was expected, in words.
        inputs: What the model was asked.
        answer: What it said.
        before: The input that it is compared with, or None.
        answer_before: What the model said to that.
        right: Of the case's inputs, how many were answered right.
        asked: How many inputs it has.
        silent: How many of them got an abstention.
        said: Where `answer` is an abstention: what the model wrote, if that is known.
        said_before: Where `answer_before` is one: likewise.
    """

    id: str
    expected: str
    inputs: Inputs
    answer: str | None
    before: Inputs | None
    answer_before: str | None
    right: int
    asked: int
    silent: int
    said: str | None = None
    said_before: str | None = None


@dataclass(frozen=True)
class Trial:
    """What a model answered before and under a shift, on the first `drawn` examples.

    Attributes:
        paired: The same examples before and after, in the same order.
        drawn: Examples of the in-distribution draw it goes up to.
        before: In distribution.
        after: Under the shift.
        originals: The inputs of `after` before they were changed; None for other examples.
        shifted: The inputs of `after`.
        unchanged: Examples in which nothing was changed.
        rejected: Examples whose change the validity filter did not accept.
        attacks: What became of each example under an attack; None for another shift.
        unheld: Of an attack: successes that did not hold on a second query.
        cached: Of an attack: queries that were answered without asking the model.
        prompt: Of an attack on the prompt: what was changed.
        unanswered: Why, for each input that got no answer: those examples are left out.
        decided: Where several inputs are counted as one, what decided each of `after`; None
            elsewhere.
        left_out: Why cases do not apply to the model, and how many.
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
    decided: Sequence[Decided] | None = None
    left_out: tuple[tuple[str, int], ...] = ()


class ExtendableTrial(Protocol):
    """A trial that goes as far as it is asked to."""

    def extend_to(self, size: int) -> Trial:
        """Return the trial on the first `size` examples, asking what was not asked yet."""
        ...


def perfect_trial(before: Sequence[str], after: Sequence[str], *, paired: bool) -> Trial:
    """Return the trial of a model that is always right, and sure of it.

    Args:
        before: The truths in distribution.
        after: The truths under the shift.
        paired: They are of the same examples.
    """

    def right(truths: Sequence[str]) -> Outcomes:
        rows = ((truth, Prediction(truth, {truth: 1.0}), 1.0) for truth in truths)
        return Outcomes((), np.arange(len(truths)), GradedAnswers.of(rows))

    first, last = right(before), right(after)
    return Trial(
        paired=paired, drawn=len(first), before=first, after=last, originals=None, shifted=()
    )


def aligned(trials: Sequence[Trial]) -> list[Trial]:
    """Return trials on the examples that all of them have, and have answers to.

    Under an attack, what has to be left out of one model's may be in another's. What was not
    answered is neither right nor wrong: the example is left out, of all of them.
    """
    before = _kept([trial.before for trial in trials])
    after = _kept([trial.after for trial in trials])
    if before is None and after is None:
        return list(trials)
    return [_only(trial, before, after) for trial in trials]


def _kept(sides: Sequence[Outcomes]) -> Indices | None:
    """Return the places that all sides have answers to; None where it is all of them."""
    answered = [side.places[side.graded.answered] for side in sides]
    kept = reduce(np.intersect1d, answered)
    return None if all(len(side) == len(kept) for side in sides) else kept


def _only(trial: Trial, before: Indices | None, after: Indices | None) -> Trial:
    """Return a trial on the examples at these places; of a paired one, those of both."""
    if trial.paired:
        before = after = reduce(np.intersect1d, [p for p in (before, after) if p is not None])
    sides = ((trial.before, before), (trial.after, after))
    first, last = (
        np.arange(len(side)) if kept is None else np.flatnonzero(np.isin(side.places, kept))
        for side, kept in sides
    )
    originals, errors = trial.originals, trial.before.graded.error + trial.after.graded.error
    return replace(
        trial,
        before=trial.before.only(first),
        after=trial.after.only(last),
        originals=None if originals is None else Subset(originals, last),
        shifted=Subset(trial.shifted, last),
        decided=None if trial.decided is None else Subset(trial.decided, last),
        unanswered=trial.unanswered + known(errors),
    )


def known(errors: Categorical[str | None]) -> Categorical[str]:
    """Return the errors among what may be some."""
    return combined([errors[errors.where(lambda error: error is not None)]], str)


def answered_by_all(sides: Sequence[Outcomes]) -> tuple[list[Outcomes], Categorical[str]]:
    """Return the outcomes of the places that all have answers to, and why others are out.

    Args:
        sides: On the same examples, one for each seed of a model.
    """
    errors = combined([side.graded.error for side in sides], _first_known)
    answered = errors.where(lambda error: error is None)
    return [side.only(answered) for side in sides], known(errors)


def _first_known(*errors: str | None) -> str | None:
    return next((error for error in errors if error is not None), None)


def spread_scores(
    trials: Sequence[Trial], side: Callable[[Trial], Outcomes]
) -> Categorical[float | None]:
    """Return each example's mean score over the trials of a model's seeds, by its place."""
    outcomes = [side(trial) for trial in trials]
    places = outcomes[0].places
    size = int(places[-1]) + 1 if len(places) else 0
    return outcomes[0].spread(mean_scores_of(outcomes), size)


def mean_scores_of(sides: Sequence[Outcomes]) -> Categorical[float]:
    """Return every example's score, averaged over the seeds."""
    return combined([side.graded.score for side in sides], _mean_of_all)


def mean_of(outcomes: Outcomes) -> float:
    """Return the mean score."""
    return float(Sample.of(outcomes.graded.score).mean)


def _mean_of_all(*values: float) -> float:
    return sum(values) / len(values)
