"""Searches: in which order an attack tries its candidates.

None of them looks whether the goal is reached: whoever runs them ends them then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from pytest_ood.edits import Edit
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations.adversarial.protocol import Candidates

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

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

Picked = TypeVar("Picked")


def _check_sizes(search: object, least: int = 1, **sizes: int) -> None:
    for name, value in sizes.items():
        if value < least:
            raise ConfigurationError(
                f"{type(search).__name__}: {name} = {value} is a whole number of {least} or more"
            )


def with_edit(state: State, edit: Edit) -> State:
    """Return a state with one edit more."""
    return tuple(sorted((*state, edit), key=lambda one: (one.start, one.end)))


def replaced(problem: Problem, place: Span, after: str) -> Edit:
    """Return the edit that puts something in a place."""
    return Edit(*place, problem.text[slice(*place)], after)


def _scored(
    problem: Problem, goal: Goal, answers: Sequence[Prediction | None]
) -> list[tuple[float, int]]:
    """Return (score, place) of the candidates that were answered, the best first.

    Of equal ones the first comes first; where the model gives no scores all are equal, and chance
    decides.
    """
    label = problem.example.label
    found = [(goal.score(a, label), n) for n, a in enumerate(answers) if a is not None]
    if not problem.answer.scores:
        problem.rng.shuffle(found)
    return sorted(found, key=lambda pair: -pair[0])


@dataclass(frozen=True)
class WordImportance:
    """The most important places first, the best option at each, until the goal is reached.

    A model without scores shows importance only where a deletion turns its answer: several places
    at a time are deleted, and those count that were deleted most often when it turned. Its
    edits then pile up from place to place, since no answer tells a good one.

    Attributes:
        by: How a place's importance is measured: by the answer to the text with the place unknown
            (Gao et al. 2018, section III-B) or deleted (Jin et al. 2020, section 2); by the former
            times what its best option does (Ren et al. 2019, section 3.3); or not at all.
        share: The part of the query budget that may go into importance; where there are more
            places, a random part of them is ranked and comes first. It leaves candidates their
            part, whatever the length of the text.
    """

    by: Importance = "unk"
    share: float = 0.5

    def __post_init__(self) -> None:
        """Check importance and share.

        Raises:
            ConfigurationError: there is no such importance, or the share is outside (0, 1].
        """
        if self.by not in get_args(Importance):
            raise ConfigurationError(unknown_name("importance", self.by, get_args(Importance)))
        if not 0.0 < self.share <= 1.0:
            raise ConfigurationError(f"share = {self.share} lies in (0, 1]")

    @property
    def name(self) -> str:
        """Search and importance."""
        return f"word-importance({self.by},{self.share})"

    @property
    def needs_scores(self) -> bool:
        """Saliency is made of probabilities."""
        return self.by == "weighted-saliency"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        options = transformation.options(problem.text, problem.places, problem.rng)
        order = yield from self._ranked(problem, options, goal)
        state: State = ()
        best = goal.score(problem.answer, problem.example.label)
        for place in order:
            states = [with_edit(state, replaced(problem, place, o)) for o in options.get(place, ())]
            if not states:
                continue
            found = _scored(problem, goal, (yield Candidates(states)))
            if not found:
                continue
            score, number = found[0]
            if score > best or not problem.answer.scores:
                best, state = score, states[number]

    def _ranked(self, problem: Problem, options: dict[Span, list[str]], goal: Goal) -> Asking:
        places = list(problem.places)
        problem.rng.shuffle(places)
        if self.by == "random" or not places:
            return places
        if not problem.answer.scores:
            return (yield from _by_samples(problem, places, int((problem.budget - 1) * self.share)))
        most = int((problem.budget - 1) * self.share)
        if not most:
            return places
        places, rest = places[:most], places[most:]
        worth = yield from deletion_scores(
            problem, places, goal, "" if self.by == "delete" else UNKNOWN
        )
        if self.by == "weighted-saliency":
            worth = yield from self._weighted(problem, places, options, goal, worth)
        ranked = sorted(range(len(places)), key=lambda number: -worth[number])
        return [*(places[number] for number in ranked), *rest]

    def _weighted(
        self,
        problem: Problem,
        places: Sequence[Span],
        options: dict[Span, list[str]],
        goal: Goal,
        worth: list[float],
    ) -> Generator[Candidates, list[Prediction | None], list[float]]:
        """Weigh each place's saliency, softmaxed, by what its best option does."""
        label = problem.example.label
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
        return [s / total * gain for s, gain in zip(salience, gains, strict=True)]


def deletion_scores(
    problem: Problem, places: Sequence[Span], goal: Goal, probe: str
) -> Generator[Candidates, list[Prediction | None], list[float]]:
    """Ask what the text scores without each place; 0 for a place that was not answered."""
    answers = yield Candidates([(replaced(problem, p, probe),) for p in places], constrained=False)
    return [0.0 if a is None else goal.score(a, problem.example.label) for a in answers]


def _by_samples(problem: Problem, places: list[Span], most: int) -> Asking:
    """Rank places by how often the answer turned where they were among the deleted ones."""
    count = max(1, round(SAMPLED_SHARE * len(places)))
    samples = min(SAMPLES, 2 * len(places), most)
    drawn = [sorted(problem.rng.sample(places, count)) for _ in range(samples)]
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

    It ends where no state is better than the best before; with a model without scores, which
    cannot tell, where nothing is left to change. Where the queries do not suffice for all states,
    chance decides which are tried.

    Attributes:
        width: States that are kept each round; 1 is a greedy search.
        rounds: Edits of a state at most; 0 for any number.
    """

    width: int = 1
    rounds: int = 0
    needs_scores: bool = False

    def __post_init__(self) -> None:
        """Check the width.

        Raises:
            ConfigurationError: it is below 1, or there are fewer rounds than none.
        """
        _check_sizes(self, width=self.width)
        _check_sizes(self, 0, rounds=self.rounds)

    @property
    def name(self) -> str:
        """Search, width and rounds."""
        return f"beam({self.width},{self.rounds or 'any'})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        options = transformation.options(problem.text, problem.places, problem.rng)
        beam: list[State] = [()]
        best = goal.score(problem.answer, problem.example.label)
        done = 0
        while not self.rounds or done < self.rounds:
            done += 1
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
                return
            problem.rng.shuffle(states)
            found = _scored(problem, goal, (yield Candidates(states)))
            if not found or (found[0][0] <= best and problem.answer.scores):
                return
            best = found[0][0]
            beam = [states[number] for _, number in found[: self.width]]


@dataclass(frozen=True)
class Reduction:
    """Words are deleted, the least important first, as long as the answer stays.

    Feng et al. 2018, section 2. Importance is what the answer loses when a word alone is deleted,
    measured once; a model without scores gets its words deleted in random order.
    """

    name: str = "reduction"
    needs_scores: bool = False

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        del transformation
        places = list(problem.places)
        problem.rng.shuffle(places)
        if problem.answer.scores:
            most = (problem.budget - 1) // 2
            places, rest = places[:most], places[most:]
            kept = yield from deletion_scores(problem, places, goal, "")
            ranked = sorted(range(len(places)), key=lambda number: -kept[number])
            places = [*(places[number] for number in ranked), *rest]
        state: State = ()
        for place in places:
            fewer = with_edit(state, replaced(problem, place, ""))
            (answer,) = yield Candidates([fewer])
            if answer is not None and answer.label == problem.example.label:
                state = fewer


@dataclass(frozen=True)
class Genetic:
    """A population of states, bred by crossover and mutation (Alzantot et al. 2018, section 3.2).

    Attributes:
        population: States of a generation.
        generations: At most.
    """

    population: int = 20
    generations: int = 20
    needs_scores: bool = True

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
            ConfigurationError: one is below 1.
        """
        _check_sizes(self, population=self.population, generations=self.generations)

    @property
    def name(self) -> str:
        """Search and its size."""
        return f"genetic({self.population},{self.generations})"

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        rng, label = problem.rng, problem.example.label
        options = transformation.options(problem.text, problem.places, rng)
        if not options:
            return

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
                return
            # A parent is drawn by how near it is to the goal.
            weights = [score + 1e-6 for score, _ in scored]
            parents = [state for _, state in scored]
            elite = max(scored, key=lambda pair: pair[0])[1]
            states = [elite, *(child(*rng.choices(parents, weights, k=2))
                               for _ in range(self.population - 1))]  # fmt: skip


def _picked(values: Sequence[Picked], share: float) -> Picked:
    """Return the value at a share of the way; a remainder may have been rounded up to 1."""
    return values[min(int(share * len(values)), len(values) - 1)]


@dataclass(frozen=True)
class DifferentialEvolution:
    """Real-valued vectors that name places and options (Boucher et al. 2022, section IV-C).

    Each of the `edits` edits is a pair of numbers in [0, 1): which place, which option. Vectors are
    mutated by the differences of others and crossed (Storn and Price 1997).

    Attributes:
        edits: Of a state, at most.
        population: Vectors of a generation, 4 or more.
        generations: At most.
    """

    edits: int = 5
    population: int = 32
    generations: int = 10
    needs_scores: bool = True

    def __post_init__(self) -> None:
        """Check the sizes.

        Raises:
            ConfigurationError: a population below 4, which has no differences, or another below 1.
        """
        _check_sizes(self, edits=self.edits, generations=self.generations)
        _check_sizes(self, 4, population=self.population)

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
            return

        def decoded(vector: list[float]) -> State:
            edits = {}
            for number in range(0, len(vector), 2):
                place = _picked(places, vector[number])
                edits[place] = replaced(problem, place, _picked(options[place], vector[number + 1]))
            return tuple(sorted(edits.values(), key=lambda e: (e.start, e.end)))

        size = 2 * self.edits
        vectors = [[rng.random() for _ in range(size)] for _ in range(self.population)]
        scores = [-1.0] * self.population
        trials = vectors
        for _ in range(self.generations):
            answers = yield Candidates([decoded(vector) for vector in trials])
            for number, answer in enumerate(answers):
                if answer is None:
                    continue
                score = goal.score(answer, label)
                if score >= scores[number]:
                    vectors[number], scores[number] = trials[number], score
            trials = [self._trial(vectors, number, problem) for number in range(self.population)]

    def _trial(self, vectors: list[list[float]], number: int, problem: Problem) -> list[float]:
        rng = problem.rng
        one, two, three = rng.sample([n for n in range(len(vectors)) if n != number], 3)
        return [
            (vectors[one][k] + 0.7 * (vectors[two][k] - vectors[three][k])) % 1.0
            if rng.random() < 0.7  # noqa: PLR2004 - crossover, as Storn and Price advise
            else vectors[number][k]
            for k in range(len(vectors[number]))
        ]
