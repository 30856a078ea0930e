from __future__ import annotations

from enum import IntEnum
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ModelError
from pytest_ood.models._answers import AnswerReader
from pytest_ood.tasks import Prediction

LABELS = ("negative", "positive")
HIGH = Prediction("positive", {"negative": 0.25, "positive": 0.75})


def reader(labels: Any = LABELS, **changes: Any) -> AnswerReader:
    """Return a reader of one model's answers."""
    return AnswerReader(name="m", labels=labels, **changes)


def refusal(answer: Any, labels: Any = LABELS, **changes: Any) -> str:
    """Return why an answer is refused."""
    with pytest.raises(ModelError) as caught:
        reader(labels, **changes).read(answer)
    message = str(caught.value)
    assert message.startswith("model 'm'")
    assert "\n" not in message
    return message


class Stars(IntEnum):
    """Labels as members of an enumeration."""

    ONE, TWO = 1, 2


@pytest.mark.parametrize(
    ("answer", "labels", "label"),
    [
        (1, LABELS, "positive"),
        (np.int64(0), LABELS, "negative"),
        (np.array(1), LABELS, "positive"),
        # A label's own text comes first: none of these is an index.
        (1, ("1", "2"), "1"),
        (np.uint8(2), ("1", "2"), "2"),
        (0, ("1", "0"), "0"),
        (1.0, ("1", "2"), "1"),
        (4.5, ("4.5", "5.0"), "4.5"),
        (5, ("4.5", "5"), "5"),
        (True, ("false", "true"), "true"),
        (np.bool_(0), ("False", "True"), "False"),
        (Stars.TWO, ("1", "2"), "2"),
        # A task without labels: a number is written as the data write it.
        (42, (), "42"),
        (42.0, (), "42"),
        (0.5, (), "0.5"),
    ],
    ids=repr,
)
def test_a_number_is_a_label_or_an_index(answer: Any, labels: tuple[str, ...], label: str) -> None:
    """It is the label with its text, or else the index of a label."""
    assert reader(labels).read(answer) == Prediction(label)


@pytest.mark.parametrize(
    ("answer", "labels", "message"),
    [
        (2, LABELS, "a class index is between 0 and 1, in the order of the labels (negative, pos"),
        (-1, LABELS, "a class index is between 0 and 1"),
        (0, ("1", "2"), "labels are numbers themselves (1, 2), so that an integer is one of them"),
        (3, ("-1", "1"), "labels are numbers themselves"),
        (1.0, LABELS, "a number with decimals is no label (negative, positive), and no class in"),
        (float("nan"), LABELS, "a number with decimals is no label"),
        (True, LABELS, "true or false is no label (negative, positive), and no class index"),
        (99, tuple("abcdefghij"), "(a, b, c, d, e, f, g, h, ...)"),
        (1, None, "CallableModel(NAME, FUNCTION, labels=[...])"),
    ],
    ids=repr,
)
def test_a_number_that_may_mean_something_else_is_refused(
    answer: Any, labels: Any, message: str
) -> None:
    """Nothing is guessed: neither from the end of the labels, nor from a rounded number."""
    assert message in refusal(answer, labels)


def test_labels_without_an_order_have_no_indices() -> None:
    """Labels that data have are sorted, which says nothing about the classes of a model."""
    for answer in (1, [0.25, 0.75]):
        message = refusal(answer, ordered=False)
        assert "needs the labels in the order of the model's classes, which data do not" in message
        assert "labels=[...]" in message
    assert reader(("1", "2"), ordered=False).read(2) == Prediction("2")
    assert reader(ordered=False).read({"negative": 0.25, "positive": 0.75}) == HIGH


@pytest.mark.parametrize(
    "row",
    [[0.25, 0.75], (0.25, 0.75), np.array([0.25, 0.75], np.float16), [np.float32(0.25), 0.75],
     [np.array(0.25), np.array(0.75)]],
    ids=repr,
)  # fmt: skip
def test_a_row_of_probabilities_is_in_the_order_of_the_labels(row: Any) -> None:
    """A list, a tuple and an array of one probability for each label."""
    assert reader().read(row) == HIGH


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ([0.2, 0.3, 0.5], "a row has one probability for each label, 2 (negative, positive)"),
        ([1.0], "a row has one probability for each label"),
        ([0.2, 0.2], "its numbers add up to 0.4, and an answer is made of probabilities"),
        ([3.0, -2.0], "its numbers have -2 among them"),
        ([2.0, 5.0], "add up to 7, and an answer is made of probabilities: return those, the soft"),
        ([float("nan"), 1.0], "its numbers are not finite"),
        ([float("inf"), 0.0], "its numbers are not finite"),
    ],
    ids=repr,
)
def test_numbers_that_are_no_probabilities_are_refused(row: list[float], message: str) -> None:
    """Logits, rows of another length and missing numbers are named."""
    assert message in refusal(row)
    assert message in refusal(np.array(row))


@given(st.lists(st.integers(1, 1000), min_size=2, max_size=60))
def test_every_distribution_is_read(weights: list[int]) -> None:
    """Whatever its type, and rounded to two decimals, a distribution is one."""
    labels = [f"l{n}" for n in range(len(weights))]
    shares = np.array(weights, float) / sum(weights)
    for row in (shares, shares.astype(np.float16), shares.round(2), shares.tolist()):
        answer = reader(labels).read(row)
        assert list(answer.scores) == labels
        assert answer.label is not None
        assert answer.scores[answer.label] == max(answer.scores.values())


@pytest.mark.parametrize(
    "answers",
    [
        np.array([0, 1]),
        np.array([[0], [1]]),
        np.array(["negative", "positive"]),
        np.array(["negative", "positive"], object),
        np.array([[0.75, 0.25], [0.25, 0.75]]),
        pd.Series(["negative", "positive"], index=[7, 8]),
        pd.DataFrame({"prediction": ["negative", "positive"]}),
        pd.DataFrame({"positive": [0.25, 0.75], "negative": [0.75, 0.25]}),
        pd.DataFrame({"label": ["negative", "positive"], "score": [0.75, 0.75]}),
        (name for name in LABELS),
        {"first": 0, "second": 1}.values(),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_and_tables_are_lists_of_answers(answers: Any) -> None:
    """An element or a row is an answer; of a table, a column, or a column for each label."""
    assert [answer.label for answer in reader().read_all(answers, 2)] == list(LABELS)


def test_tensors_are_arrays() -> None:
    """Also those that have a gradient, or a type that numpy lacks."""
    torch = pytest.importorskip("torch")
    logits = torch.tensor([[1.0, 0.0], [0.0, 1.0]], requires_grad=True)
    for answers in (logits.softmax(-1), logits.softmax(-1).bfloat16(), logits.argmax(-1),
                    [*logits.softmax(-1)], [*logits.argmax(-1)]):  # fmt: skip
        assert [answer.label for answer in reader().read_all(answers, 2)] == list(LABELS)


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        (
            np.zeros((2, 3)),
            "array of shape (2, 3) for a list of 2 inputs; its shape has to be (2,)",
        ),
        (np.zeros((2, 2, 2)), "or (2, 2), a probability for each input and label (negative, posi"),
        (np.array(1), "it has to return a list of as many answers"),
        (np.zeros((3, 2)), "gave 3 answers to 2 inputs"),
        (np.array([0]), "gave 1 answers to 2 inputs"),
        (pd.DataFrame({"a": [1], "b": [2]}), "a table with the columns a, b; its answers are one"),
    ],
    ids=repr,
)
def test_arrays_of_another_shape_are_refused(answers: Any, message: str) -> None:
    """The message has the shape, the shapes that are allowed, and the labels."""
    with pytest.raises(ModelError) as caught:
        reader().read_all(answers, 2)
    assert message in str(caught.value)


PIPED = [{"label": "POSITIVE", "score": 0.75}, {"label": "NEGATIVE", "score": 0.25}]


@pytest.mark.parametrize(
    ("answer", "prediction"),
    [
        # One label's probability is not that of the others.
        (PIPED[0], Prediction("positive")),
        (PIPED[:1], Prediction("positive")),
        (PIPED, HIGH),
        ({"sequence": "x", "labels": ["positive", "negative"], "scores": [0.75, 0.25]}, HIGH),
        ((("__label__positive",), np.array([0.9])), Prediction("positive")),
        ((["__label__positive", "__label__negative"], np.array([0.75, 0.25])), HIGH),
        ((("positive", "negative"), (0.75, 0.25)), HIGH),
        (["__label__negative"], Prediction("negative")),
        ("__label__negative", Prediction("negative")),
        (SimpleNamespace(cats={"positive": 0.75, "negative": 0.25}), HIGH),
        ({0: 0.25, 1: 0.75}, HIGH),
        ({"__label__negative": 0.25, "positive": 0.75}, HIGH),
    ],
    ids=repr,
)
def test_answers_of_other_libraries(answer: Any, prediction: Prediction) -> None:
    """Pipelines, fastText and spaCy name labels their own way."""
    assert reader().read(answer) == prediction


def test_answers_of_fasttext_to_a_list() -> None:
    """They are two lists: the labels of every input, and their probabilities."""
    labels = [["__label__negative"], ["__label__positive"]]
    scores = [np.array([0.9], np.float32), np.array([1.00001], np.float32)]
    answers = reader().read_all((labels, scores), 2)
    assert answers == [Prediction("negative"), Prediction("positive")]
    assert reader().read_all(tuple(labels), 2) == answers, "fasttext-predict gives no scores"


def test_several_labels_may_stand_for_one() -> None:
    """The label is that of the likeliest of the model's own; the probabilities are summed."""
    names = {"1 star": "negative", "2 stars": "negative", "3 stars": "positive"}
    stars = [{"label": name, "score": score} for name, score in
             zip(names, (0.3, 0.3, 0.4), strict=True)]  # fmt: skip
    answer = reader(label_names=names).read(stars)
    assert answer == Prediction("negative", {"negative": 0.6, "positive": 0.4})
    assert reader(label_names={"GOOD": "positive"}).read("GOOD") == Prediction("positive")
    assert reader(label_names={"7": "positive"}).read(7) == Prediction("positive")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"label": "LABEL_0", "score": 0.9}, "its label 'LABEL_0' is none of the task's (negative"),
        ([{"label": "joy", "score": 0.9}], 'labels = { "joy" = "negative" } in the configuration'),
        ((("__label__spam",), (0.9,)), 'label_names={"spam": "negative"}'),
        (SimpleNamespace(cats={}), "doc.cats is empty"),
        (
            SimpleNamespace(cats={"positive": 0.9, "negative": 0.8}),
            "add up to 1.7, and an answer is made of probabilities of which one holds: `textcat_m",
        ),
        ({0: 0.25, 5: 0.75}, "a class index is between 0 and 1"),
        ({"a": "x"}, "an answer is a label, a class index, probabilities"),
        ([["a"]], "return one answer for each input"),
        (pd.NA, "an answer is a label"),
    ],
    ids=repr,
)
def test_what_other_libraries_answer_otherwise_is_refused(answer: Any, message: str) -> None:
    """Labels that are none of the task's, several labels at once, and no answer at all."""
    assert message in refusal(answer)


def test_without_labels_the_model_s_own_are_kept() -> None:
    """Where any text may be an answer, nothing is renamed."""
    assert reader(()).read({"label": "LABEL_0", "score": 0.9}) == Prediction("LABEL_0")
    assert "a row of probabilities needs labels, and none are known" in refusal([0.5, 0.5], ())
