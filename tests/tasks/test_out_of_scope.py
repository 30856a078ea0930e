"""Inputs that no label is right for: how they are read, resolved and merged."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.tasks import Classification, Prediction, merged_task, parse_task, unless_unsure
from pytest_ood.tasks.classification import OUT_OF_SCOPE
from pytest_ood.utils.progress import Silent

NAMED = Classification(("a", "b", "oos"), out_of_scope="oos")
UNNAMED = Classification(("a", "b"), out_of_scope=OUT_OF_SCOPE)
PLAIN = Classification(("a", "b", "oos"))


@pytest.mark.parametrize(
    ("value", "task"),
    [("oos", NAMED), (False, PLAIN), (True, replace(PLAIN, out_of_scope=OUT_OF_SCOPE))],
)
def test_a_suite_says_what_is_out_of_scope(value: Any, task: Classification) -> None:
    """By the name of a label, or that no label stands for it."""
    table = {"labels": ["a", "b", "oos"], "out_of_scope": value}
    assert parse_task(table, "suite", Path()) == task


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("ooss", "unknown label 'ooss'.*out_of_scope = true"),
        (3, "out_of_scope = 3 is neither true nor the label"),
    ],
)
def test_what_is_no_label_is_refused(value: Any, message: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ConfigurationError, match=message):
        parse_task({"labels": ["a", "b", "oos"], "out_of_scope": value}, "suite", Path())


@pytest.mark.parametrize(
    ("task", "truth", "answer", "score"),
    [
        (NAMED, "oos", None, 1.0),
        (NAMED, "oos", "oos", 1.0),
        (NAMED, "oos", "a", 0.0),
        (NAMED, "a", None, 0.0),
        (NAMED, "a", "oos", 0.0),
        (UNNAMED, OUT_OF_SCOPE, None, 1.0),
        (UNNAMED, OUT_OF_SCOPE, "a", 0.0),
        (PLAIN, "oos", None, 0.0),
    ],
)
def test_to_abstain_is_right_out_of_scope(
    task: Classification, truth: str, answer: str | None, score: float
) -> None:
    """And only there; a right abstention is an answer, so that no check counts it as a fault."""
    example = Example("1", "text", truth)
    resolved = task.resolve(Prediction(answer), example)
    assert task.score(resolved, example) == score
    assert (resolved.label is None) == (answer is None and score == 0.0)


def test_an_unanswered_input_is_no_abstention() -> None:
    """A server that cannot be reached rejects nothing."""
    failed = Prediction(None, error="unreachable")
    assert NAMED.resolve(failed, Example("1", "text", "oos")) is failed


@pytest.mark.parametrize(("task", "truth"), [(NAMED, "oos"), (UNNAMED, OUT_OF_SCOPE)])
def test_rows_without_a_label_are_out_of_scope(
    task: Classification, truth: str, tmp_path: Path
) -> None:
    """Empty and null ones, unless `labels` of the data says what they are."""
    (tmp_path / "data.jsonl").write_text(
        '{"text": "x", "label": "a"}\n{"text": "y", "label": null}\n{"text": "z", "label": ""}\n'
    )
    reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
    source = DataSource(data="data.jsonl")
    assert [e.label for e in reader.load(source, "data", task)] == ["a", truth, truth]
    renamed = replace(source, labels={"null": "b", "": truth, "a": "a"})
    assert [e.label for e in reader.load(renamed, "data", task)] == ["a", "b", truth]
    with pytest.raises(DataError, match=r"row 2, field 'label': None.*unlabelled"):
        reader.load(source, "data", PLAIN)


def test_the_label_of_inputs_out_of_scope_is_not_merged() -> None:
    """Other labels are, and it keeps its meaning."""
    assert merged_task(NAMED, {"a": "c", "b": "c"}) == Classification(
        ("c", "oos"), out_of_scope="oos"
    )
    for merge in ({"oos": "a"}, {"a": "oos"}):
        with pytest.raises(ConfigurationError, match="'oos' is the label of inputs out of scope"):
            merged_task(NAMED, merge)


@pytest.mark.parametrize(("score", "label"), [(0.49, None), (0.5, "a"), (0.9, "a")])
def test_a_model_abstains_below_a_probability(score: float, label: str | None) -> None:
    """That of its answer, whatever the other labels have."""
    assert unless_unsure(Prediction("a", {"a": score, "b": 0.6}), 0.5).label == label
