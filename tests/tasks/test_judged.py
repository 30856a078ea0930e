"""The task of answers that a judge scores: its words, and its table in a suite."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.tasks import Judged, Prediction, Verdicts
from pytest_ood.tasks.judged import Words, parse

WORDS = Words()


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pass", "pass"),
        ("  FAIL\n", "fail"),
        ('{"verdict": "Pass"}', "pass"),
        ('\n{"verdict": " fail ", "reason": "it is wrong"}', "fail"),
        ("pass.", None),
        ("I would pass it", None),
        ("it would not pass", None),
        ("pass fail", None),
        ("", None),
        ('{"verdict": true}', None),
        ('{"answer": "pass"}', None),
        ('{"verdict": "pass"', None),
        ('["pass"]', None),
        ("[" * 100_000, None),
        ("{" * 100_000, None),
    ],
)
def test_a_verdict_is_the_whole_answer(text: str, word: str | None) -> None:
    """One word, or an object that holds it; a word in a sentence is no verdict."""
    assert WORDS.read(text) == word
    assert Verdicts().read(text, {}) == word
    assert Verdicts(("no", "yes")).read(text, {"no": "fail", "yes": "pass"}) == (
        None if word is None else {"fail": "no", "pass": "yes"}[word]
    )


@given(text=st.text())
def test_nothing_else_is_a_verdict(text: str) -> None:
    """Of all texts, only those that are a word or hold one as JSON."""
    said = WORDS.read(text)
    if said is not None:
        assert said in text.casefold()
        assert text.strip().casefold() in {"pass", "fail"} or "verdict" in json.loads(text)


def test_a_table_is_read() -> None:
    """With its defaults, or with words of one's own."""
    task = parse("judged", {"judge": {"model": "big", "rubric": "r.md", "labelled": "l.jsonl"}})
    assert (task.name, task.measure, task.labels, task.min_labelled) == (
        "judged", "judged score", (), 50,
    )  # fmt: skip
    assert task.verdicts.labels == ("fail", "pass")
    words = {"pass": "Yes", "fail": "No"}
    own = parse("judged", {"judge": {"model": {"fake": "x"}, "rubric": "r", "words": words}})
    assert (own.labelled, own.verdicts.labels) == (None, ("No", "Yes"))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({}, r"needs a table \[judge\] with `model`, `rubric` and `labelled`"),
        ({"judge": "big"}, r"needs a table \[judge\]"),
        ({"judge": {"rubric": "r"}}, "the key 'model' is missing"),
        ({"judge": {"model": "m"}}, "the key 'rubric' is missing"),
        ({"judge": {"model": "m", "rubric": "r", "label": "l"}}, "unknown key 'label'"),
        ({"judge": {"model": 3, "rubric": "r"}}, "the name of a configured model"),
        ({"judge": {"model": "m", "rubric": 3}}, "rubric = 3 is not a string"),
        ({"judge": {"model": "m", "rubric": "r", "labelled": 3}}, "labelled = 3 is not a path"),
        ({"judge": {"model": "m", "rubric": "r", "min_labelled": 5}}, "20 or more"),
        ({"judge": {"model": "m", "rubric": "r", "words": {"good": "x"}}}, "is not a table with"),
        (
            {"judge": {"model": "m", "rubric": "r", "words": {"pass": "Fail"}}},
            "is not two different words",
        ),
    ],
)
def test_a_wrong_table_is_refused(table: dict[str, Any], message: str) -> None:
    """The message says what is wrong, and what is allowed."""
    with pytest.raises(ConfigurationError, match=message):
        parse("judged", table)


def test_scores_are_those_of_the_judge_that_is_bound() -> None:
    """A task that only describes a judge scores nothing."""
    pair = (Prediction("an answer"), Example("1", "a question", ""))
    task = Judged("big", "r.md")
    with pytest.raises(ConfigurationError, match="there is no judge to score answers"):
        task.scores([pair])
    bound = task.bound(lambda pairs: [0.5 for _ in pairs])
    assert bound.scores([pair, pair]) == [0.5, 0.5]
    assert bound.score(*pair) == 0.5
    assert bound == task
