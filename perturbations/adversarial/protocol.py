"""What an attack is, and the four parts that one is put together from.

goal: when is it reached, and how near is an answer · transformation: what may stand at a place ·
constraint: which changed texts still count · search: which candidates are tried, in what order
(Morris et al. 2020, TextAttack, section 2).
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ood.edits import Edit, Perturbed, apply_edits
from pytest_ood.errors import ConfigurationError
from pytest_ood.examples import fields_of, with_fields

if TYPE_CHECKING:
    from random import Random

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.tasks import Prediction

State = tuple[Edit, ...]
"""Edits of the attacked text, in order and without overlaps; () is the original."""

Span = tuple[int, int]


class Query(Protocol):
    """The model's door: asks a batch and returns its answers in order."""

    def __call__(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Ask the model."""
        ...


@dataclass(frozen=True)
class QueryBudget:
    """How many different candidates an attack may put to the model.

    Attributes:
        each: The most for one example: the original, the search, reducing a success, and asking
            about it once more.
        total: The most for all examples of a run, or None. An example is only begun where what is
            left covers `each` of it: none is cut short, and those that come too late are skipped.

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
        """The most for one example before its success is asked about once more."""
        return self.each - 1


WRONG = "wrong from the start"
UNTRIED = "no candidate came to the model: none there, none valid, or its queries used up before"
TOO_LONG = "longer than the model's window, or the model raised"
USED_UP = "the queries of the run were used up"
FIXED = "nothing in it may be changed"
NO_SCORES = "the model gives no scores, which the search needs"


@dataclass(frozen=True)
class AttackResult:
    """What became of one example.

    Attributes:
        inputs: The adversarial input where the attack succeeded, the original one otherwise.
        success: The goal was reached.
        queries: How many different candidates were put to the model for this example, the original
            included.
        answer: The model's, to `inputs`; None where it was not asked.
        edits: Of a success.
        nearest: Edits of the candidate that came nearest to the goal; () for the original.
        reducing: Queries that were spent on leaving edits of a success out again; not in `queries`.
        rejected: Candidates that a constraint did not accept.
        skipped: Why the example was not attacked, or "".
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
        """Whether the example says nothing about the model.

        One that the model answers wrong from the start is not attacked, and says what it says.
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
        """Name, version and parameters: what has to be equal for the same queries to be asked."""
        ...

    def run(
        self, query: Query, examples: Sequence[Example], *, seed: int, budget: QueryBudget
    ) -> Iterable[tuple[int, AttackResult]]:
        """Attack all examples.

        Args:
            query: The model under attack; `Door` counts what it is asked, and keeps to the budget.
            examples: Originally wrong ones are left as they are.
            seed: Of the run.
            budget: Of queries.

        Returns:
            (place in `examples`, its result), one for each, as they end.
        """
        ...


@dataclass(frozen=True)
class Problem:
    """One example under attack.

    Attributes:
        example: The example; its longest field is attacked: the premise, the context, the text.
        answer: The model's, to the original; the right one.
        places: Where something may be changed, in order.
        budget: The most queries of the search, the original included.
        rng: Of this example alone.
    """

    example: Example
    answer: Prediction
    places: tuple[Span, ...]
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
    """What a search wants to know next.

    Attributes:
        states: To be put to the model.
        constrained: Whether the constraints hold for them; probes of a word's importance are no
            adversarial examples, and not bound by any.
    """

    states: Sequence[State]
    constrained: bool = True


Steps = Generator[Candidates, list["Prediction | None"], None]
"""A search on one example: yields candidates and is sent answers, None for one that a constraint
rejected or that was over the cap. It ends as soon as a constrained candidate reaches the goal."""


class Goal(Protocol):
    """What the attacker wants."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def score(self, answer: Prediction, label: str) -> float:
        """Return how near an answer is to the goal; the higher the nearer."""
        ...

    def reached(self, answer: Prediction, label: str, case: Perturbed) -> bool:
        """Tell whether this answer to this changed text is what the attacker wants."""
        ...

    def refuses(self, label: str, text: str) -> str:
        """Return why an example of this label cannot be attacked, or ""."""
        ...

    @property
    def turns(self) -> bool:
        """Whether a success is another answer: then it is reduced to the fewest edits."""
        ...


class Transformation(Protocol):
    """What may stand in the place of a piece of text."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def places(self, text: str) -> list[Span]:
        """Return where it can change something, in order and without overlaps."""
        ...

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return what may stand in places instead, each once; a place without is left out."""
        ...


class PlaceRule(Protocol):
    """A constraint on where a text is changed, known before any candidate is made."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def allows(self, text: str, place: Span) -> bool:
        """Tell whether a place may be changed."""
        ...


class Search(Protocol):
    """The order in which candidates are tried."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    @property
    def needs_scores(self) -> bool:
        """Whether it has nothing to go by where a model gives only its answer."""
        ...

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        ...
