from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.engine import KEPT_AT_ONCE, Engine, check_answers
from pytest_ood.errors import ModelError
from pytest_ood.examples import canonical, size_of
from pytest_ood.progress import Silent
from pytest_ood.store import FileStore, MemoryStore
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Paradigm
    from pytest_ood.progress import Tracker

LABELS = ("long", "short")


@dataclass
class Counting:
    """Answers by length and remembers every batch it was asked."""

    name: str = "counting"
    fingerprint: str | None = "v1"
    paradigm: Paradigm = "other"
    source: str = "a test"
    parameters: Mapping[str, Any] = field(default_factory=dict)
    batches: list[list[Inputs]] = field(default_factory=list)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer each input by its length, with the input as the raw answer."""
        self.batches.append(list(inputs))
        return [
            Prediction("short" if size_of(value) < 4 else "long", {}, canonical(value))
            for value in inputs
        ]

    @property
    def asked(self) -> list[Inputs]:
        """Everything it was asked, in order."""
        return [value for batch in self.batches for value in batch]


@dataclass
class Noted:
    """A progress that notes what is announced and how far it gets."""

    notes: list[tuple[str, int, str]] = field(default_factory=list)
    updates: list[int] = field(default_factory=list)

    @contextmanager
    def track(self, what: str, total: int, unit: str, *, quick: bool = False) -> Iterator[Tracker]:
        """Note a step."""
        assert quick, "asking may be quick"
        self.notes.append((what, total, unit))
        yield self

    def update(self, done: int) -> None:
        """Note how far it is."""
        self.updates.append(done)


def engine() -> Engine:
    """Make an engine that keeps answers in memory."""
    return Engine(MemoryStore(), Silent())


INPUTS = st.lists(st.text(max_size=6) | st.dictionaries(st.text(max_size=2), st.text(max_size=3)))


@settings(deadline=None)
@given(inputs=INPUTS)
def test_every_input_gets_its_answer(inputs: list[Inputs]) -> None:
    """Answers come in the order of the inputs, repeated ones included."""
    answers = engine().predict(Counting(), inputs, LABELS, "x")
    assert [answer.text for answer in answers] == [canonical(value) for value in inputs]


@settings(deadline=None)
@given(inputs=INPUTS)
def test_equal_inputs_are_asked_once(inputs: list[Inputs]) -> None:
    """Every different input is asked once, shortest first, in an order that depends on nothing."""
    model = Counting()
    engine().predict(model, inputs, LABELS, "x")
    asked = [(size_of(value), canonical(value)) for value in model.asked]
    assert asked == sorted({(size_of(value), canonical(value)) for value in inputs})


def test_no_input_asks_nothing() -> None:
    """Without inputs the model is not called."""
    model = Counting()
    assert engine().predict(model, [], LABELS, "x") == []
    assert model.batches == []


def test_a_known_answer_is_not_asked_again() -> None:
    """What was asked in this run is answered from memory; only new inputs are asked."""
    model, same = Counting(), engine()
    first = same.predict(model, ["a", "b"], LABELS, "x")
    second = same.predict(model, ["b", "c", "a"], LABELS, "x")
    assert model.asked == ["a", "b", "c"]
    assert [second[2], second[0]] == first


def test_a_stored_answer_is_not_asked_again(tmp_path: Path) -> None:
    """Another run on the same store asks only what is new, and gives the same answers."""
    store = FileStore(tmp_path / "s.sqlite")
    first = Engine(store, Silent()).predict(Counting(), ["a", "b"], LABELS, "x")
    model = Counting()
    second = Engine(store, Silent()).predict(model, ["a", "b", "c"], LABELS, "x")
    assert model.asked == ["c"]
    assert second[:2] == first


def test_another_fingerprint_is_asked_anew() -> None:
    """A model whose fingerprint has changed does not get the old answers."""
    same = engine()
    same.predict(Counting(fingerprint="v1"), ["a"], LABELS, "x")
    model = Counting(fingerprint="v2")
    same.predict(model, ["a"], LABELS, "x")
    assert model.asked == ["a"]


def test_without_a_fingerprint_nothing_is_stored() -> None:
    """A model nobody can tell apart is asked again in the next run, and once in this one."""
    store = MemoryStore()
    same, model = Engine(store, Silent()), Counting(fingerprint=None)
    same.predict(model, ["a"], LABELS, "x")
    same.predict(model, ["a"], LABELS, "x")
    assert model.asked == ["a"]
    assert store.rows == {}


def test_two_models_without_a_fingerprint_do_not_share_answers() -> None:
    """Two models of one name that live at the same time are both asked."""
    same = engine()
    models = [Counting(fingerprint=None), Counting(fingerprint=None)]
    for model in models:
        same.predict(model, ["a"], LABELS, "x")
    assert [model.asked for model in models] == [["a"], ["a"]]


def test_a_model_does_not_inherit_the_answers_of_a_dead_one() -> None:
    """A model made after another of its name was thrown away is asked itself."""
    same = engine()
    for _ in range(50):
        model = Counting(fingerprint=None)
        same.predict(model, ["a"], LABELS, "x")
        assert model.asked == ["a"]
        del model


def test_another_draw_is_asked_anew(tmp_path: Path) -> None:
    """A second answer to an input is asked for and kept apart from the first, between runs too."""
    store = FileStore(tmp_path / "s.sqlite")
    same, model = Engine(store, Silent()), Counting()
    for draw in (0, 1, 1, 0):
        same.predict(model, ["a", "b"], LABELS, "x", draw)
    assert model.asked == ["a", "b", "a", "b"]
    later = Counting()
    again = Engine(store, Silent())
    for draw in (1, 0):
        again.predict(later, ["a", "b"], LABELS, "x", draw)
    assert later.asked == []
    again.predict(later, ["a"], LABELS, "x", 2)
    assert later.asked == ["a"]


@pytest.mark.parametrize("fingerprint", ["v1", None])
def test_a_draw_does_not_touch_another(fingerprint: str | None) -> None:
    """What a model says to an input the second time never takes the place of the first answer."""

    @dataclass
    class Wavering(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            super().predict(inputs)
            return [Prediction(LABELS[len(self.batches) % 2]) for _ in inputs]

    same, model = engine(), Wavering(fingerprint=fingerprint)
    first = same.predict(model, ["a"], LABELS, "x")
    second = same.predict(model, ["a"], LABELS, "x", 1)
    assert first != second
    assert same.predict(model, ["a"], LABELS, "x") == first
    assert same.predict(model, ["a"], LABELS, "x", 1) == second
    assert len(model.batches) == 2


def test_answers_are_kept_batch_by_batch() -> None:
    """A model is asked so many inputs at once, and what it answered before an error is kept."""

    @dataclass
    class Failing(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            if self.batches:
                raise MemoryError
            return super().predict(inputs)

    store, inputs = MemoryStore(), [f"{number:04d}" for number in range(KEPT_AT_ONCE + 5)]
    with pytest.raises(MemoryError):
        Engine(store, Silent()).predict(Failing(), inputs, LABELS, "x")
    assert len(store.rows) == KEPT_AT_ONCE
    model = Counting()
    Engine(store, Silent()).predict(model, inputs, LABELS, "x")
    assert model.asked == inputs[KEPT_AT_ONCE:]


def test_progress_is_told_what_is_asked() -> None:
    """The step names set, model and how many texts are new; known ones are not announced."""
    noted = Noted()
    same, inputs = Engine(MemoryStore(), noted), [str(n) for n in range(KEPT_AT_ONCE + 5)]
    for _ in range(2):
        same.predict(Counting(), inputs, LABELS, "movies")
    assert noted.notes == [("predicting movies with counting", len(inputs), "texts")]
    assert noted.updates == [KEPT_AT_ONCE, len(inputs)]


def test_a_bad_answer_is_not_kept() -> None:
    """An answer that is refused is in no store."""
    store = MemoryStore()
    with pytest.raises(ModelError):
        Engine(store, Silent()).predict(Counting(), ["a"], ["yes", "no"], "x")
    assert store.rows == {}


@pytest.mark.parametrize(
    "answers",
    [
        [],
        [Prediction("a")],
        [Prediction(None), Prediction("b", {"a": 0.0, "b": 1.0})],
        [Prediction("a", {"other": 1.0})],
    ],
)
def test_good_answers_pass(answers: list[Prediction]) -> None:
    """Labels of the task and abstentions pass, with scores or without."""
    check_answers("bert", answers, len(answers), ["a", "b"])


@pytest.mark.parametrize(
    ("answers", "message"),
    [
        ([], "model 'bert' gave 0 answers to 1 inputs"),
        ([Prediction("a")] * 2, "model 'bert' gave 2 answers to 1 inputs"),
        (
            [Prediction("positve")],
            "model 'bert' answered an unknown label 'positve'. Did you mean 'positive'? "
            "Known: a, positive.",
        ),
        (
            [Prediction("a", {"a": float("nan")})],
            "model 'bert' gave the score nan to the label 'a'",
        ),
        (
            [Prediction("a", {"positive": float("inf")})],
            "model 'bert' gave the score inf to the label 'positive'",
        ),
    ],
)
def test_bad_answers_are_refused(answers: list[Prediction], message: str) -> None:
    """What is no answer is refused with the model's name and what it gave."""
    with pytest.raises(ModelError) as caught:
        check_answers("bert", answers, 1, ["a", "positive"])
    assert str(caught.value) == message


@pytest.mark.parametrize("answer", [Prediction(1), "a", None])  # type: ignore[arg-type]
def test_an_answer_of_a_wrong_type_is_refused(answer: Any) -> None:
    """A number for a label, or a bare label for a Prediction, is a readable error."""
    with pytest.raises(ModelError, match="model 'bert'"):
        check_answers("bert", [answer], 1, ["a", "1"])


def test_what_is_not_to_be_remembered_is_not(tmp_path: Path) -> None:
    """An attack's answers go into the store alone; how many were asked is told."""
    same = Engine(FileStore(tmp_path / "s.sqlite"), Silent())
    model = Counting()
    first = same.answer(model, ["a", "b"], LABELS, "x", remember=False)
    assert (first.asked, same.memory.rows) == (2, {})
    second = same.answer(model, ["a", "c"], LABELS, "x", remember=False)
    assert (second.asked, model.asked, same.memory.rows) == (1, ["a", "b", "c"], {})
    assert second.answers[0] == first.answers[0]
