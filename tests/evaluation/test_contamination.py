"""What a model was shown of the test items before it is asked about them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.assertions import Ood
from pytest_ood.budgets import Budget, Rules
from pytest_ood.data.examples import Dataset, Example
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import DataError
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.evaluation.contamination import items_of, refuse_shown, trained_on
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.loading.prompts import Prompt
from pytest_ood.loading.readers import DataSource, Reader
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import Paradigm, SeededModel
from pytest_ood.shifts import DomainShift
from pytest_ood.suite.suite import Suite
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.utils.progress import Silent

LABELS = ("neg", "pos")
FILMS, BOOKS = (
    Dataset(
        name,
        tuple(
            Example(f"{name[0]}{n}", f"{('bad', 'good')[n % 2]} {name} {n}", LABELS[n % 2])
            for n in range(40)
        ),
    )
    for name in ("films", "books")
)
BOOKSHOP = DomainShift("books", BOOKS)


@dataclass
class Shown:
    """A prompted model of no words, that was shown or trained on some examples."""

    name: str = "shown"
    prompt: Prompt = field(default_factory=lambda: Prompt("{text}", {}))
    training_examples: Iterable[Example] = ()
    asked: list[Inputs] = field(default_factory=list)
    fingerprint: str | None = None
    paradigm: Paradigm = "prompted"
    source: str = "a test"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer by the first word."""
        self.asked += inputs
        return [Prediction("neg" if str(value).startswith("bad") else "pos") for value in inputs]


def showing(*examples: Example, name: str = "shown") -> Shown:
    """Return a model that is shown these examples."""
    return Shown(name, Prompt("{text}", dict(zip(LABELS, LABELS, strict=True)), "", examples))


def run_of(tmp_path: Path, *shifts: DomainShift, size: int | None = None) -> SuiteEvaluator:
    """Return a run over the films under shifts."""
    suite = Suite(
        name="tiny", task=Classification(LABELS), in_distribution=FILMS, shifts=shifts,
        budgets={shift.name: {"accuracy": Budget(0.1)} for shift in shifts},
    )  # fmt: skip
    return SuiteEvaluator(
        suite,
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(0.05),
        max_examples=size,
    )


OTHER = Example("d1", "a fine lamp", "pos")


@pytest.mark.parametrize(("leak", "where"), [(FILMS, "in-distribution"), (BOOKS, "books")])
def test_a_demonstration_that_is_tested_is_refused(
    leak: Dataset, where: str, tmp_path: Path
) -> None:
    """Both are named, whatever their labels and ids; in distribution and in every domain."""
    item = leak.examples[7]
    model = showing(OTHER, Example("d2", item.inputs, "neg"))
    for tested in (model, SeededModel("seeds", (showing(OTHER), model))):
        with pytest.raises(DataError) as caught:
            run_of(tmp_path, BOOKSHOP).check_leaks(tested, [BOOKSHOP])
        assert str(caught.value).startswith(
            f"model 'shown': its demonstration 'd2' is the test item {item.id!r} of {where};"
        )
    assert model.asked == []


def test_other_demonstrations_are_fine(tmp_path: Path) -> None:
    """What is not among the items of the draw is no leak, and nothing is noted."""
    run = run_of(tmp_path, BOOKSHOP, size=10)
    left = next(e for e in FILMS if e not in run.data.in_distribution().examples)
    run.check_leaks(showing(OTHER, left), [BOOKSHOP])
    run.check_leaks(FakeModel("fake", "constant", LABELS), [BOOKSHOP])
    assert run.notes == []


def test_order_and_white_space_hide_nothing() -> None:
    """Named fields are compared by name, their words by order; one text is the field `text`."""
    pairs = Dataset("pairs", (Example("p", {"a": "x", "b": "y"}, "pos"),))
    texts = Dataset("texts", (Example("q", "z", "pos"),))
    sets = {"pairs": items_of(pairs), "texts": items_of(texts)}
    for inputs in ({"b": "y", "a": "x"}, {"text": "z"}, "z \n"):
        with pytest.raises(DataError):
            refuse_shown(showing(Example("d", inputs, "pos")), sets)
    refuse_shown(showing(Example("d", {"a": "y", "b": "x"}, "pos")), sets)


def test_what_a_model_was_trained_on_is_told(tmp_path: Path) -> None:
    """How many items of each set are among the training data stands in the notes, once."""
    shown = Shown(training_examples=[*FILMS.examples[:3], *FILMS.examples[:2], BOOKS.examples[0]])
    run = run_of(tmp_path, BOOKSHOP)
    for model in (shown, shown):
        run.check_leaks(model, [BOOKSHOP])
    assert [note.partition(" are among")[0] for note in run.notes] == [
        "shown: 3 of the 40 different items of in-distribution",
        "shown: 1 of the 40 different items of books",
    ]
    assert trained_on(SeededModel("s", (shown, shown)), {"f": items_of(FILMS)})[0].startswith(
        "s: 3 of the 40"
    )


def test_a_domain_that_cannot_be_read_is_left_to_its_own_check(tmp_path: Path) -> None:
    """Its error is not that of every other check of the model."""
    gone = DomainShift("gone", DataSource(data="gone.jsonl"))
    run_of(tmp_path, gone).check_leaks(showing(OTHER), [gone])


def test_an_assertion_refuses_it_too(tmp_path: Path) -> None:
    """A test of the user's own gets the same error."""
    ood = Ood(
        engine=Engine(MemoryStore(), Silent()),
        reader=Reader(root=tmp_path, cache=tmp_path, offline=True, progress=Silent()),
        seed=0,
        rules=Rules(0.05),
        max_examples=None,
        on_inconclusive=None,
    )
    with pytest.raises(DataError, match="its demonstration 'f1' is the test item 'f1'"):
        ood.assert_drop(showing(FILMS.examples[1]), FILMS, BOOKSHOP, max_drop=0.5)


class CountedExamples:
    """Training data that counts how often it is read."""

    def __init__(self) -> None:
        self.readings = 0

    def __iter__(self) -> Iterator[Example]:
        self.readings += 1
        return iter(FILMS)


def test_training_data_is_compared_with_each_set_once(tmp_path: Path) -> None:
    """Every check of a model comes by, and its training data may be large."""
    examples = CountedExamples()
    model = Shown(training_examples=examples)
    run = run_of(tmp_path, BOOKSHOP)
    for _ in range(3):
        run.check_leaks(model, [BOOKSHOP])
    assert examples.readings == 1
