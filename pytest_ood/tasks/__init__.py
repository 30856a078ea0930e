"""Tasks: what an answer is and how it is scored, one kind a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.tasks.classification import Classification, merged_answer, merged_task
from pytest_ood.tasks.numeric import NumericAnswer, reasoning_of
from pytest_ood.tasks.protocol import (
    SCORE_DECIMALS,
    Prediction,
    Task,
    check_labels,
    decide,
    majority_share,
)
from pytest_ood.tasks.question_answering import QuestionAnswering

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

__all__ = [
    "SCORE_DECIMALS",
    "TASKS",
    "Classification",
    "NumericAnswer",
    "Prediction",
    "QuestionAnswering",
    "Task",
    "check_labels",
    "decide",
    "majority_share",
    "merged_answer",
    "merged_task",
    "parse_task",
    "reasoning_of",
]

NLI_LABELS = ("entailment", "neutral", "contradiction")
PARAPHRASE_LABELS = ("different", "paraphrase")

TASKS = ("classification", "nli", "paraphrase", "extractive-qa", "closed-book-qa", "numeric")


def parse_task(table: Mapping[str, Any], where: str) -> Task:
    """Read a suite's `task`, `labels` and `metric`; without a task it is a classification.

    Raises:
        ConfigurationError: an unknown task, or keys that do not go with it.
    """
    name = table.get("task", "classification")
    if name not in TASKS:
        raise ConfigurationError(f"{where}: " + unknown_name("task", str(name), TASKS))
    if "metric" in table and name not in ("extractive-qa", "closed-book-qa"):
        raise ConfigurationError(f"{where}: metric: only question answering has a choice of it")
    if name in ("extractive-qa", "closed-book-qa", "numeric"):
        if "labels" in table:
            raise ConfigurationError(f"{where}: labels: the task {name} has none; leave them out")
        if name == "numeric":
            return NumericAnswer()
        metric = table.get("metric", "f1")
        if metric not in ("f1", "exact-match"):
            raise ConfigurationError(
                f"{where}: " + unknown_name("metric", str(metric), ("f1", "exact-match"))
            )
        return QuestionAnswering(name, metric)
    usual: dict[str, Sequence[str]] = {"nli": NLI_LABELS, "paraphrase": PARAPHRASE_LABELS}
    labels = table.get("labels", list(usual.get(name, ())) or None)
    if labels is None:
        raise ConfigurationError(f"{where}: the key 'labels' is missing")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigurationError(f"{where}: labels = {labels!r} is not a list of strings")
    try:
        return Classification(tuple(labels), name)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
