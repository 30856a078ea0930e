from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.categorical import Categorical
from pytest_ood.statistics.samples import Sample

SCORES = st.lists(st.sampled_from([-1.0, 0.0, 0.25, 1.0]), min_size=1, max_size=30)


@given(values=SCORES)
def test_a_sample_is_counted(values: list[float]) -> None:
    """The different values, rising, with how often each occurs, from whatever holds them."""
    expected = np.unique(values, return_counts=True)
    more = Categorical.of([7.0, *values])[1:]
    for given_ in (values, np.array(values), Categorical.of(values), more):
        sample = Sample.of(given_)
        assert sample.values.tolist() == expected[0].tolist()
        assert sample.counts.tolist() == expected[1].tolist()
        assert len(sample) == len(values)
        assert sample.mean == pytest.approx(np.mean(values))
        assert Sample.of(sample) is sample


@given(values=SCORES)
def test_values_are_added(values: list[float]) -> None:
    """Padding counts a value once more, whether it is there or not."""
    padded, whole = Sample.of(values).padded(np.array([0.0, 2.0])), Sample.of([*values, 0.0, 2.0])
    assert padded.values.tolist() == whole.values.tolist()
    assert padded.counts.tolist() == whole.counts.tolist()


def test_rows_are_counted_as_a_whole() -> None:
    """Rows of features are alike where all of their features are."""
    rows = [(1.0, 0.0), (0.0, 1.0), (1.0, 0.0)]
    for given_ in (np.array(rows), Categorical.of(rows)):
        sample = Sample.of(given_)
        assert sample.values.tolist() == [[0.0, 1.0], [1.0, 0.0]]
        assert sample.counts.tolist() == [1.0, 2.0]
        assert sample.mean.tolist() == pytest.approx([2 / 3, 1 / 3])
