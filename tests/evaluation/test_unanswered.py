"""Inputs that got no answer: neither right nor wrong, anywhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ModelError
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.perturbations import perturbation
from pytest_ood.perturbations.adversarial import QueryBudget, find_attack
from pytest_ood.shifts import AdversarialShift, DomainShift, NoiseShift, Shift, WorstCase
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    import random
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Paradigm

LABELS = ("neg", "pos")
FILMS = 400


def texts(name: str, count: int) -> Dataset:
    """Make examples, half of them good."""
    return Dataset(
        name,
        tuple(
            Example(f"{name}{n}", f"{('good', 'bad')[n % 2]} {name} {n}.", ("pos", "neg")[n % 2])
            for n in range(count)
        ),
    )


@perturbation(source="here")
def polish(text: str, rng: random.Random) -> str:
    """Change a text in a way that no rule sees."""
    del rng
    return f"{text} Indeed"


@perturbation(source="here")
def smudge(text: str, rng: random.Random) -> str:
    """Make every fourth good film a bad one."""
    del rng
    number = int(text.strip(".").rsplit(maxsplit=1)[-1])
    return text.replace("good", "bad") if number % 8 == 0 else f"{text} Well"


POLISH, SMUDGE, WORST = NoiseShift("polish", polish), NoiseShift("smudge", smudge), WorstCase()
BOOKS = DomainShift("books", texts("book", FILMS))
ATTACK = AdversarialShift(
    "attack", find_attack("greedy-characters"), QueryBudget(20), max_examples=20
)
SHIFTS: tuple[Shift, ...] = (POLISH, SMUDGE, BOOKS, WORST, ATTACK)


@dataclass(frozen=True)
class Patchy:
    """Reads telling words, and gives no answer to some texts."""

    missing: Callable[[str], bool]
    name: str = "patchy"
    fingerprint: str | None = None
    paradigm: Paradigm = "other"
    source: str = "a test"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    error: str = "503"

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer, or say why not."""
        return [
            Prediction(None, error=self.error)
            if self.missing(str(value))
            else Prediction("pos" if "good" in str(value) else "neg")
            for value in inputs
        ]


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[[], SuiteEvaluator]:
    """Return a maker of runs over films, all at once, with a budget of 5 points."""

    def maker() -> SuiteEvaluator:
        budgets = {shift.name: {"accuracy": Budget(0.05, 0.05)} for shift in SHIFTS}
        suite = Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=texts("film", FILMS),
            shifts=SHIFTS,
            budgets=budgets,
            min_score=0.8,
        )
        return SuiteEvaluator(
            suite,
            engine=Engine(MemoryStore(), Silent()),
            reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
            seed=0,
            rules=Rules(0.05, sequential=False),
            max_examples=None,
        )

    return maker


def numbered(*numbers: int, also: str = "") -> Callable[[str], bool]:
    """Return a rule that leaves the texts of these films and books out."""
    return lambda text: any(f" {number}." in text for number in numbers) and also in text


@pytest.mark.slow
@settings(max_examples=25)
@given(st.data())
def test_what_got_no_answer_changes_no_figure(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Up to 1 % may be missing, before, under the shift or both: the score is that of the rest."""
    numbers = data.draw(st.sets(st.integers(0, FILMS - 1), max_size=FILMS // 200))
    also = data.draw(st.sampled_from(["", "Indeed"]))
    folder = tmp_path_factory.mktemp("unanswered")
    budgets = {shift.name: {"accuracy": Budget(0.05, 0.05)} for shift in SHIFTS}
    run = SuiteEvaluator(
        Suite(
            name="tiny",
            task=Classification(LABELS),
            in_distribution=texts("film", FILMS),
            shifts=SHIFTS,
            budgets=budgets,
        ),
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=folder, cache=folder, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(0.05, sequential=False),
        max_examples=None,
    )
    found = run.evaluate(Patchy(numbered(*numbers, also=also)), POLISH)
    assert (found.score_in_distribution, found.score_under_shift) == (1.0, 1.0)
    assert found.n == FILMS - len(numbers)
    asked_in_vain = len(numbers) * (1 if also else 2)
    assert found.errors == ({"503": asked_in_vain} if asked_in_vain else {})
    assert found.abstained == found.abstained_in_distribution == 0
    assert found.verdict == "pass"


def test_a_floor_leaves_them_out(run_of: Callable[[], SuiteEvaluator]) -> None:
    """In distribution too, and those that are asked again are compared where both answers came."""
    floor = run_of().floor(Patchy(numbered(3, 5)))
    assert (floor.n, floor.score.value, floor.errors) == (FILMS - 2, 1.0, {"503": 2})
    assert floor.inconsistent == 0
    assert floor.verdict == "pass"


@pytest.mark.parametrize("shift", [POLISH, BOOKS, WORST])
@pytest.mark.parametrize(
    ("error", "next_step"),
    [
        ("503", "the answers so far are cached: run the same command again"),
        (
            "raised KeyError: 4",
            "the answers so far are cached: fix the model, then run the same command again",
        ),
    ],
)
def test_too_many_are_no_verdict(
    run_of: Callable[[], SuiteEvaluator], shift: Shift, error: str, next_step: str
) -> None:
    """Over 1 % the rest does not speak for them: invalid, with the reason and what to do."""
    model = Patchy(lambda text: ("Indeed" in text or "book" in text) and "4" in text, error=error)
    found = run_of().evaluate(model, shift)
    assert found.verdict == "invalid"
    assert f"got no answer, over the cap of 1.0 % (error: {error}); {next_step}" in found.reason


def test_a_floor_with_too_many_makes_every_check_invalid(
    run_of: Callable[[], SuiteEvaluator],
) -> None:
    """Where the in-distribution score is not known, no drop is."""
    model, run = Patchy(lambda text: "4" in text), run_of()
    assert run.floor(model).verdict == "invalid"
    assert run.evaluate(model, BOOKS).reason.startswith("patchy: ")


def test_a_comparison_is_on_what_both_answered(run_of: Callable[[], SuiteEvaluator]) -> None:
    """What one of two models did not answer is left out of both, before and under the shift."""
    mine = Patchy(numbered(1, also="Indeed"), "mine")
    other = Patchy(numbered(2, 3), "other")
    found = run_of().compare(mine, other, POLISH)
    assert found.n == FILMS - 3
    assert found.difference.value == 0.0
    assert found.errors == {"503": 1 + 2 * 2}
    domain = run_of().compare(Patchy(numbered(1, also="book"), "mine"), other, BOOKS)
    assert domain.n == FILMS - 3
    assert domain.errors == {"503": 1 + 2 * 2}


def test_the_worst_case_is_not_known_where_an_answer_is_missing(
    run_of: Callable[[], SuiteEvaluator],
) -> None:
    """A missing answer hides the worst, unless another one is wrong already."""
    # Films 8, 16, ... are wrong under the second noise, whatever they are under the first.
    whole = run_of().evaluate(Patchy(numbered()), WORST)
    found = run_of().evaluate(Patchy(numbered(7, 8, also="Indeed")), WORST)
    assert found.n == whole.n - 1
    assert sum(score == 0.0 for score in found.after) == sum(s == 0.0 for s in whole.after)


def test_an_attack_does_not_go_on_from_no_answer(run_of: Callable[[], SuiteEvaluator]) -> None:
    """A search that lacks an answer is an error, never a success or a failure of the attack."""
    model = Patchy(lambda text: "good" not in text and "bad" not in text)
    with pytest.raises(ModelError, match=r"did not answer \d+ of \d+ inputs of tiny/attack"):
        run_of().evaluate(model, ATTACK)


def test_nothing_answered_is_an_error_and_not_a_missing_change(
    run_of: Callable[[], SuiteEvaluator],
) -> None:
    """Where nothing under a shift got an answer, the message says why, and not that it is idle."""
    with pytest.raises(ModelError, match=r"left no example answered both .* \(503\)"):
        run_of().evaluate(Patchy(lambda text: "Indeed" in text), POLISH)
    with pytest.raises(ModelError, match="answered none of 400 inputs in distribution"):
        run_of().floor(Patchy(lambda text: "film" in text))
