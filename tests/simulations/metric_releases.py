"""Simulated releases of a known loss by any metric, each judged as a run judges it.

A release is a model's answers to n examples before and under a shift. `evaluation.estimators`
computes the statistic and `budgets` judges it: nothing of either is done again here. The true loss
is measured by the same metric on very many answers.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.budgets import Rules, judge_at_least, judge_at_most
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import estimators
from pytest_ood.evaluation.measurement import Measurement
from pytest_ood.metrics import (
    ACCURACY,
    RECALL,
    REWEIGHTED,
    SCORE,
    GradedAnswers,
    Outcomes,
    find_metric,
    metric_class,
    metric_names,
)
from pytest_ood.shifts import Shifted
from pytest_ood.shifts.worst_case import WorstTrial
from pytest_ood.statistics.sequential import looks
from pytest_ood.tasks import Classification, QuestionAnswering
from pytest_ood.trials.trial import Trial, mean_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from pytest_ood.statistics import Statistic
    from pytest_ood.tasks import Task

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]

LABELS = ("negative", "positive", "rare")
TRUTH_SIZE = 400_000
"""Answers that the true loss is measured on: exact to a tenth of a point."""

FEW = 100

IN_WORDS = "score in words"
"""The score where answers are in words: between 0 and 1."""

F1_SCORES = np.array([0.0, 0.4, 0.67, 1.0])
METRICS = (
    # The rare label is the hardest; the distance to a reference is a paired drop of accuracy.
    *(
        name
        for name in metric_names(Classification(LABELS), "domain")
        if name == RECALL + "rare"
        or not (name.startswith(RECALL) or metric_class(name).NEEDS_REFERENCE)
    ),
    IN_WORDS,
    SCORE,
)
"""Every metric that is registered, one that a file adds included."""
LOSSES = ("everywhere", "rare label", "heavy", "confidence", "worst case")
PERTURBATIONS = 3
"""That the worst case is taken over, beside the original."""

OF_WORST_CASES = (ACCURACY, RECALL + "rare", "macro-f1", IN_WORDS)
COMPARISONS = ("one model", "two models", "three seeds")


@dataclass(frozen=True)
class World:
    """Where releases come from.

    Attributes:
        metric: One of METRICS; SCORE is a floor, of a score in words.
        n: Examples, on either side.
        rare: How many of them have the rare label, on average.
        loss: What is lost, one of LOSSES: right answers of all labels alike, those of the rare
            label above all, a third of all, none but the truth of the confidences, or those that
            any of several perturbations turns.
        paired: The same examples before and under the shift.
        comparison: One of COMPARISONS.
        sequential: Looked at in between; of accuracy, scores in words and floors.
    """

    metric: str
    n: int
    rare: int = 20
    loss: str = "everywhere"
    paired: bool = True
    comparison: str = "one model"
    sequential: bool = False

    @property
    def task(self) -> Task:
        """What is asked."""
        in_words = self.metric in (IN_WORDS, SCORE)
        return QuestionAnswering("closed-book-qa") if in_words else Classification(LABELS)

    @property
    def measured(self) -> str:
        """The metric's name for `estimators`."""
        return ACCURACY if self.metric in (IN_WORDS, SCORE) else self.metric

    @property
    def perturbations(self) -> int:
        """How many are applied to each example."""
        return PERTURBATIONS if self.loss == "worst case" else 1

    @property
    def rng(self) -> np.random.Generator:
        """The generator of this world alone."""
        name = f"{self.metric} {self.loss} {self.comparison} {self.paired}"
        return np.random.default_rng([*name.encode(), self.n, self.rare])


@dataclass(frozen=True)
class Share:
    """How many of the releases of a world got a verdict.

    Attributes:
        world: Where they come from.
        budget: What was allowed.
        fails: The share that fails.
        passes: The share that passes.
        invalid: The share that is invalid, or has no example of the rare label.
    """

    world: World
    budget: float
    fails: float
    passes: float
    invalid: float


def worlds(sizes: Sequence[int]) -> Iterator[World]:
    """Yield every metric in every kind of release, of these sizes."""
    for metric, n, paired in product(METRICS, sizes, (True, False)):
        if metric == SCORE:
            if paired:
                yield World(metric, n)
                yield World(metric, n, sequential=True)
            continue
        if metric == REWEIGHTED and paired:
            continue
        # So few examples show no small loss, whatever it is.
        usual = "heavy" if n < FEW else "everywhere"
        for (rare, loss), comparison in product(
            _settings(metric, n, usual, paired=paired), COMPARISONS
        ):
            yield World(metric, n, rare, loss, paired, comparison)
        if metric in (ACCURACY, IN_WORDS):
            yield World(metric, n, 3 * n // 10, usual, paired, sequential=True)
            if paired:
                yield World(metric, n, 3 * n // 10, "worst case", sequential=True)


def _settings(metric: str, n: int, usual: str, *, paired: bool) -> list[tuple[int, str]]:
    """Return how many examples have the rare label, and what is lost, in the worlds of a metric."""
    settings = [(3 * n // 10, usual)]
    if metric_class(metric).BY_LABEL:
        losses = (usual, "rare label")
        settings = [(rare, loss) for rare in (5, 20) for loss in losses if rare <= n // 2]
    if metric == "ece":
        settings.append((3 * n // 10, "confidence"))
    if paired and metric in OF_WORST_CASES:
        settings.append((3 * n // 10, "worst case"))
    return settings


def budget_of(world: World) -> float:
    """Return what releases of a world lose in truth, or what they score where that is judged."""
    # The number of examples, and how they are looked at, change nothing.
    return _budget(world.metric, world.rare / world.n, world.loss, world.paired, world.comparison)


@cache
def _budget(metric: str, share: float, loss: str, paired: bool, comparison: str) -> float:  # noqa: FBT001 - of one world
    world = World(metric, TRUTH_SIZE, round(share * TRUTH_SIZE), loss, paired, comparison)
    models = _release(world, world.rng)
    if metric == SCORE:
        return mean_of(models[0][0].after)
    drops = [
        float(np.mean(estimators.seed_drops(trials, world.measured, world.task)))
        for trials in models
    ]
    return drops[0] - drops[1] if len(drops) > 1 else drops[0]


def simulate(
    world: World, releases: int, *, beyond: float = 0.0, rules: Rules | None = None
) -> Share:
    """Judge releases against a budget that is what they lose in truth, or that plus `beyond`."""
    rules = rules or Rules(0.05)
    budget, rng = budget_of(world) + beyond, world.rng
    counts = dict.fromkeys(("fail", "pass", "invalid", "inconclusive"), 0)
    for _ in range(releases):
        counts[_verdict(world, _release(world, rng), budget, rules)] += 1
    share = {verdict: count / releases for verdict, count in counts.items()}
    return Share(world, budget, share["fail"], share["pass"], share["invalid"])


def _verdict(world: World, models: list[list[Trial]], budget: float, rules: Rules) -> str:
    try:
        figure = _figure(world, models)
    except NotApplicableError:
        return "invalid"
    if world.metric == SCORE:
        return judge_at_least(figure, budget, rules).verdict
    return judge_at_most(
        figure, budget, rules, find_metric(world.measured, world.task).examples
    ).verdict


def _figure(world: World, models: list[list[Trial]]) -> Statistic:
    trials = models[0]
    if world.metric == SCORE:
        figure = estimators.score_statistic([trials[0].after])
        values, limits = trials[0].after.graded.score, (0.0, 1.0)
    else:
        figure = (
            estimators.difference_statistic(models[0], models[1], world.measured, world.task)
            if len(models) > 1
            else estimators.drop_statistic(trials, world.measured, world.task)
        )
        if not world.sequential:
            return figure
        measured = Measurement(trials)
        values, limits = (
            estimators.in_pairs(measured.scores_before, measured.scores_after),
            (-1.0, 1.0),
        )
    if not world.sequential:
        return figure
    # The last look remembers the best of all looks: stopping earlier errs no more often.
    return estimators.sequential(
        values, looks(world.n), limits, world.n, current=figure, final=True
    )


def _release(world: World, rng: np.random.Generator) -> list[list[Trial]]:
    """Draw the answers of each model, under each of its seeds."""
    truths = [_truths(world, rng)]
    truths.append(truths[0] if world.paired else _truths(world, rng))
    seeds = 3 if world.comparison == "three seeds" else 1
    models = [[_trial(world, truths, rng) for _ in range(seeds)]]
    if world.comparison == "two models":
        baseline = World(world.metric, world.n, world.rare, "little", world.paired)
        models.append([_trial(baseline, truths, rng)])
    return models


def _truths(world: World, rng: np.random.Generator) -> Codes:
    share = min(0.5, world.rare / world.n)
    drawn: Codes = rng.choice(3, world.n, p=[(1.0 - share) / 2, (1.0 - share) / 2, share])
    return drawn


NONE = Categorical[bool]((), np.empty(0, np.uint32))


@dataclass(frozen=True)
class Answered:
    """Answers that are there already, where a run asks for them.

    Attributes:
        answers: To all examples.
        examples: Their texts do not matter, so that there are none.
        shifted: Nor are there changed texts.
    """

    answers: Outcomes
    examples: tuple[()] = ()
    shifted: Shifted = field(default_factory=lambda: Shifted((), NONE, NONE))

    def extend_to(self, size: int) -> Outcomes:
        """Return the answers, of which there are `size`."""
        assert len(self.answers) == size
        return self.answers

    outcomes = extend_to


def _trial(world: World, truths: Sequence[Codes], rng: np.random.Generator) -> Trial:
    draw = _scores if world.metric in (IN_WORDS, SCORE) else _answers
    before, *after = draw(world, truths, rng)
    if world.loss == "worst case":
        noises = [Answered(side) for side in after]
        return WorstTrial(noises, Answered(before)).extend_to(world.n)  # type: ignore[arg-type] # as it asks
    return Trial(
        paired=world.paired, drawn=world.n, before=before, after=after[0], originals=None,
        shifted=(),
    )  # fmt: skip


RATES = {
    # Of right answers, the share that becomes wrong: of both frequent labels, and of the rare one.
    "everywhere": (0.10, 0.10), "rare label": (0.04, 0.25), "heavy": (0.33, 0.33),
    "confidence": (0.0, 0.0), "little": (0.04, 0.04), "worst case": (0.10, 0.10),
}  # fmt: skip
GAINED = 0.15
"""Of wrong answers, the share that becomes right."""


def _answers(world: World, truths: Sequence[Codes], rng: np.random.Generator) -> Iterator[Outcomes]:
    """Draw answers with confidences, which are the chance of being right before the shift.

    Yields those before the shift, then those under it, or under each perturbation.
    """
    confidence = _confidence(rng, world.n)
    right = rng.random(world.n) < confidence
    yield _outcomes(truths[0], right, confidence, rng)
    if not world.paired:
        confidence = _confidence(rng, world.n)
        right = rng.random(world.n) < confidence
    frequent, rare = RATES[world.loss]
    if world.loss == "confidence":
        yield _outcomes(truths[1], right, np.minimum(1.0, confidence + 0.06), rng)
        return
    for _ in range(world.perturbations):
        lost = rng.random(world.n) < np.where(truths[1] == len(LABELS) - 1, rare, frequent)
        gained = rng.random(world.n) < GAINED
        yield _outcomes(truths[1], np.where(right, ~lost, gained), confidence, rng)


def _confidence(rng: np.random.Generator, n: int) -> Floats:
    """Draw confidences from 0.5 to 1, most of them high, in hundredths."""
    return np.round(1.0 - 0.5 * rng.beta(1.0, 2.0, n), 2)


def _outcomes(
    truth: Codes, right: NDArray[np.bool_], confidence: Floats, rng: np.random.Generator
) -> Outcomes:
    other = (truth + rng.integers(1, len(LABELS), len(truth))) % len(LABELS)
    answer = np.where(right, truth, other)
    none = Categorical[str | None]((None,), np.zeros(len(truth), np.uint32))
    hundredths = tuple((np.arange(101) / 100).tolist())
    graded = GradedAnswers(
        Categorical(LABELS, truth.astype(np.uint32)),
        Categorical(LABELS, answer.astype(np.uint32)),
        Categorical(hundredths, np.round(100 * confidence).astype(np.uint32)),
        Categorical((0.0, 1.0), right.astype(np.uint32)),
        none,
        none,
    )
    return Outcomes((), np.arange(len(truth)), graded)


def _scores(world: World, _truths: Sequence[Codes], rng: np.random.Generator) -> Iterator[Outcomes]:
    """Draw scores between 0 and 1, and lower them by one or two steps."""
    codes = rng.choice(4, world.n, p=[0.1, 0.1, 0.1, 0.7])
    yield _scored(codes)
    if not world.paired:
        codes = rng.choice(4, world.n, p=[0.1, 0.1, 0.1, 0.7])
    for _ in range(world.perturbations):
        change = rng.choice([-2, -1, 0, 1], world.n, p=[0.05, 0.05, 0.87, 0.03])
        if world.loss == "little":
            change = change * rng.integers(0, 2, world.n)
        elif world.loss == "heavy":
            change = np.minimum(change, -2 * rng.binomial(1, 0.3, world.n))
        yield _scored(np.clip(codes + change, 0, 3))


def _scored(codes: Codes) -> Outcomes:
    same = np.zeros(len(codes), np.uint32)
    scores = Categorical(tuple(F1_SCORES.tolist()), codes.astype(np.uint32))
    text, answer = Categorical(("x",), same), Categorical[str | None](("x",), same)
    confidence, none = (
        Categorical[float | None]((None,), same),
        Categorical[str | None]((None,), same),
    )
    graded = GradedAnswers(text, answer, confidence, scores, none, none)
    return Outcomes((), np.arange(len(codes)), graded)
