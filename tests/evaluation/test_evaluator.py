from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from types import MappingProxyType
from typing import Any

import pytest

from pytest_ood.budgets import MIN_CHANGED, Budget, Rules
from pytest_ood.data.examples import IN_DISTRIBUTION, Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import (
    DataError,
    ModelError,
    NotApplicableError,
    OodError,
    TooLongError,
)
from pytest_ood.evaluation import (
    AttackDetails,
    Comparison,
    DomainDetails,
    Evaluation,
    Floor,
    ScorePair,
    SuiteEvaluator,
    difference_of_drops,
    from_record,
    to_record,
)
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.metrics import metric_names
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import SeededModel
from pytest_ood.models.replay import ReplayModel
from pytest_ood.perturbations import Generator, find, perturbation
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.perturbations.protection import Protection
from pytest_ood.shifts import AdversarialShift, DomainShift, NoiseShift, Shift, WorstCase
from pytest_ood.statistics import estimate
from pytest_ood.statistics.proportions import PairedDifference, Proportion, UnpairedDifference
from pytest_ood.suite.frozen import FrozenSuite
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.utils.progress import Silent

LABELS = ("neg", "pos")
ALPHA = 0.05
MISSED = tuple(f" {n}" for n in (10, 14, 18, 22, 26, 30, 34, 38))

# Of four examples in a row the first and third are positive.
MOVIES = Dataset(
    "movies",
    tuple(
        Example(f"m{n}", f"{('good', 'bad')[n % 2]} film {n}", ("pos", "neg")[n % 2])
        for n in range(40)
    ),
)
# Half of the negative ones have a word that the keyword model does not know.
BOOKS = Dataset(
    "books",
    tuple(
        Example(
            f"b{n}",
            f"{('good', 'bad', 'good', 'dire')[n % 4]} book {n}",
            ("pos", "neg")[n % 2],
        )
        for n in range(20)
    ),
)


@perturbation(source="here")
def stretch(text: str, rng: Random, *, share: float = 1.0) -> str:
    """Stretch "good", and "bad" in every second bad text."""
    del rng, share
    number = int(text.rsplit(maxsplit=1)[-1])
    return text.replace("good", "goood") if number % 4 != 1 else text.replace("bad", "baad")


@perturbation(source="here")
def rare(text: str, rng: Random) -> str:
    """Change five texts."""
    del rng
    return text.upper() if int(text.rsplit(maxsplit=1)[-1]) < 5 else text


@perturbation(source="here")
def nothing(text: str, rng: Random) -> str:
    """Change no text."""
    del rng
    return text


STRETCH, BOOKSHOP = NoiseShift("stretch", stretch), DomainShift("books", BOOKS)
RARE, NOTHING = NoiseShift("rare", rare), NoiseShift("nothing", nothing)
ATTACK = AdversarialShift(
    "attack", find_attack("greedy-characters"), QueryBudget(20), max_examples=16
)
LONG_ATTACK = AdversarialShift("long attack", find_attack("deepwordbug"), QueryBudget(20))
SHIFTS: tuple[Shift, ...] = (STRETCH, BOOKSHOP, RARE, NOTHING, ATTACK, LONG_ATTACK)

KEYWORD = FakeModel("keyword", "keyword", LABELS, {"neg": ["bad"], "pos": ["good"]})
STURDY = FakeModel("sturdy", "keyword", LABELS, {"neg": ["bad", "baad", "dire"], "pos": ["good"]})


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., SuiteEvaluator]:
    """Return a maker of runs over the movies."""

    def maker(
        budget: Budget = Budget(0.1, 0.05),  # noqa: B008 - frozen
        *,
        movies: Dataset = MOVIES,
        min_score: float | None = None,
        max_examples: int | None = None,
        seed: int = 0,
        rules: Rules = Rules(ALPHA),  # noqa: B008 - frozen
        **changes: Any,
    ) -> SuiteEvaluator:
        suite = Suite(
            name="tiny", task=Classification(LABELS), in_distribution=movies, shifts=SHIFTS,
            budgets={s.name: {"accuracy": budget} for s in SHIFTS}, min_score=min_score,
        )  # fmt: skip
        return SuiteEvaluator(
            replace(suite, **changes),
            engine=Engine(MemoryStore(), Silent()),
            reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
            seed=seed,
            rules=rules,
            max_examples=max_examples,
        )

    return maker


def answering(name: str, rule: Callable[[str], str | None]) -> CallableModel:
    """Make a model of a rule for one text."""

    def answer(inputs: Sequence[Inputs]) -> list[str | None]:
        return [rule(str(value)) for value in inputs]

    return CallableModel(name, answer)


def test_the_floor(run_of: Callable[..., SuiteEvaluator]) -> None:
    """In distribution the model is right everywhere; the figures are those of the statistics."""
    floor = run_of(min_score=0.9).floor(KEYWORD)
    assert (floor.suite, floor.model, floor.n, floor.abstained) == ("tiny", "keyword", 40, 0)
    assert floor.score == estimate(Proportion(40, 40), ALPHA)
    assert floor.majority == 0.5
    assert floor.verdict == "pass"
    assert floor.data_hash == MOVIES.content_hash
    assert run_of(min_score=0.99).floor(KEYWORD).verdict == "inconclusive"


def test_a_floor_that_is_missed(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A score whose upper bound is below the least score fails."""
    model = answering("weak", lambda t: "neg" if "bad" in t or t.endswith(MISSED) else "pos")
    floor = run_of(min_score=0.95).floor(model)
    assert floor.score.value == 0.8
    assert floor.verdict == "fail"


def test_a_paired_drop(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Ten of thirty changed examples are lost; ten unchanged ones are left out."""
    result = run_of().evaluate(KEYWORD, STRETCH)
    assert (result.kind, result.shift, result.model) == ("noise", "stretch", "keyword")
    assert result.paired
    assert (result.n, result.unchanged) == (30, 10)
    assert result.score_in_distribution == 1.0
    assert result.score_under_shift == pytest.approx(20 / 30)
    assert result.drop.value == pytest.approx(1 / 3)
    assert (result.drop.low, result.drop.high) == PairedDifference(10, 0, 30).bounds(ALPHA)
    assert (result.abstained, result.abstained_in_distribution) == (0, 0)
    assert (result.budget, result.verdict) == (0.1, "fail")
    assert (result.after.count(0.0), result.after.count(1.0)) == (10, 20)
    assert (result.before.count(1.0), result.before.count(0.0)) == (30, 0)
    left_out = [score is None for score in result.before]
    assert left_out == [score is None for score in result.after]


def test_the_flips_of_a_paired_drop(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Every lost example is there, with both texts and both answers."""
    result = run_of().evaluate(KEYWORD, STRETCH)
    assert len(result.flips) == result.flipped == 10
    flip = next(flip for flip in result.flips if flip.id == "m1")
    assert (flip.label, flip.before, flip.after) == ("neg", "bad film 1", "baad film 1")
    assert (flip.answer_before, flip.answer_after) == ("neg", "pos")


def test_an_unpaired_drop(run_of: Callable[..., SuiteEvaluator]) -> None:
    """On books five of twenty are wrong, against none of forty movies."""
    result = run_of().evaluate(KEYWORD, BOOKSHOP)
    assert not result.paired
    assert (result.n, result.unchanged) == (20, 0)
    assert (result.score_in_distribution, result.score_under_shift) == (1.0, 0.75)
    assert result.drop.value == 0.25
    bounds = UnpairedDifference(40, 40, 15, 20).bounds(ALPHA)
    assert (result.drop.low, result.drop.high) == bounds
    assert result.shifted_set_hash == BOOKS.content_hash
    assert (len(result.before), len(result.after)) == (40, 20)
    assert len(result.flips) == result.flipped == 5
    assert {(flip.before, flip.answer_before) for flip in result.flips} == {(None, None)}
    assert {flip.answer_after for flip in result.flips} == {"pos"}


def test_a_model_that_loses_nothing(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A drop of 0 has an interval around it, and passes once that is within the budget."""
    result = run_of(Budget(0.1)).evaluate(STURDY, STRETCH)
    assert result.drop.value == 0.0
    assert result.drop.low < 0.0 < result.drop.high
    assert result.flips == ()
    assert result.drop.high == pytest.approx(1 - ALPHA ** (1 / 30), abs=1e-4)
    assert result.verdict == "pass"


def test_abstentions_are_counted_apart(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Unanswered inputs score 0 and have a count of their own, before and under the shift."""

    def rule(text: str) -> str | None:
        if "baad" in text or text == "good film 0":
            return None
        return "neg" if "bad" in text else "pos"

    result = run_of().evaluate(answering("shy", rule), STRETCH)
    assert (result.abstained_in_distribution, result.abstained) == (1, 10)
    assert result.score_in_distribution == pytest.approx(29 / 30)
    assert result.score_under_shift == pytest.approx(20 / 30)
    assert {flip.answer_after for flip in result.flips} == {None}
    floor = run_of().floor(answering("shy", rule))
    assert floor.abstained == 1


@pytest.mark.parametrize(
    ("model", "reason"),
    [
        (FakeModel("m", "constant", LABELS), "m: it answers 'neg' to 100.0 % of the inputs"),
        (FakeModel("m", "constant", LABELS[::-1]), "m: it answers 'pos' to 100.0 % of the inputs"),
        (FakeModel("m", "random", LABELS), "is not shown to be above the majority class (50.0)"),
        (answering("m", lambda _: None), "m: it answered nothing in distribution"),
        (answering("m", lambda t: "pos" if "bad" in t else "neg"), "not shown to be above the"),
    ],
    ids=["constant", "other constant", "random", "silent", "inverted"],
)
@pytest.mark.parametrize("shift", [STRETCH, BOOKSHOP, ATTACK], ids=lambda s: s.name)
def test_a_model_that_is_bad_everywhere_is_invalid(
    model: Any, reason: str, shift: Shift, run_of: Callable[..., SuiteEvaluator]
) -> None:
    """A small drop of a model that knows nothing is no robustness: floor and drop are invalid."""
    run = run_of(Budget(1.0, 1.0))
    assert run.floor(model).verdict == "invalid"
    result = run.evaluate(model, shift)
    assert result.verdict == "invalid"
    assert reason in result.reason
    for comparison in (run.compare(model, STURDY, shift), run.compare(STURDY, model, shift)):
        assert comparison.verdict == "invalid"
        assert reason in comparison.reason


def test_few_changed_examples_are_invalid(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A perturbation that changes hardly anything says nothing."""
    result = run_of(Budget(1.0)).evaluate(KEYWORD, RARE)
    assert (result.n, result.unchanged, result.verdict) == (5, 35, "invalid")
    assert result.reason == f"only 5 examples were changed; {MIN_CHANGED} are the least"


def test_a_shift_that_changes_nothing_is_an_error(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Without a changed example there is no drop to measure."""
    with pytest.raises(OodError, match="tiny/noise/nothing changed none of 40 examples"):
        run_of().evaluate(KEYWORD, NOTHING)


@pytest.mark.parametrize(
    ("change", "advice"),
    [
        (find("ocr").with_parameters(share=0.0), "Raise its severity, or drop the shift"),
        (
            find("words-to-digits"),
            "There is nothing in these texts that it changes, at any severity",
        ),
        (
            find("keyboard").with_parameters(layout="uk"),
            "take another perturbation, or other param",
        ),
        (find("swap").keeping(Protection(patterns=(".+",))), "name less under `protect`"),
    ],
)
def test_what_helps_a_shift_that_changes_nothing_is_said(
    run_of: Callable[..., SuiteEvaluator], change: Generator, advice: str
) -> None:
    """A severity is advised only where a higher one would change something."""
    shift = NoiseShift("nothing", change)
    run = run_of(shifts=(*SHIFTS[:3], shift), budgets={"nothing": {}})
    with pytest.raises(OodError, match=re.escape(advice)):
        run.evaluate(KEYWORD, shift)


def test_without_a_budget_a_drop_is_measured(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Where nothing is asked for, nothing is judged."""
    result = run_of(Budget()).evaluate(KEYWORD, STRETCH)
    assert (result.budget, result.verdict, result.reason) == (None, "measured", "no budget is set")
    comparison = run_of(Budget()).compare(KEYWORD, STURDY, STRETCH)
    assert (comparison.margin, comparison.verdict) == (None, "measured")


def test_an_attack(run_of: Callable[..., SuiteEvaluator]) -> None:
    """An attack takes the first examples, counts its queries and leaves none out."""
    result = run_of().evaluate(KEYWORD, ATTACK)
    assert (result.kind, result.paired, result.n) == ("adversarial", True, 16)
    assert result.score_in_distribution == 1.0
    assert isinstance(result.details, AttackDetails)
    assert result.details.queries is not None
    assert 16 <= result.details.queries <= 16 * 20
    assert result.drop.value == pytest.approx(len(result.flips) / 16)
    assert result.flips, "a model that hangs on one word is fooled"
    assert result.unchanged == 16 - len(result.flips)


@pytest.mark.parametrize("shift", [STRETCH, BOOKSHOP, ATTACK], ids=lambda s: s.name)
def test_the_sign_of_a_comparison(shift: Shift, run_of: Callable[..., SuiteEvaluator]) -> None:
    """Above 0 the model drops more than the baseline; turned round, everything is negated."""
    run = run_of()
    worse = run.compare(KEYWORD, STURDY, shift)
    better = run.compare(STURDY, KEYWORD, shift)
    mine, other = run.evaluate(KEYWORD, shift), run.evaluate(STURDY, shift)
    assert worse.difference.value == pytest.approx(mine.drop.value - other.drop.value)
    assert better.difference.value == pytest.approx(-worse.difference.value)
    assert (worse.drop, worse.baseline_drop) == pytest.approx((mine.drop.value, other.drop.value))
    assert better.difference.low == pytest.approx(-worse.difference.high)
    assert better.difference.high == pytest.approx(-worse.difference.low)
    assert (
        worse.scores
        == better.baseline_scores
        == ScorePair(in_distribution=mine.score_in_distribution, under_shift=mine.score_under_shift)
    )


def test_the_verdict_of_a_comparison(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Dropping a third more than the baseline fails; dropping a third less passes."""
    run = run_of(Budget(None, 0.05))
    worse, better = run.compare(KEYWORD, STURDY, STRETCH), run.compare(STURDY, KEYWORD, STRETCH)
    assert (worse.verdict, better.verdict) == ("fail", "pass")
    assert worse.difference.value == pytest.approx(1 / 3)
    assert (worse.n, worse.margin) == (30, 0.05)
    assert {flip.id for flip in worse.flips} == {f"m{n}" for n in range(40) if n % 4 == 1}
    assert better.flips == ()


def test_a_model_drops_as_much_as_itself(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Two models that answer alike differ by 0, inside an interval that holds it."""
    twin = FakeModel("twin", "keyword", LABELS, KEYWORD.words)
    difference = run_of().compare(KEYWORD, twin, STRETCH).difference
    assert difference.value == 0.0
    assert difference.low < 0.0 < difference.high


def test_the_difference_over_several_shifts(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Over shifts of one kind an example is one value: its mean over the shifts."""
    run = run_of()
    mine = [run.evaluate(KEYWORD, shift) for shift in (STRETCH, RARE)]
    other = [run.evaluate(STURDY, shift) for shift in (STRETCH, RARE)]
    found = difference_of_drops(mine, other, ALPHA)
    changed = {f"m{n}" for n in range(40) if n % 4 != 3 or n < 5}
    # m1 is in both shifts and lost in the first alone.
    lost = sum(0.5 if n == 1 else 1.0 for n in range(40) if n % 4 == 1)
    assert found.n == len(changed)
    assert found.value == pytest.approx(lost / len(changed))
    with pytest.raises(ValueError, match="not of the same shifts"):
        difference_of_drops(mine, other[::-1], ALPHA)
    with pytest.raises(ValueError, match="not of the same shifts"):
        difference_of_drops([], [], ALPHA)


@pytest.mark.parametrize("shift", [STRETCH, BOOKSHOP, ATTACK], ids=lambda s: s.name)
def test_results_survive_json(shift: Shift, run_of: Callable[..., SuiteEvaluator]) -> None:
    """Floors, drops and comparisons come back from JSON as they were."""
    run = run_of(min_score=0.5)
    results: list[Floor | Evaluation | Comparison] = [
        run.floor(KEYWORD),
        run.evaluate(KEYWORD, shift),
        run.compare(KEYWORD, STURDY, shift),
    ]
    for result in results:
        again = from_record(json.loads(json.dumps(to_record(result), allow_nan=False)))
        assert again == result
        assert type(again) is type(result)


@dataclass(frozen=True)
class Cutting(FakeModel):
    """Sees the first ten characters."""

    max_length: int = 10

    def count_cut(self, inputs: Iterable[Inputs]) -> int:
        """Count texts of more characters."""
        return sum(len(str(value)) > self.max_length for value in inputs)


def test_what_a_model_sees_in_part_is_noted(run_of: Callable[..., SuiteEvaluator]) -> None:
    """How many texts of each set are cut stands in the notes, once; none is no note."""
    short = Dataset("movies", tuple(replace(e, inputs=f"{e.inputs}".ljust(10)) for e in MOVIES))
    long = [len(str(e.inputs)) > 10 for e in short]
    run = run_of(movies=short)
    model = Cutting("cutting", "keyword", LABELS, {"neg": ["bad"], "pos": ["good"]})
    for _ in range(2):
        run.floor(model)
        run.evaluate(model, BOOKSHOP)
    assert [note.partition(" have more")[0] for note in run.notes] == [
        f"cutting: {sum(long)} of 40 texts of in-distribution",
        f"cutting: {sum(len(str(e.inputs)) > 10 for e in BOOKS)} of 20 texts of books",
    ]
    assert "max_length of 10" in run.notes[0]
    other = run_of()
    other.floor(replace(model, max_length=99))
    assert other.notes == []


class Narrow(CallableModel):
    """Takes texts of up to twelve characters."""

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer where all fit."""
        long = [value for value in inputs if len(str(value)) > 12]
        if long:
            raise TooLongError("too long", long, "beyond twelve characters")
        return super().predict(inputs)


def test_what_does_not_fit_is_counted(run_of: Callable[..., SuiteEvaluator]) -> None:
    """It got no answer, with its reason, and makes a check invalid where it is more than a few."""
    films = Dataset("movies", (*MOVIES.examples, replace(MOVIES.examples[0], id="long",
                                                         inputs="good but long 40")))  # fmt: skip
    rule = answering("x", lambda text: "pos" if "good" in text else "neg")
    floor = run_of(movies=films).floor(Narrow("narrow", rule.function))
    assert floor.errors == {"beyond twelve characters": 1}
    assert (floor.n, floor.score.value, floor.verdict) == (40, 1.0, "invalid")
    assert "1 of 41 inputs got no answer, over the cap of 1" in floor.reason
    attacked = run_of(movies=films).evaluate(Narrow("narrow", rule.function), LONG_ATTACK)
    assert attacked.n == 40, "what it cannot be asked cannot be attacked"
    nothing_fits = Dataset("movies", films.examples[-1:])
    with pytest.raises(ModelError, match=r"answered none of 1 inputs .*beyond twelve characters"):
        run_of(movies=nothing_fits).floor(Narrow("narrow", rule.function))


def test_results_are_kept(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A comparison after the drops asks nothing again."""
    asked: list[int] = []

    def answer(inputs: list[Inputs]) -> list[str]:
        asked.append(len(inputs))
        return ["neg" if "bad" in str(value) else "pos" for value in inputs]

    run, model = run_of(), CallableModel("own", answer)
    first = run.evaluate(model, STRETCH)
    count = len(asked)
    assert run.evaluate(model, STRETCH) is first
    assert run.floor(model) is run.floor(model)
    run.compare(model, STURDY, STRETCH)
    assert len(asked) == count


def test_the_order_of_the_data_decides_nothing(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Shuffled data gives the same figures, hashes and texts."""
    shuffled = Dataset("movies", tuple(Random(1).sample(MOVIES.examples, len(MOVIES))))
    for shift in (STRETCH, BOOKSHOP, ATTACK):
        assert run_of(movies=shuffled).evaluate(KEYWORD, shift) == run_of().evaluate(KEYWORD, shift)


def test_a_sample_is_drawn(run_of: Callable[..., SuiteEvaluator]) -> None:
    """`max_examples` draws from every data set, the same for every model, by the seed."""
    run = run_of(max_examples=12)
    assert run.floor(KEYWORD).n == 12
    assert run.evaluate(KEYWORD, BOOKSHOP).n == 12
    assert [e.id for e in run.data.in_distribution()] == [
        e.id for e in run_of(max_examples=30).data.in_distribution()
    ][:12]
    other = run_of(max_examples=12, seed=1)
    assert other.floor(KEYWORD).data_hash != run.floor(KEYWORD).data_hash
    assert (other.floor(KEYWORD).seed, run.floor(KEYWORD).seed) == (1, 0)


def test_recorded_answers_are_measured(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A recorded model gets the figures of the model whose answers were recorded."""
    run = run_of()
    answers: dict[tuple[str, str], Prediction] = {}
    for example in MOVIES:
        answers[IN_DISTRIBUTION, example.id] = KEYWORD.predict([example.inputs])[0]
        text = stretch(str(example.inputs), Random(0))
        answers["stretch", example.id] = KEYWORD.predict([text])[0]
    for example in BOOKS:
        answers["books", example.id] = KEYWORD.predict([example.inputs])[0]
    recorded = ReplayModel("recorded", answers, "file")
    for shift in (STRETCH, BOOKSHOP):
        mine, real = run.evaluate(recorded, shift), run.evaluate(KEYWORD, shift)
        assert (mine.drop, mine.after, mine.verdict) == (real.drop, real.after, real.verdict)
    with pytest.raises(NotApplicableError, match="'recorded' is replayed from file"):
        run.evaluate(recorded, ATTACK)
    with pytest.raises(ModelError, match="holds no answer"):
        run.evaluate(recorded, RARE)


def test_a_foreign_label_in_the_data_is_an_error(run_of: Callable[..., SuiteEvaluator]) -> None:
    """Data with a label that the task lacks is refused."""
    data = Dataset("odd", (Example("1", "x", "neutral"), *MOVIES.examples))
    with pytest.raises(DataError, match="unknown label 'neutral'"):
        run_of(movies=data).floor(KEYWORD)


# What is looked at, and what makes a verdict mean nothing.

PLACES = Dataset("films", tuple(Example(f"f{n}", "", "pos") for n in range(600))).sample(None, 0)
"""The order in which a run with the seed 0 draws the films."""

FILMS = Dataset(
    "films",
    tuple(
        Example(e.id, f"{('good', 'bad')[place % 2]} film {place}", ("pos", "neg")[place % 2])
        for place, e in enumerate(PLACES)
    ),
)
"""Texts that end in their place in the draw."""


def changing(start: int, end: int, name: str = "late") -> NoiseShift:
    """Make a shift that changes the films from one place of the draw to another."""

    @perturbation(source="here")
    def polish(text: str, rng: Random) -> str:
        del rng
        return f"{text} indeed" if start <= int(text.split()[2]) < end else text

    return NoiseShift(name, polish)


def over_films(
    *shifts: Shift,
    budget: Budget,
    metric: str = "accuracy",
    sequential: bool = True,
    references: Mapping[str, FakeModel] = MappingProxyType({}),
    **changes: Any,
) -> SuiteEvaluator:
    """Make a run over 600 films, of a suite with some fields changed."""
    nowhere = Path()
    suite = Suite(
        name="tiny", task=Classification(LABELS), in_distribution=FILMS, shifts=shifts,
        budgets={shift.name: {metric: budget} for shift in shifts},
    )  # fmt: skip
    return SuiteEvaluator(
        replace(suite, **changes),
        references=references,
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=nowhere, cache=nowhere, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(ALPHA, sequential=sequential),
        max_examples=None,
    )  # fmt: skip


@pytest.mark.parametrize(("limit", "verdict"), [(0.1, "pass"), (0.001, "invalid")])
def test_a_shift_that_sets_in_late_is_looked_at_when_it_does(limit: float, verdict: str) -> None:
    """Looks before the first changed example are passed over, and cost nothing further."""
    shift, asked = changing(100, 400), []

    def answer(inputs: Sequence[Inputs]) -> list[str]:
        asked.extend(inputs)
        return ["neg" if "bad" in str(value) else "pos" for value in inputs]

    model = CallableModel("m", answer)
    result = over_films(shift, budget=Budget(limit)).evaluate(model, shift)
    assert result.verdict == verdict
    assert result.n == min(result.drawn, 400) - 100
    assert {int(str(value).split()[2]) for value in asked} == set(range(result.drawn))
    compared = over_films(shift, budget=Budget(None, limit)).compare(model, KEYWORD, shift)
    assert (compared.verdict, compared.n) == (verdict, min(compared.drawn, 400) - 100)


def test_nothing_stops_on_a_handful_of_changed_examples() -> None:
    """However clear the first changed examples are, ten of them are the least for a verdict."""
    shift = changing(31, 600)
    lost = answering("lost", lambda t: "pos" if ("bad" in t) is ("indeed" in t) else "neg")
    result = over_films(shift, budget=Budget(0.0)).evaluate(lost, shift)
    assert result.verdict == "fail"
    assert MIN_CHANGED <= result.n < 569
    early = changing(0, 8)
    result = over_films(early, budget=Budget(0.0)).evaluate(lost, early)
    assert (result.verdict, result.drawn) == ("invalid", 600)
    assert result.reason == "only 8 examples were changed; 10 are the least"


@pytest.mark.parametrize("turned", [False, True])
def test_a_comparison_with_a_model_that_goes_silent_is_invalid(turned: bool) -> None:  # noqa: FBT001 - parameters
    """Dropping less than a model without answers is no robustness; both are held to the cap."""
    shift = changing(0, 600)
    silent = answering("silent", lambda t: None if "indeed" in t else KEYWORD.predict([t])[0].label)
    pair = (silent, KEYWORD) if turned else (KEYWORD, silent)
    result = over_films(shift, budget=Budget(None, 0.5)).compare(*pair, shift)
    assert result.verdict == "invalid"
    assert result.reason == (
        "silent: it gave no parseable answer to 100.0 % of the inputs under the shift, over the "
        "cap of 10.0 %"
    )


def test_a_worst_case_of_hardly_any_change_is_invalid() -> None:
    """Where all perturbations together change fewer than ten examples, nothing is shown."""
    shifts = (changing(0, 5, "one"), changing(3, 9, "two"), WorstCase())
    result = over_films(*shifts, budget=Budget(0.5)).evaluate(KEYWORD, shifts[2])
    assert result.verdict == "invalid"
    assert result.reason == "only 9 examples were changed; 10 are the least"
    enough = (changing(0, 5, "one"), changing(3, 10, "two"), WorstCase())
    assert over_films(*enough, budget=Budget(0.5)).evaluate(KEYWORD, enough[2]).verdict == "pass"


def test_the_seeds_drops_are_of_the_metric_shown() -> None:
    """Beside the drop of a recall stand the drops of the seeds' recalls."""
    shift = changing(0, 600)
    members = tuple(
        answering(f"m#{every}", lambda t, every=every: "neg" if "bad" in t or (
            "indeed" in t and int(t.split()[2]) % every == 0) else "pos")
        for every in (4, 8)
    )  # fmt: skip
    run = over_films(shift, budget=Budget(0.1), metric="recall-pos", sequential=False)
    result = run.evaluate(SeededModel("m", members), shift, "recall-pos")
    # Positives stand in the even places: every second or every fourth of them is lost.
    assert result.seed_drops == (0.5, 0.25)
    assert result.drop.value == 0.375


def losing(share: float, number: int) -> CallableModel:
    """Make a model that loses a share of the perturbed films, drawn by its number."""
    lost = {n for n in range(600) if Random(f"{number}/{n}").random() < share}

    def rule(text: str) -> str:
        label = "neg" if "bad" in text else "pos"
        turned = "indeed" in text and int(text.split()[2]) in lost
        return LABELS[1 - LABELS.index(label)] if turned else label

    return answering("losing", rule)


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.0, 0.05, 0.1, 0.15, 0.3])
def test_a_verdict_goes_with_its_interval(share: float) -> None:
    """At whatever look it falls: pass where the interval ends below the budget, fail above it."""
    shift = changing(0, 600)
    for number in range(4):
        run = over_films(shift, budget=Budget(0.1, 0.1))
        model = losing(share, number)
        drop, compared = run.evaluate(model, shift), run.compare(model, KEYWORD, shift)
        for verdict, figure in (
            (drop.verdict, drop.drop), (compared.verdict, compared.difference)
        ):  # fmt: skip
            assert figure.low <= figure.value <= figure.high
            assert (verdict == "pass") is (figure.high <= 0.1 + 1e-4)
            assert (verdict == "fail") is (figure.low > 0.1 - 1e-4)
        assert drop.drawn == 600 or drop.verdict in ("pass", "fail")


def test_a_floor_goes_with_its_interval() -> None:
    """A clear floor stops early, on either side; its interval and its verdict agree."""
    run = over_films(changing(0, 600), budget=Budget(0.1), min_score=0.9)
    for wrong, verdict in ((0, "pass"), (3, "fail"), (10, None)):
        # A third, a tenth or none of the films is answered wrong.
        model = answering(
            f"m{wrong}",
            lambda t, wrong=wrong: LABELS[
                ("bad" not in t) ^ bool(wrong and int(t.split()[2]) % wrong == 0)
            ],
        )
        floor = run.floor(model)
        assert floor.score.low <= floor.score.value <= floor.score.high
        assert (floor.verdict == "pass") is (floor.score.low >= 0.9 - 1e-4)
        assert (floor.verdict == "fail") is (floor.score.high < 0.9 + 1e-4)
        if verdict is not None:
            assert floor.verdict == verdict
            assert floor.n < floor.planned == 600
            assert floor.data_hash == FILMS.content_hash


@pytest.mark.slow
@pytest.mark.parametrize("sequential", [True, False], ids=["sequential", "whole"])
@pytest.mark.parametrize(
    "model",
    [
        FakeModel("m", "constant", LABELS),
        FakeModel("m", "random", LABELS),
        answering("m", lambda t: "pos" if "bad" in t else "neg"),
    ],
    ids=["constant", "random", "swapped"],
)
def test_no_budget_is_kept_by_a_model_that_knows_nothing(
    model: Any,
    sequential: bool,  # noqa: FBT001 - parameters
) -> None:
    """By no metric, under no shift, alone or beside a baseline, however large the budget."""
    films = Dataset("other", tuple(replace(e, id=f"o{e.id}") for e in FILMS))
    shifts: tuple[Shift, ...] = (
        changing(0, 600, "one"), changing(50, 600, "two"), WorstCase(), DomainShift("other", films),
        replace(ATTACK, max_examples=40),
    )  # fmt: skip
    everything = Budget(1.0, 1.0)
    names = {shift.name: metric_names(Classification(LABELS), shift.kind) for shift in shifts}
    run = over_films(
        *shifts, budget=everything, sequential=sequential, references={"other": KEYWORD},
        budgets={name: dict.fromkeys(metrics, everything) for name, metrics in names.items()},
    )  # fmt: skip
    judged = 0
    for shift in shifts:
        for metric in names[shift.name]:
            try:
                verdicts = {
                    run.evaluate(model, shift, metric).verdict,
                    run.compare(model, KEYWORD, shift, metric).verdict,
                    run.compare(KEYWORD, model, shift, metric).verdict,
                }
            except NotApplicableError:
                assert metric == "ece", "random and swapped models give no scores"
                continue
            assert verdicts == {"invalid"}
            judged += 1
    assert judged >= 24


# Domains with coarser labels.

NLI = Classification(("entailment", "neutral", "contradiction"), "nli")
COARSE = {"neutral": "non-entailment", "contradiction": "non-entailment"}
PAIRS = Dataset(
    "pairs", tuple(Example(f"p{n}", f"{NLI.labels[n % 3]} {n}", NLI.labels[n % 3])
                   for n in range(60)),
)  # fmt: skip
CELLS = ("entailment", "non-entailment")
HANS = DomainShift(
    "hans",
    # Every fourth one says what it is not.
    Dataset("hans", tuple(Example(f"h{n}", f"{NLI.labels[n % 2 * 2 if n % 4 else 1]} {n}",
                                  CELLS[n % 2]) for n in range(40))),
    merge=COARSE,
)  # fmt: skip


def naming(name: str, *, scored: bool) -> CallableModel:
    """Make a model that answers with the first word; its share is 0.4, and 0.3 for each other."""

    def answer(inputs: Sequence[Inputs]) -> list[Any]:
        words = [str(value).split()[0] for value in inputs]
        if not scored:
            return words
        return [{label: 0.4 if label == word else 0.3 for label in NLI.labels} for word in words]

    return CallableModel(name, answer)


def over_pairs(
    tmp_path: Path,
    shift: DomainShift = HANS,
    frozen: FrozenSuite | None = None,
    **budgets: Budget,
) -> SuiteEvaluator:
    """Make a run over pairs of sentences, with HANS as its shift."""
    return SuiteEvaluator(
        Suite(
            name="nli",
            task=NLI,
            in_distribution=PAIRS,
            shifts=(shift,),
            budgets={"hans": {"accuracy": Budget(0.4, 0.1), **budgets}},
        ),
        frozen=frozen,
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(ALPHA),
        max_examples=None,
    )


@pytest.mark.parametrize("scored", [False, True])
def test_answers_are_merged_before_they_are_scored(tmp_path: Path, *, scored: bool) -> None:
    """Neutral and contradiction are right where the data says non-entailment, and only there."""
    run = over_pairs(tmp_path)
    found = run.evaluate(naming("m", scored=scored), HANS)
    assert (found.score_in_distribution, found.score_under_shift) == (1.0, 0.75)
    assert {flip.answer_after for flip in found.flips} == {"non-entailment"}
    assert {flip.label for flip in found.flips} == {"entailment"}
    assert from_record(to_record(found)) == found
    both = run.compare(naming("a", scored=scored), naming("b", scored=scored), HANS)
    assert both.difference.value == 0.0
    # Merged answers have 0.7, of which one in four is wrong and two are right; 0.4 is right.
    measured = {n: (p.in_distribution, p.under_shift) for n, p in found.metrics.items()}
    assert set(measured) == ({"ece"} if scored else set())
    if scored:
        assert measured["ece"] == pytest.approx((0.6, 0.025 + 0.15))


def test_metrics_by_label_need_the_same_labels(tmp_path: Path) -> None:
    """What goes by labels is not applicable where they differ; the reason names both sets."""
    names = ("macro-f1", "recall-neutral", "reweighted")
    run = over_pairs(tmp_path, **dict.fromkeys(names, Budget(0.5, 0.5)))
    model = naming("m", scored=False)
    assert run.evaluate(model, HANS).per_label == ()
    assert run.evaluate(model, HANS).details == DomainDetails()
    for name in names:
        for measure in (
            lambda name=name: run.evaluate(model, HANS, name),
            lambda name=name: run.compare(model, naming("other", scored=False), HANS, name),
        ):
            with pytest.raises(NotApplicableError) as caught:
                measure()
            assert str(caught.value) == (
                f"nli/domain/hans: {name} goes by labels, and there are others under the shift "
                "(entailment, non-entailment) than in distribution (entailment, neutral, "
                "contradiction)"
            )


def test_a_domain_with_coarser_labels_has_no_others(tmp_path: Path) -> None:
    """The data of such a shift is held to the labels that are left."""
    run = over_pairs(tmp_path, replace(HANS, source=PAIRS, name="pairs"))
    with pytest.raises(DataError, match=r"unknown label 'neutral'.*entailment, non-entailment"):
        run.data.horizon(run.suite.shifts[0])


def test_a_domain_with_coarser_labels_is_frozen(tmp_path: Path) -> None:
    """Frozen examples have the coarser labels, and give the same figures."""
    frozen = over_pairs(tmp_path).texts.freeze()
    assert set(frozen.data["hans"]) == {e.id for e in HANS.source}  # type: ignore[union-attr]
    run = over_pairs(tmp_path, frozen=frozen)
    assert run.evaluate(naming("m", scored=False), HANS).score_under_shift == 0.75


# Domains of the same examples in another form.

SHOUTED = Dataset(
    "shouted",
    tuple(
        # In another order; every fifth bad film is called dire.
        Example(e.id, ("DIRE" if int(e.id[1:]) % 10 == 1 else str(e.inputs).upper()), e.label)
        for e in reversed(MOVIES.examples)
    ),
)  # fmt: skip
PAIRED = DomainShift("shouted", SHOUTED, paired=True)
LOUD = answering("loud", lambda text: "pos" if "good" in text.lower() else "neg")
DEAF = answering("deaf", lambda text: "neg" if "bad" in text.lower() else "pos")


def paired_run(
    tmp_path: Path,
    shift: DomainShift = PAIRED,
    size: int | None = None,
    frozen: FrozenSuite | None = None,
) -> SuiteEvaluator:
    """Make a run over the movies and the same ones in another form."""
    return SuiteEvaluator(
        Suite(
            name="tiny", task=Classification(LABELS), in_distribution=MOVIES, shifts=(shift,),
            budgets={shift.name: {"accuracy": Budget(0.3, 0.3), "macro-f1": Budget(0.5)}},
        ),
        frozen=frozen,
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(ALPHA),
        max_examples=size,
    )  # fmt: skip


@pytest.mark.parametrize("size", [None, 20])
def test_a_paired_domain_is_compared_example_by_example(tmp_path: Path, size: int | None) -> None:
    """Whatever the order of the file, each example meets its original, in the draw's order."""
    run = paired_run(tmp_path, size=size)
    found = run.evaluate(DEAF, PAIRED)
    drawn = [e.id for e in run.data.in_distribution()]
    dire = sum(int(identifier[1:]) % 10 == 1 for identifier in drawn)
    assert (found.paired, found.n, found.drawn) == (True, len(drawn), len(drawn))
    assert found.drop.value == pytest.approx(dire / len(drawn))
    expected = PairedDifference(lost=dire, gained=0, n=len(drawn))
    assert found.drop == estimate(expected, ALPHA)
    assert found.flipped == dire
    assert all(str(flip.before).startswith("bad film") for flip in found.flips)
    assert {flip.after for flip in found.flips} == {"DIRE"}
    assert found.details == DomainDetails()
    assert from_record(to_record(found)) == found
    both = run.compare(DEAF, LOUD, PAIRED)
    assert both.difference.value == pytest.approx(dire / len(drawn))
    assert run.evaluate(DEAF, PAIRED, "macro-f1").drop.value > 0.0
    answer = difference_of_drops([found], [run.evaluate(LOUD, PAIRED)], ALPHA)
    assert answer.value == pytest.approx(dire / len(drawn))


def test_pairs_are_tighter_than_two_samples(tmp_path: Path) -> None:
    """Where the same examples are hard before and after, the paired interval is narrower."""

    def hard(text: str) -> str:
        good = "good" in text.lower() or text == "DIRE"
        # A third of the numbers is read wrong, in either form.
        return LABELS[good ^ (text[-1] in "369")]

    model = answering("hard", hard)
    paired = paired_run(tmp_path).evaluate(model, PAIRED).drop
    shift = replace(PAIRED, paired=False)
    unpaired = paired_run(tmp_path, shift).evaluate(model, shift).drop
    assert paired.value == pytest.approx(unpaired.value)
    assert paired.high - paired.low < 0.8 * (unpaired.high - unpaired.low)


def test_ids_without_a_partner_are_refused(tmp_path: Path) -> None:
    """An id too many or too few on either side is told before a model is asked."""
    other = Dataset("other", (*SHOUTED.examples[2:], Example("x1", "what", "pos")))
    run = paired_run(tmp_path, replace(PAIRED, source=other))
    with pytest.raises(DataError) as caught:
        run.data.horizon(run.suite.shifts[0])
    assert str(caught.value) == (
        "tiny/domain/shouted: examples are paired by their ids, and have no partner: 2 of movies "
        "('m38', ...) and 1 of other ('x1', ...). `id` names the column of ids in both, or leave "
        "out `paired`"
    )


def test_a_paired_domain_is_frozen(tmp_path: Path) -> None:
    """Frozen pairs stay pairs, also where the file has fewer than there are."""
    frozen = paired_run(tmp_path, size=20).texts.freeze()
    run = paired_run(tmp_path, frozen=frozen)
    found = run.evaluate(DEAF, PAIRED)
    assert found.n == 20
    assert found.drop == paired_run(tmp_path, size=20).evaluate(DEAF, PAIRED).drop
