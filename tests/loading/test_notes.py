from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood import Dataset, Example
from pytest_ood.data.examples import spooled
from pytest_ood.loading.notes import notes_on


def notes(*pairs: tuple[object, str]) -> list[str]:
    """Return the notes on pairs."""
    return notes_on("reviews", Dataset.from_pairs("d", pairs))


def test_data_in_order_has_no_notes() -> None:
    """Different texts, whatever their labels, are nothing to speak of."""
    assert notes(("a", "pos"), ("b", "pos"), ("A", "neg")) == []


def test_empty_texts_are_counted() -> None:
    """White space alone is an empty text, too; the first one is named."""
    found = notes(("a", "pos"), ("", "pos"), (" \t\n", "neg"), ("\u00a0\u3000", "pos"))
    first = Dataset.from_pairs("d", [("", "pos")]).examples[0].id
    assert found == [
        f"reviews: 3 of 4 texts are empty or only white space (first: {first}); models are asked "
        "about them all the same"
    ]


def test_empty_fields_are_counted_one_by_one() -> None:
    """Of several fields each has a note of its own."""
    data = Dataset(
        "d",
        (
            Example("1", {"question": "a", "passage": ""}, "yes"),
            Example("2", {"question": "", "passage": ""}, "no"),
            Example("3", {"question": "b", "passage": "c"}, "no"),
        ),
    )
    first, second = notes_on("d", data)
    assert first.startswith("d: 2 of 3 texts of passage are empty or only white space (first: 1)")
    assert second.startswith("d: 1 of 3 texts of question are empty or only white space (first: 2)")


def test_equal_rows_are_counted() -> None:
    """Every row but the first of its kind is one too many, whatever its id."""
    data = Dataset("d", tuple(Example(str(n), "ab"[n % 2], "pos") for n in range(6)))
    assert notes_on("d", data) == [
        "d: 4 of 6 rows are equal to another one, text and label; each counts, so that intervals "
        "are narrower than they should be"
    ]


def test_contradictions_are_counted() -> None:
    """Every row counts whose text has another label elsewhere."""
    found = notes(
        ("a", "pos"), ("a", "neg"), ("b", "pos"), ("b", "pos"), ("c", "neg"), ("a", "pos")
    )
    assert found == [
        "reviews: 2 of 6 rows are equal to another one, text and label; each counts, so that "
        "intervals are narrower than they should be",
        "reviews: 3 of 6 rows have a text that occurs with different labels; no model can "
        "have all of them right",
    ]


def test_fields_and_answers_belong_to_a_row() -> None:
    """Another passage, or other answers that are as right, make another row."""
    data = Dataset(
        "d",
        (
            Example("1", {"question": "a", "passage": "b"}, "yes"),
            Example("2", {"question": "a", "passage": "c"}, "no"),
            Example("3", {"question": "b", "passage": "c"}, "Paris", ("Paris, France",)),
        ),
    )
    assert notes_on("d", data) == []


@given(
    rows=st.lists(
        st.tuples(st.sampled_from(["a", "b", "", " "]), st.sampled_from("pn")), min_size=1
    )
)
def test_counts_are_those_of_a_plain_count(rows: list[tuple[str, str]]) -> None:
    """The hashes count what a set counts."""
    found = notes_on("d", Dataset.from_pairs("d", rows))
    equal = len(rows) - len(set(rows))
    torn = {text for text, _ in rows if len({label for t, label in rows if t == text}) > 1}
    empty = sum(not text.strip() for text, _ in rows)
    torn_rows = sum(text in torn for text, _ in rows)
    counts = [int(note.split()[1]) for note in found]
    assert counts == [count for count in (empty, equal, torn_rows) if count]


@pytest.mark.slow
def test_long_data_is_not_held() -> None:
    """The notes take some bytes for each example, however long its text."""

    def peak(count: int) -> int:
        examples = (Example(str(n), f"{n} " * 20, "pos") for n in range(10_000, 10_000 + count))
        data = Dataset("d", spooled(examples))
        tracemalloc.start()
        assert notes_on("d", data) == []
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    # Two blocks of examples are held, and sixteen bytes of each, twice for sorting.
    assert peak(40_000) - peak(20_000) < 20_000 * 64
