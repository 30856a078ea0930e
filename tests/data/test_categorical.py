from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data import categorical as columns
from pytest_ood.data.categorical import Categorical, combined, longer, spread

VALUES = st.lists(st.none() | st.sampled_from([0.0, 0.5, 1.0]) | st.text(max_size=1))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few examples be more than are worked on at the same time."""
    monkeypatch.setattr(columns, "AT_ONCE", 4)


@given(values=VALUES, more=VALUES, data=st.data())
def test_a_column_is_the_list_of_its_values(
    values: list[Any], more: list[Any], data: st.DataObject
) -> None:
    """Values come back, in slices, by places and by masks too, and columns add up like lists."""
    column, whole = Categorical.of(values) + Categorical.of(more), values + more
    assert list(column) == whole
    assert len(column) == len(whole)
    assert list(column[data.draw(st.just(slice(1, 3)))]) == whole[1:3]
    mask = np.array([value is None for value in whole], np.bool_)
    assert list(column[~mask]) == [value for value in whole if value is not None]
    assert column.where(lambda value: value is None).tolist() == mask.tolist()
    for value in (*whole, "not there"):
        assert column.count(value) == whole.count(value)
    assert column.counts.sum() == len(whole)


@given(values=VALUES, data=st.data())
def test_equal_columns_are_equal(values: list[Any], data: st.DataObject) -> None:
    """Columns are equal where their values are, whatever other values they once had."""
    column = Categorical.of(values)
    same = (Categorical.of(["other"]) + column)[1:]
    assert same == column
    assert hash(same) == hash(column)
    assert (column == values) is False
    other = data.draw(VALUES)
    assert (Categorical.of(other) == column) is (other == values)


@given(values=VALUES)
def test_a_column_travels(values: list[Any]) -> None:
    """A column comes back from JSON as it was."""
    record = json.loads(json.dumps(Categorical.of(values).to_record()))
    assert Categorical.from_record(record) == Categorical.of(values)


@pytest.mark.parametrize(("different", "width"), [(1, 1), (256, 1), (257, 2), (65_537, 4)])
def test_few_different_values_take_a_byte(different: int, width: int) -> None:
    """An example takes as many bytes as the number of different values needs."""
    column = Categorical.of(range(different))
    assert column.codes.itemsize == width
    assert (column + column).codes.itemsize == width
    assert column[-1] == different - 1
    assert len(json.dumps(column[:1000].to_record()["codes"])) < 1000 * width * 4 / 3 + 10


@given(rows=st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.booleans())))
def test_columns_are_combined_example_by_example(rows: list[tuple[int, int, bool]]) -> None:
    """The function sees each combination once, and every example gets what came of its own."""
    parts: list[Categorical[Any]] = [Categorical.of(part) for part in zip(*rows, strict=True)] or [
        Categorical()
    ]
    seen = []

    def told(*row: Any) -> str:
        seen.append(row)
        return f"{row[0] + row[-1]}"

    assert list(combined(parts, told)) == [f"{a + c}" for a, _, c in rows]
    assert sorted(seen) == sorted(set(rows))


def test_a_column_is_spread_over_places() -> None:
    """What has no value is None, between the places and beyond the end."""
    column = Categorical.of([1.0, 0.0])
    assert list(spread(column, np.array([1, 3]), 5)) == [None, 1.0, None, 0.0, None]
    assert list(longer(Categorical.of([1.0, None]), 4)) == [1.0, None, None, None]
    assert column.array.tolist() == [1.0, 0.0]


@given(values=VALUES)
def test_a_function_sees_values_that_are_there(values: list[Any]) -> None:
    """A value that no example has any more is not put to the function."""
    column = Categorical.of(["gone", *values])[1:]
    seen = []
    assert list(combined([column], lambda value: seen.append(value) or repr(value))) == [
        repr(value) for value in values
    ]
    assert len(seen) == len(set(values))
