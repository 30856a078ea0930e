from __future__ import annotations

import re
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data import lazy as rows
from pytest_ood.data.inputs import canonical, size_of
from pytest_ood.errors import ModelError, ModelRaisedError, TooLongError
from pytest_ood.inference.engine import (
    BATCH_SIZE,
    FIRST_BATCH,
    MAX_ERROR_LENGTH,
    MAX_RAISED,
    MIN_RATED_INPUTS,
    Engine,
    PredictionBlock,
    check_answers,
    check_complete,
)
from pytest_ood.inference.store import FileStore, MemoryStore, NoStore, Rate, TemporaryStore
from pytest_ood.models.callable import CallableModel
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Paradigm
    from pytest_ood.utils.progress import Tracker

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

    def update(self, done: int, note: str = "") -> None:
        """Note how far it is."""
        del note
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
    """What a model answered before an error in a later batch is kept."""

    @dataclass
    class Failing(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            if self.batches:
                raise MemoryError
            return super().predict(inputs)

    store, inputs = MemoryStore(), [f"{number:04d}" for number in range(BATCH_SIZE + 5)]
    with pytest.raises(MemoryError):
        Engine(store, Silent()).predict(Failing(), inputs, LABELS, "x")
    assert len(store.rows) == FIRST_BATCH
    model = Counting()
    Engine(store, Silent()).predict(model, inputs, LABELS, "x")
    assert model.asked == inputs[FIRST_BATCH:]


@pytest.mark.parametrize(
    ("seconds", "sizes"),
    [
        (0.0, [8, 32, 128, 128, 4]),
        (0.01, [8, *[32] * 9, 4]),
        (0.05, [*[8] * 37, 4]),
        (2.0, [8, 2, *[1] * 290]),
    ],
)
def test_slow_models_get_fewer_inputs(
    monkeypatch: pytest.MonkeyPatch, seconds: float, sizes: list[int]
) -> None:
    """A call takes seconds at most, if its model answers single inputs in less."""
    now = 0.0
    monkeypatch.setattr("pytest_ood.inference.engine.time.monotonic", lambda: now)

    @dataclass
    class Slow(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            nonlocal now
            now += seconds * len(inputs)
            return super().predict(inputs)

    model = Slow()
    engine().predict(model, [str(number) for number in range(300)], LABELS, "x")
    assert [len(batch) for batch in model.batches] == sizes


def test_answers_are_written_by_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that gives its batches is asked once; they are written when time has passed."""
    now = 0.0
    monkeypatch.setattr("pytest_ood.inference.engine.WRITE_SECONDS", 0.5)
    monkeypatch.setattr("pytest_ood.inference.engine.time.monotonic", lambda: now)

    @dataclass
    class Batches(Counting):
        def predict_batches(
            self, inputs: Sequence[Inputs]
        ) -> Iterator[tuple[Sequence[int], Sequence[Prediction]]]:
            nonlocal now
            for index in reversed(range(len(inputs))):
                now += 0.2
                yield [index], super().predict(inputs[index : index + 1])

    noted, inputs = Noted(), [str(number) for number in range(8)]
    answers = Engine(MemoryStore(), noted).predict(Batches(), inputs, LABELS, "x")
    assert [answer.text for answer in answers] == list(map(canonical, inputs))
    assert noted.updates == [3, 6, 8]


def test_progress_is_told_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """The step names set, model and how many texts are new; known ones are not announced."""
    monkeypatch.setattr("pytest_ood.inference.engine.WRITE_SECONDS", 0.0)
    noted = Noted()
    same, inputs = Engine(MemoryStore(), noted), [str(n) for n in range(BATCH_SIZE + 5)]
    for _ in range(2):
        same.predict(Counting(), inputs, LABELS, "movies")
    assert noted.notes == [("predicting movies with counting", len(inputs), "texts")]
    assert noted.updates == [8, 40, len(inputs)]


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


SUM = "probabilities of labels add up to 1 at most"


@pytest.mark.parametrize(
    ("scores", "message"),
    [
        ({"no": -5.0, "yes": 5.0}, r"gave the score -5 to the label 'no'.*outside of \[0, 1\]"),
        ({"no": -0.1, "yes": 1.1}, r"gave the score -0.1 to the label 'no'"),
        ({"yes": 1.01}, r"gave the score 1.01 to the label 'yes'"),
        ({"no": 5, "yes": 95}, r"gave the score 5 to the label 'no'"),
        ({"no": -0.7, "yes": -0.6}, r"gave the score -0.7 to the label 'no'"),
        ({"no": 0.9, "yes": 0.9}, rf"add up to 1.8 \('no': 0.9, 'yes': 0.9\).*{SUM}"),
        ({"no": 0.5, "yes": 0.55}, SUM),
        ({"maybe": 0.9, "yes": 0.9}, SUM),
        ({"no": 0.1, "yes": 0.2}, "add up to 0.3 .*far from the 1"),
        ({"no": 0.0, "yes": 0.0}, "add up to 0 .*far from the 1"),
        ({"no": np.float32(-1.5), "yes": np.float32(2.5)}, "gave the score -1.5"),
    ],
)
def test_scores_that_are_no_probabilities_are_refused(
    scores: dict[str, float], message: str
) -> None:
    """Logits, margins, percentages and independent scores are none, and the message says so."""
    with pytest.raises(ModelError, match=f"model 'bert' .*{message}.*softmax of logits"):
        check_answers("bert", [Prediction("yes", scores)], 1, ["no", "yes"])


@pytest.mark.parametrize(
    "scores",
    [
        {"no": 0.25, "yes": 0.75}, {"no": 0.0, "yes": 1.0}, {}, {"yes": 0.3}, {"yes": 0.0},
        # Rounded to two decimals, or in single precision.
        {"no": 0.335, "yes": 0.68}, {"no": 0.0, "yes": 1.0000001}, {"no": -1e-9, "yes": 1.0},
        # What is left is the probability of other tokens.
        {"no": 0.2, "yes": 0.6},
        dict.fromkeys(("no", "yes", *map(str, range(75))), 0.01) | {"yes": 0.4},
    ],
)  # fmt: skip
def test_probabilities_are_taken(scores: dict[str, float]) -> None:
    """Those of some labels, or of all with a part for other words, are probabilities as well."""
    check_answers("bert", [Prediction("yes", scores)], 1, ["no", "yes"])


@pytest.mark.parametrize("answer", [Prediction(1), "a", None])  # type: ignore[arg-type]
def test_an_answer_of_a_wrong_type_is_refused(answer: Any) -> None:
    """A number for a label, or a bare label for a Prediction, is a readable error."""
    with pytest.raises(ModelError, match="model 'bert'"):
        check_answers("bert", [answer], 1, ["a", "1"])


def test_an_answer_that_no_encoding_carries_is_refused() -> None:
    """Where any text may be an answer, half an emoji is told rather than met in the store."""
    with pytest.raises(ModelError, match=r"model 'bert' answered '5 \\ud83c': the text has"):
        check_answers("bert", [Prediction("5 \ud83c")], 1, None)


def test_what_is_not_to_be_remembered_is_not(tmp_path: Path) -> None:
    """An attack's answers go into the store alone; how many were asked is told."""
    same = Engine(FileStore(tmp_path / "s.sqlite"), Silent())
    model = Counting()
    first = same.predict_counted(model, ["a", "b"], LABELS, "x", remember=False)
    assert (first.query_count, same.memory.rows) == (2, {})
    second = same.predict_counted(model, ["a", "c"], LABELS, "x", remember=False)
    assert (second.query_count, model.asked, same.memory.rows) == (1, ["a", "b", "c"], {})
    assert second.predictions[0] == first.predictions[0]


@dataclass
class Uncased(Counting):
    """Sees no difference between upper and lower case."""

    name: str = "uncased"

    def seen(self, inputs: Sequence[Inputs]) -> list[str]:
        """Return inputs in lower case."""
        return [canonical(value).lower() for value in inputs]


def test_what_looks_the_same_to_a_model_is_asked_once(tmp_path: Path) -> None:
    """One of the inputs is asked, all have its answer, and all are kept for the next run."""
    noted, model = Noted(), Uncased()
    same = Engine(FileStore(tmp_path / "s.sqlite"), noted)
    first = same.predict_counted(model, ["Abcd", "abcd", "b", "B", "b"], LABELS, "x")
    assert [answer.label for answer in first.predictions] == [
        "long",
        "long",
        "short",
        "short",
        "short",
    ]
    assert (first.query_count, len(model.asked)) == (2, 2)
    assert noted.notes == [("predicting x with uncased", 2, "texts")]
    assert noted.updates == [2]
    second = same.predict_counted(model, ["ABCD", "new", "b"], LABELS, "y")
    assert (second.query_count, model.asked[2:]) == (1, ["new"])
    assert second.predictions[0] == first.predictions[0]
    assert (same.tallies["uncased"].queried, same.tallies["uncased"].cached) == (3, 4)
    again = Engine(FileStore(tmp_path / "s.sqlite"), Silent())
    known = ["Abcd", "abcd", "b", "B", "ABCD", "new"]
    assert again.predict_counted(Uncased(), known, LABELS, "x").query_count == 0


def test_what_looks_the_same_is_asked_anew_in_another_draw() -> None:
    """A second answer to the same input is a second answer."""
    same, model = engine(), Uncased()
    same.predict(model, ["a", "A"], LABELS, "x")
    same.predict(model, ["A"], LABELS, "x", draw=1)
    assert model.asked == ["a", "A"]


def test_what_looks_the_same_and_got_no_answer_has_none() -> None:
    """The reason stands for all of it, and the next run asks again."""

    @dataclass
    class Silenced(Uncased):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            self.batches.append(list(inputs))
            return [Prediction(None, error="too slow") for _ in inputs]

    same, model = engine(), Silenced()
    answers = same.predict(model, ["a", "A"], LABELS, "x")
    assert [answer.error for answer in answers] == ["too slow", "too slow"]
    same.predict(model, ["a", "A"], LABELS, "x")
    assert len(model.asked) == 1
    again = Engine(same.store, Silent())
    again.predict(model, ["a", "A"], LABELS, "x")
    assert len(model.asked) == 2


@dataclass
class Dripping(Counting):
    """Answers one by one, last inputs first; `failing` says after how many it breaks."""

    failing: int | None = None
    closed: bool = False

    def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
        """Yield the answers, and note when it is closed."""
        try:
            for given, place in enumerate(reversed(range(len(inputs)))):
                if given == self.failing:
                    raise ModelError("the server is gone")
                yield place, self.predict([inputs[place]])[0]
        finally:
            self.closed = True


def test_answers_that_come_one_by_one_are_kept_one_by_one(tmp_path: Path) -> None:
    """Whatever ends a stream, what it had answered is known, and only the rest is asked again."""
    inputs = [f"{number:04d}" for number in range(20)]
    model = Dripping(failing=7)
    with pytest.raises(ModelError, match="the server is gone"):
        Engine(FileStore(tmp_path / "s.sqlite"), Silent()).predict(model, inputs, LABELS, "x")
    assert model.closed
    again = Dripping()
    answers = Engine(FileStore(tmp_path / "s.sqlite"), Silent()).predict(again, inputs, LABELS, "x")
    assert sorted([*model.asked, *again.asked]) == inputs
    assert [answer.text for answer in answers] == list(map(canonical, inputs))


def test_a_bad_answer_ends_a_stream_at_once() -> None:
    """Where an answer is refused, the stream is closed and asks nothing more."""
    model = Dripping()
    with pytest.raises(ModelError, match="unknown label"):
        engine().predict(model, ["a", "b", "c"], ["yes", "no"], "x")
    assert model.closed
    assert len(model.asked) == 1


def test_a_stream_that_leaves_inputs_out_is_refused() -> None:
    """A stream that ends early without an error is one: no input may vanish."""

    @dataclass
    class Forgetful(Dripping):
        def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
            yield from super().stream(inputs[1:])

    with pytest.raises(ModelError, match="gave 2 answers to 3 inputs"):
        engine().predict(Forgetful(), ["a", "b", "c"], LABELS, "x")


def test_what_got_no_answer_is_asked_in_the_next_run_alone(tmp_path: Path) -> None:
    """An error is no answer: it is not stored, and not asked again before the next run."""

    @dataclass
    class Flaky(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            answers = super().predict(inputs)
            return [
                Prediction(None, error="503") if value == "bad" else answer
                for value, answer in zip(inputs, answers, strict=True)
            ]

    model, store = Flaky(), FileStore(tmp_path / "s.sqlite")
    for remember in (True, False):
        first = Engine(store, Silent())
        for asked in (1, 0):
            given = first.predict_counted(model, ["bad"], LABELS, "x", remember=remember)
            assert given == PredictionBlock(
                predictions=[Prediction(None, error="503")], query_count=asked
            )
        assert first.tallies["counting"].unanswered == 1
    assert Engine(store, Silent()).predict(model, ["good"], LABELS, "x")[0].error is None
    assert model.asked == ["bad", "bad", "good"]
    with pytest.raises(ModelError, match=r"did not answer 1 of 2 inputs of x \(503\)"):
        check_complete("m", [Prediction("a"), Prediction(None, error="503")], "x")


ASKER = """
import os, sys
from pathlib import Path
from pytest_ood.inference import engine
from pytest_ood.inference.engine import Engine
from pytest_ood.utils.progress import Silent
from pytest_ood.inference.store import FileStore
from pytest_ood.tasks import Prediction

engine.WRITE_SECONDS = 0.0

class Model:
    name, fingerprint, paradigm, source, parameters = "m", "v1", "other", "a test", {}

    def predict(self, inputs):
        # One line a call, written by the system at once, whatever becomes of this process.
        os.write(log, f"{sys.argv[3]}: {' '.join(inputs)}\\n".encode())
        if sys.argv[3] == "killed" and "0100" in inputs:
            os.kill(os.getpid(), 9)
        return [Prediction("a") for _ in inputs]

log = os.open(sys.argv[2], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
inputs = [f"{number:04d}" for number in range(500)]
engine = Engine(FileStore(Path(sys.argv[1])), Silent())
assert len(engine.predict(Model(), inputs, ["a", "b"], "x")) == 500
"""


def calls(log: Path) -> list[tuple[str, list[str]]]:
    """Return (who, the inputs) of every call."""
    rows = [line.partition(": ") for line in log.read_text().splitlines()]
    return [(who, inputs.split()) for who, _, inputs in rows]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9")
def test_a_killed_run_costs_the_batch_in_flight(tmp_path: Path) -> None:
    """After kill -9 in the middle of the third batch, the next run asks that one and the rest."""
    command = [sys.executable, "-c", ASKER, str(tmp_path / "s.sqlite"), str(tmp_path / "log")]
    assert subprocess.run([*command, "killed"], check=False).returncode == -9
    before = calls(tmp_path / "log")
    subprocess.run([*command, "next"], check=True)
    after = calls(tmp_path / "log")[len(before) :]
    known = {text for _, inputs in before[:-1] for text in inputs}
    assert len(known) == 8 + 32
    repeated = [text for _, inputs in after for text in inputs]
    assert not known & set(repeated), "what was kept is not asked again"
    assert set(before[-1][1]) <= set(repeated), "the batch in flight is"
    assert len(repeated) == 500 - len(known)


@pytest.mark.slow
def test_several_processes_ask_nothing_twice(tmp_path: Path) -> None:
    """Processes that want the same answers of the same model at the same time share the work."""
    command = [sys.executable, "-c", ASKER, str(tmp_path / "s.sqlite"), str(tmp_path / "log")]
    processes = [subprocess.Popen([*command, str(number)]) for number in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    asked = [text for _, inputs in calls(tmp_path / "log") for text in inputs]
    assert sorted(asked) == [f"{number:04d}" for number in range(500)]


def test_speed_and_work_are_noted() -> None:
    """What was asked and known, and the time, is told by model; a rate needs some answers."""
    now = iter(range(0, 1000, 10))
    same = Engine(MemoryStore(), Silent(), clock=lambda: float(next(now)))
    inputs = [f"{number:04d}" for number in range(MIN_RATED_INPUTS)]
    same.predict(Counting(), inputs[:5], LABELS, "x")
    assert same.store.get_rate("v1") is None
    same.predict(Counting(fingerprint="v2"), inputs, LABELS, "x")
    same.predict(Counting(fingerprint="v2"), [*inputs, "new"], LABELS, "x")
    tally = same.tallies["counting"]
    assert (tally.queried, tally.cached, tally.seconds) == (
        5 + MIN_RATED_INPUTS + 1,
        MIN_RATED_INPUTS,
        30.0,
    )
    other = Engine(same.store, Silent())
    other.predict(Counting(fingerprint="v2"), [*inputs, "newer"], LABELS, "x")
    assert (other.tallies["counting"].queried, other.tallies["counting"].cached) == (
        1,
        MIN_RATED_INPUTS,
    )
    assert same.store.get_rate("v2") == Rate(
        inputs=MIN_RATED_INPUTS, characters=4 * MIN_RATED_INPUTS, seconds=10.0
    )


def test_more_inputs_than_a_block_are_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks share the progress, and an input of an earlier block is known in a later one."""
    monkeypatch.setattr(rows, "BLOCK", 4)
    noted, model = Noted(), Counting()
    same = Engine(MemoryStore(), noted)
    inputs = ["a", "b", "a", "c", "c", "d", "e", "a", "f"]
    same.predict(model, ["d"], LABELS, "x")
    answers = same.predict(model, inputs, LABELS, "x")
    assert [answer.text for answer in answers] == list(map(canonical, inputs))
    assert model.asked == ["d", "a", "b", "c", "e", "f"]
    # At the first block nobody knows yet which of the others are known: they pass by.
    assert noted.notes[1:] == [("predicting x with counting", 3 + 5, "texts")]
    assert noted.updates[1:] == [3, 7, 8]
    assert (same.tallies["counting"].queried, same.tallies["counting"].cached) == (6, 3)


@pytest.mark.parametrize("fingerprint", ["v1", None])
def test_a_run_without_a_store_asks_once(fingerprint: str | None) -> None:
    """Where nothing is kept between runs, a file for the run knows what was asked in it."""
    same = Engine(NoStore(), Silent(), memory=TemporaryStore())
    model = Counting(fingerprint=fingerprint)
    for inputs in (["a", "b"], ["b", "c"]):
        answers = same.predict(model, inputs, LABELS, "x")
        assert [answer.text for answer in answers] == list(map(canonical, inputs))
    assert model.asked == ["a", "b", "c"]


@dataclass
class Narrow(Counting):
    """Takes texts of up to ten characters, and says which are longer."""

    fits: int = 10

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer a batch in which every text fits."""
        long = [value for value in inputs if size_of(value) > self.fits]
        if long:
            raise TooLongError("too long", long, "beyond ten characters")
        return super().predict(inputs)


def test_what_is_too_long_is_counted_where_it_may_be() -> None:
    """It got no answer, with the reason; what fits is answered, once, and kept."""
    asking, model = engine(), Narrow()
    inputs = [*(f"x{n}" for n in range(BATCH_SIZE)), "y" * 11, "short", "z" * 12]
    (found,) = asking.predict_in_blocks(model, inputs, LABELS, "x", count_long=True)
    errors = {value: a.error for value, a in zip(inputs, found.predictions, strict=True) if a.error}
    assert errors == dict.fromkeys(("y" * 11, "z" * 12), "beyond ten characters")
    assert len(model.asked) == len(set(map(str, model.asked))) == BATCH_SIZE + 1
    assert asking.tally("counting").unanswered == 2
    (again,) = asking.predict_in_blocks(model, inputs, LABELS, "x", count_long=True)
    assert (again.predictions, again.query_count) == (found.predictions, 0)
    with pytest.raises(TooLongError) as caught:
        asking.predict(model, ["short", "y" * 11], LABELS, "x")
    assert caught.value.inputs == ("y" * 11,), "also where it was counted before"


def test_what_is_too_long_is_an_error_otherwise() -> None:
    """Whoever looks for a text that fits is told which do not."""
    with pytest.raises(TooLongError) as caught:
        engine().predict(Narrow(), ["x", "y" * 11], LABELS, "x")
    assert caught.value.inputs == ("y" * 11,)


def test_a_model_that_names_nothing_it_was_asked_ends_it() -> None:
    """An error about other inputs would come back for ever."""

    class Confused(Narrow):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            raise TooLongError("too long", [f"something else than {inputs[0]}"])

    with pytest.raises(TooLongError):
        list(engine().predict_in_blocks(Confused(), ["x"], LABELS, "x", count_long=True))


@dataclass
class Raising(Counting):
    """Answers each input with itself, and raises for a batch that holds one of some."""

    raises: Callable[[str], bool] = bool
    error: type[BaseException] = ValueError

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer, or raise."""
        self.batches.append(list(inputs))
        for value in inputs:
            if self.raises(str(value)):
                raise self.error(f"boom {value}")
        return [Prediction("long", text=str(value)) for value in inputs]


def isolated(
    model: Raising, inputs: Sequence[Inputs], same: Engine | None = None
) -> PredictionBlock:
    """Ask with those isolated for which the model raises, by their ids."""
    (block,) = (same or engine()).predict_in_blocks(
        model, inputs, LABELS, "x", isolate=True, id_of=lambda index: f"id-{index}"
    )
    return block


@pytest.mark.slow
@given(count=st.integers(1, 300), bad=st.sets(st.integers(0, 299), max_size=MAX_RAISED - 1))
def test_those_that_raise_are_found(count: int, bad: set[int]) -> None:
    """Every input that raises by itself has its reason, and every other one its answer."""
    model = Raising(raises=lambda text: int(text) in bad)
    answers = isolated(model, [str(number) for number in range(count)]).predictions
    for number, answer in enumerate(answers):
        if number in bad:
            assert answer.label is None
            assert (answer.error or "").startswith("raised ValueError: boom ")
        else:
            assert answer == Prediction("long", text=str(number))
    assert len(model.batches) <= 4 + 24 * len(bad) + count // BATCH_SIZE


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, IndexError, KeyError])
def test_a_broken_model_is_given_up(error: type[Exception]) -> None:
    """One that raises for everything is asked a few times, and in the next check not at all."""
    model, same = Raising(raises=lambda _: True, error=error), engine()
    told = set()
    for _ in range(3):
        with pytest.raises(ModelRaisedError) as caught:
            isolated(model, [f"{number:04d}" for number in range(5000)], same)
        assert isinstance(caught.value.__cause__, error)
        assert caught.value.counts == (MAX_RAISED, MAX_RAISED)
        told.add(str(caught.value))
    assert len(model.batches) < 50
    assert told.pop().startswith("model 'counting' raised for 8 of 8 inputs, the last being 'id-")
    assert not told


def test_a_model_that_raises_for_many_answers_the_others() -> None:
    """Those that are asked alone first are spread: a part that raises does not end it."""
    model = Raising(raises=lambda text: int(text) >= 100)
    answers = isolated(model, [str(number) for number in range(128)]).predictions
    assert sum(answer.error is None for answer in answers) == 100


@pytest.mark.parametrize("error", [ModelError, KeyboardInterrupt, pytest.exit.Exception])
def test_what_is_not_about_an_input_ends_it(error: type[BaseException]) -> None:
    """Errors of the project, and what asks the run to end, are passed on at once."""
    model = Raising(raises=lambda _: True, error=error)
    with pytest.raises(error):
        isolated(model, ["0", "1"])
    assert len(model.batches) == 1


class OwnError(BaseException):
    """No ordinary exception."""


@pytest.mark.parametrize(
    "error", [SystemExit, OwnError, pytest.fail.Exception, pytest.xfail.Exception]
)
def test_a_model_that_would_end_the_run_is_named_with_its_input(
    error: type[BaseException],
) -> None:
    """One line says who, what, where and for which input; nothing is skipped or ended by it."""
    model = Raising(raises=lambda text: text == "c", error=error)
    place = r"\(test_engine.py:\d+\)"
    with pytest.raises(ModelError) as caught:
        isolated(model, list("abcd"))
    told = rf"model 'counting' raised \w+: boom c {place} for input 'id-2'"
    assert re.fullmatch(told, str(caught.value))
    with pytest.raises(ModelError, match=rf"model 'counting' raised \w+: boom c {place}$"):
        engine().predict(model, list("cd"), LABELS, "x")


def test_a_model_that_asks_at_the_terminal_is_an_error() -> None:
    """Nobody may be there to answer."""

    def ask(_: str) -> bool:
        return bool(input())

    with pytest.raises(ModelError, match="asked for input at the terminal"):
        isolated(Raising(raises=ask), ["0"])


def test_without_isolation_what_a_model_raises_is_passed_on() -> None:
    """Who asks for single answers gets the exception itself."""
    with pytest.raises(ValueError, match="boom b"):
        engine().predict(Raising(raises=lambda text: text == "b"), ["a", "b"], LABELS, "x")


def test_the_reason_of_a_model_is_one_short_line() -> None:
    """A model of the user's may give any text as an error; reports show it in one line."""

    def answer(texts: list[Inputs]) -> list[Prediction]:
        return [Prediction(None, error="broken\n" * 20_000)] * len(texts)

    found = engine().predict(CallableModel("c", answer), ["a"], LABELS, "x")
    assert (found[0].error or "").startswith("broken broken ")
    assert len(found[0].error or "") == MAX_ERROR_LENGTH + len("...")
    assert "\n" not in (found[0].error or "")


def test_the_input_is_named_by_its_id() -> None:
    """The first input of each type of exception is named; equal types are one reason."""
    model, same = Raising(raises=lambda text: text in ("b", "d")), engine()
    errors = [answer.error for answer in isolated(model, list("abcd"), same).predictions]
    assert errors[0] is None
    assert errors[1] == errors[3]
    assert (errors[1] or "").startswith("raised ValueError: boom b (test_engine.py:")
    assert (errors[1] or "").endswith("), first for input 'id-1'")
    assert same.tallies["counting"].unanswered == 2
    # It is not asked again in this run, and is in the next.
    count = len(model.batches)
    assert isolated(model, list("abcd"), same).query_count == 0
    assert len(model.batches) == count
    assert isolated(model, list("abcd")).query_count == 4


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        (repeat(Prediction("long")), "gave 3 or more answers to 2 inputs"),
        ([Prediction("long")] * 5, "gave 5 answers to 2 inputs"),
        (iter([Prediction("long")]), "gave 1 answers to 2 inputs"),
        ([], "gave 0 answers to 2 inputs"),
    ],
)
def test_another_number_of_answers_is_an_error(answers: Any, told: str) -> None:
    """One more than inputs is an error at once, also of an iterator without an end."""

    @dataclass
    class Wrong(Counting):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            del inputs
            found: list[Prediction] = answers
            return found

    with pytest.raises(ModelError, match=told):
        engine().predict(Wrong(), ["x", "y"], LABELS, "x")


def test_an_iterator_that_raises_in_between_is_split() -> None:
    """A model that yields its answers is treated as one that returns them."""

    @dataclass
    class Yielding(Raising):
        def predict(self, inputs: Sequence[Inputs]) -> Any:
            for value in inputs:
                yield from super().predict([value])

    answers = isolated(Yielding(raises=lambda text: text == "b"), list("abc")).predictions
    assert [answer.error is None for answer in answers] == [True, False, True]


@pytest.mark.parametrize("places", [[0, 0], [0, 5], [-1]])
def test_a_stream_that_answers_what_it_was_not_asked_is_refused(places: list[int]) -> None:
    """A second answer to an input, or one to none, is an error at once."""

    @dataclass
    class Astray(Dripping):
        def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
            for place in places:
                yield place, self.predict([inputs[0]])[0]

    with pytest.raises(ModelError, match="which was answered before or is out of range"):
        engine().predict(Astray(), ["a", "b"], LABELS, "x")
