from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.formats import FileLayout, parse_rows

IOB1 = "-DOCSTART- -X- O O\n\nAnn I-PER\nmet O\nBo B-LOC\nLee I-LOC\n\n\nHi O\n"
SPANS = [{"start": 0, "end": 3, "label": "PER"}, {"start": 8, "end": 14, "label": "LOC"}]


def rows(path: Path, content: str, columns: tuple[str, ...] = ()) -> list[tuple[int, Any]]:
    """Write a file and read its rows."""
    path.write_text(content, encoding="utf-8")
    return list(parse_rows(path, FileLayout(columns=columns)))


@pytest.mark.parametrize("name", ["a.conll", "a.iob", "a.bio"])
def test_a_sentence_is_a_row(tmp_path: Path, name: str) -> None:
    """Its text is the words with spaces between, its label are the spans of the tags."""
    expected = [
        (3, {"text": "Ann met Bo Lee", "label": SPANS}),
        (9, {"text": "Hi", "label": []}),
    ]
    assert rows(tmp_path / name, IOB1) == expected
    assert rows(tmp_path / name, IOB1.replace("\n", "\r\n")) == expected


def test_columns_say_which_are_words_and_tags(tmp_path: Path) -> None:
    """By default the first and the last; tabs keep spaces in a word."""
    content = "1\tNew York\tB-LOC\tNNP\n2\tnow\tO\tRB\n"
    ((number, row),) = rows(tmp_path / "a.conll", content, ("id", "text", "label", "pos"))
    assert (number, row["text"]) == (1, "New York now")
    assert row["label"] == [{"start": 0, "end": 8, "label": "LOC"}]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("# id = 7\nAnn B-PER\n", ["Ann"]),
        ("# a comment\n\n#\nAnn B-PER\n", ["Ann"]),
        ("#\tO\nnow\tO\n", ["# now"]),
        ("# O\nnow O\n", ["# now"]),
        ("#now O\n", ["#now"]),
        ("now O\n# O\n", ["now #"]),
    ],
)
def test_comments_stand_before_a_sentence(tmp_path: Path, line: str, texts: list[str]) -> None:
    """A hash with a tag is a word, as in tweets."""
    assert [row["text"] for _, row in rows(tmp_path / "a.conll", line)] == texts


@pytest.mark.parametrize(
    ("content", "columns", "message"),
    [
        ("Ann B-PER\nmet\n", (), "a.conll, line 2: 'met' is no word with a tag"),
        ("Hi O\n\nAnn PER\n", (), "row 3, field 'label': word 1: the tag 'PER' is of no known"),
        ("Ann O\n", ("text", "pos", "label"), "line 1: there are 2 columns, and `columns` names 3"),
    ],
)
def test_bad_lines_are_named(
    tmp_path: Path, content: str, columns: tuple[str, ...], message: str
) -> None:
    """The message has file, line and reason."""
    with pytest.raises(DataError, match=message):
        rows(tmp_path / "a.conll", content, columns)


def test_columns_need_words_and_tags(tmp_path: Path) -> None:
    """Their names are those of a row."""
    with pytest.raises(ConfigurationError, match="the one with words is called 'text'"):
        rows(tmp_path / "a.conll", IOB1, ("word", "tag"))
