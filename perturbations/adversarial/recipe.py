"""Recipes: attacks put together from a goal, a transformation, constraints and a search."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pytest_ood.examples import fields_of
from pytest_ood.perturbations.adversarial._lockstep import Lockstep
from pytest_ood.perturbations.adversarial.goals import Untargeted
from pytest_ood.perturbations.adversarial.protocol import (
    AttackResult,
    Goal,
    PlaceRule,
    Problem,
    Query,
    Search,
    Steps,
    Transformation,
    attacked_field,
)
from pytest_ood.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Example
    from pytest_ood.perturbations.contracts import ValidityFilter
    from pytest_ood.tasks import Prediction

Profile = Literal["loose", "strict"]


@dataclass(frozen=True)
class Recipe:
    """An attack.

    Attributes:
        name: In suites and reports.
        source: The paper (section).
        transformation: What may stand in a place.
        search: Which candidates are tried, in what order.
        rules: Which places may be changed.
        constraints: Which candidates count.
        goal: When the attack has succeeded.
        profile: Loose: as published; strict: what people still read as the same.
        deviations: From the paper, in words.
        needs: What has to be there besides this package, in words; empty for nothing.
        version: Raised by whoever changes its queries.
    """

    name: str
    source: str
    transformation: Transformation
    search: Search
    rules: tuple[PlaceRule, ...] = ()
    constraints: tuple[ValidityFilter, ...] = ()
    goal: Goal = field(default_factory=Untargeted)
    profile: Profile = "loose"
    deviations: str = ""
    needs: str = ""
    version: int = 1

    @property
    def fingerprint(self) -> str:
        """Name, version and every part."""
        parts = [
            self.goal.name,
            self.transformation.name,
            *(rule.name for rule in self.rules),
            *(constraint.fingerprint for constraint in self.constraints),
            self.search.name,
        ]
        return f"{self.name}@{self.version}({'; '.join(parts)})"

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, query_budget: int
    ) -> list[AttackResult]:
        """Attack all examples in lockstep."""

        def start(example: Example, answer: Prediction) -> tuple[Problem, Steps] | str:
            text = fields_of(example.inputs)[attacked_field(example)]
            places = tuple(
                place
                for place in self.transformation.places(text)
                if all(rule.allows(text, place) for rule in self.rules)
            )
            if not places:
                return "nothing in it may be changed"
            rng = generator(seed, self.name, example.id)
            problem = Problem(example, answer, places, query_budget, rng)
            return problem, self.search.steps(problem, self.transformation, self.goal)

        lockstep = Lockstep(query, self.goal, self.constraints, query_budget)
        results = dict(lockstep.run(examples, start))
        return [results[place] for place in range(len(examples))]
