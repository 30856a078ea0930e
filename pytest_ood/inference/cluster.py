"""Runs models on a Ray cluster: large sets by Ray Data, other calls by a pool of actors."""

from __future__ import annotations

import logging
import math
import os
import pickle
import shutil
import socket
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, deque
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from itertools import accumulate, islice
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, ModelError, OodError, require
from pytest_ood.inference.engine import BATCH_SIZE, LocalRunner
from pytest_ood.models.protocol import is_streaming
from pytest_ood.tasks.answers import exactly
from pytest_ood.utils.user_code import ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_ood.data.inputs import Inputs
    from pytest_ood.inference.engine import IndexedPredictions
    from pytest_ood.models.protocol import Model

BLOCK_SIZE = 131_072
"""Inputs for which one pool of Ray Data's actors is started: its start takes seconds, which are few
beside the time of so many predictions."""

BATCHES_AN_ACTOR = 8
"""The most batches for each actor of a call to the pool that stays. For more inputs Ray Data starts
actors of its own, which takes as long as some hundred answers."""

QUEUED = 2
"""Batches that an actor of that pool has at a time, so that it does not wait for the next one."""

MAX_LOSSES = 3
"""A batch is given up when this many actors were lost with it: it crashes whoever computes it."""

WITHOUT_STATISTICS = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_USAGE_DISABLED": "1"}
"""Environment variables that keep Ray from sending usage statistics."""

LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Environment variable that binds Ray to this machine's loopback interface."""

USUAL_PRIORITY = {"RAY_worker_niceness": "0"}
"""Environment variable that gives Ray's processes the priority of the run, which waits for them. By
default they wait for every other process of the machine."""

CONNECT_SECONDS = 10.0
"""Time limit for a connection; Ray itself would look for a missing cluster for minutes."""

REMOVAL_ATTEMPTS, REMOVAL_WAIT_SECONDS = 50, 0.1


class ClusterError(OodError):
    """The cluster cannot be used, or failed during a run."""


@dataclass(frozen=True, kw_only=True)
class ClusterSettings:
    """The table `[tool.pytest_ood.ray]`.

    Attributes:
        address: The address of a running cluster; None to start one on this machine for the run.
        actors: The number of actors that hold the model; None for as many as the cluster has room
            for.
        cpus: CPUs of each actor, which computes on as many threads.
        gpus: GPUs of each actor; a fraction shares one.
        batch_size: Inputs per task of an actor. When an actor is lost, its batch is computed again.
    """

    address: str | None = None
    actors: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    batch_size: int = BATCH_SIZE


@dataclass(frozen=True, kw_only=True)
class SentModel:
    """A model in the cluster's object store.

    Attributes:
        name: The model's name.
        key: A number that differs between the models that were sent.
        content: A reference to (paths, pickled model). It is in a list, because Ray would replace a
            bare reference by the object itself in every call.
    """

    name: str
    key: int
    content: list[Any]


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An exception of a batch, returned like predictions: an exception would make Ray retry.

    Attributes:
        error: The exception.
        trace: Its traceback as text, since frames cannot be pickled.
    """

    error: BaseException
    trace: str


class _ElsewhereError(Exception):
    """Shows the traceback of another process as the cause of an exception from there."""


class Ledger:
    """Counts on the cluster how often each batch was begun.

    A batch that ends its actor's process, by a crash or by its memory, raises nothing: Ray starts
    another actor and tries again, without end. An actor of its own survives and can count.
    """

    def __init__(self) -> None:
        self.run = self.ended = 0
        self.begun: Counter[int] = Counter()

    def begin(self, run: int, batch: int) -> int | None:
        """Count a start of this batch, and return the number of starts before; None if `end`."""
        if run == self.ended:
            return None
        if run != self.run:
            self.run, self.begun = run, Counter()
        self.begun[batch] += 1
        return self.begun[batch] - 1

    def end(self, run: int) -> None:
        """Let no batch of this run begin any more."""
        self.ended = run


class ModelActor:
    """Holds a model in an actor of the cluster, and predicts batches.

    Args:
        cpus: CPUs of the actor.
        ledger: The `Ledger` of the cluster.
        sent: The model, for actors of Ray Data, all of whose batches are for one model.
        run: The number of the call of `RayRunner.run`, for the same actors.
    """

    def __init__(
        self, cpus: float, ledger: Any, sent: SentModel | None = None, run: int = 0
    ) -> None:
        threads = max(1, int(cpus))
        # Numerical libraries read these when they are imported, which is with the model, later.
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        self.ledger, self.sent, self.run = ledger, sent, run
        self.key: int | None = None
        self.model: Any = None

    def __call__(self, table: Any) -> Any:
        """Map a table with the columns `batch` and `inputs` to one with `batch` and `answers`."""
        import pyarrow as pa

        assert self.sent is not None, "unreachable because Ray Data's actors have one model"
        numbers = table["batch"].to_pylist()
        packed = table["inputs"].to_pylist()
        answers = [
            self.predict(self.sent, self.run, number, inputs)
            for number, inputs in zip(numbers, packed, strict=True)
        ]
        return pa.table({"batch": numbers, "answers": pa.array(answers, pa.large_binary())})

    def predict(self, sent: SentModel, run: int, batch: int, packed: bytes) -> bytes:
        """Return the pickled predictions for pickled inputs, or a pickled `Failure`."""
        import ray
        from ray import cloudpickle

        try:
            inputs = pickle.loads(packed)  # noqa: S301 - the run's own
            # A batch that was begun before and has no result has ended its actor each time.
            lost = ray.get(self.ledger.begin.remote(run, batch))
            if lost is None:
                return pickle.dumps([])
            if lost >= MAX_LOSSES:
                raise ModelError(  # noqa: TRY301 - one way back for all errors
                    f"model {sent.name!r}: {lost} actors were lost, one after the other, with the "
                    f"same batch of {len(inputs)} inputs; it crashes, or takes more memory than "
                    "there is. Give ray.batch_size fewer inputs or ray.cpus more, or look for the "
                    "crash with --ood-engine local"
                )
            with unattended(f"model {sent.name!r}"):
                answers = exactly(sent.name, self._loaded(sent).predict(inputs), len(inputs))
            return bytes(cloudpickle.dumps(answers))
        except BaseException as error:
            if ends_run(error):
                raise
            # Returned as a value and raised again by the driver: Ray would retry after an
            # exception, and would take sys.exit for a lost actor.
            return bytes(cloudpickle.dumps(_failure(sent.name, error)))

    def _loaded(self, sent: SentModel) -> Any:
        """Return the model; the one before is released first, as both may not fit into memory."""
        import ray
        from ray import cloudpickle

        if self.key != sent.key:
            self.model = None
            paths, content = ray.get(sent.content[0])
            sys.path[:] = [*paths, *(path for path in sys.path if path not in paths)]
            try:
                self.model, self.key = cloudpickle.loads(content), sent.key
            except Exception as error:
                raise ModelError(
                    f"model {sent.name!r} cannot be loaded on the cluster: "
                    f"{type(error).__name__}: {error}; every node needs the packages that the "
                    "model needs, and the project's folder"
                ) from error
        return self.model


@dataclass
class RayRunner:
    """Runs models on a Ray cluster: the one at an address, or its own on this machine.

    The first call connects to the cluster or starts it, and `close` ends it.

    Attributes:
        settings: The cluster's address, and the resources to use.
        root: The project's folder; its modules can be imported on the cluster.
        block_size: Inputs for which a pool of Ray Data's actors is started.
        ray: The module.
        actors: The number of actors; 0 before `connect`.
        ledger: The `Ledger` of the cluster; None while there is no connection.
        pool: The actors that stay between calls.
        cleanup: Ends the cluster, and restores the environment.
        runs: The number of calls of `run` on the cluster.
        last: The last model that was sent, and its entry in the object store.
        failure: Why `connect` failed, so that it is not tried again for each model.

    Raises:
        MissingDependencyError: Ray is not installed.
    """

    settings: ClusterSettings
    root: Path
    block_size: int = BLOCK_SIZE
    ray: Any = field(init=False, repr=False)
    actors: int = field(default=0, init=False)
    ledger: Any = field(default=None, init=False, repr=False)
    pool: list[Any] = field(default_factory=list, init=False, repr=False)
    cleanup: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    runs: int = field(default=0, init=False)
    last: tuple[Model, SentModel] | None = field(default=None, init=False, repr=False)
    failure: ConfigurationError | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        # Ray reads the variables when it is imported.
        with _environment({} if self.settings.address else LOOPBACK_ONLY):
            self.ray = require("ray", extra="ray", purpose="--ood-engine ray")
            require("ray.data", extra="ray", purpose="--ood-engine ray")

    def run(
        self, model: Model, inputs: Sequence[Inputs]
    ) -> Generator[IndexedPredictions, None, None]:
        """Yield the predictions of one batch after another, in the order in which they come.

        Raises:
            ConfigurationError: there is no such cluster, it has no room, or the model cannot be
                sent there.
            ModelError: a batch ends every actor that computes it.
            ClusterError: the cluster failed.
            Exception: whatever the model raises.
        """
        if is_streaming(model):
            # Its server sets the speed, and its limits on requests are kept by one process.
            yield from LocalRunner().run(model, inputs)
            return
        self.connect()
        sent = self._send(model)
        self.runs += 1
        size = self.settings.batch_size
        # An attack makes many calls of few inputs, and a suite has many small sets, for each of
        # which Ray Data would take seconds to start its actors.
        small = len(inputs) <= self.actors * size * BATCHES_AN_ACTOR
        if small:
            size = max(1, min(size, math.ceil(len(inputs) / self.actors)))
        starts = range(0, len(inputs), size)
        packed = [pickle.dumps(list(inputs[start : start + size])) for start in starts]
        results = self._by_pool(sent, packed) if small else self._by_data(sent, packed)
        try:
            for batch, content in results:
                try:
                    predictions = _unpickled(content)
                except BaseException:
                    # Ray 2.60 may end this process if actors are killed while they work.
                    self.ray.get(self.ledger.end.remote(self.runs))
                    deque(results, maxlen=0)
                    raise
                yield range(starts[batch], starts[batch] + len(predictions)), predictions
        except self.ray.exceptions.RayError as error:
            raise ClusterError(
                f"the Ray cluster failed while it ran {model.name!r}: {error}; the answers so far "
                "are cached: run the same command again"
            ) from error
        finally:
            results.close()

    def close(self) -> None:
        """Shut down the cluster if the runner started it, and disconnect from any other."""
        self._release()
        if self.ledger is None:
            return
        self.ray.kill(self.ledger)
        self.ledger = self.last = None
        self.cleanup.close()

    def _by_data(
        self, sent: SentModel, packed: Sequence[bytes]
    ) -> Generator[tuple[int, bytes], None, None]:
        """Yield (batch, pickled result), streamed by Ray Data through actors with the model."""
        # The actors that stay have the CPUs and GPUs that Ray Data's actors need.
        self._release()
        data = self.ray.data
        with warnings.catch_warnings():
            # Ray Data 2.60 sets an option that it has declared obsolete.
            warnings.simplefilter("ignore", DeprecationWarning)
            context = data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        rows = [{"batch": number, "inputs": content} for number, content in enumerate(packed)]
        # One block is one batch: it is a task of its own, so that its result is yielded as soon as
        # it is there, and a lost actor costs one batch. By the pool's defaults Ray repeats a task
        # however often its actor is lost; `Ledger` limits this.
        dataset = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            ModelActor,
            batch_size=1,
            batch_format="pyarrow",
            fn_constructor_args=(self.settings.cpus, self.ledger, sent, self.runs),
            compute=data.ActorPoolStrategy(size=min(self.actors, len(rows))),
            num_cpus=self.settings.cpus,
            num_gpus=self.settings.gpus or None,
        )
        tables = dataset.iter_batches(batch_size=None, batch_format="pyarrow", prefetch_batches=0)
        for table in tables:
            yield from zip(table["batch"].to_pylist(), table["answers"].to_pylist(), strict=True)

    def _by_pool(
        self, sent: SentModel, packed: Sequence[bytes]
    ) -> Generator[tuple[int, bytes], None, None]:
        """Yield (batch, pickled result), computed by the actors of the pool that stays."""
        if not self.pool:
            factory = self.ray.remote(ModelActor).options(
                num_cpus=self.settings.cpus,
                num_gpus=self.settings.gpus,
                max_restarts=-1,
                max_task_retries=-1,
            )
            self.pool = [
                factory.remote(self.settings.cpus, self.ledger) for _ in range(self.actors)
            ]
        batches = enumerate(packed)
        waiting: dict[Any, tuple[int, Any]] = {}

        def give(actor: Any) -> None:
            """Send an actor the next batch, if there is one."""
            for number, content in islice(batches, 1):
                answer = actor.predict.remote(sent, self.runs, number, content)
                waiting[answer] = number, actor

        for _ in range(QUEUED):
            for actor in self.pool:
                give(actor)
        try:
            while waiting:
                (done, *_), _ = self.ray.wait(list(waiting), num_returns=1)
                number, actor = waiting.pop(done)
                give(actor)
                yield number, self.ray.get(done)
        finally:
            if waiting:
                # The generator was closed early. A running method of an actor cannot be cancelled,
                # so that the actors are ended; the next call starts others.
                self._release()

    def _release(self) -> None:
        """End the actors that stay between calls."""
        for actor in self.pool:
            self.ray.kill(actor)
        self.pool = []

    def connect(self) -> None:
        """Start the cluster or connect to it, and check that it has room.

        Raises:
            ConfigurationError: there is no such cluster, or no room. A second call raises the same
                error without another attempt.
        """
        if self.ledger is not None:
            return
        if self.failure is None:
            try:
                self._connect()
            except ConfigurationError as error:
                self.failure = error
        if self.failure is not None:
            raise self.failure

    def _connect(self) -> None:
        with ExitStack() as stack:
            stack.enter_context(_environment(WITHOUT_STATISTICS))
            stack.enter_context(_only_errors("ray.data"))
            if not self.ray.is_initialized():
                if self.settings.address is None:
                    self._start(stack)
                else:
                    self._connect_to(self.settings.address, stack)
            self.actors = self._actor_count()
            # With 0 CPUs it takes no room from the models' actors; it does hardly anything.
            self.ledger = self.ray.remote(Ledger).options(num_cpus=0, max_restarts=-1).remote()
            self.cleanup = stack.pop_all()

    def _start(self, stack: ExitStack) -> None:
        """Start a cluster on this machine, which the stack shuts down."""
        needed = math.ceil((self.settings.actors or 1) * self.settings.cpus)
        # The folder has sockets, whose paths are limited to about 100 bytes.
        short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - mkdtemp's own subfolder
        folder = tempfile.mkdtemp(prefix="ood-", dir=short)
        stack.callback(_remove, folder)
        stack.enter_context(_environment(LOOPBACK_ONLY))
        if not USUAL_PRIORITY.keys() & os.environ.keys():
            stack.enter_context(_environment(USUAL_PRIORITY))
        # Registered before the start, so that a cluster that started in part is shut down, too.
        stack.callback(self.ray.shutdown)
        self.ray.init(
            address="local",
            num_cpus=max(os.cpu_count() or 1, needed),
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=folder,
        )

    def _connect_to(self, address: str, stack: ExitStack) -> None:
        """Connect to the cluster at an address.

        Raises:
            ConfigurationError: there is none.
        """
        stack.callback(self.ray.shutdown)
        host, _, port = address.partition("://")[2 if "://" in address else 0].rpartition(":")
        try:
            if port.isdecimal():
                # Ray retries for minutes if nothing listens there; this fails in seconds.
                socket.create_connection((host, int(port)), CONNECT_SECONDS).close()
            self.ray.init(address=address, log_to_driver=False, configure_logging=False)
        except (OSError, RuntimeError, ValueError, self.ray.exceptions.RayError) as error:
            raise ConfigurationError(
                f"tool.pytest_ood.ray: address = {address!r}: no cluster answers there: {error}"
            ) from error

    def _actor_count(self) -> int:
        """Return the number of actors to start.

        Raises:
            ConfigurationError: the cluster has no room for them.
        """
        needs = {"CPU": self.settings.cpus, "GPU": self.settings.gpus}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
        # By node, as an actor cannot use the CPUs of one node with the GPU of another.
        room = sum(
            min(int(has.get(kind, 0.0) / need) for kind, need in needs.items() if need)
            for has in nodes
        )
        wanted = self.settings.actors or max(1, room)
        if wanted > room:
            total = {kind: sum(has.get(kind, 0.0) for has in nodes) for kind in needs}
            raise ConfigurationError(
                f"tool.pytest_ood.ray: {wanted} actors with {self.settings.cpus:g} CPUs and "
                f"{self.settings.gpus:g} GPUs each do not fit the cluster, which has room for "
                f"{room} ({total['CPU']:g} CPUs and {total['GPU']:g} GPUs on {len(nodes)} nodes)"
            )
        return wanted

    def _send(self, model: Model) -> SentModel:
        """Put a model into the object store, unless it is the one that was sent last.

        Raises:
            ConfigurationError: it cannot be pickled.
        """
        if self.last is None or self.last[0] is not model:
            content = _pickled(model, self.root)
            key = 1 if self.last is None else self.last[1].key + 1
            sent = SentModel(name=model.name, key=key, content=[self.ray.put(content)])
            self.last = (model, sent)
        return self.last[1]


def _pickled(model: Model, root: Path) -> tuple[list[str], bytes]:
    """Return the paths from which the cluster imports modules, and the pickled model.

    Modules that these paths do not lead to, such as a `conftest.py` deep in the project, are
    pickled with the model.

    Raises:
        ConfigurationError: the model cannot be pickled.
    """
    from ray import cloudpickle

    paths = [str(root), *(path for path in sys.path if path not in ("", str(root)))]
    hidden = [
        module
        for module in list(sys.modules.values())
        if isinstance(module, ModuleType) and _is_hidden(module, root, paths)
    ]
    for module in hidden:
        cloudpickle.register_pickle_by_value(module)
    try:
        return paths, cloudpickle.dumps(model)
    except Exception as error:
        raise ConfigurationError(
            f"model {model.name!r} cannot be sent to the cluster: {type(error).__name__}: {error}. "
            "Let it make what cannot be pickled (a connection, a lock, an open file) when "
            "`predict` is first called, or run it with --ood-engine local"
        ) from error
    finally:
        for module in hidden:
            cloudpickle.unregister_pickle_by_value(module)


def _is_hidden(module: ModuleType, root: Path, paths: list[str]) -> bool:
    """Return whether a module is of the project, but `paths` lead to another one or to none."""
    file = vars(module).get("__file__")
    if not isinstance(file, str) or not file.startswith(f"{root}{os.sep}"):
        return False
    if "site-packages" in Path(file).parts or module.__name__.partition(".")[0] == "pytest_ood":
        return False
    locations = paths
    for name in accumulate(module.__name__.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(name, locations)
        if spec is None:
            return True
        locations = list(spec.submodule_search_locations or ())
    return spec is None or spec.origin != file


def _failure(name: str, error: BaseException) -> Failure:
    """Return a failure with the exception itself, or with its text if it cannot be pickled."""
    from ray import cloudpickle

    trace = "".join(traceback.format_exception(error))
    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - an exception's class may define how it is pickled
        message = f"model {name!r} raised {type(error).__name__}: {error}"
        return Failure(error=ModelError(message), trace=trace)
    return Failure(error=error, trace=trace)


def _unpickled(content: bytes) -> list[Any]:
    """Return an actor's predictions.

    Raises:
        BaseException: the exception of the model, if the content is a `Failure`.
    """
    result = pickle.loads(content)  # noqa: S301 - from the run's own actors
    if isinstance(result, Failure):
        raise result.error from _ElsewhereError(f"on the cluster:\n{result.trace}")
    assert isinstance(result, list), "unreachable because an actor returns nothing else"
    return result


def _remove(folder: str) -> None:
    """Remove the folder of a cluster; its last processes may still write for a moment."""
    for _ in range(REMOVAL_ATTEMPTS):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            return
        time.sleep(REMOVAL_WAIT_SECONDS)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set environment variables for a block; variables that Ray sets are removed with them."""
    before = {name: os.environ[name] for name in os.environ if name.startswith("RAY_")}
    os.environ.update(values)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("RAY_")]:
            del os.environ[name]
        os.environ.update(before)


@contextmanager
def _only_errors(logger: str) -> Iterator[None]:
    """Silence a library's logger below the level of errors."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
