"""The distance to a model that was trained on the target domain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.metrics.accuracy import Accuracy
from pytest_ood.tasks import Judged

if TYPE_CHECKING:
    from pytest_ood.tasks import Task

IN_DOMAIN = "in-domain"


@dataclass(frozen=True)
class InDomain(Accuracy):
    """The score of the in-domain reference on the target, and the model's.

    The reference is the baseline trained on the target domain: what the domain allows.
    """

    NAME = IN_DOMAIN
    RANK = 60
    KINDS = ("domain",)
    FROM_SCORES = False
    NEEDS_REFERENCE = True

    @classmethod
    def for_task(cls, task: Task) -> tuple[InDomain, ...]:
        """Return the metric, which every task has whose scores need no correction."""
        return () if isinstance(task, Judged) else (cls(),)


METRIC = InDomain
