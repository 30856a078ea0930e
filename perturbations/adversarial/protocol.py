"""The protocol of attacks, and of the four parts that a recipe combines.

goal: which answers are a success, and how near is an answer to one · transformation: how a span may
be replaced · constraint: which changed texts are allowed · search: which candidates are tried, in
what order (Morris et al. 2020, TextAttack, section 2).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ood.data.edits import Edit, Perturbed, apply_edits
from pytest_ood.data.inputs import fields_of, with_fields
from pytest_ood.errors import ConfigurationError

if TYPE_CHECKING:
    from random import Random

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks import Prediction

State = tuple[Edit, ...]
"""Edits of the attacked text, in order and without overlaps; () is the original."""

Span = tuple[int, int]


class Query(Protocol):
    """Sends a batch to the model under attack, and returns its answers in order."""

    def __call__(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Ask the model."""
        ...


@dataclass(frozen=True)
class QueryBudget:
    """The largest numbers of different candidates that an attack may query.

    Attributes:
        each: The most for one example: the original, the search, reducing a success, and asking
            about it once more.
        total: The most for all examples of a run, or None. An attack only begins if the remaining
            queries cover `each`: none is cut short, and later examples are skipped.

    Raises:
        ConfigurationError: nothing could be attacked with so few.
    """

    each: int
    total: int | None = None

    def __post_init__(self) -> None:
        if self.each < 3:  # noqa: PLR2004 - the original, a candidate, and that once more
            raise ConfigurationError(
                f"query_budget = {self.each}: the original takes one query, and a success is asked "
                "about twice; give 3 or more"
            )
        if self.total is not None and self.total < self.each:
            raise ConfigurationError(
                f"max_queries = {self.total} is less than one example may take (query_budget = "
                f"{self.each}); nothing would be attacked"
            )

    @property
    def search(self) -> int:
        """The largest number for one example before its success is queried once more."""
        return self.each - 1


WRONG = "wrong from the start"
UNTRIED = "no candidate came to the model: none there, none valid, or its queries used up before"
TOO_LONG = "longer than the model's window, or the model raised"
USED_UP = "the queries of the run were used up"
FIXED = "nothing in it may be changed"
NO_SCORES = "the model gives no scores, which the search needs"


@dataclass(frozen=True)
class AttackResult:
    """The result of the attack on one example.

    Attributes:
        inputs: The adversarial input where the attack succeeded, the original one otherwise.
        success: The goal was reached.
        queries: The number of different candidates queried for this example, with the original.
        answer: The model's answer to `inputs`; None if it was not asked.
        edits: The edits of a success.
        nearest: The edits of the candidate nearest to the goal; () for the original.
        reducing: Queries for removing edits from a success again; not part of `queries`.
        rejected: Candidates that a constraint rejected.
        skipped: The reason why the example was not attacked, or "".
    """

    inputs: Inputs
    success: bool
    queries: int
    answer: Prediction | None = None
    edits: State = ()
    nearest: State = ()
    reducing: int = 0
    rejected: int = 0
    skipped: str = ""

    @property
    def left_out(self) -> bool:
        """Whether the example is excluded from the figures.

        An example that the model answers wrong from the start is not attacked, but counts.
        """
        return self.skipped not in ("", WRONG)


class Attack(Protocol):
    """Searches, for every example, for a change that makes a right answer wrong."""

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name, version and parameters; attacks with equal fingerprints ask the same queries."""
        ...

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, budget: QueryBudget
    ) -> Iterable[tuple[int, AttackResult]]:
        """Attack all examples.

        Args:
            query: The model under attack; `QueryMeter` counts its queries and enforces the budget.
            examples: The examples; those that the model answers wrong are not changed.
            seed: The seed of the run.
            budget: The query budget.

        Returns:
            Pairs (index in `examples`, result), one for each example, as the attacks end.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One example under attack.

    Attributes:
        example: The example; its longest field is attacked: the premise, the context, the text.
        answer: The model's answer to the original, which is right.
        spans: The spans that may be changed, in order.
        budget: The largest number of queries of the search, with the original.
        rng: The random generator of this example alone.
    """

    example: Example
    answer: Prediction
    spans: tuple[Span, ...]
    budget: int
    rng: Random

    @property
    def field(self) -> str:
        """The name of the attacked field."""
        return attacked_field(self.example)

    @property
    def text(self) -> str:
        """The attacked text."""
        return fields_of(self.example.inputs)[self.field]

    def inputs(self, state: State) -> Inputs:
        """Return what the model is asked in a state."""
        return with_fields(self.example.inputs, {self.field: apply_edits(self.text, state)})

    def case(self, state: State) -> Perturbed:
        """Return the attacked text in a state, with its original."""
        return Perturbed(self.text, state)


def attacked_field(example: Example) -> str:
    """Return the name of an example's longest field."""
    texts = fields_of(example.inputs)
    return max(texts, key=lambda name: (len(texts[name]), name))


@dataclass(frozen=True)
class Candidates:
    """The candidates that a search asks for next.

    Attributes:
        states: The states to query.
        constrained: Whether the constraints apply; probes of a word's importance are no adversarial
            examples, and have none.
    """

    states: Sequence[State]
    constrained: bool = True


Steps = Generator[Candidates, list["Prediction | None"], None]
"""A search on one example: yields candidates and is sent their answers, None for a candidate that a
constraint rejected or that was over the budget. It is closed as soon as a constrained candidate
reaches the goal."""


class Goal(Protocol):
    """The attacker's goal."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def score(self, answer: Prediction, label: str) -> float:
        """Return how near an answer is to the goal; higher is nearer."""
        ...

    def reached(self, answer: Prediction, label: str, case: Perturbed) -> bool:
        """Return whether this answer to this changed text reaches the goal."""
        ...

    def refuses(self, label: str, text: str) -> str:
        """Return why an example of this label cannot be attacked, or ""."""
        ...

    @property
    def turns(self) -> bool:
        """Whether a success is another answer: then it is reduced to the fewest edits."""
        ...


class Transformation(Protocol):
    """Possible replacements of spans of a text."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def spans(self, text: str) -> list[Span]:
        """Return the spans that it can replace, in order and without overlaps."""
        ...

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the replacements of each span, without repeats; spans without any are omitted."""
        ...


class SpanRule(Protocol):
    """A constraint on the spans that are changed, applied before candidates are built."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def allows(self, text: str, span: Span) -> bool:
        """Return whether a span may be changed."""
        ...


class Search(Protocol):
    """The order in which candidates are tried."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    @property
    def needs_scores(self) -> bool:
        """Whether it cannot search a model that gives no scores."""
        ...

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        ...
