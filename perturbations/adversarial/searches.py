"""Searches: in which order an attack tries its candidates.

No search checks whether the goal is reached: `_lockstep` closes its generator then.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeVar, get_args

from pytest_ood.data.edits import Edit
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

    RankingSteps = Generator[Candidates, list[Prediction | None], list[Span]]

UNKNOWN = "[UNK]"
"""Replaces a word to measure its importance (Gao et al. 2018 zero its embedding)."""

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
    """Return a state with one more edit."""
    return tuple(sorted((*state, edit), key=lambda one: (one.start, one.end)))


def replaced(problem: Problem, span: Span, after: str) -> Edit:
    """Return the edit that replaces a span."""
    return Edit(*span, problem.text[slice(*span)], after)


def _scored(
    problem: Problem, goal: Goal, answers: Sequence[Prediction | None]
) -> list[tuple[float, int]]:
    """Return (score, index) of the answered candidates, the best first.

    Equal candidates stay in order. If the model gives no scores, all are equal, and their order is
    random.
    """
    label = problem.example.label
    scored = [(goal.score(a, label), n) for n, a in enumerate(answers) if a is not None]
    if not problem.answer.scores:
        problem.rng.shuffle(scored)
    return sorted(scored, key=lambda pair: -pair[0])


@dataclass(frozen=True)
class WordImportance:
    """Changes the most important spans first, each by its best option, until the goal is reached.

    A model without scores shows importance only where a deletion changes its answer: several spans
    are deleted at a time, and a span counts by how often the answer changed with it. Edits
    accumulate from span to span then, since no answer shows which of them help.

    Attributes:
        by: How a span's importance is measured: by the answer to the text with the span unknown
            (Gao et al. 2018, section III-B) or deleted (Jin et al. 2020, section 2); by the former
            times the effect of its best option (Ren et al. 2019, section 3.3); or not at all.
        share: The share of the query budget for measuring importance, so that long texts leave
            queries for candidates, too. If there are more spans, a random part of them is ranked
            and comes first.
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
        options = transformation.options(problem.text, problem.spans, problem.rng)
        order = yield from self._ranked(problem, options, goal)
        state: State = ()
        best = goal.score(problem.answer, problem.example.label)
        for span in order:
            states = [with_edit(state, replaced(problem, span, o)) for o in options.get(span, ())]
            if not states:
                continue
            scored = _scored(problem, goal, (yield Candidates(states)))
            if not scored:
                continue
            score, index = scored[0]
            if score > best or not problem.answer.scores:
                best, state = score, states[index]

    def _ranked(self, problem: Problem, options: dict[Span, list[str]], goal: Goal) -> RankingSteps:
        spans = list(problem.spans)
        problem.rng.shuffle(spans)
        if self.by == "random" or not spans:
            return spans
        if not problem.answer.scores:
            return (yield from _by_samples(problem, spans, int((problem.budget - 1) * self.share)))
        most = int((problem.budget - 1) * self.share)
        if not most:
            return spans
        spans, rest = spans[:most], spans[most:]
        worth = yield from deletion_scores(
            problem, spans, goal, "" if self.by == "delete" else UNKNOWN
        )
        if self.by == "weighted-saliency":
            worth = yield from self._weighted(problem, spans, options, goal, worth)
        ranked = sorted(range(len(spans)), key=lambda index: -worth[index])
        return [*(spans[index] for index in ranked), *rest]

    def _weighted(
        self,
        problem: Problem,
        spans: Sequence[Span],
        options: dict[Span, list[str]],
        goal: Goal,
        worth: list[float],
    ) -> Generator[Candidates, list[Prediction | None], list[float]]:
        """Multiply the softmax of each span's saliency by the effect of its best option."""
        label = problem.example.label
        whole = goal.score(problem.answer, label)
        probes = [
            (index, (replaced(problem, span, option),))
            for index, span in enumerate(spans)
            for option in options.get(span, ())
        ]
        answers = yield Candidates([state for _, state in probes])
        gains = [0.0] * len(spans)
        for (index, _), answer in zip(probes, answers, strict=True):
            if answer is not None:
                gains[index] = max(gains[index], goal.score(answer, label) - whole)
        top = max(worth)
        salience = [math.exp(value - top) for value in worth]
        total = sum(salience)
        return [s / total * gain for s, gain in zip(salience, gains, strict=True)]


def deletion_scores(
    problem: Problem, spans: Sequence[Span], goal: Goal, probe: str
) -> Generator[Candidates, list[Prediction | None], list[float]]:
    """Return the goal's score of the text without each span; 0 if it was not answered."""
    answers = yield Candidates([(replaced(problem, p, probe),) for p in spans], constrained=False)
    return [0.0 if a is None else goal.score(a, problem.example.label) for a in answers]


def _by_samples(problem: Problem, spans: list[Span], most: int) -> RankingSteps:
    """Rank spans by how often the answer was wrong when they were among the deleted ones."""
    count = max(1, round(SAMPLED_SHARE * len(spans)))
    samples = min(SAMPLES, 2 * len(spans), most)
    drawn = [sorted(problem.rng.sample(spans, count)) for _ in range(samples)]
    states = [tuple(replaced(problem, span, "") for span in sample) for sample in drawn]
    answers = yield Candidates(states, constrained=False)
    fooled = dict.fromkeys(spans, 0)
    for sample, answer in zip(drawn, answers, strict=True):
        if answer is not None and answer.label != problem.example.label:
            for span in sample:
                fooled[span] += 1
    return sorted(spans, key=lambda span: -fooled[span])


@dataclass(frozen=True)
class Beam:
    """Tries every option at every span, and continues from the best few states.

    It ends when no state is better than the best before or, for a model without scores, when
    nothing is left to change. If the queries do not suffice for all states, a random part of them
    is tried.

    Attributes:
        width: The number of states that are retained each round; 1 is a greedy search.
        rounds: The largest number of edits of a state; 0 for any number.
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
        options = transformation.options(problem.text, problem.spans, problem.rng)
        beam: list[State] = [()]
        best = goal.score(problem.answer, problem.example.label)
        done = 0
        while not self.rounds or done < self.rounds:
            done += 1
            states = list(
                dict.fromkeys(
                    with_edit(state, replaced(problem, span, option))
                    for state in beam
                    for span in problem.spans
                    if all((edit.start, edit.end) != span for edit in state)
                    for option in options.get(span, ())
                )
            )
            if not states:
                return
            problem.rng.shuffle(states)
            scored = _scored(problem, goal, (yield Candidates(states)))
            if not scored or (scored[0][0] <= best and problem.answer.scores):
                return
            best = scored[0][0]
            beam = [states[index] for _, index in scored[: self.width]]


@dataclass(frozen=True)
class Reduction:
    """Deletes words, the least important first, as long as the answer stays.

    Feng et al. 2018, section 2. A word's importance is the loss of score when it alone is deleted,
    measured once. For a model without scores, words are deleted in random order.
    """

    name: str = "reduction"
    needs_scores: bool = False

    def steps(self, problem: Problem, transformation: Transformation, goal: Goal) -> Steps:
        """Search one example."""
        del transformation
        spans = list(problem.spans)
        problem.rng.shuffle(spans)
        if problem.answer.scores:
            most = (problem.budget - 1) // 2
            spans, rest = spans[:most], spans[most:]
            scores = yield from deletion_scores(problem, spans, goal, "")
            ranked = sorted(range(len(spans)), key=lambda index: -scores[index])
            spans = [*(spans[index] for index in ranked), *rest]
        state: State = ()
        for span in spans:
            fewer = with_edit(state, replaced(problem, span, ""))
            (answer,) = yield Candidates([fewer])
            if answer is not None and answer.label == problem.example.label:
                state = fewer


@dataclass(frozen=True)
class Genetic:
    """A population of states, bred by crossover and mutation (Alzantot et al. 2018, section 3.2).

    Attributes:
        population: The number of states of a generation.
        generations: The largest number of generations.
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
        options = transformation.options(problem.text, problem.spans, rng)
        if not options:
            return

        def mutated(state: State) -> State:
            """Return a state with one more random edit."""
            free = [p for p in options if all((e.start, e.end) != p for e in state)]
            if not free:
                return state
            span = rng.choice(free)
            return with_edit(state, replaced(problem, span, rng.choice(options[span])))

        def child(one: State, other: State) -> State:
            """Return a mutated state with about half of the edits of two parents."""
            edits = {(e.start, e.end): e for e in (*one, *other)}
            inherited = [e for e in edits.values() if rng.random() < 0.5]  # noqa: PLR2004 - a coin
            return mutated(tuple(sorted(inherited, key=lambda e: (e.start, e.end))))

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
            children = [
                child(*rng.choices(parents, weights, k=2)) for _ in range(self.population - 1)
            ]
            states = [elite, *children]


def _picked(values: Sequence[Picked], share: float) -> Picked:
    """Return the value at a share of the sequence, which rounding may have made 1."""
    return values[min(int(share * len(values)), len(values) - 1)]


@dataclass(frozen=True)
class DifferentialEvolution:
    """Evolves vectors that encode spans and options (Boucher et al. 2022, section IV-C).

    Each of the `edits` edits is a pair of numbers in [0, 1): which span, which option. Vectors are
    mutated by the differences of others and crossed (Storn and Price 1997).

    Attributes:
        edits: The largest number of edits of a state.
        population: The number of vectors of a generation, 4 or more.
        generations: The largest number of generations.
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
        options = transformation.options(problem.text, problem.spans, rng)
        spans = list(options)
        if not spans:
            return

        def decoded(vector: list[float]) -> State:
            """Return the state that a vector encodes."""
            edits = {}
            for position in range(0, len(vector), 2):
                span = _picked(spans, vector[position])
                edits[span] = replaced(problem, span, _picked(options[span], vector[position + 1]))
            return tuple(sorted(edits.values(), key=lambda e: (e.start, e.end)))

        size = 2 * self.edits
        vectors = [[rng.random() for _ in range(size)] for _ in range(self.population)]
        scores = [-1.0] * self.population
        trials = vectors
        for _ in range(self.generations):
            answers = yield Candidates([decoded(vector) for vector in trials])
            for index, answer in enumerate(answers):
                if answer is None:
                    continue
                score = goal.score(answer, label)
                if score >= scores[index]:
                    vectors[index], scores[index] = trials[index], score
            trials = [self._trial(vectors, index, problem) for index in range(self.population)]

    def _trial(self, vectors: list[list[float]], index: int, problem: Problem) -> list[float]:
        rng = problem.rng
        one, two, three = rng.sample([n for n in range(len(vectors)) if n != index], 3)
        return [
            (vectors[one][k] + 0.7 * (vectors[two][k] - vectors[three][k])) % 1.0
            if rng.random() < 0.7  # noqa: PLR2004 - crossover, as Storn and Price advise
            else vectors[index][k]
            for k in range(len(vectors[index]))
        ]
