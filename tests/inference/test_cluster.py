from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_ood.data import lazy as rows
from pytest_ood.data.inputs import canonical
from pytest_ood.errors import ConfigurationError, MissingDependencyError, ModelError, TooLongError
from pytest_ood.inference.cluster import MAX_LOSSES, ClusterSettings, Ledger, RayRunner
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Mapping, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Paradigm

pytestmark = pytest.mark.usefixtures("ray_cluster")

MANY = [f"text {number:03d}" for number in range(100)]
"""With batches of five, more than two actors have queues for: what goes through Ray Data."""

SOME = MANY[:40]
"""Several batches for each actor that stays."""

SMALL = MANY[:8]
"""What goes to the actors that stay."""


MOST_INPUTS = 1000


def this_process() -> float:
    """Return the number of this process as a share, since scores are probabilities."""
    return os.getpid() / 2**23


@dataclass
class Echo:
    """Answers every input with itself, with the process and its threads."""

    name: str = "echo"
    fingerprint: str | None = "v1"
    paradigm: Paradigm = "other"
    source: str = "a test"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer."""
        where = {"process": this_process(), "batch": len(inputs) / MOST_INPUTS}
        return [Prediction(None, where, canonical(value)) for value in inputs]


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RayRunner]:
    """Make a runner with two actors and batches of five, whose actors stay for the next test."""
    made = RayRunner(ClusterSettings(actors=2, batch_size=5), tmp_path_factory.mktemp("lasting"))
    yield made
    made.close()


@pytest.fixture
def make_runner(lasting: RayRunner, tmp_path: Path) -> Iterator[Callable[..., RayRunner]]:
    """Return what makes runners of a test's own, for which the cluster has room."""
    with ExitStack() as stack:

        def make(**settings: Any) -> RayRunner:
            lasting.close()
            made = RayRunner(ClusterSettings(**settings), tmp_path)
            stack.callback(made.close)
            return made

        yield make


@pytest.fixture
def runner(make_runner: Callable[..., RayRunner]) -> RayRunner:
    """Make a runner with two actors and batches of five."""
    return make_runner(actors=2, batch_size=5)


@pytest.fixture
def single(make_runner: Callable[..., RayRunner]) -> RayRunner:
    """Make a runner with one actor, which is quicker to start, and batches of five."""
    return make_runner(actors=1, batch_size=5)


def predict(runner: RayRunner, model: Any, inputs: Sequence[Inputs]) -> list[Prediction]:
    """Ask a model through an engine, as every part of a run does."""
    return Engine(MemoryStore(), Silent(), runner).predict(model, inputs, None, "x")


def texts(answers: Sequence[Prediction]) -> list[str | None]:
    """Return the raw answers."""
    return [answer.text for answer in answers]


@pytest.mark.parametrize("inputs", [MANY, SOME, SMALL, ["one"], []], ids=len)
def test_every_input_gets_its_answer_from_two_actors(
    lasting: RayRunner, inputs: list[Inputs]
) -> None:
    """Answers come in order and from other processes, two where there is work for two."""
    answers = predict(lasting, Echo(), inputs)
    assert texts(answers) == list(map(canonical, inputs))
    processes = {answer.scores["process"] for answer in answers}
    assert len(processes) == min(2, len(inputs))
    assert this_process() not in processes
    assert all(answer.scores["batch"] <= 5 / MOST_INPUTS for answer in answers)


def test_a_set_has_one_pool_of_actors(single: RayRunner, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many blocks of inputs there are, a pool is started for all, up to its limit."""
    monkeypatch.setattr(rows, "BLOCK", 10)
    single.block_size = 50
    assert texts(predict(single, Echo(), MANY)) == list(map(canonical, MANY))
    assert single.runs == 2


def test_inputs_of_every_kind_travel(single: RayRunner) -> None:
    """Fields, empty texts and what UTF-8 cannot carry come to the model as they are."""
    inputs: list[Inputs] = ["", "\ud800", "a\0b\0", {"premise": "a", "hypothesis": "\ud800"}]
    for asked in (inputs, [*inputs, *MANY]):
        assert texts(predict(single, Echo(), asked)) == list(map(canonical, asked))


def test_answers_come_as_they_are_made(single: RayRunner) -> None:
    """What was answered before an error is kept, and only the rest is asked again."""
    store = MemoryStore()

    @dataclass
    class Failing(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            if "text 099" in inputs:
                raise ValueError("no more")
            return super().predict(inputs)

    with pytest.raises(ValueError, match="no more"):
        Engine(store, Silent(), single).predict(Failing(), MANY, None, "x")
    assert 0 < len(store.rows) < len(MANY)


@dataclass
class Mortal(Echo):
    """Ends its own process when it is asked a text, so many times; counts in a folder."""

    fatal: str = "text 030"
    folder: Path = Path()
    times: int = 1

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Answer, or die."""
        if self.fatal in inputs:
            for number in range(self.times):
                try:
                    (self.folder / str(number)).touch(exist_ok=False)
                except FileExistsError:
                    continue
                os.kill(os.getpid(), signal.SIGKILL)
        return super().predict(inputs)


@pytest.mark.parametrize(("inputs", "fatal"), [(MANY, "text 030"), (SOME, "text 007")], ids=len)
def test_the_batch_of_a_lost_actor_is_redone(
    runner: RayRunner, tmp_path: Path, inputs: list[str], fatal: str
) -> None:
    """An actor that is killed in the middle costs time: every input has its own right answer."""
    answers = predict(runner, Mortal(fatal=fatal, folder=tmp_path), inputs)
    assert list(tmp_path.iterdir()) == [tmp_path / "0"]
    assert texts(answers) == list(map(canonical, inputs))
    # After a loss the next call finds its actors.
    assert texts(predict(runner, Echo(), SMALL)) == list(map(canonical, SMALL))


@pytest.mark.parametrize(("inputs", "fatal"), [(MANY, "text 030"), (SOME, "text 007")], ids=len)
def test_a_batch_that_ends_every_actor_is_given_up(
    single: RayRunner, tmp_path: Path, inputs: list[str], fatal: str
) -> None:
    """What always ends its process is an error that says so, not an endless run."""
    with pytest.raises(
        ModelError, match=f"'echo': {MAX_LOSSES} actors were lost, one after the other"
    ):
        predict(single, Mortal(fatal=fatal, folder=tmp_path, times=99), inputs)
    assert len(list(tmp_path.iterdir())) == MAX_LOSSES


class OddError(Exception):
    """An error that cannot be made again of its message alone."""

    def __init__(self, first: int, second: int) -> None:
        super().__init__(f"{first} and {second}")


@dataclass
class Broken(Echo):
    """Raises an error whatever it is asked."""

    error: Callable[[], Exception] = ValueError

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Fail."""
        del inputs
        raise self.error()


def odd_error() -> OddError:
    """Return an error."""
    return OddError(1, 2)


@pytest.mark.parametrize(
    ("make", "kind", "message"),
    [
        (lambda: ModelError("it is not fitted"), ModelError, "^it is not fitted$"),
        (lambda: ZeroDivisionError("by zero"), ZeroDivisionError, "^by zero$"),
        (odd_error, ModelError, "^model 'echo' raised OddError: 1 and 2$"),
    ],
)
def test_an_error_of_the_model_comes_back_as_it_is(
    lasting: RayRunner, make: Callable[[], Exception], kind: type[Exception], message: str
) -> None:
    """The model's own error is raised here, its traceback on the cluster being its cause."""
    with pytest.raises(kind, match=message) as caught:
        predict(lasting, Broken(error=make), SOME)
    assert "in predict" in str(caught.value.__cause__)


def test_an_error_in_a_large_set_comes_back_as_it_is(single: RayRunner) -> None:
    """Likewise through Ray Data."""
    with pytest.raises(ModelError, match=r"^model 'echo' raised OddError: 1 and 2$") as caught:
        predict(single, Broken(error=odd_error), MANY)
    assert "in predict" in str(caught.value.__cause__)


def test_after_an_error_no_actor_is_killed(lasting: RayRunner) -> None:
    """The actors for small calls stay, and answer the next call."""
    with pytest.raises(ModelError, match="not fitted"):
        predict(lasting, Broken(error=lambda: ModelError("it is not fitted")), SMALL)
    actors = list(lasting.pool)
    assert actors
    assert texts(predict(lasting, Echo(), SMALL)) == list(map(canonical, SMALL))
    assert lasting.pool == actors


def test_after_the_end_of_a_run_none_of_its_batches_begins() -> None:
    """What waits when the model has failed is not asked any more."""
    ledger = Ledger()
    assert [ledger.begin(1, 0), ledger.begin(1, 1), ledger.begin(1, 0)] == [0, 0, 1]
    ledger.end(1)
    assert ledger.begin(1, 2) is None
    assert ledger.begin(2, 0) == 0


def test_too_long_inputs_are_named(lasting: RayRunner) -> None:
    """The error about inputs that do not fit still says which."""

    @dataclass
    class Narrow(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            raise TooLongError("too long", inputs[:1])

    with pytest.raises(TooLongError, match="too long") as caught:
        predict(lasting, Narrow(), SMALL)
    assert set(caught.value.inputs) < set(SMALL)


def test_another_number_of_answers_is_refused(lasting: RayRunner) -> None:
    """The message counts the batch that the model was given."""

    @dataclass
    class Forgetful(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            return super().predict(inputs[1:])

    with pytest.raises(ModelError, match="'echo' gave 3 answers to 4 inputs"):
        predict(lasting, Forgetful(), SMALL)


def test_a_model_that_cannot_be_pickled_is_named(lasting: RayRunner) -> None:
    """The message says which model, why, and what to do."""

    @dataclass
    class Locked(Echo):
        lock: Any = field(default_factory=threading.Lock)

    with pytest.raises(ConfigurationError) as caught:
        predict(lasting, Locked(), SMALL)
    assert str(caught.value) == (
        "model 'echo' cannot be sent to the cluster: TypeError: cannot pickle '_thread.lock' "
        "object. Let it make what cannot be pickled (a connection, a lock, an open file) when "
        "`predict` is first called, or run it with --ood-engine local"
    )


OWN = """
from pytest_ood.tasks import Prediction

LIKED = "text 001"

def answer(inputs):
    return ["yes" if value == LIKED else "no" for value in inputs]
"""


@pytest.mark.parametrize("name", ["own_code_of_a_test", "deep.conftest"])
def test_the_code_of_the_project_travels(
    runner: RayRunner, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module is imported on the cluster where it lies in the project, or sent where it hides."""
    from pytest_ood.models.callable import CallableModel

    path = tmp_path / f"{'hidden/' if '.' in name else ''}{name.rpartition('.')[2]}.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(OWN)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    answers = predict(runner, CallableModel("own", module.answer), SMALL)
    assert [answer.label == "yes" for answer in answers] == [t == "text 001" for t in SMALL]


def test_code_that_is_not_there_is_told(
    lasting: RayRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose module the cluster cannot import is an error that says what nodes need."""
    module = type(sys)("nowhere_to_be_found")
    exec(OWN, vars(module))  # noqa: S102 - our own text
    monkeypatch.setitem(sys.modules, module.__name__, module)
    from pytest_ood.models.callable import CallableModel

    with pytest.raises(ModelError, match="ModuleNotFoundError: No module named 'nowhere_to_be"):
        predict(lasting, CallableModel("own", module.answer), SMALL)


def test_actors_that_stay_hold_one_model_after_another(lasting: RayRunner) -> None:
    """Small calls find the same processes, whichever model they ask."""

    @dataclass
    class Other(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            answers = super().predict(inputs)
            return [Prediction("other", answer.scores) for answer in answers]

    processes = set()
    for model, label in ((Echo(), None), (Other(), "other"), (Echo(), None)):
        answers = predict(lasting, model, SMALL)
        assert {answer.label for answer in answers} == {label}
        processes.add(tuple(sorted({answer.scores["process"] for answer in answers})))
    assert len(processes) == 1


def test_an_actor_computes_on_the_threads_that_it_has(
    make_runner: Callable[..., RayRunner],
) -> None:
    """Torch uses as many threads as an actor has CPUs, not as many as the machine."""

    @dataclass
    class Threads(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            import torch

            return [Prediction(None, text=str(torch.get_num_threads())) for _ in inputs]

    for cpus in (1, 2):
        runner = make_runner(actors=1, cpus=cpus)
        assert texts(predict(runner, Threads(), ["x"])) == [str(cpus)]
        runner.close()


def test_an_actor_has_the_priority_of_the_run(make_runner: Callable[..., RayRunner]) -> None:
    """On a busy machine the run would wait for actors that let every other process go first."""

    @dataclass
    class Nice(Echo):
        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            return [Prediction(None, text=str(os.nice(0))) for _ in inputs]

    assert texts(predict(make_runner(actors=1), Nice(), ["x"])) == [str(os.nice(0))]


def test_what_does_not_fit_the_cluster_is_refused(
    make_runner: Callable[..., RayRunner],
) -> None:
    """More CPUs or GPUs than there are would be waited for without end."""
    runner = make_runner(actors=2, gpus=1)
    with pytest.raises(ConfigurationError, match="2 actors with 1 CPUs and 1 GPUs each do not fit"):
        predict(runner, Echo(), SMALL)


def test_the_room_decides_where_nobody_does(make_runner: Callable[..., RayRunner]) -> None:
    """Without `actors`, there are as many as the cluster has room for."""
    runner = make_runner(batch_size=5)
    answers = predict(runner, Echo(), SMALL)
    assert len({answer.scores["process"] for answer in answers}) == runner.actors >= 2


def test_a_stream_runs_here(runner: RayRunner) -> None:
    """A model whose answers come one by one is asked from this process."""

    @dataclass
    class Dripping(Echo):
        def stream(self, inputs: Sequence[Inputs]) -> Generator[tuple[int, Prediction], None, None]:
            for place in range(len(inputs)):
                yield place, self.predict([inputs[place]])[0]

    answers = predict(runner, Dripping(), MANY)
    assert {answer.scores["process"] for answer in answers} == {this_process()}
    assert runner.actors == 0, "it needs no cluster"


def test_without_ray_the_extra_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The message says what to install."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "pytest-ood\[ray\]"'):
        RayRunner(ClusterSettings(), tmp_path)
