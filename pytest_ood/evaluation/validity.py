"""When a figure says nothing about robustness: the first reason, or none.

Every function returns a judgement "invalid", or None where nothing is wrong.
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
from pytest_ood.engine import next_step
from pytest_ood.examples import Dataset
from pytest_ood.metrics import most_frequent
from pytest_ood.rows import Subset
from pytest_ood.statistics import mean_score
from pytest_ood.tasks import majority_share
from pytest_ood.trials.trial import known

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.evaluation.measurement import Measurement
    from pytest_ood.metrics import Outcomes
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic
    from pytest_ood.trials.trial import Trial


def first_invalid(
    shift: Shift,
    measurements: Sequence[tuple[str, Measurement]],
    touched: Sequence[int],
    max_abstention: float,
) -> Judgement | None:
    """Return why no verdict about these measurements would mean anything.

    Args:
        shift: That was measured.
        measurements: Each with what messages about it begin with: the model, where two are
            compared.
        touched: Of all trials, in their order, how many examples the shift has changed.
        max_abstention: The share of inputs that may go without a parseable answer.
    """
    trials = [trial for _, measurement in measurements for trial in measurement.trials]
    judged = too_few_changed(shift, trials, touched)
    for check in (_too_many_abstentions, _too_many_missing):
        for who, measurement in measurements:
            for trial in measurement.trials:
                found = None if judged is not None else check(trial, max_abstention)
                if found is not None:
                    judged = Judgement("invalid", who + found.reason)
    return judged


def too_few_changed(
    shift: Shift, trials: Sequence[Trial], touched: Sequence[int]
) -> Judgement | None:
    """Say that a shift changed too few examples for what they say to hold for others."""
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
        # The cap is on inputs; one of them without an answer makes a whole case wrong.
        silent = sum(one.silent for one in trial.decided)
        inputs = inputs_of_cases(trial)
    return _abstaining(silent, inputs, "under the shift", cap)


def _too_many_missing(trial: Trial, cap: float) -> Judgement | None:
    del cap
    return too_many_unanswered(trial.unanswered, len(trial.unanswered) + len(trial.after))


def too_many_unanswered(missing: Sequence[str], inputs: int) -> Judgement | None:
    """Say why too few inputs were answered for the rest to speak for them."""
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
    """Say why a model's drops mean nothing, by its answers in distribution.

    Args:
        statistic: Its score.
        majority: What the majority class scores.
        answered: Its answers, one set for each seed.
        max_abstention: The share of inputs that may go without a parseable answer.
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
    """Return whether a score is shown to be above that of the majority class."""
    return statistic.p_above(majority) <= VALIDITY_ALPHA


def lost_reference(name: str, outcomes: Outcomes) -> Judgement | None:
    """Say why the in-domain reference is none: what has not learned the target is no mark."""
    statistic = mean_score(outcomes.graded.score)
    majority = majority_share(Dataset(name, Subset(outcomes.examples, outcomes.places)))
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
    given = known(outcomes.graded.answer)
    if not given:
        written = next((said for said in known(outcomes.graded.said) if said.strip()), None)
        if written is None:
            return Judgement("invalid", "it answered nothing in distribution")
        return Judgement(
            "invalid",
            "no answer could be read out of anything it wrote in distribution, such as "
            f"{written!r}",
        )
    most, count = most_frequent(given)
    share = count / len(given)
    if share <= SAME_ANSWER_SHARE:
        return None
    return Judgement("invalid", f"it answers {most!r} to {points(share)} % of the inputs")


def abstained(outcomes: Outcomes) -> int:
    """Return how many inputs got no parseable answer."""
    return outcomes.graded.answer.count(None)


def inputs_of_cases(trial: Trial) -> int:
    """Return how many inputs the cases of a trial have; 0 where there are none."""
    return sum(one.asked for one in trial.decided or ())
