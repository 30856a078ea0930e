"""The statistics of metrics under shifts, for one model and for two."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import estimators
from pytest_ood.evaluation.records import DomainDetails
from pytest_ood.metrics import ACCURACY, REWEIGHTED, budget_metrics, metric_class
from pytest_ood.suite.suite import Suite, task_under
from pytest_ood.trials.trial import mean_of

if TYPE_CHECKING:
    from pytest_ood.evaluation.measurement import Measurement
    from pytest_ood.evaluation.trials import Trials
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic


class ShiftMetrics:
    """The statistics of a suite's metrics under its shifts.

    Args:
        suite: The suite, with its task and shifts.
        trials: The trials, with the answers of the in-domain references.
    """

    def __init__(self, suite: Suite, trials: Trials) -> None:
        self._suite = suite
        self._trials = trials

    def drop(self, measurement: Measurement, shift: Shift, metric: str) -> Statistic:
        """Return how much worse a metric becomes under a shift.

        Raises:
            NotApplicableError: the model or the data lacks what the metric needs.
        """
        if metric_class(metric).NEEDS_REFERENCE:
            reference = self._trials.needed_reference(shift, measurement.first.after)
            return estimators.gap_statistic(reference, measurement)
        return estimators.drop_statistic(measurement.trials, metric, self._suite.task)

    def difference(
        self, mine: Measurement, other: Measurement, shift: Shift, metric: str
    ) -> Statistic:
        """Return how much more a metric drops for one model than for another.

        Raises:
            NotApplicableError: a model or the data lacks what the metric needs.
        """
        if metric_class(metric).NEEDS_REFERENCE or shift.counts_cases:
            return estimators.gap_difference(mine, other)
        return estimators.difference_statistic(mine.trials, other.trials, metric, self._suite.task)

    def scores(self, measurement: Measurement, shift: Shift, metric: str) -> tuple[float, float]:
        """Return a metric before and under the shift.

        Raises:
            NotApplicableError: the model or the data lacks what the metric needs.
        """
        if metric_class(metric).NEEDS_REFERENCE:
            after = measurement.score_after
            reference = self._trials.reference(shift, measurement.first.after)
            return after if reference is None else mean_of(reference), after
        if metric != ACCURACY:
            return estimators.measured(measurement.trials, metric, self._suite.task)
        if measurement.first.labelled is not None:
            return estimators.judged_scores(measurement.trials)
        return measurement.score_before, measurement.score_after

    def seed_drops(self, measurement: Measurement, before: float, metric: str) -> tuple[float, ...]:
        """Return the drop of each seed.

        Args:
            measurement: The trials of the model.
            before: The metric before the shift.
            metric: The name of the metric.
        """
        if metric_class(metric).NEEDS_REFERENCE:
            return tuple(before - mean_of(trial.after) for trial in measurement.trials)
        return estimators.seed_drops(measurement.trials, metric, self._suite.task)

    def others(
        self, measurement: Measurement, shift: Shift
    ) -> tuple[tuple[str, float, float], ...]:
        """Return (name, before, under the shift) of the other metrics that the answers allow."""
        task, rows = self._suite.task, []
        if shift.keeps_answers:
            return ()
        if shift.counts_cases:
            before = measurement.score_before
            beside = shift.measures_of_cases(measurement.trials)
            return tuple((name, before, value) for name, value in beside)
        for name in budget_metrics(task, shift.kind):
            if metric_class(name).SHOWS_SCORES:
                continue
            try:
                self.check_labels_same(shift, name)
                rows.append((name, *estimators.measured(measurement.trials, name, task)))
            except NotApplicableError:
                continue
        return tuple(rows)

    def domain_details(self, measurement: Measurement, shift: Shift) -> DomainDetails:
        """Return the details that only a shift to another domain has."""
        trial = measurement.first
        reference = self._trials.reference(shift, trial.after)
        # Pairs of the same examples have one label distribution: there is nothing to reweight.
        return DomainDetails(
            reweighted_drop=None if trial.paired else self._reweighted_drop(measurement, shift),
            in_domain_score=None if reference is None else mean_of(reference),
        )

    def _reweighted_drop(self, measurement: Measurement, shift: Shift) -> float | None:
        """Return the drop at the in-distribution label distribution; None without labels."""
        if not self._suite.task.labels:
            return None
        try:
            self.check_labels_same(shift, REWEIGHTED)
            first, last = estimators.measured(measurement.trials, REWEIGHTED, self._suite.task)
        except NotApplicableError:
            return None
        return first - last

    def check_labels_same(self, shift: Shift, metric: str) -> None:
        """Refuse a metric by label under a shift with other labels than in distribution.

        Raises:
            NotApplicableError: names the labels on both sides.
        """
        fine, coarse = self._suite.task.labels, task_under(self._suite.task, shift).labels
        if metric_class(metric).BY_LABEL and fine != coarse:
            raise NotApplicableError(
                f"{self._suite.name}/{shift.kind}/{shift.name}: {metric} goes by labels, and there "
                f"are others under the shift ({', '.join(coarse)}) than in distribution "
                f"({', '.join(fine)})"
            )
