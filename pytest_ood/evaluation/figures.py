"""From answers to figures: which statistic belongs to which comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics import ACCURACY, find_loss, pseudo_outcomes
from pytest_ood.statistics import mean_difference, paired_drop, unpaired_drop
from pytest_ood.statistics.functions import FunctionOfMeans
from pytest_ood.statistics.means import Means
from pytest_ood.statistics.seeds import over_seeds
from pytest_ood.statistics.sequential import Sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.evaluation.trials import Trial
    from pytest_ood.metrics import Loss, Outcome
    from pytest_ood.statistics import Figure

    Floats = NDArray[np.float64]
    Trials = Sequence[Trial]


def drop_figure(trials: Trials, metric: str, labels: tuple[str, ...]) -> Figure:
    """Return how much worse a metric becomes under a shift, over all seeds of a model.

    Args:
        trials: One for each seed.
        metric: Its name; not `in-domain`, which needs a reference.
        labels: Of the task.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    if metric == ACCURACY:
        before, after = mean_scores(trials)
        figure = (paired_drop if trials[0].paired else unpaired_drop)(before, after)
    else:
        figure = _function([trials], [1.0], find_loss(metric, labels), labels)
    return over_seeds(figure, seed_drops(trials, metric, labels))


def difference_figure(mine: Trials, other: Trials, metric: str, labels: tuple[str, ...]) -> Figure:
    """Return how much more a metric drops for one model than for another, on the same examples.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    if metric == ACCURACY:
        first, second = differences(mine, other)
        if mine[0].paired:
            figure = mean_difference(first - second)
        else:
            figure = Means((first, second), (1.0, -1.0), (-1.0, 1.0), (-2.0, 2.0))
    else:
        figure = _function([mine, other], [1.0, -1.0], find_loss(metric, labels), labels)
    return over_seeds(
        figure,
        seed_drops(mine, metric, labels),
        seed_drops(other, metric, labels),
        limits=(-2.0, 2.0),
    )


def gap_figure(reference: Sequence[Outcome], trials: Trials) -> Figure:
    """Return how much a model trained on the target scores above one that was not, paired."""
    scores = [outcome.score for outcome in reference]
    figure = paired_drop(scores, mean_scores(trials)[1])
    mean = sum(scores) / len(scores)
    return over_seeds(
        figure, tuple(mean - _mean([o.score for o in trial.after]) for trial in trials)
    )


def gap_difference(mine: Trials, other: Trials) -> Figure:
    """Return how much more one model lacks to the reference than another.

    What the reference scores on the same examples cancels out.
    """
    figure = mean_difference(np.subtract(mean_scores(other)[1], mean_scores(mine)[1]))
    return over_seeds(
        figure,
        tuple(-_mean([o.score for o in trial.after]) for trial in mine),
        tuple(_mean([o.score for o in trial.after]) for trial in other),
    )


def mean_scores(trials: Trials) -> tuple[list[float], list[float]]:
    """Return every example's score before and under the shift, averaged over the seeds."""
    before = np.mean([[o.score for o in trial.before] for trial in trials], axis=0)
    after = np.mean([[o.score for o in trial.after] for trial in trials], axis=0)
    return [float(v) for v in before], [float(v) for v in after]


def differences(mine: Trials, other: Trials) -> tuple[Floats, Floats]:
    """Return one model's score minus the other's, before and under the shift, by example."""
    first, second = mean_scores(mine), mean_scores(other)
    return np.subtract(first[0], second[0]), np.subtract(first[1], second[1])


def seed_drops(trials: Trials, metric: str, labels: tuple[str, ...]) -> tuple[float, ...]:
    """Return each seed's own drop."""
    if metric == ACCURACY:
        return tuple(
            _mean([o.score for o in trial.before]) - _mean([o.score for o in trial.after])
            for trial in trials
        )
    loss = find_loss(metric, labels)
    return tuple(
        float(loss.value(loss.before(t.before).mean(axis=0), loss.after(t.after).mean(axis=0)))
        for t in trials
    )


def measured(trials: Trials, metric: str, labels: tuple[str, ...]) -> tuple[float, float]:
    """Return a metric before and under the shift, averaged over the seeds.

    Raises:
        NotApplicableError: the answers lack what the metric needs.
    """
    loss = find_loss(metric, labels)
    pairs = [
        loss.scores(loss.before(t.before).mean(axis=0), loss.after(t.after).mean(axis=0))
        for t in trials
    ]
    return _mean([float(first) for first, _ in pairs]), _mean([float(last) for _, last in pairs])


def sequential(
    values: Floats, cuts: Sequence[int], limits: tuple[float, float], horizon: int, *,
    current: Figure, final: bool,
) -> Figure:  # fmt: skip
    """Return the figure of values that were looked at in between.

    Args:
        values: One for each example, in the order of the draw.
        cuts: How many values there were at each look.
        limits: The least and the largest a value can be.
        horizon: The most values there can be.
        current: The figure on all values so far.
        final: Whether no example is left.
    """
    distinct, places = np.unique(values, return_inverse=True)
    hits = np.zeros((len(values) + 1, len(distinct)))
    hits[np.arange(1, len(values) + 1), places] = 1.0
    counts = hits.cumsum(axis=0)[list(cuts)]
    return Sequential(distinct, counts, limits[0], limits[1], horizon, current, final)


def _function(
    models: Sequence[Trials], signs: Sequence[float], loss: Loss, labels: tuple[str, ...]
) -> Figure:
    """Return the signed sum over models of a loss, averaged over each one's seeds."""
    trials = [(sign / len(seeds), t) for seeds, sign in zip(models, signs, strict=True)
              for t in seeds]  # fmt: skip
    befores = [loss.before(t.before) for _, t in trials]
    afters = [loss.after(t.after) for _, t in trials]
    # Pseudo-outcomes: right before and wrong after, and the other way round; of two models, one
    # loses what the other gains, or they would cancel out.
    pseudo_before, pseudo_after = [], []
    for weight, trial in trials:
        first, last = pseudo_outcomes(trial.before, labels), pseudo_outcomes(trial.after, labels)
        turned = 1 if weight > 0 else -1
        pseudo_before.append(loss.before(first[::turned]))
        pseudo_after.append(loss.after(last[::-turned]))
    widths = np.cumsum([0, *(rows.shape[1] for rows in befores)])
    widths_after = np.cumsum([0, *(rows.shape[1] for rows in afters)])

    def value(means: Sequence[Floats]) -> Floats:
        before, after = means if len(means) > 1 else np.split(means[0], [widths[-1]], axis=-1)
        total = np.zeros(before.shape[:-1])
        for place, (weight, _) in enumerate(trials):
            total = total + weight * loss.value(
                before[..., widths[place] : widths[place + 1]],
                after[..., widths_after[place] : widths_after[place + 1]],
            )
        return total

    before, after = np.concatenate(befores, axis=1), np.concatenate(afters, axis=1)
    extra, extra_after = np.concatenate(pseudo_before, axis=1), np.concatenate(pseudo_after, axis=1)
    if trials[0][1].paired:
        return FunctionOfMeans(
            (np.concatenate([before, after], axis=1),),
            (np.concatenate([extra, extra_after], axis=1),),
            value,
        )
    return FunctionOfMeans((before, after), (extra, extra_after), value)


def check_reweightable(trials: Trials) -> None:
    """Refuse a target that lacks a label of the in-distribution examples.

    Raises:
        NotApplicableError: names the label.
    """
    missing = {o.label for o in trials[0].before} - {o.label for o in trials[0].after}
    if missing:
        raise NotApplicableError(
            f"the target has no example of label {min(missing)!r}: its score cannot be reweighted "
            "to the in-distribution mix of labels"
        )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
