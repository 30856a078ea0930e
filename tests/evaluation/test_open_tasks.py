"""Answers in words and numbers, graded: read, compared with the right ones of each example."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.budgets import Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.readers import Reader
from pytest_ood.models.callable import CallableModel
from pytest_ood.perturbations import find
from pytest_ood.shifts import NoiseShift
from pytest_ood.shifts.noise import parse_noise
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import NumericAnswer, OpenTask, Prediction, QuestionAnswering, Task
from pytest_ood.utils.progress import Silent

SUMS = Dataset(
    "sums",
    tuple(
        Example(str(n), f"Paul has {n + 30} pens and buys {n + 61} more. How many pens?",
                str(2 * n + 91), rationale=f"<<{n + 30}+{n + 61}={2 * n + 91}>>")
        for n in range(40)
    ),
)  # fmt: skip
NUMBERS = NoiseShift("numbers", find("change-numbers"))
RIGHT = {example.inputs: example.label for example in SUMS}


def adder(texts: Sequence[Inputs]) -> list[str]:
    """Add up."""
    return [f"That is {sum(map(int, re.findall('[0-9]+', str(text))))}." for text in texts]


def parrot(texts: Sequence[Inputs]) -> list[str]:
    """Say what was right of the question that each text was made of."""
    return [RIGHT.get(text, "91") for text in texts]


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., SuiteEvaluator]:
    """Return a maker of runs of a task on its examples."""

    def maker(task: Task, data: Dataset, *shifts: NoiseShift) -> SuiteEvaluator:
        suite = Suite(
            name="suite",
            task=task,
            in_distribution=data,
            shifts=shifts,
            budgets={shift.name: {} for shift in shifts},
        )
        reader = Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent())
        return SuiteEvaluator(
            suite, engine=Engine(MemoryStore(), Silent()), reader=reader, seed=0,
            rules=Rules(0.05), max_examples=None,
        )  # fmt: skip

    return maker


def test_a_changed_question_is_scored_by_its_new_answer(
    run_of: Callable[..., SuiteEvaluator],
) -> None:
    """Who works it out is right under other numbers, and who remembers the answer is wrong."""
    run = run_of(NumericAnswer(), SUMS, NUMBERS)
    worked, remembered = (
        run.evaluate(CallableModel(name, function), NUMBERS)
        for name, function in (("adder", adder), ("parrot", parrot))
    )
    assert (worked.n, worked.score_in_distribution, worked.score_under_shift) == (40, 1.0, 1.0)
    assert remembered.score_in_distribution == 1.0
    assert remembered.score_under_shift < 0.1
    assert not remembered.per_label
    flip = remembered.flips[0]
    assert flip.label == str(sum(map(int, re.findall("[0-9]+", flip.after))))
    assert flip.label != flip.answer_before


@pytest.mark.parametrize("name", ["ocr", "keyboard", "misspelling", "leet", "homophones", "swap"])
@pytest.mark.parametrize("severity", [3, 5])
def test_noise_leaves_a_right_model_right(
    run_of: Callable[..., SuiteEvaluator], name: str, severity: int
) -> None:
    """In a numeric suite no number is misread, unless the suite says that it may be."""

    def shift(entry: dict[str, Any]) -> NoiseShift:
        (shift,) = parse_noise(
            name, {"severity": severity, **entry}, "suite", (), NumericAnswer().protects
        )
        return shift

    questions = Dataset(
        "sums",
        tuple(
            replace(e, inputs=f"{e.inputs} Their beginning is interesting to us, so they know.")
            for e in SUMS
        ),
    )
    protected = shift({})
    result = run_of(NumericAnswer(), questions, protected).evaluate(
        CallableModel("adder", adder), protected
    )
    assert result.score_under_shift == 1.0
    assert result.n >= 15
    if name == "ocr":
        bare = shift({"protect": ["urls"]})
        result = run_of(NumericAnswer(), questions, bare).evaluate(
            CallableModel("adder", adder), bare
        )
        assert result.score_under_shift < 0.9


@pytest.mark.parametrize(
    ("given", "score", "abstained"),
    [
        ("The answer is Rome.", 1.0, 0),
        ("roma", 1.0, 0),
        ("Oslo", 0.0, 0),
        ("unanswerable", 0.0, 0),
        ("***", 0.0, 30),
        (None, 0.0, 30),
        (Prediction(""), 0.0, 0),
    ],
)
def test_answers_are_read_whoever_gives_them(
    run_of: Callable[..., SuiteEvaluator],
    given: str | Prediction | None,
    score: float,
    abstained: int,
) -> None:
    """A function's sentence is read as a model's is; nothing is an abstention, none an answer."""
    rows = tuple(Example(str(n), f"question {n}", "Rome", ("Roma",)) for n in range(30))
    run = run_of(QuestionAnswering(), Dataset("rows", rows))
    floor = run.floor(CallableModel("model", lambda texts: [given] * len(texts)))
    assert (floor.score.value, floor.abstained) == (score, abstained)
    assert (floor.majority, floor.score_name) == (1.0, "token F1")
    assert floor.verdict == "invalid"


def test_a_score_under_a_shift_has_the_name_of_its_measure(
    run_of: Callable[..., SuiteEvaluator],
) -> None:
    """Not accuracy, where it is token F1: it may be all that a run measures."""
    keys = NoiseShift("keyboard", find("keyboard").at(3))
    rows = tuple(Example(str(n), f"a question about number {n}", "Rome") for n in range(30))
    run = run_of(QuestionAnswering(), Dataset("rows", rows), keys)
    score = run.score(CallableModel("model", lambda texts: ["Rome"] * len(texts)), keys)
    assert score.score_name == "token F1"


class Batched(OpenTask):
    """Scores answers together only, as a model that grades them would; keeps their numbers."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def scores(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return how much of the right answer the first letters of each answer are."""
        self.sizes.append(len(pairs))
        return [len(a.label or "") / len(e.label) for a, e in pairs]


def test_answers_are_scored_a_block_at_a_time(run_of: Callable[..., SuiteEvaluator]) -> None:
    """A task that scores with a model gets all answers of a block at once, in their order."""
    task = Batched()
    rows = tuple(Example(str(n), "x" * (n % 5), "xxxx") for n in range(30))
    model = CallableModel("copy", lambda texts: [str(text) or None for text in texts])
    floor = run_of(task, Dataset("rows", rows)).floor(model)
    assert task.sizes == [30]
    assert (floor.score.value, floor.abstained) == (0.5, 6)
