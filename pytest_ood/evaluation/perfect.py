"""The statistic of a model that is always right: what the examples can show at best."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.lazy import Subset
from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.trials.trial import perfect_trial

if TYPE_CHECKING:
    from pytest_ood.evaluation.evaluator import SuiteEvaluator
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic


def perfect_statistic(
    evaluator: SuiteEvaluator, shift: Shift, metric: str, *, relative: bool = False
) -> Statistic:
    """Return the statistic of a model that is always right under a shift; no model is run.

    If it does not show that a budget is kept, no answers to these examples can.

    Args:
        evaluator: The evaluator of the suite.
        shift: The shift.
        metric: A metric other than accuracy and in-domain.
        relative: Whether to return the difference of the drops of two such models.

    Raises:
        NotApplicableError: the examples lack what the metric needs.
        OodError: the data cannot be read.
    """
    evaluator.metrics.check_labels_same(shift, metric)
    size = evaluator.data.horizon(shift)
    examples = evaluator.data.in_distribution().examples
    paired = shift.is_paired
    before = after = examples[:size]
    if shift.has_own_examples:
        after = evaluator.data.target(shift).examples
        before = before if paired else examples
    elif evaluator.texts.is_available(shift):
        shifted = evaluator.texts.perturbed(shift)
        changed = np.flatnonzero(shifted.changed[:size].where(bool))
        before = Subset(examples, changed)
        after = shifted.examples(examples, shift.relabelled, evaluator.suite.task, changed)
    truths = ([example.label for example in side] for side in (before, after))
    perfect = Measurement([perfect_trial(*truths, paired=paired)])
    if relative:
        return evaluator.metrics.difference(perfect, perfect, shift, metric)
    return evaluator.metrics.drop(perfect, shift, metric)
