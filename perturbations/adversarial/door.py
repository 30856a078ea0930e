"""The model's door: nothing gets to the model but through it, and it keeps to the budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ood.errors import TooLongError
from pytest_ood.examples import canonical

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Inputs
    from pytest_ood.perturbations.adversarial.protocol import Query, QueryBudget
    from pytest_ood.tasks import Prediction

    Known = dict[str, Prediction | None]


@dataclass
class Door:
    """Asks for examples under attack, each candidate once, and counts.

    Attributes:
        query: The model.
        budget: Kept to here, before the model is asked, so that no search can go beyond it.
        known: By example under attack, the answers by input; None for one that got no answer.
        spent: Queries of the examples whose attacks have ended, second ones included.
    """

    query: Query
    budget: QueryBudget
    known: dict[int, Known] = field(default_factory=dict)
    spent: int = 0

    def admits(self) -> bool:
        """Tell whether the attack on one example more may begin."""
        total, each = self.budget.total, self.budget.each
        return total is None or self.spent + (len(self.known) + 1) * each <= total

    def open(self, place: int) -> None:
        """Begin the attack on an example."""
        self.known[place] = {}

    def close(self, place: int, *, success: bool) -> None:
        """End it: what it has not used may be used by others; a success is asked about again."""
        self.spent += len(self.known.pop(place)) + success

    def queries(self, place: int) -> int:
        """Return how many candidates were put to the model for an example."""
        return len(self.known[place])

    def is_used_up(self, place: int) -> bool:
        """Tell whether an example may ask nothing more."""
        return self.queries(place) >= self.budget.search

    def ask(self, wanted: Sequence[tuple[int, Sequence[Inputs]]]) -> list[list[Prediction | None]]:
        """Answer candidates of several examples with one batch.

        Args:
            wanted: (example under attack, its candidates).

        Returns:
            For each candidate its answer; None where it was over the cap, or got no answer.
        """
        names = [[canonical(value) for value in values] for _, values in wanted]
        new: dict[str, Inputs] = {}
        asked: list[tuple[int, str]] = []
        for (place, values), row in zip(wanted, names, strict=True):
            known, left = self.known[place], self.budget.search - self.queries(place)
            unknown = {n: v for n, v in zip(row, values, strict=True) if n not in known}
            for name in list(unknown)[: max(0, left)]:
                new[name] = unknown[name]
                asked.append((place, name))
        answers = self._answers(new)
        for place, name in asked:
            self.known[place][name] = answers.get(name)
        return [
            [self.known[place].get(name) for name in row]
            for (place, _), row in zip(wanted, names, strict=True)
        ]

    def _answers(self, inputs: dict[str, Inputs]) -> dict[str, Prediction]:
        """Ask the model; inputs that it has no window for, or raises for, have no answer."""
        left = dict(inputs)
        while left:
            try:
                answers = self.query(list(left.values()))
                pairs = zip(left, answers, strict=True)
                return {name: answer for name, answer in pairs if answer.error is None}
            except TooLongError as error:
                named = {canonical(value) for value in error.inputs}
                if not named & set(left):
                    raise
                left = {name: value for name, value in left.items() if name not in named}
        return {}
