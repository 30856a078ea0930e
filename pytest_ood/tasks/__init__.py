"""Tasks: how answers are parsed, compared and scored.

Every module of this folder that has a function `parse` is a kind of task: `NAMES` are the values of
the key `task` that it is for, `KEYS` the keys of a suite that belong to it (if there are any), and
`parse(name, table)` reads these. Adding a file adds a task.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, reason_of, unknown_name
from pytest_ood.tasks._counts import Counts
from pytest_ood.tasks.classification import Classification, merged_answer, merged_task
from pytest_ood.tasks.extraction import Extraction
from pytest_ood.tasks.free_text import FreeText
from pytest_ood.tasks.judged import Judged, Verdicts
from pytest_ood.tasks.multiple_choice import MULTIPLE_CHOICE, MultipleChoice
from pytest_ood.tasks.named_entities import NamedEntities
from pytest_ood.tasks.numeric import NumericAnswer, reasoning_of
from pytest_ood.tasks.protocol import (
    SCORE_DECIMALS,
    UNSCORED,
    OpenTask,
    Prediction,
    Task,
    as_read,
    check_labels,
    decide,
    majority_share,
    reading_of,
    score_of_constant,
    unless_unsure,
)
from pytest_ood.tasks.question_answering import QuestionAnswering
from pytest_ood.utils.objects import import_object, modules_with

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

__all__ = [
    "MULTIPLE_CHOICE",
    "SCORE_DECIMALS",
    "UNSCORED",
    "Classification",
    "Counts",
    "Extraction",
    "FreeText",
    "Judged",
    "MultipleChoice",
    "NamedEntities",
    "NumericAnswer",
    "OpenTask",
    "Prediction",
    "QuestionAnswering",
    "Task",
    "Verdicts",
    "as_read",
    "check_labels",
    "decide",
    "find_task",
    "keys_of_tasks",
    "majority_share",
    "merged_answer",
    "merged_task",
    "parse_task",
    "reading_of",
    "reasoning_of",
    "score_of_constant",
    "tasks",
    "unless_unsure",
]

USUAL = "classification"
"""The task of a suite that names none."""


@cache
def tasks() -> dict[str, Any]:
    """Return the modules of all tasks, by the names of the tasks."""
    return {name: module for module in modules_with(__name__, "parse") for name in module.NAMES}


def keys_of_tasks() -> dict[str, list[str]]:
    """Return the keys of a suite that belong to a task, each with the names of its tasks."""
    keys: dict[str, list[str]] = {}
    for name, module in tasks().items():
        for key in getattr(module, "KEYS", ()):
            keys.setdefault(key, []).append(name)
    return keys


def parse_task(table: Mapping[str, Any], where: str, root: Path) -> Task:
    """Read a suite's `task` and the keys that belong to it; without one it is a classification.

    Args:
        table: The suite.
        where: The beginning of messages.
        root: The project's folder, in which a task of the user's own is searched.

    Raises:
        ConfigurationError: an unknown task, or keys that do not go with it.
    """
    try:
        return _parsed(table.get("task", USUAL), table, root)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def find_task(task: Task | str, root: Path, language: str = "en") -> Task:
    """Return a task by its name, or the user's own as `module:name`; a task is returned as it is.

    Args:
        task: The name or the task.
        root: The project's folder.
        language: The language that a task found by its name reads answers in, a tag of BCP 47.

    Raises:
        ConfigurationError: there is none of this name, it needs keys of a suite such as `labels`,
            or it lacks what a task has.
    """
    table = {"task": task, "language": language}
    return _parsed(task, table, root) if isinstance(task, str) else checked_task(task, "")


def _parsed(name: Any, table: Mapping[str, Any], root: Path) -> Task:
    own = isinstance(name, str) and ":" in name
    if not own and name not in tasks():
        known = unknown_name("task", str(name), tasks())
        raise ConfigurationError(f"{known} One of your own is named as module:name.")
    for key, names in keys_of_tasks().items():
        if key in table and name not in names:
            raise ConfigurationError(
                f"{key}: it belongs to the task {' or '.join(names)}; leave it out for {name}"
            )
    if own:
        owner = f"task {name!r}"
        return checked_task(import_object(name, owner, root), owner)
    task: Task = tasks()[name].parse(name, table)
    return task


def checked_task(value: Any, owner: str) -> Task:
    """Return a user's task; of a class, the object that it makes without arguments.

    Raises:
        ConfigurationError: it lacks what a task has, or the class raises.
    """
    owner = owner or f"task {value!r}"
    if isinstance(value, type):
        try:
            value = value()
        except Exception as error:
            raise ConfigurationError(
                f"{owner}: {value.__name__}() raised {reason_of(error)}; name an object, or a "
                "class that takes no arguments"
            ) from error
    lacking = [name for name in members_of_task() if not hasattr(value, name)]
    if lacking:
        raise ConfigurationError(
            f"{owner}: it is of type {type(value).__name__}, which has no "
            f"{', '.join(lacking)}; a task inherits from pytest_ood.OpenTask and defines `score`"
        )
    if type(value).score is OpenTask.score:
        raise ConfigurationError(
            f"{owner}: {type(value).__name__} does not define score(prediction, example)"
        )
    task: Task = value
    return task


def members_of_task() -> tuple[str, ...]:
    """Return the names of everything that a task has."""
    return tuple(name for name in vars(OpenTask) if not name.startswith("_"))
