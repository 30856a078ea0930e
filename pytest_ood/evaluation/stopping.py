"""Sequential measurement: more and more examples, until the verdict is settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from pytest_ood.budgets import MIN_CHANGED, is_settled
from pytest_ood.evaluation.estimators import sequential
from pytest_ood.metrics import ACCURACY
from pytest_ood.models.protocol import SeededModel, is_recorded
from pytest_ood.statistics.sequential import looks

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.budgets import Judgement, Rules
    from pytest_ood.data.categorical import Categorical
    from pytest_ood.evaluation.shifted_texts import ShiftedTexts
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic
    from pytest_ood.trials.predictor import AnyModel
    from pytest_ood.trials.trial import Trial

T = TypeVar("T")


@dataclass(frozen=True)
class Settled(Generic[T]):
    """The measurement at the last look.

    Attributes:
        measurement: The measurement on all examples up to the last look.
        statistic: The statistic that the verdict is about.
        size: The number of examples up to the last look.
        all_examples: Whether no examples were left.
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
        sizes: The numbers of examples at the looks, ascending; a single one is no sequential test.
        measure: Takes a number of examples and returns the measurement on them, with its statistic
            for a fixed number of examples; None while there is nothing to measure, which the last
            look must not return.
        values: Returns the values of a measurement, one for each example in sample order.
        limits: The least and the largest possible value.
        horizon: The largest possible number of values.
        is_settled: Returns whether to stop at a look.
    """
    cuts: list[int] = []
    for size in sizes:
        last = size == sizes[-1]
        measured = measure(size)
        if measured is None:
            continue
        measurement, statistic = measured
        if len(sizes) > 1:
            # Every look tests the same hypothesis again. Stopping at the first look whose own
            # p-value is below alpha would reject far too often, so the statistic gets the values
            # of all looks, and its p-values hold whatever look one stops at.
            by_example = values(measurement)
            cuts.append(len(by_example))
            statistic = sequential(by_example, cuts, limits, horizon, current=statistic, final=last)
        if last or is_settled(measurement, statistic):
            return Settled(measurement, statistic, size, last)
    raise AssertionError("unreachable because the last look measures")


def is_sequential(models: Sequence[AnyModel], horizon: int, rules: Rules) -> bool:
    """Return whether models are run in batches, with a test after each.

    Not for recorded answers, which cost nothing; not for models with several seeds, since the
    sequential test has no variance of seeds; and not where there is only one batch.
    """
    if any(isinstance(model, SeededModel) for model in models):
        return False
    recorded = all(is_recorded(model) for model in models)
    return not recorded and rules.is_sequential(horizon) and len(looks(horizon)) > 1


class Schedule:
    """The numbers of examples at which the verdict of a check is tested.

    Args:
        texts: Know how many examples a shift changes.
        rules: The levels of verdicts.
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
        """Return the numbers of examples at the looks, ascending; the last is all examples.

        Args:
            shift: The shift.
            metric: The metric; only accuracy is tested sequentially.
            limit: The budget; None where there is no verdict to settle.
            invalid: The reason why the models have no valid verdict, or None.
            models: The models of the check.
        """
        horizon = self._texts.data.horizon(shift)
        if not is_sequential(models, horizon, self._rules):
            return [horizon]
        judged = metric == ACCURACY and limit is not None
        sizes = looks(horizon) if judged or invalid is not None else [horizon]
        # A look before the first changed example has no value to test.
        sizes = [size for size in sizes if self._texts.changed(shift, size)] or [horizon]
        # More answers cannot make an invalid model valid: one batch is enough for the report.
        return sizes if invalid is None else sizes[:1]

    def is_settled(
        self,
        shift: Shift,
        trials: Sequence[Trial],
        statistic: Statistic,
        limit: float | None,
        *,
        at_least: bool = False,
    ) -> bool:
        """Return whether to stop: whether more examples are not expected to change the verdict.

        Args:
            shift: The shift.
            trials: All trials that the statistic is computed from.
            statistic: The statistic of the trials so far.
            limit: The budget; None where there is no verdict to settle.
            at_least: Whether the statistic has to be at least the limit, and not at most.
        """
        if limit is None:
            return False
        # A verdict on too few changed examples is invalid, however certain: wait for more of them.
        touched = min(self._texts.touched(shift, trial) for trial in trials)
        return touched >= MIN_CHANGED and is_settled(
            statistic, limit, self._rules, at_least=at_least
        )
