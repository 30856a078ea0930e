"""Expected calibration error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.data.categorical import combined
from pytest_ood.errors import ModelError, NotApplicableError
from pytest_ood.metrics.protocol import Metric
from pytest_ood.statistics.calibration import Binned, calibration_rise
from pytest_ood.tasks.classification import out_of_scope_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome, Outcomes
    from pytest_ood.metrics.protocol import BeforeAfter, Floats
    from pytest_ood.statistics import Statistic
    from pytest_ood.tasks import Task

BINS = 10


@dataclass(frozen=True)
class CalibrationError(Metric):
    """Expected calibration error over ten bins of equal width.

    The mean distance between the confidence in the answer and the share of right answers, weighted
    by the bins' sizes (Guo et al. 2017, On Calibration of Modern Neural Networks, equation 3).

    Attributes:
        rejected: The answer without confidence that an abstention from an input out of scope is;
            "" for none.
    """

    NAME = "ece"
    RISES = True
    RANK = 20

    rejected: str = ""

    @classmethod
    def for_task(cls, task: Task) -> tuple[CalibrationError, ...]:
        """Return the metric for tasks with labels."""
        return (cls(out_of_scope_of(task)),) if task.labels else ()

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each bin: confidence minus rightness of the answers in it."""
        rows = np.zeros((len(outcomes), BINS))
        for row, outcome in zip(rows, outcomes, strict=True):
            answer = outcome.prediction
            given = None if answer.label is None else answer.scores.get(answer.label)
            if _is_abstention(answer.label, given, self.rejected):
                continue
            confidence = _checked(given)
            row[_bin(confidence)] = confidence - float(answer.label == outcome.label)
        return rows

    def value(self, means: Floats) -> Floats:
        """Return the sum over bins of the absolute mean difference."""
        return np.asarray(np.abs(means).sum(axis=-1))

    def statistic(
        self, models: Sequence[Sequence[BeforeAfter]], signs: Sequence[float]
    ) -> Statistic:
        """Return how much the error rises; see `pytest_ood.statistics.calibration`.

        The error is a sum of absolute values, which is biased upwards in small samples and has a
        kink where a bin is calibrated: the bootstrap of a function of means does not hold there.
        """
        sides = [
            (
                sign / len(seeds),
                _binned(answers.before, self.rejected),
                _binned(answers.after, self.rejected),
            )
            for seeds, sign in zip(models, signs, strict=True)
            for answers in seeds
        ]
        return calibration_rise(sides, paired=models[0][0].paired)


def _is_abstention(answer: str | None, confidence: float | None, rejected: str) -> bool:
    """Return whether an answer is an abstention, which has no confidence and counts in no bin."""
    return answer is None or (confidence is None and answer == rejected != "")


def _binned(outcomes: Outcomes, rejected: str) -> Binned:
    graded = outcomes.graded

    def row(truth: str, answer: str | None, confidence: float | None) -> tuple[int, float, float]:
        """Return the bin, the confidence and the signed calibration error of one answer."""
        if _is_abstention(answer, confidence, rejected):
            return 0, 0.0, 0.0
        checked = _checked(confidence)
        return _bin(checked), checked, checked - float(answer == truth)

    rows = combined([graded.truth, graded.answer, graded.confidence], row)
    table = np.array(rows.values, np.float64).reshape(-1, 3)[rows.codes]
    return Binned(table[:, 0].astype(np.intp), table[:, 1], table[:, 2], BINS)


def _checked(confidence: float | None) -> float:
    """Return the probability of an answer, refusing a missing or impossible one."""
    if confidence is None:
        raise NotApplicableError(
            "ece: the expected calibration error needs a probability with every answer, "
            "and this model gives none"
        )
    if not 0.0 <= confidence <= 1.0:
        raise ModelError(f"ece: the probability of an answer is {confidence}, outside of [0, 1]")
    return confidence


def _bin(confidence: float) -> int:
    return min(BINS - 1, int(confidence * BINS))


METRIC = CalibrationError
