from __future__ import annotations

import json
import pickle
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example, content_ids
from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import (
    AssetError,
    ConfigurationError,
    DataError,
    MissingDependencyError,
)
from pytest_ood.loading.assets import ASSETS
from pytest_ood.loading.readers import (
    ICWSM_TRAIN_SIZE,
    DataSource,
    Loading,
    Reader,
    parse_redirects,
    parse_source,
)
from pytest_ood.suite.suite import load_suite
from pytest_ood.tasks import Classification, NumericAnswer, QuestionAnswering, reasoning_of
from pytest_ood.utils.progress import Silent

SHARED = Path(__file__).parents[2].parent / "shared" / "data"
REVIEWS = [("a fine, warm film", "1"), ("dull", "0"), ("it's “fun”", "1")]


def load(folder: Path, name: str, content: str | bytes, **source: Any) -> Dataset:
    """Write a data file and read it."""
    raw = content if isinstance(content, bytes) else content.encode()
    (folder / name).write_bytes(raw)
    return reader(folder).load(DataSource(data=name, **source), "reviews")


def reader(folder: Path) -> Reader:
    """Make an offline reader for a folder."""
    return Reader(root=folder, cache=folder / "cache", offline=True, progress=Silent())


def pairs(data: Dataset) -> list[tuple[Any, str]]:
    """Return inputs and labels."""
    return [(example.inputs, example.label) for example in data]


def refused(folder: Path, name: str, content: str | bytes, **source: Any) -> str:
    """Return the message with which a data file is refused, without its path."""
    with pytest.raises(DataError) as caught:
        load(folder, name, content, **source)
    message = str(caught.value)
    assert message.startswith(str(folder / name)), "the message starts with the file"
    return message.removeprefix(str(folder / name))


def write(kind: str, rows: list[dict[str, Any]]) -> str:
    """Write simple rows in a kind of file."""
    if kind == "jsonl":
        return "".join(json.dumps(row) + "\n" for row in rows)
    mark = {"csv": ",", "tsv": "\t"}[kind]
    lines = [mark.join(rows[0])] + [mark.join(map(str, row.values())) for row in rows]
    return "\n".join(lines) + "\n"


KINDS = pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])

# What is read.


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(json.dumps({"text": t, "label": v}) + "\n" for t, v in REVIEWS)),
        ("a.jsonl", "\n".join(json.dumps({"label": int(v), "text": t}) for t, v in REVIEWS)),
        ("a.csv", 'text,label\n"a fine, warm film",1\ndull,0\nit\'s “fun”,1\n'),
        ("a.csv", 'label,text\n1,"a fine, warm film"\n\n0,dull\n1,it\'s “fun”'),
        ("a.tsv", "text\tlabel\na fine, warm film\t1\ndull\t0\nit's “fun”\t1\n"),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no BOM", "BOM"])
def test_a_file_is_read(tmp_path: Path, name: str, content: str, end: str, mark: str) -> None:
    """All kinds of files give the same rows, with either line end and with a byte order mark."""
    data = load(tmp_path, name, mark + content.replace("\n", end))
    assert pairs(data) == REVIEWS
    assert data.name == "reviews"
    assert [example.id for example in data] == content_ids(REVIEWS)


def test_a_quoted_csv_field_keeps_everything(tmp_path: Path) -> None:
    """Quotes, commas and line ends inside a quoted field belong to the text."""
    data = load(tmp_path, "a.csv", 'text,label\n"say ""hi"",\r\nthen go ",1\n')
    assert pairs(data) == [('say "hi",\r\nthen go ', "1")]


def test_quotes_in_a_tsv_file_are_ordinary(tmp_path: Path) -> None:
    """A TSV file has no quoting: a lone quote is a part of the text."""
    data = load(tmp_path, "a.tsv", 'text\tlabel\n"open quote \t1\nnext\t0\n')
    assert pairs(data) == [('"open quote ', "1"), ("next", "0")]


@settings(deadline=None, max_examples=40)
@given(texts=st.lists(st.text(st.characters(codec="utf-8")), min_size=1, max_size=5))
def test_any_text_survives_jsonl(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str]
) -> None:
    """Whatever text stands in a JSONL file comes out as it is."""
    rows = [{"text": text, "label": "a"} for text in texts]
    content = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    data = load(tmp_path_factory.mktemp("data"), "a.jsonl", content)
    assert [example.inputs for example in data] == texts


@KINDS
def test_several_fields_become_a_mapping(tmp_path: Path, kind: str) -> None:
    """Several columns are named inputs, in the order that was asked for."""
    rows = [{"sentence1": "p", "other": "x", "sentence2": "h", "gold": "yes"}]
    data = load(
        tmp_path, f"a.{kind}", write(kind, rows), fields=("sentence2", "sentence1"), label="gold"
    )
    assert pairs(data) == [({"sentence2": "h", "sentence1": "p"}, "yes")]
    assert list(data.examples[0].inputs) == ["sentence2", "sentence1"]


@KINDS
def test_another_column_is_a_single_text(tmp_path: Path, kind: str) -> None:
    """One column alone gives a text, whatever the column is called."""
    rows = [{"review": "fine", "stars": "5"}]
    data = load(tmp_path, f"a.{kind}", write(kind, rows), fields=("review",), label="stars")
    assert pairs(data) == [("fine", "5")]


@KINDS
def test_labels_are_renamed(tmp_path: Path, kind: str) -> None:
    """Labels are renamed as the table says; several may become one."""
    rows = [{"text": t, "label": v} for t, v in (("a", 0), ("b", 1), ("c", 2))]
    labels = {"0": "negative", "1": "negative", "2": "positive"}
    data = load(tmp_path, f"a.{kind}", write(kind, rows), labels=labels)
    assert [example.label for example in data] == ["negative", "negative", "positive"]


@KINDS
def test_ids_are_taken_from_their_column(tmp_path: Path, kind: str) -> None:
    """With an id column its values are the ids, numbers as text."""
    rows = [{"text": "a", "label": "x", "id": 7}, {"text": "b", "label": "y", "id": 8}]
    data = load(tmp_path, f"a.{kind}", write(kind, rows), id="id")
    assert [example.id for example in data] == ["7", "8"]


def test_repeated_texts_are_kept_apart(tmp_path: Path) -> None:
    """Without an id column equal texts get different ids, so that none is lost."""
    data = load(tmp_path, "a.csv", "text,label\nfine,1\nfine,0\nfine,1\n")
    assert len({example.id for example in data}) == 3


def test_an_absolute_path_is_taken_as_it_is(tmp_path: Path) -> None:
    """A relative path starts from the root, an absolute one does not."""
    path = tmp_path / "elsewhere.csv"
    path.write_text("text,label\na,1\n")
    data = reader(tmp_path / "root").load(DataSource(data=str(path)), "d")
    assert pairs(data) == [("a", "1")]


# What is refused.


@KINDS
def test_a_wrong_column_is_named(tmp_path: Path, kind: str) -> None:
    """A column that is not there is named with file, row, the nearest one and all of them."""
    content = write(kind, [{"texts": "a", "label": "1"}])
    row = 1 if kind == "jsonl" else 2
    assert refused(tmp_path, f"a.{kind}", content) == (
        f", row {row}: unknown field 'text'. Did you mean 'texts'? Known: label, texts. `fields` "
        "says which columns have the text, and `label` which has the label."
    )


@pytest.mark.parametrize("source", [{"label": "gold"}, {"id": "key"}], ids=["label", "id"])
def test_every_named_column_has_to_be_there(tmp_path: Path, source: dict[str, Any]) -> None:
    """The columns of labels and ids are looked for like those of texts."""
    message = refused(tmp_path, "a.csv", "text,label\na,1\n", **source)
    assert f"unknown field {next(iter(source.values()))!r}" in message


def test_a_column_missing_in_one_row_is_named(tmp_path: Path) -> None:
    """In a JSONL file every row is looked at: the one without the field is named."""
    content = '{"text": "a", "label": "1"}\n\n{"text": "b"}\n'
    assert refused(tmp_path, "a.jsonl", content).startswith(", row 3: unknown field 'label'.")


@KINDS
def test_an_unknown_label_is_named(tmp_path: Path, kind: str) -> None:
    """With renaming, a label that the table lacks is named with row, field and the nearest."""
    rows = [{"text": "a", "label": "pos"}, {"text": "b", "label": "negg"}]
    message = refused(
        tmp_path, f"a.{kind}", write(kind, rows), labels={"pos": "positive", "neg": "negative"}
    )
    row = 2 if kind == "jsonl" else 3
    assert message == (
        f", row {row}, field 'label': unknown label 'negg'. Did you mean 'neg'? Known: neg, pos. "
        "Where 'negg' stands for a label of the suite, say so beside `data`, for all labels of the "
        'file: labels = { negg = "...", ... }; where = { label = ["pos", "neg"] } leaves rows with '
        "other values out."
    )
    capital = write(kind, [{"text": "b", "label": "NEG"}])
    message = refused(tmp_path, f"a.{kind}", capital, labels={"pos": "positive", "neg": "bad"})
    assert message.endswith('for all labels of the file: labels = { NEG = "bad", ... }.')


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", ""),
        ("a.csv", "text,label\n"),
        ("a.tsv", "text\tlabel"),
        ("a.jsonl", ""),
        ("a.jsonl", "\n \n"),
        ("a.jsonl", "\ufeff"),
    ],
)
def test_an_empty_file_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """A file without a row is named and refused."""
    assert refused(tmp_path, name, content) == ": there is no row in it; give at least one"


def test_repeated_ids_are_refused(tmp_path: Path) -> None:
    """Ids that are not unique are refused with file, field and the id."""
    content = "text,label,id\na,1,x7\nb,0,x8\nc,0,x7\n"
    message = refused(tmp_path, "a.csv", content, id="id")
    assert message == (", row 4, field 'id': row 2 has the id 'x7', too; ids must be unique")


@pytest.mark.parametrize(
    ("name", "before"),
    [("a.csv", "text,label\na,1\n"), ("a.jsonl", '{"text": "é", "label": "1"}\n\n')],
)
@pytest.mark.parametrize("mark", ["", "\ufeff"], ids=["no BOM", "BOM"])
def test_broken_utf_8_is_located(tmp_path: Path, name: str, before: str, mark: str) -> None:
    """Bytes that are no UTF-8 are reported with line and byte, and what to do."""
    message = refused(tmp_path, name, (mark + before).encode() + "café,1\n".encode("latin-1"))
    offset = len((mark + before + "caf").encode())
    assert message == (
        ", line 3: byte 0xe9 is not valid UTF-8; save the file as UTF-8, or name its encoding "
        f'beside `data`, such as encoding = "cp1252" (it is the byte at offset {offset:,})'
    )


def test_another_encoding_is_refused(tmp_path: Path) -> None:
    """A UTF-16 file, as spreadsheets save it, is refused by its first byte; a key reads it."""
    content = "text,label\na,1\n".encode("utf-16")
    message = refused(tmp_path, "a.csv", content)
    assert message.startswith(", line 1: byte 0xff is not valid UTF-8; save the file as UTF-8, or ")
    assert 'encoding = "utf-16"' in message
    assert pairs(load(tmp_path, "a.csv", content, encoding="utf-16")) == [("a", "1")]


@pytest.mark.parametrize("line", ["{", '{"text": "b", "label": NO}', "text,label", '{"a": 1} x'])
def test_bad_json_is_located(tmp_path: Path, line: str) -> None:
    """A line that is not JSON is reported with its number."""
    message = refused(tmp_path, "a.jsonl", f'{{"text": "a", "label": "1"}}\n{line}\n')
    assert message.startswith(", line 2: not valid JSON: ")


@pytest.mark.parametrize("line", ["[1, 2]", '"text"', "3", "null"])
def test_a_json_row_is_an_object(tmp_path: Path, line: str) -> None:
    """A line of other JSON is shown and refused."""
    assert refused(tmp_path, "a.jsonl", line) == f", line 1: a row is a JSON object, not {line!r}"


@pytest.mark.parametrize("line", ["9" * 5000, "[" * 100_000], ids=["long number", "deep"])
def test_json_beyond_the_limits_is_located(tmp_path: Path, line: str) -> None:
    """A line that the JSON parser gives up on is reported like one that is not JSON."""
    assert refused(tmp_path, "a.jsonl", line).startswith(", line 1: ")


@pytest.mark.parametrize(
    ("value", "shown"),
    [("null", "None"), ("true", "True"), ('{"a": 1}', "{'a': 1}"), ("NaN", "nan"),
     ("-Infinity", "-inf"), ("1e999", "inf"), ("[1]", "[1]")],
)  # fmt: skip
@pytest.mark.parametrize("column", ["text", "label", "id"])
def test_a_value_that_is_no_text_is_located(
    tmp_path: Path, column: str, value: str, shown: str
) -> None:
    """A value that is neither text nor a finite number is reported with row and field.

    A label may be true or false, and a list of one; where it is nothing, more is said of it.
    """
    if column == "label" and value in ("true", "[1]"):
        pytest.skip("is a label")
    row = '"text": "a", "label": "1", "id": "2"'
    bad = ", ".join(
        f'"{name}": {value}' if name == column else part
        for name, part in zip(("text", "label", "id"), row.split(", "), strict=True)
    )
    message = refused(tmp_path, "a.jsonl", f"{{{bad}}}\n", id="id")
    expected = f", row 1, field '{column}': {shown} is neither text nor a finite number"
    if column == "label" and value in ("null", "NaN"):
        assert message.startswith(f"{expected}: it commonly means that a row is unlabelled")
    else:
        assert message.startswith(expected)
        advice = message.removeprefix(expected)
        told = {"null": "delete such rows", "NaN": "delete such rows", "[1]": "join the list",
                '{"a": 1}': f'"{column}.a"'}  # fmt: skip
        assert told.get(value, "") in advice
        assert bool(advice) == (value in told)


def test_a_lone_surrogate_is_located(tmp_path: Path) -> None:
    """A text that no encoding can carry is reported with row and field."""
    message = refused(tmp_path, "a.jsonl", '{"text": "\\ud83d", "label": "1"}')
    assert message.startswith(", row 1, field 'text': the text holds a lone surrogate")


@pytest.mark.parametrize(
    ("line", "more", "advice"),
    [
        ("b", "fewer", "1 rather than 2; commas separate cells, and an empty cell has its own"),
        ("b,0,extra", "more", "3 rather than 2; commas separate cells: write a text that has some"),
        ("b,0,", "more", "3 rather than 2; commas separate cells"),
        ("# b", "fewer", "1 rather than 2; a table has no comments: delete the line"),
        ('"b\nc"', "fewer", "1 rather than 2; a quoted cell of it goes on to line 4: is a quote l"),
    ],
)
def test_a_ragged_csv_row_is_located(tmp_path: Path, line: str, more: str, advice: str) -> None:
    """A row with another number of columns than the header is reported with its line."""
    message = refused(tmp_path, "a.csv", f"text,label\na,1\n{line}\n")
    assert message.startswith(
        f", line 3: the row has {more} columns than the header (text, label): {advice}"
    )


def test_an_open_quote_is_refused(tmp_path: Path) -> None:
    """A CSV file that ends inside a quoted field is refused."""
    message = refused(tmp_path, "a.csv", 'text,label\n"a,1\nb,0\n')
    assert "unexpected end of data" in message


def test_a_long_text_is_read_from_csv(tmp_path: Path) -> None:
    """A text as long as a JSONL file may hold can stand in a CSV file, too."""
    assert len(load(tmp_path, "a.csv", f"text,label\n{'a' * 140_000},1\n")) == 1


@pytest.mark.parametrize(
    ("header", "column"), [("text,text,label", "'text'"), ("text,label,label", "'label'")]
)
def test_a_column_that_stands_twice_is_refused(tmp_path: Path, header: str, column: str) -> None:
    """Two columns of the same name are ambiguous, and refused by that name."""
    assert column in refused(tmp_path, "a.csv", f"{header}\na,b,c\n")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A file that is not there is named with its whole path."""
    with pytest.raises(DataError) as caught:
        reader(tmp_path).load(DataSource(data="data/none.csv"), "d")
    assert str(caught.value) == f"{tmp_path / 'data' / 'none.csv'}: there is no such file"


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    """A folder with a data file's name is reported as such."""
    (tmp_path / "data.csv").mkdir()
    with pytest.raises(DataError, match=r"data\.csv: cannot be read: "):
        reader(tmp_path).load(DataSource(data="data.csv"), "d")


@pytest.mark.parametrize("name", ["data", "data.gz", "data.txt.zip", "data.XLSX", "a.conllu"])
def test_an_unknown_kind_of_file_is_refused(tmp_path: Path, name: str) -> None:
    """A file that ends otherwise is a usage error that lists the right endings."""
    with pytest.raises(
        ConfigurationError, match=r"unknown kind of data file .*\.csv, \.iob, \.json, "
    ):
        reader(tmp_path).load(DataSource(data=name), "d")


# Other right answers, numbers, fields of several columns.

QA = QuestionAnswering()


def dump(rows: Any) -> str:
    """Write rows as JSONL."""
    return "\n".join(map(json.dumps, rows))


@pytest.mark.parametrize(
    ("label", "given"),
    [("answers", ["Paris", " Paris ", "Paris, France"]),
     ("answers.text", {"text": ["Paris", "Paris, France", "Paris"], "start": [1, 2, 3]})],
)  # fmt: skip
def test_a_list_of_answers_is_kept(tmp_path: Path, label: str, given: Any) -> None:
    """The first is the label and the others, each once, are as right, also inside an object."""
    (tmp_path / "a.jsonl").write_text(dump([{"text": "Capital?", "answers": given}]))
    (example,) = reader(tmp_path).load(DataSource(data="a.jsonl", label=label), "d", QA)
    assert (example.label, example.references) == ("Paris", ("Paris, France",))


def test_a_question_may_have_no_answer(tmp_path: Path) -> None:
    """An empty list is the answer that there is none, of questions."""
    (tmp_path / "a.jsonl").write_text(dump([{"text": "Why?", "label": []}]))
    (example,) = reader(tmp_path).load(DataSource(data="a.jsonl"), "d", QA)
    assert (example.label, example.references) == ("", ())


@pytest.mark.parametrize(
    ("given", "message"),
    [([], "there is no answer; the task"), (["a", "b"], "there is 2 different answers (a, b); the"),
     (["a", None], "None is neither text nor a finite number"), (["c"], "unknown label 'c'")],
)  # fmt: skip
def test_other_tasks_have_one_right_answer(tmp_path: Path, given: Any, message: str) -> None:
    """A list of labels is refused unless all of them are the same."""
    (tmp_path / "a.jsonl").write_text(dump([{"text": "t", "label": given}]))
    with pytest.raises(DataError) as caught:
        reader(tmp_path).load(DataSource(data="a.jsonl"), "d", Classification(("a", "b")))
    assert str(caught.value).startswith(f"{tmp_path / 'a.jsonl'}, row 1, field 'label': {message}")


def test_one_label_in_a_list_is_a_label(tmp_path: Path) -> None:
    """What stands alone in a list, or several times, is the label of a classification."""
    (tmp_path / "a.jsonl").write_text(dump([{"text": "t", "label": ["a", "a"]}]))
    (example,) = reader(tmp_path).load(DataSource(data="a.jsonl"), "d", Classification(("a", "b")))
    assert (example.label, example.references) == ("a", ())


def test_numbers_are_text(tmp_path: Path) -> None:
    """Whole numbers and others are text; a numeric task takes equal ones for the same."""
    (tmp_path / "a.jsonl").write_text('{"text": 2.5, "label": 51.0}\n{"text": 3, "label": 51}')
    data = reader(tmp_path).load(DataSource(data="a.jsonl"), "d", NumericAnswer())
    assert pairs(data) == [("2.5", "51"), ("3", "51")]
    assert pairs(reader(tmp_path).load(DataSource(data="a.jsonl"), "d"))[0] == ("2.5", "51.0")


@KINDS
def test_fields_are_made_of_columns(tmp_path: Path, kind: str) -> None:
    """Templates are filled; a single field has its name unless that is `text`."""
    rows = [{"Body": "2 apples", "Question": "How {many}?", "label": "2"}]
    content = write(kind, rows)
    template = "{Body}: {Question}"
    for name, inputs in (("question", {"question": "2 apples: How {many}?"}),
                         ("text", "2 apples: How {many}?")):  # fmt: skip
        data = load(tmp_path, f"a.{kind}", content, fields=(name,), templates={name: template})
        assert pairs(data) == [(inputs, "2")]
    message = refused(tmp_path, f"a.{kind}", content, fields=("q",), templates={"q": "{body}"})
    assert "unknown field 'body'. Did you mean 'Body'? Known: Body, Question, label." in message


# Groups and rationales; rows that are kept.

SOLUTION = "16 - 3 = <<16-3=13>>13 eggs.\n\nShe makes 13 * 2 = $<<13*2=26>>26.\n#### 26"


def test_groups_and_rationales_are_read(tmp_path: Path) -> None:
    """Several group columns are one name; a rationale is as it stands there."""
    rows = [{"text": "t", "label": SOLUTION, "heuristic": "overlap", "gold": "entailment"}]
    (tmp_path / "a.jsonl").write_text(dump(rows))
    source = DataSource(data="a.jsonl", group=("heuristic", "gold"), rationale="label")
    (example,) = reader(tmp_path).load(source, "d", NumericAnswer())
    assert example == Example(
        content_ids([("t", "26")])[0], "t", "26", (), "overlap, entailment",
        SOLUTION,
    )  # fmt: skip


def test_data_of_the_users_own_keeps_its_split(tmp_path: Path) -> None:
    """A suite says which part of it is meant, whatever the file is called."""
    (tmp_path / "a.json").write_text('{"b": [{"text": "t", "label": "x"}], "c": []}')
    source = DataSource(data="yours:a", split="b")
    with pytest.raises(DataError, match=r'"yours:a" = "PATH"'):
        reader(tmp_path).load(source, "d")
    named = replace(reader(tmp_path), redirects={"yours:a": {"data": "a.json"}})
    assert pairs(named.load(source, "d")) == [("t", "x")]


def test_rows_are_kept_by_their_values(tmp_path: Path) -> None:
    """A column has one of its values as text: nothing is empty, true and false are words."""
    rows = [
        {"text": f"t{n}", "label": "a", "style": style, "seed": seed, "impossible": seed is None}
        for n, (style, seed) in enumerate([("x", None), ("x", 1), ("y", 0), ("z", None)])
    ]
    (tmp_path / "a.jsonl").write_text(dump(rows))

    def kept(where: Any) -> list[Any]:
        source = parse_source({"data": "a.jsonl", "where": where}, "here")
        return [e.inputs for e in reader(tmp_path).load(source, "d")]

    assert kept({"style": "x"}) == ["t0", "t1"]
    assert kept({"style": ["x", "y"], "seed": [0, 1]}) == ["t1", "t2"]
    assert kept({"seed": ""}) == ["t0", "t3"]
    assert kept({"impossible": False}) == ["t1", "t2"]
    with pytest.raises(DataError) as caught:
        kept({"style": "w", "seed": [0, 1]})
    assert str(caught.value) == (
        f"{tmp_path / 'a.jsonl'}: none of its 4 rows has style = 'w' and seed = '0' or '1' "
        "(style has 'x', 'y', 'z'; seed has '', '0', '1')"
    )
    with pytest.raises(DataError, match=r"row 1: unknown field 'stile'\. Did you mean 'style'"):
        kept({"stile": "x"})


def test_a_value_of_where_that_no_row_has_is_named(tmp_path: Path) -> None:
    """One value that is mistyped among others loses no rows silently."""
    rows = [{"text": f"t{n}", "label": "a", "style": "bible" if n else "tweet"} for n in range(50)]

    def kept(content: str, where: Any, task: Any = None) -> int:
        (tmp_path / "a.jsonl").write_text(content)
        source = parse_source({"data": "a.jsonl", "where": where}, "here")
        return len(reader(tmp_path).load(source, "d", task))

    assert kept(dump(rows), {"style": ["tweet", "bible"]}) == 50
    with pytest.raises(DataError) as caught:
        kept(dump(rows), {"style": ["tweet", "bibel"]})
    assert str(caught.value) == (
        f"{tmp_path / 'a.jsonl'}: where: no row has style = 'bibel': unknown value 'bibel'. Did "
        "you mean 'bible'? Known: bible, tweet. Correct it, or take it out of `where`"
    )
    # Of the labels that there are, a file need not have all; one that it writes otherwise is lost.
    task, where = Classification(("pos", "neg")), {"label": ["pos", "neg"]}
    some = [{"text": "a", "label": "pos"}, {"text": "b", "label": -1}]
    assert kept(dump(some), where, task) == 1
    with pytest.raises(DataError, match=r"no row has label = 'neg'.* Did you mean 'Neg'"):
        kept(dump([*some, {"text": "c", "label": "Neg"}]), where, task)
    with pytest.raises(DataError, match="no row has label = 'neg'"):
        kept(dump(some), where)


def test_many_values_of_where_take_a_short_message(tmp_path: Path) -> None:
    """Of a column with many values the nearest are named, and some others."""
    rows = [{"text": f"t{n}", "label": "a", "key": f"key {n:03}"} for n in range(150)]
    (tmp_path / "a.jsonl").write_text(dump(rows))
    source = parse_source({"data": "a.jsonl", "where": {"key": ["key 001", "kye 142"]}}, "here")
    with pytest.raises(DataError) as caught:
        reader(tmp_path).load(source, "d")
    assert "Did you mean 'key 142'" in str(caught.value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("blank", ["", "  "])
@pytest.mark.parametrize("kind", ["jsonl", "csv", "tsv"])
def test_a_blank_id_is_located(tmp_path: Path, kind: str, blank: str) -> None:
    """An empty cell is no id."""
    rows = [{"i": "1", "text": "a", "label": "x"}, {"i": blank, "text": "b", "label": "x"}]
    message = refused(tmp_path, f"a.{kind}", write(kind, rows), id="i")
    row = 2 if kind == "jsonl" else 3
    assert message.startswith(f", row {row}, field 'i': the id is {blank!r}; an id names its row")


def test_rows_are_kept_by_their_steps(tmp_path: Path) -> None:
    """Steps are the lines of the rationale, which ends in no answer."""
    rows = [{"text": f"t{n}", "label": "a\n" * n + f"#### {n}"} for n in range(5)]
    (tmp_path / "a.jsonl").write_text(dump(rows))
    source = DataSource(data="a.jsonl", rationale="label", steps=(2, 3))
    data = reader(tmp_path).load(source, "d", NumericAnswer())
    assert [e.label for e in data] == ["2", "3"]
    with pytest.raises(DataError, match=r"none of its 5 rows has from 7 to 9 steps$"):
        reader(tmp_path).load(replace(source, steps=(7, 9)), "d")


def test_a_part_of_the_examples_is_the_same_one_every_time(tmp_path: Path) -> None:
    """A smaller part is in a larger one; its ids are those that the examples have in the whole."""
    (tmp_path / "a.csv").write_text("text,label\n" + "".join(f"t{n % 30},a\n" for n in range(40)))

    def ids(size: int | None, name: str = "d") -> list[str]:
        return [
            e.id for e in reader(tmp_path).load(DataSource(data="a.csv", max_examples=size), name)
        ]

    assert ids(10) == ids(10, "other") == ids(20)[:10]
    assert set(ids(20)) <= set(ids(None)) == set(ids(50))


# JSON files, and tables without a header.


def test_a_json_file_is_a_list_or_holds_some(tmp_path: Path) -> None:
    """A list of objects is read as it is, one inside an object by the keys that lead to it."""
    rows = [{"text": "a", "label": 1}, {"text": "b", "label": 0}]
    assert pairs(load(tmp_path, "a.json", json.dumps(rows))) == [("a", "1"), ("b", "0")]
    nested = json.dumps({"dev": {"base": rows, "tweet p0": rows[:1]}, "train": rows})
    assert pairs(load(tmp_path, "b.json", nested, split="dev/tweet p0")) == [("a", "1")]
    for split, message in (
        (None, ": it is no list of rows, but holds some; `split` names one: dev/base, dev/tweet"),
        (
            "dev",
            ": unknown split 'dev'. Did you mean 'dev/base'? Known: dev/base, dev/tweet p0, train.",
        ),
        ("dev/bass", ": unknown split 'dev/bass'. Did you mean 'dev/base'"),
    ):
        assert refused(tmp_path, "b.json", nested, split=split).startswith(message)


@pytest.mark.parametrize(
    ("content", "message"),
    [("[", ": not valid JSON: "), ("3", ": it is no list of rows, but holds some; `split` names on"
     "e: there is none"), ("[]", ": there is no row in it; give at least one"),
     ("[3]", ", row 1: a row is a JSON object, not '3'"), ("[" * 100_000, ": not valid JSON: "),
     ('[{"text": "a"}]', ", row 1: unknown field 'label'.")],
)  # fmt: skip
def test_a_wrong_json_file_is_located(tmp_path: Path, content: str, message: str) -> None:
    """What is no JSON, no list, empty, or no object is told with its place."""
    assert refused(tmp_path, "a.json", content).startswith(message)


@pytest.mark.parametrize(("name", "mark"), [("a.txt", "\t"), ("a.tsv", "\t"), ("a.csv", ",")])
def test_a_table_without_a_header_is_read(tmp_path: Path, name: str, mark: str) -> None:
    """With the names of its columns the first line is a row; .txt has tabs."""
    columns = ("sentence", "stars")
    source: dict[str, Any] = {"columns": columns, "fields": columns[:1], "label": columns[1]}
    data = load(tmp_path, name, f"fine{mark}1\ndull{mark}0\n", **source)
    assert pairs(data) == [("fine", "1"), ("dull", "0")]
    message = refused(tmp_path, name, f"fine{mark}1\ndull\n", **source)
    expected = ", line 2: the row has fewer columns than `columns` (sentence, stars): 1 rather"
    assert message.startswith(expected)


# Data that lies elsewhere.


def redirected(folder: Path, table: dict[str, Any]) -> Reader:
    """Make a reader with redirections."""
    return replace(reader(folder), redirects=parse_redirects(table, "here"))


def test_named_data_is_read_where_it_lies(tmp_path: Path) -> None:
    """A path takes the place of the data alone, a table of what else it says; a split has none."""
    (tmp_path / "mine.tsv").write_text("sentence\tlabel\nfine\t1\n")
    suite = DataSource(data="hub:glue#sst2", split="validation", fields=("sentence",))
    assert pairs(redirected(tmp_path, {"hub:glue#sst2": "mine.tsv"}).load(suite, "d")) == [
        ("fine", "1")
    ]
    table = {"data": "mine.tsv", "labels": {"1": "good"}}
    assert pairs(redirected(tmp_path, {"hub:glue#sst2": table}).load(suite, "d")) == [
        ("fine", "good")
    ]
    other = DataSource(data="hub:glue#cola")
    assert redirected(tmp_path, {"hub:glue#sst2": table}).resolved(other) is other


def test_a_split_is_redirected_before_its_data(tmp_path: Path) -> None:
    """NAME@SPLIT goes before NAME, and {split} stands for the suite's, "test" if it names none."""
    moved = redirected(
        tmp_path,
        {"hub:x@validation": "dev.tsv", "hub:x": "{split}.tsv",
         "hub:y": {"data": "y.json", "split": "dev/{split}"}},
    )  # fmt: skip
    assert moved.resolved(DataSource(data="hub:x", split="validation")).data == "dev.tsv"
    assert moved.resolved(DataSource(data="hub:x", split="train")) == DataSource(data="train.tsv")
    assert moved.resolved(DataSource(data="hub:x")).data == "test.tsv"
    assert moved.resolved(DataSource(data="hub:y", split="base")) == DataSource(
        data="y.json", split="dev/base"
    )
    mirror = redirected(tmp_path, {"hub:x": "hub:z", "hub:y": {"data": "hub:z", "split": "all"}})
    assert mirror.resolved(DataSource(data="hub:x", split="train")) == DataSource(
        data="hub:z", split="train"
    )
    assert mirror.resolved(DataSource(data="hub:y", split="train")) == DataSource(
        data="hub:z", split="all"
    )
    with pytest.raises(DataError, match=r"train\.tsv: there is no such file"):
        moved.check(DataSource(data="hub:x", split="train"))


def test_a_wrong_redirection_is_refused(tmp_path: Path) -> None:
    """A wrong value, key or kind of file is told with the name of the source."""
    for table, message in (
        (3, "here = 3 is not a table"),
        ({"hub:x": 3}, "here.'hub:x': 3 is neither a path nor a table"),
        ({"hub:x": {"lable": "a"}}, "here.'hub:x': unknown key 'lable'. Did you mean 'label'"),
    ):
        with pytest.raises(ConfigurationError) as caught:
            parse_redirects(table, "here")
        assert str(caught.value).startswith(message)
    with pytest.raises(ConfigurationError, match=r"tool.pytest_ood.data.'hub:x': a\.xls: unknown"):
        redirected(tmp_path, {"hub:x": "a.xls"}).check(DataSource(data="hub:x"))


# Configurations.


def test_a_source_may_be_a_path() -> None:
    """A string alone is where the data lies; everything else has its default."""
    assert parse_source("data/a.csv", "x") == DataSource(
        data="data/a.csv", split=None, fields=("text",), label="label"
    )


def test_a_source_may_be_a_table() -> None:
    """A table sets every attribute; lists become tuples."""
    table = {
        "data": "hub:sst2", "split": "validation", "fields": ["a", "b"], "label": "gold",
        "id": "key", "labels": {"0": "no"}, "group": ["kind", "cell"], "rationale": "steps",
        "where": {"style": ["a", 2], "seed": "", "shown": True}, "steps": [2, 5],
    }  # fmt: skip
    assert parse_source(table, "x") == DataSource(
        data="hub:sst2",
        split="validation",
        fields=("a", "b"),
        label="gold",
        id="key",
        labels={"0": "no"},
        templates={},
        group=("kind", "cell"),
        rationale="steps",
        columns=(),
        where={"style": ("a", "2"), "seed": ("",), "shown": ("true",)},
        steps=(2, 5),
    )


def test_fields_may_be_a_table_of_templates() -> None:
    """The names of a table are those of the fields; a single `group` is a column."""
    table = {"data": "a.tsv", "fields": {"premise": "{s1}", "hypothesis": "{s2}"}, "group": "cell"}
    source = parse_source(table, "x")
    assert source.fields == ("premise", "hypothesis")
    assert source.templates == {"premise": "{s1}", "hypothesis": "{s2}"}
    assert source.group == ("cell",)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (3, "s.toml: in: 3 is neither a path nor a table with `data`"),
        (["a.csv"], "s.toml: in: ['a.csv'] is neither a path nor a table with `data`"),
        ({}, "s.toml: in: the key `data` is missing"),
        ({"split": "test"}, "s.toml: in: the key `data` is missing"),
        ({"data": 3}, "s.toml: in: data = 3 is not a string"),
        ({"data": "a", "fields": "text"}, "fields = 'text' is not a list of column names, or a ta"),
        ({"data": "a", "fields": {"q": 1}}, "fields = {'q': 1} is not a list of column names"),
        ({"data": "a", "fields": {"q": "Body"}}, "fields.q = 'Body' names no column; write {COLU"),
        ({"data": "a", "fields": ["a", "a"]}, "names differ and are not empty"),
        ({"data": "a.tsv", "columns": ["a", "a"]}, "names differ and are not empty"),
        ({"data": "a.jsonl", "columns": ["a"]}, "columns: a table without a header has them"),
        ({"data": "hub:a", "columns": ["a"]}, "columns: a hub data set has names for them"),
        ({"data": "a.txt"}, "a .txt file is read as a table with tabs where `columns` names its"),
        ({"data": "a", "group": 1}, "group = 1 is not a column name, or a list of them"),
        ({"data": "a", "where": "x"}, "where = 'x' is not a table of values, or lists of values"),
        ({"data": "a", "where": {"x": {"y": 1}}}, "is not a table of values, or lists of values"),
        ({"data": "a", "steps": [3, 2]}, "steps = [3, 2] is not a list of the least and the most"),
        ({"data": "a", "steps": [True, 2]}, "is not a list of the least and the most steps"),
        ({"data": "a", "max_examples": 0}, "max_examples = 0 is not a whole number of 1 or more"),
        ({"data": "a", "max_examples": True}, "max_examples = True is not a whole number of 1 o"),
        ({"data": "a", "steps": [2]}, "is not a list of the least and the most steps"),
        ({"data": "a.csv", "steps": [2, 3]}, "steps: they are those of the rationale"),
        ({"data": "asset:icwsm-2014/nyt", "where": {"a": 1}}, "where: packaged data has no column"),
        ({"data": "a", "fields": [1]}, "fields = [1] is not a list of column names"),
        ({"data": "a", "fields": []}, "fields is empty; fill it in"),
        ({"data": "a", "labels": ["0"]}, "labels = ['0'] is not a table of names"),
        ({"data": "a", "labels": {"0": 1}}, "labels = {'0': 1} is not a table of names"),
        ({"data": "a", "id": True}, "id = True is not a string"),
        ({"data": "a", "max_examples": True}, "max_examples = True is not a whole number of 1"),
        ({"data": "a", "max_examples": 1e3}, "max_examples = 1000.0 is not a whole number of 1"),
        ({"data": "a", "lable": "x"}, "unknown key 'lable'. Did you mean 'label' or 'labels'?"),
    ],
)
def test_a_wrong_source_is_refused(value: Any, message: str) -> None:
    """A wrong key or value is a usage error that names place, key and value."""
    with pytest.raises(ConfigurationError) as caught:
        parse_source(value, "s.toml: in")
    assert str(caught.value).startswith("s.toml: in: ")
    assert message in str(caught.value)


@pytest.mark.parametrize("key", ["data", "id", "split", "label"])
def test_an_empty_string_is_called_empty(key: str) -> None:
    """An empty value is refused for being empty."""
    with pytest.raises(ConfigurationError, match="empty"):
        parse_source({"data": "a", key: ""}, "x")


def test_a_part_of_the_data_is_drawn_once_and_for_all(tmp_path: Path) -> None:
    """A smaller draw is part of a larger one, whatever the data set is called and its order."""
    rows = [f"text {number},{number % 2}" for number in range(50)]
    lines = {"a.csv": rows, "b.csv": rows[::-1]}
    for name, content in lines.items():
        tmp_path.joinpath(name).write_text("\n".join(["text,label", *content]))

    def drawn(count: int, data: str = "a.csv", name: str = "train") -> set[str]:
        source = parse_source({"data": data, "max_examples": count}, "x")
        found = reader(tmp_path).load(source, name)
        assert found.name == name
        return {example.id for example in found}

    assert len(drawn(10)) == 10
    assert drawn(10) < drawn(20)
    assert drawn(10) == drawn(10, "b.csv", "other")
    assert len(drawn(1000)) == 50


# Packaged data.


def packaged(folder: Path, domain: str, lines: list[str]) -> Reader:
    """Put ratings where the packaged data of a domain would lie."""
    asset = folder / "cache" / "assets" / f"icwsm-2014-{ASSETS['icwsm-2014'].sha256[:12]}"
    asset.mkdir(parents=True)
    asset.joinpath(f"{domain}_GroundTruth.txt").write_text("\n".join(lines) + "\n")
    return reader(folder)


def test_ratings_become_labels(tmp_path: Path) -> None:
    """Ratings of at least 1 in size become labels by their sign; a repeated text is dropped."""
    lines = ["t1\t2.5\t good ", "t2\t-1\tbad", "t3\t0.9\tso so", "t4\t-0.9\tmeh", "t5\t3\tgood"]
    data = packaged(tmp_path, "tweets", lines).load(DataSource(data="asset:icwsm-2014/tweets"), "t")
    assert data.examples == (Example("t1", "good", "positive"), Example("t2", "bad", "negative"))


def test_movies_are_split_once_and_for_all(tmp_path: Path) -> None:
    """Training and test sets have nothing in common, do not depend on the order of the file."""
    lines = [f"{n}\t{1 + n % 2 * -2}\tsnippet {n}" for n in range(ICWSM_TRAIN_SIZE + 40)]
    loaded = packaged(tmp_path / "a", "movieReviewSnippets", lines)
    turned = packaged(tmp_path / "b", "movieReviewSnippets", lines[::-1])
    source = "asset:icwsm-2014/movies"
    sets = {
        split: loaded.load(DataSource(data=source, split=split), "m")
        for split in ("train", "test", "all")
    }
    ids = {split: {example.id for example in data} for split, data in sets.items()}
    assert (len(ids["train"]), len(ids["test"])) == (ICWSM_TRAIN_SIZE, 40)
    assert ids["train"] | ids["test"] == ids["all"]
    assert turned.load(DataSource(data=source), "m") == sets["test"]


def test_other_domains_are_halved(tmp_path: Path) -> None:
    """A target domain is cut in half: training data of its own, and tests."""
    lines = [f"{n}\t{1 + n % 2 * -2}\tsnippet {n}" for n in range(41)]
    loaded = packaged(tmp_path, "tweets", lines)
    source = "asset:icwsm-2014/tweets"
    sets = {
        split: {e.id for e in loaded.load(DataSource(data=source, split=split), "t")}
        for split in ("train", "test", "all")
    }
    assert (len(sets["train"]), len(sets["test"])) == (20, 21)
    assert sets["train"] | sets["test"] == sets["all"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (DataSource(data="asset:icwsm/movies"), "unknown data asset 'icwsm/movies'. Did you mean"),
        (DataSource(data="asset:icwsm-2014"), "unknown data asset 'icwsm-2014'"),
        (DataSource(data="asset:icwsm-2014/movie"), "Did you mean 'icwsm-2014/movies'"),
        (
            DataSource(data="asset:icwsm-2014/tweets", split="dev"),
            "asset:icwsm-2014/tweets: unknown split 'dev'. Known: all, test, train.",
        ),
        (
            DataSource(data="asset:icwsm-2014/movies", split="dev"),
            "asset:icwsm-2014/movies: unknown split 'dev'. Known: all, test, train.",
        ),
    ],
)
def test_wrong_packaged_data_is_refused(tmp_path: Path, source: DataSource, message: str) -> None:
    """A wrong asset, part or split is a usage error that names the right ones."""
    with pytest.raises(ConfigurationError) as caught:
        reader(tmp_path).load(source, "d")
    assert message in str(caught.value)


def test_packaged_data_is_not_fetched_offline(tmp_path: Path) -> None:
    """Offline, packaged data that is not there is an error."""
    with pytest.raises(AssetError, match="--ood-offline"):
        reader(tmp_path).load(DataSource(data="asset:icwsm-2014/nyt"), "d")


# Data sets of the hub, with a stand-in for the package `datasets`.


class Loaded(list[dict[str, Any]]):
    """Rows with features, as the package `datasets` returns them."""

    features: dict[str, Any]


def hub(monkeypatch: pytest.MonkeyPatch, rows: list[dict[str, Any]], **features: Any) -> list[Any]:
    """Put a stand-in for `datasets` in place; return the list of calls it gets."""
    calls: list[Any] = []

    def load_dataset(name: str, configuration: str | None, *, split: str, **options: Any) -> Loaded:
        calls.append((name, configuration, split, options))
        loaded = Loaded(rows)
        loaded.features = features
        return loaded

    monkeypatch.setitem(
        sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset, DownloadConfig=dict)
    )
    return calls


@pytest.mark.parametrize(
    ("source", "call"),
    [
        (DataSource(data="hub:imdb"), ("imdb", None, "test")),
        (
            DataSource(data="hub:stanfordnlp/imdb", split="train"),
            ("stanfordnlp/imdb", None, "train"),
        ),
        (DataSource(data="hub:glue#sst2", split="dev"), ("glue", "sst2", "dev")),
    ],
)
def test_a_hub_data_set_is_loaded_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: DataSource, call: tuple[Any, ...]
) -> None:
    """Name, configuration and split are handed on; the split is "test" where none is given."""
    calls = hub(
        monkeypatch, [{"text": "a", "label": 0}], label=SimpleNamespace(names=["no", "yes"])
    )
    assert pairs(reader(tmp_path).load(source, "d")) == [("a", "no")]
    assert [call[:3] for call in calls] == [call]


def test_labels_without_names_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the hub has no names for labels, or an unlabelled row, the figures stay."""
    hub(monkeypatch, [{"text": "a", "label": 1}], label=SimpleNamespace())
    assert pairs(reader(tmp_path).load(DataSource(data="hub:x"), "d")) == [("a", "1")]
    hub(monkeypatch, [{"text": "a", "label": -1}], label=SimpleNamespace(names=["no", "yes"]))
    assert pairs(reader(tmp_path).load(DataSource(data="hub:x"), "d")) == [("a", "-1")]


def test_a_wrong_column_of_the_hub_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column that the data set lacks is named with data set, row and nearest one."""
    hub(monkeypatch, [{"sentence": "a", "label": 1}])
    with pytest.raises(DataError) as caught:
        reader(tmp_path).load(DataSource(data="hub:glue", fields=("sentenc",)), "d")
    message = str(caught.value)
    assert message.startswith("hub:glue, row 1: unknown field 'sentenc'. Did you mean 'sentence'")


def test_a_hub_data_set_that_fails_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever goes wrong on the hub is an error of this data set and split."""

    def load_dataset(*_: Any, **__: Any) -> None:
        raise ConnectionError("no route")

    monkeypatch.setitem(
        sys.modules, "datasets", SimpleNamespace(load_dataset=load_dataset, DownloadConfig=dict)
    )
    with pytest.raises(DataError) as caught:
        reader(tmp_path).load(DataSource(data="hub:imdb"), "d")
    assert str(caught.value) == (
        "hub:imdb: the data set cannot be loaded (split 'test'): no route. A copy on this machine "
        "takes its place by a line in pyproject.toml: "
        '[tool.pytest_ood.data] "hub:imdb@test" = "PATH"'
    )


def test_a_real_data_set_is_loaded_through_the_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package `datasets` itself reads a data set, whose numbered labels become names."""
    datasets = pytest.importorskip("datasets")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", str(tmp_path / "cache"))
    features = datasets.Features(
        {"text": datasets.Value("string"), "label": datasets.ClassLabel(names=["no", "yes"])}
    )
    features["cell"] = datasets.ClassLabel(names=["left", "right"])
    features["answers"] = {"text": datasets.Sequence(datasets.Value("string"))}
    rows = {
        "text": ["a", "b"], "label": [0, 1], "cell": [1, 0],
        "answers": [{"text": ["x", "y"]}, {"text": []}],
    }  # fmt: skip
    folder = tmp_path / "mine"
    folder.mkdir()
    made = datasets.Dataset.from_dict(rows, features=features)
    made.to_parquet(folder / "test.parquet")
    data = reader(tmp_path).load(DataSource(data=f"hub:{folder}", group=("cell",)), "d")
    assert pairs(data) == [("a", "no"), ("b", "yes")]
    assert [example.group for example in data] == ["right", "left"]
    asked = DataSource(
        data=f"hub:{folder}", label="answers.text", where={"cell": ("right", "left")}
    )
    answers = [(e.label, e.references) for e in reader(tmp_path).load(asked, "d", QA)]
    assert answers == [("x", ("y",)), ("", ())]


def test_the_hub_needs_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the package `datasets` the error names the data set and the pip command."""
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDependencyError) as caught:
        reader(tmp_path).load(DataSource(data="hub:imdb"), "d")
    assert "the data set 'hub:imdb' needs the package 'datasets'" in str(caught.value)
    assert 'pip install "pytest-ood[datasets]"' in str(caught.value)


# Published data, read where it lies beside the repository.


def shared(path: str) -> Path:
    """Return a published data file, or skip the test where it is not there."""
    if not (SHARED / path).is_file():
        pytest.skip(f"the shared data {SHARED / path} is not there")
    return SHARED / path


@pytest.mark.slow
@pytest.mark.parametrize(("split", "rows"), [("dev", 6_735), ("test", 872)])
def test_sst_2_is_read(split: str, rows: int) -> None:
    """The TSV files of SST-2 give every row, with both labels renamed."""
    path = shared(f"sst2/{split}.tsv")
    source = DataSource(
        data=path.name, fields=("sentence",), labels={"0": "negative", "1": "positive"}
    )
    data = reader(path.parent).load(source, "sst-2")
    assert len(data) == rows
    assert data.labels == ("negative", "positive")
    assert "jason x is this bad on purpose " in {e.inputs for e in data} or split == "test"


def test_hans_is_read() -> None:
    """The TSV file of HANS gives pairs of sentences with ids of their own."""
    path = shared("hans/hans_generated.tsv")
    source = DataSource(
        data=path.name, fields=("sentence1", "sentence2"), label="gold_label", id="pairID"
    )
    data = reader(path.parent).load(source, "hans")
    assert len(data) == 1_350
    assert data.labels == ("entailment", "non-entailment")
    first = data.examples[0]
    assert first.id == "gen0"
    assert first.inputs == {
        "sentence1": "The tourist stopped the lawyer .",
        "sentence2": "The lawyer stopped the tourist .",
    }


def test_hans_has_cells() -> None:
    """The heuristic and the label make the six cells of HANS, as large as each other."""
    path = shared("hans/hans_generated.tsv")
    table = {"data": path.name, "fields": {"premise": "{sentence1}", "hypothesis": "{sentence2}"},
             "label": "gold_label", "group": ["heuristic", "gold_label"]}  # fmt: skip
    data = reader(path.parent).load(parse_source(table, "hans"), "hans")
    cells = Counter(e.group for e in data)
    assert set(cells.values()) == {225}
    assert cells["lexical_overlap, non-entailment"] == 225
    assert list(fields_of(data.examples[0].inputs)) == ["premise", "hypothesis"]


def test_gsm8k_is_read() -> None:
    """The JSONL file of GSM8K gives every question, escapes resolved, answer and steps."""
    path = shared("gsm8k/test.jsonl")
    source = DataSource(data=path.name, fields=("question",), label="answer", rationale="answer")
    data = reader(path.parent).load(source, "gsm8k", NumericAnswer())
    assert len(data) == 1_319
    first = data.examples[0]
    assert str(first.inputs).startswith("Janet\u2019s ducks lay 16 eggs per day.")
    assert first.label == "18"
    assert reasoning_of(first.rationale) == (
        "Janet sells 16 - 3 - 4 = 9 duck eggs a day.\n"
        "She makes 9 * 2 = $18 every day at the farmer\u2019s market."
    )
    reasoned = [reasoning_of(example.rationale) for example in data]
    assert not any("<<" in steps or "####" in steps for steps in reasoned)
    assert {len(steps.splitlines()) for steps in reasoned} <= set(range(1, 12))


def test_svamp_is_read() -> None:
    """The list of SVAMP gives questions made of two columns, and whole numbers for its floats."""
    path = shared("svamp/SVAMP.json")
    table = {"data": path.name, "fields": {"question": "{Body} {Question}"}, "label": "Answer",
             "id": "ID", "group": "Type"}  # fmt: skip
    data = reader(path.parent).load(parse_source(table, "svamp"), "svamp", NumericAnswer())
    assert len(data) == 1_000
    first = data.examples[0]
    assert (first.id, first.label, first.group) == ("chal-1", "51", "Subtraction")
    assert str(fields_of(first.inputs)["question"]).endswith("each pack?")


def test_advglue_is_read_by_its_parts() -> None:
    """The lists in the file of AdvGLUE are parts of it."""
    path = shared("advglue/dev.json")
    source = DataSource(
        data=path.name, split="sst2", fields=("sentence",), labels={"0": "no", "1": "yes"}
    )
    assert len(reader(path.parent).load(source, "advglue")) == 148
    with pytest.raises(DataError, match=r"unknown split 'sst'.*Known: mnli, mnli-mm, qnli, qqp"):
        reader(path.parent).load(replace(source, split="sst"), "advglue")


@pytest.mark.parametrize(("name", "rows"), [("amazon_cells", 932), ("imdb", 952), ("yelp", 954)])
def test_uci_sentences_are_read(name: str, rows: int) -> None:
    """The files without a header give every row."""
    path = shared(f"uci-sentiment/{name}_labelled.txt")
    source = DataSource(data=path.name, columns=("text", "label"))
    data = reader(path.parent).load(source, "uci")
    assert (len(data), data.labels) == (rows, ("0", "1"))


@pytest.mark.slow
def test_the_style_suite_is_read_where_it_lies() -> None:
    """One redirection reaches all eleven lists, whose ids are the same."""
    path = shared("decodingtrust-ood/style.json")
    place = {"data": path.name, "split": "{split}"}
    moved = redirected(path.parent, {"yours:decodingtrust-styles": place})
    suite = load_suite("style", path.parent)
    sources = [suite.in_distribution, *(shift.source for shift in suite.shifts)]
    sets = [moved.load(source, "d", suite.task) for source in sources]
    assert {len(data) for data in sets} == {872}
    assert len({tuple(example.id for example in data) for data in sets}) == 1
    assert len({data.content_hash for data in sets}) == 11


@pytest.mark.slow
def test_recorded_answers_are_read() -> None:
    """A CSV file of 59,296 quoted raw answers is read whole, ids repeating among the styles."""
    path = shared("decodingtrust-ood/sst2_style_gpt_predictions.csv")
    source = DataSource(data=path.name, fields=("style", "raw_answer"), label="pred")
    data = reader(path.parent).load(source, "answers")
    assert len(data) == 59_296
    assert {"0", "1", "UNPARSED"} <= set(data.labels)
    with pytest.raises(DataError, match="ids must be unique"):
        reader(path.parent).load(
            DataSource(data=path.name, split=None, fields=("style",), label="pred", id="id"), "x"
        )


def test_an_unlabelled_row_of_checklist_is_located() -> None:
    """The CheckList sample has rows without a label: the first is named with row and field."""
    path = shared("checklist/sentiment_suite_sample.jsonl")
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    first = next(n for n, row in enumerate(rows, start=1) if not isinstance(row["label"], int))
    with pytest.raises(DataError) as caught:
        reader(path.parent).load(DataSource(data=path.name, fields=("test",)), "checklist")
    assert str(caught.value).startswith(f"{path}, row {first}, field 'label': ")


def test_a_data_set_is_loaded_once_in_a_process_and_does_not_travel(tmp_path: Path) -> None:
    """What loads it gives the same object again, and goes elsewhere without it."""
    (tmp_path / "a.csv").write_text("text,label\nfine,1\n")
    loading = Loading(
        reader=reader(tmp_path), source=DataSource(data="a.csv"), task=Classification(("0", "1"))
    )
    data = loading()
    assert loading() is data
    there = pickle.loads(pickle.dumps(loading))
    assert "loaded" not in vars(there)
    assert pairs(there()) == pairs(data)


def test_rows_have_languages(tmp_path: Path) -> None:
    """A row is in the language of its column, or in that of the data if it has none."""
    rows = "text,label,lang\nja,1,de-AT\nyes,1,\noui,0,FR\n"
    data = load(tmp_path, "a.csv", rows, language="en", language_column="lang")
    assert [example.language for example in data] == ["de", "en", "fr"]
    unsaid = load(tmp_path, "a.csv", rows, language_column="lang")
    assert [example.language for example in unsaid] == ["de", "", "fr"]
    assert {example.language for example in load(tmp_path, "a.csv", rows)} == {""}


def test_a_row_in_an_unknown_language_is_refused(tmp_path: Path) -> None:
    """The message has the row, the column and the tags that there are."""
    rows = "text,label,lang\nyes,1,en\nja,1,klingon\n"
    message = refused(tmp_path, "a.csv", rows, language_column="lang")
    assert "row 3, field 'lang'" in message
    assert "'klingon' is no language tag" in message
    rows = "text,label,lang\nyes,1,en\nja,1,tlh\n"
    message = refused(tmp_path, "a.csv", rows, language_column="lang")
    assert "unknown language 'tlh'" in message


def test_other_data_is_in_the_language_of_the_suite() -> None:
    """Language and column of languages are inherited, but not the column beside an own language."""
    suite = parse_source({"data": "a.csv", "language": "pl", "language_column": "lang"}, "s")
    same = parse_source("b.csv", "s", suite).completed()
    assert (same.language, same.language_column) == ("pl", "lang")
    own = parse_source({"data": "b.csv", "language": "de-CH"}, "s", suite).completed()
    assert (own.language, own.language_column) == ("de", None)
    with pytest.raises(ConfigurationError, match="s: unknown language 'xx'"):
        parse_source({"data": "a.csv", "language": "xx"}, "s")
