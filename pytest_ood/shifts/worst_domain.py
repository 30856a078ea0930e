"""The worst domain: the largest of the drops under the domain shifts of a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

from pytest_ood.shifts.protocol import DOMAIN, Shift

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ood.shifts.protocol import Experiment
    from pytest_ood.trials.predictor import SingleModel

WORST_DOMAIN = "worst-domain"


@dataclass(frozen=True)
class WorstDomain(Shift):
    """The largest of the drops under a suite's domain shifts that count single examples.

    Unlike the worst case of noise it is no drop of its own, example by example, but the largest of
    several drops, each on its own examples.

    Attributes:
        name: The name in reports.
    """

    name: str = WORST_DOMAIN
    kind: str = DOMAIN

    @property
    def is_largest(self) -> bool:
        """True: each domain has examples of its own."""
        return True

    @property
    def min_changed(self) -> int:
        """0, because other examples are not changed ones."""
        return 0

    def parts(self, shifts: Iterable[Shift]) -> Sequence[Shift]:
        """Return the domain shifts of the suite; of contrast sets and CheckList none."""
        return [
            shift
            for shift in shifts
            if shift.kind == DOMAIN and shift.has_own_examples and not shift.counts_cases
        ]

    def trial(self, experiment: Experiment, model: SingleModel) -> NoReturn:
        """Raise an error: there is a trial of each part, and none of all."""
        del model
        raise NotImplementedError(f"{self.name} has no trial of its own: {experiment.where}")
