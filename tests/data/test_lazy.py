from __future__ import annotations

import gc
import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data import lazy as rows
from pytest_ood.data.lazy import (
    DiskSequence,
    MappedSequence,
    SelectedSequence,
    Subset,
    blocks,
    hash_of_lines,
    occurrences,
    read,
    repeated,
)

OPEN = Path("/proc/self/fd")
VALUES = st.lists(st.text() | st.lists(st.integers() | st.text(), max_size=3), max_size=30)
LINES = st.lists(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=6))


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let few rows be more than may be held."""
    monkeypatch.setattr(rows, "BLOCK", 4)
    monkeypatch.setattr(rows, "IN_MEMORY", 40)
    monkeypatch.setattr(rows, "SORTED_AT_ONCE", 3)


def spool(values: list[Any]) -> DiskSequence[Any]:
    """Put values into a temporary file."""
    made: DiskSequence[Any] = DiskSequence(lambda value: value, lambda value: value)
    made.extend(values)
    return made


@pytest.mark.slow
@settings(deadline=None)
@given(values=VALUES, more=VALUES, data=st.data())
def test_a_spool_is_the_list_of_what_was_put(
    values: list[Any], more: list[Any], data: st.DataObject
) -> None:
    """Items come back one by one, in any order, and in blocks, also when some are added later."""
    made = spool(values)
    assert list(made) == values
    made.extend(more)
    whole = values + more
    assert made == whole
    assert len(made) == len(whole)
    assert [made[place] for place in range(-len(whole), len(whole))] == whole * 2
    places = data.draw(st.lists(st.integers(0, max(0, len(whole) - 1)))) if whole else []
    assert made.read(np.array(places, np.int64)) == [whole[place] for place in places]
    assert [item for block in blocks(made) for item in block] == whole
    assert all(len(block) <= 4 for block in blocks(made))


@settings(deadline=None)
@given(values=VALUES, data=st.data())
def test_slices_are_those_of_a_list(values: list[Any], data: st.DataObject) -> None:
    """Slices, and slices of slices, hold what those of a list do; they are equal to tuples."""
    made: Any = spool(values)
    expected: Any = values
    for _ in range(2):
        part = data.draw(st.slices(len(expected)))
        made, expected = made[part], expected[part]
        assert made == tuple(expected)
        assert tuple(expected) == made
        assert (made == [*expected, "more"]) is False
    assert list(MappedSequence(made, repr)) == list(map(repr, expected))


def test_a_place_beyond_the_end_is_none() -> None:
    """As in a list, a place that is not there is an IndexError."""
    made = spool(["a"])
    for place in (1, -2):
        with pytest.raises(IndexError):
            made[place]


def test_a_sequence_is_chosen_place_by_place() -> None:
    """Of several sequences the item comes from the one whose number stands there."""
    chosen = SelectedSequence(["abcdef", spool(list("uvwxyz"))], np.array([0, 1, 1, 0, 1, 0]))
    assert "".join(chosen) == "avwdyf"
    assert chosen.read(np.array([4, 0])) == ["y", "a"]
    assert read("abc", np.array([2, 0])) == ["c", "a"]


def test_rows_hash_like_equal_rows() -> None:
    """Views that are equal are one key."""
    made = spool(["a", "b", "a"])
    assert len({made[:1], made[2:], Subset(made, np.array([0]))}) == 1


@pytest.mark.slow
@pytest.mark.skipif(not OPEN.exists(), reason="open files are counted there")
def test_a_file_goes_with_its_rows() -> None:
    """What was written is gone, and nothing is left open, once nobody holds the rows."""
    gc.collect()
    before = len(list(OPEN.iterdir()))
    made = spool([f"text {number}" for number in range(50)])
    view = made[10:20]
    assert len(list(OPEN.iterdir())) == before + 2
    del made
    assert view[0] == "text 10"
    del view
    gc.collect()
    assert len(list(OPEN.iterdir())) == before


@settings(deadline=None)
@given(lines=LINES, data=st.data())
def test_lines_are_hashed_in_order(lines: list[str], data: st.DataObject) -> None:
    """The hash is that of the sorted lines, however many files they are sorted in."""
    shuffled = data.draw(st.permutations(lines))
    expected = hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    assert hash_of_lines(iter(shuffled)) == expected


@given(numbers=st.lists(st.integers(0, 6)))
def test_repeated_hashes_are_found(numbers: list[int]) -> None:
    """Those that occur twice are named once, and each one's turn is counted from 1."""
    array = np.array(numbers, np.int64)
    assert repeated(array).tolist() == sorted({n for n in numbers if numbers.count(n) > 1})
    turns = [numbers[: place + 1].count(n) for place, n in enumerate(numbers)]
    assert occurrences(array).tolist() == turns
