"""Asking models on a Ray cluster: sets of inputs by Ray Data, small calls by actors that stay."""

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
from collections import Counter
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.machinery import PathFinder
from itertools import accumulate
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from pytest_ood.engine import KEPT_AT_ONCE, LocalRunner
from pytest_ood.errors import ConfigurationError, ModelError, OodError, require
from pytest_ood.models.protocol import is_streaming
from pytest_ood.tasks.answers import exactly
from pytest_ood.user_code import ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Sequence

    from pytest_ood.engine import Group
    from pytest_ood.examples import Inputs
    from pytest_ood.models.protocol import Model

AT_ONCE = 131_072
"""Inputs that one pool of actors is started for: answers to so many take far longer."""

LOSSES = 3
"""A batch that was lost with so many actors, one after the other, is what ends them."""

QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_DATA_USAGE_DISABLED": "1"}
"""Ray tells nobody how it is used."""

ALONE = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}
"""Ray's way of saying: one machine, and nothing but its loopback interface."""

CONNECTED_WITHIN = 10.0
"""Seconds; without a cluster at an address, Ray itself looks for it for minutes."""

REMOVALS, BETWEEN_REMOVALS = 50, 0.1
"""How often, and with how many seconds between, a cluster's files are removed until they are."""


class ClusterError(OodError):
    """The cluster cannot be used, or fell apart."""


@dataclass(frozen=True)
class ClusterSettings:
    """What `[tool.pytest_ood.ray]` says.

    Attributes:
        address: Of a cluster that is there; None for one on this machine, for the run alone.
        actors: How many hold the model; None for as many as there is room for.
        cpus: Of each actor, which computes on as many threads.
        gpus: Of each actor; a part of one may be shared.
        batch_size: Inputs an actor is given at once, and what is redone when it is lost.
    """

    address: str | None = None
    actors: int | None = None
    cpus: float = 1.0
    gpus: float = 0.0
    batch_size: int = KEPT_AT_ONCE


@dataclass(frozen=True)
class Sent:
    """A model in the cluster's object store.

    Attributes:
        name: The model's.
        key: Another one for every model that was sent.
        content: A reference to (paths, pickled model), in a list: Ray gets bare ones by itself.
    """

    name: str
    key: int
    content: list[Any]


@dataclass(frozen=True)
class Failure:
    """What went wrong with a batch; it travels like an answer, so that Ray does not try again.

    Attributes:
        error: What was raised.
        trace: Where, for people to read.
    """

    error: BaseException
    trace: str


class _ElsewhereError(Exception):
    """Shows the traceback of another process as the cause of what was raised there."""


class Ledger:
    """Counts, on the cluster, how often each batch was begun."""

    def __init__(self) -> None:
        self.run = 0
        self.begun: Counter[int] = Counter()

    def begin(self, run: int, batch: int) -> int:
        """Count, and return how often this batch was begun before."""
        if run != self.run:
            self.run, self.begun = run, Counter()
        self.begun[batch] += 1
        return self.begun[batch] - 1


class Holder:
    """Holds a model in an actor of the cluster, and answers batches.

    Args:
        cpus: Of the actor.
        ledger: The run's.
        sent: The model, where all batches are for one.
        run: The number of the run, likewise.
    """

    def __init__(self, cpus: float, ledger: Any, sent: Sent | None = None, run: int = 0) -> None:
        threads = max(1, int(cpus))
        # Whatever computes is loaded with the model, after this.
        os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = str(threads)
        self.ledger, self.sent, self.run = ledger, sent, run
        self.key: int | None = None
        self.model: Any = None

    def __call__(self, table: Any) -> Any:
        """Answer a table of batches; columns `batch` and `inputs`, then `batch` and `answers`."""
        import pyarrow as pa

        assert self.sent is not None, "unreachable because Ray Data's actors are made for one model"
        numbers = table["batch"].to_pylist()
        packed = table["inputs"].to_pylist()
        answers = [
            self.answer(self.sent, self.run, number, inputs)
            for number, inputs in zip(numbers, packed, strict=True)
        ]
        return pa.table({"batch": numbers, "answers": pa.array(answers, pa.large_binary())})

    def answer(self, sent: Sent, run: int, batch: int, packed: bytes) -> bytes:
        """Return the pickled answers to pickled inputs, or the pickled failure."""
        import ray
        from ray import cloudpickle

        try:
            inputs = pickle.loads(packed)  # noqa: S301 - the run's own
            lost = ray.get(self.ledger.begin.remote(run, batch))
            if lost >= LOSSES:
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
            # Raised again where the run is; sys.exit would look like a lost actor.
            return bytes(cloudpickle.dumps(Failure(_portable(sent.name, error), _trace(error))))

    def _loaded(self, sent: Sent) -> Any:
        """Return the model; another one than before takes its place."""
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
                    f"model {sent.name!r} cannot be made again on the cluster: "
                    f"{type(error).__name__}: {error}; every node needs the packages that the "
                    "model needs, and the project's folder"
                ) from error
        return self.model


@dataclass
class RayRunner:
    """Runs models on a Ray cluster: the one at an address, or one of its own.

    It starts with the first call, and `close` ends it.

    Attributes:
        settings: Where, and on what.
        root: The project's folder; its modules can be imported on the cluster.
        at_once: Inputs that a pool of actors is started for.

    Raises:
        MissingDependencyError: Ray is not installed.
    """

    settings: ClusterSettings
    root: Path
    at_once: int = AT_ONCE
    ray: Any = field(init=False, repr=False)
    actors: int = field(default=0, init=False)
    ledger: Any = field(default=None, init=False, repr=False)
    pool: list[Any] = field(default_factory=list, init=False, repr=False)
    cleanup: ExitStack = field(default_factory=ExitStack, init=False, repr=False)
    runs: int = field(default=0, init=False)
    last: tuple[Model, Sent] | None = field(default=None, init=False, repr=False)
    failure: ConfigurationError | None = field(default=None, init=False, repr=False)

    def __post_init__(self) -> None:
        # Ray looks at this when it is imported.
        with _environment({} if self.settings.address else ALONE):
            self.ray = require("ray", extra="ray", purpose="--ood-engine ray")
            require("ray.data", extra="ray", purpose="--ood-engine ray")

    def run(self, model: Model, inputs: Sequence[Inputs]) -> Generator[Group, None, None]:
        """Yield the answers of one batch after another, in whatever order they come.

        A model whose answers come one by one is limited by its server, and asked from here.

        Raises:
            ConfigurationError: there is no such cluster, it has no room, or the model cannot be
                sent there.
            ModelError: a batch ends every actor that it is given to.
            ClusterError: the cluster fell apart.
            Exception: whatever the model raises.
        """
        if is_streaming(model):
            yield from LocalRunner().run(model, inputs)
            return
        self.connect()
        sent = self._send(model)
        self.runs += 1
        size = self.settings.batch_size
        small = len(inputs) <= self.actors * size
        if small:
            size = max(1, math.ceil(len(inputs) / self.actors))
        starts = range(0, len(inputs), size)
        packed = [pickle.dumps(list(inputs[start : start + size])) for start in starts]
        answers = self._by_pool(sent, packed) if small else self._by_data(sent, packed)
        try:
            for batch, content in answers:
                got = _opened(content)
                yield range(starts[batch], starts[batch] + len(got)), got
        except self.ray.exceptions.RayError as error:
            raise ClusterError(
                f"the Ray cluster failed while it asked {model.name!r}: {error}; what was answered "
                "is kept: run the same command again"
            ) from error
        finally:
            answers.close()

    def close(self) -> None:
        """End the cluster, if it is the runner's own; leave any other."""
        self._release()
        if self.ledger is None:
            return
        self.ray.kill(self.ledger)
        self.ledger = self.last = None
        self.cleanup.close()

    def _by_data(
        self, sent: Sent, packed: Sequence[bytes]
    ) -> Generator[tuple[int, bytes], None, None]:
        """Let Ray Data stream batches through a pool of actors that hold the model."""
        # What the actors that stay have is what the pool needs.
        self._release()
        data = self.ray.data
        with warnings.catch_warnings():
            # Ray Data 2.60 sets an option that it has itself declared obsolete.
            warnings.simplefilter("ignore", DeprecationWarning)
            context = data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        rows = [{"batch": number, "inputs": content} for number, content in enumerate(packed)]
        # A block is a batch: each is an actor's task by itself, comes back by itself, and is what
        # is redone, by the pool's defaults as often as actors are lost.
        dataset = data.from_items(rows, override_num_blocks=len(rows)).map_batches(
            Holder,
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
        self, sent: Sent, packed: Sequence[bytes]
    ) -> Generator[tuple[int, bytes], None, None]:
        """Give each actor that stays a batch: a pool for each call would cost seconds a call."""
        if not self.pool:
            make = self.ray.remote(Holder).options(
                num_cpus=self.settings.cpus,
                num_gpus=self.settings.gpus,
                max_restarts=-1,
                max_task_retries=-1,
            )
            self.pool = [make.remote(self.settings.cpus, self.ledger) for _ in range(self.actors)]
        waiting = {
            actor.answer.remote(sent, self.runs, number, content): number
            for number, (actor, content) in enumerate(zip(self.pool, packed, strict=False))
        }
        try:
            while waiting:
                (done, *_), _ = self.ray.wait(list(waiting), num_returns=1)
                yield waiting.pop(done), self.ray.get(done)
        finally:
            if waiting:
                # There is no other way to end what an actor is doing.
                self._release()

    def _release(self) -> None:
        """End the actors that stay."""
        for actor in self.pool:
            self.ray.kill(actor)
        self.pool = []

    def connect(self) -> None:
        """Start or find the cluster, and see whether it has room.

        Raises:
            ConfigurationError: there is no such cluster, or no room; it is not looked for twice.
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
            stack.enter_context(_environment(QUIET))
            stack.enter_context(_only_errors("ray.data"))
            if not self.ray.is_initialized():
                if self.settings.address is None:
                    self._start(stack)
                else:
                    self._find(self.settings.address, stack)
            self.actors = self._room()
            # At no cost of CPUs: it has next to nothing to do.
            self.ledger = self.ray.remote(Ledger).options(num_cpus=0, max_restarts=-1).remote()
            self.cleanup = stack.pop_all()

    def _start(self, stack: ExitStack) -> None:
        """Start a cluster on this machine; its files go when the stack is closed."""
        needed = math.ceil((self.settings.actors or 1) * self.settings.cpus)
        # Sockets lie in this folder, and their paths may not be long.
        short = "/tmp" if Path("/tmp").is_dir() else None  # noqa: S108 - only where it is made
        folder = tempfile.mkdtemp(prefix="ood-", dir=short)
        stack.callback(_remove, folder)
        stack.enter_context(_environment(ALONE))
        # Before it starts: half a cluster has to end, too.
        stack.callback(self.ray.shutdown)
        self.ray.init(
            address="local",
            num_cpus=max(os.cpu_count() or 1, needed),
            include_dashboard=False,
            log_to_driver=False,
            configure_logging=False,
            _temp_dir=folder,
        )

    def _find(self, address: str, stack: ExitStack) -> None:
        """Connect to the cluster at an address.

        Raises:
            ConfigurationError: there is none.
        """
        stack.callback(self.ray.shutdown)
        host, _, port = address.partition("://")[2 if "://" in address else 0].rpartition(":")
        try:
            if port.isdecimal():
                socket.create_connection((host, int(port)), CONNECTED_WITHIN).close()
            self.ray.init(address=address, log_to_driver=False, configure_logging=False)
        except (OSError, RuntimeError, ValueError, self.ray.exceptions.RayError) as error:
            raise ConfigurationError(
                f"tool.pytest_ood.ray: address = {address!r}: no cluster is found there: {error}"
            ) from error

    def _room(self) -> int:
        """Return how many actors there are to be.

        Raises:
            ConfigurationError: there is no room for them.
        """
        needs = {"CPU": self.settings.cpus, "GPU": self.settings.gpus}
        nodes = [node["Resources"] for node in self.ray.nodes() if node["Alive"]]
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

    def _send(self, model: Model) -> Sent:
        """Put a model into the object store, unless it was the last one.

        Raises:
            ConfigurationError: it cannot be pickled.
        """
        if self.last is None or self.last[0] is not model:
            content = _pickled(model, self.root)
            key = 1 if self.last is None else self.last[1].key + 1
            self.last = (model, Sent(model.name, key, [self.ray.put(content)]))
        return self.last[1]


def _pickled(model: Model, root: Path) -> tuple[list[str], bytes]:
    """Return where the cluster is to look for modules, and the model.

    The code of modules that it would not find there, such as that of a `conftest.py` deep in the
    project, is sent along.

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
    """Tell whether a module is of the project, and not what its name would import elsewhere."""
    file = vars(module).get("__file__")
    if not isinstance(file, str) or not file.startswith(f"{root}{os.sep}"):
        return False
    if "site-packages" in Path(file).parts or module.__name__.partition(".")[0] == "pytest_ood":
        return False
    where = paths
    for name in accumulate(module.__name__.split("."), "{}.{}".format):
        spec = PathFinder.find_spec(name, where)
        if spec is None:
            return True
        where = list(spec.submodule_search_locations or ())
    return spec is None or spec.origin != file


def _portable(name: str, error: BaseException) -> BaseException:
    """Return the error itself where it survives the way back, and its words where it does not."""
    from ray import cloudpickle

    try:
        cloudpickle.loads(cloudpickle.dumps(error))
    except Exception:  # noqa: BLE001 - whatever its own code raises
        return ModelError(f"model {name!r} raised {type(error).__name__}: {error}")
    return error


def _trace(error: BaseException) -> str:
    return "".join(traceback.format_exception(error))


def _opened(content: bytes) -> list[Any]:
    """Return answers, or raise what was raised in their place."""
    got = pickle.loads(content)  # noqa: S301 - made by the run's own actors
    if isinstance(got, Failure):
        raise got.error from _ElsewhereError(f"on the cluster:\n{got.trace}")
    assert isinstance(got, list), "unreachable because an actor returns nothing else"
    return got


def _remove(folder: str) -> None:
    """Remove the folder of a cluster that was shut down; its last processes may write yet."""
    for _ in range(REMOVALS):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            return
        time.sleep(BETWEEN_REMOVALS)


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    """Set variables for as long as a block takes; what Ray itself sets there goes with them."""
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
    """Keep what a library has to say about every step out of a test run."""
    log = logging.getLogger(logger)
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)
