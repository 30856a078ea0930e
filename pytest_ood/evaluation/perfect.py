"""What the examples can show at all: the figure of a model that is always right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.rows import Subset
from pytest_ood.trials.trial import perfect_trial

if TYPE_CHECKING:
    from pytest_ood.evaluation.evaluator import SuiteEvaluator
    from pytest_ood.shifts import Shift
    from pytest_ood.statistics import Statistic


def perfect_statistic(
    evaluator: SuiteEvaluator, shift: Shift, metric: str, *, relative: bool = False
) -> Statistic:
    """Return the figure of a model that is always right under a shift; no model is asked.

    What it does not show to be within a budget, no answers to these examples can show.

    Args:
        evaluator: Of the suite.
        shift: What happens to the examples.
        metric: Any but accuracy and in-domain.
        relative: Return the difference of the figures of two such models.

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
    elif evaluator.texts.is_known(shift):
        shifted = evaluator.texts.perturbed(shift)
        changed = np.flatnonzero(shifted.changed[:size].where(bool))
        before = Subset(examples, changed)
        pairs = zip(before, Subset(shifted.inputs, changed), strict=True)
        after = [shift.relabelled(*pair) for pair in pairs]
    truths = ([example.label for example in side] for side in (before, after))
    perfect = Measurement([perfect_trial(*truths, paired=paired)])
    if relative:
        return evaluator.metrics.difference(perfect, perfect, shift, metric)
    return evaluator.metrics.drop(perfect, shift, metric)
