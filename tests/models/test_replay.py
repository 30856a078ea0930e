from __future__ import annotations

import csv
import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models import adapter
from pytest_ood.models.protocol import Context, is_recorded
from pytest_ood.tasks import NumericAnswer, Prediction, QuestionAnswering, Task

build = adapter("replay").build
SHARED = Path(__file__).parents[2].parent / "shared" / "data"

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
    assert is_recorded(model)
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
        ({"id": " ", "shift": "s", "answer": "positive"}, "row 6, field 'id': the id is ' '"),
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
    with pytest.raises(DataError, match="a second answer to '1' under 'plain'; `where` selects"):
        recorded(context, MODELS, labels=NUMBERED, where={"model": "a"})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"where": {"model": "c"}}, "none of its 4 rows has model = 'c' (model has 'a', 'b')"),
        (
            {"where": {"model": ["b", "A"]}},
            "where: no row has model = 'A': unknown value 'A'. Known: a, b.",
        ),
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


def test_free_text_answers_are_read_by_the_task(context: Context) -> None:
    """What a model wrote names a label as it would live; what names none is an abstention."""
    texts = ["The sentiment is Positive.", "**negative**", "Neutral", "Sorry, I cannot tell.", "1"]
    rows = [{"id": n, "shift": "s", "answer": a} for n, a in enumerate(texts)]
    renamed = {"negative": "negative", "1": "positive"}
    model = recorded(context, rows, labels=renamed)
    labels = ["positive", "negative", None, None, "positive"]
    assert model.recall("s", [*"01234"]) == [
        Prediction(label, text=text) for label, text in zip(labels, texts, strict=True)
    ]


@pytest.mark.slow
def test_published_raw_answers_are_read_as_their_authors_did(context: Context) -> None:
    """Of DecodingTrust's raw answers hardly one names a label that its authors did not find."""
    path = SHARED / "decodingtrust-ood" / "sst2_style_gpt_predictions.csv"
    if not path.is_file():
        pytest.skip(f"the shared data {path} is not there")
    with path.open(encoding="utf-8", newline="") as file:
        unparsed = [row for row in csv.DictReader(file) if row["pred"] == "UNPARSED"]
    rows = [{"id": n, "shift": "s", "answer": r["raw_answer"]} for n, r in enumerate(unparsed)]
    rows.append({"id": "x", "shift": "s", "answer": "positive"})
    model = recorded(context, rows)
    read = [prediction.label for prediction in model.answers.values()]
    assert sum(label is not None for label in read) < 0.02 * len(read)


def test_a_file_without_any_label_in_it_is_refused(context: Context) -> None:
    """Where no answer names a label the column or the labels are others, not all answers silent."""
    rows = [{"id": n, "shift": "s", "answer": a} for n, a in enumerate(["pos", "neg", "pos"])]
    with pytest.raises(DataError) as caught:
        recorded(context, rows)
    assert "row 1, field 'answer': 'pos' names no answer, nor does any other" in str(caught.value)
    assert "`labels = {" in str(caught.value)


@pytest.mark.parametrize(
    ("task", "label"),
    [(QuestionAnswering("extractive-qa"), ""), (QuestionAnswering("closed-book-qa"), None),
     (NumericAnswer(), None)],
)  # fmt: skip
def test_an_empty_answer_about_a_passage_is_that_there_is_none(
    task: Task, label: str | None, context: Context
) -> None:
    """SQuAD 2.0 records "" for "no answer"; elsewhere, and if `unparsed` says so, it is silence."""
    rows = [{"id": n, "shift": "s", "answer": a} for n, a in enumerate(["", None, "1990"])]
    asked = replace(context, task=task)
    model = recorded(asked, rows)
    assert [p.label for p in model.recall("s", [*"012"])] == [label, None, "1990"]
    model = recorded(asked, rows, unparsed="")
    assert [p.label for p in model.recall("s", [*"012"])] == [None, None, "1990"]


@pytest.mark.parametrize(
    ("answer", "label"), [(True, "true"), ("True", "true"), (1.0, "1"), (1, "1"), ("1.0", "1")]
)
def test_labels_of_every_kind_are_recalled(context: Context, answer: Any, label: str) -> None:
    """A recorded truth value or number is renamed as a label of data is."""
    rows = [{"id": "1", "shift": "in-distribution", "answer": answer}]
    model = recorded(context, rows, labels={label: "positive", "other": "negative"})
    assert model.recall("in-distribution", ["1"])[0].label == "positive"


def test_answers_in_any_kind_of_file_are_recalled(context: Context) -> None:
    """Compressed tables with semicolons are read as data of that kind is."""
    text = "id;shift;answer\n1;in-distribution;positive\n"
    (context.root / "answers.csv.gz").write_bytes(gzip.compress(text.encode()))
    model = build("answers.csv.gz", context)
    assert model.recall("in-distribution", ["1"])[0].label == "positive"
