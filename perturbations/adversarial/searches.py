"""Searches: in which order an attack tries its candidates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.edits import Edit
from pytest_ood.perturbations.adversarial.protocol import Candidates

if TYPE_CHECKING:
    from collections.abc import Generator

    from pytest_ood.perturbations.adversarial.protocol import (
        Goal,
        Problem,
        Span,
        State,
        Steps,
        Transformation,
    )
    from pytest_ood.tasks import Prediction

    Asking = Generator[Candidates, list[Prediction | None], list[Span]]

UNKNOWN = "[UNK]"
"""What takes a word's place to see what it is worth (Gao et al. 2018 zero its embedding)."""

Importance = Literal["unk", "delete", "weighted-saliency", "random"]

SAMPLED_SHARE, SAMPLES = 0.3, 24


def with_edit(state: State, edit: Edit) -> State:
    """Return a state with one edit more."""
    return tuple(sorted((*state, edit), key=lambda one: (one.start, one.end)))


def replaced(problem: Problem, place: Span, after: str) -> Edit:
    """Return the edit that puts something in a place."""
    return Edit(*place, problem.text[slice(*place)], after)


@dataclass(frozen=True)
class WordImportance:
    """The most important places first, the best option at each, until the goal is reached.

    Attributes:
        by: How a place's importance is measured: by the answer to the text with the place unknown
            (Gao et al. 2018, section III-B) or deleted (Jin et al. 2020, section 2); by the former
            times what its best option does (Ren et al. 2019, section 3.3); or not at all. Models
            without scores show importance only where a deletion turns the answer: several places
            at a time are deleted, and those count that were deleted most often when it turned.
        share: The part of the query budget that may go into importance; where there are more
            places, a random part of them is ranked and comes first.
    """

    by: Importance = "unk"
    share: float = 1.0

    @property
    def name(self) -> str:
        """Search and importance."""
        return f"word-importance({self.by},{self.share})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        label = problem.example.label
        options = transformation.options(problem.text, problem.places, problem.rng)
        order = yield from self._ranked(problem, options, goal)
        state: State = ()
        best = goal.score(problem.answer, label)
        for place in order:
            states = [with_edit(state, replaced(problem, place, o)) for o in options.get(place, ())]
            if not states:
                continue
            answers = yield Candidates(states)
            scored = [
                (goal.score(answer, label), -number)
                for number, answer in enumerate(answers)
                if answer is not None
            ]
            if not scored:
                continue
            score, number = max(scored)
            if any(a is not None and goal.reached(a, label) for a in answers):
                return states[-number]
            if score > best:
                best, state = score, states[-number]
        return None

    def _ranked(self, problem: Problem, options: dict[Span, list[str]], goal: Goal) -> Asking:
        places = list(problem.places)
        problem.rng.shuffle(places)
        if self.by == "random" or not places:
            return places
        if not problem.answer.scores:
            return (yield from _by_samples(problem, places))
        most = max(1, int((problem.budget - 1) * self.share))
        places, rest = places[:most], places[most:]
        label = problem.example.label
        probe = "" if self.by == "delete" else UNKNOWN
        answers = yield Candidates([(replaced(problem, p, probe),) for p in places],
                                   constrained=False)  # fmt: skip
        worth = [0.0 if a is None else goal.score(a, label) for a in answers]
        if self.by == "weighted-saliency":
            whole = goal.score(problem.answer, label)
            asked = [
                (number, (replaced(problem, place, option),))
                for number, place in enumerate(places)
                for option in options.get(place, ())
            ]
            found = yield Candidates([state for _, state in asked])
            gains = [0.0] * len(places)
            for (number, _), answer in zip(asked, found, strict=True):
                if answer is not None:
                    gains[number] = max(gains[number], goal.score(answer, label) - whole)
            top = max(worth)
            salience = [math.exp(value - top) for value in worth]
            total = sum(salience)
            worth = [s / total * gain for s, gain in zip(salience, gains, strict=True)]
        ranked = sorted(range(len(places)), key=lambda number: -worth[number])
        return [*(places[number] for number in ranked), *rest]


def _by_samples(problem: Problem, places: list[Span]) -> Asking:
    """Rank places by how often the answer turned where they were among the deleted ones."""
    count = max(1, round(SAMPLED_SHARE * len(places)))
    drawn = [
        sorted(problem.rng.sample(places, count)) for _ in range(min(SAMPLES, 2 * len(places)))
    ]
    states = [tuple(replaced(problem, place, "") for place in found) for found in drawn]
    answers = yield Candidates(states, constrained=False)
    turned = dict.fromkeys(places, 0)
    for found, answer in zip(drawn, answers, strict=True):
        if answer is not None and answer.label != problem.example.label:
            for place in found:
                turned[place] += 1
    return sorted(places, key=lambda place: -turned[place])


@dataclass(frozen=True)
class Beam:
    """Every option at every place, the best few states are gone on from.

    Attributes:
        width: States that are kept each round; 1 is a greedy search.
    """

    width: int = 1

    @property
    def name(self) -> str:
        """Search and width."""
        return f"beam({self.width})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        label = problem.example.label
        options = transformation.options(problem.text, problem.places, problem.rng)
        beam: list[State] = [()]
        best = goal.score(problem.answer, label)
        while True:
            states = list(
                dict.fromkeys(
                    with_edit(state, replaced(problem, place, option))
                    for state in beam
                    for place in problem.places
                    if all((edit.start, edit.end) != place for edit in state)
                    for option in options.get(place, ())
                )
            )
            if not states:
                return None
            answers = yield Candidates(states)
            scored = sorted(
                ((goal.score(a, label), -n) for n, a in enumerate(answers) if a is not None),
                reverse=True,
            )
            if not scored:
                return None
            for _, number in scored:
                answer = answers[-number]
                if answer is not None and goal.reached(answer, label):
                    return states[-number]
            if scored[0][0] <= best:
                return None
            best = scored[0][0]
            beam = [states[-number] for _, number in scored[: self.width]]


@dataclass(frozen=True)
class Genetic:
    """A population of states, bred by crossover and mutation (Alzantot et al. 2018, section 3.2).

    Attributes:
        population: States of a generation.
        generations: At most.
    """

    population: int = 20
    generations: int = 20

    @property
    def name(self) -> str:
        """Search and its size."""
        return f"genetic({self.population},{self.generations})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        rng, label = problem.rng, problem.example.label
        options = transformation.options(problem.text, problem.places, rng)
        if not options:
            return None

        def mutated(state: State) -> State:
            free = [p for p in options if all((e.start, e.end) != p for e in state)]
            if not free:
                return state
            place = rng.choice(free)
            return with_edit(state, replaced(problem, place, rng.choice(options[place])))

        def child(one: State, other: State) -> State:
            edits = {(e.start, e.end): e for e in (*one, *other)}
            kept = [e for e in edits.values() if rng.random() < 0.5]  # noqa: PLR2004 - a coin
            return mutated(tuple(sorted(kept, key=lambda e: (e.start, e.end))))

        states = [mutated(()) for _ in range(self.population)]
        for _ in range(self.generations):
            states = list(dict.fromkeys(states))
            answers = yield Candidates(states)
            scored = [
                (goal.score(answer, label), state)
                for state, answer in zip(states, answers, strict=True)
                if answer is not None
            ]
            if not scored:
                return None
            if any(a is not None and goal.reached(a, label) for a in answers):
                return max(scored, key=lambda pair: pair[0])[1]
            # A parent is drawn by how near it is to the goal.
            weights = [score + 1e-6 for score, _ in scored]
            parents = [state for _, state in scored]
            elite = max(scored, key=lambda pair: pair[0])[1]
            states = [elite, *(child(*rng.choices(parents, weights, k=2))
                               for _ in range(self.population - 1))]  # fmt: skip
        return None


@dataclass(frozen=True)
class DifferentialEvolution:
    """Real-valued vectors that name places and options (Boucher et al. 2022, section IV-C).

    Each of the `edits` edits is a pair of numbers in [0, 1): which place, which option. Vectors are
    mutated by the differences of others and crossed (Storn and Price 1997).

    Attributes:
        edits: Of a state, at most.
        population: Vectors of a generation.
        generations: At most.
    """

    edits: int = 5
    population: int = 32
    generations: int = 10

    @property
    def name(self) -> str:
        """Search and its size."""
        return f"differential-evolution({self.edits},{self.population},{self.generations})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        rng, label = problem.rng, problem.example.label
        options = transformation.options(problem.text, problem.places, rng)
        places = list(options)
        if not places:
            return None

        def decoded(vector: list[float]) -> State:
            edits = {}
            for number in range(0, len(vector), 2):
                place = places[int(vector[number] * len(places))]
                found = options[place]
                edits[place] = replaced(problem, place, found[int(vector[number + 1] * len(found))])
            return tuple(sorted(edits.values(), key=lambda e: (e.start, e.end)))

        size = 2 * self.edits
        vectors = [[rng.random() for _ in range(size)] for _ in range(self.population)]
        scores = [-1.0] * self.population
        trials = vectors
        for _ in range(self.generations):
            states = [decoded(vector) for vector in trials]
            answers = yield Candidates(states)
            for number, (state, answer) in enumerate(zip(states, answers, strict=True)):
                if answer is None:
                    continue
                if goal.reached(answer, label):
                    return state
                score = goal.score(answer, label)
                if score >= scores[number]:
                    vectors[number], scores[number] = trials[number], score
            trials = [self._trial(vectors, number, problem) for number in range(self.population)]
        return None

    def _trial(self, vectors: list[list[float]], number: int, problem: Problem) -> list[float]:
        rng = problem.rng
        one, two, three = rng.sample([n for n in range(len(vectors)) if n != number], 3)
        return [
            (vectors[one][k] + 0.7 * (vectors[two][k] - vectors[three][k])) % 1.0
            if rng.random() < 0.7  # noqa: PLR2004 - crossover, as Storn and Price advise
            else vectors[number][k]
            for k in range(len(vectors[number]))
        ]
