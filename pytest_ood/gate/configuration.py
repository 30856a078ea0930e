"""The user's configuration, `[tool.pytest_ood]` in pyproject.toml, and the models it describes."""

from __future__ import annotations

import difflib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from math import inf
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import Rules
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.inference.cluster import ClusterSettings
from pytest_ood.loading.readers import DataSource, Loading, parse_redirects, parse_source
from pytest_ood.models import adapter, adapters
from pytest_ood.models.protocol import Context, RecordedModel, SeededModel, is_recorded
from pytest_ood.statistics import CORRECTIONS
from pytest_ood.trackers import tracker, trackers
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.strict import toml_of
from pytest_ood.utils.tables import ConfigTable, check_name
from pytest_ood.utils.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import Reader
    from pytest_ood.models.protocol import Model
    from pytest_ood.statistics import Correction
    from pytest_ood.suite.suite import Suite
    from pytest_ood.tasks import Task
    from pytest_ood.trackers.protocol import Tracker

CONFIGURATION = "pyproject.toml"
TABLE = "tool.pytest_ood"

OTHER_SETTINGS = (
    "pytest.toml",
    ".pytest.toml",
    "pytest.ini",
    ".pytest.ini",
    "tox.ini",
    "tox.toml",
    "setup.cfg",
)
"""Files in which pytest and tox, but not this plugin, are configured."""
OWN_SUFFIXES = (".toml", ".ini", ".cfg", ".yaml", ".yml", ".json")
PLUGIN_NAMES = ("pytestood", "ood")
"""Names of this plugin, letters only."""
MIN_SIMILARITY = 0.85
"""The least similarity to the plugin's name of a table that is taken for a misspelling of it."""
LEVELS_OF_TABLES = 4

MAX_DEPTH, MAX_FOLDERS = 3, 1000
"""The depth and the number of folders that are searched for a misplaced configuration."""
SKIPPED_FOLDERS = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})

DEFAULT_SUITES = ("sentiment",)
DEFAULT_ALPHA = 0.05
DEFAULT_CACHE_MB = 2048

STATED = ("size", "training_examples", "shots")
"""Facts that a model's table may state; where one is a key of the adapter, the adapter's counts."""


@dataclass(frozen=True, kw_only=True)
class TrackerChoice:
    """The experiment trackers that a run is logged to.

    Attributes:
        names: The trackers of every run.
        options: The options of each tracker that has a table, chosen or not, by its name.
    """

    names: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def build(self, more: Sequence[str]) -> dict[str, Tracker]:
        """Build the chosen trackers; none connects to its server yet.

        Args:
            more: Names of further trackers, from the command line.

        Raises:
            ConfigurationError: a name is unknown, or an option is wrong.
            MissingDependencyError: a client is not installed.
        """
        for name in more:
            if name not in trackers():
                raise ConfigurationError(
                    "--ood-track: " + unknown_name("tracker", name, trackers())
                )
        chosen = dict.fromkeys((*self.names, *more))
        return {name: tracker(name).build(**self.options.get(name, {})) for name in chosen}


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """The values of `[tool.pytest_ood]`.

    Attributes:
        suites: Names of built-in suites, or paths of TOML files; empty if only the user's own tests
            run.
        models: The models' tables, by name; empty for the models of the suites.
        seed: The seed of samples and perturbations.
        max_examples: The most examples from each data set; None for the suite's own limit.
        alpha: The one-sided level of every bound.
        strict: Whether an inconclusive verdict fails.
        sequential: Whether to query models in batches, and to stop as soon as the verdict is
            settled; None for the suite's own choice, or else by the number of examples.
        correction: The correction for multiple testing over the gates of a run.
        frozen: Paths of frozen suites, which replace sampling and perturbing.
        cache_limit_mb: The size limit of the prediction store, in megabytes of 1024 kilobytes.
        ray: The cluster on which models run with --ood-engine ray.
        trackers: The trackers that a run is logged to.
        data: The locations on this machine of data that suites name; see `parse_redirects`.
        tests: The files and folders that hold the user's own robustness tests, or patterns of them;
            None if the source of each file of tests says whether it holds some.
    """

    suites: tuple[str, ...] = DEFAULT_SUITES
    models: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    seed: int = 0
    max_examples: int | None = None
    alpha: float = DEFAULT_ALPHA
    strict: bool = False
    sequential: bool | None = None
    correction: Correction = "holm"
    frozen: tuple[str, ...] = ()
    cache_limit_mb: int = DEFAULT_CACHE_MB
    ray: ClusterSettings = field(default_factory=ClusterSettings)
    trackers: TrackerChoice = field(default_factory=TrackerChoice)
    data: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tests: tuple[str, ...] | None = None

    @property
    def cache_limit(self) -> int:
        """The size limit of the prediction store, in bytes."""
        return self.cache_limit_mb * 1024**2

    @property
    def rules(self) -> Rules:
        """The levels of verdicts."""
        return Rules(self.alpha, self.correction)


def project_root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, that configures this plugin, or `start`."""
    for folder in (start, *start.parents):
        if is_configured(folder):
            return folder
    return start


def read_configuration(root: Path) -> Configuration:
    """Read `[tool.pytest_ood]` of the pyproject.toml in `root`; all of it is optional.

    Raises:
        ConfigurationError: a key is unknown, a value has the wrong type, or the configuration is in
            the wrong file or table.
    """
    refuse_misplaced(root)
    path = root / CONFIGURATION
    try:
        content = toml_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Configuration()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    tool = ConfigTable(content, str(path)).subtable("tool")
    return parse_configuration(tool.get("pytest_ood", {}), str(path))


def is_configured(folder: Path) -> bool:
    """Return whether a folder's pyproject.toml has a table for this plugin, right or wrong."""
    try:
        text = (folder / CONFIGURATION).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return False
    try:
        tool = toml_of(text).get("tool")
    except ValueError:
        return "tool.pytest_ood" in text
    return isinstance(tool, Mapping) and "pytest_ood" in tool


def refuse_misplaced(start: Path) -> None:
    """Refuse a configuration of this plugin that would be ignored.

    A table with a misspelled name is refused in the pyproject.toml of `start`. If nothing is
    configured there, the built-in demo would run instead of the user's suites, so that other files
    and other folders, from `start` upwards and a few levels down, are searched as well.

    Args:
        start: The folder whose configuration is read.

    Raises:
        ConfigurationError: the message has the file, the ignored table and the right one.
    """
    right = f"[{TABLE}] in {CONFIGURATION}"
    _refuse_tables(start / CONFIGURATION, right)
    if is_configured(start):
        return
    for folder in (start, *start.parents):
        for name in (CONFIGURATION, *OTHER_SETTINGS):
            _refuse_tables(folder / name, right)
    for path in sorted(start.glob("*")):
        if path.suffix in OWN_SUFFIXES and _letters(path.stem) in PLUGIN_NAMES and path.is_file():
            raise ConfigurationError(f"{path} is not read: the configuration is {right}")
    for folder in _below(start):
        _refuse_tables(folder / CONFIGURATION, right)
        if is_configured(folder):
            relative = folder.relative_to(start).as_posix()
            raise ConfigurationError(
                f"{start} has no [{TABLE}], and {folder / CONFIGURATION} has: start pytest there, "
                f"or say: pytest --ood-suite {relative}"
            )


def _refuse_tables(path: Path, right: str) -> None:
    """Refuse a table whose name is a misspelling of the right one, or that is in another file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for written in _tables(text):
        if path.name == CONFIGURATION and (written == TABLE or written.startswith(f"{TABLE}.")):
            continue
        parts = [part.strip("\"' ") for part in re.split(r"[.:]", written)]
        # The plugin's part of a name, such as "ood" of [tool.pytest.ini_options.ood].
        own = next((part for part in parts if part not in ("tool", "pytest", "ini_options")), "")
        letters = _letters(own)
        misspelled = difflib.get_close_matches(letters, PLUGIN_NAMES[:1], 1, MIN_SIMILARITY)
        if letters in PLUGIN_NAMES or misspelled:
            raise ConfigurationError(f"{path}: [{written}] is not read: the table is {right}")


def _tables(text: str) -> Iterator[str]:
    """Yield the names of the tables of a TOML or INI file."""
    try:
        yield from _dotted(toml_of(text), LEVELS_OF_TABLES)
    except ValueError:
        for line in text.splitlines():
            if line.lstrip().startswith("["):
                yield line.strip().strip("[]").partition("]")[0].strip()


def _dotted(table: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the dotted names of the tables in a table, up to a depth."""
    for key, value in table.items():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, Mapping):
            yield key
            if depth > 1:
                yield from (f"{key}.{below}" for below in _dotted(inner, depth - 1))


def _letters(name: str) -> str:
    """Return the letters of a name in lower case, without separators."""
    return "".join(character for character in name.casefold() if character.isalpha())


def _below(start: Path) -> Iterator[Path]:
    """Yield the folders below one, the nearest first, up to a depth and a number."""
    level = [start]
    left = MAX_FOLDERS
    for _ in range(MAX_DEPTH):
        children: list[Path] = []
        for folder in level:
            try:
                inside = sorted(path for path in folder.iterdir() if path.is_dir())
            except OSError:
                continue
            children += [
                path
                for path in inside
                if not path.name.startswith(".")
                and path.name not in SKIPPED_FOLDERS
                and not (path / "pyvenv.cfg").exists()
            ]
        level = children[:left]
        left -= len(level)
        yield from level


def parse_configuration(value: Any, origin: str) -> Configuration:
    """Check the table `[tool.pytest_ood]`.

    Args:
        value: The parsed table.
        origin: The file, for messages.

    Raises:
        ConfigurationError: a key is unknown, or a value has the wrong type.
    """
    table = ConfigTable({"pytest_ood": value}, origin, "tool").subtable("pytest_ood")
    table.only([*(f.name for f in fields(Configuration)), *trackers()])
    seed, alpha = table.get("seed", 0), table.get("alpha", DEFAULT_ALPHA)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise table.wrong("seed", "a whole number")
    if not isinstance(alpha, float) or not 0.0 < alpha < 0.5:  # noqa: PLR2004 - one-sided level
        raise table.wrong("alpha", "a number inside (0, 0.5); 0.05 is usual")
    correction = table.get("correction", "holm")
    if correction not in CORRECTIONS:
        raise table.error(unknown_name("correction", str(correction), CORRECTIONS))
    return Configuration(
        suites=table.strings("suites", DEFAULT_SUITES),
        models=dict(table.subtable("models")),
        seed=seed,
        max_examples=table.count("max_examples"),
        alpha=alpha,
        strict=table.flag("strict", default=False),
        sequential=table.flag("sequential"),
        correction=correction,
        frozen=table.strings("frozen"),
        cache_limit_mb=table.count("cache_limit_mb", DEFAULT_CACHE_MB),
        ray=parse_cluster(table.subtable("ray")),
        trackers=parse_trackers(table),
        data=parse_redirects(table.get("data", {}), f"{table.location}: data"),
        tests=table.strings("tests") if "tests" in table else None,
    )


def parse_trackers(table: ConfigTable) -> TrackerChoice:
    """Check the list `trackers` and the table of each tracker.

    Without the list, all trackers that have a table are chosen.

    Raises:
        ConfigurationError: a name or a key is unknown, or a value has the wrong type.
    """
    options = {name: table.subtable(name) for name in trackers() if name in table}
    names = tuple(options)
    if "trackers" in table:
        names = table.choices("trackers", trackers(), "tracker")
    for name, own in options.items():
        parameters = inspect.signature(tracker(name).build).parameters
        for key in own.only(parameters):
            _check_type(own, key, str(parameters[key].annotation))
    return TrackerChoice(names=names, options={name: dict(own) for name, own in options.items()})


def parse_cluster(table: ConfigTable) -> ClusterSettings:
    """Check the table `[tool.pytest_ood.ray]`.

    Raises:
        ConfigurationError: a key is unknown, or a value has the wrong type.
    """
    table.only(f.name for f in fields(ClusterSettings))
    address = table.get("address")
    if address is not None and (not isinstance(address, str) or not address):
        raise table.wrong(
            "address",
            'the address of a cluster, such as "127.0.0.1:6379"; leave it out for one on this '
            "machine",
        )
    for key in ("actors", "batch_size"):
        table.count(key)
    for key in ("cpus", "gpus"):
        value = table.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            raise table.wrong(key, "a number of 0 or more")
    if table.get("cpus") == 0:
        raise table.error("cpus = 0: an actor needs at least a fraction of one")
    return ClusterSettings(**table)


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """A model of the configuration, checked but not built.

    Attributes:
        name: The model's name.
        adapter: The name of the adapter that builds it.
        source: The value of the adapter's key, such as a path, a model id, or a table.
        options: The adapter's other parameters.
        baseline: Whether relative budgets compare with it.
        seeds: The number of seeds, each with its own training or demonstrations.
        stated: Facts that cannot be read from the model, such as the size of one behind an API.
        shared: Objects that all models built from this table share; see `Context`.
        held: Objects that all models of a run share; see `Context`.
    """

    name: str
    adapter: str
    source: str | Mapping[str, Any]
    options: Mapping[str, Any]
    baseline: bool
    seeds: int = 1
    stated: Mapping[str, int] = field(default_factory=dict)
    shared: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    held: ProcessLocalDict = field(default_factory=ProcessLocalDict, compare=False, repr=False)

    def build(
        self,
        task: Task,
        reader: Reader,
        cache_folder: Path,
        like: DataSource | Dataset | None = None,
    ) -> Model | RecordedModel | SeededModel:
        """Build the model for a task; nothing is loaded or trained yet.

        Args:
            task: The task of the suite.
            reader: Loads the model's data.
            cache_folder: The folder of trained and converted models.
            like: The data of the suite. Its column names are the defaults for the model's own data;
                a Dataset has none.

        Raises:
            ConfigurationError: two values contradict each other.
        """
        columns = like if isinstance(like, DataSource) else None
        first = self._build(self.name, self.options, task, reader, cache_folder, columns=columns)
        if self.seeds == 1:
            return first
        key = adapter(self.adapter).SEED_OPTION
        start = self.options.get(key, 0)
        # The first member has the name of the model with one seed, and so its trained weights.
        others = [
            self._build(
                f"{self.name}#{number}",
                {**self.options, key: start + number},
                task,
                reader,
                cache_folder,
                columns=columns,
            )
            for number in range(1, self.seeds)
        ]
        members = (model for model in (first, *others) if not is_recorded(model))
        return SeededModel(self.name, tuple(members))

    def trained_on(self, source: DataSource, name: str) -> ModelSpec | None:
        """Return this model trained on other data, or None where it is not trained here."""
        if "train" not in self.options:
            return None
        return replace(self, name=name, options={**self.options, "train": source}, seeds=1)

    def _build(
        self,
        name: str,
        options: Mapping[str, Any],
        task: Task,
        reader: Reader,
        cache_folder: Path,
        *,
        columns: DataSource | None,
    ) -> Model | RecordedModel:

        def data(value: Any) -> Callable[[], Dataset]:
            """Return a function that loads a data source of the configuration."""
            source = value
            if not isinstance(value, DataSource):
                source = parse_source(value, f"model {self.name!r}: data", columns)
            reader.check(source)
            return Loading(reader=reader, source=source, task=task)

        context = Context(
            name=name,
            task=task,
            root=reader.root,
            cache=cache_folder,
            offline=reader.offline,
            progress=reader.progress,
            data=data,
            shared=self.shared,
            held=self.held,
        )
        with contained(f"model {name!r}"):
            model: Model | RecordedModel = adapter(self.adapter).build(
                self.source, context, **options
            )
        return model


def parse_models(
    tables: Mapping[str, Any], origin: str, suite: Suite | None = None
) -> tuple[ModelSpec, ...]:
    """Check the tables of models; the baseline comes first.

    Args:
        tables: The models' tables, by name.
        origin: The beginning of messages.
        suite: The suite that the models are for: others are left out, and a model's own keys for
            the suite replace its general ones. None for all models as they are.

    Raises:
        ConfigurationError: a key is unknown, a value has the wrong type, or there are two
            baselines.
    """
    specs = [
        _model(name, own)
        for name, table in ConfigTable(tables, origin, "models").subtables()
        if (own := _for_suite(table, suite)) is not None
    ]
    baselines = [spec.name for spec in specs if spec.baseline]
    if len(baselines) > 1:
        raise ConfigurationError(
            f"{origin}: {' and '.join(baselines)} are marked as the baseline; keep one"
        )
    return tuple(sorted(specs, key=lambda spec: not spec.baseline))


def models_for(suite: Suite, configured: Mapping[str, Any]) -> tuple[ModelSpec, ...]:
    """Return the configured models that are for a suite; if none is configured, the suite's own.

    Raises:
        ConfigurationError: see `parse_models`.
    """
    origin = TABLE if configured else f"suite {suite.name!r}"
    return parse_models(configured or suite.models, origin, suite)


def suites_of(table: ConfigTable) -> Mapping[str, Mapping[str, Any]] | None:
    """Return a model's own keys for each suite that it is for; None for all suites.

    Args:
        table: The model's table; its `suites` is a list of names, or a table of tables.

    Raises:
        ConfigurationError: `suites` is neither.
    """
    suites = table.get("suites")
    if suites is None:
        return None
    if isinstance(suites, list) and all(isinstance(name, str) for name in suites):
        return {name: {} for name in suites}
    if isinstance(suites, Mapping) and all(isinstance(own, Mapping) for own in suites.values()):
        return suites
    raise table.error(
        f"suites = {suites!r} is neither a list of names of suites nor a table with the model's "
        "keys for each"
    )


def _for_suite(table: ConfigTable, suite: Suite | None) -> ConfigTable | None:
    """Return a model's keys for a suite, or None where it is not for it."""
    by_suite = suites_of(table)
    general = table.without(("suites",))
    if by_suite is None or suite is None:
        return general
    own = by_suite.get(suite.name, by_suite.get(suite.collection))
    return None if own is None else general.updated(own)


def _model(name: str, table: ConfigTable) -> ModelSpec:
    check_name(name, table.location)
    adapter_keys = [key for key in table if key in adapters()]
    if len(adapter_keys) != 1:
        near = [k for k in table if difflib.get_close_matches(k, adapters(), n=1)]
        guess = f" {unknown_name('key', near[0], adapters())}" if near and not adapter_keys else ""
        raise table.error(
            f"exactly one of {', '.join(adapters())} says what the model is, not "
            f"{' and '.join(adapter_keys) or 'none'}.{guess}"
        )
    (adapter_key,) = adapter_keys
    kind, source = _adapter_of(adapter_key, table)
    baseline, seeds = table.flag("baseline", default=False), table.count("seeds", 1)
    if seeds > 1 and not hasattr(adapter(kind), "SEED_OPTION"):
        seeded = [name for name in adapters() if hasattr(adapter(name), "SEED_OPTION")]
        raise table.error(
            f"seeds = {seeds}: a model of the kind {kind!r} has no seed of its own; "
            f"{' and '.join(seeded)} models have"
        )
    if seeds > 1 and adapter(kind).SEED_NEEDS not in table:
        raise table.error(
            f"seeds = {seeds} without `{adapter(kind).SEED_NEEDS}`: it would be the same model "
            f"{seeds} times; give that, or leave out `seeds`"
        )
    signature = inspect.signature(adapter(kind).build).parameters
    # The keyword-only parameters of an adapter's `build` are the keys of its tables.
    parameters = {n: p for n, p in signature.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    stated = [key for key in STATED if key in table and key not in parameters]
    options = table.without((adapter_key, "baseline", "seeds", *stated))
    for key in options:
        if key not in parameters:
            allowed = [*parameters, "baseline", "seeds", "suites", *STATED, adapter_key]
            raise table.error(unknown_name("key", key, allowed))
        _check_type(table, key, str(parameters[key].annotation))
    options.require(*(n for n, p in parameters.items() if p.default is inspect.Parameter.empty))
    if _takes_table(kind) and not isinstance(source, Mapping):
        example = adapter(kind).EXAMPLE.split("\n")[1]
        raise table.wrong(adapter_key, f"a table, such as {example}")
    return ModelSpec(
        name=name,
        adapter=kind,
        source=source,
        options=dict(options),
        baseline=baseline,
        seeds=seeds,
        stated={key: _stated_number(table, key) for key in stated},
    )


def _stated_number(table: ConfigTable, key: str) -> int:
    """Return a number of weights or examples, which may be written as 175e9."""
    value, least = table[key], 1 if key == "size" else 0
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not least <= value < inf or value != int(value):
        raise table.wrong(key, f"a whole number of {least} or more, such as 1000 or 175e9")
    return int(value)


def _adapter_of(key: str, table: ConfigTable) -> tuple[str, str | Mapping[str, Any]]:
    """Return the adapter and its source: `prompted = "openai:X"` means `openai = "X"`."""
    if _takes_table(key):
        return key, table[key]
    source = table.string(key, "")
    scheme, _, rest = source.partition(":")
    elsewhere = getattr(adapter(key), "ELSEWHERE", ())
    return (scheme, rest) if scheme in elsewhere and scheme in adapters() else (key, source)


def _takes_table(kind: str) -> bool:
    """Return whether the source of an adapter is a table rather than a string."""
    annotation = str(inspect.signature(adapter(kind).build).parameters["source"].annotation)
    return annotation.startswith("Mapping")


TOML_TYPES: Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "bool": (bool,),
    "int": (int,),
    "float": (int, float),
    "Mapping": (Mapping,),
    "list": (list,),
}
"""The types of TOML values that a parameter with an annotation accepts."""


def _check_type(table: ConfigTable, key: str, annotation: str) -> None:
    """Check a value against the annotation of the parameter that it is for.

    Annotations with other types, such as a data source, are left to the adapter.
    """
    names = [part.strip().partition("[")[0] for part in annotation.split(" | ")]
    types = tuple(kind for name in names for kind in TOML_TYPES.get(name, ()))
    if not types:
        return
    value = table[key]
    # True and False are instances of int, too.
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise table.wrong(key, f"of type {' or '.join(name for name in names if name != 'None')}")
