"""Options as one text: written, read again, and the right one found among them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.options import (
    LETTERS,
    MARKS,
    options_of,
    position_of,
    read_options,
    write_options,
)
from pytest_ood.errors import DataError

CITIES = ("Paris", "Rome", "Oslo")
TEXTS = st.lists(
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12)
    .map(str.strip)
    .filter(bool),
    min_size=2,
    max_size=len(LETTERS),
    unique=True,
)


@settings(deadline=None, max_examples=40)
@given(texts=TEXTS, style=st.sampled_from(list(MARKS)))
def test_what_is_written_is_read(texts: list[str], style: str) -> None:
    """Whatever the options and their marks, the same come back, each at its place."""
    text = write_options(texts, MARKS[style])
    options = read_options(text)
    assert [option.text for option in options] == texts
    assert [option.mark for option in options] == list(MARKS[style][: len(texts)])
    assert "".join(text[slice(*o.sign)] + text[slice(*o.span)] for o in options) == text


@pytest.mark.parametrize(
    "text",
    ["", "A film.", "A. Paris", "A. Paris\nC. Rome", "Paris\nA. Rome\nB. Oslo", "B. Rome\nA. Oslo",
     "A.Paris\nB.Rome", "a. Paris\nB. Rome"],
)  # fmt: skip
def test_other_texts_have_no_options(text: str) -> None:
    """Two marks at least have to follow on each other from the beginning."""
    assert read_options(text) == ()
    assert options_of({"options": text}) == ()
    assert options_of(text) == ()


def test_an_option_may_have_lines() -> None:
    """A line without the next mark belongs to the option before it."""
    assert [o.text for o in read_options("A. one\nor two\nB. three")] == ["one\nor two", "three"]


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "there is no option; a question has two or more"),
        (["Paris"], r"there is one option \('Paris'\)"),
        (["Paris", "Rome", "Paris "], "the options A and C are the same, 'Paris'"),
        (["Paris", " "], "option B is empty"),
        (["Paris\nB. Rome", "Oslo"], "has a line that begins like the next option"),
        ([str(n) for n in range(27)], "there are 27 options, and at most 26 are allowed$"),
    ],
)
def test_wrong_options_are_refused(texts: list[str], message: str) -> None:
    """An error says what is wrong with which option."""
    with pytest.raises(DataError, match=message):
        write_options(texts)


@pytest.mark.parametrize(
    ("value", "form", "position"),
    [
        ("B", None, 1), (" B ", None, 1), ("Rome", None, 1), (1, None, 1), (1.0, None, 1),
        ("B", "letter", 1), ("1", "index", 1), (2, "number", 1), ("2", "number", 1),
        ("Rome", "text", 1), (0, None, 0),
    ],
)  # fmt: skip
def test_the_right_option_is_found(value: Any, form: str | None, position: int) -> None:
    """By its letter, its index, its number or its text."""
    assert position_of(value, CITIES, form=form) == position


@pytest.mark.parametrize(
    ("value", "texts", "form", "position"),
    [
        ("4", ("3", "4", "5"), None, 1),
        (2, ("1", "2", "3", "4"), None, 2),
        ("2", ("1", "2", "3", "4"), "index", 2),
        ("2", ("1", "2", "3", "4"), "number", 1),
        ("B", ("B", "A"), "text", 0),
        ("B", ("B", "A"), "letter", 1),
    ],
)
def test_numbers_and_letters_among_the_options(
    value: Any, texts: tuple[str, ...], form: str | None, position: int
) -> None:
    """A number is an index, a text an option; what may be either is said."""
    assert position_of(value, texts, form=form) == position


def test_own_marks_count_before_letters() -> None:
    """ARC has options 1 to 4, and an answer of 3 is the third one, also as a number."""
    for value in ("3", 3):
        assert position_of(value, CITIES, ("1", "2", "3")) == 2
    assert position_of("B", CITIES, ("1", "2", "3")) == 1


@pytest.mark.parametrize(
    ("value", "texts", "form", "message"),
    [
        ("D", CITIES, None, "the right answer 'D' is none of the options .A. 'Paris', B. 'Rome'"),
        ("rome", CITIES, None, "none of the options"),
        (3, CITIES, None, "the right answer 3 is none of the options"),
        (-1, CITIES, None, "none of the options"),
        (0, CITIES, "number", "none of the options .* by number"),
        ("1", CITIES, None, 'answer_form = "letter", "index", "number", "text"'),
        (True, CITIES, None, "none of the options"),
        (None, CITIES, None, "none of the options"),
        (float("nan"), CITIES, None, "none of the options"),
        ("B", ("B", "A"), None, "may be option A or B .*; say beside `label` what it is"),
    ],
)
def test_what_is_no_option_is_refused(
    value: Any, texts: tuple[str, ...], form: str | None, message: str
) -> None:
    """Nothing is guessed: the message lists the options, and how to say what is meant."""
    with pytest.raises(DataError, match=message):
        position_of(value, texts, form=form)
