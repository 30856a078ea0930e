"""The statistics of drops and differences of drops, from the trials of models."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise, product
from operator import sub
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.data.categorical import Categorical, combined, different
from pytest_ood.metrics import find_metric
from pytest_ood.metrics.outcomes import (
    by_frequency,
    label_counts,
    outcome,
    pseudo_outcomes,
    wrong_answer,
)
from pytest_ood.statistics import mean_difference, mean_score, paired_drop, unpaired_drop
from pytest_ood.statistics.functions import FunctionOfMeans, Unseen
from pytest_ood.statistics.means import Means
from pytest_ood.statistics.prediction_powered import (
    CHANGE,
    SHARE,
    Judged,
    judged_drop,
    judged_mean,
)
from pytest_ood.statistics.samples import Sample
from pytest_ood.statistics.seeds import over_seeds
from pytest_ood.statistics.sequential import Sequential
from pytest_ood.trials.trial import mean_of, mean_scores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.evaluation.measurement import Measurement
    from pytest_ood.metrics import Metric, Outcome, Outcomes
    from pytest_ood.metrics.protocol import ExampleValue
    from pytest_ood.statistics import Statistic
    from pytest_ood.statistics.prediction_powered import Labelled, PredictionPowered
    from pytest_ood.tasks import Task
    from pytest_ood.trials.trial import Trial

    Floats = NDArray[np.float64]
    Trials = Sequence[Trial]


def drop_statistic(trials: Trials, metric: str, task: Task) -> Statistic:
    """Return how much worse a metric becomes under a shift, over all seeds of a model.

    Args:
        trials: The trial of each seed.
        metric: The name of a metric other than `in-domain`, which needs a reference.
        task: The task of the suite.

    Raises:
        NotApplicableError: the answers, or the examples, lack what the metric needs.
    """
    resolved = _metric(metric, trials, task)
    return over_seeds(
        _judged_drop([trials], [1.0]) or _statistic([trials], [1.0], resolved, task),
        _seed_drops(trials, resolved),
        limits=resolved.DROP_LIMITS,
    )


def difference_statistic(mine: Trials, other: Trials, metric: str, task: Task) -> Statistic:
    """Return how much more a metric drops for one model than for another, on the same examples.

    Raises:
        NotApplicableError: the answers, or the examples, lack what the metric needs.
    """
    resolved = _metric(metric, mine, task)
    least, most = resolved.DROP_LIMITS
    models, signs = [mine, other], [1.0, -1.0]
    return over_seeds(
        _judged_drop(models, signs) or _statistic(models, signs, resolved, task),
        _seed_drops(mine, resolved),
        _seed_drops(other, resolved),
        limits=(least - most, most - least),
    )


def _statistic(
    models: Sequence[Trials], signs: Sequence[float], metric: Metric, task: Task
) -> Statistic:
    """Return the signed sum over models of a metric's drop, averaged over each model's seeds."""
    own = metric.statistic(models, signs)
    if own is not None:
        return own
    value = metric.value_of_example(models[0][0])
    statistic = None if value is None else _mean_statistic(models, value, rises=metric.RISES)
    return _function(models, signs, metric, task) if statistic is None else statistic


def _judged_drop(models: Sequence[Trials], signs: Sequence[float]) -> PredictionPowered | None:
    """Return the signed sum of drops of people's verdicts; None where there are none."""
    labelled = [trials[0].labelled for trials in models]
    parts = [(sign, *both) for sign, both in zip(signs, labelled, strict=True) if both is not None]
    if len(parts) < len(models):
        return None
    before, after = (
        combined(
            [mean_scores_of([getattr(trial, side) for trial in trials]) for trials in models],
            float if len(models) == 1 else sub,
        )
        for side in ("before", "after")
    )
    paired, ends = models[0][0].paired, SHARE if len(models) == 1 else CHANGE
    if paired:
        return judged_drop(
            [Judged(1.0, combined([before, after], sub), CHANGE)], parts, paired=True
        )
    sides = [Judged(1.0, before, ends), Judged(-1.0, after, ends)]
    return judged_drop(sides, parts, paired=False)


def judged_scores(trials: Trials) -> tuple[float, float]:
    """Return people's mean verdict before and under a shift, whose difference is the drop.

    That of the judge where labels are missing.
    """
    statistic, labelled = _judged_drop([trials], [1.0]), trials[0].labelled
    means = [_mean([mean_of(getattr(t, side)) for t in trials]) for side in ("before", "after")]
    if statistic is not None and labelled is not None:
        means = [statistic.corrected(m, one) for m, one in zip(means, labelled, strict=True)]
    return means[0], means[1]


def _mean_statistic(
    models: Sequence[Trials], value: ExampleValue, *, rises: bool
) -> Statistic | None:
    """Return the statistic of a metric that is a mean over examples, of one model or of two.

    None where some examples count on one side only and others on both: these are neither pairs
    nor independent samples, and the metric is resampled as a function of means instead.
    """
    sides = [
        [_values([getattr(trial, side) for trial in trials], value) for trials in models]
        for side in ("before", "after")
    ]
    counted_before, counted_after = (columns[0].where(_is_value) for columns in sides)
    same = models[0][0].paired and np.array_equal(counted_before, counted_after)
    if models[0][0].paired and not same and np.any(counted_before & counted_after):
        return None
    before, after = (
        [_floats(column[mask]) for column in columns]
        for columns, mask in zip(sides, (counted_before, counted_after), strict=True)
    )
    if rises:
        # For a metric that rises, the drop is after - before: the sides change places.
        before, after = after, before
    if len(models) == 1:
        return (paired_drop if same else unpaired_drop)(before[0], after[0])
    first, last = combined(before, sub), combined(after, sub)
    if same:
        return mean_difference(combined([first, last], sub))
    return Means((first, last), (1.0, -1.0), (-1.0, 1.0), (-2.0, 2.0))


def _values(sides: Sequence[Outcomes], value: ExampleValue) -> Categorical[float | None]:
    """Return each example's value, averaged over the seeds; None where it does not count."""
    columns = [
        combined([side.graded.truth, side.graded.answer, side.graded.score], value)
        for side in sides
    ]
    return columns[0] if len(columns) == 1 else combined(columns, _mean_of_values)


def _mean_of_values(*values: float | None) -> float | None:
    present = [value for value in values if value is not None]
    return _mean(present) if present else None


def _is_value(value: float | None) -> bool:
    return value is not None


def _floats(column: Categorical[float | None]) -> Categorical[float]:
    """Return a column of values, none of which is None."""
    return combined([column], float)


def gap_statistic(reference: Outcomes, measurement: Measurement) -> Statistic:
    """Return the score of the in-domain reference minus the model's, paired."""
    statistic = paired_drop(reference.graded.score, measurement.scores_after)
    mean = mean_of(reference)
    return over_seeds(statistic, tuple(mean - mean_of(trial.after) for trial in measurement.trials))


def gap_difference(mine: Measurement, other: Measurement) -> Statistic:
    """Return how much further one model is below the in-domain reference than another.

    The score of the reference on the same examples cancels out.
    """
    return over_seeds(
        mean_difference(gains(mine, other)),
        tuple(-mean_of(trial.after) for trial in mine.trials),
        tuple(mean_of(trial.after) for trial in other.trials),
    )


def gains(mine: Measurement, other: Measurement) -> Categorical[float]:
    """Return the other model's score minus one model's under the shift, by example."""
    return combined([other.scores_after, mine.scores_after], sub)


def score_statistic(sides: Sequence[Outcomes], labelled: Labelled | None = None) -> Statistic:
    """Return the mean score over all seeds of a model.

    Args:
        sides: The outcomes of each seed, on the same examples.
        labelled: Where a judge gives the scores, answers that people have judged as well.
    """
    seeds, scores = tuple(map(mean_of, sides)), mean_scores_of(sides)
    statistic = mean_score(scores) if labelled is None else judged_mean(scores, labelled)
    return over_seeds(statistic, seeds, limits=(0.0, 1.0))


def differences(
    mine: Measurement, other: Measurement
) -> tuple[Categorical[float], Categorical[float]]:
    """Return one model's score minus the other's, before and under the shift, by example."""
    return (
        combined([mine.scores_before, other.scores_before], sub),
        combined([mine.scores_after, other.scores_after], sub),
    )


def in_pairs(before: Categorical[float], after: Categorical[float]) -> Categorical[float]:
    """Subtract example by example; independent samples in sample order, to the shorter's end."""
    size = min(len(before), len(after))
    return combined([before[:size], after[:size]], sub)


def seed_drops(trials: Trials, metric: str, task: Task) -> tuple[float, ...]:
    """Return the drop of each seed.

    Raises:
        NotApplicableError: the answers, or the examples, lack what the metric needs.
    """
    return _seed_drops(trials, _metric(metric, trials, task))


def _seed_drops(trials: Trials, metric: Metric) -> tuple[float, ...]:
    return tuple(float(metric.drop(*metric.values(*_means(metric, trial)))) for trial in trials)


def measured(trials: Trials, metric: str, task: Task) -> tuple[float, float]:
    """Return a metric before and under the shift, averaged over the seeds.

    Raises:
        NotApplicableError: the answers, or the examples, lack what the metric needs.
    """
    resolved = _metric(metric, trials, task)
    pairs = [resolved.values(*_means(resolved, trial)) for trial in trials]
    return _mean([float(first) for first, _ in pairs]), _mean([float(last) for _, last in pairs])


def _metric(name: str, trials: Trials, task: Task) -> Metric:
    """Return a metric as it is measured on these answers."""
    return find_metric(name, task).for_answers(trials[0].before, trials[0].after)


def sequential(
    values: Categorical[float],
    cuts: Sequence[int],
    limits: tuple[float, float],
    horizon: int,
    *,
    current: Statistic,
    final: bool,
) -> Statistic:
    """Return the sequential statistic of values that were tested at several looks.

    Args:
        values: The value of each example, in sample order.
        cuts: The number of values at each look, ascending.
        limits: The least and the largest possible value.
        horizon: The largest possible number of values.
        current: The statistic on all values so far, for a fixed number of examples.
        final: Whether no examples are left.
    """
    parts = [values[start:stop].counts for start, stop in pairwise([0, *cuts])]
    counts = np.cumsum(parts, axis=0)
    order = [index for index in np.argsort(values.values) if counts[-1, index]]
    distinct = np.array(values.values)[order]
    looked = counts[:, order].astype(np.float64)
    return Sequential(
        values=distinct,
        counts=looked,
        lowest=limits[0],
        highest=limits[1],
        horizon=horizon,
        current=current,
        final=final,
    )


@dataclass(frozen=True)
class _Part:
    """The answers of one seed of a model on one side of a shift.

    Attributes:
        index: The side: 0 before, 1 under the shift.
        outcomes: The answers.
        features: Computes the features that are averaged.
        start: The index of the first feature among the features of the sample.
    """

    index: int
    outcomes: Outcomes
    features: Callable[[Sequence[Outcome]], Floats]
    start: int

    def step(self, label: str | None, task: Task, *, right: bool) -> tuple[Floats, float]:
        """Return the change of the means if the answers to all examples of a label flipped.

        Args:
            label: The label of the examples; None for all.
            task: The task of the suite.
            right: Whether right answers become wrong, or wrong answers right.

        Returns:
            The change, shape (features,), and the share of the examples whose answers can flip.
        """
        graded = self.outcomes.graded
        rows, indices = different(graded.columns)
        counts = np.bincount(indices, minlength=len(rows)).astype(np.float64)
        old, new, weights = [], [], []
        size = 0.0
        for row, count in zip(rows, counts, strict=True):
            truth, answer, confidence, score, _ = row
            if label not in (None, truth):
                continue
            size += count
            is_right = answer == truth if task.labels else score > 0.0
            if is_right == right or (not task.labels and not right and score < 1.0):
                flipped = wrong_answer(truth, task) if right else truth
                old.append(outcome(row))
                new.append(outcome((truth, flipped, confidence, float(not right), None)))
                weights.append(count)
        if not weights:
            return np.zeros(0), 0.0
        change = np.asarray(weights) @ (self.features(new) - self.features(old))
        flippable = sum(weights)
        step: Floats = change / flippable * (size / len(graded))
        return step, flippable / size


def _function(
    models: Sequence[Trials], signs: Sequence[float], metric: Metric, task: Task
) -> Statistic:
    """Return the signed sum over models of a drop, averaged over each one's seeds."""
    trials = [
        (sign / len(seeds), t) for seeds, sign in zip(models, signs, strict=True) for t in seeds
    ]
    befores = [_features(metric.features, t.before) for _, t in trials]
    afters = [_features(metric.features_after, t.after) for _, t in trials]
    # Two pseudo-outcomes join every sample (see `means.Means`): right before and wrong after, and
    # wrong before and right after. They have the rarest label, whose part of the metric rests on
    # the fewest examples. With two models, the second gets them in reverse order: both would lose
    # and gain alike otherwise, and the pseudo-outcomes would cancel out in the difference.
    rarest = _rarest(models[0], task)
    pseudo_before, pseudo_after = [], []
    for weight, trial in trials:
        first = _telling(trial.before, metric.features, task, rarest)
        last = _telling(trial.after, metric.features_after, task, rarest)
        order = 1 if weight > 0 else -1
        pseudo_before.append(metric.features(first[::order]))
        pseudo_after.append(metric.features_after(last[::-order]))
    widths = np.cumsum([0, *(rows.shape[1] for rows in pseudo_before)])
    widths_after = np.cumsum([0, *(rows.shape[1] for rows in pseudo_after)])

    def value(means: Sequence[Floats]) -> Floats:
        """Return the mean drop over seeds, computed from the means of the columns."""
        before, after = means if len(means) > 1 else np.split(means[0], [widths[-1]], axis=-1)
        total = np.zeros(before.shape[:-1])
        for index, (weight, _) in enumerate(trials):
            values = metric.values(
                before[..., widths[index] : widths[index + 1]],
                after[..., widths_after[index] : widths_after[index + 1]],
            )
            total = total + weight * metric.drop(*values)
        return total

    paired = trials[0][1].paired
    parts = []
    for index, (_, trial) in enumerate(trials):
        start = widths_after[index] + (widths[-1] if paired else 0)
        parts.append(
            (
                _Part(0, trial.before, metric.features, int(widths[index])),
                _Part(1, trial.after, metric.features_after, int(start)),
            )
        )
    sizes = (widths[-1] + widths_after[-1],) if paired else (widths[-1], widths_after[-1])
    unseen = _unseen(models, parts, [int(size) for size in sizes], task, by_label=metric.BY_LABEL)
    extra, extra_after = np.concatenate(pseudo_before, axis=1), np.concatenate(pseudo_after, axis=1)
    if paired:
        both = np.concatenate([extra, extra_after], axis=1)
        return FunctionOfMeans((_joined(befores + afters),), (both,), value, unseen)
    samples = (_joined(befores), _joined(afters))
    return FunctionOfMeans(samples, (extra, extra_after), value, unseen)


def _unseen(
    models: Sequence[Trials],
    parts: Sequence[tuple[_Part, _Part]],
    widths: Sequence[int],
    task: Task,
    *,
    by_label: bool,
) -> tuple[Unseen, ...]:
    """Return the events that may be unseen: more wrong or more right answers than in the sample.

    On either side of the shift, for all examples and, for metrics by label, for those of each
    label. An event flips the answers of all seeds of a model at once.
    """
    events = []
    ends = np.cumsum([0, *map(len, models)])
    for first, last in pairwise(ends):
        for side in zip(*parts[first:last], strict=True):
            sample = side[0].index % len(widths)
            counts = label_counts(side[0].outcomes) if by_label else {}
            groups: list[tuple[str | None, int]] = [(None, len(side[0].outcomes)), *counts.items()]
            for (label, n), right in product(groups, (True, False)):
                step, largest = np.zeros(widths[sample]), 0.0
                for part in side:
                    change, share = part.step(label, task, right=right)
                    step[part.start : part.start + len(change)] += change
                    largest = max(largest, share)
                if largest:
                    examples = "examples" if label is None else f"examples of {label!r}"
                    event = Unseen(
                        sample=sample, step=step, n=n, largest=largest, examples=examples
                    )
                    events.append(event)
    return tuple(events)


def _telling(
    outcomes: Outcomes,
    features: Callable[[Sequence[Outcome]], Floats],
    task: Task,
    label: str | None,
) -> list[Outcome]:
    """Return pseudo-outcomes of a label, or of the most frequent truth that tells them apart.

    To a metric that counts what is in the answers, a text without anything to find looks the same
    whether its answer is right or wrong, and may well be the most frequent one.
    """
    if label is not None:
        return pseudo_outcomes(outcomes, task, label)
    for truth in by_frequency(outcomes.graded.truth):
        pseudo = pseudo_outcomes(outcomes, task, truth)
        right, wrong = features(pseudo)
        if not np.array_equal(right, wrong):
            return pseudo
    return pseudo_outcomes(outcomes, task)


def _rarest(trials: Trials, task: Task) -> str | None:
    """Return the label with the fewest examples on either side; None without labels."""
    before, after = label_counts(trials[0].before), label_counts(trials[0].after)
    common = [label for label in task.labels if label in before and label in after]
    return min(common, key=lambda label: min(before[label], after[label]), default=None)


def _features(
    of: Callable[[Sequence[Outcome]], Floats], outcomes: Outcomes
) -> Categorical[tuple[float, ...]]:
    """Return the features of every outcome, computed once for equal answers."""

    def row(*answer: Any) -> tuple[float, ...]:
        """Return the columns of one answer."""
        return tuple(of([outcome(answer)])[0].tolist())

    return combined(outcomes.graded.columns, row)


def _joined(columns: Sequence[Categorical[tuple[float, ...]]]) -> Sample:
    """Join columns of features side by side into a sample."""
    return Sample.of(combined(columns, lambda *rows: tuple(v for row in rows for v in row)))


def _means(metric: Metric, trial: Trial) -> tuple[Floats, Floats]:
    """Return the means of a metric's features before and under the shift."""
    sides = ((metric.features, trial.before), (metric.features_after, trial.after))
    before, after = (Sample.of(_features(of, outcomes)).mean for of, outcomes in sides)
    return before, after


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
