"""The common part of all attacks: their base class, and the keys of their tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import ENGLISH
from pytest_ood.perturbations.adversarial import (
    QueryBudget,
    Recipe,
    attack_in_language,
    find_attack,
)
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.adversarial.grading import WRONG_BELOW, ScoreGrader
from pytest_ood.perturbations.filters import parse_filter
from pytest_ood.perturbations.protection import parse_protection
from pytest_ood.shifts.protocol import (
    DEFAULT_PROTECTION,
    DEFAULT_QUERY_BUDGET,
    Shift,
    language_of,
)
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_ood.perturbations.adversarial import Attack
    from pytest_ood.shifts.protocol import Declaration, SuiteExamples
    from pytest_ood.tasks import Task

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
    "wrong_below",
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

    def check_languages(self, languages: Iterable[str]) -> None:
        """Check that the attack fits the languages of the examples."""
        for language in languages:
            attack_in_language(self.attack, language or ENGLISH.code)

    def horizon(self, data: SuiteExamples) -> int:
        """Return the most examples that are attacked."""
        size = len(data.examples)
        return min(size, self.max_examples or size)


def parse_attack(declared: Declaration) -> tuple[Attack, QueryBudget, int | None]:
    """Return the attack of a shift, its query budget, and the most examples that are attacked.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    table = ConfigTable(declared.table, declared.where)
    attack = _attack(declared.name, table, declared.task)
    language = language_of(declared.source)
    attack = attack_in_language(attack, language) if language else attack
    each = table.count("query_budget", DEFAULT_QUERY_BUDGET)
    budget = QueryBudget(each, table.count("max_queries"))
    most = table.count("max_examples")
    on = table.get("on", INPUT)
    if on not in (INPUT, PROMPT):
        raise ConfigurationError("on: " + unknown_name("target", str(on), (INPUT, PROMPT)))
    if on == INPUT and "search_examples" in table:
        raise ConfigurationError('search_examples: it goes with on = "prompt"')
    return attack, budget, most


def _attack(name: str, table: ConfigTable, task: Task) -> Attack:
    """Parse the attack of a shift; attacks that are no recipes have no further keys."""
    attack = find_attack(table.string("attack", name))
    if not isinstance(attack, Recipe):
        for key in ("parameters", "target", "protect", "filter"):
            if key in table:
                raise ConfigurationError(
                    f"{key}: {attack.name} is no Recipe and does not take this key; set it where "
                    "the attack is built"
                )
        if not task.labels:
            raise ConfigurationError(
                f"{attack.name} turns one label into another, and the task {task.name} has none; "
                "take one of this package's attacks, or domain and noise shifts"
            )
        return attack
    attack = attack.with_parameters(**table.subtable("parameters"))
    kinds = table.strings("protect", (*DEFAULT_PROTECTION, *task.protects))
    attack = attack.keeping(parse_protection(kinds, task.labels))
    if "filter" in table:
        attack = attack.under(parse_filter(table["filter"]))
    return _aimed(attack, table, task)


def _aimed(attack: Recipe, table: ConfigTable, task: Task) -> Recipe:
    """Return a recipe with the goal of the table: any wrong answer, or one label."""
    if not task.labels:
        if "target" in table:
            raise ConfigurationError(f"target: it is a label, and the task {task.name} has none")
        wrong_below = table.share("wrong_below", WRONG_BELOW)
        return attack.graded_by(ScoreGrader(task, wrong_below))
    if "wrong_below" in table:
        raise ConfigurationError(
            f"wrong_below: it is for tasks without labels, and {task.name} has them; leave it out"
        )
    if "target" not in table:
        return attack
    if not attack.goal.turns:
        raise ConfigurationError(f"target: {attack.name} is after the right answer, not another")
    target = table.string("target", "")
    if target not in task.labels:
        raise ConfigurationError("target: " + unknown_name("label", target, task.labels))
    return attack.aiming(Targeted(target))
