"""What is added, and what is taken away: facts, passages, sentences, names."""

from __future__ import annotations

import json
import re
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import find
from pytest_ood.perturbations.contracts import label_unless_answer_added
from pytest_ood.perturbations.resources import Resources, using
from pytest_ood.shifts import NoiseShift

QUESTION = "Paul has 4.5 pens. He buys 12 more.  How many pens does Paul have?"


@given(st.integers(0, 2**32))
def test_a_fact_stands_before_the_question(seed: int) -> None:
    """The fact is about somebody else, with a number of its own, and the rest is as it was."""
    text = find("irrelevant-context")(QUESTION, Random(seed))
    start, end = QUESTION.split("How many")
    assert text.startswith(start)
    assert text.endswith(f"How many{end}")
    fact = text[len(start) : -len(f"How many{end}")]
    assert fact.endswith(". ")
    assert "Paul" not in fact
    assert len(re.findall(r"\d+", fact)) == 1
    assert not set(re.findall(r"\d+", fact)) & {"4", "5", "12"}


@pytest.mark.parametrize(
    "question",
    [
        "How many pens does Mr. Tan have?",
        "Mrs. Cruz has how many?",
        "What are the calories burned vs. those consumed?",
        "If he works from 8 a.m. to 11 a.m. and rests once, what does he earn?",
    ],
)
def test_a_fact_does_not_part_a_question(question: str) -> None:
    """The full stop of an abbreviation ends no sentence."""
    for before in ("", "Paul gets up at 9 a.m. ", "He has 4. "):
        text = find("irrelevant-context")(before + question, Random(0))
        assert text.startswith(before)
        assert text.endswith(f". {question}")


def test_without_a_question_there_is_no_fact() -> None:
    """A text that does not end in a question stays as it is."""
    assert find("irrelevant-context")("Paul has 4 pens? No.", Random(0)) == "Paul has 4 pens? No."


@pytest.mark.parametrize(
    ("label", "references", "added", "kept"),
    [
        ("Rome", (), "Rome is old.", False),
        ("the Rome", (), "It is ROME!", False),
        ("Oslo", ("Rome",), "Rome is old.", False),
        ("Rome", (), "Romeo is old.", True),
        ("18", (), "It has 18 rooms.", False),
        ("18", (), "It has 180 rooms.", True),
        ("", (), "Anything.", True),
        ("yes", (), "Oh yes.", True),
    ],
)
def test_what_is_added_holds_no_answer(
    label: str, references: tuple[str, ...], added: str, *, kept: bool
) -> None:
    """A right answer may stand in the text already, but no further one may be added."""
    example = Example("1", {"q": "Where?", "context": "He left Rome in 18."}, label, references)
    after = {"q": "Where?", "context": f"He left Rome in 18. {added}"}
    assert label_unless_answer_added(example, after) == (label if kept else None)
    assert label_unless_answer_added(example, example.inputs) == label


def test_passages_of_a_file_are_put_around_a_text(tmp_path: Path) -> None:
    """Passages come out of a column of a file, none of them with the answer in it."""
    rows = [{"id": n, "context": f"Passage {n} tells of {'Rome' if n % 2 else 'the sea'}."}
            for n in range(40)]  # fmt: skip
    (tmp_path / "passages.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    change = find("distract").with_parameters(texts="passages.jsonl").at(5)
    examples = [
        Example(str(n), {"question": "Where?", "context": f"He {n} lives in Rome."}, "Rome")
        for n in range(20)
    ]
    with using(Resources(root=tmp_path)):
        shifted = NoiseShift("distract", change, ("context",)).apply(examples, 0)
    assert list(shifted.changed) == [True] * 20
    for example, inputs in zip(examples, shifted.inputs, strict=True):
        assert not isinstance(inputs, str)
        assert not isinstance(example.inputs, str)
        before, text, after = inputs["context"].split("\n")
        assert text == example.inputs["context"]
        assert before.endswith("the sea.")
        assert after.endswith("the sea.")
        assert inputs["question"] == "Where?"


def test_passages_that_all_hold_the_answer_are_rejected(tmp_path: Path) -> None:
    """Where every passage gives the answer away the example is counted as rejected."""
    (tmp_path / "all.txt").write_text("Rome is old.\nRome is big.\n")
    change = find("distract").with_parameters(texts="all.txt")
    with using(Resources(root=tmp_path)):
        shifted = NoiseShift("distract", change).apply([Example("1", "A city.", "Rome")], 0)
    assert (list(shifted.changed), list(shifted.rejected)) == ([False], [True])


@pytest.mark.parametrize(
    ("name", "content", "error", "message"),
    [
        ("gone.txt", None, DataError, "texts = 'gone.txt': .*cannot be read"),
        ("empty.txt", "\n \n", DataError, "there is no text in it"),
        ("odd.parquet", "x", ConfigurationError, "unknown ending '.parquet'"),
        ("wrong.jsonl", '{"text": "x"}\n', DataError, "row 1: unknown column 'context'"),
    ],
)
def test_a_file_without_texts_is_refused(
    tmp_path: Path, name: str, content: str | None, error: type[Exception], message: str
) -> None:
    """A file that is missing, empty, of another kind or without the column is an error."""
    if content is not None:
        (tmp_path / name).write_text(content)
    change = find("distract").with_parameters(texts=name)
    with using(Resources(root=tmp_path)), pytest.raises(error, match=message):
        change("A text.", Random(0))


def test_all_of_a_text_is_taken_away() -> None:
    """Unless a severity is asked for nothing is left; below 5 some sentences are."""
    text = "  One here. Two at 3.5 there!\n\nThree? And four"
    change = find("remove-text")
    assert change(text, Random(0)) == ""
    kept = change.at(2)(text, Random(0))
    assert kept
    assert all(part.strip() in text for part in re.split("(?<=[.!?])", kept))


@pytest.mark.parametrize("severity", range(1, 6))
def test_a_name_is_the_same_all_through_a_text(severity: int) -> None:
    """Whoever is renamed is renamed everywhere, to a name that nobody else in the text has."""
    text = "Michael gives Sarah's pen to Robert. Sarah tells Michael, and Michael laughs at Sarah."
    for seed in range(30):
        changed = find("change-names").at(severity)(text, Random(seed))
        old, new = (re.findall(r"[A-Z][a-z]+", one) for one in (text, changed))
        assert len(old) == len(new)
        pairs = set(zip(old, new, strict=True))
        assert len(pairs) == len(set(old)) == len(set(new))
        assert all(before != after for before, after in pairs)
