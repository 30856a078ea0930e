from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np
import pytest

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation import AttackDetails, DomainDetails, SuiteEvaluator
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import SeededModel
from pytest_ood.perturbations import perturbation
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.shifts import AdversarialShift, DomainShift, NoiseShift, WorstCase
from pytest_ood.statistics import paired_drop
from pytest_ood.statistics.sequential import looks
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction, decide
from pytest_ood.utils.progress import Silent

LABELS = ("neg", "pos")
SEQUENTIAL, WHOLE = Rules(0.05, sequential=True), Rules(0.05, sequential=False)


def texts(name: str, count: int, positive: int = 2) -> Dataset:
    """Make examples of which one in `positive` is positive."""
    return Dataset(
        name,
        tuple(
            Example(
                f"{name}{n}", f"{'bad' if n % positive else 'good'} {name} {n}",
                "neg" if n % positive else "pos",
            )
            for n in range(count)
        ),
    )  # fmt: skip


@perturbation(source="here")
def polish(text: str, rng: random.Random) -> str:
    """Change a text in a way that no rule sees."""
    del rng
    return f"{text} indeed"


@perturbation(source="here")
def smudge(text: str, rng: random.Random, *, share: float = 0.3) -> str:
    """Make the telling word of a share of the texts unreadable, and polish the others."""
    if rng.random() >= share:
        return f"{text} indeed"
    return text.replace("good", "g**d").replace("bad", "b*d")


POLISH, SMUDGE = NoiseShift("polish", polish), NoiseShift("smudge", smudge)
ELSEWHERE = DomainShift("elsewhere", texts("book", 600, positive=3))
ATTACK = AdversarialShift(
    "attack", find_attack("greedy-characters"), QueryBudget(20), max_examples=100
)
WORST = WorstCase()
Runs = Callable[..., SuiteEvaluator]


@pytest.fixture
def run_of(tmp_path: Path) -> Runs:
    """Return a maker of runs over films: budgets by shift and metric, as keywords."""

    def maker(
        rules: Rules = SEQUENTIAL,
        *,
        films: int = 600,
        seed: int = 0,
        references: Mapping[str, FakeModel] = MappingProxyType({}),
        **given: dict[str, Budget],
    ) -> SuiteEvaluator:
        shifts = (POLISH, SMUDGE, ELSEWHERE, ATTACK, WORST)
        budgets = {s.name: given.get(s.name.replace("-", "_"), {}) for s in shifts}
        suite = Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=texts("film", films),
            shifts=shifts,
            budgets=budgets,
        )
        return SuiteEvaluator(
            suite,
            engine=Engine(MemoryStore(), Silent()),
            reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
            seed=seed,
            rules=rules,
            max_examples=None,
            references=references,
        )

    return maker


def drop(limit: float, margin: float | None = None) -> dict[str, Budget]:
    """Return a budget of accuracy."""
    return {"accuracy": Budget(limit, margin)}


class Counting:
    """A model that reads telling words, and counts the inputs it is asked about."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, inputs: Sequence[Inputs]) -> list[str]:
        """Answer."""
        self.asked += [str(value) for value in inputs]
        return ["pos" if "good" in str(value) else "neg" for value in inputs]


def flipping(number: int, share: float = 0.05) -> CallableModel:
    """Make a model that answers otherwise now and then, each time anew."""
    rng = random.Random(number)

    def answer(inputs: Sequence[Inputs]) -> list[str]:
        right = ["pos" if "good" in str(value) else "neg" for value in inputs]
        return [
            LABELS[1 - LABELS.index(label)] if rng.random() < share else label for label in right
        ]

    return CallableModel("flipping", answer)


def first_of(run: SuiteEvaluator, size: int) -> set[int]:
    """Return the numbers of the first examples of the draw."""
    return {int(str(e.inputs).split()[2]) for e in run.data.in_distribution().examples[:size]}


# Stopping early.


def test_what_is_settled_is_asked_no_further(run_of: Runs) -> None:
    """An obvious pass and an obvious fail stop early, having asked about as many and no more."""
    counting = Counting()
    model = CallableModel("m", counting)
    run = run_of(polish=drop(0.10), smudge=drop(0.02))
    passed, failed = run.evaluate(model, POLISH), run.evaluate(model, SMUDGE)
    assert (passed.verdict, failed.verdict) == ("pass", "fail")
    for result in (passed, failed):
        assert result.stopped
        assert result.sequential
        assert result.n == result.drawn in looks(600)
        assert result.drop.low <= result.drop.value <= result.drop.high
    assert passed.drop.high <= 0.10 + 1e-6
    assert failed.drop.low >= 0.02 - 1e-6
    most = max(passed.drawn, failed.drawn, run.floor(model).n)
    again = run.floor(model).repeated
    # Both perturbations leave some texts alike, and nothing is asked twice in one draw.
    assert len(counting.asked) <= most + passed.drawn + failed.drawn + again < 600
    assert {int(text.split()[2]) for text in counting.asked} <= first_of(run, most)


def test_without_batches_everything_is_asked(run_of: Runs) -> None:
    """With `sequential` off, or without a budget, all examples are used."""
    model = CallableModel("m", Counting())
    assert run_of(WHOLE, polish=drop(0.10)).evaluate(model, POLISH).drawn == 600
    measured = run_of(SEQUENTIAL).evaluate(model, POLISH)
    assert (measured.drawn, measured.verdict) == (600, "measured")


class OnAccelerator(FakeModel):
    """A model that fills a pass with 500 tokens once it is loaded, which the first call does."""

    def __init__(self, pass_tokens: int) -> None:
        super().__init__("m", "keyword", LABELS, WORDS)
        self.__dict__.update(full=pass_tokens, calls=[])

    @property
    def pass_tokens(self) -> int:
        """The tokens of a full pass."""
        return int(self.__dict__["full"]) if self.calls else 0

    @property
    def calls(self) -> list[int]:
        """The number of inputs of each call."""
        calls: list[int] = self.__dict__["calls"]
        return calls

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer."""
        self.calls.append(len(inputs))
        return super().predict(inputs)


def test_an_accelerator_is_asked_for_full_batches(
    run_of: Runs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Looks stay where they are; what the next ones need is asked for before, in full batches."""
    monkeypatch.setattr("pytest_ood.inference.engine.FIRST_BATCH", 1024)
    monkeypatch.setattr("pytest_ood.inference.engine.BATCH_SIZE", 1024)
    given = {"polish": drop(0.01), "elsewhere": drop(0.05)}
    plain, full = OnAccelerator(0), OnAccelerator(500)
    one, other = (
        [run.floor(model), *(run.evaluate(model, shift) for shift in (POLISH, ELSEWHERE))]
        for model, run in ((plain, run_of(**given)), (full, run_of(**given)))
    )
    assert one == other
    assert set(plain.calls) == {32}
    # Films have 11 or 12 characters, polished ones 18 or 19, and an accelerator has room for 2,000.
    assert all(size > 100 for size in full.calls[2:])
    assert len(plain.calls) == 32 > 2 * len(full.calls)


def test_verdicts_do_not_depend_on_what_was_asked_before(run_of: Runs) -> None:
    """In whatever order checks are carried out, each comes to the same."""
    model, other = CallableModel("m", Counting()), FakeModel("o", "keyword", LABELS, WORDS)
    given = {"polish": drop(0.1, 0.05), "smudge": drop(0.3, 0.05), "elsewhere": drop(0.1, 0.05)}
    one, two = run_of(**given), run_of(**given)
    shifts = (POLISH, SMUDGE, ELSEWHERE)
    first = [(one.evaluate(model, s), one.compare(model, other, s)) for s in shifts]
    second = [(two.compare(model, other, s), two.evaluate(model, s)) for s in shifts[::-1]]
    assert first == [pair[::-1] for pair in second[::-1]]


WORDS = {"pos": ["good"], "neg": ["bad"]}


def test_unpaired_examples_stop_early_as_well(run_of: Runs) -> None:
    """A domain shift that costs nothing passes before all of both sets are used."""
    result = run_of(elsewhere=drop(0.10)).evaluate(CallableModel("m", Counting()), ELSEWHERE)
    assert result.verdict == "pass"
    assert result.stopped
    assert len(result.before) == len(result.after) == result.n < 600


def test_comparisons_stop_on_their_own(run_of: Runs) -> None:
    """A model is compared with another until that is settled, whatever its own drop took."""
    run = run_of(smudge=drop(0.9, 0.10))
    frail = FakeModel("frail", "keyword", LABELS, WORDS)
    sturdy = FakeModel("sturdy", "keyword", LABELS, {"pos": ["good"], "neg": ["bad", "b", "d"]})
    found = run.compare(frail, sturdy, SMUDGE)
    assert found.verdict in {"pass", "fail"}
    assert found.drawn < found.planned
    assert run.compare(frail, frail, SMUDGE).difference.value == 0.0


@pytest.mark.slow
def test_early_verdicts_at_the_budget_are_rare(run_of: Runs) -> None:
    """A model whose true drop is the budget is judged wrong in few of sixty draws."""
    wrong = 0
    for seed in range(60):
        run = run_of(seed=seed, films=200, smudge=drop(0.15))
        # The smudged negatives are still answered "neg": half of 30 % are lost.
        verdict = run.evaluate(FakeModel("m", "keyword", LABELS[::-1], WORDS), SMUDGE).verdict
        wrong += verdict in ("pass", "fail")
    assert wrong / 60 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 60)


# The model's own randomness.


def test_a_model_that_contradicts_itself_is_seen(run_of: Runs) -> None:
    """Asked again, a model that flips answers otherwise, and one that does not, does not."""
    run = run_of()
    floor = run.floor(flipping(1, 0.2))
    assert floor.repeated == 64
    assert 10 <= floor.inconsistent <= 35  # 2 * 0.2 * 0.8 of 64 are 20
    assert run.floor(FakeModel("steady", "keyword", LABELS, WORDS)).inconsistent == 0
    assert run.evaluate(flipping(1, 0.2), POLISH).inconsistency_rate == floor.inconsistent / 64


@pytest.mark.slow
def test_a_model_s_own_noise_is_no_drop(run_of: Runs) -> None:
    """With 5 % of its answers flipped, a harmless perturbation is found to cost nothing."""
    outside = fails = 0
    for number in range(80):
        run = run_of(WHOLE, films=150, polish=drop(0.0))
        result = run.evaluate(flipping(number), POLISH)
        outside += not result.drop.low <= 0.0 <= result.drop.high
        fails += result.verdict == "fail"
    assert outside / 80 <= 0.1 + 3 * np.sqrt(0.1 * 0.9 / 80)
    assert fails / 80 <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 80)


def test_a_success_has_to_hold_twice(run_of: Runs) -> None:
    """A robust model that answers at random now and then is fooled, and does not stay fooled."""
    run = run_of(WHOLE)
    attacked = run.evaluate(flipping(3), ATTACK)
    sturdy = run.evaluate(FakeModel("steady", "keyword", LABELS, WORDS), ATTACK)
    assert isinstance(attacked.details, AttackDetails)
    assert isinstance(sturdy.details, AttackDetails)
    assert attacked.details.unconfirmed > 20
    assert sturdy.details.unconfirmed == 0
    assert attacked.unchanged >= attacked.details.unconfirmed


# Worst case, metrics, references, seeds.


def test_the_worst_case_is_the_worst_of_each_example(run_of: Runs) -> None:
    """Its score is the least over the original and every perturbation, example by example."""
    run = run_of(WHOLE)
    model = FakeModel("m", "keyword", LABELS, WORDS)
    worst = run.evaluate(model, WORST).after
    others = [run.evaluate(model, s).after for s in (POLISH, SMUDGE)]
    before = run.evaluate(model, WORST).before
    assert len(worst) == 600
    for score, *each in zip(worst, before, *others, strict=True):
        assert score == min(value for value in each if value is not None)
    assert run.evaluate(model, WORST).drop.value >= run.evaluate(model, SMUDGE).drop.value


@pytest.mark.slow
@pytest.mark.parametrize("metric", ["macro-f1", "recall-pos", "pdr", "ece"])
def test_every_metric_can_have_a_budget(metric: str, run_of: Runs) -> None:
    """What a smudge costs breaks a small budget and keeps a large one; all are said by name."""
    for limit, verdict in ((0.02, "fail"), (0.9, "pass")):
        run = run_of(smudge={metric: Budget(limit, limit)})
        frail = answering_with_scores("frail", "good")
        result = run.evaluate(frail, SMUDGE, metric)
        assert (result.metric, result.verdict, result.drawn) == (metric, verdict, 600)
        assert result.drop.low <= result.drop.value <= result.drop.high
        steady = answering_with_scores("steady", "good", "g**d")
        compared = run.compare(frail, steady, SMUDGE, metric)
        assert (compared.metric, compared.verdict) == (metric, verdict)
        assert run.compare(steady, frail, SMUDGE, metric).verdict == "pass"


def answering_with_scores(name: str, *words: str) -> FakeModel:
    """Make a model that is sure of "pos" where it reads one of the words."""

    class Sure(FakeModel):
        def _answer(self, inputs: Inputs) -> Prediction:
            found = any(word in str(inputs) for word in words)
            return decide({"neg": 0.02 if found else 0.98, "pos": 0.98 if found else 0.02})

    return Sure(name, "keyword", LABELS, {"pos": list(words)})


def test_calibration_needs_scores(run_of: Runs) -> None:
    """A model without probabilities cannot be judged by them, and the check says so."""
    run = run_of(smudge={"ece": Budget(0.1)})
    with pytest.raises(NotApplicableError, match="needs a probability"):
        run.evaluate(CallableModel("m", Counting()), SMUDGE, "ece")


def test_a_domain_drop_is_taken_apart(run_of: Runs) -> None:
    """A model that only errs on positives drops by the change of their share, and not beyond."""
    rng = random.Random(4)

    def answer(inputs: Sequence[Inputs]) -> list[str]:
        return ["pos" if "good" in str(v) and rng.random() < 0.7 else "neg" for v in inputs]

    run = run_of(WHOLE, elsewhere={"reweighted": Budget(0.1)})
    model = CallableModel("m", answer)
    raw, same_mix = run.evaluate(model, ELSEWHERE), run.evaluate(model, ELSEWHERE, "reweighted")
    assert raw.drop.value < -0.02  # a third of books is positive, and half of the films
    assert isinstance(raw.details, DomainDetails)
    assert raw.details.reweighted_drop == pytest.approx(same_mix.drop.value)
    assert abs(same_mix.drop.value) < 0.05
    assert same_mix.verdict == "pass"


def test_an_in_domain_reference_is_the_mark(run_of: Runs) -> None:
    """The gap to a model trained on the target is paired, and needs such a model."""
    run = run_of(WHOLE, elsewhere={"in-domain": Budget(0.1, 0.1)})
    weak = CallableModel(
        "weak", lambda v: ["pos" if "good" in t and "7" not in t else "neg" for t in v]
    )
    with pytest.raises(NotApplicableError, match="no in-domain reference"):
        run.evaluate(weak, ELSEWHERE, "in-domain")
    reference = FakeModel("there", "keyword", LABELS, WORDS)
    budgets = {"in-domain": Budget(0.1, 0.1)}
    run = run_of(WHOLE, references={"elsewhere": reference}, elsewhere=budgets)
    result = run.evaluate(weak, ELSEWHERE, "in-domain")
    after = [score for score in result.after if score is not None]
    assert result.drop.value == pytest.approx(1.0 - np.mean(after))
    figure = paired_drop([1.0] * 600, after)
    assert (result.drop.low, result.drop.high) == figure.bounds(0.05)
    assert isinstance(result.details, DomainDetails)
    assert (result.details.in_domain_score, result.score_in_distribution) == (1.0, 1.0)
    steady = FakeModel("steady", "keyword", LABELS, WORDS)
    gap = run.compare(weak, steady, ELSEWHERE, "in-domain").difference
    assert gap.value == pytest.approx(result.drop.value)


def test_a_reference_that_learned_nothing_is_none(run_of: Runs) -> None:
    """Where the reference itself is not above the majority class, the verdict is invalid."""
    reference = FakeModel("there", "constant", LABELS)
    budgets = {"in-domain": Budget(0.1)}
    run = run_of(WHOLE, references={"elsewhere": reference}, elsewhere=budgets)
    result = run.evaluate(FakeModel("m", "keyword", LABELS, WORDS), ELSEWHERE, "in-domain")
    assert result.verdict == "invalid"
    assert "the in-domain reference scores 66.7" in result.reason


def seeded(*shares: float) -> SeededModel:
    """Make a model whose seeds miss different shares of the smudged positives."""

    def member(number: int, share: float) -> CallableModel:
        def answer(inputs: Sequence[Inputs]) -> list[str]:
            found = []
            for value in inputs:
                text = str(value)
                kept = "g**d" in text and int(text.split()[2]) % 100 >= 100 * share
                found.append("pos" if "good" in text or kept else "neg")
            return found

        return CallableModel(f"m#{number}" if number else "m", answer)

    return SeededModel("m", tuple(member(n, share) for n, share in enumerate(shares)))


def test_seeds_widen_the_interval(run_of: Runs) -> None:
    """The drop is the mean over seeds, each is shown, and their spread joins the interval."""
    run = run_of(SEQUENTIAL, smudge=drop(0.3, 0.3))
    result = run.evaluate(seeded(0.1, 0.5, 0.9), SMUDGE)
    assert len(result.seed_drops) == 3
    assert result.drop.value == pytest.approx(np.mean(result.seed_drops))
    assert result.seed_drops[0] < result.seed_drops[1] < result.seed_drops[2]
    alike = run_of(SEQUENTIAL, smudge=drop(0.3, 0.3)).evaluate(seeded(0.5, 0.5, 0.5), SMUDGE)
    assert result.drop.high - result.drop.low > 2 * (alike.drop.high - alike.drop.low)
    assert (result.drawn, result.sequential) == (600, False)
    steady = FakeModel("steady", "keyword", LABELS, {"pos": ["good"], "neg": ["bad"]})
    compared = run.compare(seeded(0.1, 0.5, 0.9), steady, SMUDGE)
    assert compared.drawn == 600
    floor = run.floor(seeded(0.1, 0.5, 0.9))
    assert floor.seed_scores == (1.0, 1.0, 1.0)


# Models that must never pass.


@pytest.mark.slow
@pytest.mark.parametrize("rules", [SEQUENTIAL, WHOLE], ids=["sequential", "whole"])
@pytest.mark.parametrize("kind", ["constant", "random", "swapped"])
def test_models_that_know_nothing_never_pass(kind: str, rules: Rules, run_of: Runs) -> None:
    """A constant, a random and a label-swapped model are invalid under every shift and metric."""
    for seed in range(5):
        limits = {"accuracy": Budget(1.0, 1.0), "macro-f1": Budget(1.0), "pdr": Budget(1.0)}
        run = run_of(rules, seed=seed, films=120, polish=limits, elsewhere=limits, attack=limits)
        rng = random.Random(seed)
        rules_ = {
            "constant": lambda _: "pos",
            "random": lambda _: rng.choice(LABELS),  # noqa: B023 - used at once
            "swapped": lambda text: "neg" if "good" in text else "pos",
        }
        model = CallableModel("m", lambda v: [rules_[kind](str(t)) for t in v])  # noqa: B023 - same
        for shift in (POLISH, ELSEWHERE, ATTACK):
            for metric in limits:
                assert run.evaluate(model, shift, metric).verdict == "invalid"


@pytest.mark.parametrize("where", ["in distribution", "under the shift"])
def test_abstentions_over_the_cap_are_invalid(where: str, run_of: Runs) -> None:
    """A model that gives no answer too often is invalid, with the share and the cap."""

    def answer(inputs: Sequence[Inputs]) -> list[str | None]:
        mark = "film" if where == "in distribution" else "indeed"
        return [
            None if mark in str(v) and str(v).split()[2][-1] in "12" else
            ("pos" if "good" in str(v) else "neg")
            for v in inputs
        ]  # fmt: skip

    result = run_of(WHOLE, polish=drop(0.9)).evaluate(CallableModel("shy", answer), POLISH)
    assert result.verdict == "invalid"
    assert f"to 20.0 % of the inputs {where}, over the cap of 10.0 %" in result.reason


def test_equal_models_differ_by_nothing_with_some_doubt(run_of: Runs) -> None:
    """By any metric, two models that answer alike get an interval with width around zero."""
    for metric in ("macro-f1", "recall-pos", "pdr"):
        run = run_of(WHOLE, films=40, smudge={metric: Budget(None, 0.01)})
        model = answering_with_scores("one", "good")
        found = run.compare(model, answering_with_scores("two", "good"), SMUDGE, metric)
        assert found.difference.value == 0.0
        assert found.difference.low < -0.01 < 0.01 < found.difference.high
        assert found.verdict in ("inconclusive", "invalid")
