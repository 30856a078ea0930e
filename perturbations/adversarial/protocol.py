"""What an attack is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.tasks import Prediction


class Query(Protocol):
    """The model's door: asks a batch and returns its answers in order."""

    def __call__(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Ask the model."""
        ...


@dataclass(frozen=True)
class AttackResult:
    """What became of one example.

    Attributes:
        inputs: The adversarial input where the attack succeeded, the original one otherwise.
        success: The model's right answer was turned into another.
        queries: How many candidates were put to the model for this example.
    """

    inputs: Inputs
    success: bool
    queries: int


class Attack(Protocol):
    """Searches, for every example, for a change that makes a right answer wrong."""

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name and version: what has to be equal for the same queries to be asked."""
        ...

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, query_budget: int
    ) -> list[AttackResult]:
        """Attack all examples at once.

        Args:
            query: The model under attack.
            examples: Originally wrong ones are left as they are.
            seed: Of the run.
            query_budget: The most queries for one example.

        Returns:
            One result an example, in order.
        """
        ...
