"""Extraction: objects are read out of texts, compared field by field, and follow edits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.edits import edits_between
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.tasks import Extraction, Prediction, majority_share, parse_task, reading_of
from pytest_ood.tasks._fields import json_number

SCHEMA = {
    "people": "number",
    "price": {"comparison": "number", "tolerance": 0.01},
    "day": "date",
    "time": "exact",
    "names": "set",
    "note": "text",
}
TEXT = "Ann and Bob come on Aug 23 at 6 pm, 5 people"
OBJECT = {
    "people": 5,
    "price": "1,250.50",
    "day": {"start": 20, "end": 26},
    "time": {"value": "6 pm", "start": 30, "end": 34},
    "names": [{"start": 0, "end": 3}, "Bob"],
    "note": "a quiet table",
}


def task_of(schema: Any) -> Extraction:
    """Return the task of a suite with these fields."""
    task = parse_task({"task": "extraction", "schema": schema}, "suite", Path())
    assert isinstance(task, Extraction)
    return task


TASK = task_of(SCHEMA)
LABEL = TASK.encode(OBJECT, TEXT)
EXAMPLE = Example("1", TEXT, LABEL)


def scores(schema: Any, right: Any, said: Any) -> dict[str, float]:
    """Return the scores of an answer that a model wrote as JSON."""
    task = task_of(schema)
    return task.field_scores(task.encode(right, ""), task.read(json.dumps(said), {}))


@pytest.mark.parametrize(
    ("comparison", "right", "said", "score"),
    [
        ("exact", "6 pm", " 6  pm", 1.0),
        ("exact", "6 pm", "6 PM", 0.0),
        ("exact", "6 pm", ["6 pm"], 1.0),
        ("exact", "6 pm", ["6 pm", "7 pm"], 0.0),
        ("exact", "6 pm", {"value": "6 pm"}, 1.0),
        ("exact", "6 pm", {"time": "6 pm"}, 0.0),
        ("exact", "5", 5, 1.0),
        ("exact", True, True, 1.0),
        ("exact", True, "true", 1.0),
        ("exact", "6 pm", None, 0.0),
        ("exact", None, "6 pm", 0.0),
        ("exact", None, None, 1.0),
        ("exact", None, "", 1.0),
        ("exact", None, "N/A", 1.0),
        ("exact", "\U0001f600", "\U0001f600", 1.0),
        ("number", 5, "5 people", 1.0),
        ("number", "1,250.50", 1250.5, 1.0),
        ("number", 5, "5 or 6", 0.0),
        ("number", 5, "five", 0.0),
        ("number", "1/3", "2/6", 1.0),
        ("number", 5, [5, "x"], 0.0),
        ("number", "3/4", 0.75, 1.0),
        ("number", 5, 5.001, 0.0),
        ({"comparison": "number", "tolerance": 0.1}, 0.3, 0.2, 1.0),
        ({"comparison": "number", "tolerance": 0.1}, 0.3, 0.41, 0.0),
        ("date", "2024-08-23", "August 23rd, 2024", 1.0),
        ("date", "2024-08-23", "August 23rd", 0.0),
        ("date", "2024-08-23", "tomorrow", 0.0),
        ({"comparison": "date", "day_first": True}, "2024-04-03", "3/4/2024", 1.0),
        ({"comparison": "date", "day_first": False}, "2024-04-03", "3/4/2024", 0.0),
        ("set", ["Ann", "Bob"], ["Bob", "Ann", "Bob"], 1.0),
        ("set", ["Ann", "Bob"], ["Ann"], 0.0),
        ("set", ["Ann"], ["Ann", "Bob"], 0.0),
        ("set", ["Ann"], "Ann", 1.0),
        ("set", [], None, 1.0),
        ("set", [], [], 1.0),
        ("text", "a quiet table", "The quiet table!", 1.0),
        ("text", "a quiet table", "quiet corner", 0.5),
        ("text", "a quiet table", "by the window", 0.0),
    ],
)  # fmt: skip
def test_values_are_compared(comparison: Any, right: Any, said: Any, score: float) -> None:
    """Each comparison has its own rules; a field that does not occur is right if it is null."""
    assert scores({"x": comparison}, {"x": right}, {"x": said}) == {"x": pytest.approx(score)}


def test_the_score_is_the_mean_over_fields() -> None:
    """A field that is left out counts like one that is null, and no object scores nothing."""
    answer = TASK.read('{"people": 5, "note": "a quiet room"}', {})
    assert TASK.field_scores(LABEL, answer) == {
        "people": 1.0, "price": 0.0, "day": 0.0, "time": 0.0, "names": 0.0, "note": 0.5,
    }  # fmt: skip
    assert TASK.score(Prediction(answer), EXAMPLE) == pytest.approx(0.25)
    assert TASK.score(Prediction(None), EXAMPLE) == 0.0
    # A wrong answer that statistics assume.
    assert TASK.score(Prediction(""), EXAMPLE) == 0.0
    empty = Example("2", TEXT, TASK.encode({}, TEXT))
    assert TASK.score(Prediction("{}"), empty) == 1.0
    assert TASK.score(Prediction(None), empty) == 0.0


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ('{"people": 5}', '{"people": 5}'),
        ('```json\n{\n  "people": 5,\n  "time": null\n}\n```', '{"people": 5, "time": null}'),
        ('Sure! Here it is: {"People": "5 guests"} Anything else?', '{"people": 5}'),
        ('<think>{"people": 4}</think>{"people": 5}', '{"people": 5}'),
        ('{"people": 4} <answer>{"people": 5}</answer>', '{"people": 5}'),
        ('{"booking": {"people": 5}}', '{"people": 5}'),
        ('[{"people": 5}]', '{"people": 5}'),
        ('{"people": 5} Guest: We are 6. {"people": 6}', '{"people": 5}'),
        ('{"x": 1} {"people": 5} {"people": 6, "time": "6 pm"}', '{"people": 6, "time": "6 pm"}'),
        ('{"time": "6 pm", "people": 5, "other": 1}', '{"people": 5, "time": "6 pm"}'),
        ('{"price": 0.10, "day": "23 Aug", "names": ["B", "A", ""]}',
         '{"price": 0.1, "day": "--08-23", "names": ["A", "B"]}'),
        ('{"price": "1/3"}', '{"price": "1/3"}'),
        ('{"time": "\\ud83d"}', '{"time": "?"}'),
        ("{}", "{}"),
        ('{"other": 1}', "{}"),
        ("{'people': 5}", None),
        ('{"people": 5, "ti', None),
        ('"people"', None),
        ("five people", None),
        ("", None),
        ("<think>{}", None),
        ("{" * 5000, None),
    ],
)  # fmt: skip
def test_answers_are_read(text: str, answer: str | None) -> None:
    """The first object with the most fields is the answer; a text without one is none."""
    assert TASK.read(text, {}) == answer
    if answer is not None:
        assert TASK.read(answer, {}) == answer


def test_deep_objects_are_read() -> None:
    """Neither their depth nor their number of members takes long, or raises."""
    deep = '{"note": ' + "[" * 400 + "]" * 400 + "}"
    assert TASK.said(TASK.read(deep, {})) is not None
    wide = '{"other": [' + ", ".join(["{}"] * 20_000) + '], "people": 5}'
    assert TASK.read(wide, {}) == '{"people": 5}'


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=50)
@given(said=st.fixed_dictionaries({}, optional=dict.fromkeys(SCHEMA, JSON)))
def test_any_object_is_an_answer(said: dict[str, Any]) -> None:
    """Whatever its values are: it is read, read again as itself, and has a score."""
    answer = TASK.read(json.dumps(said), {})
    assert answer is not None
    assert TASK.read(answer, {}) == answer
    assert (TASK.said(answer) or {}).keys() == said.keys()
    assert 0.0 <= TASK.score(Prediction(answer), EXAMPLE) <= 1.0
    assert TASK.ballot(answer) == TASK.ballot(TASK.ballot(answer))


VALUES = st.text(min_size=1).filter(str.strip)


@settings(max_examples=50)
@given(
    table=st.fixed_dictionaries(
        {},
        optional={
            "people": st.integers(-(10**12), 10**12)
            | st.decimals(-1000, 1000, places=2).map(float),
            "day": st.dates().map(str),
            "time": VALUES,
            "names": st.lists(VALUES, max_size=3),
            "note": VALUES,
        },
    )
)
def test_a_right_answer_is_right(table: dict[str, Any]) -> None:
    """Of the data, as a model writes it, and as a form of itself; reading it changes nothing."""
    label = TASK.encode(table, "")
    example = Example("1", "", label)
    answer = TASK.read(json.dumps(table), {})
    assert TASK.score(Prediction(answer), example) == 1.0
    assert TASK.encode(label, "") == label == TASK.reference(label)
    assert TASK.score(Prediction(label), example) == 1.0
    assert TASK.truth(Prediction(answer), example) == TASK.demonstrated(label)


def test_spans_are_shown_as_their_values() -> None:
    """Demonstrations have plain values; noise protects values and the texts of their spans."""
    assert TASK.demonstrated(LABEL) == (
        '{"people": 5, "price": 1250.5, "day": "--08-23", "time": "6 pm", '
        '"names": ["Ann", "Bob"], "note": "a quiet table"}'
    )
    assert TASK.encode(LABEL, TEXT) == LABEL
    assert {"Aug 23", "6 pm", "Ann", "Bob", "5"} <= {*TASK.protected(EXAMPLE)}
    assert TASK.protects == ("answers", "numbers")
    assert task_of({"a": "text"}).protects == ("answers",)


@pytest.mark.parametrize(
    ("text", "said", "right"),
    [
        # What was changed: the value before is right, and so is what is written now.
        (TEXT.replace("6 pm", "6 pn"), {"time": "6 pm"}, ["time"]),
        (TEXT.replace("6 pm", "6 pn"), {"time": "6 pn"}, ["time"]),
        (TEXT.replace("Ann", "Anm"), {"names": ["Anm", "Bob"]}, ["names"]),
        (TEXT.replace("Ann", "Anm"), {"names": ["Ann", "Bob"]}, ["names"]),
        (TEXT.replace("Ann", "Anm"), {"names": ["Ann", "Anm", "Bob"]}, []),
        (TEXT.replace("Ann", "Anm"), {"names": ["Bob"]}, []),
        (TEXT.replace("23", "24"), {"day": "Aug 24"}, ["day"]),
        (TEXT.replace("23", "2E"), {"day": "Aug 2E"}, []),
        # No span: nothing follows the edit.
        (TEXT.replace("Bob", "Bib"), {"names": ["Ann", "Bib"]}, []),
        (f"Hi. {TEXT}", {"day": "Aug 23", "time": "6 pm"}, ["day", "time"]),
    ],
)
def test_values_follow_the_edits(text: str, said: dict[str, Any], right: list[str]) -> None:
    """The text of a span after an edit is as good as the value before."""
    moved = TASK.moved(EXAMPLE, text, {"text": edits_between(TEXT, text)})
    assert moved is not None
    answer = TASK.read(json.dumps(said), {})
    found = TASK.field_scores(moved.label, answer)
    assert [name for name, score in found.items() if score == 1.0] == right
    # The spans are those of the new text, so that another change can follow.
    day = json.loads(moved.label)["day"]
    assert text[day["start"] : day["end"]].startswith("Aug")
    assert TASK.encode(moved.label, text) == moved.label
    truth = TASK.truth(Prediction(answer), moved)
    plain = TASK.field_scores(truth, answer)
    assert [plain[name] for name in right] == [1.0] * len(right)


@pytest.mark.parametrize("text", [TEXT.replace("6 pm", ""), TEXT.replace("at 6", "all")])
def test_an_example_whose_value_is_lost_is_rejected(text: str) -> None:
    """Nobody can tell the right value of a span that was deleted, or that ends in an edit."""
    assert TASK.moved(EXAMPLE, text, {"text": edits_between(TEXT, text)}) is None


def test_a_value_that_is_no_copy_gets_no_second_form() -> None:
    """Where the text of a span was no right answer, what it becomes is none either."""
    task = task_of({"time": "exact"})
    label = task.encode({"time": {"value": "18:00", "start": 0, "end": 4}}, "6 pm")
    moved = task.moved(Example("1", "6 pm", label), "6 pn", {"text": edits_between("6 pm", "6 pn")})
    assert moved is not None
    assert task.field_scores(moved.label, '{"time": "6 pn"}') == {"time": 0.0}
    assert task.field_scores(moved.label, '{"time": "18:00"}') == {"time": 1.0}


def test_fields_of_inputs_are_named_by_spans() -> None:
    """Of several fields a span names its own, and follows the edits of that one."""
    inputs = {"asked": "time", "text": "at 6 pm"}
    task = task_of({"time": "exact"})
    label = task.encode({"time": {"in": "text", "start": 3, "end": 7}}, inputs)
    after = {"asked": "Time", "text": "at 7 pm"}
    edits = {name: edits_between(inputs[name], after[name]) for name in inputs}
    moved = task.moved(Example("1", inputs, label), after, edits)
    assert moved is not None
    assert task.field_scores(moved.label, '{"time": "7 pm"}') == {"time": 1.0}


def test_other_right_texts_are_given_with_also() -> None:
    """Any form is right; the truth is the form that was said."""
    task = task_of({"city": "exact"})
    label = task.encode({"city": {"value": "New York", "also": ["NYC"]}}, "")
    example = Example("1", "", label)
    for said in ("NYC", "New York"):
        prediction = Prediction(json.dumps({"city": said}))
        assert task.score(prediction, example) == 1.0
        assert json.loads(task.truth(prediction, example)) == {"city": said}
    assert json.loads(task.truth(Prediction(None), example)) == {"city": "New York"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("five", "'five' is no JSON object"),
        ("[1]", "is no JSON object"),
        ("", "it is empty"),
        (5, "5 is no object"),
        (None, "None is no object"),
        ({"peple": 5}, "unknown field 'peple'. Did you mean 'people'"),
        ({"time": ""}, "the field 'time' is '', which is empty"),
        ({"time": ["6 pm"]}, "'time' is .*, which is a list"),
        ({"time": b"6"}, "neither a text nor a number"),
        ({"names": "Ann"}, "'names' is 'Ann', which is no list; a set is written as one"),
        ({"names": ["Ann", ""]}, "'names' is '', which is empty"),
        ({"people": "five"}, "'people' is 'five', which is not one number in digits"),
        ({"people": "5 or 6"}, "not one number"),
        ({"day": "soon"}, "'day' is 'soon', which is no date"),
        ({"day": "3/4/2024"}, "day_first"),
        ({"time": {"text": "6 pm"}}, "the field 'time': unknown key 'text'"),
        ({"time": {"start": 0}}, "no span of a text of 44 characters"),
        ({"time": {"start": 3, "end": 3}}, "no span"),
        ({"time": {"start": 0, "end": 99}}, "0 <= start < end <= 44"),
        ({"time": {"in": "txt", "start": 0, "end": 3}}, "unknown field 'txt'. Did you mean 'text'"),
        ({"time": {"value": None}}, "a table without a value"),
        ({"time": {"value": "x", "also": "y"}}, "`also` is no list"),
        ({"time": {"start": 3, "end": 4}}, "'time' is ' ', which is empty"),
    ],
)
def test_invalid_right_answers_are_refused(value: Any, message: str) -> None:
    """The message names the field, the value and what is allowed."""
    with pytest.raises(DataError, match=message):
        TASK.encode(value, TEXT)


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (None, "the key 'schema' is missing"),
        ({}, "schema = {} has no field"),
        ("people", "schema = 'people' has no field"),
        ({"a": "fuzzy"}, "suite: schema.a: unknown comparison 'fuzzy'"),
        ({"a": 5}, "schema.a = 5 is neither a comparison"),
        ({"a": {"tolerance": 1}}, "nor a table with the key `comparison`"),
        ({"a": {"comparison": "exact", "tolerance": 1}}, "schema.a: unknown key 'tolerance'"),
        ({"a": {"comparison": "number", "tolerance": -1}}, "tolerance = -1 is not a number of 0"),
        ({"a": {"comparison": "number", "tolerance": True}}, "tolerance = True"),
        ({"a": {"comparison": "date", "day_first": 1}}, "neither true nor false"),
        ({"a b": "exact"}, "schema.a b = 'a b': a name"),
        ({"first_name": "exact", "First-Name": "exact"}, "differ in case or punctuation alone"),
    ],
)
def test_invalid_schemas_are_refused(schema: Any, message: str) -> None:
    """The message names the key and what is allowed."""
    table = {"task": "extraction"} | ({} if schema is None else {"schema": schema})
    with pytest.raises(ConfigurationError, match=message):
        parse_task(table, "suite", Path())


def test_the_schema_is_written_for_servers() -> None:
    """All fields are required, and any may be null; what reads answers is in fingerprints."""
    assert TASK.json_schema["required"] == list(SCHEMA)
    assert TASK.json_schema["properties"]["people"] == {"type": ["number", "null"]}
    assert TASK.json_schema["properties"]["names"]["items"] == {"type": "string"}
    tasks = [{"a": "exact"}, {"a": "text"}, {"b": "exact"}, {"a": {"comparison": "date"}},
             {"a": {"comparison": "date", "day_first": True}}]  # fmt: skip
    assert len({reading_of(task_of(schema)) for schema in tasks} - {""}) == len(tasks)


def test_the_best_constant_answer_is_scored_in_part() -> None:
    """Of mostly empty objects nothing is the best constant: it has most of the score."""
    task = task_of({"a": "exact", "b": "exact"})
    rows: list[dict[str, Any]] = [{}, {}, {"a": "x"}, {"a": {"value": "y", "start": 0, "end": 1}}]
    data = Dataset(
        "d", tuple(Example(str(n), "y", task.encode(r, "y")) for n, r in enumerate(rows))
    )
    assert majority_share(data, task) == pytest.approx(0.75)
    assert majority_share(data) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("text", "number"), [("5", 5), ("-0.5", -0.5), ("1/3", "1/3"), ("0.1234567890123456789", None)]
)
def test_numbers_are_written_without_loss(text: str, number: float | str | None) -> None:
    """What a float would round stays a text."""
    assert json_number(text) == (text if number is None else number)
