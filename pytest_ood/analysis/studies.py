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
        before: The accuracy in distribution, on the compared examples.
        after: The accuracy under the shift.
        drop: The drop of the report; None for cases, which single answers in distribution do not
            correspond to.
        usable: Whether the drop is valid: a model that has not learned the task is not robust.
        on_line: Whether it is one of the baselines that the line is fitted to.
        effective: The effective robustness on each axis; empty for a baseline, and without a line.
        outside: Whether its accuracy in distribution is outside the range of the baselines', so
            that the line is extrapolated.
        relative: How much more accurate it is under the shift than the reference; None for the
            reference itself, and without one.
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
        entries: The entry of each model.
        lines: The baselines' line on each axis; empty without a line.
        no_line: The reason why there is no line, or "".
        left_out: (name, reason) of models without a meaningful drop: too few examples were changed,
            or were answered.
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
        shift: The shift; None for in distribution.
        kind: The kind of the models: their paradigm, and whether they were pre-trained.
        models: (name, size, figure) of each model.
        result: The fits, and the one that holds.
    """

    figure: str
    shift: ShiftKey | None
    kind: str
    models: tuple[tuple[str, int, Estimate], ...]
    result: Scaling


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A learning curve: models of one base with increasing numbers of labelled examples.

    Attributes:
        name: The name of the base; if it has several curves, or one model, the models' names.
        prompted: Whether the examples are shots; otherwise the models were trained on them.
        points: (labelled examples, accuracy), ascending; the mean over models with equal numbers.
        models: The names of the models.
    """

    name: str
    prompted: bool
    points: tuple[tuple[int, Estimate], ...]
    models: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Learning:
    """The learning curves under a shift, or in distribution.

    Attributes:
        shift: The shift; None for in distribution.
        curves: The curves, those of trained models first.
        passings: (trained curve, prompted curve, the point where the first passes the second).
    """

    shift: ShiftKey | None
    curves: tuple[Curve, ...]
    passings: tuple[tuple[Curve, Curve, Passing], ...]


@dataclass(frozen=True, kw_only=True)
class SuiteStudy:
    """The study of one suite.

    Attributes:
        name: The suite's name.
        seed: The seed of its runs.
        models: The measured models.
        baselines: The names of the models that lines are fitted to; invalid ones are left out.
        reference: The name of the model that relative robustness compares with, or None.
        shifts: The robustness under each shift.
        unsized: The names of models of unknown size, which scaling leaves out.
        scales: Figures over the size of models.
        learning: The learning curves; empty if none has two points.
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
        alpha: The one-sided level of every bound.
        seed: The seed of the bootstrap.
        reports: The names of the reports.
        suites: The study of each suite.
        notes: What was left out, with the reasons.
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
        reports: The names of the reports.
        baselines: The names of the models that lines are fitted to; by default those trained on
            in-distribution data, which are those of the paradigm "fine-tuned".
        reference: The name of the model that relative robustness compares with; by default the one
            that the reports mark as the baseline.
        seed: The seed of the bootstrap.

    Raises:
        ConfigurationError: a model does not exist.
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
    """Return whether an accuracy is meaningful, even if it shows that the model is invalid."""
    return bool(drop.n) and (drop.verdict != "invalid" or not model.is_usable)


def _accuracies(drop: Evaluation) -> Accuracies:
    before, after, n = drop.score_in_distribution, drop.score_under_shift, drop.n
    if not drop.paired:
        n_before = sum(counts.n_in_distribution for counts in drop.per_label) or drop.drawn
        return Accuracies(before, after, max(1, n_before), n)
    both = None
    counted = drop.items is not None and set(drop.items.scores.values) <= ZERO_ONE
    if counted and len(drop.seed_drops) <= 1:
        # Examples that are right on both sides are those right before, except for the flipped. With
        # them the covariance of the two accuracies is known, and the errors are tighter.
        share = before - drop.flipped / n
        if 0.0 <= share <= min(before, after) + 1e-9:
            both = min(share, before, after)
    return Accuracies(before, after, n, n, both)


def _share(accuracy: float, n: int, alpha: float) -> Estimate:
    """Return an accuracy with its binomial interval.

    The interval is exact if all scores are 0 or 1, and conservative for scores between, which vary
    less.
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
    """Return a model's scores under a shift as ones and zeros, in no particular order."""
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
            chosen = _with_common_examples(
                [i for i in infos if i.kind == kind and i.name in values]
            )
            models = tuple((i.name, i.size, values[i.name]) for i in chosen if i.size is not None)
            if models:
                sizes = [float(size) for _, size, _ in models]
                result = scaling(sizes, [value.value for _, _, value in models], alpha)
                scales.append(
                    Scale(figure=figure, shift=key, kind=kind, models=models, result=result)
                )
    return scales


def _with_common_examples(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Select models that differ in size and, as far as possible, not in labelled examples.

    For each size, the models with the number of labelled examples that most sizes share are
    selected; if several numbers are equally common, the largest counts.
    """

    def labelled(info: ModelInfo) -> int:
        """Return the number of labelled examples that a model has learned from."""
        return (info.training_examples or 0) + (info.shots or 0)

    common = Counter(count for _, count in {(info.size, labelled(info)) for info in infos})
    chosen: dict[int | None, int] = {}
    for info in infos:
        counts = {labelled(other) for other in infos if other.size == info.size}
        chosen[info.size] = max(counts, key=lambda count: (common[count], count))
    return [info for info in infos if labelled(info) == chosen[info.size]]


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
    """Return the learning curves in distribution and under each shift.

    Only bases with two numbers of labelled examples count, be they trained on or in the prompt.
    """
    infos = [model.info for model in suite.models.values()]
    tables: list[tuple[ShiftKey | None, dict[str, Estimate]]] = [(None, _floors(suite))]
    tables += [(s.key, {e.info.name: e.after for e in s.entries}) for s in shifts]
    curves_by_shift = []
    for key, values in tables:
        curves = _curves([info for info in infos if info.name in values], values)
        trained = [c for c in curves if not c.prompted and len(c.points) >= LEAST_CURVE]
        prompted = [c for c in curves if c.prompted]
        if not trained and not any(len(c.points) >= LEAST_CURVE for c in prompted):
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
            # Another prompt of the same model is another curve. The settings of training are chosen
            # along with the number of examples, and do not separate curves.
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


OF_SHOTS = ("shots", "seeds", "device", "device_map")
"""Parameters that do not make it another prompt."""


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
