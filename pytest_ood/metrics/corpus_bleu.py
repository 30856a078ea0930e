"""BLEU of a corpus of texts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.metrics.protocol import Metric, ratio
from pytest_ood.tasks import FreeText
from pytest_ood.tasks.free_text import CORPUS_METRICS, sacrebleu_metric, split

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome, Outcomes
    from pytest_ood.metrics.protocol import Floats
    from pytest_ood.tasks import Task

ORDER = 4
"""The length of the longest n-grams, in words."""
CACHED = 10_000
"""The number of answers whose counts are in memory."""


@dataclass(frozen=True)
class CorpusBleu(Metric):
    """BLEU of all texts together, as sacrebleu's `corpus_score`.

    Papineni et al. 2002 (BLEU, section 2.3): the geometric mean of the precisions of n-grams, n = 1
    to 4, times exp(1 - r / c) if all answers together (c words) are shorter than the references
    (r). An n that no answer has a right n-gram of gets 1/2 a right one, the next such n 1/4 and so
    on (Chen and Cherry 2014, smoothing 3). All but the smoothing are ratios of sums, and thus of
    means.

    Attributes:
        sizes: The number of examples before and under the shift, for the smoothing.
    """

    NAME = CORPUS_METRICS["bleu"]
    RANK = 5

    sizes: tuple[int, int] = (1, 1)

    @classmethod
    def for_task(cls, task: Task) -> tuple[CorpusBleu, ...]:
        """Return the metric for texts that are scored by BLEU."""
        return (cls(),) if isinstance(task, FreeText) and task.metric == "bleu" else ()

    def for_answers(self, before: Outcomes, after: Outcomes) -> CorpusBleu:
        """Return the metric for these numbers of examples."""
        return replace(self, sizes=(len(before), len(after)))

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return the words of answer and reference, and for each n the right n-grams and all."""
        rows = [_counts(o.prediction.label, o.label) for o in outcomes]
        return np.array(rows, dtype=np.float64).reshape(len(outcomes), 2 + 2 * ORDER)

    def value(self, means: Floats) -> Floats:
        """Return BLEU before the shift."""
        return _bleu(means * self.sizes[0])

    def values(self, before: Floats, after: Floats) -> tuple[Floats, Floats]:
        """Return BLEU before and under the shift."""
        return _bleu(before * self.sizes[0]), _bleu(after * self.sizes[1])


# Every statistic computes the features of the same answers.
@lru_cache(CACHED)
def _counts(answer: str | None, truth: str) -> tuple[int, ...]:
    """Return the counts of one text, by sacrebleu."""
    references = split(truth)
    # A statistic also asks what a right answer would have: an answer that is the truth.
    said = references[0] if answer == truth else answer or ""
    # `force`: no warning that texts look as if they were split into words before.
    bleu = sacrebleu_metric("BLEU", force=True)
    score = bleu.corpus_score([said], [[reference] for reference in references])
    return score.sys_len, score.ref_len, *score.counts, *score.totals


def _bleu(sums: Floats) -> Floats:
    """Return BLEU of summed counts, shape (..., 10) to (...)."""
    said, expected = sums[..., 0], sums[..., 1]
    right, total = sums[..., 2 : 2 + ORDER], sums[..., 2 + ORDER :]
    # Sums of a resampled corpus are whole numbers up to rounding errors.
    none = right < 0.5  # noqa: PLR2004 - between 0 and 1
    smoothed = np.where(none, 0.5 ** none.cumsum(axis=-1), right)
    precisions = ratio(smoothed, total)
    possible = ~none[..., 0] & (precisions > 0.0).all(axis=-1)
    logs = np.log(precisions, where=precisions > 0.0, out=np.zeros_like(precisions))
    penalty = np.exp(np.minimum(0.0, 1.0 - ratio(expected, said)))
    return np.where(possible, np.minimum(1.0, penalty * np.exp(logs.mean(axis=-1))), 0.0)


METRIC = CorpusBleu
