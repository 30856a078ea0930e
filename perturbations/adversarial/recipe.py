"""Recipes: attacks that combine a goal, a transformation, constraints and a search."""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import ANY, Fits
from pytest_ood.perturbations.adversarial._lockstep import Lockstep
from pytest_ood.perturbations.adversarial.constraints import Unprotected
from pytest_ood.perturbations.adversarial.goals import Untargeted
from pytest_ood.perturbations.adversarial.protocol import (
    FIXED,
    NO_SCORES,
    AttackResult,
    Goal,
    Problem,
    Query,
    QueryBudget,
    Search,
    SpanRule,
    Steps,
    Transformation,
    attacked_field,
)
from pytest_ood.perturbations.adversarial.transformations import JoinedTransformations
from pytest_ood.utils.seeding import generator

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.perturbations.adversarial.grading import ScoreGrader
    from pytest_ood.perturbations.contracts import ValidityFilter
    from pytest_ood.perturbations.protection import Protection
    from pytest_ood.tasks import Prediction

Profile = Literal["loose", "strict"]

_OPEN = (str, int, float)
_CLOSED = ("name", "needs_scores", "turns", "target", "every", "inner", "head")


@dataclass(frozen=True)
class Recipe:
    """An attack that combines parts.

    Attributes:
        name: In suites and reports.
        source: The paper (section).
        does: A sentence that describes the attack.
        transformation: The possible replacements of spans.
        search: The order in which candidates are tried.
        rules: Rules on the spans that may be changed.
        constraints: Filters that candidates have to pass.
        goal: Decides which answers are a success.
        profile: "loose" as published; "strict" so that people read the texts as the same.
        deviations: Differences from the paper, in words.
        needs: Requirements besides this package, in words; "" for none.
        version: To be raised with every change of its queries.
        grader: Tells right answers from wrong ones by their scores, for a task without labels.
        languages: The languages of texts that it fits.
    """

    name: str
    source: str
    does: str
    transformation: Transformation
    search: Search
    rules: tuple[SpanRule, ...] = ()
    constraints: tuple[ValidityFilter, ...] = ()
    goal: Goal = field(default_factory=Untargeted)
    profile: Profile = "loose"
    deviations: str = ""
    needs: str = ""
    version: int = 1
    grader: ScoreGrader | None = None
    languages: Fits = field(default=ANY, repr=False)

    @property
    def fingerprint(self) -> str:
        """Name, version and every part."""
        parts = [
            self.goal.name,
            self.transformation.name,
            *(rule.name for rule in self.rules),
            *(constraint.fingerprint for constraint in self.constraints),
            self.search.name,
            *([] if self.grader is None else [self.grader.fingerprint]),
        ]
        return f"{self.name}@{self.version}({'; '.join(parts)})"

    @property
    def parameters(self) -> dict[str, Any]:
        """The parameters that may be set, with their values: numbers and names in its parts."""
        parts = (*_parts_of(self.transformation), self.search, self.goal)
        return {name: value for part in parts for name, value in _parameters(part).items()}

    def weights(self) -> tuple[str, ...]:
        """Return the hashes of the user's files that its parts read: models and word vectors."""
        parts = _parts_of(self.transformation)
        return tuple(hash_ for part in parts for hash_ in getattr(part, "weights", tuple)())

    @property
    def is_shipped(self) -> bool:
        """Whether every part is of this package, so that its version identifies it."""
        parts = (
            *_parts_of(self.transformation),
            self.search,
            self.goal,
            *self.rules,
            *self.constraints,
            *([] if self.grader is None else [self.grader.task]),
        )
        home = __name__.partition(".")[0]
        return all(type(part).__module__.partition(".")[0] == home for part in parts)

    def with_parameters(self, **values: Any) -> Recipe:
        """Return the recipe with other numbers and names in its parts.

        Raises:
            ConfigurationError: it has no such parameter, or the value is of another type.
        """
        parameters = self.parameters
        for name, value in values.items():
            if name not in parameters:
                raise ConfigurationError(
                    f"attack {self.name}: " + unknown_name("parameter", name, parameters)
                )
            kind = type(parameters[name])
            fits = isinstance(value, kind) and isinstance(value, bool) == (kind is bool)
            if not fits and not (kind is float and type(value) is int):
                raise ConfigurationError(
                    f"attack {self.name}: {name} = {value!r} is of type {type(value).__name__}; "
                    f"it is a {kind.__name__}, {parameters[name]!r} unless given"
                )
        return replace(
            self,
            transformation=_with(self.transformation, values),
            search=_with(self.search, values),
            goal=_with(self.goal, values),
        )

    def keeping(self, protection: Protection | None) -> Recipe:
        """Return the recipe with spans that it does not change."""
        if protection is None:
            return self
        return replace(self, rules=(*self.rules, Unprotected(protection)))

    def under(self, *filters: ValidityFilter) -> Recipe:
        """Return the recipe with validity filters as further constraints."""
        return replace(self, constraints=(*self.constraints, *filters))

    def graded_by(self, grader: ScoreGrader) -> Recipe:
        """Return the recipe for a task without labels."""
        return replace(self, grader=grader)

    def aiming(self, goal: Goal) -> Recipe:
        """Return the recipe with another goal."""
        return replace(self, goal=goal)

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, budget: QueryBudget
    ) -> Iterator[tuple[int, AttackResult]]:
        """Attack all examples in lockstep."""

        def start(example: Example, answer: Prediction) -> tuple[Problem, Steps] | str:
            """Return the problem and its search, or the reason why there is none."""
            text = fields_of(example.inputs)[attacked_field(example)]
            refused = self.goal.refuses(example.label, text)
            if refused:
                return refused
            if self.search.needs_scores and not answer.scores:
                return NO_SCORES
            task = None if self.grader is None else self.grader.task
            answers = example.right_answers if task is None else task.protected(example)
            rules = [
                Unprotected(rule.protection.with_answers(answers))
                if isinstance(rule, Unprotected)
                else rule
                for rule in self.rules
            ]
            spans = tuple(
                span
                for span in self.transformation.spans(text)
                if all(rule.allows(text, span) for rule in rules)
            )
            if not spans:
                return FIXED
            rng = generator(seed, self.name, example.id)
            problem = Problem(
                example=example, answer=answer, spans=spans, budget=budget.search, rng=rng
            )
            return problem, self.search.steps(problem, self.transformation, self.goal)

        return Lockstep(
            query=query,
            goal=self.goal,
            constraints=self.constraints,
            budget=budget,
            grader=self.grader,
        ).run(examples, start)


def _parts_of(transformation: Transformation) -> tuple[Transformation, ...]:
    """Return the parts of a joined transformation, or the transformation itself."""
    return (
        transformation.parts
        if isinstance(transformation, JoinedTransformations)
        else (transformation,)
    )


def _parameters(part: object) -> dict[str, Any]:
    if not is_dataclass(part):
        return {}
    return {
        f.name: value
        for f in fields(part)
        if f.name not in _CLOSED and isinstance(value := getattr(part, f.name), _OPEN)
    }


def _with(part: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(part, JoinedTransformations):
        return JoinedTransformations(tuple(_with(one, values) for one in part.parts))
    own = {name: values[name] for name in _parameters(part) if name in values}
    return replace(part, **own) if own else part
