from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context, Model, RecordedModel
from pytest_ood.tasks import NumericAnswer, Prediction

build = adapter("replay").build

ROWS = [
    {"id": "1", "shift": "in-distribution", "answer": "positive"},
    {"id": "2", "shift": "in-distribution", "answer": "negative"},
    {"id": "1", "shift": "keyboard", "answer": None},
    {"id": "2", "shift": "keyboard", "answer": ""},
    {"id": "3", "shift": "keyboard", "answer": "?"},
]


def recorded(context: Context, rows: list[dict[str, Any]] | None = None, **options: Any) -> Any:
    """Write rows to a file and build the model."""
    text = "\n".join(map(json.dumps, ROWS if rows is None else rows))
    (context.root / "answers.jsonl").write_text(text)
    return build("answers.jsonl", context, **{"unparsed": "?", **options})


def test_answers_are_recalled_by_shift_and_id(context: Context) -> None:
    """Answers come in the order asked for, under the shift asked for."""
    model = recorded(context, paradigm="prompted")
    assert isinstance(model, RecordedModel)
    assert not isinstance(model, Model)
    assert (model.name, model.source, model.paradigm) == ("model", "answers.jsonl", "prompted")
    answers = model.recall("in-distribution", ["2", "1", "2"])
    assert [answer.label for answer in answers] == ["negative", "positive", "negative"]
    assert model.recall("in-distribution", []) == []


def test_null_empty_and_the_given_mark_are_abstentions(context: Context) -> None:
    """What stands for no answer is None, with the raw text beside it."""
    assert recorded(context).recall("keyboard", ["1", "2", "3"]) == [
        Prediction(None),
        Prediction(None, text=""),
        Prediction(None, text="?"),
    ]


def test_a_missing_answer_is_an_error(context: Context) -> None:
    """The error names model, file, shift, how many are missing and the first."""
    with pytest.raises(ModelError) as caught:
        recorded(context).recall("in-distribution", ["1", "7", "8"])
    assert str(caught.value) == (
        "model 'model': answers.jsonl holds no answer to 2 of 3 examples under 'in-distribution', "
        "the first being '7'."
    )


def test_a_missing_shift_is_guessed(context: Context) -> None:
    """A shift without any answer is told apart, with the nearest that was recorded."""
    with pytest.raises(ModelError, match=r"unknown shift 'keybord'\. Did you mean 'keyboard'"):
        recorded(context).recall("keybord", ["1"])


def test_columns_have_other_names(context: Context) -> None:
    """`id`, `answer` and `shift` name the columns, in a CSV file too."""
    (context.root / "a.csv").write_text("n,said,under\n1,positive,swap\n2,none,swap\n")
    model = build("a.csv", context, id="n", answer="said", shift="under", unparsed="none")
    assert [answer.label for answer in model.recall("swap", ["1", "2"])] == ["positive", None]


def test_numbers_are_ids(context: Context) -> None:
    """An id that is a number in the file is its digits."""
    model = recorded(context, [{"id": 1, "shift": "swap", "answer": "positive"}])
    assert model.recall("swap", ["1"])[0].label == "positive"


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"id": "9", "answer": "positive"}, "row 6: unknown field 'shift'"),
        ({"ID": "9", "shift": "s", "answer": "positive"}, "row 6: unknown field 'id'. Known: ID"),
        ({"id": "9", "shift": "s", "answer": "postive"}, "row 6, field 'answer': unknown label"),
        (ROWS[1], "row 6: a second answer to '2' under 'in-distribution'"),
    ],
)
def test_a_wrong_row_is_located(row: dict[str, Any], message: str, context: Context) -> None:
    """A row that cannot be used is named by file, number and field."""
    with pytest.raises(DataError) as caught:
        recorded(context, [*ROWS, row])
    assert "answers.jsonl" in str(caught.value)
    assert message in str(caught.value)


def test_an_empty_file_is_refused(context: Context) -> None:
    """A file without answers is an error."""
    with pytest.raises(DataError, match="there is no answer in it"):
        recorded(context, [])


def test_a_missing_file_is_refused(context: Context) -> None:
    """A file that is not there is an error that names it."""
    with pytest.raises(DataError, match=r"none\.jsonl: there is no such file"):
        build("none.jsonl", context)


def test_a_wrong_paradigm_is_refused(context: Context) -> None:
    """An unknown paradigm is a usage error."""
    with pytest.raises(ConfigurationError, match="unknown paradigm 'tuned'"):
        recorded(context, paradigm="tuned")


def test_a_label_cannot_stand_for_an_abstention(context: Context) -> None:
    """`unparsed` that is one of the labels cannot be meant, and is refused."""
    with pytest.raises(ConfigurationError, match="unparsed"):
        recorded(context, ROWS[:2], unparsed="positive")
    renamed = {"0": "negative", "1": "positive"}
    with pytest.raises(ConfigurationError, match="unparsed = '0' is a label"):
        recorded(context, [{**ROWS[0], "answer": "0"}], labels=renamed, unparsed="0")


MODELS = [
    {"id": "1", "shift": "plain", "answer": "1", "model": "a", "seed": ""},
    {"id": "1", "shift": "bible p0", "answer": "0", "model": "a", "seed": ""},
    {"id": "1", "shift": "plain", "answer": "0", "model": "a", "seed": 0},
    {"id": "1", "shift": "plain", "answer": "1", "model": "b", "seed": ""},
]
NUMBERED = {"0": "negative", "1": "positive"}


def test_one_of_several_models_in_a_file_is_chosen(context: Context) -> None:
    """`where` keeps its rows, `labels` and `shifts` give names of the suite."""
    model = recorded(
        context, MODELS, labels=NUMBERED, where={"model": "a", "seed": ""},
        shifts={"plain": "in-distribution", "bible p0": "bible"},
    )  # fmt: skip
    assert model.recall("in-distribution", ["1"])[0].label == "positive"
    assert model.recall("bible", ["1"])[0].label == "negative"
    assert model.parameters == {"where": {"model": "a", "seed": ""}}
    with pytest.raises(DataError, match="a second answer to '1' under 'plain'; `where` tells"):
        recorded(context, MODELS, labels=NUMBERED, where={"model": "a"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": {"model": "c"}}, "none of its 4 rows has model = 'c' (model has 'a', 'b')"),
        ({"where": {"modell": "a"}}, "row 1: unknown field 'modell'. Did you mean 'model'?"),
        ({"where": {"model": {}}}, "model 'model': where = {'model': {}} is not a table of values"),
        ({"where": {"model": "b"}, "labels": {"0": "negative"}}, "row 4, field 'answer': unknown"),
        ({"labels": {"0": "negativ"}}, "labels: unknown label 'negativ'. Did you mean 'negative'"),
    ],
)
def test_wrong_choices_are_told(options: dict[str, Any], message: str, context: Context) -> None:
    """A model, column or label that is not there is named, with what there is."""
    with pytest.raises((ConfigurationError, DataError)) as caught:
        recorded(context, MODELS, **{"labels": NUMBERED, **options})
    assert message in str(caught.value)


def test_recorded_answers_in_words_are_read_like_any_other(context: Context) -> None:
    """Of a task without labels the answer is what the model wrote, and read as such."""
    asked = replace(context, task=NumericAnswer())
    rows = [{"id": n, "shift": "s", "answer": a} for n, a in enumerate(["It is 1,250.", 7, "Hm"])]
    model = recorded(asked, rows)
    assert model.recall("s", ["0", "1", "2"]) == [
        Prediction("1250", text="It is 1,250."), Prediction("7", text="7"),
        Prediction(None, text="Hm"),
    ]  # fmt: skip
