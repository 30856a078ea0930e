"""chrF of a corpus of texts."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.metrics.protocol import Metric, ratio
from pytest_ood.tasks import FreeText
from pytest_ood.tasks.free_text import CORPUS_METRICS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.metrics.outcomes import Outcome
    from pytest_ood.metrics.protocol import Floats
    from pytest_ood.tasks import Task

ORDER = 6
"""The length of the longest n-grams, in characters."""
BETA = 2.0
"""The weight of recall beside that of precision."""
CACHED = 10_000
"""The number of answers whose counts are in memory."""


@dataclass(frozen=True)
class CorpusChrF(Metric):
    """The F-score of the character n-grams of all texts together, as sacrebleu's `corpus_score`.

    Popović 2015 (chrF: character n-gram F-score for automatic MT evaluation, section 2): with the
    precision P and the recall R averaged over n = 1 to 6, (1 + b²) P R / (b² P + R), b = 2. Of
    several references the one with the highest score of the single text counts. Both are ratios of
    sums over texts, and thus of means.
    """

    NAME = CORPUS_METRICS["chrf"]
    RANK = 5

    @classmethod
    def for_task(cls, task: Task) -> tuple[CorpusChrF, ...]:
        """Return the metric for texts that are scored by chrF."""
        return (cls(),) if isinstance(task, FreeText) and task.metric == "chrf" else ()

    def features(self, outcomes: Sequence[Outcome]) -> Floats:
        """Return for each n: the n-grams of the answer, of the reference, and common ones."""
        rows = [_counts(o.prediction.label or "", o.label) for o in outcomes]
        return np.array(rows, dtype=np.float64).reshape(len(outcomes), 3 * ORDER)

    def value(self, means: Floats) -> Floats:
        """Return the F-score of the mean counts."""
        said, right, common = means[..., 0::3], means[..., 1::3], means[..., 2::3]
        # Lengths that texts are too short for are left out of the averages.
        counted = (said > 0) & (right > 0)
        lengths = counted.sum(axis=-1, dtype=np.float64)
        precision = ratio((ratio(common, said) * counted).sum(axis=-1), lengths)
        recall = ratio((ratio(common, right) * counted).sum(axis=-1), lengths)
        return ratio((1.0 + BETA**2) * precision * recall, BETA**2 * precision + recall)


# Every statistic computes the features of the same answers.
@lru_cache(CACHED)
def _counts(answer: str, reference: str) -> tuple[int, ...]:
    """Return three counts for each n; n-grams do not include white space."""
    answer, reference = "".join(answer.split()), "".join(reference.split())
    counts: list[int] = []
    for n in range(1, ORDER + 1):
        said, right = _ngrams(answer, n), _ngrams(reference, n)
        # As in sacrebleu, an answer has no n-grams that are longer than its reference.
        counts += [said.total() if right else 0, right.total(), (said & right).total()]
    return tuple(counts)


def _ngrams(text: str, n: int) -> Counter[str]:
    return Counter(text[start : start + n] for start in range(len(text) - n + 1))


METRIC = CorpusChrF
