"""The distance to a model that was trained on the target domain."""

from __future__ import annotations

from dataclasses import dataclass

from pytest_ood.metrics.accuracy import Accuracy

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


METRIC = InDomain
