from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation.example_scores import ExampleScores, hash_examples

ROWS = st.lists(
    st.tuples(
        st.none() | st.text(max_size=5),
        st.text(max_size=5) | st.dictionaries(st.text(max_size=2), st.text(max_size=3)),
        st.sampled_from(["negative", "positive"]),
    ),
    unique_by=repr,
)


@pytest.mark.slow
@given(rows=ROWS)
def test_different_examples_have_different_hashes(rows: list[Any]) -> None:
    """Original, text and truth all count; the same example has the same hash wherever it is."""
    hashes = hash_examples(rows)
    assert len(set(hashes.tolist())) == len(rows)
    assert hash_examples(rows[::-1]).tolist() == hashes.tolist()[::-1]


@given(scores=st.lists(st.sampled_from([0.0, 0.5, 1.0])))
def test_items_come_back_from_plain_values(scores: list[float]) -> None:
    """What a report holds is what was measured."""
    items = ExampleScores(
        hash_examples((None, str(n), "a") for n in range(len(scores))), Categorical.of(scores)
    )
    assert ExampleScores.from_record(items.to_record()) == items


@pytest.mark.parametrize(
    ("hashes", "codes", "message"),
    [
        ("AAAAAAAAAAA=", "AAA=", "2 scores of 1 items"),
        ("AAAAAAAAAAA=", "Bw==", "not among the values"),
        ("AAAA", "AA==", "buffer size"),
        ("!", "AA==", "base64"),
    ],
)
def test_damaged_items_are_refused(hashes: str, codes: str, message: str) -> None:
    """A score without its item, or without a value, is none."""
    record = {"hashes": hashes, "scores": {"values": [1.0], "dtype": "|u1", "codes": codes}}
    with pytest.raises(ValueError, match=message):
        ExampleScores.from_record(record)


def test_the_order_is_that_of_the_draw() -> None:
    """Hashes are numbers of eight bytes, one for each example."""
    hashes = hash_examples([(None, "a", "x"), ("a", "b", "x")])
    assert (hashes.dtype, hashes.shape) == (np.uint64, (2,))
