"""The common part of all attacks: their base class, and the keys of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations.adversarial import QueryBudget, Recipe, find_attack
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.filters import parse_filter
from pytest_ood.perturbations.protection import parse_protection
from pytest_ood.shifts.protocol import DEFAULT_PROTECTION, DEFAULT_QUERY_BUDGET, Shift
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from pytest_ood.perturbations.adversarial import Attack
    from pytest_ood.shifts.protocol import Declaration, SuiteExamples

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
    """Base class of shifts by an attack; the kinds are dataclasses with these fields."""

    if TYPE_CHECKING:

        @property
        def attack(self) -> Attack:
            """The search for adversarial examples."""

        @property
        def budget(self) -> QueryBudget:
            """The budget of queries."""

        @property
        def max_examples(self) -> int | None:
            """The most examples that are attacked; None for all."""

    @property
    def summary(self) -> str:
        """The attack, the surrogate if there is one, and the query budget."""
        against = f" against {self.surrogate_name}" if self.surrogate_name else ""
        return f"{self.attack.name}{against}, {self.budget.each} queries"

    @property
    def keeps_answers(self) -> bool:
        """Whether a success keeps the right answer where no answer should be possible."""
        return isinstance(self.attack, Recipe) and not self.attack.goal.turns

    @property
    def max_queries_each(self) -> int:
        """The query budget of one example."""
        return self.budget.each

    def horizon(self, data: SuiteExamples) -> int:
        """Return the most examples that are attacked."""
        size = len(data.examples)
        return min(size, self.max_examples or size)


def parse_attack(declared: Declaration) -> tuple[Attack, QueryBudget, int | None]:
    """Return the attack of a shift, its query budget, and the most examples that are attacked.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    table, labels = ConfigTable(declared.table, declared.where), declared.task.labels
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


def _attack(name: str, table: ConfigTable, labels: tuple[str, ...]) -> Attack:
    """Parse the attack of a shift; attacks that are no recipes have no further keys."""
    attack = find_attack(table.string("attack", name))
    if not isinstance(attack, Recipe):
        for key in ("parameters", "target", "protect", "filter"):
            if key in table:
                raise ConfigurationError(
                    f"{key}: {attack.name} is no Recipe and does not take this key; set it where "
                    "the attack is built"
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
