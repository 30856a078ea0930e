"""Stored reports merged into one: many models on the same suites, from one run or several."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.errors import ReportError
from pytest_ood.evaluation import ModelInfo, PromptAttackDetails
from pytest_ood.metrics import ACCURACY
from pytest_ood.shifts import WORST, kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.analysis.report import Report
    from pytest_ood.evaluation import Evaluation, Floor

LEAST_MODELS = 2
SAME_EXAMPLES = 0.5
"""With a smaller share of common examples, two results count as on different examples."""
INVALID = "invalid"
FACTS = ("base", "size", "training_examples", "shots")


@dataclass(frozen=True)
class ShiftKey:
    """A shift of a suite.

    Attributes:
        kind: Kind of shift, such as domain, noise or adversarial.
        name: Its name.
    """

    kind: str
    name: str


@dataclass(frozen=True, kw_only=True)
class MeasuredModel:
    """The results of a model in a suite.

    Attributes:
        info: Its description.
        report: The name of the report; of several, the last one.
        floor: Its score in distribution, or None.
        drops: Its drop of accuracy under each shift.
    """

    info: ModelInfo
    report: str
    floor: Floor | None
    drops: Mapping[ShiftKey, Evaluation]

    @property
    def is_usable(self) -> bool:
        """Whether its accuracy in distribution is valid."""
        return self.floor is None or self.floor.verdict != INVALID


@dataclass(frozen=True, kw_only=True)
class MergedSuite:
    """A suite with every model that was measured in it.

    Attributes:
        name: The suite's name.
        seed: The seed of all its runs.
        models: By name, in the order of the reports.
    """

    name: str
    seed: int
    models: Mapping[str, MeasuredModel]

    @property
    def shifts(self) -> list[ShiftKey]:
        """The shifts that two models or more were measured under, kind by kind."""
        keys = {key: None for model in self.models.values() for key in model.drops}
        shared = [
            key
            for key in keys
            if sum(key in model.drops for model in self.models.values()) >= LEAST_MODELS
        ]
        return sorted(shared, key=lambda key: kinds().index(key.kind))


@dataclass(frozen=True, kw_only=True)
class MergedReports:
    """Several reports as one.

    Attributes:
        alpha: One-sided level of every bound.
        suites: Those with two models or more.
        notes: What was left out, and which of contradicting results counts.
    """

    alpha: float
    suites: tuple[MergedSuite, ...]
    notes: tuple[str, ...]


def merge_reports(reports: Sequence[tuple[str, Report]], *, newest_counts: bool) -> MergedReports:
    """Merge reports.

    Args:
        reports: (name, report), the oldest first.
        newest_counts: Whether the later of two reports counts if they differ on a model; else that
            is an error.

    Raises:
        ReportError: there is no report, they differ in seed, level or data, they contradict each
            other, or no two models have a suite, or a shift, in common.
    """
    if not reports:
        raise ReportError("there is no report; give one at least")
    notes: list[str] = []
    by_suite: dict[str, dict[str, MeasuredModel]] = {}
    seeds: dict[str, tuple[str, int]] = {}
    hashes: dict[str, tuple[str, str]] = {}
    shifted: dict[tuple[str, ShiftKey], tuple[str, Evaluation]] = {}
    first, alpha = reports[0][0], reports[0][1].rules.alpha
    for name, report in reports:
        if report.rules.alpha != alpha:
            raise ReportError(
                f"{first} and {name} have different levels: alpha {alpha:g} and "
                f"{report.rules.alpha:g}; measure all models with one"
            )
        suites = [f.suite for f in report.in_distribution] + [e.suite for e in report.evaluations]
        for suite in dict.fromkeys(suites):
            other, seed = seeds.setdefault(suite, (name, report.seed))
            if seed != report.seed:
                raise ReportError(
                    f"suite {suite}: {other} has seed {seed}, {name} seed {report.seed}: other "
                    "examples; give reports of one seed (--ood-seed)"
                )
            models = by_suite.setdefault(suite, {})
            for model in _measured_models(name, report, suite):
                _check_data(suite, model, hashes)
                _check_shifts(suite, model, shifted)
                old = models.get(model.info.name)
                if old is None:
                    models[model.info.name] = model
                    continue
                models[model.info.name], note = _merge_models(
                    suite, old, model, newest_counts=newest_counts
                )
                notes += [note] if note else []
    merged = [
        MergedSuite(name=name, seed=seeds[name][1], models=models)
        for name, models in by_suite.items()
    ]
    comparable, more = _comparable_suites(merged)
    notes += more
    if not comparable:
        why = "; ".join(notes) or "the reports hold no drop of accuracy"
        raise ReportError(
            f"there is nothing to compare: {why}. A study needs two models or more under one "
            "shift, in one report or in several"
        )
    return MergedReports(alpha=alpha, suites=tuple(comparable), notes=tuple(notes))


def _comparable_suites(suites: Sequence[MergedSuite]) -> tuple[list[MergedSuite], list[str]]:
    """Return the suites with a shift that two models or more share, and notes on the others."""
    comparable: list[MergedSuite] = []
    notes: list[str] = []
    for suite in suites:
        if len(suite.models) < LEAST_MODELS:
            notes.append(f"suite {suite.name} is left out: one model ({next(iter(suite.models))})")
        elif not suite.shifts:
            notes.append(
                f"suite {suite.name} is left out: no two of its {len(suite.models)} models were "
                "measured under the same shift"
            )
        else:
            comparable.append(suite)
            notes += _caveats(suite)
            shared = suite.shifts
            for name, model in suite.models.items():
                alone = [key.name for key in model.drops if key not in shared]
                if alone:
                    notes.append(
                        f"suite {suite.name}: {', '.join(alone)} left out: measured of {name} alone"
                    )
    return comparable, notes


def _caveats(suite: MergedSuite) -> list[str]:
    """Note drops on fewer examples than there are, and scores other than accuracy."""
    drops = [drop for model in suite.models.values() for drop in model.drops.values()]
    notes = []
    early = sum(drop.stopped for drop in drops)
    if early:
        notes.append(
            f"suite {suite.name}: {early} of {len(drops)} drops were settled early, on fewer "
            "examples than there were, and each model on others; for a study, `sequential = false` "
            "in [tool.pytest_ood] asks them all"
        )
    others = sorted({drop.score_name for drop in drops} - {ACCURACY})
    if others:
        notes.append(f"suite {suite.name}: what is called accuracy is {' or '.join(others)}")
    return notes


def _measured_models(name: str, report: Report, suite: str) -> list[MeasuredModel]:
    """Return the models that a report has results of in a suite."""
    infos = {m.name: m for m in report.models if m.suite == suite}
    floors = {f.model: f for f in report.in_distribution if f.suite == suite}
    drops: dict[str, dict[ShiftKey, Evaluation]] = {}
    for e in report.evaluations:
        # The worst case of noise selects other texts for every model, the worst domain may be
        # another for each, and an attack on the prompt changes no example: none of them can be
        # compared example by example.
        on_prompt = isinstance(e.details, PromptAttackDetails)
        if e.suite == suite and e.metric == ACCURACY and e.shift not in WORST and not on_prompt:
            drops.setdefault(e.model, {})[ShiftKey(e.kind, e.shift)] = e
    return [
        MeasuredModel(
            info=infos.get(model) or ModelInfo(suite=suite, name=model),
            report=name,
            floor=floors.get(model),
            drops=drops.get(model, {}),
        )
        for model in dict.fromkeys([*infos, *floors, *drops])
        if model in floors or model in drops
    ]


def _check_data(suite: str, model: MeasuredModel, hashes: dict[str, tuple[str, str]]) -> None:
    """Refuse models that were measured on different examples.

    Raises:
        ReportError: the examples in distribution differ.
    """
    if model.floor is None:
        return
    other, data_hash = hashes.setdefault(suite, (model.report, model.floor.data_hash))
    if data_hash != model.floor.data_hash:
        raise ReportError(
            f"suite {suite}: {other} and {model.report} are of other examples in distribution; "
            "measure all models with the same data, --ood-seed and --ood-max-examples"
        )


def _check_shifts(
    suite: str, model: MeasuredModel, seen: dict[tuple[str, ShiftKey], tuple[str, Evaluation]]
) -> None:
    """Refuse models that two reports measured on different examples under a shift of one name.

    Raises:
        ReportError: the examples under a shift differ.
    """
    for key, drop in model.drops.items():
        report, other = seen.setdefault((suite, key), (model.report, drop))
        if report != model.report and not _same_examples(drop, other):
            raise ReportError(
                f"suite {suite}: {report} and {model.report} are of other examples under "
                f"{key.kind}/{key.name}; measure all models with the same data and generators"
            )


def _same_examples(one: Evaluation, other: Evaluation) -> bool:
    """Return whether at least half of the examples are the same, or cannot be compared."""
    if one.shifted_set_hash == other.shifted_set_hash or one.items is None or other.items is None:
        return True
    first, second = one.items.hashes, other.items.hashes
    return len(np.intersect1d(first, second)) >= SAME_EXAMPLES * min(len(first), len(second))


def _merge_models(
    suite: str, old: MeasuredModel, new: MeasuredModel, *, newest_counts: bool
) -> tuple[MeasuredModel, str]:
    """Return the results of one model in two reports, and a note if they contradict each other.

    Raises:
        ReportError: they contradict each other, and the newest does not count.
    """
    why = _contradiction(old, new)
    if why and not newest_counts:
        raise ReportError(
            f"{old.report} and {new.report} contradict each other: model {new.info.name} of suite "
            f"{suite} {why}; give one of them, or rename a model"
        )
    if why:
        note = f"{new.info.name} of suite {suite} {why}: {new.report} counts, not {old.report}"
        return new, note
    facts = {key: getattr(old.info, key) for key in FACTS if getattr(new.info, key) is None}
    merged = replace(
        new,
        info=replace(new.info, **facts),
        floor=new.floor or old.floor,
        drops={**old.drops, **new.drops},
    )
    return merged, ""


def _contradiction(old: MeasuredModel, new: MeasuredModel) -> str:
    """Return the difference between two reports on a model; "" if they agree."""
    first, second = old.info.fingerprint, new.info.fingerprint
    if None not in (first, second) and first != second:
        return "is another model there (another fingerprint)"
    for key in (key for key in old.drops if key in new.drops):
        was, now = old.drops[key], new.drops[key]
        for figure in ("score_in_distribution", "score_under_shift", "n"):
            if getattr(was, figure) != getattr(now, figure):
                return f"has other figures there ({key.name}: {figure})"
    if old.floor is not None and new.floor is not None:
        if old.floor.score.value != new.floor.score.value:
            return "has other figures there (in distribution: score)"
        if old.floor.n != new.floor.n:
            return "has other figures there (in distribution: n)"
    return ""
