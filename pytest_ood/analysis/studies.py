"""What many models come to side by side: robustness beyond accuracy, scale, data efficiency."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.analysis.merge import SAME_EXAMPLES
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.statistics import Estimate, estimate, paired_drop, unpaired_drop
from pytest_ood.statistics.learning import LearningPoint, Passing, passing
from pytest_ood.statistics.proportions import Proportion
from pytest_ood.statistics.robustness import (
    AXES,
    Accuracies,
    effective_robustness,
    fit_line,
    why_no_line,
)
from pytest_ood.statistics.scaling import Scaling, scaling
from pytest_ood.utils.seeding import derive_seed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.analysis.merge import MeasuredModel, MergedReports, MergedSuite, ShiftKey
    from pytest_ood.evaluation import Evaluation, ModelInfo
    from pytest_ood.statistics.robustness import Axis, Line

PROMPTED = "prompted"
FINE_TUNED = "fine-tuned"
ZERO_ONE = {0.0, 1.0}
LEAST_CURVE = 2


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A model under a shift.

    Attributes:
        info: The model.
        before: Its accuracy in distribution, on the examples compared.
        after: Its accuracy under the shift.
        drop: As the report has it; None of cases, of which single answers in distribution are no
            measure.
        usable: Neither is the drop invalid: a model that knows nothing is not robust.
        on_line: It is one of the baselines that the line goes through.
        effective: Effective robustness by axis; empty of a baseline, and where there is no line.
        outside: Its accuracy in distribution lies outside of the baselines': the line is extended.
        relative: How much more accurate it is under the shift than the reference; None of that one
            itself, and where there is none.
    """

    info: ModelInfo
    before: Estimate
    after: Estimate
    drop: Estimate | None
    usable: bool
    on_line: bool
    effective: Mapping[Axis, Estimate]
    outside: bool
    relative: Estimate | None


@dataclass(frozen=True, kw_only=True)
class ShiftStudy:
    """All models under one shift.

    Attributes:
        key: The shift.
        entries: One a model.
        lines: The baselines' line on each axis; empty where there is none.
        no_line: Why there is none; "" where there is one.
        left_out: (name, reason) of models whose drop says nothing: too few examples were changed,
            or got an answer.
    """

    key: ShiftKey
    entries: tuple[Entry, ...]
    lines: Mapping[Axis, Line]
    no_line: str
    left_out: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A figure over the size of models of one kind.

    Attributes:
        figure: "accuracy" or "drop".
        shift: Under which; None in distribution.
        kind: Of the models: their paradigm, those without pre-training apart.
        models: (name, size, figure) of each.
        result: The fits, and which of them holds.
    """

    figure: str
    shift: ShiftKey | None
    kind: str
    models: tuple[tuple[str, int, Estimate], ...]
    result: Scaling


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A learning curve: what was made of one base with more and more labelled examples.

    Attributes:
        name: Of the base; of one model, or of several prompts of a base, of the models.
        prompted: The examples are shots; else they were trained on.
        points: (labelled examples, accuracy), rising; of several models with as many, their mean.
        models: Names of the models.
    """

    name: str
    prompted: bool
    points: tuple[tuple[int, Estimate], ...]
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The learning curves under a shift, or in distribution.

    Attributes:
        shift: None in distribution.
        curves: Those trained first.
        passings: (trained curve, prompted curve, where the first passes the second).
    """

    shift: ShiftKey | None
    curves: tuple[Curve, ...]
    passings: tuple[tuple[Curve, Curve, Passing], ...]


@dataclass(frozen=True, kw_only=True)
class SuiteStudy:
    """All there is to say of a suite.

    Attributes:
        name: Of the suite.
        seed: Of its runs.
        models: Those that were measured.
        baselines: Names of those that lines go through; none that knows nothing in distribution.
        reference: Name of the model that relative robustness compares with; None without one.
        shifts: Robustness under each.
        unsized: Names of models whose size nobody knows, which no scaling counts.
        scales: Figures over sizes.
        learning: Learning curves; empty where there is none to compare.
    """

    name: str
    seed: int
    models: tuple[ModelInfo, ...]
    baselines: tuple[str, ...]
    reference: str | None
    shifts: tuple[ShiftStudy, ...]
    unsized: tuple[str, ...]
    scales: tuple[Scale, ...]
    learning: tuple[Learning, ...]


@dataclass(frozen=True, kw_only=True)
class Study:
    """A study of many models.

    Attributes:
        alpha: One-sided level of every bound.
        seed: Of the bootstrap.
        reports: What the reports are called.
        suites: One by one.
        notes: What was left out, and why.
    """

    alpha: float
    seed: int
    reports: tuple[str, ...]
    suites: tuple[SuiteStudy, ...]
    notes: tuple[str, ...]


def build_study(
    merged: MergedReports,
    reports: Sequence[str],
    *,
    baselines: Sequence[str] = (),
    reference: str | None = None,
    seed: int = 0,
) -> Study:
    """Study models side by side.

    Args:
        merged: The results of all models.
        reports: What the reports are called.
        baselines: Names of the models that lines go through; those that were trained on data in
            distribution, which is those of the paradigm "fine-tuned", where none is named.
        reference: Name of the model that relative robustness compares with; the one that the
            reports mark as the baseline, where none is named.
        seed: Of the bootstrap.

    Raises:
        ConfigurationError: there is no model of a given name.
    """
    names_measured = {name for suite in merged.suites for name in suite.models}
    named = {"--baseline": baselines, "--reference": () if reference is None else (reference,)}
    for option, names in named.items():
        for name in names:
            if name not in names_measured:
                raise ConfigurationError(
                    f"{option}: " + unknown_name("model", name, names_measured)
                )
    suites = tuple(
        _suite(suite, merged.alpha, tuple(baselines), reference, seed) for suite in merged.suites
    )
    return Study(
        alpha=merged.alpha, seed=seed, reports=tuple(reports), suites=suites, notes=merged.notes
    )


def _suite(
    suite: MergedSuite, alpha: float, named: tuple[str, ...], reference: str | None, seed: int
) -> SuiteStudy:
    infos = tuple(model.info for model in suite.models.values())
    baselines = tuple(
        info.name
        for info in infos
        if suite.models[info.name].is_usable
        and (info.name in named if named else info.paradigm == FINE_TUNED)
    )
    marked = [info.name for info in infos if info.baseline]
    chosen = reference if reference is not None else marked[0] if len(marked) == 1 else None
    if chosen not in suite.models:
        chosen = None
    shifts = tuple(
        _shift(suite, key, baselines, chosen, alpha=alpha, seed=seed) for key in suite.shifts
    )
    return SuiteStudy(
        name=suite.name,
        seed=suite.seed,
        models=infos,
        baselines=baselines,
        reference=chosen,
        shifts=shifts,
        unsized=tuple(info.name for info in infos if info.size is None),
        scales=tuple(_scales(suite, shifts, alpha)),
        learning=tuple(_learning(suite, shifts, alpha, seed)),
    )


def _rng(seed: int, parts: Sequence[str]) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "study", *parts))


# Robustness


def _shift(
    suite: MergedSuite,
    key: ShiftKey,
    baselines: tuple[str, ...],
    reference: str | None,
    *,
    alpha: float,
    seed: int,
) -> ShiftStudy:
    measured = {
        name: (model, model.drops[key])
        for name, model in suite.models.items()
        if key in model.drops
    }
    valid = {name: both for name, both in measured.items() if _is_valid(*both)}
    left_out = tuple((n, drop.reason) for n, (_, drop) in measured.items() if n not in valid)
    usable = {name for name, (_, drop) in valid.items() if drop.verdict != "invalid"}
    accuracies = {name: _accuracies(drop) for name, (_, drop) in valid.items()}
    line_of = [accuracies[name] for name in baselines if name in usable]
    no_line = why_no_line(line_of)
    lines = {} if no_line else {axis: fit_line(line_of, axis) for axis in AXES}
    entries = []
    for name, (model, drop) in valid.items():
        own = accuracies[name]
        effective: dict[Axis, Estimate] = {}
        if lines and name in usable and name not in baselines:
            for axis in AXES:
                rng = _rng(seed, (suite.name, key.kind, key.name, name, axis))
                effective[axis] = effective_robustness(own, line_of, axis, alpha, rng)
        relative = None
        if reference in valid and name != reference:
            relative = _relative(drop, valid[reference][1], alpha)
        entries.append(
            Entry(
                info=model.info,
                before=_share(own.before, own.n_before, alpha),
                after=_share(own.after, own.n_after, alpha),
                drop=None if drop.case_inputs else drop.drop,
                usable=name in usable,
                on_line=name in baselines and name in usable,
                effective=effective,
                outside=any(not line.holds(own.before) for line in lines.values()),
                relative=relative,
            )
        )
    return ShiftStudy(
        key=key, entries=tuple(entries), lines=lines, no_line=no_line, left_out=left_out
    )


def _is_valid(model: MeasuredModel, drop: Evaluation) -> bool:
    """Tell whether an accuracy says something, if only that a model knows nothing."""
    return bool(drop.n) and (drop.verdict != "invalid" or not model.is_usable)


def _accuracies(drop: Evaluation) -> Accuracies:
    before, after, n = drop.score_in_distribution, drop.score_under_shift, drop.n
    if not drop.paired:
        n_before = sum(counts.n_in_distribution for counts in drop.per_label) or drop.drawn
        return Accuracies(before, after, max(1, n_before), n)
    both = None
    counted = drop.items is not None and set(drop.items.scores.values) <= ZERO_ONE
    if counted and len(drop.seed_drops) <= 1:
        # Of those right before, all but the flipped are right after.
        share = before - drop.flipped / n
        if 0.0 <= share <= min(before, after) + 1e-9:
            both = min(share, before, after)
    return Accuracies(before, after, n, n, both)


def _share(accuracy: float, n: int, alpha: float) -> Estimate:
    """Return an accuracy with its binomial interval, exact where it is a number of right answers.

    Scores between 0 and 1 vary less than those that are either.
    """
    proportion = Proportion(round(accuracy * n), n)
    low, high = proportion.bounds(alpha)
    return Estimate(accuracy, min(low, accuracy), max(high, accuracy), n, proportion.spread)


def _relative(mine: Evaluation, other: Evaluation, alpha: float) -> Estimate:
    """Return how much more accurate a model is under a shift (Taori et al. 2020, section 2)."""
    first, second = mine.items, other.items
    if first is not None and second is not None:
        one, two = first.common(second)
        if len(one) >= SAME_EXAMPLES * min(len(first.hashes), len(second.hashes)) and len(one):
            return estimate(paired_drop(one, two), alpha)
    return estimate(unpaired_drop(_answers(mine), _answers(other)), alpha)


def _answers(drop: Evaluation) -> list[float]:
    """Return as many right and wrong answers as a model gave under a shift."""
    right = round(drop.score_under_shift * drop.n)
    return [1.0] * right + [0.0] * (drop.n - right)


# Scale


def _scales(suite: MergedSuite, shifts: Sequence[ShiftStudy], alpha: float) -> list[Scale]:
    tables: list[tuple[str, ShiftKey | None, dict[str, Estimate]]] = [
        ("accuracy", None, _floors(suite))
    ]
    for shift in shifts:
        tables += [
            ("accuracy", shift.key, {e.info.name: e.after for e in shift.entries}),
            (
                "drop",
                shift.key,
                {e.info.name: e.drop for e in shift.entries if e.drop is not None},
            ),
        ]
    infos = [model.info for model in suite.models.values() if model.info.size is not None]
    scales = []
    for figure, key, values in tables:
        for kind in dict.fromkeys(info.kind for info in infos):
            chosen = _taught_alike([i for i in infos if i.kind == kind and i.name in values])
            models = tuple((i.name, i.size, values[i.name]) for i in chosen if i.size is not None)
            if models:
                sizes = [float(size) for _, size, _ in models]
                result = scaling(sizes, [value.value for _, _, value in models], alpha)
                scales.append(
                    Scale(figure=figure, shift=key, kind=kind, models=models, result=result)
                )
    return scales


def _taught_alike(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Return of each size the models with the number of labelled examples that most sizes have.

    Of numbers that as many sizes have, the largest: so size differs, and as little else as may be.
    """

    def taught(info: ModelInfo) -> int:
        """Return the number of labelled examples that a model has learned from."""
        return (info.training_examples or 0) + (info.shots or 0)

    common = Counter(count for _, count in {(info.size, taught(info)) for info in infos})
    chosen: dict[int | None, int] = {}
    for info in infos:
        counts = {taught(other) for other in infos if other.size == info.size}
        chosen[info.size] = max(counts, key=lambda count: (common[count], count))
    return [info for info in infos if taught(info) == chosen[info.size]]


def _floors(suite: MergedSuite) -> dict[str, Estimate]:
    return {
        name: floor.score
        for name, model in suite.models.items()
        if (floor := model.floor) is not None and floor.n
    }


# Data efficiency


def _learning(
    suite: MergedSuite, shifts: Sequence[ShiftStudy], alpha: float, seed: int
) -> list[Learning]:
    """Return learning curves in distribution and under each shift, where a base was taught twice.

    A base is taught twice where it was trained on two numbers of examples, or shown two.
    """
    infos = [model.info for model in suite.models.values()]
    tables: list[tuple[ShiftKey | None, dict[str, Estimate]]] = [(None, _floors(suite))]
    tables += [(s.key, {e.info.name: e.after for e in s.entries}) for s in shifts]
    curves_by_shift = []
    for key, values in tables:
        curves = _curves([info for info in infos if info.name in values], values)
        trained = [c for c in curves if not c.prompted and len(c.points) >= LEAST_CURVE]
        prompted = [c for c in curves if c.prompted]
        taught = [c for c in prompted if len(c.points) >= LEAST_CURVE]
        if not trained and not taught:
            continue
        shown = (*trained, *prompted)
        where = "in-distribution" if key is None else f"{key.kind}/{key.name}"
        passings = tuple(
            (
                mine,
                theirs,
                passing(
                    _points(mine),
                    _points(theirs),
                    alpha,
                    _rng(seed, (suite.name, where, mine.name, theirs.name)),
                ),
            )
            for mine in trained
            for theirs in prompted
        )
        curves_by_shift.append(Learning(shift=key, curves=shown, passings=passings))
    return curves_by_shift


def _points(curve: Curve) -> list[LearningPoint]:
    return [LearningPoint(count, score.value, score.n) for count, score in curve.points]


def _curves(infos: Sequence[ModelInfo], values: Mapping[str, Estimate]) -> list[Curve]:
    groups: dict[tuple[bool, str, str], list[ModelInfo]] = {}
    for info in infos:
        prompted = info.paradigm == PROMPTED
        count = info.shots if prompted else info.training_examples
        if count is not None:
            # Another prompt of the same model is another curve; a recipe goes with the examples.
            settings = {k: v for k, v in info.parameters.items() if prompted and k not in OF_SHOTS}
            key = (
                prompted,
                info.base or info.name,
                json.dumps(settings, sort_keys=True, default=repr),
            )
            groups.setdefault(key, []).append(info)
    bases = Counter((prompted, base) for prompted, base, _ in groups)
    curves = []
    for (prompted, base, _), group in groups.items():
        names = [info.name for info in group]
        alone = bases[prompted, base] == 1 and len(group) > 1
        curves.append(_curve(base if alone else ", ".join(names), group, values))
    return curves


OF_SHOTS = ("shots", "seeds", "device")
"""Parameters that make no other prompt of it."""


def _curve(name: str, group: Sequence[ModelInfo], values: Mapping[str, Estimate]) -> Curve:
    prompted = group[0].paradigm == PROMPTED
    counts: dict[int, list[Estimate]] = {}
    for info in group:
        count = info.shots if prompted else info.training_examples
        assert count is not None, "unreachable because only models with a count are grouped"
        counts.setdefault(count, []).append(values[info.name])
    points = tuple((count, _mean(scores)) for count, scores in sorted(counts.items()))
    return Curve(
        name=name,
        prompted=prompted,
        points=points,
        models=tuple(info.name for info in group),
    )


def _mean(estimates: Sequence[Estimate]) -> Estimate:
    """Average figures of the same examples, and their bounds, as if they erred merged."""
    value, low, high = (
        float(np.mean([getattr(e, part) for e in estimates])) for part in ("value", "low", "high")
    )
    return Estimate(value, low, high, min(e.n for e in estimates), 0.0)
