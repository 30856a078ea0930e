"""Suites: which data, which shifts, which budgets; read from TOML files."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from importlib import resources
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import MAX_ABSTENTION, Budget, check_share
from pytest_ood.checklist import KEYS as CHECKLIST_KEYS
from pytest_ood.checklist import parse_checklist
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.examples import IN_DISTRIBUTION
from pytest_ood.metrics import ACCURACY, loss_names
from pytest_ood.perturbations import Composite, Generator, composed, find
from pytest_ood.perturbations.adversarial import QueryBudget, Recipe, find_attack
from pytest_ood.perturbations.adversarial.goals import Targeted
from pytest_ood.perturbations.contracts import Changing, Derived, Uncertain
from pytest_ood.perturbations.filters import parse_filter
from pytest_ood.perturbations.protection import parse_protection
from pytest_ood.perturbations.protocol import MAX_SEVERITY
from pytest_ood.perturbations.resources import current, using
from pytest_ood.readers import SOURCE_KEYS, DataSource, parse_source
from pytest_ood.shifts import (
    KINDS,
    SCORINGS,
    WORST_CASE,
    AdversarialShift,
    DomainShift,
    NoiseShift,
    PromptShift,
    Shift,
    TransferShift,
    WorstCase,
)
from pytest_ood.tasks import merged_task, parse_task

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_ood.examples import Dataset
    from pytest_ood.perturbations.adversarial import Attack
    from pytest_ood.shifts import Scoring
    from pytest_ood.tasks import Task

PART = "#"
"""Stands between a collection and one of its parts."""

DEFAULT_QUERY_BUDGET = 50
INPUT, PROMPT = "input", "prompt"
SEARCH_EXAMPLES = 20
"""Examples on which a changed prompt is looked for, unless a suite says otherwise."""

DEFAULT_PROTECTION = ("urls", "code")
"""What noise and attacks leave alone unless a suite says otherwise: what is broken rather than
misspelt."""

_SUITE_KEYS = ("budgets", "in_distribution", "labels", "max_abstention", "max_examples",
               "metric", "min_score", "models", "name", "sequential", "shifts", "task")  # fmt: skip
_SHARED_KEYS = ("budgets", "max_abstention", "max_examples", "models", "name", "sequential")
_METRIC_BUDGET_KEYS = ("margin", "max_drop")
_BUDGET_KEYS = (*_METRIC_BUDGET_KEYS, "min_score")
_SHIFT_KEYS = {
    "domain": (
        *SOURCE_KEYS,
        "train",
        "merge",
        "paired",
        "scoring",
        *CHECKLIST_KEYS,
        *_BUDGET_KEYS,
    ),
    "noise": (
        "perturbation",
        "severity",
        "parameters",
        "protect",
        "fields",
        "relabel",
        "filter",
        *_BUDGET_KEYS,
    ),
    "adversarial": (
        "attack",
        "parameters",
        "query_budget",
        "max_queries",
        "max_examples",
        "target",
        "protect",
        "filter",
        "against",
        "on",
        "search_examples",
        *_BUDGET_KEYS,
    ),
}


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
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{where}: not valid TOML: {error}") from None
    if "suites" not in table:
        return (_suite(table, name, where),)
    parts = _table(table, "suites", where)
    shared = {key: value for key, value in table.items() if key != "suites"}
    _check_keys(shared, _SHARED_KEYS, where)
    name = check_name(shared.pop("name", name), f"{where}: name")
    if not parts:
        raise ConfigurationError(f"{where}: suites has no part in it; give at least one")
    found = []
    for part in parts:
        at = f"{where}: suites.{part}"
        check_name(part, at)
        own = {**shared, **_table(parts, part, f"{where}: suites")}
        if "name" in own:
            raise ConfigurationError(f"{at}: the part of a collection is named by its table")
        found.append(replace(_suite(own, f"{name}-{part}", at), collection=name))
    return tuple(found)


def _suite(table: Mapping[str, Any], name: str, where: str) -> Suite:
    _check_keys(table, _SUITE_KEYS, where)
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
        _table(table, "models", where),
        table.get("max_abstention", MAX_ABSTENTION),
        check_flag(table["sequential"], f"{where}: sequential") if "sequential" in table else None,
    )


def _shifts(
    table: Mapping[str, Any], where: str, task: Task, source: DataSource
) -> tuple[tuple[Shift, ...], dict[str, dict[str, Budget]]]:
    """Read the shifts and, for each, the budgets of its kind with what its own table changes."""
    kinds = _budgets(_table(table, "budgets", where), where, task)
    shifts: list[Shift] = []
    budgets: dict[str, dict[str, Budget]] = {}
    for kind in _table(table, "shifts", where):
        if kind not in KINDS:
            raise ConfigurationError(f"{where}: shifts: " + unknown_name("kind", kind, KINDS))
        entries = _table(table["shifts"], kind, f"{where}: shifts")
        for name in entries:
            at = f"{where}: shifts.{kind}.{name}"
            if check_name(name, at) in (IN_DISTRIBUTION, WORST_CASE, *KINDS):
                raise ConfigurationError(f"{at}: this name has a meaning of its own; take another")
            entry = _table(entries, name, f"{where}: shifts.{kind}")
            metrics = loss_names(task, kind)
            _check_keys(entry, (*_SHIFT_KEYS[kind], *metrics), at)
            rest = {k: v for k, v in entry.items() if k not in metrics}
            own = _metric_budgets(
                {k: v for k, v in entry.items() if k in (*_BUDGET_KEYS, *metrics)}, at, metrics
            )
            whole = _with_data(kind, rest, table["in_distribution"])
            for shift in _shift(kind, name, whole, at, task=task, source=source):
                # What single examples may lose is no budget for what counts several as one.
                kept = _with({} if shift.counts_cases else kinds.get(kind, {}), own)
                if shift.name in budgets:
                    raise ConfigurationError(f"{at}: there is another shift {shift.name!r}")
                _check_metrics(shift, kept, at)
                shifts.append(shift)
                budgets[shift.name] = kept
    if WORST_CASE in kinds:
        noises = WorstCase().parts(shifts)
        if not noises:
            raise ConfigurationError(
                f"{where}: budgets.{WORST_CASE}: the worst case is taken over the originals and "
                "the noise shifts, and there is no noise shift; give one"
            )
        shifts.insert(shifts.index(noises[-1]) + 1, WorstCase())
        budgets[WORST_CASE] = kinds[WORST_CASE]
    if not shifts:
        raise ConfigurationError(f"{where}: there is no shift in it; give at least one")
    return tuple(shifts), budgets


def _check_metrics(shift: Shift, budgets: Mapping[str, Budget], where: str) -> None:
    """Refuse metrics of answers where a success leaves the answer as it was."""
    for metric in budgets:
        if shift.keeps_answers and metric not in (ACCURACY, "pdr"):
            raise ConfigurationError(
                f"{where}: {metric} goes by answers, which this attack leaves as they are; it "
                "costs accuracy and pdr alone"
            )
        if shift.counts_cases and metric not in (ACCURACY, "pdr"):
            raise ConfigurationError(
                f"{where}: {metric} goes by single answers, and here several are counted as one; "
                "give budgets of accuracy and pdr alone"
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


def check_name(value: Any, where: str) -> str:
    """Return a name that can stand in the id of a test.

    Raises:
        ConfigurationError: not a string, empty, or with a space, a control character or a sign that
            ids use.
    """
    if (
        not isinstance(value, str)
        or not value
        or not value.isprintable()
        or any(c in value for c in "/[]:\\ ")
    ):
        raise ConfigurationError(
            f"{where} = {value!r}: a name is not empty and has no space and none of / \\ [ ] :, "
            "nor a control character"
        )
    return value


def check_count(value: Any, where: str) -> int | None:
    """Return a count of 1 or more, or None.

    Raises:
        ConfigurationError: anything else.
    """
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(f"{where} = {value!r} is not a whole number of 1 or more")
    return value


def check_flag(value: Any, where: str) -> bool:
    """Return true or false.

    Raises:
        ConfigurationError: anything else.
    """
    if not isinstance(value, bool):
        raise ConfigurationError(f"{where} = {value!r} is neither true nor false")
    return value


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
    try:
        if kind == "domain":
            return (_domain(name, entry, where, task, source),)
        if kind == "noise":
            shifts = parse_noise(name, entry, where, task.labels, task.protects)
            _check_contract(shifts[0], task)
            return shifts
        return (_adversarial(name, entry, where, task.labels),)
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


def _domain(
    name: str, entry: Mapping[str, Any], where: str, task: Task, in_distribution: DataSource
) -> DomainShift:
    """Read the table of a domain shift: other data, contrast sets, or a CheckList suite."""
    if "checklist" in entry:
        own = {k: v for k, v in entry.items() if k not in _BUDGET_KEYS}
        return DomainShift(name, parse_checklist(own, in_distribution.fields, where))
    for key in entry:
        if key in CHECKLIST_KEYS and key not in SOURCE_KEYS:
            raise ConfigurationError(f"{key}: it goes with `checklist`, a file of tests")
    source = {key: value for key, value in entry.items() if key in SOURCE_KEYS}
    merge = _table(entry, "merge", where)
    for label in merge:
        if label not in task.labels:
            raise ConfigurationError("merge: " + unknown_name("label", label, task.labels))
    for coarse in merge.values():
        if not isinstance(coarse, str) or not coarse:
            raise ConfigurationError(f"merge: {coarse!r} is no label")
    test = parse_source(source, where, in_distribution)
    shift = DomainShift(
        name,
        test,
        _train(entry, source, test, where),
        dict(merge),
        check_flag(entry.get("paired", False), "paired"),
        _scoring(entry),
    )
    try:
        task_under(task, shift)
    except ConfigurationError as error:
        raise ConfigurationError(f"merge: what is left: {error}") from None
    if merge and shift.train is not None:
        raise ConfigurationError(
            "train: the baseline would be trained on other labels than it is compared in; leave "
            "out `train`, or `merge`"
        )
    return shift


def _scoring(entry: Mapping[str, Any]) -> Scoring:
    """Return what is counted under a domain shift."""
    scoring = entry.get("scoring", "example")
    if scoring not in SCORINGS:
        raise ConfigurationError("scoring: " + unknown_name("scoring", str(scoring), SCORINGS))
    if scoring == "contrast" and "train" in entry:
        raise ConfigurationError(
            "train: a baseline that is trained on the target is compared example by example; take "
            'a shift of its own for it, without scoring = "contrast"'
        )
    if scoring == "contrast" and entry.get("paired"):
        raise ConfigurationError(
            "paired: contrast sets are no examples in another form; leave out `paired`, or "
            'scoring = "contrast"'
        )
    if scoring == "contrast" and "group" not in entry:
        raise ConfigurationError(
            'scoring = "contrast" needs `group`, the column that says which examples are one set'
        )
    return "contrast" if scoring == "contrast" else "example"


def parse_noise(
    name: str,
    entry: Mapping[str, Any],
    where: str,
    labels: tuple[str, ...],
    protects: tuple[str, ...] = (),
) -> tuple[NoiseShift, ...]:
    """Read the table of a noise shift; of several severities, one shift for each.

    Args:
        name: Of the shift.
        entry: The table.
        where: What messages begin with.
        labels: Those of the task.
        protects: What the task protects besides `DEFAULT_PROTECTION`, unless the table says.

    Raises:
        ConfigurationError: a value that is wrong, or not known.
    """
    generator = _perturbation(name, entry, where)
    generator.check_models()
    if "protect" in entry:
        generator = generator.keeping(parse_protection(_strings(entry, "protect", ()), labels))
    else:
        generator = generator.keeping_unless_rewritten((*DEFAULT_PROTECTION, *protects))
    generator = _filtered(generator, entry)
    relabel = _relabel(generator, _table(entry, "relabel", where), labels)
    shift = NoiseShift(name, generator, _fields(entry), relabel)
    asked = entry.get("severity")
    if asked is None:
        return (shift,)
    if isinstance(asked, int):
        return (replace(shift, perturbation=generator.at(asked)),)
    levels = list(range(1, MAX_SEVERITY + 1)) if asked == "all" else asked
    if not isinstance(levels, list) or not levels or len(set(map(repr, levels))) < len(levels):
        raise ConfigurationError(
            f"severity = {asked!r} is a whole number from 1 to {MAX_SEVERITY}, a list of different "
            'ones, or "all"'
        )
    made = [(generator.at(level), level) for level in levels]
    return tuple(
        replace(shift, name=f"{name}@{level}", perturbation=change, family=name, severity=level)
        for change, level in sorted(made, key=lambda pair: pair[1])
    )


def _perturbation(name: str, entry: Mapping[str, Any], where: str) -> Generator | Composite:
    """Return the perturbation that a shift names; of a list, one after the other as one."""
    names = entry.get("perturbation", name)
    parameters = _table(entry, "parameters", where)
    if not isinstance(names, list):
        return find(_string(entry, "perturbation", name, where)).with_parameters(**parameters)
    parts = _strings(entry, "perturbation", ())
    if len(set(parts)) < len(parts):
        raise ConfigurationError(f"perturbation = {names!r}: there is one of them twice")
    for part in parameters:
        if part not in parts:
            raise ConfigurationError(
                "parameters: of several perturbations each has a table by its name: "
                + unknown_name("perturbation", part, parts)
            )
    return composed(
        [find(part).with_parameters(**_table(parameters, part, "parameters")) for part in parts]
    )


def _check_contract(shift: NoiseShift, task: Task) -> None:
    """Refuse a perturbation that cannot tell the labels of a task, or would leave no answer.

    Raises:
        ConfigurationError: says for which tasks it is, or that it needs `fields`.
    """
    change = shift.perturbation
    parts = change.parts if isinstance(change, Composite) else (change,)
    takes_away = any(isinstance(part, Generator) and part.needs_fields for part in parts)
    if takes_away and not shift.fields:
        raise ConfigurationError(
            f"fields: {change.name} takes texts away; name the fields that the answer does not "
            'need, such as fields = ["context"]'
        )
    contract = change.contract
    if isinstance(contract, Changing) and not task.labels:
        raise ConfigurationError(
            f"perturbation: {change.name} turns one label into another, and the task {task.name} "
            "has none; take one whose contract is preserving or derived"
        )
    if isinstance(contract, Derived) and contract.tasks and task.name not in contract.tasks:
        raise ConfigurationError(
            f"perturbation: {change.name} works answers out anew for the task "
            f"{' or '.join(contract.tasks)}; this one is {task.name}"
        )


def _adversarial(
    name: str, entry: Mapping[str, Any], where: str, labels: tuple[str, ...]
) -> AdversarialShift | TransferShift | PromptShift:
    if not labels:
        raise ConfigurationError(
            "attacks turn one label into another, and this task has none; take domain and noise "
            "shifts"
        )
    attack = _attack(name, entry, where, labels)
    each = _count(entry, "query_budget", DEFAULT_QUERY_BUDGET)
    budget = QueryBudget(each, check_count(entry.get("max_queries"), "max_queries"))
    most = check_count(entry.get("max_examples"), "max_examples")
    on = entry.get("on", INPUT)
    if on not in (INPUT, PROMPT):
        raise ConfigurationError("on: " + unknown_name("target", str(on), (INPUT, PROMPT)))
    if on == PROMPT:
        search = _count(entry, "search_examples", SEARCH_EXAMPLES)
        return PromptShift(name, _prompt_recipe(attack, entry), budget, search, most)
    if "search_examples" in entry:
        raise ConfigurationError('search_examples: it goes with on = "prompt"')
    if "against" not in entry:
        return AdversarialShift(name, attack, budget, most)
    return TransferShift(name, attack, budget, _string(entry, "against", "", where), most)


def _count(entry: Mapping[str, Any], key: str, default: int) -> int:
    found = check_count(entry.get(key, default), key)
    assert found is not None, "unreachable because there is a default"
    return found


def _prompt_recipe(attack: Attack, entry: Mapping[str, Any]) -> Recipe:
    """Refuse what makes no sense where the prompt is attacked."""
    for key in ("against", "target", "max_queries"):
        if key in entry:
            raise ConfigurationError(f"{key}: an attack on the prompt has none")
    if not isinstance(attack, Recipe):
        raise ConfigurationError(
            f"attack: {attack.name} is no Recipe; only these can be told to leave a prompt's "
            "fields and label words alone"
        )
    if not attack.goal.turns:
        raise ConfigurationError(f"attack: {attack.name} leaves answers as they are; a prompt that "
                                 "does so is no worse")  # fmt: skip
    return attack


def _attack(name: str, entry: Mapping[str, Any], where: str, labels: tuple[str, ...]) -> Attack:
    """Read the attack of a shift; one that is no recipe is taken as it is."""
    attack = find_attack(_string(entry, "attack", name, where))
    if not isinstance(attack, Recipe):
        for key in ("parameters", "target", "protect", "filter"):
            if key in entry:
                raise ConfigurationError(
                    f"{key}: {attack.name} is no Recipe, and cannot be told; tell it where it is "
                    "made"
                )
        return attack
    attack = attack.with_parameters(**_table(entry, "parameters", where))
    protection = parse_protection(_strings(entry, "protect", DEFAULT_PROTECTION), labels)
    attack = attack.keeping(protection)
    if "filter" in entry:
        attack = attack.under(parse_filter(entry["filter"]))
    if "target" in entry:
        if not attack.goal.turns:
            raise ConfigurationError(
                f"target: {attack.name} is after the right answer, not another"
            )
        target = _string(entry, "target", "", where)
        if target not in labels:
            raise ConfigurationError("target: " + unknown_name("label", target, labels))
        attack = attack.aiming(Targeted(target))
    return attack


def _filtered(generator: Generator | Composite, entry: Mapping[str, Any]) -> Generator | Composite:
    """Put a perturbation under the filter that a shift names."""
    if "filter" not in entry:
        return generator
    if isinstance(generator.contract, Changing):
        raise ConfigurationError(
            f"filter: {generator.name} changes the label, which is what `relabel` is for; a filter "
            "is for what may change it"
        )
    if isinstance(generator.contract, Derived):
        raise ConfigurationError(
            f"filter: {generator.name} knows by itself which changes are valid; leave it out"
        )
    return generator.under(Uncertain(parse_filter(entry["filter"])))


def _relabel(
    generator: Generator | Composite, given: Mapping[str, Any], labels: tuple[str, ...]
) -> dict[str, str]:
    """Return the label after by the label before, of a perturbation that changes labels."""
    for label in (*given, *given.values()):
        if label not in labels:
            raise ConfigurationError("relabel: " + unknown_name("label", str(label), labels))
    if not isinstance(generator.contract, Changing):
        if given:
            raise ConfigurationError(
                f"relabel: {generator.name} is {generator.contract.name} and changes no label"
            )
        return {}
    known = dict(given)
    for label in labels:
        if label not in known:
            known[label] = generator.contract.relabel(label, labels)
    return known


def _train(
    entry: Mapping[str, Any], source: Mapping[str, Any], test: DataSource, where: str
) -> DataSource | None:
    """Read a domain's own training data; columns are named as in its test data."""
    train = entry.get("train")
    if train is None:
        return None
    columns = {k: v for k, v in source.items() if k in ("fields", "label", "labels")}
    given = train if isinstance(train, Mapping) else {"data": train}
    return parse_source({**columns, **given}, f"{where}: train", test)


def _fields(entry: Mapping[str, Any]) -> tuple[str, ...]:
    return _strings(entry, "fields", ())


def _strings(entry: Mapping[str, Any], key: str, default: tuple[str, ...]) -> tuple[str, ...]:
    value = entry.get(key, list(default))
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(f"{key} = {value!r} is not a list of strings")
    return tuple(value)


def _budgets(table: Mapping[str, Any], where: str, task: Task) -> dict[str, dict[str, Budget]]:
    _check_keys(table, (*KINDS, WORST_CASE), f"{where}: budgets")
    return {
        kind: _metric_budgets(
            _table(table, kind, f"{where}: budgets"),
            f"{where}: budgets.{kind}",
            loss_names(task, kind),
        )
        for kind in table
    }


def _metric_budgets(
    table: Mapping[str, Any], where: str, metrics: tuple[str, ...]
) -> dict[str, Budget]:
    """Read the budget of accuracy, whose keys stand in the table itself, and the others'."""
    _check_keys(table, (*_BUDGET_KEYS, *metrics), where)
    found = {
        metric: _budget(_table(table, metric, where), f"{where}.{metric}")
        for metric in metrics
        if metric in table
    }
    own = {k: v for k, v in table.items() if k in _BUDGET_KEYS}
    return {ACCURACY: _budget(own, where, _BUDGET_KEYS), **found} if own else found


def _budget(
    table: Mapping[str, Any], where: str, keys: tuple[str, ...] = _METRIC_BUDGET_KEYS
) -> Budget:
    _check_keys(table, keys, where)
    try:
        return Budget(**table)
    except ConfigurationError as error:
        raise ConfigurationError(f"{where}: {error}") from None


def _check_keys(table: Mapping[str, Any], known: tuple[str, ...], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigurationError(f"{where}: " + unknown_name("key", key, known))


def _table(table: Mapping[str, Any], key: str, where: str) -> Mapping[str, Any]:
    value = table.get(key, {})
    if not isinstance(value, Mapping):
        raise ConfigurationError(f"{where}: {key} = {value!r} is not a table")
    return value


def _string(table: Mapping[str, Any], key: str, default: str, where: str) -> str:
    value = table.get(key, default)
    if not isinstance(value, str):
        raise ConfigurationError(f"{where}: {key} = {value!r} is not a string")
    return value
