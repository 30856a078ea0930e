"""Checks whether a result is valid: whether it can say anything about robustness.

Every check returns a judgement "invalid" with the reason, or None.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import (
    SAME_ANSWER_SHARE,
    UNANSWERED_SHARE,
    VALIDITY_ALPHA,
    Judgement,
    points,
)
from pytest_ood.data.examples import Dataset
from pytest_ood.data.lazy import Subset
from pytest_ood.inference.engine import next_step
from pytest_ood.metrics import most_frequent
from pytest_ood.statistics import mean_score
from pytest_ood.tasks import majority_share
from pytest_ood.trials.trial import without_none

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.evaluation.measurement import Measurement
    from pytest_ood.metrics import Outcomes
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic
    from pytest_ood.tasks import Task
    from pytest_ood.trials.trial import Trial


def first_invalid(
    shift: Shift,
    measurements: Sequence[tuple[str, Measurement]],
    touched: Sequence[int],
    max_abstention: float,
) -> Judgement | None:
    """Return the first reason why a verdict on these measurements would mean nothing.

    Args:
        shift: The shift.
        measurements: (prefix of messages, measurement); the prefix names the model where two are
            compared.
        touched: The number of changed examples of each trial, in order.
        max_abstention: The largest share of inputs without a parseable answer.
    """
    trials = [trial for _, measurement in measurements for trial in measurement.trials]
    judged = too_few_changed(shift, trials, touched)
    for check in (_too_many_abstentions, _too_many_missing):
        for prefix, measurement in measurements:
            for trial in measurement.trials:
                judgement = None if judged is not None else check(trial, max_abstention)
                if judgement is not None:
                    judged = Judgement("invalid", prefix + judgement.reason)
    return judged


def too_few_changed(
    shift: Shift, trials: Sequence[Trial], touched: Sequence[int]
) -> Judgement | None:
    """Return "invalid" where a shift changed too few examples to generalise from."""
    changed, trial = min(zip(touched, trials, strict=True), key=lambda pair: pair[0])
    if changed >= shift.min_changed:
        return None
    done = "changed" if trial.attacks is None else "attacked"
    rejected = f" and {trial.rejected} rejected by the filter" if trial.rejected else ""
    return Judgement(
        "invalid",
        f"only {changed} examples were {done}{rejected}; {shift.min_changed} are the least",
    )


def _too_many_abstentions(trial: Trial, cap: float) -> Judgement | None:
    silent, inputs = abstained(trial.after), len(trial.after)
    if trial.decided is not None:
        # The cap is on inputs, not on cases: one abstention makes a whole case wrong.
        silent = sum(one.silent for one in trial.decided)
        inputs = inputs_of_cases(trial)
    return _abstaining(silent, inputs, "under the shift", cap)


def _too_many_missing(trial: Trial, cap: float) -> Judgement | None:
    del cap
    return too_many_unanswered(trial.unanswered, len(trial.unanswered) + len(trial.after))


def too_many_unanswered(missing: Sequence[str], inputs: int) -> Judgement | None:
    """Return "invalid" where too many inputs have no answer at all."""
    if len(missing) <= UNANSWERED_SHARE * inputs:
        return None
    return Judgement(
        "invalid",
        f"{len(missing)} of {inputs} inputs got no answer, over the cap of "
        f"{points(UNANSWERED_SHARE)} % (error: {missing[0]}); {next_step(missing[0])}",
    )


def unusable(
    statistic: Statistic, majority: float, answered: Sequence[Outcomes], max_abstention: float
) -> Judgement | None:
    """Return "invalid" where a model's answers in distribution make its drops meaningless.

    Args:
        statistic: The score of the model in distribution.
        majority: The score of the majority class.
        answered: The outcomes of each seed.
        max_abstention: The largest share of inputs without a parseable answer.
    """
    for outcomes in answered:
        judged = _one_answer(outcomes) or _abstaining(
            abstained(outcomes), len(outcomes), "in distribution", max_abstention
        )
        if judged is not None:
            return judged
    if not is_above_majority(statistic, majority):
        return Judgement(
            "invalid",
            f"its in-distribution score of {points(statistic.value)} is not shown to be above "
            f"the majority class ({points(majority)}) at level {VALIDITY_ALPHA}, "
            f"n = {statistic.n}",
        )
    return None


def is_above_majority(statistic: Statistic, majority: float) -> bool:
    """Return whether a score is significantly above that of the majority class."""
    return statistic.p_above(majority) <= VALIDITY_ALPHA


def lost_reference(name: str, outcomes: Outcomes, task: Task) -> Judgement | None:
    """Return "invalid" where the in-domain reference has not learned the target domain."""
    statistic = mean_score(outcomes.graded.score)
    majority = majority_share(Dataset(name, Subset(outcomes.examples, outcomes.indices)), task)
    if is_above_majority(statistic, majority):
        return None
    return Judgement(
        "invalid",
        f"the in-domain reference scores {points(statistic.value)}, not shown to be above the "
        f"target's majority class ({points(majority)}); it needs more training data",
    )


def _abstaining(silent: int, inputs: int, where: str, cap: float) -> Judgement | None:
    share = silent / inputs
    if share <= cap:
        return None
    return Judgement(
        "invalid",
        f"it gave no parseable answer to {points(share)} % of the inputs {where}, over the "
        f"cap of {points(cap)} %",
    )


def _one_answer(outcomes: Outcomes) -> Judgement | None:
    answers = without_none(outcomes.graded.answer)
    if not answers:
        written = next((said for said in without_none(outcomes.graded.said) if said.strip()), None)
        if written is None:
            return Judgement("invalid", "it answered nothing in distribution")
        return Judgement(
            "invalid",
            "no answer could be read out of anything it wrote in distribution, such as "
            f"{written!r}",
        )
    most, count = most_frequent(answers)
    share = count / len(answers)
    if share <= SAME_ANSWER_SHARE:
        return None
    return Judgement("invalid", f"it answers {most!r} to {points(share)} % of the inputs")


def abstained(outcomes: Outcomes) -> int:
    """Return the number of inputs without a parseable answer."""
    return outcomes.graded.answer.count(None)


def inputs_of_cases(trial: Trial) -> int:
    """Return the number of inputs of a trial's cases; 0 where it counts no cases."""
    return sum(one.total for one in trial.decided or ())
