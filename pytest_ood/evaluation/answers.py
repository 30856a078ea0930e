"""Who drops less under a kind of shift, from the evaluations of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.evaluation.figures import sequential
from pytest_ood.statistics import (
    estimate,
    mean_difference,
    unpaired_difference_of_drops,
)
from pytest_ood.statistics.seeds import over_seeds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from pytest_ood.evaluation.records import Evaluation
    from pytest_ood.statistics import Estimate, Figure

    Scores = Sequence[tuple[str, float]]


def difference_of_drops(
    mine: Sequence[Evaluation], other: Sequence[Evaluation], alpha: float
) -> Estimate:
    """Estimate how much more one model drops than another, on average over shifts of one kind.

    Several perturbations of one example are one cluster: its mean counts. Where gates may have
    stopped early, the examples that all of them reached are compared, with bounds that hold at
    whatever point that was.

    Args:
        mine: One model's evaluations, all paired or none.
        other: The other model's, of the same shifts in the same order.
        alpha: One-sided level.

    Raises:
        ValueError: they have no example in common, or are not of the same shifts.
    """
    if [e.shift for e in mine] != [e.shift for e in other] or not mine:
        raise ValueError("the evaluations are not of the same shifts")
    figure = _paired(mine, other) if mine[0].paired else _unpaired(mine, other)
    return estimate(figure, alpha)


def _paired(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> Figure:
    shortest = min((*mine, *other), key=lambda e: e.drawn)
    stopped = any(e.stopped for e in (*mine, *other))
    reached = {identifier for identifier, _ in shortest.before}
    values: dict[str, list[float]] = {}
    for m, o in zip(mine, other, strict=True):
        mine_before, mine_after = dict(m.before), dict(m.after)
        other_before, other_after = dict(o.before), dict(o.after)
        for identifier, score in mine_before.items():
            if identifier not in other_before or (stopped and identifier not in reached):
                continue
            values.setdefault(identifier, []).append(
                (score - mine_after[identifier])
                - (other_before[identifier] - other_after[identifier])
            )
    # Sums of the same numbers in another order are rounded otherwise.
    means = np.array([round(sum(v) / len(v), 12) for _, v in sorted(values.items())])
    figure = _over_seeds(mean_difference(means), mine, other)
    return _anytime(figure, means, shortest) if _one_seed(mine, other) else figure


def _unpaired(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> Figure:
    shortest = min((*mine, *other), key=lambda e: len(e.after))
    stopped = any(e.stopped for e in (*mine, *other))
    size = len(shortest.after) if stopped else None
    before = _common(mine[0].before[:size], other[0].before[:size])
    after = [_common(m.after[:size], o.after[:size]) for m, o in zip(mine, other, strict=True)]
    figure = _over_seeds(unpaired_difference_of_drops(before, after), mine, other)
    if not _one_seed(mine, other):
        return figure
    length = min(len(before[0]), *(len(scores[0]) for scores in after))
    source = np.subtract(*before)[:length]
    targets = np.mean([np.subtract(*scores)[:length] for scores in after], axis=0)
    return _anytime(figure, np.round(source - targets, 12), shortest)


def _anytime(figure: Figure, values: NDArray[np.float64], shortest: Evaluation) -> Figure:
    if not shortest.sequential:
        return figure
    return sequential(
        values, [len(values)], (-2.0, 2.0), max(shortest.planned, len(values)),
        current=figure, final=not shortest.stopped,
    )  # fmt: skip


def _one_seed(mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> bool:
    return all(len(e.seed_drops) <= 1 for e in (*mine, *other))


def _over_seeds(figure: Figure, mine: Sequence[Evaluation], other: Sequence[Evaluation]) -> Figure:
    def means(evaluations: Sequence[Evaluation]) -> tuple[float, ...]:
        columns = zip(*(e.seed_drops for e in evaluations), strict=True)
        return tuple(sum(column) / len(column) for column in columns)

    return over_seeds(figure, means(mine), means(other), limits=(-2.0, 2.0))


def _common(mine: Scores, other: Scores) -> tuple[list[float], list[float]]:
    theirs = dict(other)
    shared = [(score, theirs[identifier]) for identifier, score in mine if identifier in theirs]
    return [a for a, _ in shared], [b for _, b in shared]
