"""Comparison of two models' mean drops under one kind of shift, from evaluations of a run."""

from __future__ import annotations

from operator import sub
from typing import TYPE_CHECKING

from pytest_ood.data.categorical import Categorical, combined, longer
from pytest_ood.evaluation.estimators import sequential
from pytest_ood.statistics import (
    estimate,
    mean_difference,
    unpaired_difference_of_drops,
)
from pytest_ood.statistics.seeds import over_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.evaluation.records import Evaluation
    from pytest_ood.statistics import Estimate, Statistic

    Scores = Categorical[float | None]


def difference_of_drops(
    mine: Sequence[Evaluation], other: Sequence[Evaluation], alpha: float
) -> Estimate:
    """Estimate how much more one model drops than another, on average over shifts of one kind.

    Several perturbations of one example are one cluster, and their mean counts as one value. Where
    gates may have stopped early, only examples that all of them reached are compared, with bounds
    that are valid at any stopping time.

    Args:
        mine: The evaluations of one model; all paired or none.
        other: The evaluations of the other model, of the same shifts in the same order.
        alpha: The one-sided level.

    Raises:
        ValueError: the models have no example in common, or other shifts.
    """
    if [e.shift for e in mine] != [e.shift for e in other] or not mine:
        raise ValueError("the evaluations are not of the same shifts")
    statistic = _paired(mine, other) if mine[0].paired else _unpaired(mine, other)
    return estimate(statistic, alpha)


def _paired(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> Statistic:
    shortest = min((*mine, *other), key=lambda e: e.drawn)
    stopped = any(e.stopped for e in (*mine, *other))
    size = max(len(e.before) for e in (*mine, *other))
    losses = [
        combined([longer(side, size) for side in (m.before, m.after, o.before, o.after)], _lost)
        for m, o in zip(mine, other, strict=True)
    ]
    means = combined(losses, _mean_of_measured)
    measured = means.where(_is_measured)
    if stopped:
        measured &= longer(shortest.before, size).where(_is_measured)
    values = _measured(means[measured])
    statistic = _over_seeds(mean_difference(values), mine, other)
    return _anytime(statistic, values, shortest) if _one_seed(mine, other) else statistic


def _lost(
    before: float | None, after: float | None, other: float | None, other_after: float | None
) -> float | None:
    """Return how much more one model loses on an example; None where a score is missing."""
    if before is None or after is None or other is None or other_after is None:
        return None
    return (before - after) - (other - other_after)


def _mean_of_measured(*values: float | None) -> float | None:
    """Return the mean of the values that are there; None without any."""
    measured = [value for value in values if value is not None]
    # The order of the shifts must not change the mean in its last digits: values would differ
    # that are equal, and exact tests rest on counts of equal values.
    return round(sum(measured) / len(measured), 12) if measured else None


def _unpaired(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> Statistic:
    shortest = min((*mine, *other), key=lambda e: e.n)
    stopped = any(e.stopped for e in (*mine, *other))
    size = len(shortest.after) if stopped else None
    before = _common(mine[0].before[:size], other[0].before[:size])
    after = [_common(m.after[:size], o.after[:size]) for m, o in zip(mine, other, strict=True)]
    statistic = _over_seeds(unpaired_difference_of_drops(before, after), mine, other)
    if not _one_seed(mine, other):
        return statistic
    length = min(len(before[0]), *(len(scores[0]) for scores in after))
    source = combined([scores[:length] for scores in before], sub)
    targets = [combined([scores[:length] for scores in pair], sub) for pair in after]
    target = combined(targets, lambda *values: sum(values) / len(values))
    values = combined([source, target], lambda first, last: round(first - last, 12))
    return _anytime(statistic, values, shortest)


def _anytime(statistic: Statistic, values: Categorical[float], shortest: Evaluation) -> Statistic:
    if not shortest.sequential:
        return statistic
    return sequential(
        values,
        [len(values)],
        (-2.0, 2.0),
        max(shortest.planned, len(values)),
        current=statistic,
        final=not shortest.stopped,
    )


def _one_seed(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> bool:
    return all(len(e.seed_drops) <= 1 for e in (*mine, *other))


def _over_seeds(
    statistic: Statistic, mine: Sequence[Evaluation], other: Sequence[Evaluation]
) -> Statistic:
    def means(evaluations: Sequence[Evaluation]) -> tuple[float, ...]:
        """Return the drop of each seed, averaged over shifts."""
        columns = zip(*(e.seed_drops for e in evaluations), strict=True)
        return tuple(sum(column) / len(column) for column in columns)

    return over_seeds(statistic, means(mine), means(other), limits=(-2.0, 2.0))


def _common(mine: Scores, other: Scores) -> tuple[Categorical[float], Categorical[float]]:
    """Return the scores of the examples that both have."""
    size = max(len(mine), len(other))
    first, second = longer(mine, size), longer(other, size)
    both = first.where(_is_measured) & second.where(_is_measured)
    return _measured(first[both]), _measured(second[both])


def _is_measured(score: float | None) -> bool:
    return score is not None


def _measured(scores: Scores) -> Categorical[float]:
    """Return scores of which none is missing, with the type that says so."""
    return combined([scores], lambda score: score)
