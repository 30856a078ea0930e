"""Running many searches at once: each round, all live examples' candidates go into one batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING

from pytest_ood.edits import Perturbed
from pytest_ood.examples import canonical, fields_of
from pytest_ood.perturbations.adversarial.protocol import AttackResult, Candidates, attacked_field

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.perturbations.adversarial.protocol import Goal, Problem, Query, State, Steps
    from pytest_ood.perturbations.contracts import ValidityFilter
    from pytest_ood.tasks import Prediction

    Start = Callable[[Example, Prediction], tuple[Problem, Steps] | str]

LIVE = 256
"""How many examples are under attack at the same time: enough to fill batches, and flat memory."""


@dataclass
class Live:
    """An example under attack, and what is known of it so far.

    Attributes:
        place: In the list of examples.
        example: What is attacked.
        problem: None until the original is answered.
        steps: The search, or the reduction of what it has found.
        asked: What it wants to know next.
        known: Answers by inputs: none is asked twice.
        queries: Different candidates that were asked, the original included.
        reducing: Of them, those of the reduction.
        rejected: Candidates that a constraint did not accept.
        success: The best state that reached the goal, with its score.
        reduces: The search has ended, and its success is being reduced.
    """

    place: int
    example: Example
    problem: Problem | None = None
    steps: Steps | None = None
    asked: Candidates = Candidates([()], constrained=False)  # noqa: RUF009 - a frozen value
    known: dict[str, Prediction] = field(default_factory=dict)
    queries: int = 0
    reducing: int = 0
    rejected: int = 0
    success: tuple[float, State] | None = None
    reduces: bool = False

    def inputs(self, state: State) -> Inputs:
        """Return what the model is asked in a state."""
        return self.problem.inputs(state) if self.problem is not None else self.example.inputs

    @property
    def text(self) -> str:
        """The attacked text."""
        return fields_of(self.example.inputs)[attacked_field(self.example)]

    def result(self, skipped: str = "") -> AttackResult:
        """Return what became of the example."""
        state = self.success[1] if self.success is not None else ()
        return AttackResult(
            self.inputs(state),
            success=self.success is not None,
            queries=self.queries - self.reducing,
            edits=state,
            reducing=self.reducing,
            rejected=self.rejected,
            skipped=skipped,
        )


@dataclass(frozen=True)
class Lockstep:
    """Runs searches to their ends, sharing one batch a round.

    Attributes:
        query: The model's door.
        goal: What a success is.
        constraints: Every candidate has to be accepted by all, the cheap ones first.
        budget: The most different queries for one example. It is enforced here, before the model
            is asked, so that no search can go beyond it.
    """

    query: Query
    goal: Goal
    constraints: Sequence[ValidityFilter]
    budget: int

    def run(self, examples: Iterable[Example], start: Start) -> Iterator[tuple[int, AttackResult]]:
        """Attack examples, and yield (place, result) as they end.

        Args:
            examples: What is attacked.
            start: Returns the problem and its search for an example that the model answers right,
                or why it cannot be attacked.
        """
        waiting = (Live(place, example) for place, example in enumerate(examples))
        live = list(islice(waiting, LIVE))
        while live:
            following = []
            for one, answers in zip(live, self._answers(live), strict=True):
                result = self._advance(one, answers, start)
                if result is None:
                    following.append(one)
                else:
                    yield one.place, result
            live = [*following, *islice(waiting, LIVE - len(following))]

    def _answers(self, live: list[Live]) -> list[list[Prediction | None]]:
        """Answer what every live example wants to know, with one batch for all."""
        inputs = [[one.inputs(state) for state in one.asked.states] for one in live]
        keys = [[canonical(value) for value in values] for values in inputs]
        allowed = self._allowed(live, keys)
        new: dict[str, Inputs] = {}
        asked: list[list[str]] = []
        for one, values, names, good in zip(live, inputs, keys, allowed, strict=True):
            wanted = {
                name: value
                for name, value, accepted in zip(names, values, good, strict=True)
                if accepted and name not in one.known
            }
            wanted = dict(islice(wanted.items(), max(0, self.budget - one.queries)))
            one.queries += len(wanted)
            one.reducing += len(wanted) if one.reduces else 0
            asked.append(list(wanted))
            new.update(wanted)
        answers = dict(zip(new, self.query(list(new.values())), strict=True)) if new else {}
        for one, wanted_names in zip(live, asked, strict=True):
            one.known.update((name, answers[name]) for name in wanted_names)
        return [
            [one.known.get(name) if ok else None for name, ok in zip(names, good, strict=True)]
            for one, names, good in zip(live, keys, allowed, strict=True)
        ]

    def _allowed(self, live: list[Live], keys: list[list[str]]) -> list[list[bool]]:
        """Tell which candidates the constraints accept, asking each constraint once for all."""
        allowed = [[True] * len(names) for names in keys]
        pending = [
            (row, column)
            for row, one in enumerate(live)
            if one.asked.constrained
            for column, name in enumerate(keys[row])
            if name not in one.known
        ]
        for constraint in self.constraints:
            cases = [
                Perturbed(live[row].text, live[row].asked.states[column]) for row, column in pending
            ]
            accepted = constraint.accepts(cases) if cases else []
            for (row, column), good in zip(pending, accepted, strict=True):
                if not good:
                    allowed[row][column] = False
                    live[row].rejected += 1
            pending = [place for place, good in zip(pending, accepted, strict=True) if good]
        return allowed

    def _advance(
        self, one: Live, answers: list[Prediction | None], start: Start
    ) -> AttackResult | None:
        """Let a search take its answers; return what became of the example once it has ended."""
        if one.steps is None:
            return self._begin(one, answers[0], start)
        if one.asked.constrained:
            for state, answer in zip(one.asked.states, answers, strict=True):
                if answer is not None and self.goal.reached(answer, one.example.label):
                    _note(one, state, self.goal.score(answer, one.example.label))
        if one.queries >= self.budget and all(answer is None for answer in answers):
            one.steps.close()
            return one.result()
        try:
            one.asked = one.steps.send(answers)
        except StopIteration:
            return self._end(one)
        return None

    def _begin(self, one: Live, answer: Prediction | None, start: Start) -> AttackResult | None:
        if answer is None or answer.label != one.example.label:
            return one.result("wrong from the start")
        made = start(one.example, answer)
        if isinstance(made, str):
            return one.result(made)
        one.problem, one.steps = made
        try:
            one.asked = next(one.steps)
        except StopIteration:
            return one.result()
        return None

    def _end(self, one: Live) -> AttackResult | None:
        """Reduce a success of several edits before its result is given."""
        if one.success is None or one.problem is None or one.reduces or len(one.success[1]) == 1:
            return one.result()
        one.reduces = True
        one.steps = _reduced(one.success[1], self.goal, one.problem)
        one.asked = next(one.steps)
        return None


def _note(one: Live, state: State, score: float) -> None:
    """Keep the better of two successes: fewer edits, then the higher score."""
    if one.success is None or (len(state), -score) < (len(one.success[1]), -one.success[0]):
        one.success = (score, state)


def _reduced(state: State, goal: Goal, problem: Problem) -> Steps:
    """Leave out one edit after the other, as long as the goal is still reached."""
    label = problem.example.label
    while len(state) > 1:
        fewer = [state[:n] + state[n + 1 :] for n in range(len(state))]
        answers = yield Candidates(fewer)
        good = [
            (goal.score(answer, label), place)
            for place, answer in enumerate(answers)
            if answer is not None and goal.reached(answer, label)
        ]
        if not good:
            break
        state = fewer[max(good)[1]]
    return state
