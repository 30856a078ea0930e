"""The score of a model on cases alone, without data in distribution."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import judge_at_least
from pytest_ood.data.examples import Dataset, inputs_of
from pytest_ood.data.lazy import Subset
from pytest_ood.errors import ModelError
from pytest_ood.evaluation import details, estimators, validity
from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.evaluation.records import Floor, unparsed_outputs
from pytest_ood.loading.cases import Case, best_constant
from pytest_ood.statistics import estimate
from pytest_ood.trials.answer_sets import CaseAnswerSet
from pytest_ood.trials.trial import Trial, aligned

if TYPE_CHECKING:
    from pytest_ood.budgets import Rules
    from pytest_ood.trials.predictor import Predictor


def score_of_cases(
    predictor: Predictor, cases: Dataset, *, floor: float, rules: Rules, seed: int
) -> Floor:
    """Measure the score of a model on cases, without data in distribution.

    Args:
        predictor: Runs the model, and has the task.
        cases: A data set of `Case`s.
        floor: The least score that passes.
        rules: The levels of the verdict.
        seed: The seed of the run.

    Raises:
        NotApplicableError: no case applies to the model.
        ModelError: the model answered no case.
    """
    all_cases = [case for case in cases if isinstance(case, Case)]
    side = CaseAnswerSet(predictor, all_cases, cases.name)
    outcomes = side.extend_to(len(all_cases))
    (trial,) = aligned(
        [
            Trial(
                paired=False,
                drawn=len(all_cases),
                before=outcomes,
                after=outcomes,
                originals=None,
                shifted=inputs_of(Subset(all_cases, outcomes.indices)),
                decided=side.decided,
                left_out=side.left_out(len(all_cases)),
            )
        ]
    )
    # Both sides of the trial are the same outcomes, and so have the same errors.
    missing = trial.unanswered[: len(trial.unanswered) // 2]
    if not len(trial.after):
        raise ModelError(f"model {predictor.model.name!r} answered no case ({missing[0]})")
    statistic = estimators.score_statistic([trial.after])
    judged = validity.too_many_unanswered(missing, len(all_cases)) or judge_at_least(
        statistic, floor, rules
    )
    flipped = Measurement([trial]).flipped
    flips = details.flips(trial, flipped)
    return Floor(
        suite=predictor.suite,
        model=predictor.model.name,
        kind="domain",
        shift=cases.name,
        n=statistic.n,
        planned=statistic.n,
        abstained=validity.abstained(trial.after),
        score=estimate(statistic, rules.alpha),
        majority=best_constant(all_cases, predictor.task),
        budget=floor,
        verdict=judged.verdict,
        reason=judged.reason,
        seed=seed,
        data_hash=Dataset(cases.name, Subset(all_cases, trial.after.indices)).content_hash,
        p_fail=judged.p_fail,
        errors=details.counted_errors([missing]),
        left_out=dict(trial.left_out),
        case_inputs=validity.inputs_of_cases(trial) or None,
        flips=flips,
        unparsed_outputs=unparsed_outputs(flips),
        flipped=len(flipped),
        score_name=predictor.task.measure,
    )
