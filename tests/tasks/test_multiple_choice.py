"""Multiple choice: the letter of the right option, whatever happens to the options."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.tasks import MultipleChoice, Prediction
from pytest_ood.tasks.multiple_choice import parse

TASK = MultipleChoice()
TEXT = "A. Paris\nB. Rome\nC. Oslo"
INPUTS = {"question": "Where is the Forum?", "options": TEXT}


def test_the_labels_are_letters() -> None:
    """As many as a row may have options."""
    assert parse("multiple-choice", {}).labels == ("A", "B", "C", "D", "E")
    assert parse("multiple-choice", {"max_options": 3}).labels == ("A", "B", "C")
    for wrong in (1, 27, "4", True):
        with pytest.raises(ConfigurationError, match=r"max_options = .* from 2 to 26"):
            parse("multiple-choice", {"max_options": wrong})


@pytest.mark.parametrize("value", ["B", "Rome", 1])
def test_a_right_answer_becomes_a_letter(value: Any) -> None:
    """Letter, text and index name the same option."""
    assert TASK.encode(value, INPUTS) == "B"
    assert TASK.encode(value, {**INPUTS, "options": TEXT}) == "B"


def test_other_marks_name_their_option() -> None:
    """The answer of a row with other marks is the letter of its place."""
    assert TASK.encode("ii", {"options": "i. Paris\nii. Rome"}) == "B"


@pytest.mark.parametrize(
    ("inputs", "value", "message"),
    [
        ("Where?", "A", "have no field 'options'"),
        ({"question": "Where?", "options": "Paris or Rome"}, "A", 'options = "COLUMN"'),
        ({"options": "A. Rome\nB. Rome"}, "A", "field 'options': the options A and B are the same"),
        ({"options": "\n".join(f"{m}. {m}{m}" for m in "ABCDEF")}, "A", "set max_options = 6"),
        (INPUTS, "Berlin", "'Berlin' is none of the options"),
    ],
)
def test_wrong_rows_are_refused(inputs: Any, value: Any, message: str) -> None:
    """An error says what is wrong, and what to do."""
    with pytest.raises(DataError, match=message):
        TASK.encode(value, inputs)


@pytest.mark.parametrize(
    ("after", "kept"),
    [
        ("A. Pariss\nB. Rmoe\nC. Osol", True),
        ("A. Paris\nB. Rome\nC. Oslo\nD. Bonn", True),
        ("A. Rome\nB. Rome\nC. Oslo", False),
        ("A. Paris\nB. \nC. Oslo", False),
        ("A. Paris\nb. Rome\nC. Oslo", False),
        ("Now:\nA. Paris\nB. Rome", False),
        ("\n".join(f"{m}. {m}{m}" for m in "ABCDEF"), False),
    ],
)
def test_options_that_say_nothing_more_have_no_answer(
    after: str,
    kept: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """An example is rejected if its options cannot be told apart, or its letter is gone."""
    example = Example("1", INPUTS, "B")
    moved = TASK.moved(example, {**INPUTS, "options": after}, {})
    assert (moved is not None) == kept
    if moved is not None:
        assert (moved.label, moved.inputs) == ("B", {**INPUTS, "options": after})


def test_an_input_offers_its_own_letters() -> None:
    """The words are those of the labels, unless the marks are others."""
    words = {letter: letter for letter in TASK.labels}
    assert TASK.words_of(INPUTS, words) == {"A": "A", "B": "B", "C": "C"}
    assert TASK.words_of(INPUTS, {**words, "B": "second"})["B"] == "second"
    assert TASK.words_of({"options": "1. x\n2. y"}, words) == {"A": "1", "B": "2"}
    assert TASK.words_of("a", words) == words


@pytest.mark.parametrize(
    ("text", "options", "answer"),
    [
        ("The answer is B.", TEXT, "B"),
        ("b) Rome", TEXT, "B"),
        ("D", TEXT, None),
        ("2. Rome", "1. Paris\n2. Rome", "B"),
        ("(ii)", "i. Paris\nii. Rome", "B"),
        ("B", "1. Paris\n2. Rome", None),
        ("A or B", TEXT, None),
    ],
)
def test_a_generated_answer_is_read_by_the_marks(
    text: str, options: str, answer: str | None
) -> None:
    """A mark that the row does not have is no answer."""
    words = TASK.words_of({"options": options}, {letter: letter for letter in TASK.labels})
    assert TASK.read(text, words) == answer


def test_a_letter_that_the_row_lacks_is_wrong() -> None:
    """It is a label of the task, and of no option."""
    example = Example("1", INPUTS, "B")
    assert TASK.score(Prediction("E"), example) == 0.0
    assert TASK.score(Prediction("B"), example) == 1.0
