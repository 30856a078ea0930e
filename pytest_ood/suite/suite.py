"""Suites: which data, which shifts, which budgets; read from TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import MAX_ABSTENTION, Budget
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.data.options import OPTIONS
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import find_language
from pytest_ood.loading.readers import DataSource, parse_source
from pytest_ood.metrics import ACCURACY, budget_metrics, metric_class, metric_names
from pytest_ood.perturbations.resources import current, using
from pytest_ood.shifts import (
    DOMAIN,
    WORST,
    WORST_CASE,
    WORST_DOMAIN,
    Declaration,
    WorstCase,
    WorstDomain,
    keys_of,
    kinds,
    parse_shift,
)
from pytest_ood.tasks import keys_of_tasks, merged_task, parse_task
from pytest_ood.utils.strict import RefusedError, toml_of
from pytest_ood.utils.tables import ConfigTable, check_name

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.data.examples import Dataset
    from pytest_ood.shifts import Shift
    from pytest_ood.tasks import Task

PART = "#"
"""Separates the name of a collection from that of one of its parts."""

_SUITE_KEYS = (
    "budgets",
    "in_distribution",
    "language",
    "max_abstention",
    "max_examples",
    "min_score",
    "models",
    "name",
    "sequential",
    "shifts",
    "task",
)
_SHARED_KEYS = (
    "budgets",
    "language",
    "max_abstention",
    "max_examples",
    "models",
    "name",
    "sequential",
)
_METRIC_BUDGET_KEYS = ("margin", "max_drop")
_FLOOR_KEYS = ("min_score",)
_BUDGET_KEYS = (*_METRIC_BUDGET_KEYS, *_FLOOR_KEYS)


@dataclass(frozen=True, kw_only=True)
class Suite:
    """Data, shifts and budgets.

    Attributes:
        name: The name in reports and ids.
        task: The task, which scores answers.
        in_distribution: The data of the training distribution.
        shifts: The shifts, in the order of the file.
        budgets: For each shift, by its name, the budgets of its metrics, by the metric's name.
        min_score: The floor of the in-distribution score, or None.
        max_examples: The number of examples drawn from each data set, or None for all.
        models: The default configuration of models.
        max_abstention: The share of inputs that may have no parseable answer.
        sequential: Whether to ask in batches and to stop as soon as a verdict is settled; the
            user's configuration goes first. None for doing so where it saves calls.
        collection: The collection of which it is a part; "" for none.
    """

    name: str
    task: Task
    in_distribution: DataSource | Dataset
    shifts: tuple[Shift, ...]
    budgets: Mapping[str, Mapping[str, Budget]]
    min_score: float | None = None
    max_examples: int | None = None
    models: Mapping[str, Any] = field(default_factory=dict)
    max_abstention: float = MAX_ABSTENTION
    sequential: bool | None = None
    collection: str = ""

    @property
    def part(self) -> str:
        """The name within the collection, or the name."""
        return self.name.removeprefix(f"{self.collection}-") if self.collection else self.name

    def shift(self, name: str) -> Shift:
        """Return the shift of this name.

        Raises:
            ConfigurationError: no shift has the name.
        """
        for shift in self.shifts:
            if shift.name == name:
                return shift
        raise ConfigurationError(
            f"suite {self.name!r}: " + unknown_name("shift", name, [s.name for s in self.shifts])
        )

    def budget(self, shift: Shift, metric: str) -> Budget:
        """Return the budget of a metric under a shift; an empty one where none is set."""
        return self.budgets[shift.name].get(metric, Budget())


def task_under(task: Task, shift: Shift) -> Task:
    """Return the task that scores answers under a shift, whose labels may be coarser."""
    return merged_task(task, shift.coarser_labels)


def built_in_suites() -> tuple[str, ...]:
    """Return the names of the suites that come with the package."""
    files = resources.files("pytest_ood.suites").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_suite(name: str, root: Path) -> Suite:
    """Load a single suite; see `load_suites`.

    Raises:
        ConfigurationError: as `load_suites`, or it is a collection of several.
    """
    return _single(load_suites(name, root), name)


def load_suites(name: str, root: Path) -> tuple[Suite, ...]:
    """Load a built-in suite by name, or a suite file by its path; a collection holds several.

    Args:
        name: A name, or a path that ends in `.toml`; after a `#`, one part of a collection.
        root: The folder that relative paths start from, also those in the suite.

    Raises:
        ConfigurationError: there is no such suite or part, or its file is wrong.
    """
    whole, mark, part = name.partition(PART)
    suites = _load(whole, root)
    if not mark:
        return suites
    parts = {suite.part: suite for suite in suites if suite.collection}
    if part not in parts:
        raise ConfigurationError(f"{whole}: " + unknown_name("part", part, parts))
    return (parts[part],)


def _load(name: str, root: Path) -> tuple[Suite, ...]:
    if name.endswith(".toml"):
        path = root / name
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"suite file {path} cannot be read: {error}") from None
        with using(replace(current(), root=root)):
            return parse_suites(text, path.stem, str(path))
    if name not in built_in_suites():
        raise ConfigurationError(
            unknown_name("suite", name, built_in_suites()) + " A file's name ends in .toml."
        )
    text = (resources.files("pytest_ood.suites") / f"{name}.toml").read_text(encoding="utf-8")
    return parse_suites(text, name, f"suite {name!r}")


def parse_suite(text: str, name: str, location: str) -> Suite:
    """Read a single suite; raises as `parse_suites`."""
    return _single(parse_suites(text, name, location), location)


def _single(suites: tuple[Suite, ...], name: str) -> Suite:
    if len(suites) > 1:
        raise ConfigurationError(
            f"{name} is a collection; take one part of it: "
            + ", ".join(f"{name}{PART}{suite.part}" for suite in suites)
        )
    return suites[0]


def parse_suites(text: str, name: str, location: str) -> tuple[Suite, ...]:
    """Read a suite, or the parts of a collection.

    A collection has a table `suites` with a suite under each name; the keys beside it are defaults
    of all parts.

    Args:
        text: The TOML text.
        name: The suite's name unless the text has one.
        location: The beginning of messages, such as the path.

    Raises:
        ConfigurationError: names the file, the key and what is allowed.
    """
    try:
        table = ConfigTable(toml_of(text), location)
    except RefusedError as error:
        raise ConfigurationError(f"{location}: {error}") from None
    except ValueError as error:
        raise ConfigurationError(f"{location}: not valid TOML: {error}") from None
    if "suites" not in table:
        return (_suite(table, name),)
    shared = table.without(("suites",)).only(_SHARED_KEYS)
    name = shared.name("name", name)
    parts = table.subtable("suites")
    if not parts:
        raise table.error("suites has no part in it; give at least one")
    suites = []
    for part, own in parts.subtables():
        check_name(part, own.location)
        if "name" in own:
            raise own.error("the part of a collection is named by its table")
        merged = ConfigTable({**shared.without(("name",)), **own}, own.location)
        suites.append(replace(_suite(merged, f"{name}-{part}"), collection=name))
    return tuple(suites)


def _suite(table: ConfigTable, name: str) -> Suite:
    table.only((*_SUITE_KEYS, *keys_of_tasks()))
    table.require("in_distribution", "shifts")
    source = _source(table)
    # A task reads and scores answers in the language of the suite.
    spoken = {**table, **({"language": source.language} if source.language else {})}
    task = parse_task(spoken, table.location, current().root)
    shifts, budgets = _shifts(table, task, source)
    single = [s for s in shifts if s.has_own_examples and not s.counts_cases]
    if len({shift.is_paired for shift in single}) > 1:
        raise table.error(
            "shifts.domain: some are `paired` and some are not; their drops are averaged, and "
            "these are different experiments: make two suites of them"
        )
    for shift in shifts:
        for field_name in shift.named_fields:
            if field_name not in text_fields(source):
                raise table.error(
                    f"shifts.noise.{shift.name}: fields: "
                    + unknown_name("field", field_name, text_fields(source))
                )
    return Suite(
        name=table.name("name", name),
        task=task,
        in_distribution=source,
        shifts=shifts,
        budgets=budgets,
        min_score=table.share("min_score"),
        max_examples=table.count("max_examples"),
        models=dict(table.subtable("models")),
        max_abstention=table.share("max_abstention", MAX_ABSTENTION),
        sequential=table.flag("sequential"),
    )


def _source(table: ConfigTable) -> DataSource:
    """Read the data in distribution, in the language of the suite unless it names its own."""
    source = parse_source(table["in_distribution"], f"{table.location}: in_distribution")
    if "language" not in table:
        return source
    try:
        language = find_language(table["language"])
    except ConfigurationError as error:
        raise table.error(str(error)) from None
    return source if source.language else replace(source, language=language.code)


def _shifts(
    table: ConfigTable, task: Task, source: DataSource
) -> tuple[tuple[Shift, ...], dict[str, dict[str, Budget]]]:
    """Read the shifts and, for each, the budgets of its kind, which its own table overrides."""
    by_kind = {
        kind: _metric_budgets(entry, _metrics_of(task, kind), task.headline)
        for kind, entry in table.subtable("budgets").only((*kinds(), *WORST)).subtables()
    }
    shifts: list[Shift] = []
    budgets: dict[str, dict[str, Budget]] = {}
    for kind, entries in table.subtable("shifts").only(kinds(), "kind").subtables():
        for name, entry in entries.subtables():
            if check_name(name, entry.location) in (IN_DISTRIBUTION, *WORST, *kinds()):
                raise entry.error("this name is reserved; take another")
            metrics = budget_metrics(task, kind)
            budget_keys = (*_BUDGET_KEYS, *metrics)
            entry.only((*keys_of(kind), *budget_keys))
            own = _metric_budgets(entry.part(budget_keys), metrics, task.headline)
            declaration = _with_data(kind, entry.without(budget_keys), table["in_distribution"])
            for shift in _shift(kind, name, declaration, task=task, source=source):
                # The budgets of a kind are for single examples: they are no measure for shifts
                # that count several inputs as one.
                defaults = {} if shift.counts_cases else by_kind.get(kind, {})
                shift_budgets = _overridden(defaults, own)
                if shift.name in budgets:
                    raise entry.error(f"there is another shift {shift.name!r}")
                _check_metrics(shift, shift_budgets, entry, task)
                shifts.append(shift)
                budgets[shift.name] = shift_budgets
    _add_worst(shifts, budgets, by_kind, table)
    if not shifts:
        raise table.error("there is no shift in it; give at least one")
    return tuple(shifts), budgets


def _add_worst(
    shifts: list[Shift],
    budgets: dict[str, dict[str, Budget]],
    by_kind: Mapping[str, dict[str, Budget]],
    table: ConfigTable,
) -> None:
    """Add the worst of several shifts, where it has a budget, after the last of them.

    Args:
        shifts: The shifts that have tables.
        budgets: Their budgets, by name.
        by_kind: The budgets of the kinds of shift, and of the worst of them.
        table: The suite's table.
    """
    for worst in (WorstDomain(), WorstCase()):
        if worst.name not in by_kind:
            continue
        parts = worst.parts(shifts)
        if not parts:
            raise table.error(f"budgets.{worst.name}: {_WITHOUT_PARTS[worst.name]}")
        shifts.insert(shifts.index(parts[-1]) + 1, worst)
        budgets[worst.name] = by_kind[worst.name]
    for budget in by_kind.get(WORST_DOMAIN, {}).values():
        if budget.margin is not None or budget.min_score is not None:
            raise table.error(
                f"budgets.{WORST_DOMAIN}: it takes max_drop alone: the worst domains of two models "
                "may differ, so that their drops are not of the same examples; margin and "
                f"min_score of every domain go into budgets.{DOMAIN}"
            )


_WITHOUT_PARTS = {
    WORST_CASE: "the worst case is taken over the originals and the noise shifts, and there is no "
    "noise shift; give one",
    WORST_DOMAIN: "the worst domain is that of the domain shifts that count single examples, and "
    "there is none; give one",
}


def _metrics_of(task: Task, kind: str) -> tuple[str, ...]:
    """Return the metrics that a table of budgets may name, by a kind of shift or a worst of them.

    The worst domain has those of the domains, except where a reference is trained for each.
    """
    if kind != WORST_DOMAIN:
        return budget_metrics(task, kind)
    metrics = budget_metrics(task, DOMAIN)
    return tuple(name for name in metrics if not metric_class(name).NEEDS_REFERENCE)


def _check_metrics(
    shift: Shift, budgets: Mapping[str, Budget], table: ConfigTable, task: Task
) -> None:
    """Check that a shift has budgets of metrics that it can measure."""
    from_scores = [m for m in metric_names(task, shift.kind) if metric_class(m).FROM_SCORES]
    for metric in budgets:
        if metric in from_scores:
            continue
        if shift.keeps_answers:
            raise table.error(
                f"{metric} is computed from answers, which this attack leaves as they are; give "
                f"budgets of {' and '.join(from_scores)} alone"
            )
        if shift.counts_cases:
            raise table.error(
                f"{metric} is computed from single answers, and here several are counted as one; "
                f"give budgets of {' and '.join(from_scores)} alone"
            )


def _overridden(defaults: Mapping[str, Budget], own: Mapping[str, Budget]) -> dict[str, Budget]:
    """Return the budgets of a kind of shift, with the limits that a shift's own table sets."""
    budgets = dict(defaults)
    for metric, budget in own.items():
        limits = {key: limit for key in _BUDGET_KEYS if (limit := getattr(budget, key)) is not None}
        budgets[metric] = replace(budgets.get(metric, Budget()), **limits)
    return budgets


def text_fields(source: DataSource) -> tuple[str, ...]:
    """Return the fields of a source's inputs; a single text is the field `text`."""
    names = ("text",) if source.is_single else source.fields
    return (*names, OPTIONS) if source.options else names


def _shift(
    kind: str, name: str, table: ConfigTable, *, task: Task, source: DataSource
) -> tuple[Shift, ...]:
    """Read the table of a shift; noise at several severities is one shift for each.

    Args:
        kind: The kind of shift.
        name: The shift's name.
        table: The shift's table, without budgets.
        task: The suite's task.
        source: The data in distribution.
    """
    declared = Declaration(name, table, table.location, task, source)
    try:
        return parse_shift(kind, declared)
    except ConfigurationError as error:
        message = str(error)
        if message.startswith(table.location):
            raise
        raise table.error(message) from None


def _with_data(kind: str, table: ConfigTable, in_distribution: Any) -> ConfigTable:
    """Return the table of a shift; a domain without `data` is another part of the same data."""
    if kind != "domain" or "data" in table or not {"split", "where", "steps"} & table.keys():
        return table
    is_table = isinstance(in_distribution, Mapping)
    data = in_distribution if is_table else {"data": in_distribution}
    return ConfigTable({**data, **table}, table.location)


def _metric_budgets(
    table: ConfigTable, metrics: tuple[str, ...], headline: str
) -> dict[str, Budget]:
    """Read the budget whose keys are in the table itself, and those of metrics.

    Args:
        table: The budgets.
        metrics: The metrics with a table of their own.
        headline: The metric whose drop the keys in the table itself limit. A floor is always one of
            the mean score.
    """
    table.only((*_BUDGET_KEYS, *metrics))
    budgets = {
        metric: _budget(table.subtable(metric).only(_METRIC_BUDGET_KEYS))
        for metric in metrics
        if metric in table
    }
    own = {
        headline: _budget(table.part(_METRIC_BUDGET_KEYS)),
        ACCURACY: _budget(table.part(_BUDGET_KEYS if headline == ACCURACY else _FLOOR_KEYS)),
    }
    for metric, budget in own.items():
        if budget != Budget() and metric in budgets:
            raise table.error(f"{metric} has its budget here and in its own table; keep one")
    return {metric: budget for metric, budget in own.items() if budget != Budget()} | budgets


def _budget(table: ConfigTable) -> Budget:
    return Budget(**{key: table.share(key) for key in table})
