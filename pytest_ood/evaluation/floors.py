"""The scores of models in distribution, which decide whether their drops mean anything."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pytest_ood.budgets import Judgement, judge_at_least, points
from pytest_ood.data.examples import IN_DISTRIBUTION, inputs_of
from pytest_ood.errors import ModelError
from pytest_ood.evaluation import details, validity
from pytest_ood.evaluation.estimators import score_statistic
from pytest_ood.evaluation.records import Floor, unparsed_outputs
from pytest_ood.evaluation.stopping import is_sequential, measure_until_settled
from pytest_ood.models.protocol import is_recorded
from pytest_ood.statistics import estimate
from pytest_ood.statistics.sequential import looks
from pytest_ood.tasks import majority_share
from pytest_ood.trials.predictor import SECOND_DRAW, single_models
from pytest_ood.trials.trial import answered_by_all, mean_of, mean_scores_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.budgets import Rules
    from pytest_ood.data.categorical import Categorical
    from pytest_ood.evaluation.contamination import Contamination
    from pytest_ood.evaluation.details import Details
    from pytest_ood.evaluation.judging import Judging
    from pytest_ood.evaluation.originals import Originals
    from pytest_ood.metrics import Outcomes
    from pytest_ood.statistics import Statistic
    from pytest_ood.trials.predictor import AnyModel, SingleModel

REASKED = 64
"""The number of in-distribution examples that a model answers a second time."""


class Floors:
    """The scores in distribution of the models of a suite, each measured once.

    Args:
        originals: The answers in distribution.
        details_: Computes the details of reports.
        contamination: Notes inputs that a model truncates.
        rules: The levels of verdicts.
        judging: Judges answers, or None.
    """

    def __init__(
        self,
        originals: Originals,
        details_: Details,
        contamination: Contamination,
        rules: Rules,
        judging: Judging | None = None,
    ) -> None:
        self._originals = originals
        self._data = originals.data
        self._details = details_
        self._contamination = contamination
        self._rules = rules
        self._judging = judging
        self._floors: dict[str, Floor] = {}

    def of(self, model: AnyModel) -> Floor:
        """Measure a model in distribution.

        Raises:
            OodError: the data or the model cannot be used.
        """
        if model.name not in self._floors:
            self._floors[model.name] = self._measure(model)
        return self._floors[model.name]

    def unusable(self, model: AnyModel) -> Judgement | None:
        """Return why verdicts on this model's drops would mean nothing; None where they do.

        Raises:
            OodError: as `of`.
        """
        floor = self.of(model)
        if floor.verdict == "invalid":
            return Judgement("invalid", f"{model.name}: {floor.reason}")
        return None

    def _measure(self, model: AnyModel) -> Floor:
        dataset, members = self._data.in_distribution(), single_models(model)
        budget, judging = self._data.suite.min_score, self._judging
        # A judge compares with no right answer, so that no constant one has a share of them.
        majority = 0.0 if judging else majority_share(dataset, self._data.suite.task)
        horizon = len(dataset)
        if judging is not None:
            judging.check_judge(model)

        def measure(size: int) -> tuple[_Answers, Statistic]:
            """Return the answers to the first examples, and their score."""
            by_seed = [self._originals.answers(member).extend_to(size) for member in members]
            answered, missing = answered_by_all(by_seed)
            if not len(answered[0]):
                raise ModelError(
                    f"model {model.name!r} answered none of {size} inputs in distribution "
                    f"({missing[0]})"
                )
            answers = _Answers(by_seed, answered, missing)
            labelled = None if judging is None else judging.labelled(model)
            return answers, score_statistic(answered, labelled)

        def settles(_: _Answers, statistic: Statistic) -> bool:
            """Return whether the score settles the validity of the model and its verdict."""
            return validity.is_above_majority(statistic, majority) and (
                budget is None
                or statistic.p_above(budget) <= self._rules.alpha
                or statistic.p_below(budget) <= self._rules.fail_alpha
            )

        settled = measure_until_settled(
            looks(horizon) if is_sequential([model], horizon, self._rules) else [horizon],
            measure,
            values=lambda answers: answers.scores,
            limits=(0.0, 1.0),
            horizon=horizon,
            is_settled=settles,
        )
        answers, statistic = settled.measurement, settled.statistic
        answered, missing = answers.answered, answers.missing
        judged = None if judging is None else judging.lacking([model])
        judged = judged or validity.unusable(
            statistic, majority, answered, self._data.suite.max_abstention
        )
        judged = judged or validity.too_many_unanswered(missing, len(missing) + len(answered[0]))
        if judged is None:
            judged = Judgement("pass", f"above the majority class ({points(majority)})")
            if budget is not None:
                judged = judge_at_least(statistic, budget, self._rules)
        repeated, inconsistent = self._ask_again(members[0], answers.by_seed[0])
        seen = inputs_of(dataset.examples[: len(answers.by_seed[0])])
        self._contamination.note_cut(model, IN_DISTRIBUTION, seen)
        abstained = validity.abstained(answered[0])
        abstentions = details.abstentions(answered[0])
        return Floor(
            suite=self._data.suite.name,
            model=model.name,
            n=statistic.n,
            planned=horizon,
            abstained=abstained,
            score=estimate(statistic, self._rules.alpha),
            majority=majority,
            budget=budget,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self._data.seed,
            data_hash=dataset.content_hash,
            p_fail=judged.p_fail,
            repeated=repeated,
            inconsistent=inconsistent,
            seed_scores=tuple(map(mean_of, answered)),
            errors=details.counted_errors([missing]),
            items=None
            if judging is not None
            else self._details.items_in_distribution(answered[0], answers.scores),
            flips=abstentions,
            unparsed_outputs=unparsed_outputs(abstentions),
            flipped=abstained,
            score_name=self._data.suite.task.measure,
        )

    def _ask_again(self, member: SingleModel, outcomes: Outcomes) -> tuple[int, int]:
        """Return how many examples the model answered again, and how often it disagreed."""
        if is_recorded(member):
            return 0, 0
        examples = self._data.in_distribution().examples[: min(REASKED, len(outcomes))]
        again = self._originals.answers(member).predictor.answers(
            IN_DISTRIBUTION, examples, inputs_of(examples), SECOND_DRAW
        )
        first = outcomes.graded[: len(again)]
        pairs = [
            (label, answer.label)
            for label, error, answer in zip(first.answer, first.error, again, strict=True)
            if error is None and answer.error is None
        ]
        return len(pairs), sum(first != second for first, second in pairs)


@dataclass(frozen=True)
class _Answers:
    """A model's answers in distribution.

    Attributes:
        by_seed: The outcomes of each seed, including unanswered inputs.
        answered: The outcomes of the examples that all seeds answered.
        missing: The errors of the other examples.
    """

    by_seed: Sequence[Outcomes]
    answered: Sequence[Outcomes]
    missing: Categorical[str]

    @cached_property
    def scores(self) -> Categorical[float]:
        """Every example's score, averaged over the seeds."""
        return mean_scores_of(self.answered)
