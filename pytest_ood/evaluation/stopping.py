"""Measuring in batches until the verdict is settled, or no example is left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_ood.budgets import MIN_CHANGED
from pytest_ood.evaluation.estimators import sequential
from pytest_ood.metrics import ACCURACY
from pytest_ood.models.protocol import RecordedModel, SeededModel
from pytest_ood.statistics.sequential import looks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.budgets import Judgement, Rules
    from pytest_ood.columns import Categorical
    from pytest_ood.evaluation.shifted_texts import ShiftedTexts
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic
    from pytest_ood.trials.predictor import AnyModel
    from pytest_ood.trials.trial import Trial

T = TypeVar("T")


@dataclass(frozen=True)
class Settled(Generic[T]):
    """A measurement after which no more examples are asked about.

    Attributes:
        measurement: On all examples up to the last look.
        statistic: That the verdict is about.
        size: Examples up to the last look.
        all_examples: Whether none were left.
    """

    measurement: T
    statistic: Statistic
    size: int
    all_examples: bool


def measure_until_settled(
    sizes: Sequence[int],
    measure: Callable[[int], tuple[T, Statistic] | None],
    *,
    values: Callable[[T], Categorical[float]],
    limits: tuple[float, float],
    horizon: int,
    is_settled: Callable[[T, Statistic], bool],
) -> Settled[T]:
    """Measure on more and more examples, and stop at the first look that settles the verdict.

    Args:
        sizes: After how many examples to look, rising; a single one is no sequential test.
        measure: Returns the measurement on the first so many examples, with its figure as if there
            were one look; None where there is nothing to measure yet, which the last look never is.
        values: Returns a measurement's values, one for each example in the order of the draw.
        limits: The least and the largest a value can be.
        horizon: The most values there can be.
        is_settled: Returns whether more examples cannot change the verdict, or need not.
    """
    cuts: list[int] = []
    for size in sizes:
        last = size == sizes[-1]
        measured = measure(size)
        if measured is None:
            continue
        measurement, statistic = measured
        if len(sizes) > 1:
            # A look tests again what earlier looks have tested, so that the figure has to know them
            # all: the p-value of each look by itself would reject too often over several.
            by_example = values(measurement)
            cuts.append(len(by_example))
            statistic = sequential(by_example, cuts, limits, horizon, current=statistic, final=last)
        if last or is_settled(measurement, statistic):
            return Settled(measurement, statistic, size, last)
    raise AssertionError("unreachable because the last look measures")


def is_sequential(models: Sequence[AnyModel], horizon: int, rules: Rules) -> bool:
    """Return whether examples are asked about in batches.

    Recorded answers cost nothing, betting is about examples, not seeds, and a single batch
    leaves nothing to stop before.
    """
    if any(isinstance(model, SeededModel) for model in models):
        return False
    recorded = all(isinstance(model, RecordedModel) for model in models)
    return not recorded and rules.is_sequential(horizon) and len(looks(horizon)) > 1


class Schedule:
    """After how many examples of a check its verdict is looked at.

    Args:
        texts: Know how many examples a shift changes.
        rules: How certain a verdict has to be.
    """

    def __init__(self, texts: ShiftedTexts, rules: Rules) -> None:
        self._texts = texts
        self._rules = rules

    def sizes(
        self,
        shift: Shift,
        metric: str,
        limit: float | None,
        invalid: Judgement | None,
        models: Sequence[AnyModel],
    ) -> list[int]:
        """Return after how many examples to look, rising, the last being all that can be used.

        Args:
            shift: What happens to the examples.
            metric: Any but accuracy is looked at once.
            limit: The budget; None for nothing to settle.
            invalid: Why the models have no verdict, if so.
            models: That are asked.
        """
        horizon = self._texts.data.horizon(shift)
        if not is_sequential(models, horizon, self._rules):
            return [horizon]
        judged = metric == ACCURACY and limit is not None
        sizes = looks(horizon) if judged or invalid is not None else [horizon]
        # Before the first changed example there is nothing to look at.
        sizes = [size for size in sizes if self._texts.changed(shift, size)] or [horizon]
        # Of an invalid model nothing that is asked will change the verdict; some figures are for
        # the reader.
        return sizes if invalid is None else sizes[:1]

    def enough_touched(self, shift: Shift, trials: Sequence[Trial]) -> bool:
        """Return whether a shift has changed so many examples that a verdict may rest on them."""
        return min(self._texts.touched(shift, trial) for trial in trials) >= MIN_CHANGED
