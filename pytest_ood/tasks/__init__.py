"""Tasks: how answers are parsed, compared and scored.

Every module of this folder that has a function `parse` is a kind of task: `NAMES` are the values of
the key `task` that it is for, and `parse(name, table)` reads a suite's own keys of it. Adding a
file adds a task.
"""

from __future__ import annotations

from functools import cache
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
from pytest_ood.utils.objects import modules_with

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "SCORE_DECIMALS",
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
    "tasks",
]


@cache
def tasks() -> dict[str, Any]:
    """Return the modules of all tasks, by the names of the tasks."""
    return {name: module for module in modules_with(__name__, "parse") for name in module.NAMES}


def parse_task(table: Mapping[str, Any], where: str) -> Task:
    """Read a suite's `task`, `labels` and `metric`; without a task it is a classification.

    Raises:
        ConfigurationError: an unknown task, or keys that do not go with it.
    """
    name = table.get("task", "classification")
    if name not in tasks():
        raise ConfigurationError(f"{where}: " + unknown_name("task", str(name), tasks()))
    try:
        task: Task = tasks()[name].parse(name, table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return task
