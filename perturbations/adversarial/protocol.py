"""What an attack is, and the four parts that one is put together from.

goal: when is it reached, and how near is an answer · transformation: what may stand at a place ·
constraint: which changed texts still count · search: which candidates are tried, in what order
(Morris et al. 2020, TextAttack, section 2).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ood.edits import Edit, apply_edits
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
class AttackResult:
    """What became of one example.

    Attributes:
        inputs: The adversarial input where the attack succeeded, the original one otherwise.
        success: The model's right answer was turned into another.
        queries: How many different candidates were put to the model for this example, the original
            included.
        edits: Of a success.
        reducing: Queries that were spent on leaving edits of a success out again; not in `queries`.
        rejected: Candidates that a constraint did not accept.
        skipped: Why the example was not attacked, or "".
    """

    inputs: Inputs
    success: bool
    queries: int
    edits: State = ()
    reducing: int = 0
    rejected: int = 0
    skipped: str = ""


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


@dataclass(frozen=True)
class Problem:
    """One example under attack.

    Attributes:
        example: The example; its longest field is attacked: the premise, the context, the text.
        answer: The model's, right one to the original.
        places: Where something may be changed, in order.
        budget: The most queries, the original's included.
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


Steps = Generator[Candidates, list["Prediction | None"], State | None]
"""A search on one example: yields candidates, is sent answers (None for one that a constraint
rejected or that was over the cap), and returns the state that reached the goal, or None."""


class Goal(Protocol):
    """What the attacker wants."""

    @property
    def name(self) -> str:
        """The name in fingerprints."""
        ...

    def score(self, answer: Prediction, label: str) -> float:
        """Return how near an answer is to the goal; the higher the nearer."""
        ...

    def reached(self, answer: Prediction, label: str) -> bool:
        """Tell whether an answer is what the attacker wants."""
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

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        ...
