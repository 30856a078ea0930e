"""The gate: everything a run checks, put together from the configuration and the options."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pytest_ood.configuration import Configuration, is_configured, parse_models, read_configuration
from pytest_ood.engine import Engine
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.evaluation import SuiteRun
from pytest_ood.models import as_model
from pytest_ood.readers import DataSource, Reader
from pytest_ood.reports.results import ModelInfo
from pytest_ood.shifts import KINDS, DomainShift
from pytest_ood.store import FileStore, MemoryStore
from pytest_ood.suite import IN_DISTRIBUTION, check_name, load_suite

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pytest_ood.evaluation import Result
    from pytest_ood.models.protocol import Model, RecordedModel
    from pytest_ood.progress import Progress
    from pytest_ood.shifts import Shift
    from pytest_ood.suite import Suite

    OwnModels = Callable[[str, tuple[str, ...]], Sequence[Any]]

PREDICTIONS = "predictions.sqlite"


@dataclass(frozen=True)
class Options:
    """What the command line says; None where it is silent.

    Attributes:
        root: The project's folder: where pyproject.toml lies and relative paths start.
        cache: Where packages, trained models and predictions are kept.
        only: Names of suites, kinds, shifts, or suite/kind/shift; empty for all.
        models: Names of models; empty for all.
        seed: Replaces the configured one.
        max_examples: Replaces the configured one.
        strict: An inconclusive verdict fails.
        keep_predictions: Read and write the prediction store.
        offline: Fetch nothing.
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


@dataclass(frozen=True)
class Check:
    """One thing the gate checks.

    Attributes:
        suite: Its name.
        model: The model's name.
        shift: None for the in-distribution floor.
        baseline: The model to compare with, or None for the model's own drop.
    """

    suite: str
    model: str
    shift: Shift | None = None
    baseline: str | None = None

    @property
    def path(self) -> str:
        """suite/kind/shift, or suite/in-distribution: what --ood-only takes."""
        if self.shift is None:
            return f"{self.suite}/{IN_DISTRIBUTION}"
        return f"{self.suite}/{self.shift.kind}/{self.shift.name}"

    @property
    def id(self) -> str:
        """The id of the pytest item."""
        who = self.model if self.baseline is None else f"{self.model}-vs-{self.baseline}"
        return f"{self.path}[{who}]"


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
        self.reader = Reader(options.root, options.cache, options.offline, progress)
        size = options.max_examples
        self.max_examples = self.configuration.max_examples if size is None else size
        store = FileStore(options.cache / PREDICTIONS)
        self.engine = Engine(store if options.keep_predictions else MemoryStore(), progress)
        self.runs: dict[str, SuiteRun] = {}
        self.models: dict[str, dict[str, Model | RecordedModel]] = {}
        self.baselines: dict[str, str | None] = {}
        for given in self.configuration.suites:
            suite = load_suite(given, options.root)
            if suite.name in self.runs:
                raise ConfigurationError(f"two suites have the name {suite.name!r}; rename one")
            self._add(suite)
        self._check_names()

    def _add(self, suite: Suite) -> None:
        labels = suite.task.labels
        for source in (
            suite.in_distribution,
            *(s.source for s in suite.shifts if isinstance(s, DomainShift)),
        ):
            if isinstance(source, DataSource):
                self.reader.check(source)
        added = [as_model(model, labels) for model in self._own_models(suite.name, labels)]
        configured = parse_models(self.configuration.models, "tool.pytest_ood")
        offered = parse_models(suite.models, f"suite {suite.name!r}")
        specs = configured or (() if added else offered)
        if not specs and not added:
            raise ConfigurationError(
                f"there is no model for suite {suite.name!r}; describe one in pyproject.toml "
                "under [tool.pytest_ood.models.NAME]"
            )
        models = {spec.name: spec.build(labels, self.reader, self.options.cache) for spec in specs}
        for model in added:
            if model.name in models:
                raise ConfigurationError(f"two models have the name {model.name!r}; rename one")
            models[check_name(model.name, "a model of pytest_ood_models")] = model
        self.models[suite.name] = models
        self.baselines[suite.name] = next((s.name for s in specs if s.baseline), None)
        self.runs[suite.name] = SuiteRun(
            suite,
            engine=self.engine,
            reader=self.reader,
            seed=self.seed,
            alpha=self.configuration.alpha,
            max_examples=self.max_examples,
        )

    def _check_names(self) -> None:
        names = {name for models in self.models.values() for name in models}
        for given in self.options.models:
            if given not in names:
                raise ConfigurationError("--ood-model: " + unknown_name("model", given, names))
        known = {part for check in self._all_checks for part in _names_of(check)}
        for given in self.options.only:
            if given not in known:
                raise ConfigurationError("--ood-only: " + unknown_name("name", given, known))

    @cached_property
    def checks(self) -> list[Check]:
        """The checks that the options leave, model by model, the baseline first."""
        only, models = set(self.options.only), set(self.options.models)
        return [
            check
            for check in self._all_checks
            if (not only or only & _names_of(check)) and (not models or check.model in models)
        ]

    @cached_property
    def _all_checks(self) -> list[Check]:
        checks = []
        for name, run in self.runs.items():
            baseline = self.baselines[name]
            for model in self.models[name]:
                checks.append(Check(name, model))
                for shift in run.suite.shifts:
                    checks.append(Check(name, model, shift))
                    margin = run.suite.budgets[shift.name].margin
                    if baseline not in (None, model) and margin is not None:
                        checks.append(Check(name, model, shift, baseline))
        return checks

    def measure(self, check: Check) -> Result:
        """Carry a check out.

        Raises:
            OodError: the data or a model cannot be used.
        """
        run, models = self.runs[check.suite], self.models[check.suite]
        model = models[check.model]
        if check.shift is None:
            return run.floor(model)
        if check.baseline is None:
            return run.evaluate(model, check.shift)
        return run.compare(model, models[check.baseline], check.shift)

    def chosen_models(self, suite: str) -> Sequence[str]:
        """Return the names of a suite's models that --ood-model leaves."""
        chosen = self.options.models
        return [name for name in self.models[suite] if not chosen or name in chosen]

    def chosen_shifts(self, suite: str) -> Sequence[Shift]:
        """Return the shifts of a suite that --ood-only leaves."""
        chosen = {c.shift.name for c in self.checks if c.suite == suite and c.shift is not None}
        return [shift for shift in self.runs[suite].suite.shifts if shift.name in chosen]

    def infos(self, check: Check) -> tuple[ModelInfo, ...]:
        """Return what a report says about the models of a check, once it was carried out."""
        return tuple(
            ModelInfo(
                check.suite, model.name, model.paradigm, model.source,
                # Plain values, which reports and other processes can carry.
                json.loads(json.dumps(dict(model.parameters), default=repr)),
                baseline=name == self.baselines[check.suite],
            )
            for name, model in self.models[check.suite].items()
            if name in (check.model, check.baseline)
        )  # fmt: skip


def _names_of(check: Check) -> set[str]:
    """Return every name under which --ood-only selects a check."""
    if check.shift is None:
        return {check.suite, IN_DISTRIBUTION, check.path}
    assert check.shift.kind in KINDS, "unreachable because shifts have no other kind"
    kind = check.shift.kind
    return {check.suite, kind, check.shift.name, f"{check.suite}/{kind}", check.path}
