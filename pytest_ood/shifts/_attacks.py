"""What all attacks have in common: what they say about themselves, and the keys of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations.adversarial import QueryBudget, Recipe, find_attack
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.filters import parse_filter
from pytest_ood.perturbations.protection import parse_protection
from pytest_ood.shifts.protocol import DEFAULT_PROTECTION, DEFAULT_QUERY_BUDGET, Shift
from pytest_ood.tables import Table

if TYPE_CHECKING:
    from pytest_ood.perturbations.adversarial import Attack
    from pytest_ood.shifts.protocol import Declaration, DrawnData

INPUT, PROMPT = "input", "prompt"
KEYS = (
    "attack",
    "parameters",
    "query_budget",
    "max_queries",
    "max_examples",
    "target",
    "protect",
    "filter",
    "on",
)


class AttackShift(Shift):
    """A shift that an attack makes; the kinds are dataclasses with the fields named here."""

    if TYPE_CHECKING:

        @property
        def attack(self) -> Attack:
            """The search."""

        @property
        def budget(self) -> QueryBudget:
            """Of queries."""

        @property
        def max_examples(self) -> int | None:
            """Attack so many examples at most."""

    @property
    def summary(self) -> str:
        """The attack, the model that it is made against, and its queries."""
        against = f" against {self.made_against}" if self.made_against else ""
        return f"{self.attack.name}{against}, {self.budget.each} queries"

    @property
    def keeps_answers(self) -> bool:
        """Whether the attack is after the right answer, where there ought to be none."""
        return isinstance(self.attack, Recipe) and not self.attack.goal.turns

    @property
    def queries_each(self) -> int:
        """The most queries for one example."""
        return self.budget.each

    def horizon(self, data: DrawnData) -> int:
        """Return how many examples are attacked at most."""
        size = len(data.examples)
        return min(size, self.max_examples or size)


def parse_attack(declared: Declaration) -> tuple[Attack, QueryBudget, int | None]:
    """Return the attack of a shift, its queries, and how many examples are attacked at most.

    Raises:
        ConfigurationError: a value that is wrong, or not known.
    """
    table, labels = Table(declared.table, declared.where), declared.task.labels
    if not labels:
        raise ConfigurationError(
            "attacks turn one label into another, and this task has none; take domain and noise "
            "shifts"
        )
    attack = _attack(declared.name, table, labels)
    each = table.count("query_budget", DEFAULT_QUERY_BUDGET)
    budget = QueryBudget(each, table.count("max_queries"))
    most = table.count("max_examples")
    on = table.get("on", INPUT)
    if on not in (INPUT, PROMPT):
        raise ConfigurationError("on: " + unknown_name("target", str(on), (INPUT, PROMPT)))
    if on == INPUT and "search_examples" in table:
        raise ConfigurationError('search_examples: it goes with on = "prompt"')
    return attack, budget, most


def _attack(name: str, table: Table, labels: tuple[str, ...]) -> Attack:
    """Read the attack of a shift; one that is no recipe is taken as it is."""
    attack = find_attack(table.string("attack", name))
    if not isinstance(attack, Recipe):
        for key in ("parameters", "target", "protect", "filter"):
            if key in table:
                raise ConfigurationError(
                    f"{key}: {attack.name} is no Recipe, and cannot be told; tell it where it is "
                    "made"
                )
        return attack
    attack = attack.with_parameters(**table.subtable("parameters"))
    protection = parse_protection(table.strings("protect", DEFAULT_PROTECTION), labels)
    attack = attack.keeping(protection)
    if "filter" in table:
        attack = attack.under(parse_filter(table["filter"]))
    if "target" in table:
        if not attack.goal.turns:
            raise ConfigurationError(
                f"target: {attack.name} is after the right answer, not another"
            )
        target = table.string("target", "")
        if target not in labels:
            raise ConfigurationError("target: " + unknown_name("label", target, labels))
        attack = attack.aiming(Targeted(target))
    return attack
