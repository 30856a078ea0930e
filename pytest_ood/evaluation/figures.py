"""From answers to figures: which statistic belongs to which comparison."""

from __future__ import annotations

from itertools import pairwise
from operator import sub
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.columns import Column, combined
from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics import ACCURACY, find_loss, outcome, pseudo_outcomes
from pytest_ood.statistics import mean_difference, mean_score, paired_drop, unpaired_drop
from pytest_ood.statistics.functions import FunctionOfMeans
from pytest_ood.statistics.means import Means
from pytest_ood.statistics.samples import Sample
from pytest_ood.statistics.seeds import over_seeds
from pytest_ood.statistics.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.evaluation.trials import Trial
    from pytest_ood.metrics import Loss, Outcome, Outcomes
    from pytest_ood.statistics import Figure
    from pytest_ood.tasks import Task

    Floats = NDArray[np.float64]
    Trials = Sequence[Trial]


def drop_figure(trials: Trials, metric: str, task: Task) -> Figure:
    """Return how much worse a metric becomes under a shift, over all seeds of a model.

    Args:
        trials: One for each seed.
        metric: Its name; not `in-domain`, which needs a reference.
        task: What was asked.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    if metric == ACCURACY:
        before, after = mean_scores(trials)
        figure = (paired_drop if trials[0].paired else unpaired_drop)(before, after)
    else:
        figure = _function([trials], [1.0], find_loss(metric, task), task)
    return over_seeds(figure, seed_drops(trials, metric, task))


def difference_figure(mine: Trials, other: Trials, metric: str, task: Task) -> Figure:
    """Return how much more a metric drops for one model than for another, on the same examples.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    if metric == ACCURACY:
        first, second = differences(mine, other)
        if mine[0].paired:
            figure = mean_difference(combined([first, second], sub))
        else:
            figure = Means((first, second), (1.0, -1.0), (-1.0, 1.0), (-2.0, 2.0))
    else:
        figure = _function([mine, other], [1.0, -1.0], find_loss(metric, task), task)
    return over_seeds(
        figure,
        seed_drops(mine, metric, task),
        seed_drops(other, metric, task),
        limits=(-2.0, 2.0),
    )


def gap_figure(reference: Outcomes, trials: Trials) -> Figure:
    """Return how much a model trained on the target scores above one that was not, paired."""
    figure = paired_drop(reference.graded.score, mean_scores(trials)[1])
    mean = mean_of(reference)
    return over_seeds(figure, tuple(mean - mean_of(trial.after) for trial in trials))


def gap_difference(mine: Trials, other: Trials) -> Figure:
    """Return how much more one model lacks to the reference than another.

    What the reference scores on the same examples cancels out.
    """
    return over_seeds(
        mean_difference(gains(mine, other)),
        tuple(-mean_of(trial.after) for trial in mine),
        tuple(mean_of(trial.after) for trial in other),
    )


def gains(mine: Trials, other: Trials) -> Column[float]:
    """Return what another model scores more than one, under the shift, by example."""
    return combined([mean_scores(other)[1], mean_scores(mine)[1]], sub)


def mean_scores(trials: Trials) -> tuple[Column[float], Column[float]]:
    """Return every example's score before and under the shift, averaged over the seeds."""
    return (
        mean_scores_of([trial.before for trial in trials]),
        mean_scores_of([trial.after for trial in trials]),
    )


def mean_scores_of(sides: Sequence[Outcomes]) -> Column[float]:
    """Return every example's score, averaged over the seeds."""
    return combined([side.graded.score for side in sides], _mean_of_all)


def score_figure(sides: Sequence[Outcomes]) -> Figure:
    """Return the mean score, over all seeds of a model.

    Args:
        sides: On the same examples, one for each seed.
    """
    seeds = tuple(map(mean_of, sides))
    return over_seeds(mean_score(mean_scores_of(sides)), seeds, limits=(0.0, 1.0))


def mean_of(outcomes: Outcomes) -> float:
    """Return the mean score."""
    return float(Sample.of(outcomes.graded.score).mean)


def differences(mine: Trials, other: Trials) -> tuple[Column[float], Column[float]]:
    """Return one model's score minus the other's, before and under the shift, by example."""
    first, second = mean_scores(mine), mean_scores(other)
    return combined([first[0], second[0]], sub), combined([first[1], second[1]], sub)


def in_pairs(before: Column[float], after: Column[float]) -> Column[float]:
    """Subtract example by example; of independent draws, in their order, as far as both go."""
    size = min(len(before), len(after))
    return combined([before[:size], after[:size]], sub)


def seed_drops(trials: Trials, metric: str, task: Task) -> tuple[float, ...]:
    """Return each seed's own drop."""
    if metric == ACCURACY:
        return tuple(mean_of(trial.before) - mean_of(trial.after) for trial in trials)
    loss = find_loss(metric, task)
    return tuple(float(loss.value(*_means(loss, trial))) for trial in trials)


def measured(trials: Trials, metric: str, task: Task) -> tuple[float, float]:
    """Return a metric before and under the shift, averaged over the seeds.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    loss = find_loss(metric, task)
    pairs = [loss.scores(*_means(loss, trial)) for trial in trials]
    return _mean([float(first) for first, _ in pairs]), _mean([float(last) for _, last in pairs])


def sequential(
    values: Column[float], cuts: Sequence[int], limits: tuple[float, float], horizon: int, *,
    current: Figure, final: bool,
) -> Figure:  # fmt: skip
    """Return the figure of values that were looked at in between.

    Args:
        values: One for each example, in the order of the draw.
        cuts: How many values there were at each look, rising.
        limits: The least and the largest a value can be.
        horizon: The most values there can be.
        current: The figure on all values so far.
        final: Whether no example is left.
    """
    parts = [values[start:stop].counts for start, stop in pairwise([0, *cuts])]
    counts = np.cumsum(parts, axis=0)
    order = [place for place in np.argsort(values.values) if counts[-1, place]]
    distinct = np.array(values.values)[order]
    looked = counts[:, order].astype(np.float64)
    return Sequential(distinct, looked, limits[0], limits[1], horizon, current, final)


def _function(models: Sequence[Trials], signs: Sequence[float], loss: Loss, task: Task) -> Figure:
    """Return the signed sum over models of a loss, averaged over each one's seeds."""
    trials = [(sign / len(seeds), t) for seeds, sign in zip(models, signs, strict=True)
              for t in seeds]  # fmt: skip
    befores = [_features(loss.before, t.before) for _, t in trials]
    afters = [_features(loss.after, t.after) for _, t in trials]
    # Pseudo-outcomes: right before and wrong after, and the other way round; of two models, one
    # loses what the other gains, or they would cancel out.
    pseudo_before, pseudo_after = [], []
    for weight, trial in trials:
        first, last = pseudo_outcomes(trial.before, task), pseudo_outcomes(trial.after, task)
        turned = 1 if weight > 0 else -1
        pseudo_before.append(loss.before(first[::turned]))
        pseudo_after.append(loss.after(last[::-turned]))
    widths = np.cumsum([0, *(rows.shape[1] for rows in pseudo_before)])
    widths_after = np.cumsum([0, *(rows.shape[1] for rows in pseudo_after)])

    def value(means: Sequence[Floats]) -> Floats:
        before, after = means if len(means) > 1 else np.split(means[0], [widths[-1]], axis=-1)
        total = np.zeros(before.shape[:-1])
        for place, (weight, _) in enumerate(trials):
            total = total + weight * loss.value(
                before[..., widths[place] : widths[place + 1]],
                after[..., widths_after[place] : widths_after[place + 1]],
            )
        return total

    extra, extra_after = np.concatenate(pseudo_before, axis=1), np.concatenate(pseudo_after, axis=1)
    if trials[0][1].paired:
        both = np.concatenate([extra, extra_after], axis=1)
        return FunctionOfMeans((_joined(befores + afters),), (both,), value)
    return FunctionOfMeans((_joined(befores), _joined(afters)), (extra, extra_after), value)


def _features(
    of: Callable[[Sequence[Outcome]], Floats], outcomes: Outcomes
) -> Column[tuple[float, ...]]:
    """Return the features of every outcome; they are found once for all that are alike."""

    def row(*answer: Any) -> tuple[float, ...]:
        return tuple(of([outcome(answer)])[0].tolist())

    return combined(outcomes.graded.columns, row)


def _joined(columns: Sequence[Column[tuple[float, ...]]]) -> Sample:
    """Return rows of features side by side, counted."""
    return Sample.of(combined(columns, lambda *rows: tuple(v for row in rows for v in row)))


def _means(loss: Loss, trial: Trial) -> tuple[Floats, Floats]:
    """Return the means of a loss's features before and under the shift."""
    sides = ((loss.before, trial.before), (loss.after, trial.after))
    before, after = (Sample.of(_features(of, outcomes)).mean for of, outcomes in sides)
    return before, after


def check_reweightable(trials: Trials) -> None:
    """Refuse a target that lacks a label of the in-distribution examples.

    Raises:
        NotApplicableError: names the label.
    """
    before, after = (
        {label for label, count in zip(truth.values, truth.counts, strict=True) if count}
        for truth in (trials[0].before.graded.truth, trials[0].after.graded.truth)
    )
    missing = before - after
    if missing:
        raise NotApplicableError(
            f"the target has no example of label {min(missing)!r}: its score cannot be reweighted "
            "to the in-distribution mix of labels"
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _mean_of_all(*values: float) -> float:
    return _mean(values)
