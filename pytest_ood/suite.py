"""Suites: which data, which shifts, which budgets; read from TOML files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import MAX_ABSTENTION, Budget, check_share
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.examples import IN_DISTRIBUTION
from pytest_ood.metrics import ACCURACY, budget_metrics, metric_class, metric_names
from pytest_ood.perturbations.resources import current, using
from pytest_ood.readers import DataSource, parse_source
from pytest_ood.shifts import (
    WORST_CASE,
    Declaration,
    WorstCase,
    keys_of,
    kinds,
    parse_shift,
)
from pytest_ood.strict import RefusedError, toml_of
from pytest_ood.tables import check_count, check_flag, check_keys, check_name, subtable
from pytest_ood.tasks import merged_task, parse_task

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.examples import Dataset
    from pytest_ood.shifts import Shift
    from pytest_ood.tasks import Task

PART = "#"
"""Stands between a collection and one of its parts."""

_SUITE_KEYS = ("budgets", "in_distribution", "labels", "max_abstention", "max_examples",
               "metric", "min_score", "models", "name", "sequential", "shifts", "task")  # fmt: skip
_SHARED_KEYS = ("budgets", "max_abstention", "max_examples", "models", "name", "sequential")
_METRIC_BUDGET_KEYS = ("margin", "max_drop")
_BUDGET_KEYS = (*_METRIC_BUDGET_KEYS, "min_score")


@dataclass(frozen=True)
class Suite:
    """A declaration of what is measured and what may be lost.

    Attributes:
        name: In reports and ids.
        task: How answers are scored.
        in_distribution: The data that looks like the training data.
        shifts: By name, in the order of the file.
        budgets: For each shift, by its name: one for each metric that has any, by its name.
        min_score: The floor of the in-distribution score, or None.
        max_examples: Examples drawn from each data set, or None for all.
        models: Configuration of models to take where the user names none.
        max_abstention: The share of inputs that may go without a parseable answer.
        sequential: Ask in batches and stop as soon as a verdict is settled, unless the user's
            configuration says otherwise; None for where it pays.
        collection: The suites it is one part of; empty for a suite of its own.
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
        """Its name within its collection, or its name."""
        return self.name.removeprefix(f"{self.collection}-") if self.collection else self.name

    def shift(self, name: str) -> Shift:
        """Return the shift of this name.

        Raises:
            ConfigurationError: there is none.
        """
        for shift in self.shifts:
            if shift.name == name:
                return shift
        raise ConfigurationError(
            f"suite {self.name!r}: " + unknown_name("shift", name, [s.name for s in self.shifts])
        )


def task_under(task: Task, shift: Shift) -> Task:
    """Return the task by which answers under a shift are scored: its labels may be coarser."""
    return merged_task(task, shift.coarser_labels)


def built_in_suites() -> tuple[str, ...]:
    """Return the names of the suites that come with the package."""
    files = resources.files("pytest_ood.suites").iterdir()
    return tuple(sorted(f.name.removesuffix(".toml") for f in files if f.name.endswith(".toml")))


def load_suite(given: str, root: Path) -> Suite:
    """Load what is one suite; see `load_suites`.

    Raises:
        ConfigurationError: as `load_suites`, or it is a collection of several.
    """
    return _only(load_suites(given, root), given)


def load_suites(given: str, root: Path) -> tuple[Suite, ...]:
    """Load a built-in suite by name, or a suite file by its path; a collection holds several.

    Args:
        given: A name, or a path that ends in `.toml`; behind `#` one part of a collection.
        root: What a relative path starts from, and paths in the suite.

    Raises:
        ConfigurationError: there is no such suite or part, or its file is not right.
    """
    whole, mark, part = given.partition(PART)
    suites = _load(whole, root)
    if not mark:
        return suites
    parts = {suite.part: suite for suite in suites if suite.collection}
    if part not in parts:
        raise ConfigurationError(f"{whole}: " + unknown_name("part", part, parts))
    return (parts[part],)


def _load(given: str, root: Path) -> tuple[Suite, ...]:
    if given.endswith(".toml"):
        path = root / given
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"suite file {path} cannot be read: {error}") from None
        with using(replace(current(), root=root)):
            return parse_suites(text, path.stem, str(path))
    if given not in built_in_suites():
        raise ConfigurationError(
            unknown_name("suite", given, built_in_suites()) + " A file's name ends in .toml."
        )
    text = (resources.files("pytest_ood.suites") / f"{given}.toml").read_text(encoding="utf-8")
    return parse_suites(text, given, f"suite {given!r}")


def parse_suite(text: str, name: str, where: str) -> Suite:
    """Read what is one suite; raises as `parse_suites`."""
    return _only(parse_suites(text, name, where), where)


def _only(suites: tuple[Suite, ...], given: str) -> Suite:
    if len(suites) > 1:
        raise ConfigurationError(
            f"{given} is a collection; take one part of it: "
            + ", ".join(f"{given}{PART}{suite.part}" for suite in suites)
        )
    return suites[0]


def parse_suites(text: str, name: str, where: str) -> tuple[Suite, ...]:
    """Read a suite from TOML, or the parts of a collection.

    A collection has a table `suites` with a suite under each name; what stands beside it holds for
    all parts that do not say otherwise.

    Raises:
        ConfigurationError: names the file, the key and what is allowed.
    """
    try:
        table = toml_of(text)
    except RefusedError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    except ValueError as error:
        raise ConfigurationError(f"{where}: not valid TOML: {error}") from None
    if "suites" not in table:
        return (_suite(table, name, where),)
    parts = subtable(table, "suites", where)
    shared = {key: value for key, value in table.items() if key != "suites"}
    check_keys(shared, _SHARED_KEYS, where)
    name = check_name(shared.pop("name", name), f"{where}: name")
    if not parts:
        raise ConfigurationError(f"{where}: suites has no part in it; give at least one")
    found = []
    for part in parts:
        at = f"{where}: suites.{part}"
        check_name(part, at)
        own = {**shared, **subtable(parts, part, f"{where}: suites")}
        if "name" in own:
            raise ConfigurationError(f"{at}: the part of a collection is named by its table")
        found.append(replace(_suite(own, f"{name}-{part}", at), collection=name))
    return tuple(found)


def _suite(table: Mapping[str, Any], name: str, where: str) -> Suite:
    check_keys(table, _SUITE_KEYS, where)
    for key in ("in_distribution", "shifts"):
        if key not in table:
            raise ConfigurationError(f"{where}: the key {key!r} is missing")
    task = parse_task(table, where)
    source = parse_source(table["in_distribution"], f"{where}: in_distribution")
    shifts, budgets = _shifts(table, where, task, source)
    single = [s for s in shifts if s.has_own_examples and not s.counts_cases]
    if len({shift.is_paired for shift in single}) > 1:
        raise ConfigurationError(
            f"{where}: shifts.domain: some are `paired` and some are not; what they cost is "
            "averaged, and these are different experiments: make two suites of them"
        )
    for shift in shifts:
        for name_ in shift.named_fields:
            if name_ not in text_fields(source):
                raise ConfigurationError(
                    f"{where}: shifts.noise.{shift.name}: fields: "
                    + unknown_name("field", name_, text_fields(source))
                )
    floor = table.get("min_score")
    try:
        check_share("min_score", floor)
        check_share("max_abstention", table.get("max_abstention"))
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
    return Suite(
        check_name(table.get("name", name), f"{where}: name"),
        task,
        source,
        shifts,
        budgets,
        floor,
        check_count(table.get("max_examples"), f"{where}: max_examples"),
        subtable(table, "models", where),
        table.get("max_abstention", MAX_ABSTENTION),
        check_flag(table["sequential"], f"{where}: sequential") if "sequential" in table else None,
    )


def _shifts(
    table: Mapping[str, Any], where: str, task: Task, source: DataSource
) -> tuple[tuple[Shift, ...], dict[str, dict[str, Budget]]]:
    """Read the shifts and, for each, the budgets of its kind with what its own table changes."""
    by_kind = _budgets(subtable(table, "budgets", where), where, task)
    shifts: list[Shift] = []
    budgets: dict[str, dict[str, Budget]] = {}
    for kind in subtable(table, "shifts", where):
        if kind not in kinds():
            raise ConfigurationError(f"{where}: shifts: " + unknown_name("kind", kind, kinds()))
        entries = subtable(table["shifts"], kind, f"{where}: shifts")
        for name in entries:
            at = f"{where}: shifts.{kind}.{name}"
            if check_name(name, at) in (IN_DISTRIBUTION, WORST_CASE, *kinds()):
                raise ConfigurationError(f"{at}: this name has a meaning of its own; take another")
            entry = subtable(entries, name, f"{where}: shifts.{kind}")
            metrics = budget_metrics(task, kind)
            check_keys(entry, (*keys_of(kind), *_BUDGET_KEYS, *metrics), at)
            rest = {k: v for k, v in entry.items() if k not in (*_BUDGET_KEYS, *metrics)}
            own = _metric_budgets(
                {k: v for k, v in entry.items() if k in (*_BUDGET_KEYS, *metrics)}, at, metrics
            )
            whole = _with_data(kind, rest, table["in_distribution"])
            for shift in _shift(kind, name, whole, at, task=task, source=source):
                # What single examples may lose is no budget for what counts several as one.
                kept = _with({} if shift.counts_cases else by_kind.get(kind, {}), own)
                if shift.name in budgets:
                    raise ConfigurationError(f"{at}: there is another shift {shift.name!r}")
                _check_metrics(shift, kept, at, task)
                shifts.append(shift)
                budgets[shift.name] = kept
    if WORST_CASE in by_kind:
        noises = WorstCase().parts(shifts)
        if not noises:
            raise ConfigurationError(
                f"{where}: budgets.{WORST_CASE}: the worst case is taken over the originals and "
                "the noise shifts, and there is no noise shift; give one"
            )
        shifts.insert(shifts.index(noises[-1]) + 1, WorstCase())
        budgets[WORST_CASE] = by_kind[WORST_CASE]
    if not shifts:
        raise ConfigurationError(f"{where}: there is no shift in it; give at least one")
    return tuple(shifts), budgets


def _check_metrics(shift: Shift, budgets: Mapping[str, Budget], where: str, task: Task) -> None:
    """Refuse metrics of answers where there is nothing but scores."""
    from_scores = [m for m in metric_names(task, shift.kind) if metric_class(m).FROM_SCORES]
    for metric in budgets:
        if metric in from_scores:
            continue
        if shift.keeps_answers:
            raise ConfigurationError(
                f"{where}: {metric} goes by answers, which this attack leaves as they are; it "
                f"costs {' and '.join(from_scores)} alone"
            )
        if shift.counts_cases:
            raise ConfigurationError(
                f"{where}: {metric} goes by single answers, and here several are counted as one; "
                f"give budgets of {' and '.join(from_scores)} alone"
            )


def _with(kind: Mapping[str, Budget], own: Mapping[str, Budget]) -> dict[str, Budget]:
    """Return the budgets of a kind of shift with what a shift's own table changes."""
    found = dict(kind)
    for metric, budget in own.items():
        changes = {k: v for k in _BUDGET_KEYS if (v := getattr(budget, k)) is not None}
        found[metric] = replace(found.get(metric, Budget()), **changes)
    return found


def text_fields(source: DataSource) -> tuple[str, ...]:
    """Return the fields of a source's inputs; a single one is the field `text`."""
    return ("text",) if source.is_single else source.fields


def _shift(
    kind: str,
    name: str,
    entry: Mapping[str, Any],
    where: str,
    *,
    task: Task,
    source: DataSource,
) -> tuple[Shift, ...]:
    """Read the table of a shift; of noise at several severities, one shift for each.

    Args:
        kind: Of shift.
        name: Its name.
        entry: Its table, without budgets of metrics.
        where: What messages begin with.
        task: Whose labels these are.
        source: The data in distribution.
    """
    declared = Declaration(name, entry, where, task, source)
    try:
        return parse_shift(kind, declared)
    except ConfigurationError as error:
        message = str(error)
        raise ConfigurationError(
            message if message.startswith(where) else f"{where}: {message}"
        ) from None


def _with_data(kind: str, entry: Mapping[str, Any], in_distribution: Any) -> Mapping[str, Any]:
    """Return the table of a shift; a domain without `data` is another part of the same data."""
    if kind != "domain" or "data" in entry or not {"split", "where", "steps"} & entry.keys():
        return entry
    given = in_distribution if isinstance(in_distribution, Mapping) else {"data": in_distribution}
    return {**given, **entry}


def _budgets(table: Mapping[str, Any], where: str, task: Task) -> dict[str, dict[str, Budget]]:
    check_keys(table, (*kinds(), WORST_CASE), f"{where}: budgets")
    return {
        kind: _metric_budgets(
            subtable(table, kind, f"{where}: budgets"),
            f"{where}: budgets.{kind}",
            budget_metrics(task, kind),
        )
        for kind in table
    }


def _metric_budgets(
    table: Mapping[str, Any], where: str, metrics: tuple[str, ...]
) -> dict[str, Budget]:
    """Read the budget of accuracy, whose keys stand in the table itself, and the others'."""
    check_keys(table, (*_BUDGET_KEYS, *metrics), where)
    found = {
        metric: _budget(subtable(table, metric, where), f"{where}.{metric}")
        for metric in metrics
        if metric in table
    }
    own = {k: v for k, v in table.items() if k in _BUDGET_KEYS}
    return {ACCURACY: _budget(own, where, _BUDGET_KEYS), **found} if own else found


def _budget(
    table: Mapping[str, Any], where: str, keys: tuple[str, ...] = _METRIC_BUDGET_KEYS
) -> Budget:
    check_keys(table, keys, where)
    try:
        return Budget(**table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None
