"""The gate: the checks of a run, from the configuration and the options."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import Budget
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.evaluation import ModelInfo, SuiteEvaluator
from pytest_ood.gate.configuration import (
    CONFIGURATION,
    DEFAULT_SUITES,
    TABLE,
    Configuration,
    is_configured,
    models_for,
    read_configuration,
    suites_of,
)
from pytest_ood.gate.judges import build_judge
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
from pytest_ood.suite.frozen import read_frozen_suites
from pytest_ood.suite.suite import built_in_suites, load_suites
from pytest_ood.utils.objects import ProcessLocalDict
from pytest_ood.utils.redaction import Secrets
from pytest_ood.utils.tables import ConfigTable, check_name
from pytest_ood.utils.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

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
"""Where models run: in this process, or on a Ray cluster."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of the command line; None for an option that is not set.

    Attributes:
        root: The project's folder, with pyproject.toml; relative paths start from it.
        cache: The folder of packages, trained models and predictions.
        only: Names of suites, kinds, shifts, or suite/kind/shift; empty for all.
        models: Names of models; empty for all.
        seed: Replaces the configured seed.
        max_examples: Replaces the configured number.
        strict: Whether an inconclusive verdict fails.
        keep_predictions: Whether to read and write the prediction store.
        offline: Whether downloads are forbidden.
        plan: Whether the run is only planned, so that no model is downloaded.
        engine: One of ENGINES.
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


@dataclass(frozen=True, kw_only=True)
class Check:
    """One measurement of a model, with or without a budget.

    Attributes:
        suite: The suite's name.
        model: The model's name.
        shift: The shift; None for the in-distribution floor.
        baseline: The name of the model to compare with; None for the model's own drop.
        metric: The name of the metric.
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
        """suite/kind/shift, or suite/in-distribution, as --ood-only selects it."""
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
    """The suites, models and checks of one run.

    Raises:
        ConfigurationError: the configuration or an option is wrong.
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
        self.seed = self.configuration.seed if options.seed is None else options.seed
        self.strict = options.strict or self.configuration.strict
        self.reader = Reader(
            root=options.root,
            cache=options.cache,
            offline=options.offline,
            progress=progress,
            redirects=self.configuration.data,
        )
        self.max_examples = options.max_examples
        if self.max_examples is None:
            self.max_examples = self.configuration.max_examples
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
        self._judges: dict[str, Model] = {}
        self._stated: dict[tuple[str, str], Mapping[str, int]] = {}
        self.rules = self.configuration.rules
        self._left_out: dict[str, str] = {}
        self._has_own_models = False
        self._loaded: list[Suite] = []
        self.frozen = read_frozen_suites(self.configuration.frozen, options.root)
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
        """Whether the run has only the built-in suite and its models."""
        configuration = self.configuration
        return configuration.suites == DEFAULT_SUITES and not (
            configuration.models or self._has_own_models
        )

    @property
    def file(self) -> Path:
        """The file that configures the run; without one, the file of the built-in suite."""
        path = self.options.root / CONFIGURATION
        return path if path.is_file() else demo_file()

    def close(self) -> None:
        """Shut the cluster down, if models run on one."""
        if self.cluster is not None:
            self.cluster.close()

    @property
    def secrets(self) -> Secrets:
        """The secrets of all models; no output of the run may contain them."""
        secrets = Secrets()
        tested = (model for models in self.models.values() for model in models.values())
        for model in (*tested, *self._judges.values()):
            for member in model.members if isinstance(model, SeededModel) else (model,):
                secrets |= secrets_of(member)
        return secrets

    def count_gates(self, own_tests: int) -> None:
        """Set the number of gates that the run's error rate is corrected for.

        All gates of the configuration count, including those that options deselect, so that a check
        has the same verdict whether it runs alone or with the others.

        Args:
            own_tests: The number of the user's own robustness tests, each of which is a gate.
        """
        gates = sum(check.limit is not None for check in self._all_checks)
        self.rules = replace(self.rules, gates=max(1, gates + own_tests))
        self.evaluators = {
            name: evaluator.with_rules(replace(self.rules, sequential=evaluator.rules.sequential))
            for name, evaluator in self.evaluators.items()
        }

    def _add(self, suite: Suite) -> None:
        """Build a suite's models and its evaluator, or note why the suite is left out.

        Only a member of a collection is left out: a collection is useful without some of its
        members, while a suite that the user names has to run.
        """
        labels = suite.task.labels
        missing = [s.data for s in _sources_of(suite) if self.reader.resolved(s).scheme == YOURS]
        if missing and suite.collection:
            named = " and ".join(missing)
            self._left_out[suite.name] = f"{named}: name yours under [tool.pytest_ood.data]"
            return
        for source in _sources_of(suite):
            self.reader.check(source)
        with contained("a model of pytest_ood_models"):
            own = self._own_models(suite.name, labels)
            added = [as_model(model, labels, task=suite.task) for model in own]
        self._has_own_models |= bool(added)
        specs = models_for(suite, self.configuration.models)
        # Models of `pytest_ood_models` replace the suite's own models, but not configured ones.
        specs = () if added and not self.configuration.models else specs
        if not specs and not added and suite.collection:
            self._left_out[suite.name] = "no model is for it"
            return
        if not specs and not added:
            raise ConfigurationError(
                f"there is no model for suite {suite.name!r}; describe one in pyproject.toml "
                "under [tool.pytest_ood.models.NAME]"
            )
        judge = build_judge(
            suite,
            specs,
            self.configuration.models,
            reader=self.reader,
            cache=self.options.cache,
            held=self.held,
        )
        if judge is not None:
            self._judges[suite.name] = judge.model
        models = {spec.name: self._built(spec, suite) for spec in specs}
        for model in added:
            if model.name in models:
                raise ConfigurationError(f"two models have the name {model.name!r}; rename one")
            models[check_name(model.name, "a model of pytest_ood_models")] = model
        self.models[suite.name] = models
        self._stated |= {(suite.name, spec.name): spec.stated for spec in specs}
        baseline = next((s for s in specs if s.baseline), None)
        self.baselines[suite.name] = None if baseline is None else baseline.name
        sequential = self.configuration.sequential
        self.evaluators[suite.name] = SuiteEvaluator(
            suite,
            engine=self.engine,
            reader=self.reader,
            seed=self.seed,
            rules=replace(
                self.rules, sequential=suite.sequential if sequential is None else sequential
            ),
            max_examples=self.max_examples,
            references=self._references(suite, baseline),
            surrogates=surrogates(suite, models, self.frozen.get(suite.name)),
            frozen=self.frozen.get(suite.name),
            notes=[*self._without_gates(suite), *self._blank(suite)],
            judge=judge,
        )

    def _built(self, spec: ModelSpec, suite: Suite) -> Model | RecordedModel | SeededModel:
        reader = replace(self.reader, offline=True) if self.options.plan else self.reader
        data = suite.in_distribution
        like = self.reader.resolved(data) if isinstance(data, DataSource) else None
        return replace(spec, held=self.held).build(suite.task, reader, self.options.cache, like)

    def _without_gates(self, suite: Suite) -> list[str]:
        """Return notes on comparisons that have a margin but cannot be measured.

        Raises:
            ConfigurationError: the surrogate of a transfer attack is the only model.
        """
        notes = []
        for shift in suite.shifts:
            path, surrogate = f"{suite.name}/{shift.kind}/{shift.name}", shift.surrogate_name
            if not surrogate:
                continue
            if set(self.models[suite.name]) <= {surrogate}:
                raise ConfigurationError(
                    f"{path}: it is made against {surrogate}, and there is no other model to "
                    "measure under it"
                )
            margins = [b for b in suite.budgets[shift.name].values() if b.margin is not None]
            if margins and surrogate == self.baselines[suite.name]:
                notes.append(
                    f"{path}: it is made against {surrogate}, the baseline, which gets all of "
                    "these examples wrong, so that no model is compared with it there; use a third "
                    "model as the surrogate for the margin to count"
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
        """Refuse names of suites, models and checks that do not exist.

        Suites that are left out for want of data or a model count as existing.
        """
        suites = {name for s in self._loaded for name in (s.name, s.collection or s.name)}
        for _, table in ConfigTable(self.configuration.models, TABLE, "models").subtables():
            for name in suites_of(table) or ():
                if name not in suites:
                    raise table.error("suites: " + unknown_name("suite", name, suites))
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
        """The checks that the options select, model by model, the baseline first."""
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
            for name, evaluator in self.evaluators.items()
            for model in self.models[name]
            for check in self._checks_of(evaluator.suite, model)
        ]

    @property
    def all_gates(self) -> list[Check]:
        """All checks with a budget, including those that options deselect."""
        return [check for check in self._all_checks if check.limit is not None]

    def _blank(self, suite: Suite) -> list[str]:
        """Return a note for each model that cannot be measured under a shift."""
        return [
            f"{suite.name}/{shift.kind}/{shift.name}: not for {model}: {why}"
            for shift in suite.shifts
            for model in self.chosen_models(suite.name)
            if (why := _cannot_have(self.models[suite.name][model], shift)) is not None
        ]

    def _checks_of(self, suite: Suite, model: str) -> Iterator[Check]:
        baseline = self.baselines[suite.name]
        yield Check(suite=suite.name, model=model, limit=suite.min_score)
        for shift in suite.shifts:
            budgets = suite.budgets[shift.name]
            # The surrogate gets all adversarial examples that were selected on it wrong, by
            # construction: its score under the shift has no information.
            surrogate = shift.surrogate_name
            if surrogate == model:
                continue
            compared = [name for name in (model, baseline) if name is not None]
            tested = self.models[suite.name]
            blank = [_cannot_have(tested[name], shift) is not None for name in compared]
            if blank[0]:
                yield Check(suite=suite.name, model=model, shift=shift)
                continue
            check = partial(Check, suite=suite.name, model=model, shift=shift)
            for metric in dict.fromkeys([ACCURACY, *budgets]):
                budget = budgets.get(metric, Budget())
                if metric == ACCURACY or budget.max_drop is not None:
                    yield check(metric=metric, limit=budget.max_drop)
                # Cases have no counterpart in distribution, so that their score itself is shown.
                if metric == ACCURACY and (shift.counts_cases or budget.min_score is not None):
                    yield check(metric=SCORE, limit=budget.min_score)
                comparable = baseline not in (None, model, surrogate) and not any(blank)
                if comparable and budget.margin is not None:
                    yield check(baseline=baseline, metric=metric, limit=budget.margin)

    def notes(self, suite: str) -> list[str]:
        """Return the caveats of a suite's results so far.

        Those on suites that are left out are listed with the first suite.
        """
        first = suite == next(iter(self.evaluators))
        left_out = [f"{name} is left out: {why}" for name, why in self._left_out.items()]
        return [*(left_out if first else ()), *self.evaluators[suite].notes]

    def measure(self, check: Check) -> Result:
        """Run a check.

        Raises:
            OodError: the data or a model cannot be used.
        """
        evaluator, models = self.evaluators[check.suite], self.models[check.suite]
        model = models[check.model]
        shifts = self.chosen_shifts(check.suite)
        for name in (check.model, check.baseline):
            if name is not None:
                evaluator.check_leaks(models[name], shifts)
        if check.shift is None:
            return evaluator.floor(model)
        if check.metric == SCORE:
            return evaluator.score(model, check.shift)
        if check.baseline is None:
            return evaluator.evaluate(model, check.shift, check.metric)
        return evaluator.compare(model, models[check.baseline], check.shift, check.metric)

    @cached_property
    def groups(self) -> dict[str, str]:
        """The name of the group of each model; a group is measured in one process.

        Models that are compared, or that are measured under each other's adversarial examples, are
        in one group: otherwise several processes would load them, and the limits on an API model
        would hold for each process separately. A model of several suites is in one group.
        """
        linked = []
        for check in self._all_checks:
            surrogate = "" if check.shift is None else check.shift.surrogate_name
            linked += [(check.model, other) for other in (check.baseline, surrogate)]
            if check.suite in self._judges:
                # A judge, as a baseline, is loaded once, and its limits hold for all it judges.
                linked.append((check.model, next(iter(self.models[check.suite]))))
        return _grouped([name for models in self.models.values() for name in models], linked)

    def chosen_models(self, suite: str) -> Sequence[str]:
        """Return the names of a suite's models that --ood-model selects."""
        chosen = self.options.models
        return [name for name in self.models[suite] if not chosen or name in chosen]

    def chosen_shifts(self, suite: str) -> Sequence[Shift]:
        """Return the shifts of a suite that --ood-only selects, for the worst domain its parts."""
        shifts = self.evaluators[suite].suite.shifts
        selected = [c.shift for c in self.checks if c.suite == suite and c.shift is not None]
        # The worst domain has no examples of its own: what is measured are the domains.
        chosen = {
            part.name
            for shift in selected
            for part in (shift.parts(shifts) if shift.is_largest else (shift,))
        }
        return [shift for shift in shifts if shift.name in chosen]

    def infos(self, check: Check) -> tuple[ModelInfo, ...]:
        """Return the descriptions of a check's models; call it after `measure`."""
        return tuple(
            ModelInfo(
                suite=check.suite,
                name=model.name,
                paradigm=model.paradigm,
                source=model.source,
                # Plain values, which can be sent to another process and written to a report.
                parameters=json.loads(json.dumps(dict(model.parameters), default=repr)),
                baseline=name == self.baselines[check.suite],
                fingerprint=_fingerprint(model),
                collection=self.evaluators[check.suite].suite.collection or None,
                **{**asdict(facts_of(model)), **self._stated.get((check.suite, name), {})},
            )
            for name, model in self.models[check.suite].items()
            if name in (check.model, check.baseline)
        )


def _cannot_have(tested: Model | RecordedModel | SeededModel, shift: Shift) -> str | None:
    """Return why a model cannot be measured under a shift; None if it can.

    Its cell is blank in every table, and it is not a gate.
    """
    first = tested.members[0] if isinstance(tested, SeededModel) else tested
    return shift.reason_not_applicable(first)


def _grouped(names: Sequence[str], linked: Iterable[tuple[str, str | None]]) -> dict[str, str]:
    """Return the first name, by the alphabet, of those that each is linked with.

    Args:
        names: The names.
        linked: Pairs of names; one with a name that is none of them links nothing.
    """
    # Disjoint sets: each name leads to the first one of its group.
    leaders = {name: name for name in names}

    def leader(name: str) -> str:
        """Return the first name of a name's group."""
        while leaders[name] != name:
            name = leaders[name]
        return name

    for name, other in linked:
        if other in leaders:
            first, second = sorted((leader(name), leader(other)))
            leaders[second] = first
    return {name: leader(name) for name in leaders}


def check_redirects(configuration: Configuration, suites: Sequence[Suite], root: Path) -> None:
    """Refuse a redirect of data that no suite and no model uses.

    Args:
        configuration: The configuration with the redirects.
        suites: The suites of the run; data of the other built-in suites may be redirected, too.
        root: The project's folder.

    Raises:
        ConfigurationError: a data source is unknown.
    """
    if not configuration.data:
        return
    built_in = (suite for name in built_in_suites() for suite in load_suites(name, root))
    names = set(_data_named(configuration.models))
    for suite in (*suites, *built_in):
        names.update(_data_named(suite.models))
        for source in _sources_of(suite):
            names.update(redirectable(source.data, source.split))
    for name in configuration.data:
        if name not in names:
            raise ConfigurationError(
                "tool.pytest_ood.data: " + unknown_name("data source", name, names)
            )


def demo_file() -> Path:
    """Return the file of the suite that runs without a configuration."""
    return Path(str(resources.files("pytest_ood.suites"))) / f"{DEFAULT_SUITES[0]}.toml"


def _sources_of(suite: Suite) -> list[DataSource]:
    """Return the data sources of a suite."""
    own = [part for s in suite.shifts for part in (s.own_source, s.training_data)]
    named = [suite.in_distribution, *own]
    files = [DataSource(data=source.data) for source in named if isinstance(source, Checklist)]
    return [*files, *(source for source in named if isinstance(source, DataSource))]


def _data_named(options: Any) -> Iterator[str]:
    """Yield the names of data in the options of models, as redirects have them."""
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
    """Return the surrogates of a suite's transfer attacks, by name.

    Frozen examples need no surrogate.

    Raises:
        ConfigurationError: the model does not exist, or its answers were recorded.
    """
    by_name: dict[str, Model] = {}
    for shift in suite.shifts:
        surrogate = shift.surrogate_name
        if not surrogate or (frozen and shift.name in frozen.shifts):
            continue
        location = f"suite {suite.name!r}: {shift.kind}/{shift.name}: against: "
        if surrogate not in models:
            raise ConfigurationError(location + unknown_name("model", surrogate, models))
        model = models[surrogate]
        # Any of a model's seeds can be the surrogate; take the first.
        model = model.members[0] if isinstance(model, SeededModel) else model
        if is_recorded(model):
            raise ConfigurationError(
                f"{location}{model.name!r} is replayed, and cannot answer the queries of an attack"
            )
        by_name[surrogate] = model
    return by_name


def _names_of(check: Check) -> set[str]:
    """Return the names of a check apart from that of its collection."""
    if check.shift is None:
        return {check.suite, IN_DISTRIBUTION, check.path}
    kind = check.shift.kind
    names = {check.suite, kind, check.shift.name, f"{check.suite}/{kind}", check.path}
    family, _ = check.shift.level
    if family:
        # A perturbation's name stands for all its severities.
        names |= {family, f"{check.suite}/{kind}/{family}"}
    return names if check.metric == ACCURACY else {*names, check.metric}
