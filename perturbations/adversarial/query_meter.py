"""Counts queries per example and stops at the query budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_ood.data.inputs import canonical
from pytest_ood.errors import TooLongError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.perturbations.adversarial.protocol import Query, QueryBudget
    from pytest_ood.tasks import Prediction

    Answers = dict[str, Prediction | None]


@dataclass
class QueryMeter:
    """Sends each candidate to the model once, and counts the queries of every attack.

    Attributes:
        query: The model.
        budget: Enforced here, before the model is called, so that no search can exceed it.
        answers: For each running attack the answers by input; None for an input without an answer.
        spent: Queries of the attacks that have ended, with those that confirm successes.
    """

    query: Query
    budget: QueryBudget
    answers: dict[int, Answers] = field(default_factory=dict)
    spent: int = 0

    def admits(self) -> bool:
        """Return whether the budget of the run covers one attack more."""
        # Reserves the full budget of every running attack, so that none is cut short later.
        total, each = self.budget.total, self.budget.each
        return total is None or self.spent + (len(self.answers) + 1) * each <= total

    def open(self, index: int) -> None:
        """Begin the attack on the example with this index."""
        self.answers[index] = {}

    def close(self, index: int, *, success: bool) -> None:
        """End an attack, and release the queries that it has not used."""
        # A success is queried once more, outside of the attack, to confirm it.
        self.spent += len(self.answers.pop(index)) + success

    def queries(self, index: int) -> int:
        """Return the number of different candidates queried for an example."""
        return len(self.answers[index])

    def is_used_up(self, index: int) -> bool:
        """Return whether the queries of an example's search are used up."""
        return self.queries(index) >= self.budget.search

    def ask(self, batch: Sequence[tuple[int, Sequence[Inputs]]]) -> list[list[Prediction | None]]:
        """Answer candidates of several examples with one batch.

        Args:
            batch: Pairs (index of the example, its candidates).

        Returns:
            The answer to each candidate; None if it was over the budget or was not answered.
        """
        # An input occurs once in the batch, also if several attacks ask for it; each of them pays
        # for it, so that the count does not depend on which attacks happen to run together.
        keys = [[canonical(value) for value in values] for _, values in batch]
        new: dict[str, Inputs] = {}
        queried: list[tuple[int, str]] = []
        for (index, values), row in zip(batch, keys, strict=True):
            cached, left = self.answers[index], self.budget.search - self.queries(index)
            unknown = {n: v for n, v in zip(row, values, strict=True) if n not in cached}
            for key in list(unknown)[: max(0, left)]:
                new[key] = unknown[key]
                queried.append((index, key))
        answers = self._answers(new)
        for index, key in queried:
            self.answers[index][key] = answers.get(key)
        return [
            [self.answers[index].get(key) for key in row]
            for (index, _), row in zip(batch, keys, strict=True)
        ]

    def _answers(self, inputs: dict[str, Inputs]) -> dict[str, Prediction]:
        """Query the model; inputs that are too long, or for which it raised, have no answer."""
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
