"""The statistics of verdicts; independent of models and of pytest.

A `Statistic` has bounds and p-values: `proportions` for 0/1 scores (exact), `means` for other
scores and clusters, `rates` for drops as a share of the score, `functions` for metrics such as
macro-F1, `calibration` for calibration errors, `seeds` for models with several seeds, `largest` for
the worst of several, `sequential` for examples that come in batches. `families` adjusts for many
gates, `planning` counts examples.
"""

from pytest_ood.statistics.families import CORRECTIONS, Correction, adjusted, single_step
from pytest_ood.statistics.means import (
    Means,
    mean_difference,
    mean_score,
    paired_drop,
    unpaired_difference_of_drops,
    unpaired_drop,
)
from pytest_ood.statistics.planning import (
    Shortage,
    detectable,
    examples_to_settle,
    least_examples,
    shortage,
)
from pytest_ood.statistics.statistic import Estimate, Statistic, estimate

__all__ = [
    "CORRECTIONS",
    "Correction",
    "Estimate",
    "Means",
    "Shortage",
    "Statistic",
    "adjusted",
    "detectable",
    "estimate",
    "examples_to_settle",
    "least_examples",
    "mean_difference",
    "mean_score",
    "paired_drop",
    "shortage",
    "single_step",
    "unpaired_difference_of_drops",
    "unpaired_drop",
]
