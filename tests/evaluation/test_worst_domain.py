"""The largest of the drops under several domains, as a check of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import DataError, NotApplicableError
from pytest_ood.evaluation import SuiteEvaluator, WorstDetails, from_record, to_record
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.protocol import SeededModel
from pytest_ood.shifts import DomainShift, Shift, WorstDomain
from pytest_ood.statistics import Statistic, estimate, paired_drop
from pytest_ood.statistics.largest import Largest
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification
from pytest_ood.utils.progress import Silent

LABELS = ("no", "yes")
ALPHA, SIZE = 0.05, 300
WORST = WorstDomain()
Runs = Callable[..., SuiteEvaluator]


def dataset(name: str, size: int = SIZE) -> Dataset:
    """Return numbered items in a language, the same in each."""
    return Dataset(name, tuple(Example(f"i{n}", f"{name} {n}", LABELS[n % 2]) for n in range(size)))


ENGLISH = dataset("en")
DE, ES, TR = (DomainShift(name, dataset(name), paired=True) for name in ("de", "es", "tr"))
LOST = {"en": 0, "de": 5, "es": 60, "tr": 15}
"""How many of the first items a model gets wrong in each language."""


def losing(lost: dict[str, int] = LOST, name: str = "m") -> CallableModel:
    """Return a model that gets the first items of each language wrong."""
    return CallableModel(name, lambda inputs: answers(inputs, lost))


def answers(inputs: Sequence[Inputs], lost: dict[str, int]) -> list[str | None]:
    """Return the other label for items that are lost; None for an unknown language."""
    said: list[str | None] = []
    for value in inputs:
        language, number = str(value).split()
        wrong = int(number) < lost.get(language, 0)
        said.append(LABELS[(int(number) + wrong) % 2] if language in lost else None)
    return said


@pytest.fixture
def run_of(tmp_path: Path) -> Runs:
    """Return a maker of runs over shifts with a budget on the worst of them."""

    def maker(
        *shifts: Shift,
        budget: float | None = 0.1,
        own: float | None = None,
        metric: str = "accuracy",
        rules: Rules = Rules(ALPHA, sequential=False),  # noqa: B008 - frozen
        english: Dataset = ENGLISH,
    ) -> SuiteEvaluator:
        chosen = shifts or (DE, ES, TR)
        budgets = {shift.name: {metric: Budget(own)} for shift in chosen}
        suite = Suite(
            name="s", task=Classification(LABELS), in_distribution=english,
            shifts=(*chosen, WORST), budgets={**budgets, WORST.name: {metric: Budget(budget)}},
        )  # fmt: skip
        return SuiteEvaluator(
            suite,
            engine=Engine(MemoryStore(), Silent()),
            reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
            seed=0,
            rules=rules,
            max_examples=None,
        )

    return maker


def drop_of(lost: int) -> Statistic:
    """Return the drop of a model that loses so many of the items."""
    after = [float(n >= lost) for n in range(SIZE)]
    return paired_drop([1.0] * SIZE, after)


def test_it_is_the_largest_of_the_drops(run_of: Runs) -> None:
    """Value, bounds and p-value are those of the statistic; the worst shift is named."""
    run = run_of()
    result = run.evaluate(losing(), WORST)
    expected = Largest({name: drop_of(LOST[name]) for name in ("de", "es", "tr")})
    assert result.drop == estimate(expected, ALPHA)
    assert result.p_fail == expected.p_above(0.1)
    assert (result.kind, result.shift, result.budget) == ("domain", "worst-domain", 0.1)
    assert (result.verdict, result.details) == ("fail", WorstDetails(shift="es"))
    assert result.reason.startswith("es is the worst: above ")
    worst = run.evaluate(losing(), ES)
    for name in ("n", "drawn", "planned", "score_in_distribution", "score_under_shift", "flips",
                 "flipped", "abstained", "paired", "metrics", "shifted_set_hash"):  # fmt: skip
        assert getattr(result, name) == getattr(worst, name)
    assert {flip.id for flip in result.flips} <= {f"i{n}" for n in range(60)}


def test_scores_by_example_and_group_are_left_out(run_of: Runs) -> None:
    """Those of two models may be of different shifts, and are not to be compared."""
    result = run_of().evaluate(losing(), WORST)
    assert (result.items, result.per_label, result.breakdown) == (None, (), ())
    assert not result.is_by_example


def test_it_travels_between_processes(run_of: Runs) -> None:
    """As a record it is the same before and after."""
    result = run_of().evaluate(losing(), WORST)
    assert from_record(to_record(result)) == result


def test_it_passes_where_every_drop_is_shown_to_be_small(run_of: Runs) -> None:
    """No bound is corrected: the largest upper bound has to be within the budget."""
    lost = {"en": 0, "de": 3, "es": 15, "tr": 0}
    result = run_of().evaluate(losing(lost), WORST)
    assert (result.verdict, result.details) == ("pass", WorstDetails(shift="es"))
    assert result.drop.high == drop_of(15).bounds(ALPHA)[1]
    assert result.reason == "es is the worst: at most 7.6 with confidence 95%"


def test_a_drop_that_is_not_shown_to_be_small_leaves_it_open(run_of: Runs) -> None:
    """However good the other languages are."""
    result = run_of().evaluate(losing({"en": 0, "de": 0, "es": 27, "tr": 0}), WORST)
    assert result.verdict == "inconclusive"
    assert result.reason.startswith("es is the worst: about ")


def test_without_a_budget_it_is_measured(run_of: Runs) -> None:
    """As every drop without a budget."""
    result = run_of(budget=None).evaluate(losing(), WORST)
    assert (result.verdict, result.reason) == ("measured", "es is the worst: no budget is set")


def test_an_invalid_part_makes_it_invalid_and_is_named(run_of: Runs) -> None:
    """A language that the model does not answer in is no language with a drop."""
    silent = losing({"en": 0, "de": 0, "tr": 0})
    result = run_of().evaluate(silent, WORST)
    assert result.verdict == "invalid"
    assert result.reason.startswith("es: it gave no parseable answer to 100.0 % of the inputs")


def test_an_invalid_model_is_invalid_under_the_worst(run_of: Runs) -> None:
    """With the reason that every other check of the model has."""
    run, constant = run_of(), CallableModel("c", lambda inputs: ["no"] * len(inputs))
    reasons = {run.evaluate(constant, shift).reason for shift in (DE, WORST)}
    assert reasons == {"c: it answers 'no' to 100.0 % of the inputs"}
    assert run.evaluate(constant, WORST).verdict == "invalid"


def test_too_few_examples_are_those_of_a_shift(run_of: Runs) -> None:
    """The shift that cannot show a pass is named."""
    few = DomainShift("tr", dataset("tr", 20))
    unpaired = (replace(DE, paired=False), few)
    result = run_of(*unpaired).evaluate(losing({"en": 0, "de": 0, "tr": 0}), WORST)
    assert result.verdict == "invalid"
    assert result.reason.startswith("20 examples of tr show no drop of at most 10.0 points")


@pytest.mark.parametrize("metric", ["macro-f1", "reweighted"])
def test_other_metrics_have_a_worst_domain_too(run_of: Runs, metric: str) -> None:
    """The largest of the drops of the metric, by name."""
    shifts = tuple(replace(shift, paired=False) for shift in (DE, ES))
    run = run_of(*shifts, metric=metric)
    result = run.evaluate(losing(), WORST, metric)
    single = {shift.name: run.evaluate(losing(), shift, metric) for shift in shifts}
    assert (result.metric, result.details) == (metric, WorstDetails(shift="es"))
    assert result.drop.value == max(e.drop.value for e in single.values())
    assert result.drop.high == max(e.drop.high for e in single.values())
    assert result.drop.low < single["es"].drop.low


def test_a_metric_by_label_needs_the_labels_of_the_suite_everywhere(run_of: Runs) -> None:
    """Under coarser labels it is not applicable, to the worst domain either."""
    examples = tuple(
        replace(example, label=("any", "yes")[n % 2]) for n, example in enumerate(dataset("es"))
    )
    coarse = DomainShift("es", Dataset("es", examples), merge={"no": "any"})
    run = run_of(replace(DE, paired=False), coarse, metric="macro-f1")
    with pytest.raises(NotApplicableError, match="s/domain/es: macro-f1 goes by labels"):
        run.evaluate(losing(), WORST, "macro-f1")


def test_a_model_of_several_seeds_has_the_seeds_of_the_worst_shift(run_of: Runs) -> None:
    """Its drop is the mean over the seeds."""
    members = tuple(losing({**LOST, "es": lost}, f"m#{lost}") for lost in (45, 75))
    result = run_of().evaluate(SeededModel("m", members), WORST)
    assert result.drop.value == pytest.approx(60 / SIZE)
    assert result.seed_drops == pytest.approx((45 / SIZE, 75 / SIZE))


def test_every_part_is_measured_in_full(run_of: Runs) -> None:
    """Also where the parts' own checks stop as soon as they are settled."""
    rules = Rules(ALPHA, sequential=True)
    run = run_of(own=0.5, rules=rules)
    model = losing()
    assert run.evaluate(model, DE).stopped
    result = run.evaluate(model, WORST)
    assert (result.drawn, result.planned, result.sequential) == (SIZE, SIZE, False)
    assert result.drop == run_of().evaluate(model, WORST).drop
    assert run.evaluate(model, DE).stopped


def test_an_invalid_model_is_asked_one_batch(run_of: Runs) -> None:
    """More answers cannot make it valid."""
    asked: list[Inputs] = []

    def answer(inputs: Sequence[Inputs]) -> list[str]:
        asked.extend(inputs)
        return ["no"] * len(inputs)

    run = run_of(rules=Rules(ALPHA, sequential=True))
    result = run.evaluate(CallableModel("c", answer), WORST)
    assert result.verdict == "invalid"
    assert result.drawn < SIZE
    assert len({str(value) for value in asked}) < 2 * SIZE


def test_the_order_of_checks_changes_nothing(run_of: Runs) -> None:
    """The worst first or last, measured once each."""
    for rules in (Rules(ALPHA, sequential=False), Rules(ALPHA, sequential=True)):
        first, last = run_of(own=0.1, rules=rules), run_of(own=0.1, rules=rules)
        shifts = (DE, ES, TR, WORST)
        forward = [first.evaluate(losing(), shift) for shift in shifts]
        backward = [last.evaluate(losing(), shift) for shift in reversed(shifts)]
        assert forward == backward[::-1]


def test_a_part_that_cannot_be_measured_is_an_error(run_of: Runs) -> None:
    """No worst of the other languages is told in its place."""
    other = Dataset("tr", tuple(replace(e, id=f"other {e.id}") for e in dataset("tr")))
    run = run_of(DE, DomainShift("tr", other, paired=True))
    with pytest.raises(DataError, match="s/domain/tr"):
        run.evaluate(losing(), WORST)


def test_the_level_of_a_fail_is_that_of_the_gates_and_the_shifts(run_of: Runs) -> None:
    """Among many gates a drop that would fail alone is open."""
    lost = {**LOST, "es": 45}
    alone = run_of().evaluate(losing(lost), WORST)
    p_value = Largest({name: drop_of(lost[name]) for name in ("de", "es", "tr")}).p_above(0.1)
    assert (alone.verdict, alone.p_fail) == (
        "fail" if p_value <= ALPHA else "inconclusive",
        p_value,
    )
    among = run_of(rules=Rules(ALPHA, gates=200, sequential=False)).evaluate(losing(lost), WORST)
    assert (among.verdict, among.p_fail) == ("inconclusive", p_value)
