"""Running many searches at once: each round, all live examples' candidates go into one batch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_ood.perturbations.adversarial.door import Door
from pytest_ood.perturbations.adversarial.protocol import (
    TOO_LONG,
    UNTRIED,
    USED_UP,
    WRONG,
    AttackResult,
    Candidates,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_ood.examples import Example, Inputs
    from pytest_ood.perturbations.adversarial.protocol import (
        Goal,
        Problem,
        Query,
        QueryBudget,
        State,
        Steps,
    )
    from pytest_ood.perturbations.contracts import ValidityFilter
    from pytest_ood.tasks import Prediction

    Start = Callable[[Example, Prediction], tuple[Problem, Steps] | str]

LIVE = 256
"""How many examples are under attack at the same time: enough to fill batches, and flat memory."""

EXHAUSTIVE = 3
"""Up to so many edits of a success all smaller sets are tried; of more, one edit after the other is
left out first. On deepwordbug's successes against a fine-tuned MiniLM 5 found no fewer edits, for
twice the queries."""


@dataclass
class Live:
    """An example under attack, and what is known of it so far.

    Attributes:
        place: In the list of examples.
        example: What is attacked.
        problem: None until the original is answered.
        steps: The search, or the reduction of what it has found.
        asked: What it wants to know next.
        searching: Queries before the reduction began.
        rejected: Candidates that a constraint did not accept.
        tried: A candidate that the constraints accept came to the model.
        nearest: The state that came nearest to the goal, with its score; first the original.
        success: The best state that reached it, with its answer and score.
        reduces: The search has ended, and its success is being reduced.
    """

    place: int
    example: Example
    problem: Problem | None = None
    steps: Steps | None = None
    asked: Candidates = Candidates([()], constrained=False)  # noqa: RUF009 - a frozen value
    searching: int = 0
    rejected: int = 0
    tried: bool = False
    nearest: tuple[float, State] = (0.0, ())
    success: tuple[State, Prediction, float] | None = None
    reduces: bool = False

    def inputs(self, state: State) -> Inputs:
        """Return what the model is asked in a state."""
        return self.problem.inputs(state) if self.problem is not None else self.example.inputs


@dataclass(frozen=True)
class Lockstep:
    """Runs searches to their ends, sharing one batch a round.

    Attributes:
        query: The model.
        goal: What a success is.
        constraints: Every candidate has to be accepted by all, the cheap ones first.
        budget: Of queries.
    """

    query: Query
    goal: Goal
    constraints: Sequence[ValidityFilter]
    budget: QueryBudget

    def run(self, examples: Iterable[Example], start: Start) -> Iterator[tuple[int, AttackResult]]:
        """Attack examples, and yield (place, result) as they end.

        Args:
            examples: What is attacked, begun in this order.
            start: Returns the problem and its search for an example that the model has answered,
                or why it cannot be attacked.
        """
        door = Door(self.query, self.budget)
        waiting = [Live(place, example) for place, example in enumerate(examples)][::-1]
        live: list[Live] = []
        while waiting or live:
            while waiting and len(live) < LIVE and door.admits():
                live.append(waiting.pop())
                door.open(live[-1].place)
            if not live:
                break
            following = []
            for one, answers in zip(live, self._answers(door, live), strict=True):
                result = self._advance(door, one, answers, start)
                if result is None:
                    following.append(one)
                else:
                    door.close(one.place, success=result.success)
                    yield one.place, result
            live = following
        for one in reversed(waiting):
            yield one.place, AttackResult(one.example.inputs, False, 0, skipped=USED_UP)  # noqa: FBT003 - no success

    def _answers(self, door: Door, live: list[Live]) -> list[list[Prediction | None]]:
        """Answer what every live example wants to know, with one batch for all."""
        allowed = self._allowed(live)
        wanted = [
            (
                one.place,
                [one.inputs(s) for s, good in zip(one.asked.states, row, strict=True) if good],
            )
            for one, row in zip(live, allowed, strict=True)
        ]
        answers = [iter(row) for row in door.ask(wanted)]
        return [
            [next(found) if good else None for good in row]
            for found, row in zip(answers, allowed, strict=True)
        ]

    def _allowed(self, live: list[Live]) -> list[list[bool]]:
        """Tell which candidates the constraints accept, asking each constraint once for all."""
        allowed = [[True] * len(one.asked.states) for one in live]
        pending = [
            (row, column, one.problem.case(state))
            for row, one in enumerate(live)
            if one.asked.constrained and one.problem is not None
            for column, state in enumerate(one.asked.states)
        ]
        for constraint in self.constraints:
            accepted = constraint.accepts([case for *_, case in pending]) if pending else []
            for (row, column, _), good in zip(pending, accepted, strict=True):
                if not good:
                    allowed[row][column] = False
                    live[row].rejected += 1
            pending = [one for one, good in zip(pending, accepted, strict=True) if good]
        return allowed

    def _advance(
        self, door: Door, one: Live, answers: list[Prediction | None], start: Start
    ) -> AttackResult | None:
        """Let a search take its answers; return what became of the example once it has ended."""
        if one.problem is None or one.steps is None:
            return self._begin(door, one, answers[0], start)
        if one.asked.constrained:
            self._note(one, one.problem, answers)
        used_up = door.is_used_up(one.place) and all(answer is None for answer in answers)
        if used_up or (one.success is not None and not one.reduces):
            one.steps.close()
            return self._end(door, one)
        try:
            one.asked = one.steps.send(answers)
        except StopIteration:
            return self._end(door, one)
        return None

    def _begin(
        self, door: Door, one: Live, answer: Prediction | None, start: Start
    ) -> AttackResult | None:
        if answer is None:
            return _result(door, one, TOO_LONG)
        made = start(one.example, answer)
        if isinstance(made, str):
            return _result(door, one, made, answer)
        if answer.label != one.example.label:
            return _result(door, one, WRONG, answer)
        one.problem, one.steps = made
        one.nearest = (self.goal.score(answer, one.example.label), ())
        try:
            one.asked = next(one.steps)
        except StopIteration:
            return _result(door, one)
        return None

    def _note(self, one: Live, problem: Problem, answers: list[Prediction | None]) -> None:
        """Keep the state that came nearest to the goal, and the best one that reached it."""
        label = one.example.label
        for state, answer in zip(one.asked.states, answers, strict=True):
            if answer is None:
                continue
            score, one.tried = self.goal.score(answer, label), True
            if score > one.nearest[0]:
                one.nearest = (score, state)
            if self.goal.reached(answer, label, problem.case(state)):
                best = one.success
                # Fewer edits, then the higher score.
                if best is None or (len(state), -score) < (len(best[0]), -best[2]):
                    one.success = (state, answer, score)

    def _end(self, door: Door, one: Live) -> AttackResult | None:
        """Reduce a success of several edits before its result is given."""
        if not one.reduces:
            one.searching = door.queries(one.place)
        done = one.success is None or one.reduces or len(one.success[0]) == 1
        if done or not self.goal.turns or one.success is None or one.problem is None:
            return _result(door, one)
        one.reduces = True
        one.steps = _reduced(one.success[0], self.goal, one.problem)
        one.asked = next(one.steps)
        return None


def _result(
    door: Door, one: Live, skipped: str = "", answer: Prediction | None = None
) -> AttackResult:
    queries = door.queries(one.place)
    problem, success = one.problem, one.success
    if problem is not None:
        answer = problem.answer if success is None else success[1]
        skipped = "" if one.tried else UNTRIED
    edits = success[0] if success is not None else ()
    return AttackResult(
        one.inputs(edits),
        success=success is not None,
        queries=one.searching or queries,
        answer=answer,
        edits=edits,
        nearest=edits or one.nearest[1],
        reducing=queries - one.searching if one.searching else 0,
        rejected=one.rejected,
        skipped=skipped,
    )


def _reduced(state: State, goal: Goal, problem: Problem) -> Steps:
    """Look for fewer edits that reach the goal, too."""
    label = problem.example.label

    def good(
        states: Sequence[State], answers: list[Prediction | None]
    ) -> list[tuple[float, State]]:
        return [
            (goal.score(answer, label), found)
            for found, answer in zip(states, answers, strict=True)
            if answer is not None and goal.reached(answer, label, problem.case(found))
        ]

    while len(state) > EXHAUSTIVE:
        fewer = [state[:n] + state[n + 1 :] for n in range(len(state))]
        found = good(fewer, (yield Candidates(fewer)))
        if not found:
            return
        state = max(found)[1]
    for size in range(1, len(state)):
        fewer = list(combinations(state, size))
        if good(fewer, (yield Candidates(fewer))):
            return
