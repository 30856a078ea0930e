"""Options in all forms that data have, from the file to the example."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.readers import Reader, parse_source
from pytest_ood.tasks import Classification, MultipleChoice, Task
from pytest_ood.utils.progress import Silent


def load(path: Path, task: Task | None = None, **keys: Any) -> list[Example]:
    """Read a file of questions."""
    reader = Reader(root=path.parent, cache=path.parent, offline=True, progress=Silent())
    table = {"data": path.name, "fields": ["question"], "options": "options", **keys}
    return list(reader.load(parse_source(table, "here"), "data", task or MultipleChoice()))


def jsonl(tmp_path: Path, *rows: dict[str, Any]) -> Path:
    """Write rows."""
    path = tmp_path / "questions.jsonl"
    path.write_text("".join(f"{json.dumps({'question': 'Q?', **row})}\n" for row in rows))
    return path


@pytest.mark.parametrize(
    ("options", "label"),
    [
        (["Paris", "Rome"], "B"),
        (["Paris", "Rome"], 1),
        (["Paris", "Rome"], "Rome"),
        ([" Paris", "Rome "], "Rome"),
        ({"text": ["Paris", "Rome"], "label": ["A", "B"]}, "B"),
        ({"text": ["Paris", "Rome"], "label": ["1", "2"]}, "2"),
        ({"A": "Paris", "B": "Rome", "C": None}, "B"),
        ('["Paris", "Rome"]', "B"),
        ("1. Paris\n2. Rome", "2"),
    ],
)
def test_a_column_has_the_options(tmp_path: Path, options: Any, label: Any) -> None:
    """A list, an object as ARC has it or by letters, a list in JSON, or options as written."""
    (example,) = load(jsonl(tmp_path, {"options": options, "label": label}))
    assert example.inputs == {"question": "Q?", "options": "A. Paris\nB. Rome"}
    assert example.label == "B"


def test_numbers_may_be_options(tmp_path: Path) -> None:
    """They are written as labels are."""
    (example,) = load(jsonl(tmp_path, {"options": [3, 4.0, 5.5], "label": 1}))
    assert example.inputs == {"question": "Q?", "options": "A. 3\nB. 4\nC. 5.5"}


def test_several_columns_have_an_option_each(tmp_path: Path) -> None:
    """Empty cells at the end are none; rows may have different numbers of options."""
    path = tmp_path / "questions.csv"
    path.write_text("question,a,b,c,label\nQ?,x,y,z,3\nQ?,u,v,,1\n")
    examples = load(path, options=["a", "b", "c"], answer_form="number")
    assert [(e.inputs["options"], e.label) for e in examples if not isinstance(e.inputs, str)] == [
        ("A. x\nB. y\nC. z", "C"),
        ("A. u\nB. v", "A"),
    ]


@pytest.mark.parametrize(
    ("row", "field", "message"),
    [
        (
            {"options": ["Paris"], "label": 0},
            "options",
            "there is one option .'Paris'.; a question",
        ),
        ({"options": ["Rome", "Rome"], "label": 0}, "options", "the options A and B are the same"),
        ({"options": list("uvwxyz"), "label": 0}, "options", "6 options, .* set max_options = 6"),
        ({"options": ["Rome", ""], "label": 0}, "options", "option B is empty"),
        ({"options": ["Rome", None], "label": 0}, "options", "None is neither text nor a finite"),
        ({"options": "Rome or Oslo", "label": 0}, "options", "is no list of options"),
        ({"options": None, "label": 0}, "options", "is no list of options"),
        ({"options": {"text": ["x", "y"], "label": ["1"]}, "label": 0}, "options", "2 texts and 1"),
        ({"options": ["Rome", "Oslo"], "label": "Bonn"}, "label", "'Bonn' is none of the options"),
        ({"options": ["Rome", "Oslo"], "label": 2}, "label", "2 is none of the options"),
        ({"options": ["B", "A"], "label": "A"}, "label", "may be option A or B"),
    ],
)
def test_errors_name_file_row_and_field(
    tmp_path: Path, row: dict[str, Any], field: str, message: str
) -> None:
    """Whatever is wrong with the options, or with the answer."""
    path = jsonl(tmp_path, {"options": ["Paris", "Rome"], "label": 0}, row)
    with pytest.raises(DataError, match=f"{path}, row 2, field '{field}': .*{message}"):
        load(path)


def test_a_missing_column_is_named(tmp_path: Path) -> None:
    """As of any other column."""
    with pytest.raises(DataError, match="row 1: unknown field 'options'"):
        load(jsonl(tmp_path, {"choices": ["x", "y"], "label": 0}))


def test_options_belong_to_multiple_choice(tmp_path: Path) -> None:
    """Other tasks have one set of labels for all rows."""
    path = jsonl(tmp_path, {"options": ["x", "y"], "label": 0})
    with pytest.raises(DataError, match="belong to the task multiple-choice, and this one is"):
        load(path, Classification(("x", "y")))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"options": 3}, "options = 3 is not a column name, or a list of them"),
        ({"options": ["a", "a"]}, "names differ"),
        ({"options": "a", "answer_form": "name"}, "answer_form = 'name' is not one of letter"),
        ({"answer_form": "index"}, "`options` names their column"),
    ],
)
def test_wrong_keys_are_refused(keys: dict[str, Any], message: str) -> None:
    """An error says what is allowed."""
    with pytest.raises(ConfigurationError, match=message):
        parse_source({"data": "x.jsonl", **keys}, "here")
