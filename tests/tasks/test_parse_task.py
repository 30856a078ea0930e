"""The task of a suite file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pytest_ood.errors import ConfigurationError
from pytest_ood.tasks import (
    Classification,
    FreeText,
    NumericAnswer,
    QuestionAnswering,
    Task,
    parse_task,
    tasks,
)


@pytest.mark.parametrize(
    ("table", "task"),
    [
        ({"labels": ["a", "b"]}, Classification(("a", "b"))),
        ({"task": "classification", "labels": ["a", "b"]}, Classification(("a", "b"))),
        ({"task": "nli"}, Classification(("entailment", "neutral", "contradiction"), "nli")),
        ({"task": "nli", "labels": ["yes", "no"]}, Classification(("yes", "no"), "nli")),
        ({"task": "paraphrase"}, Classification(("different", "paraphrase"), "paraphrase")),
        ({"task": "extractive-qa"}, QuestionAnswering("extractive-qa", "f1")),
        ({"task": "extractive-qa", "metric": "exact-match"},
         QuestionAnswering("extractive-qa", "exact-match")),
        ({"task": "closed-book-qa", "metric": "f1"}, QuestionAnswering("closed-book-qa", "f1")),
        ({"task": "numeric"}, NumericAnswer()),
        ({"task": "text"}, FreeText("chrf")),
        ({"task": "text", "metric": "rouge-l"}, FreeText("rouge-l")),
    ],
)  # fmt: skip
def test_a_task_is_read(table: dict[str, Any], task: Task) -> None:
    """A name, labels and a metric make a task; without a name it is a classification."""
    assert parse_task(table, "suite", Path()) == task
    assert task.name in tasks()


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"task": "qa"}, "suite: unknown task 'qa'"),
        ({}, "suite: the key 'labels' is missing"),
        ({"labels": "ab"}, "is not a list of strings"),
        ({"labels": ["a"]}, "suite: labels = \\['a'\\]"),
        (
            {"task": "numeric", "labels": ["1", "2"]},
            "suite: labels: it belongs to the task classification or nli or paraphrase",
        ),
        ({"task": "numeric", "metric": "f1"}, "metric: it belongs to the task .*extractive-qa or"),
        ({"task": "text", "metric": "f1"}, "suite: unknown metric 'f1'"),
        ({"labels": ["a", "b"], "metric": "f1"}, "leave it out for classification"),
        ({"task": "extractive-qa", "metric": "bleu"}, "suite: unknown metric 'bleu'"),
    ],
)
def test_what_does_not_go_together_is_refused(table: dict[str, Any], message: str) -> None:
    """A wrong name, or keys that the task has no use for, are errors that say what is right."""
    with pytest.raises(ConfigurationError, match=message):
        parse_task(table, "suite", Path())
