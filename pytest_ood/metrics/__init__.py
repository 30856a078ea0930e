"""Metrics: what of a model's answers may get worse under a shift.

Every module of this folder that has a class `METRIC` is a metric; `protocol.py` says what a metric
defines. Adding a file adds a metric: budgets may name it, reports show it, and both ask it whether
a higher value is worse.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.metrics.accuracy import ACCURACY
from pytest_ood.metrics.in_domain import IN_DOMAIN
from pytest_ood.metrics.outcomes import (
    UNPARSED_LENGTH,
    GradedAnswers,
    Outcome,
    Outcomes,
    most_frequent,
)
from pytest_ood.metrics.protocol import Metric
from pytest_ood.metrics.recall import RECALL
from pytest_ood.metrics.reweighted import REWEIGHTED
from pytest_ood.utils.objects import modules_with

if TYPE_CHECKING:
    from pytest_ood.tasks import Task

__all__ = [
    "ACCURACY",
    "IN_DOMAIN",
    "RECALL",
    "REWEIGHTED",
    "SCORE",
    "SINGLE_ACCURACY",
    "UNPARSED_LENGTH",
    "GradedAnswers",
    "Metric",
    "Outcome",
    "Outcomes",
    "budget_metrics",
    "find_metric",
    "metric_class",
    "metric_classes",
    "metric_names",
    "most_frequent",
]

SCORE = "score"
"""The check of a floor: the mean score by itself, of which no drop is taken."""
SINGLE_ACCURACY = "single-accuracy"
"""The share of single answers that are right, reported beside the score of contrast sets."""


@cache
def metric_classes() -> tuple[type[Metric], ...]:
    """Return the classes of all metrics, in the order of suites and reports."""
    classes = [module.METRIC for module in modules_with(__name__, "METRIC")]
    return tuple(sorted(classes, key=lambda metric: (metric.RANK, metric.NAME)))


def metric_class(name: str) -> type[Metric]:
    """Return the class of the metric with this name, for whatever task.

    A name that no class has, as in a report of another installation, has what holds for most
    metrics.
    """
    return next((metric for metric in metric_classes() if metric.is_named(name)), Metric)


def find_metric(name: str, task: Task) -> Metric:
    """Return the metric of a task with this name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    metrics = {m.name: m for metric in metric_classes() for m in metric.for_task(task)}
    if name not in metrics:
        raise ConfigurationError(unknown_name("metric", name, metrics))
    return metrics[name]


def metric_names(task: Task, kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that a task's answers have under a kind of shift."""
    return tuple(
        metric.name
        for cls in metric_classes()
        if not cls.KINDS or kind in cls.KINDS
        for metric in cls.for_task(task)
    )


def budget_metrics(task: Task, kind: str) -> tuple[str, ...]:
    """Return the names of the metrics that have a table of their own for their budget.

    The keys of accuracy's budget stand in the table of the shift itself.
    """
    return tuple(name for name in metric_names(task, kind) if name != ACCURACY)
