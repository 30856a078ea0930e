"""Stored reports put together: many models on the same suites, whichever run measured them."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import ReportError
from pytest_ood.evaluation import ExampleScores
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports.results import ModelInfo
from pytest_ood.reports.text import MEASURE_WIDTH, one_line
from pytest_ood.shifts import WORST_CASE, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Row = Mapping[str, Any]

LEAST_MODELS = 2
SAME_EXAMPLES = 0.5
"""Where fewer of the examples are the same, they are taken to be others."""
INVALID = "invalid"


@dataclass(frozen=True)
class ShiftKey:
    """A shift of a suite.

    Attributes:
        kind: domain, noise or adversarial.
        name: Its name.
    """

    kind: str
    name: str


@dataclass(frozen=True)
class Tested:
    """What reports hold of a model in a suite.

    Attributes:
        info: What is known of it.
        report: Where that stands; of several reports, the last one.
        floor: In distribution, or None.
        drops: Under each shift, by accuracy.
    """

    info: ModelInfo
    report: str
    floor: Row | None
    drops: Mapping[ShiftKey, Row]

    @property
    def is_usable(self) -> bool:
        """Whether its accuracy in distribution says anything."""
        return self.floor is None or self.floor["verdict"] != INVALID


@dataclass(frozen=True)
class SuiteTogether:
    """A suite, and every model that was measured in it.

    Attributes:
        name: Of the suite.
        seed: Of all its runs.
        models: By name, in the order of the reports.
    """

    name: str
    seed: int
    models: Mapping[str, Tested]

    @property
    def shifts(self) -> list[ShiftKey]:
        """Those that two models or more were measured under, kind by kind."""
        found = {key: None for tested in self.models.values() for key in tested.drops}
        shared = [
            key
            for key in found
            if sum(key in tested.drops for tested in self.models.values()) >= LEAST_MODELS
        ]
        return sorted(shared, key=lambda key: kinds().index(key.kind))


@dataclass(frozen=True)
class Together:
    """Several reports as one.

    Attributes:
        alpha: One-sided level of every bound.
        suites: Those with two models or more.
        notes: What was left out, and what counts of several.
    """

    alpha: float
    suites: tuple[SuiteTogether, ...]
    notes: tuple[str, ...]


def put_together(reports: Sequence[tuple[str, Row]], *, newest_counts: bool) -> Together:
    """Put reports together.

    Args:
        reports: (what it is called, its plain values), the oldest first.
        newest_counts: Of a model that two reports hold differently, the later one counts; else
            that is an error.

    Raises:
        ReportError: there is no report, they differ in seed, level or data, they contradict each
            other, or no two models have a suite, or a shift, in common.
    """
    if not reports:
        raise ReportError("there is no report; give one at least")
    notes: list[str] = []
    found: dict[str, dict[str, Tested]] = {}
    seeds: dict[str, tuple[str, int]] = {}
    hashes: dict[str, tuple[str, str]] = {}
    shifted: dict[tuple[str, ShiftKey], tuple[str, Row]] = {}
    first, alpha = reports[0][0], reports[0][1]["alpha"]
    for name, report in reports:
        if report["alpha"] != alpha:
            raise ReportError(
                f"{first} and {name} have different levels: alpha {alpha:g} and "
                f"{report['alpha']:g}; measure all models with one"
            )
        for suite in _suites(report):
            where, seed = seeds.setdefault(suite, (name, report["seed"]))
            if seed != report["seed"]:
                raise ReportError(
                    f"suite {suite}: {where} has seed {seed}, {name} seed {report['seed']}: other "
                    "examples; give reports of one seed (--ood-seed)"
                )
            models = found.setdefault(suite, {})
            for tested in _tested(name, report, suite):
                _check_data(suite, tested, hashes)
                _check_shifts(suite, tested, shifted)
                old = models.get(tested.info.name)
                models[tested.info.name] = (
                    tested
                    if old is None
                    else _merged(suite, old, tested, notes, newest_counts=newest_counts)
                )
    suites = tuple(_kept(found, seeds, notes))
    return Together(alpha, suites, tuple(notes))


def _kept(
    found: Mapping[str, Mapping[str, Tested]],
    seeds: Mapping[str, tuple[str, int]],
    notes: list[str],
) -> list[SuiteTogether]:
    """Return the suites that two models or more have a shift of in common, and note the others."""
    suites = [SuiteTogether(name, seeds[name][1], models) for name, models in found.items()]
    kept = []
    for suite in suites:
        if len(suite.models) < LEAST_MODELS:
            notes.append(f"suite {suite.name} is left out: one model ({next(iter(suite.models))})")
        elif not suite.shifts:
            notes.append(
                f"suite {suite.name} is left out: no two of its {len(suite.models)} models were "
                "measured under the same shift"
            )
        else:
            kept.append(suite)
            notes += _early(suite) + _measure(suite)
            shared = suite.shifts
            for name, tested in suite.models.items():
                alone = [key.name for key in tested.drops if key not in shared]
                if alone:
                    notes.append(
                        f"suite {suite.name}: {', '.join(alone)} left out: measured of {name} alone"
                    )
    if not kept:
        told = "; ".join(notes) or "the reports hold no drop of accuracy"
        raise ReportError(
            f"there is nothing to compare: {told}. A study needs two models or more under one "
            "shift, in one report or in several"
        )
    return kept


def _early(suite: SuiteTogether) -> list[str]:
    """Say that figures rest on fewer examples than there were, as their verdicts were settled."""
    drops = [drop for tested in suite.models.values() for drop in tested.drops.values()]
    early = sum(drop["drawn"] < drop["planned"] for drop in drops)
    if not early:
        return []
    return [
        f"suite {suite.name}: {early} of {len(drops)} drops were settled early, on fewer examples "
        "than there were, and each model on others; for a study, `sequential = false` in "
        "[tool.pytest_ood] asks them all"
    ]


def _measure(suite: SuiteTogether) -> list[str]:
    """Say what is called accuracy, where it is another measure."""
    found = {
        drop.get("measure", ACCURACY) for t in suite.models.values() for drop in t.drops.values()
    }
    told = " or ".join(one_line(name, MEASURE_WIDTH) for name in sorted(found - {ACCURACY}))
    return [f"suite {suite.name}: what is called accuracy is {told}"] if told else []


def _suites(report: Row) -> list[str]:
    rows = (*report["in_distribution"], *report["evaluations"])
    return list(dict.fromkeys(row["suite"] for row in rows))


def _tested(name: str, report: Row, suite: str) -> list[Tested]:
    """Return the models that a report has measured in a suite."""
    known = {f.name for f in fields(ModelInfo)}
    infos = {
        m["name"]: ModelInfo(**{key: m[key] for key in known if key in m})
        for m in report["models"]
        if m["suite"] == suite
    }
    floors = {f["model"]: f for f in report["in_distribution"] if f["suite"] == suite}
    drops: dict[str, dict[ShiftKey, Row]] = {}
    for e in report["evaluations"]:
        # The worst of all noise, and attacks on the prompt, are of other examples than they seem.
        measured = e["metric"] == ACCURACY and e["shift"] != WORST_CASE and e["prompt"] is None
        if e["suite"] == suite and measured:
            drops.setdefault(e["model"], {})[ShiftKey(e["kind"], e["shift"])] = e
    models = dict.fromkeys([*infos, *floors, *drops])
    return [
        Tested(
            infos.get(model) or ModelInfo(suite, model, "other", "", {}, baseline=False),
            name,
            floors.get(model),
            drops.get(model, {}),
        )
        for model in models
        if model in floors or model in drops
    ]


def _check_data(suite: str, tested: Tested, hashes: dict[str, tuple[str, str]]) -> None:
    """Refuse models that were not measured on the same examples.

    Raises:
        ReportError: they were not.
    """
    if tested.floor is None:
        return
    where, known = hashes.setdefault(suite, (tested.report, tested.floor["data_hash"]))
    if known != tested.floor["data_hash"]:
        raise ReportError(
            f"suite {suite}: {where} and {tested.report} are of other examples in distribution; "
            "measure all models with the same data, --ood-seed and --ood-max-examples"
        )


def _check_shifts(
    suite: str, tested: Tested, seen: dict[tuple[str, ShiftKey], tuple[str, Row]]
) -> None:
    """Refuse models that two reports measured on other examples under a shift of one name.

    Raises:
        ReportError: they did.
    """
    for key, drop in tested.drops.items():
        where, other = seen.setdefault((suite, key), (tested.report, drop))
        if where != tested.report and not _same_examples(drop, other):
            raise ReportError(
                f"suite {suite}: {where} and {tested.report} are of other examples under "
                f"{key.kind}/{key.name}; measure all models with the same data and generators"
            )


def _same_examples(one: Row, other: Row) -> bool:
    """Tell whether half of the examples or more are the same, as far as reports tell."""
    if one["shifted_set_hash"] == other["shifted_set_hash"]:
        return True
    try:
        first, second = (ExampleScores.from_record(row["items"]).hashes for row in (one, other))
    except (TypeError, ValueError):
        return True
    return len(np.intersect1d(first, second)) >= SAME_EXAMPLES * min(len(first), len(second))


def _merged(
    suite: str, old: Tested, new: Tested, notes: list[str], *, newest_counts: bool
) -> Tested:
    """Return what two reports hold of one model.

    Raises:
        ReportError: they contradict each other, and that is not to be settled by their order.
    """
    why = _contradiction(old, new)
    if why and not newest_counts:
        raise ReportError(
            f"{old.report} and {new.report} contradict each other: model {new.info.name} of suite "
            f"{suite} {why}; give one of them, or rename a model"
        )
    if why:
        notes.append(
            f"{new.info.name} of suite {suite} {why}: {new.report} counts, not {old.report}"
        )
        return new
    facts = ("base", "size", "training_examples", "shots")
    known = {key: getattr(old.info, key) for key in facts if getattr(new.info, key) is None}
    return replace(
        new,
        info=replace(new.info, **known),
        floor=new.floor or old.floor,
        drops={**old.drops, **new.drops},
    )


def _contradiction(old: Tested, new: Tested) -> str:
    """Say in what two reports differ on a model; "" where they agree."""
    first, second = old.info.fingerprint, new.info.fingerprint
    if None not in (first, second) and first != second:
        return "is another model there (another fingerprint)"
    pairs = [(old.drops[key], new.drops[key], key.name) for key in old.drops if key in new.drops]
    if old.floor is not None and new.floor is not None:
        pairs.append((old.floor, new.floor, "in distribution"))
    for was, now, where in pairs:
        for figure in ("score", "score_id", "score_ood", "n"):
            if was.get(figure) != now.get(figure):
                return f"has other figures there ({where}: {figure})"
    return ""
