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
from pytest_ood.models.protocol import Context, RecordedModel, SeededModel
from pytest_ood.statistics import CORRECTIONS
from pytest_ood.trackers import tracker, trackers
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.strict import toml_of
from pytest_ood.utils.tables import check_count, check_flag, check_name
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

OTHER_SETTINGS = ("pytest.toml", ".pytest.toml", "pytest.ini", ".pytest.ini", "tox.ini", "tox.toml",
                  "setup.cfg")  # fmt: skip
OWN_SUFFIXES = (".toml", ".ini", ".cfg", ".yaml", ".yml", ".json")
MEANT = ("pytestood", "ood")
"""What is meant for this plugin, by its letters."""
NEAR = 0.85
"""How like the first of these a name is that was meant for it."""
LEVELS_OF_TABLES = 4

LEVELS, LOOKED_INTO = 3, 1000
"""How many levels down, and into how many folders, a configuration is looked for."""
NOT_LOOKED_INTO = frozenset({"node_modules", "site-packages", "__pycache__", "build", "dist"})

DEFAULT_SUITES = ("sentiment",)
DEFAULT_ALPHA = 0.05


DEFAULT_CACHE_MB = 2048

STATED = ("size", "training_examples", "shots")
"""Facts that a model's table may state; of its adapter's own keys, what they say is what counts."""


@dataclass(frozen=True)
class TrackerChoice:
    """Trackers of experiments that a run is logged to.

    Attributes:
        names: Those that every run is logged to.
        options: What their tables say, by name; also of those that are not chosen.
    """

    names: tuple[str, ...] = ()
    options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    def build(self, more: Sequence[str]) -> dict[str, Tracker]:
        """Build the chosen ones, and others by name; nothing is connected to yet.

        Raises:
            ConfigurationError: an unknown name, or an option that is wrong.
            MissingDependencyError: a client is not installed.
        """
        for name in more:
            if name not in trackers():
                raise ConfigurationError(
                    "--ood-track: " + unknown_name("tracker", name, trackers())
                )
        chosen = dict.fromkeys((*self.names, *more))
        return {name: tracker(name).build(**self.options.get(name, {})) for name in chosen}


@dataclass(frozen=True)
class Configuration:
    """What `[tool.pytest_ood]` says.

    Attributes:
        suites: Built-in names, or paths of TOML files; empty where only the user's own tests run.
        models: Their tables, by name; empty for the models of the suites.
        seed: Of samples and perturbations.
        max_examples: Examples drawn from each data set; None for what the suite says.
        alpha: One-sided level of every bound.
        strict: An inconclusive verdict fails.
        sequential: Ask in batches, and stop as soon as the verdict is settled; None for what the
            suite says, or else for where it pays.
        correction: How the fails of a run's many gates are held to alpha.
        frozen: Paths of frozen suites, which take the place of drawing and perturbing anew.
        cache_limit_mb: Megabytes (of 1024 kilobytes) that kept predictions may take.
        ray: Where and on what models run with --ood-engine ray.
        trackers: What a run is logged to.
        data: Where data that suites name lies on this machine; see `parse_redirects`.
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

    @property
    def cache_limit(self) -> int:
        """Bytes that kept predictions may take."""
        return self.cache_limit_mb * 1024**2

    @property
    def rules(self) -> Rules:
        """How certain a verdict has to be."""
        return Rules(self.alpha, self.correction)


def project_root(start: Path) -> Path:
    """Return the nearest folder, from `start` upwards, that configures this plugin; or `start`."""
    for folder in (start, *start.parents):
        if is_configured(folder):
            return folder
    return start


def read_configuration(root: Path) -> Configuration:
    """Read `[tool.pytest_ood]` of the pyproject.toml in `root`; all of it is optional.

    Raises:
        ConfigurationError: an unknown key or a value of the wrong type; or there is none, and
            something that was meant for one.
    """
    refuse_misplaced(root)
    path = root / CONFIGURATION
    try:
        table = toml_of(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Configuration()
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from None
    tool = table.get("tool", {})
    if not isinstance(tool, Mapping):
        raise ConfigurationError(f"{path}: tool = {tool!r} is not a table")
    return parse_configuration(tool.get("pytest_ood", {}), str(path))


def is_configured(folder: Path) -> bool:
    """Tell whether the pyproject.toml of a folder has a table for this plugin, right or wrong."""
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
    """Refuse what was meant for this plugin and is not read, where it would go unnoticed.

    In the configuration of a folder that is a table of nearly the right name beside the right one.
    Where nothing is configured, the built-in demo would run in its place: then it is also a table
    in another file or folder, from `start` upwards and a few folders down.

    Args:
        start: The folder whose configuration is read.

    Raises:
        ConfigurationError: names the file, what is in it and what is right.
    """
    right = f"[{TABLE}] in {CONFIGURATION}"
    _refuse_tables(start / CONFIGURATION, right)
    if is_configured(start):
        return
    for folder in (start, *start.parents):
        for name in (CONFIGURATION, *OTHER_SETTINGS):
            _refuse_tables(folder / name, right)
    for path in sorted(start.glob("*")):
        if path.suffix in OWN_SUFFIXES and _letters(path.stem) in MEANT and path.is_file():
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
    """Refuse a file's table whose name is nearly the right one, or right and in the wrong file."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return
    for written in _tables(text):
        if path.name == CONFIGURATION and (written == TABLE or written.startswith(f"{TABLE}.")):
            continue
        parts = [part.strip("\"' ") for part in re.split(r"[.:]", written)]
        own = next((part for part in parts if part not in ("tool", "pytest", "ini_options")), "")
        letters = _letters(own)
        if letters in MEANT or difflib.get_close_matches(letters, MEANT[:1], 1, NEAR):
            raise ConfigurationError(f"{path}: [{written}] is not read: the table is {right}")


def _tables(text: str) -> Iterator[str]:
    """Yield the names of the tables of a file, as they are written in TOML and INI files alike."""
    try:
        yield from _dotted(toml_of(text), LEVELS_OF_TABLES)
    except ValueError:
        for line in text.splitlines():
            if line.lstrip().startswith("["):
                yield line.strip().strip("[]").partition("]")[0].strip()


def _dotted(table: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Yield the dotted names of the tables in a table, so many levels deep."""
    for key, value in table.items():
        inner = value[0] if isinstance(value, list) and value else value
        if isinstance(inner, Mapping):
            yield key
            if depth > 1:
                yield from (f"{key}.{below}" for below in _dotted(inner, depth - 1))


def _letters(name: str) -> str:
    """Return a name without what people write differently in it."""
    return "".join(character for character in name.casefold() if character.isalpha())


def _below(start: Path) -> Iterator[Path]:
    """Yield the folders below one, nearest first, a few levels deep and so many at most."""
    level = [start]
    left = LOOKED_INTO
    for _ in range(LEVELS):
        found: list[Path] = []
        for folder in level:
            try:
                inside = sorted(path for path in folder.iterdir() if path.is_dir())
            except OSError:
                continue
            found += [
                path
                for path in inside
                if not path.name.startswith(".")
                and path.name not in NOT_LOOKED_INTO
                and not (path / "pyvenv.cfg").exists()
            ]
        level = found[:left]
        left -= len(level)
        yield from level


def parse_configuration(table: Any, where: str) -> Configuration:
    """Check the table `[tool.pytest_ood]`.

    Raises:
        ConfigurationError: an unknown key or a value of the wrong type.
    """
    at = f"{where}: tool.pytest_ood"
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{at} = {table!r} is not a table")
    known = [*(f.name for f in fields(Configuration)), *trackers()]
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{at}: " + unknown_name("key", key, known))
    suites = table.get("suites", list(DEFAULT_SUITES))
    if not isinstance(suites, list) or not all(isinstance(s, str) for s in suites):
        raise ConfigurationError(f"{at}: suites = {suites!r} is not a list of names or paths")
    models = table.get("models", {})
    if not isinstance(models, Mapping):
        raise ConfigurationError(f"{at}: models = {models!r} is not a table of models")
    return _parsed(table, tuple(suites), models, at)


def _parsed(
    table: Mapping[str, Any], suites: tuple[str, ...], models: Mapping[str, Any], at: str
) -> Configuration:
    """Check the plain values of the table."""
    seed, alpha = table.get("seed", 0), table.get("alpha", DEFAULT_ALPHA)
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigurationError(f"{at}: seed = {seed!r} is not a whole number")
    for key in ("strict", "sequential"):
        check_flag(table.get(key, False), f"{at}: {key}")
    correction = table.get("correction", "holm")
    if correction not in CORRECTIONS:
        raise ConfigurationError(
            f"{at}: " + unknown_name("correction", str(correction), CORRECTIONS)
        )
    if not isinstance(alpha, float) or not 0.0 < alpha < 0.5:  # noqa: PLR2004 - one-sided level
        raise ConfigurationError(f"{at}: alpha = {alpha!r} lies inside (0, 0.5); 0.05 is usual")
    size = check_count(table.get("max_examples"), f"{at}: max_examples")
    frozen = table.get("frozen", [])
    if not isinstance(frozen, list) or not all(isinstance(path, str) for path in frozen):
        raise ConfigurationError(f"{at}: frozen = {frozen!r} is not a list of paths")
    return Configuration(
        suites,
        models,
        seed,
        size,
        alpha,
        table.get("strict", False),
        table.get("sequential"),
        correction,
        tuple(frozen),
        check_count(table.get("cache_limit_mb"), f"{at}: cache_limit_mb") or DEFAULT_CACHE_MB,
        parse_cluster(table.get("ray", {}), f"{at}: ray"),
        parse_trackers(table, at),
        parse_redirects(table.get("data", {}), f"{at}: data"),
    )


def parse_trackers(table: Mapping[str, Any], at: str) -> TrackerChoice:
    """Check the list `trackers` and the table of each tracker; without the list, all with a table.

    Raises:
        ConfigurationError: an unknown name or key, or a value of the wrong type.
    """
    options = {name: table[name] for name in trackers() if name in table}
    names = table.get("trackers", list(options))
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ConfigurationError(f"{at}: trackers = {names!r} is not a list of names")
    for name in names:
        if name not in trackers():
            raise ConfigurationError(f"{at}: " + unknown_name("tracker", name, trackers()))
    for name, given in options.items():
        where = f"{at}: {name}"
        if not isinstance(given, Mapping):
            raise ConfigurationError(f"{where} = {given!r} is not a table")
        known = inspect.signature(tracker(name).build).parameters
        for key, value in given.items():
            if key not in known:
                raise ConfigurationError(f"{where}: " + unknown_name("key", key, known))
            _check_type(key, value, str(known[key].annotation), where)
    return TrackerChoice(tuple(names), options)


def parse_cluster(table: Any, at: str) -> ClusterSettings:
    """Check the table `[tool.pytest_ood.ray]`.

    Raises:
        ConfigurationError: an unknown key or a value of the wrong type.
    """
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{at} = {table!r} is not a table")
    known = [f.name for f in fields(ClusterSettings)]
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{at}: " + unknown_name("key", key, known))
    address = table.get("address")
    if address is not None and (not isinstance(address, str) or not address):
        raise ConfigurationError(
            f"{at}: address = {address!r} is not the address of a cluster, such as "
            '"127.0.0.1:6379"; leave it out for one on this machine'
        )
    for key in ("actors", "batch_size"):
        check_count(table.get(key), f"{at}: {key}")
    for key in ("cpus", "gpus"):
        value = table.get(key, 1)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            raise ConfigurationError(f"{at}: {key} = {value!r} is not a number of 0 or more")
    if table.get("cpus") == 0:
        raise ConfigurationError(f"{at}: cpus = 0: an actor needs a part of one at least")
    return ClusterSettings(**table)


@dataclass(frozen=True)
class ModelSpec:
    """A model of the configuration, checked but not built.

    Attributes:
        name: Its name.
        adapter: Which adapter builds it.
        source: The adapter key's value.
        options: What else the adapter is given.
        baseline: Whether relative budgets compare with it.
        seeds: How many times it is trained, or given demonstrations.
        stated: Facts that only its maker knows, such as the size of a model behind an API.
        shared: What all models built of it share.
        held: What all models of a run hold once; see `Context`.
    """

    name: str
    adapter: str
    source: str
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
            task: What is asked of it.
            reader: Loads its data.
            cache_folder: Where what is trained or converted is kept.
            like: The data of the suite, whose columns hold for the model's data, too, where its
                table does not say otherwise; a Dataset has none.

        Raises:
            ConfigurationError: values that do not go together.
        """
        columns = like if isinstance(like, DataSource) else None
        first = self._build(self.name, self.options, task, reader, cache_folder, columns=columns)
        if self.seeds == 1:
            return first
        key = adapter(self.adapter).SEED_OPTION
        start = self.options.get(key, 0)
        # The first member has the name, and so the trained weights, of the model with one seed.
        others = [
            self._build(
                f"{self.name}#{number}", {**self.options, key: start + number}, task, reader,
                cache_folder, columns=columns,
            )
            for number in range(1, self.seeds)
        ]  # fmt: skip
        # Not `isinstance(model, Model)`: before Python 3.12 that gets the fingerprint, and trains.
        asked = (model for model in (first, *others) if not isinstance(model, RecordedModel))
        return SeededModel(self.name, tuple(asked))

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
    tables: Mapping[str, Any], where: str, suite: Suite | None = None
) -> tuple[ModelSpec, ...]:
    """Check the tables of models; the baseline comes first.

    Args:
        tables: By the models' names.
        where: For messages.
        suite: Leave out the models that are not for it, and put what they have for it alone in the
            place of their other keys; None for all models as they are.

    Raises:
        ConfigurationError: an unknown key, a value of the wrong type, or two baselines.
    """
    specs = [
        _model(name, own, f"{where}: models.{name}")
        for name, table in tables.items()
        if (own := _for_suite(table, suite, f"{where}: models.{name}")) is not None
    ]
    baselines = [spec.name for spec in specs if spec.baseline]
    if len(baselines) > 1:
        raise ConfigurationError(
            f"{where}: {' and '.join(baselines)} are marked as the baseline; keep one"
        )
    return tuple(sorted(specs, key=lambda spec: not spec.baseline))


def models_for(suite: Suite, configured: Mapping[str, Any]) -> tuple[ModelSpec, ...]:
    """Return the configured models that are for a suite; without any, those it offers.

    Raises:
        ConfigurationError: as `parse_models`.
    """
    where = "tool.pytest_ood" if configured else f"suite {suite.name!r}"
    return parse_models(configured or suite.models, where, suite)


def suites_of(table: Any, where: str) -> Mapping[str, Mapping[str, Any]] | None:
    """Return the suites that a model is for, with what it has for each alone; None for all.

    Raises:
        ConfigurationError: it is neither a list of names nor a table of tables.
    """
    if not isinstance(table, Mapping):
        raise ConfigurationError(f"{where} = {table!r} is not a table")
    given = table.get("suites")
    if given is None:
        return None
    if isinstance(given, list) and all(isinstance(name, str) for name in given):
        return {name: {} for name in given}
    if isinstance(given, Mapping) and all(isinstance(own, Mapping) for own in given.values()):
        return given
    raise ConfigurationError(
        f"{where}: suites = {given!r} is neither a list of names of suites nor a table with what "
        "the model has for each"
    )


def _for_suite(table: Any, suite: Suite | None, where: str) -> Mapping[str, Any] | None:
    """Return a model's keys for a suite, or None where it is not for it."""
    wanted = suites_of(table, where)
    rest = {key: value for key, value in table.items() if key != "suites"}
    if wanted is None or suite is None:
        return rest
    own = wanted.get(suite.name, wanted.get(suite.collection))
    return None if own is None else {**rest, **own}


def _model(name: str, table: Mapping[str, Any], where: str) -> ModelSpec:
    check_name(name, where)
    given = [key for key in table if key in adapters()]
    if len(given) != 1:
        near = [k for k in table if difflib.get_close_matches(k, adapters(), n=1)]
        guess = " " + unknown_name("key", near[0], adapters()) if near and not given else ""
        raise ConfigurationError(
            f"{where}: exactly one of {', '.join(adapters())} says what the model is, not "
            f"{' and '.join(given) or 'none'}.{guess}"
        )
    source = table[given[0]]
    if not isinstance(source, str):
        raise ConfigurationError(f"{where}: {given[0]} = {source!r} is not a string")
    kind, source = _adapter_of(given[0], source)
    baseline = table.get("baseline", False)
    check_flag(baseline, f"{where}: baseline")
    seeds = check_count(table.get("seeds", 1), f"{where}: seeds") or 1
    if seeds > 1 and not hasattr(adapter(kind), "SEED_OPTION"):
        repeated = [name for name in adapters() if hasattr(adapter(name), "SEED_OPTION")]
        raise ConfigurationError(
            f"{where}: seeds = {seeds}: a model of the kind {kind!r} has no seed of its own; "
            f"{' and '.join(repeated)} models have"
        )
    if seeds > 1 and adapter(kind).SEED_NEEDS not in table:
        raise ConfigurationError(
            f"{where}: seeds = {seeds} without `{adapter(kind).SEED_NEEDS}`: it would be "
            f"the same model {seeds} times; give that, or leave out `seeds`"
        )
    parameters = inspect.signature(adapter(kind).build).parameters
    known = {n: p for n, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}
    stated = {key: table[key] for key in STATED if key in table and key not in known}
    own = (given[0], "baseline", "seeds", *stated)
    options = {k: v for k, v in table.items() if k not in own}
    for key, value in options.items():
        if key not in known:
            names = [*known, "baseline", "seeds", "suites", *STATED, given[0]]
            raise ConfigurationError(f"{where}: " + unknown_name("key", key, names))
        _check_type(key, value, str(known[key].annotation), where)
    for key, parameter in known.items():
        if parameter.default is inspect.Parameter.empty and key not in options:
            raise ConfigurationError(f"{where}: the key {key!r} is missing")
    facts = {key: _stated_number(key, value, where) for key, value in stated.items()}
    return ModelSpec(name, kind, source, options, baseline, seeds, facts)


def _stated_number(key: str, value: Any, where: str) -> int:
    """Return a number of weights or examples, which may be written as 175e9."""
    least = 1 if key == "size" else 0
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value < inf or value != int(value):
        raise ConfigurationError(
            f"{where}: {key} = {value!r} is not a whole number of {least} or more, such as 1000 "
            "or 175e9"
        )
    return int(value)


def _adapter_of(key: str, source: str) -> tuple[str, str]:
    """Return the adapter and what it is given: `prompted = "openai:X"` means `openai = "X"`."""
    scheme, _, rest = source.partition(":")
    elsewhere = getattr(adapter(key), "ELSEWHERE", ())
    return (scheme, rest) if scheme in elsewhere and scheme in adapters() else (key, source)


def _check_type(key: str, value: Any, annotation: str, where: str) -> None:
    """Check a TOML value against a parameter's annotation."""
    checks: dict[str, tuple[type, ...]] = {
        "str": (str,), "bool": (bool,), "int": (int,), "float": (int, float),
        "Mapping": (Mapping,), "list": (list,),
    }  # fmt: skip
    names = [part.strip().partition("[")[0] for part in annotation.split(" | ")]
    types = tuple(kind for name in names for kind in checks.get(name, ()))
    if not types:
        return
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        wanted = " or ".join(name for name in names if name != "None")
        raise ConfigurationError(f"{where}: {key} = {value!r} is not of type {wanted}")
