"""The gate: everything a run checks, put together from the configuration and the options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pytest_ood.budgets import Budget
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.evaluation import ModelInfo, SuiteEvaluator
from pytest_ood.gate.configuration import (
    CONFIGURATION,
    DEFAULT_SUITES,
    Configuration,
    is_configured,
    models_for,
    read_configuration,
    suites_of,
)
from pytest_ood.inference.cluster import RayRunner
from pytest_ood.inference.engine import Engine, LocalRunner
from pytest_ood.inference.store import FileStore, NoStore, TemporaryStore
from pytest_ood.loading.checklist import Checklist
from pytest_ood.loading.readers import ASSET, HUB, YOURS, DataSource, Reader, redirectable
from pytest_ood.metrics import ACCURACY, SCORE, metric_class
from pytest_ood.models import as_model
from pytest_ood.models.protocol import (
    SeededModel,
    facts_of,
    is_recorded,
    secrets_of,
)
from pytest_ood.suite.frozen import read_frozen
from pytest_ood.suite.suite import built_in_suites, load_suites
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.redaction import Secrets
from pytest_ood.utils.tables import check_name
from pytest_ood.utils.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from pytest_ood.evaluation import Result
    from pytest_ood.gate.configuration import ModelSpec
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.shifts import Shift
    from pytest_ood.suite.frozen import FrozenSuite
    from pytest_ood.suite.suite import Suite
    from pytest_ood.utils.progress import Progress

    OwnModels = Callable[[str, tuple[str, ...]], Sequence[Any]]

PREDICTIONS = "predictions.sqlite"

LOCAL = "local"
RAY = "ray"
ENGINES = (LOCAL, RAY)
"""Where models may run: in this process, or on a Ray cluster."""


@dataclass(frozen=True)
class Options:
    """The options of the command line; None for those that are not given.

    Attributes:
        root: The project's folder, with pyproject.toml; relative paths start there.
        cache: Folder of packages, trained models and predictions.
        only: Names of suites, kinds, shifts, or suite/kind/shift; empty for all.
        models: Names of models; empty for all.
        seed: Replaces the configured one.
        max_examples: Replaces the configured one.
        strict: An inconclusive verdict fails.
        keep_predictions: Read and write the prediction store.
        offline: Fetch nothing.
        plan: The run is only planned: no model is fetched for it.
        engine: Where models run, one of ENGINES.
    """

    root: Path
    cache: Path
    only: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    seed: int | None = None
    max_examples: int | None = None
    strict: bool = False
    keep_predictions: bool = True
    offline: bool = False
    plan: bool = False
    engine: str = LOCAL


@dataclass(frozen=True)
class Check:
    """One thing the gate checks.

    Attributes:
        suite: Its name.
        model: The model's name.
        shift: None for the in-distribution floor.
        baseline: The model to compare with, or None for the model's own drop.
        metric: What is measured under the shift.
        limit: The budget; None if the figure is only shown.
    """

    suite: str
    model: str
    shift: Shift | None = None
    baseline: str | None = None
    metric: str = ACCURACY
    limit: float | None = None

    @property
    def path(self) -> str:
        """suite/kind/shift, or suite/in-distribution: what --ood-only takes."""
        if self.shift is None:
            return f"{self.suite}/{IN_DISTRIBUTION}"
        return f"{self.suite}/{self.shift.kind}/{self.shift.name}"

    @property
    def id(self) -> str:
        """The id of the pytest item."""
        model = self.model if self.baseline is None else f"{self.model}-vs-{self.baseline}"
        metric = "" if self.metric == ACCURACY else f"/{self.metric}"
        return f"{self.path}{metric}[{model}]"


class Gate:
    """Suites, models and checks of one run.

    Raises:
        ConfigurationError: anything in the configuration or the options is wrong.
    """

    def __init__(
        self,
        options: Options,
        progress: Progress,
        own_models: OwnModels = lambda suite, labels: (),  # noqa: ARG005 - none
    ) -> None:
        self.options = options
        self._own_models = own_models
        self.configured = is_configured(options.root)
        self.configuration: Configuration = read_configuration(options.root)
        chosen = options.seed
        self.seed = self.configuration.seed if chosen is None else chosen
        self.strict = options.strict or self.configuration.strict
        self.reader = Reader(
            root=options.root,
            cache=options.cache,
            offline=options.offline,
            progress=progress,
            redirects=self.configuration.data,
        )
        size = options.max_examples
        self.max_examples = self.configuration.max_examples if size is None else size
        store = FileStore(options.cache / PREDICTIONS, self.configuration.cache_limit)
        self.cluster: RayRunner | None = None
        if options.engine == RAY:
            self.cluster = RayRunner(self.configuration.ray, options.root)
        self.engine = Engine(
            store if options.keep_predictions else NoStore(),
            progress,
            self.cluster or LocalRunner(),
            memory=TemporaryStore(),
        )
        self.held = ProcessLocalDict()
        self.evaluators: dict[str, SuiteEvaluator] = {}
        self.models: dict[str, dict[str, Model | RecordedModel | SeededModel]] = {}
        self.baselines: dict[str, str | None] = {}
        self._stated: dict[tuple[str, str], Mapping[str, int]] = {}
        self.rules = self.configuration.rules
        self._left_out: dict[str, str] = {}
        self._has_own_models = False
        self._loaded: list[Suite] = []
        self.frozen = self._read_frozen()
        for name in self.configuration.suites:
            for suite in load_suites(name, options.root):
                self._loaded.append(suite)
                if suite.name in self.evaluators:
                    raise ConfigurationError(f"two suites have the name {suite.name!r}; rename one")
                self._add(suite)
        if not self.evaluators and self.configuration.suites:
            reasons = "; ".join(f"{name}: {why}" for name, why in self._left_out.items())
            raise ConfigurationError(f"there is no suite left to run: {reasons}")
        loaded = [suite.name for suite in self._loaded]
        for name, frozen in self.frozen.items():
            if name not in loaded:
                raise ConfigurationError(
                    f"frozen suite {frozen.location}: " + unknown_name("suite", name, loaded)
                )
        self.frozen = {
            name: frozen for name, frozen in self.frozen.items() if name in self.evaluators
        }
        self._check_names()
        check_redirects(self.configuration, self._loaded, options.root)
        self.count_gates(0)

    @property
    def is_demo(self) -> bool:
        """Whether nothing of the user's own is measured by the suites."""
        configuration = self.configuration
        return configuration.suites == DEFAULT_SUITES and not (
            configuration.models or self._has_own_models
        )

    @property
    def file(self) -> Path:
        """The file that configures the run; of the demo, which nothing configures, its suite's."""
        path = self.options.root / CONFIGURATION
        return path if path.is_file() else demo_file()

    def close(self) -> None:
        """Shut the cluster down, if models run on one."""
        if self.cluster is not None:
            self.cluster.close()

    @property
    def secrets(self) -> Secrets:
        """The secrets of all models, which no output of the run may contain."""
        secrets = Secrets()
        for model in (model for models in self.models.values() for model in models.values()):
            for member in model.members if isinstance(model, SeededModel) else (model,):
                secrets |= secrets_of(member)
        return secrets

    def _read_frozen(self) -> dict[str, FrozenSuite]:
        """Read the frozen suites, by the name of the suite."""
        by_suite: dict[str, FrozenSuite] = {}
        for path in self.configuration.frozen:
            frozen = read_frozen(self.options.root / path, path)
            if frozen.suite in by_suite:
                raise ConfigurationError(
                    f"{by_suite[frozen.suite].location} and {path} are both of the suite "
                    f"{frozen.suite!r}; keep one"
                )
            by_suite[frozen.suite] = frozen
        return by_suite

    def count_gates(self, own_tests: int) -> None:
        """Set how many gates the run's error rate is shared by.

        Every gate of the configuration counts, whatever the options leave of them: a check has the
        same verdict whether it runs alone or with the others.

        Args:
            own_tests: The user's own robustness tests, each of which is one gate more.
        """
        gates = sum(check.limit is not None for check in self._all_checks)
        self.rules = replace(self.rules, gates=max(1, gates + own_tests))
        self.evaluators = {
            name: run.with_rules(replace(self.rules, sequential=run.rules.sequential))
            for name, run in self.evaluators.items()
        }

    def _add(self, suite: Suite) -> None:
        labels = suite.task.labels
        missing = [s.data for s in _sources_of(suite) if self.reader.resolved(s).scheme == YOURS]
        if missing and suite.collection:
            named = " and ".join(missing)
            self._left_out[suite.name] = f"{named}: name yours under [tool.pytest_ood.data]"
            return
        for source in _sources_of(suite):
            self.reader.check(source)
        with contained("a model of pytest_ood_models"):
            added = [as_model(model, labels) for model in self._own_models(suite.name, labels)]
        self._has_own_models |= bool(added)
        specs = models_for(suite, self.configuration.models)
        specs = () if added and not self.configuration.models else specs
        if not specs and not added and suite.collection:
            self._left_out[suite.name] = "no model is for it"
            return
        if not specs and not added:
            raise ConfigurationError(
                f"there is no model for suite {suite.name!r}; describe one in pyproject.toml "
                "under [tool.pytest_ood.models.NAME]"
            )
        models = {spec.name: self._built(spec, suite) for spec in specs}
        for model in added:
            if model.name in models:
                raise ConfigurationError(f"two models have the name {model.name!r}; rename one")
            models[check_name(model.name, "a model of pytest_ood_models")] = model
        self.models[suite.name] = models
        self._stated |= {(suite.name, spec.name): spec.stated for spec in specs}
        baseline = next((s for s in specs if s.baseline), None)
        self.baselines[suite.name] = None if baseline is None else baseline.name
        chosen = self.configuration.sequential
        self.evaluators[suite.name] = SuiteEvaluator(
            suite,
            engine=self.engine,
            reader=self.reader,
            seed=self.seed,
            rules=replace(self.rules, sequential=suite.sequential if chosen is None else chosen),
            max_examples=self.max_examples,
            references=self._references(suite, baseline),
            surrogates=surrogates(suite, models, self.frozen.get(suite.name)),
            frozen=self.frozen.get(suite.name),
            notes=[*self._without_gates(suite), *self._blank(suite)],
        )

    def _built(self, spec: ModelSpec, suite: Suite) -> Model | RecordedModel | SeededModel:
        reader = replace(self.reader, offline=True) if self.options.plan else self.reader
        data = suite.in_distribution
        like = self.reader.resolved(data) if isinstance(data, DataSource) else None
        return replace(spec, held=self.held).build(suite.task, reader, self.options.cache, like)

    def _without_gates(self, suite: Suite) -> list[str]:
        """Return notes on comparisons that have a margin and are not made.

        Raises:
            ConfigurationError: adversarial examples have no model that they could be put to.
        """
        notes = []
        for shift in suite.shifts:
            at, against = f"{suite.name}/{shift.kind}/{shift.name}", shift.surrogate_name
            if not against:
                continue
            if set(self.models[suite.name]) <= {against}:
                raise ConfigurationError(
                    f"{at}: it is made against {against}, and there is no other model to put it to"
                )
            margins = [b for b in suite.budgets[shift.name].values() if b.margin is not None]
            if margins and against == self.baselines[suite.name]:
                notes.append(
                    f"{at}: it is made against {against}, the baseline; nobody is compared with it "
                    "there, as it has all of it wrong. Take a third model for the margin to count"
                )
        return notes

    def _references(
        self, suite: Suite, baseline: ModelSpec | None
    ) -> dict[str, Model | RecordedModel]:
        """Return the baseline trained on each target that has training data of its own."""
        references = {}
        for shift in suite.shifts:
            needed = any(
                metric_class(metric).NEEDS_REFERENCE for metric in suite.budgets[shift.name]
            )
            spec = None
            if baseline is not None and shift.training_data is not None:
                spec = baseline.trained_on(shift.training_data, f"{baseline.name}-on-{shift.name}")
            if spec is not None:
                model = self._built(spec, suite)
                assert not isinstance(model, SeededModel), "unreachable because it has one seed"
                references[shift.name] = model
            elif needed:
                raise ConfigurationError(
                    f"suite {suite.name!r}: {shift.kind}/{shift.name} has an in-domain budget; it "
                    "needs `train` (training data of the target's own), and a baseline that is "
                    "trained here (a model with `train` and `baseline = true`)"
                )
        return references

    def _check_names(self) -> None:
        # Parts that are left out today are measured once there is data, or a model, for them.
        suites = {name for s in self._loaded for name in (s.name, s.collection or s.name)}
        for model, table in self.configuration.models.items():
            at = f"tool.pytest_ood: models.{model}"
            for name in suites_of(table, at) or ():
                if name not in suites:
                    raise ConfigurationError(
                        f"{at}: suites: " + unknown_name("suite", name, suites)
                    )
        names = {name for models in self.models.values() for name in models}
        for name in self.options.models:
            if name not in names:
                raise ConfigurationError("--ood-model: " + unknown_name("model", name, names))
        selectable = {part for check in self._all_checks for part in self._names_of(check)}
        for name in self.options.only:
            if name not in selectable:
                raise ConfigurationError("--ood-only: " + unknown_name("name", name, selectable))

    @cached_property
    def checks(self) -> list[Check]:
        """The checks that the options leave, model by model, the baseline first."""
        only, models = set(self.options.only), set(self.options.models)
        return [
            check
            for check in self._all_checks
            if (not only or only & self._names_of(check)) and (not models or check.model in models)
        ]

    def _names_of(self, check: Check) -> set[str]:
        """Return every name under which --ood-only selects a check."""
        collection = self.evaluators[check.suite].suite.collection
        return _names_of(check) | ({collection} if collection else set())

    @cached_property
    def _all_checks(self) -> list[Check]:
        return [
            check
            for name, run in self.evaluators.items()
            for model in self.models[name]
            for check in self._checks_of(run.suite, model)
        ]

    @property
    def all_gates(self) -> list[Check]:
        """What has a budget in the whole configuration, whatever the options leave of it."""
        return [check for check in self._all_checks if check.limit is not None]

    def _cannot_have(self, suite: str, model: str, shift: Shift) -> str | None:
        """Return why a model cannot have a figure under a shift; None if it can.

        Such a cell is blank in every table. It is no gate: there is nothing to pass.
        """
        tested = self.models[suite][model]
        first = tested.members[0] if isinstance(tested, SeededModel) else tested
        return shift.reason_not_applicable(first)

    def _blank(self, suite: Suite) -> list[str]:
        """Say which models have no figure under which attacks."""
        return [
            f"{suite.name}/{shift.kind}/{shift.name}: not for {model}: {why}"
            for shift in suite.shifts
            for model in self.chosen_models(suite.name)
            if (why := self._cannot_have(suite.name, model, shift)) is not None
        ]

    def _checks_of(self, suite: Suite, model: str) -> Iterator[Check]:
        baseline = self.baselines[suite.name]
        yield Check(suite.name, model, limit=suite.min_score)
        for shift in suite.shifts:
            budgets = suite.budgets[shift.name]
            # Of its own adversarial examples the surrogate has every one wrong: that is how they
            # were chosen, and says nothing.
            surrogate = shift.surrogate_name
            if surrogate == model:
                continue
            compared = [name for name in (model, baseline) if name is not None]
            blank = [self._cannot_have(suite.name, name, shift) is not None for name in compared]
            if blank[0]:
                yield Check(suite.name, model, shift)
                continue
            for metric in dict.fromkeys([ACCURACY, *budgets]):
                budget = budgets.get(metric, Budget())
                if metric == ACCURACY or budget.max_drop is not None:
                    yield Check(suite.name, model, shift, None, metric, budget.max_drop)
                # Of cases the score by itself is the figure, with a floor or without.
                if metric == ACCURACY and (shift.counts_cases or budget.min_score is not None):
                    yield Check(suite.name, model, shift, None, SCORE, budget.min_score)
                comparable = baseline not in (None, model, surrogate) and not any(blank)
                if comparable and budget.margin is not None:
                    yield Check(suite.name, model, shift, baseline, metric, budget.margin)

    def notes(self, suite: str) -> list[str]:
        """Return the notes on a suite's figures so far.

        Those on suites that are left out are with the first suite.
        """
        first = suite == next(iter(self.evaluators))
        left_out = [f"{name} is left out: {why}" for name, why in self._left_out.items()]
        return [*(left_out if first else ()), *self.evaluators[suite].notes]

    def measure(self, check: Check) -> Result:
        """Carry a check out.

        Raises:
            OodError: the data or a model cannot be used.
        """
        run, models = self.evaluators[check.suite], self.models[check.suite]
        model = models[check.model]
        shifts = self.chosen_shifts(check.suite)
        for name in (check.model, check.baseline):
            if name is not None:
                run.check_leaks(models[name], shifts)
        if check.shift is None:
            return run.floor(model)
        if check.metric == SCORE:
            return run.score(model, check.shift)
        if check.baseline is None:
            return run.evaluate(model, check.shift, check.metric)
        return run.compare(model, models[check.baseline], check.shift, check.metric)

    @cached_property
    def groups(self) -> dict[str, str]:
        """Return for each model the name of the group that has to be measured in one process.

        Models that are compared, or put to each other's adversarial examples, are asked together:
        apart, each process would load all of them, and the limits of a server's model would hold
        for each process alone. A model of several suites is one.
        """
        leaders: dict[str, str] = {name: name for models in self.models.values() for name in models}

        def leader(name: str) -> str:
            while leaders[name] != name:
                name = leaders[name]
            return name

        for check in self._all_checks:
            surrogate = "" if check.shift is None else check.shift.surrogate_name
            for other in (check.baseline, surrogate):
                if other in leaders:
                    first, second = sorted((leader(check.model), leader(other)))
                    leaders[second] = first
        return {name: leader(name) for name in leaders}

    def chosen_models(self, suite: str) -> Sequence[str]:
        """Return the names of a suite's models that --ood-model leaves."""
        chosen = self.options.models
        return [name for name in self.models[suite] if not chosen or name in chosen]

    def chosen_shifts(self, suite: str) -> Sequence[Shift]:
        """Return the shifts of a suite that --ood-only leaves."""
        chosen = {c.shift.name for c in self.checks if c.suite == suite and c.shift is not None}
        return [shift for shift in self.evaluators[suite].suite.shifts if shift.name in chosen]

    def infos(self, check: Check) -> tuple[ModelInfo, ...]:
        """Return the descriptions of the models of a check, once it was carried out."""
        return tuple(
            ModelInfo(
                suite=check.suite,
                name=model.name,
                paradigm=model.paradigm,
                source=model.source,
                # Plain values, which reports and other processes can carry.
                parameters=json.loads(json.dumps(dict(model.parameters), default=repr)),
                baseline=name == self.baselines[check.suite],
                fingerprint=_fingerprint(model),
                collection=self.evaluators[check.suite].suite.collection or None,
                **{**asdict(facts_of(model)), **self._stated.get((check.suite, name), {})},
            )
            for name, model in self.models[check.suite].items()
            if name in (check.model, check.baseline)
        )


def check_redirects(configuration: Configuration, suites: Sequence[Suite], root: Path) -> None:
    """Refuse the redirection of data that no suite and no model names.

    Args:
        configuration: Has the redirections.
        suites: Those of the run; the built-in ones may be named as well.
        root: The project's folder.

    Raises:
        ConfigurationError: names the data that nobody reads.
    """
    if not configuration.data:
        return
    built_in = (suite for name in built_in_suites() for suite in load_suites(name, root))
    named = set(_data_named(configuration.models))
    for suite in (*suites, *built_in):
        named.update(_data_named(suite.models))
        for source in _sources_of(suite):
            named.update(redirectable(source.data, source.split))
    for name in configuration.data:
        if name not in named:
            raise ConfigurationError(
                "tool.pytest_ood.data: " + unknown_name("data source", name, named)
            )


def demo_file() -> Path:
    """Return the file of the suite that runs without any configuration."""
    return Path(str(resources.files("pytest_ood.suites"))) / f"{DEFAULT_SUITES[0]}.toml"


def _sources_of(suite: Suite) -> list[DataSource]:
    """Return the data sources of a suite."""
    own = [part for s in suite.shifts for part in (s.own_source, s.training_data)]
    named = [suite.in_distribution, *own]
    files = [DataSource(data=source.data) for source in named if isinstance(source, Checklist)]
    return [*files, *(source for source in named if isinstance(source, DataSource))]


def _data_named(options: Any) -> Iterator[str]:
    """Yield the names of data in the options of models, as redirections give them."""
    if isinstance(options, str) and options.startswith((f"{HUB}:", f"{ASSET}:")):
        yield from redirectable(options, None)
    if isinstance(options, Mapping):
        if isinstance(options.get("data"), str):
            yield from redirectable(options["data"], options.get("split"))
        for key, value in options.items():
            if key != "data":
                yield from _data_named(value)


def _fingerprint(model: Model | RecordedModel | SeededModel) -> str | None:
    """Return the fingerprint of a model; for several seeds, a hash of all of them."""
    if not isinstance(model, SeededModel):
        return getattr(model, "fingerprint", None)
    members = [member.fingerprint for member in model.members]
    if None in members:
        return None
    return hashlib.sha256(json.dumps(members).encode()).hexdigest()


def surrogates(
    suite: Suite,
    models: Mapping[str, Model | RecordedModel | SeededModel],
    frozen: FrozenSuite | None = None,
) -> dict[str, Model]:
    """Return the models that a suite's adversarial examples are made against, by name.

    Frozen examples need no surrogate.

    Raises:
        ConfigurationError: there is no such model, or it cannot be asked anything new.
    """
    by_name: dict[str, Model] = {}
    for shift in suite.shifts:
        against = shift.surrogate_name
        if not against or (frozen and shift.name in frozen.shifts):
            continue
        location = f"suite {suite.name!r}: {shift.kind}/{shift.name}: against: "
        if against not in models:
            raise ConfigurationError(location + unknown_name("model", against, models))
        model = models[against]
        # One of several seeds is as good a surrogate as another.
        model = model.members[0] if isinstance(model, SeededModel) else model
        if is_recorded(model):
            raise ConfigurationError(
                f"{location}{model.name!r} is replayed, and cannot be asked what an attack asks"
            )
        # A type guard narrows where it says yes.
        by_name[against] = cast("Model", model)
    return by_name


def _names_of(check: Check) -> set[str]:
    """Return the names that a check has by itself."""
    if check.shift is None:
        return {check.suite, IN_DISTRIBUTION, check.path}
    kind = check.shift.kind
    names = {check.suite, kind, check.shift.name, f"{check.suite}/{kind}", check.path}
    family, _ = check.shift.level
    if family:
        # A perturbation's name stands for all its severities.
        names |= {family, f"{check.suite}/{kind}/{family}"}
    return names if check.metric == ACCURACY else {*names, check.metric}
