"""The probabilities from which on a model answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError

if TYPE_CHECKING:
    from pytest_ood.tasks import Task


def check_thresholds(
    owner: str, task: Task, *, threshold: float | None, abstain_below: float | None
) -> None:
    """Check the options `threshold`, for sets of labels, and `abstain_below`, for one label.

    Args:
        owner: The beginning of messages: the model.
        task: The task.
        threshold: The least probability of a label that holds.
        abstain_below: The probability of the likeliest label below which there is no answer.

    Raises:
        ConfigurationError: an option is not for the task, or no probability.
    """
    options = {
        "threshold": (threshold, bool(task.classes), "sets of labels (multi-label)"),
        "abstain_below": (abstain_below, bool(task.labels), "one label (classification)"),
    }
    for key, (value, has_it, tasks) in options.items():
        if value is None:
            continue
        if not has_it:
            raise ConfigurationError(
                f"{owner}: {key}: it is for tasks with {tasks}, and this one is {task.name}; "
                "leave it out"
            )
        if not 0.0 <= value <= 1.0:
            raise ConfigurationError(f"{owner}: {key} = {value} is no probability in [0, 1]")
