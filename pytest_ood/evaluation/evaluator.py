"""The evaluation of one suite: floors, scores, drops, and comparisons of two models."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.budgets import (
    Judgement,
    judge_at_least,
    judge_at_most,
)
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import details, estimators, validity
from pytest_ood.evaluation.contamination import Contamination
from pytest_ood.evaluation.data import SuiteData
from pytest_ood.evaluation.details import Details
from pytest_ood.evaluation.floors import Floors
from pytest_ood.evaluation.judging import judging_of
from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.evaluation.notes import Notes
from pytest_ood.evaluation.originals import Originals
from pytest_ood.evaluation.records import (
    Comparison,
    Evaluation,
    Floor,
    ScorePair,
    WorstDetails,
    unparsed_outputs,
)
from pytest_ood.evaluation.shift_metrics import ShiftMetrics
from pytest_ood.evaluation.shifted_texts import ShiftedTexts
from pytest_ood.evaluation.stopping import Schedule, is_sequential, measure_until_settled
from pytest_ood.evaluation.trials import Trials
from pytest_ood.metrics import ACCURACY, find_metric, metric_class
from pytest_ood.statistics import estimate
from pytest_ood.statistics.largest import Largest
from pytest_ood.statistics.sequential import Sequential
from pytest_ood.trials.trial import (
    aligned,
    mean_of,
    spread_scores,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation.judging import Judge, Judging
    from pytest_ood.inference.engine import Engine
    from pytest_ood.loading.readers import Reader
    from pytest_ood.metrics import Outcomes
    from pytest_ood.models.protocol import Model
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic
    from pytest_ood.suite.frozen import FrozenSuite
    from pytest_ood.suite.suite import Suite
    from pytest_ood.trials.predictor import AnyModel, SingleModel
    from pytest_ood.trials.trial import Trial


class SuiteEvaluator:
    """Measures the models of one suite under one seed.

    Results are cached, so that a comparison measures nothing again.

    Attributes:
        data: The data sets.
        originals: The answers in distribution.
        texts: The texts under shifts.
        trials: The answers under shifts.
        metrics: The statistics of metrics.
        judging: Scores the answers of a suite whose task is `judged`; None for others.
        rules: The levels of verdicts.
    """

    def __init__(
        self,
        suite: Suite,
        *,
        engine: Engine,
        reader: Reader,
        seed: int,
        rules: Rules,
        max_examples: int | None,
        references: Mapping[str, SingleModel] = MappingProxyType({}),
        surrogates: Mapping[str, Model] = MappingProxyType({}),
        frozen: FrozenSuite | None = None,
        notes: Sequence[str] = (),
        judge: Judge | None = None,
    ) -> None:
        """Build the evaluator; nothing is read and no model is run yet.

        Args:
            suite: The suite.
            engine: Runs the models.
            reader: Loads the data.
            seed: The seed of samples and perturbations.
            rules: The levels of verdicts.
            max_examples: The most examples from each data set; None for the suite's own limit.
            references: For shifts with training data of their own: the baseline trained on them.
            surrogates: By name, the models that adversarial examples are made against.
            frozen: Frozen examples and edits that replace sampling and perturbing, or None.
            notes: Caveats that are known beforehand.
            judge: Scores the answers of a suite whose task is `judged`, or None.
        """
        first_notes = Notes([*(frozen.notes(suite) if frozen else ()), *notes, *suite.task.notes])
        self.judging = judging_of(suite, judge, engine=engine, reader=reader, notes=first_notes)
        if self.judging is not None:
            suite = replace(suite, task=self.judging.task)
        self.data = SuiteData(
            suite,
            reader=reader,
            seed=seed,
            max_examples=max_examples,
            frozen=frozen,
            notes=first_notes,
        )
        self.originals = Originals(self.data, engine)
        self.texts = ShiftedTexts(self.originals, surrogates)
        self.trials = Trials(self.originals, self.texts, references, self.judging)
        self.metrics = ShiftMetrics(suite, self.trials)
        self._contamination = Contamination(self.data)
        self._details = Details(self.texts)
        self._judge_by(rules)

    @property
    def suite(self) -> Suite:
        """The suite that is measured."""
        return self.data.suite

    @property
    def notes(self) -> list[str]:
        """The caveats of the results so far."""
        return list(self.data.notes)

    def with_rules(self, rules: Rules) -> SuiteEvaluator:
        """Return an evaluator with the same data and answers, and other levels of verdicts."""
        other = copy(self)
        other._judge_by(rules)  # noqa: SLF001 - of this class
        return other

    def _judge_by(self, rules: Rules) -> None:
        """Set the levels of verdicts; cached results are dropped, data and answers stay."""
        if self.judging is not None:
            # The sequential test has no term for the judge's error.
            rules = replace(rules, sequential=False)
        self.rules = rules
        self._schedule = Schedule(self.texts, rules)
        kept = self.originals, self._details, self._contamination
        self._floors = Floors(*kept, rules, self.judging)
        self._evaluations: dict[tuple[str, str, str], Evaluation] = {}

    def check_leaks(self, model: AnyModel, shifts: Iterable[Shift]) -> None:
        """Check a model's demonstrations and training data for test items, before it is run.

        Args:
            model: The model; it is not run.
            shifts: The shifts that it will be measured under.

        Raises:
            DataError: a demonstration is a test item; or the data cannot be read.
            OodError: the demonstrations cannot be drawn.
        """
        self._contamination.check(model, shifts)

    def floor(self, model: AnyModel) -> Floor:
        """Measure a model in distribution.

        Raises:
            OodError: the data or the model cannot be used.
        """
        return self._floors.of(model)

    def evaluate(self, model: AnyModel, shift: Shift, metric: str = ACCURACY) -> Evaluation:
        """Measure the drop of a metric under a shift.

        Raises:
            NotApplicableError: the model or the data lacks what the metric needs.
            OodError: the data or the model cannot be used.
        """
        key = (model.name, shift.name, metric)
        if key not in self._evaluations:
            measure = self._measure_worst if shift.is_largest else self._measure_drop
            self._evaluations[key] = measure(model, shift, metric)
        return self._evaluations[key]

    def score(self, model: AnyModel, shift: Shift) -> Floor:
        """Measure the score of a model under a shift by itself.

        Raises:
            NotApplicableError: the model or the data lacks what the metric needs.
            OodError: the data or the model cannot be used.
        """
        budget = self.suite.budget(shift, ACCURACY).min_score
        invalid = self._invalid_beforehand(shift, budget, model)
        available = self.data.available(shift)

        def measure(size: int) -> tuple[Measurement, Statistic]:
            """Return the trials on the first examples, and their score under the shift."""
            measurement = Measurement(self.trials.of(model, shift, size))
            labelled = measurement.first.labelled
            return measurement, estimators.score_statistic(
                [trial.after for trial in measurement.trials], labelled and labelled[1]
            )

        settled = measure_until_settled(
            self._schedule.sizes(shift, ACCURACY, budget, invalid, [model]),
            measure,
            values=lambda measurement: measurement.scores_after,
            limits=(0.0, 1.0),
            horizon=available,
            is_settled=lambda measurement, statistic: self._schedule.is_settled(
                shift, measurement.trials, statistic, budget, at_least=True
            ),
        )
        measurement, statistic = settled.measurement, settled.statistic
        judged = invalid or _first_invalid(self.texts, shift, [("", measurement)])
        if judged is None:
            judged = Judgement("measured", "no floor is set")
            if budget is not None:
                judged = judge_at_least(statistic, budget, self.rules)
        trial, trials = measurement.first, measurement.trials
        flips = details.flips(trial, measurement.flipped)
        return Floor(
            suite=self.suite.name,
            model=model.name,
            kind=shift.kind,
            shift=shift.name,
            n=statistic.n,
            # Excluded examples do not count as early stopping.
            planned=statistic.n if settled.all_examples else available,
            abstained=validity.abstained(trial.after),
            score=estimate(statistic, self.rules.alpha),
            majority=self._details.best_constant(shift, trial.after),
            budget=budget,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.data.seed,
            data_hash=self._details.data_hash(shift, trial),
            p_fail=judged.p_fail,
            seed_scores=tuple(mean_of(trial.after) for trial in trials),
            errors=details.counted_errors(trial.unanswered for trial in trials),
            breakdown=self._details.breakdown(
                shift, measurement, self.rules, stopping=isinstance(statistic, Sequential)
            ),
            left_out=dict([*self.data.left_out(shift), *trial.left_out]),
            case_inputs=validity.inputs_of_cases(trial) or None,
            flips=flips,
            flipped=len(measurement.flipped),
            unparsed_outputs=unparsed_outputs(flips),
            score_name=self.suite.task.measure,
        )

    def compare(
        self, model: AnyModel, baseline: AnyModel, shift: Shift, metric: str = ACCURACY
    ) -> Comparison:
        """Compare a model's drop with the baseline's, on the same examples.

        Raises:
            NotApplicableError: a model or the data lacks what the metric needs.
            OodError: the data or a model cannot be used.
        """
        self.metrics.check_labels_same(shift, metric)
        margin = self.suite.budget(shift, metric).margin
        invalid = self._invalid_beforehand(shift, margin, model, baseline)
        sizes = self._schedule.sizes(shift, metric, margin, invalid, [model, baseline])
        cases = shift.counts_cases

        def measure(size: int) -> tuple[tuple[Measurement, Measurement], Statistic] | None:
            """Return the trials of both models, and the difference of their drops."""
            mine = self.trials.of(model, shift, size)
            both = aligned([*mine, *self.trials.of(baseline, shift, size)])
            if not both[0].after and size != sizes[-1]:
                # Later examples may have cases that apply to both models.
                return None
            if not both[0].after:
                raise NotApplicableError(
                    f"{self.suite.name}/{shift.kind}/{shift.name}: nothing there applies to both "
                    f"{model.name!r} and {baseline.name!r}, or was answered by both"
                )
            pair = Measurement(both[: len(mine)]), Measurement(both[len(mine) :])
            return pair, self.metrics.difference(*pair, shift, metric)

        def values(pair: tuple[Measurement, Measurement]) -> Categorical[float]:
            """Return the values of single examples that a sequential test adds up."""
            return (
                estimators.gains(*pair)
                if cases
                else estimators.in_pairs(*estimators.differences(*pair))
            )

        # A difference of scores is in [-1, 1], a difference of two drops in [-2, 2].
        most = 1.0 if cases else 2.0
        settled = measure_until_settled(
            sizes,
            measure,
            values=values,
            limits=(-most, most),
            horizon=self.data.available(shift) if cases else self.data.horizon(shift),
            is_settled=lambda pair, statistic: self._schedule.is_settled(
                shift, [*pair[0].trials, *pair[1].trials], statistic, margin
            ),
        )
        (mine, other), statistic = settled.measurement, settled.statistic
        judged = invalid or _first_invalid(
            self.texts, shift, [(f"{model.name}: ", mine), (f"{baseline.name}: ", other)]
        )
        judged = judged or self._judged(statistic, margin, metric, "margin")
        flipped = np.setdiff1d(mine.flipped, other.flipped)
        scores, baseline_scores = (self.metrics.scores(m, shift, metric) for m in (mine, other))
        return Comparison(
            suite=self.suite.name,
            kind=shift.kind,
            shift=shift.name,
            model=model.name,
            baseline=baseline.name,
            n=statistic.n,
            scores=_pair(*scores),
            baseline_scores=_pair(*baseline_scores),
            drop=float(metric_class(metric).drop(*scores)),
            baseline_drop=float(metric_class(metric).drop(*baseline_scores)),
            difference=estimate(statistic, self.rules.alpha),
            margin=margin,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.data.seed,
            flips=details.flips(mine.first, flipped),
            flipped=len(flipped),
            metric=metric,
            drawn=mine.first.drawn,
            planned=self.data.planned(shift),
            p_fail=judged.p_fail,
            surrogate=shift.surrogate_name or None,
            errors=details.counted_errors(t.unanswered for t in (*mine.trials, *other.trials)),
            case_inputs=validity.inputs_of_cases(mine.first) or None,
            score_name=self.suite.task.measure,
        )

    def _measure_drop(self, model: AnyModel, shift: Shift, metric: str) -> Evaluation:
        self.metrics.check_labels_same(shift, metric)
        budget = self.suite.budget(shift, metric).max_drop
        invalid = self._invalid_beforehand(shift, budget, model)

        def measure(size: int) -> tuple[Measurement, Statistic]:
            """Return the trials on the first examples, and the drop of the metric."""
            measurement = Measurement(self.trials.of(model, shift, size))
            return measurement, self.metrics.drop(measurement, shift, metric)

        settled = measure_until_settled(
            self._schedule.sizes(shift, metric, budget, invalid, [model]),
            measure,
            values=lambda m: estimators.in_pairs(m.scores_before, m.scores_after),
            limits=(-1.0, 1.0),
            horizon=self.data.horizon(shift),
            is_settled=lambda measurement, statistic: self._schedule.is_settled(
                shift, measurement.trials, statistic, budget
            ),
        )
        measurement, statistic = settled.measurement, settled.statistic
        judged = invalid or _first_invalid(self.texts, shift, [("", measurement)])
        if judged is None and metric_class(metric).NEEDS_REFERENCE:
            reference = self.trials.needed_reference(shift, measurement.first.after)
            judged = validity.lost_reference(shift.name, reference, self.suite.task)
        judged = judged or self._judged(statistic, budget, metric, "budget")
        return self._evaluation(
            model, shift, metric, measurement=measurement, statistic=statistic, judged=judged
        )

    def _measure_worst(self, model: AnyModel, shift: Shift, metric: str) -> Evaluation:
        """Measure the largest of the drops under the parts of a shift.

        Each part is measured on all its examples, also where its own check stops early: that its
        own budget is settled says little about this one. The figures and flipped examples are those
        of the part with the largest drop. Scores by example, group and label are left out: those
        of two models, or of two releases, may be of different parts.
        """
        limit = self.suite.budget(shift, metric).max_drop
        judged: Judgement | None = None
        parts: dict[str, tuple[Shift, Measurement]] = {}
        drops: dict[str, Statistic] = {}
        for part in shift.parts(self.suite.shifts):
            self.metrics.check_labels_same(part, metric)
            invalid = self._invalid_beforehand(part, limit, model)
            # Without a budget to settle there is one look; at an invalid model it is a short one.
            (size,) = self._schedule.sizes(part, metric, None, invalid, [model])
            measurement = Measurement(self.trials.of(model, part, size))
            parts[part.name] = part, measurement
            drops[part.name] = self.metrics.drop(measurement, part, metric)
            if judged is None and invalid is None:
                invalid = _first_invalid(self.texts, part, [(f"{part.name}: ", measurement)])
            judged = judged or invalid
        largest = Largest(drops)
        if judged is None:
            judged = self._judged(largest, limit, metric, "budget")
            if judged.verdict != "invalid":
                judged = replace(judged, reason=f"{largest.name} is the worst: {judged.reason}")
        part, measurement = parts[largest.name]
        result = self._evaluation(
            model, part, metric, measurement=measurement, statistic=largest, judged=judged
        )
        return replace(
            result,
            shift=shift.name,
            budget=limit,
            sequential=False,
            details=WorstDetails(shift=part.name),
            items=None,
            per_label=(),
            breakdown=(),
            before=Categorical(),
            after=Categorical(),
        )

    def _evaluation(
        self,
        model: AnyModel,
        shift: Shift,
        metric: str,
        *,
        measurement: Measurement,
        statistic: Statistic,
        judged: Judgement,
    ) -> Evaluation:
        before, under = self.metrics.scores(measurement, shift, metric)
        trial, trials, floor = measurement.first, measurement.trials, self.floor(model)
        self._contamination.note_cut(model, shift.name, details.inputs_under(shift, trial))
        main, flips = metric == ACCURACY, details.flips(trial, measurement.flipped)
        judging = self.judging is not None
        return Evaluation(
            suite=self.suite.name,
            kind=shift.kind,
            shift=shift.name,
            model=model.name,
            n=len(trial.after),
            unchanged=trial.unchanged,
            errors=details.counted_errors(t.unanswered for t in trials),
            abstained=validity.abstained(trial.after),
            unparsed_outputs=unparsed_outputs(flips),
            abstained_in_distribution=validity.abstained(trial.before),
            score_in_distribution=before,
            score_under_shift=under,
            drop=estimate(statistic, self.rules.alpha),
            paired=trial.paired,
            budget=self.suite.budget(shift, metric).max_drop,
            verdict=judged.verdict,
            reason=judged.reason,
            seed=self.data.seed,
            shifted_set_hash=self._details.data_hash(shift, trial),
            surrogate=shift.surrogate_name or None,
            before=_by_example(trials, lambda t: t.before, self.judging),
            after=_by_example(trials, lambda t: t.after, self.judging),
            flips=flips,
            flipped=len(measurement.flipped),
            metric=metric,
            drawn=trial.drawn,
            planned=self.data.planned(shift),
            p_fail=judged.p_fail,
            inconsistency_rate=floor.inconsistent / floor.repeated if floor.repeated else None,
            seed_drops=self.metrics.seed_drops(measurement, before, metric),
            metrics={
                name: _pair(first, last)
                for name, first, last in self.metrics.others(measurement, shift)
            },
            sequential=is_sequential([model], self.data.horizon(shift), self.rules),
            details=self.metrics.domain_details(measurement, shift)
            if shift.has_own_examples and not shift.counts_cases
            else self._details.of_shift(measurement, shift, self.rules),
            items=self._details.items(shift, measurement) if main and not judging else None,
            per_label=self._details.by_label(trial, shift) if main else (),
            breakdown=self._details.breakdown(
                shift, measurement, self.rules, stopping=isinstance(statistic, Sequential)
            )
            if main and not judging
            else (),
            left_out=dict([*self.data.left_out(shift), *trial.left_out]),
            score_name=self.suite.task.measure,
        )

    def _judged(
        self, statistic: Statistic, limit: float | None, metric: str, name: str
    ) -> Judgement:
        """Return the verdict on a drop; "measured" without a limit, whose name is said then."""
        if limit is None:
            return Judgement("measured", f"no {name} is set")
        examples = find_metric(metric, self.suite.task).examples
        judged = judge_at_most(statistic, limit, self.rules, examples)
        return judged if self.judging is None else self.judging.explained(judged)

    def _invalid_beforehand(
        self, shift: Shift, limit: float | None, *models: AnyModel
    ) -> Judgement | None:
        """Return "invalid" where a model's answers in distribution make its drops meaningless.

        The surrogate of a transfer attack has to be valid, too, and a judge's error known.
        """
        for model in models:
            judged = self._floors.unusable(model)
            if judged is not None:
                return judged
        if self.judging is not None:
            return self.judging.lacking(models, shift, limit, self.rules.alpha)
        surrogate = self.texts.surrogates.get(shift.surrogate_name)
        judged = None if surrogate is None else self._floors.unusable(surrogate)
        return judged and Judgement("invalid", f"made against {judged.reason}")


def _first_invalid(
    texts: ShiftedTexts, shift: Shift, measurements: Sequence[tuple[str, Measurement]]
) -> Judgement | None:
    """Return why a verdict on measurements of models, by their names, would be invalid."""
    trials = [trial for _, measurement in measurements for trial in measurement.trials]
    touched = [texts.touched(shift, trial) for trial in trials]
    return validity.first_invalid(shift, measurements, touched, texts.data.suite.max_abstention)


def _by_example(
    trials: Sequence[Trial], side: Callable[[Trial], Outcomes], judging: Judging | None
) -> Categorical[float | None]:
    """Return the score of each example; none where a judge gives them.

    What the judge gets wrong is corrected in means, not in single answers: further analyses of
    examples would compare what the judge says, and not what people do.
    """
    return spread_scores(trials, side) if judging is None else Categorical()


def _pair(before: float, after: float) -> ScorePair:
    return ScorePair(in_distribution=before, under_shift=after)
