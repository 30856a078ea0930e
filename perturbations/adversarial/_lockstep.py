"""Runs many searches at once: a round sends the candidates of all running attacks as one batch."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_ood.perturbations.adversarial.protocol import (
    TOO_LONG,
    UNTRIED,
    USED_UP,
    WRONG,
    AttackResult,
    Candidates,
)
from pytest_ood.perturbations.adversarial.query_meter import QueryMeter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.perturbations.adversarial.grading import ScoreGrader
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

MOST_RUNNING = 256
"""Attacks that run at the same time: enough to fill batches, few enough for flat memory."""

EXHAUSTIVE = 3
"""Successes of up to so many edits are reduced by trying all smaller subsets; larger ones drop one
edit at a time first. On deepwordbug's successes against a fine-tuned MiniLM, 5 found no fewer edits
for twice the queries."""


@dataclass(kw_only=True)
class RunningAttack:
    """The state of the attack on one example.

    Attributes:
        index: The example's index in the list of examples.
        example: The attacked example.
        problem: None until the model has answered the original.
        steps: The generator of the search, or of the reduction of its success.
        requested: The candidates that `steps` waits for.
        searching: Queries before the reduction began.
        rejected: Candidates that a constraint rejected.
        tried: Whether the model answered any candidate that satisfies the constraints.
        nearest: The state nearest to the goal, with its score; first the original.
        success: The best state that reached the goal, with its answer and score.
        reduces: Whether the search has ended and its success is being reduced.
    """

    index: int
    example: Example
    problem: Problem | None = None
    steps: Steps | None = None
    requested: Candidates = Candidates([()], constrained=False)  # noqa: RUF009 - a frozen value
    searching: int = 0
    rejected: int = 0
    tried: bool = False
    nearest: tuple[float, State] = (0.0, ())
    success: tuple[State, Prediction, float] | None = None
    reduces: bool = False

    def inputs(self, state: State) -> Inputs:
        """Return what the model is asked in a state."""
        return self.problem.inputs(state) if self.problem is not None else self.example.inputs


@dataclass(frozen=True, kw_only=True)
class Lockstep:
    """Runs searches to their ends, with one shared batch per round.

    Attributes:
        query: The model.
        goal: Decides which answers are a success.
        constraints: Filters that a candidate has to pass, the cheap ones first.
        budget: The query budget.
        grader: Tells right answers from wrong ones; None for tasks with labels.
    """

    query: Query
    goal: Goal
    constraints: Sequence[ValidityFilter]
    budget: QueryBudget
    grader: ScoreGrader | None = None

    def run(self, examples: Iterable[Example], start: Start) -> Iterator[tuple[int, AttackResult]]:
        """Attack examples, and yield (index, result) as their attacks end.

        Args:
            examples: The examples to attack, in the order in which their attacks begin.
            start: Returns the problem and its search for an example that the model has answered,
                or the reason why the example cannot be attacked.
        """
        # A search is a generator, so one thread can hold hundreds of them at their `yield`: each
        # round collects what all of them ask for, sends it as one batch, and resumes each search
        # with its answers. The results do not depend on how attacks are batched, since every search
        # has a random generator and a query budget of its own.
        meter = QueryMeter(self.query, self.budget)
        waiting = [
            RunningAttack(index=index, example=example) for index, example in enumerate(examples)
        ][::-1]
        running: list[RunningAttack] = []
        while waiting or running:
            # The meter admits an attack only if the run's budget covers the worst case of all that
            # run; an attack that ends below its budget makes room for a waiting one.
            while waiting and len(running) < MOST_RUNNING and meter.admits():
                running.append(waiting.pop())
                meter.open(running[-1].index)
            if not running:
                # Nothing runs that could free queries: the rest is skipped below.
                break
            following = []
            for attack, answers in zip(running, self._answers(meter, running), strict=True):
                result = self._advance(meter, attack, answers, start)
                if result is None:
                    following.append(attack)
                else:
                    meter.close(attack.index, success=result.success)
                    yield attack.index, result
            running = following
        for attack in reversed(waiting):
            yield (
                attack.index,
                AttackResult(
                    inputs=attack.example.inputs, success=False, queries=0, skipped=USED_UP
                ),
            )

    def _answers(
        self, meter: QueryMeter, running: list[RunningAttack]
    ) -> list[list[Prediction | None]]:
        """Return the answers to all requested candidates, one list per attack, from one batch.

        The answer is None for a candidate that was rejected, over the budget or not answered.
        """
        allowed = self._allowed(running)
        candidates = [
            (
                attack.index,
                [
                    attack.inputs(s)
                    for s, good in zip(attack.requested.states, row, strict=True)
                    if good
                ],
            )
            for attack, row in zip(running, allowed, strict=True)
        ]
        answers = [iter(row) for row in meter.ask(candidates)]
        return [
            [
                self._graded(attack, state, next(answer)) if good else None
                for state, good in zip(attack.requested.states, row, strict=True)
            ]
            for attack, answer, row in zip(running, answers, allowed, strict=True)
        ]

    def _graded(
        self, attack: RunningAttack, state: State, answer: Prediction | None
    ) -> Prediction | None:
        """Return an answer as the goal compares it."""
        if answer is None or self.grader is None:
            return answer
        return self.grader.graded(attack.example, attack.inputs(state), state, answer)

    def _allowed(self, running: list[RunningAttack]) -> list[list[bool]]:
        """Return which candidates satisfy the constraints; each constraint sees one batch."""
        allowed = [[True] * len(attack.requested.states) for attack in running]
        pending = [
            (row, column, attack.problem.case(state))
            for row, attack in enumerate(running)
            if attack.requested.constrained and attack.problem is not None
            for column, state in enumerate(attack.requested.states)
        ]
        for constraint in self.constraints:
            accepted = constraint.accepts([case for *_, case in pending]) if pending else []
            for (row, column, _), good in zip(pending, accepted, strict=True):
                if not good:
                    allowed[row][column] = False
                    running[row].rejected += 1
            # Candidates that a cheap constraint rejects do not reach the expensive ones.
            pending = [item for item, good in zip(pending, accepted, strict=True) if good]
        return allowed

    def _advance(
        self,
        meter: QueryMeter,
        attack: RunningAttack,
        answers: list[Prediction | None],
        start: Start,
    ) -> AttackResult | None:
        """Resume a search with its answers; return the result once the attack has ended."""
        if attack.problem is None or attack.steps is None:
            return self._begin(meter, attack, answers[0], start)
        if attack.requested.constrained:
            self._note(attack, attack.problem, answers)
        # Cached answers still come after the last query, so the search goes on until none comes.
        used_up = meter.is_used_up(attack.index) and all(answer is None for answer in answers)
        if used_up or (attack.success is not None and not attack.reduces):
            attack.steps.close()
            return self._end(meter, attack)
        try:
            attack.requested = attack.steps.send(answers)
        except StopIteration:
            return self._end(meter, attack)
        return None

    def _begin(
        self, meter: QueryMeter, attack: RunningAttack, answer: Prediction | None, start: Start
    ) -> AttackResult | None:
        if answer is None:
            return _result(meter, attack, TOO_LONG)
        started = start(attack.example, answer)
        if isinstance(started, str):
            return _result(meter, attack, started, answer)
        if answer.label != attack.example.label:
            return _result(meter, attack, WRONG, answer)
        attack.problem, attack.steps = started
        attack.nearest = (self.goal.score(answer, attack.example.label), ())
        try:
            attack.requested = next(attack.steps)
        except StopIteration:
            return _result(meter, attack)
        return None

    def _note(
        self, attack: RunningAttack, problem: Problem, answers: list[Prediction | None]
    ) -> None:
        """Record the state nearest to the goal, and the best state that reached it."""
        label = attack.example.label
        for state, answer in zip(attack.requested.states, answers, strict=True):
            if answer is None:
                continue
            score, attack.tried = self.goal.score(answer, label), True
            if score > attack.nearest[0]:
                attack.nearest = (score, state)
            if self.goal.reached(answer, label, problem.case(state)):
                best = attack.success
                # Fewer edits are better; among equally many, the higher score.
                if best is None or (len(state), -score) < (len(best[0]), -best[2]):
                    attack.success = (state, answer, score)

    def _end(self, meter: QueryMeter, attack: RunningAttack) -> AttackResult | None:
        """Return the result, or start to reduce a success of several edits first."""
        if not attack.reduces:
            attack.searching = meter.queries(attack.index)
        done = attack.success is None or attack.reduces or len(attack.success[0]) == 1
        if done or not self.goal.turns or attack.success is None or attack.problem is None:
            return _result(meter, attack)
        attack.reduces = True
        attack.steps = _reduced(attack.success[0], self.goal, attack.problem)
        attack.requested = next(attack.steps)
        return None


def _result(
    meter: QueryMeter, attack: RunningAttack, skipped: str = "", answer: Prediction | None = None
) -> AttackResult:
    queries = meter.queries(attack.index)
    problem, success = attack.problem, attack.success
    if problem is not None:
        answer = problem.answer if success is None else success[1]
        skipped = "" if attack.tried else UNTRIED
    edits = success[0] if success is not None else ()
    return AttackResult(
        inputs=attack.inputs(edits),
        success=success is not None,
        queries=attack.searching or queries,
        answer=answer,
        edits=edits,
        nearest=edits or attack.nearest[1],
        reducing=queries - attack.searching if attack.searching else 0,
        rejected=attack.rejected,
        skipped=skipped,
    )


def _reduced(state: State, goal: Goal, problem: Problem) -> Steps:
    """Search for a subset of the edits that reaches the goal, too."""
    label = problem.example.label

    def good(
        states: Sequence[State], answers: list[Prediction | None]
    ) -> list[tuple[float, State]]:
        """Return (score, state) of the states that still reach the goal."""
        return [
            (goal.score(answer, label), fewer_edits)
            for fewer_edits, answer in zip(states, answers, strict=True)
            if answer is not None and goal.reached(answer, label, problem.case(fewer_edits))
        ]

    while len(state) > EXHAUSTIVE:
        subsets = [state[:n] + state[n + 1 :] for n in range(len(state))]
        successes = good(subsets, (yield Candidates(subsets)))
        if not successes:
            return
        state = max(successes)[1]
    for size in range(1, len(state)):
        subsets = list(combinations(state, size))
        if good(subsets, (yield Candidates(subsets))):
            return
