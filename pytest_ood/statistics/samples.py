"""Samples as their different values and how often each occurs: however many examples there are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pytest_ood.data.categorical import Categorical

if TYPE_CHECKING:
    from typing import Any

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Sample:
    """Values of n examples, or rows of k features.

    Attributes:
        values: The different ones, rising, shape (v,); or the different rows, shape (v, k).
        counts: How often each occurs, shape (v,).
    """

    values: Floats
    counts: Floats

    @classmethod
    def of(cls, values: Values | Categorical[Any]) -> Sample:
        """Count values, or rows; a column of tuples is one of rows."""
        if isinstance(values, Sample):
            return values
        if isinstance(values, Categorical):
            occurs = values.counts > 0
            array = np.array(values.values, np.float64)
            return _merged(array[occurs], values.counts[occurs].astype(np.float64))
        array = np.asarray(values, np.float64)
        return _merged(array, np.ones(len(array)))

    def __len__(self) -> int:
        return int(self.counts.sum())

    @property
    def mean(self) -> Any:
        """The mean, a number; or the means of the features, shape (k,)."""
        return self.counts @ self.values / self.counts.sum()

    def padded(self, pseudo: Floats) -> Sample:
        """Return the sample with some values, or rows, more."""
        values = np.concatenate([self.values, pseudo])
        return _merged(values, np.append(self.counts, np.ones(len(pseudo))))


def _merged(values: Floats, counts: Floats) -> Sample:
    """Return values, or rows, with equal ones put together, and in order."""
    different, indices = np.unique(values, axis=0, return_inverse=True)
    merged = np.bincount(indices.reshape(-1), counts, len(different))
    return Sample(different, merged.astype(np.float64))


Values = Sequence[float] | Floats | Categorical[float] | Sample
"""One value for each example."""
