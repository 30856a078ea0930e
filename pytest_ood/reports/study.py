"""What many models come to side by side: robustness beyond accuracy, scale, data efficiency."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pytest_ood.errors import ConfigurationError, ReportError, unknown_name
from pytest_ood.evaluation import ExampleScores
from pytest_ood.reports.together import SAME_EXAMPLES
from pytest_ood.seeding import derive_seed
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

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.reports.results import ModelInfo
    from pytest_ood.reports.together import Row, ShiftKey, SuiteTogether, Tested, Together
    from pytest_ood.statistics.robustness import Axis, Line

PROMPTED = "prompted"
FINE_TUNED = "fine-tuned"
ZERO_ONE = {0.0, 1.0}
LEAST_CURVE = 2


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


def study(
    together: Together,
    reports: Sequence[str],
    *,
    baselines: Sequence[str] = (),
    reference: str | None = None,
    seed: int = 0,
) -> Study:
    """Study models side by side.

    Args:
        together: What was measured.
        reports: What the reports are called.
        baselines: Names of the models that lines go through; those that were trained on data in
            distribution, which is those of the paradigm "fine-tuned", where none is named.
        reference: Name of the model that relative robustness compares with; the one that the
            reports mark as the baseline, where none is named.
        seed: Of the bootstrap.

    Raises:
        ConfigurationError: there is no model of a given name.
        ReportError: the scores of examples in a report are damaged.
    """
    known = {name for suite in together.suites for name in suite.models}
    named = {"--baseline": baselines, "--reference": () if reference is None else (reference,)}
    for option, names in named.items():
        for name in names:
            if name not in known:
                raise ConfigurationError(f"{option}: " + unknown_name("model", name, known))
    suites = tuple(
        _suite(suite, together.alpha, tuple(baselines), reference, seed)
        for suite in together.suites
    )
    return Study(together.alpha, seed, tuple(reports), suites, together.notes)


def _suite(
    suite: SuiteTogether, alpha: float, named: tuple[str, ...], reference: str | None, seed: int
) -> SuiteStudy:
    infos = tuple(tested.info for tested in suite.models.values())
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
        suite.name,
        suite.seed,
        infos,
        baselines,
        chosen,
        shifts,
        tuple(info.name for info in infos if info.size is None),
        tuple(_scales(suite, shifts, alpha)),
        tuple(_learning(suite, shifts, alpha, seed)),
    )


def _rng(seed: int, *parts: str) -> np.random.Generator:
    return np.random.default_rng(derive_seed(seed, "study", *parts))


# Robustness


def _shift(
    suite: SuiteTogether,
    key: ShiftKey,
    baselines: tuple[str, ...],
    reference: str | None,
    *,
    alpha: float,
    seed: int,
) -> ShiftStudy:
    measured = {
        name: (tested, tested.drops[key])
        for name, tested in suite.models.items()
        if key in tested.drops
    }
    found = {name: both for name, both in measured.items() if _is_kept(*both)}
    left_out = tuple((n, drop["reason"]) for n, (_, drop) in measured.items() if n not in found)
    usable = {name for name, (_, drop) in found.items() if drop["verdict"] != "invalid"}
    accuracies = {name: _accuracies(drop) for name, (_, drop) in found.items()}
    line_of = [accuracies[name] for name in baselines if name in usable]
    no_line = why_no_line(line_of)
    lines = {} if no_line else {axis: fit_line(line_of, axis) for axis in AXES}
    entries = []
    for name, (tested, drop) in found.items():
        own = accuracies[name]
        effective: dict[Axis, Estimate] = {}
        if lines and name in usable and name not in baselines:
            for axis in AXES:
                rng = _rng(seed, suite.name, key.kind, key.name, name, axis)
                effective[axis] = effective_robustness(own, line_of, axis, alpha, rng)
        relative = None
        if reference in found and name != reference:
            relative = _relative(drop, found[reference][1], alpha)
        low, high = drop["interval"]
        entries.append(
            Entry(
                tested.info,
                _share(own.before, own.n_before, alpha),
                _share(own.after, own.n_after, alpha),
                None if drop.get("cases") else Estimate(drop["drop"], low, high, drop["n"], 0.0),
                name in usable,
                name in baselines and name in usable,
                effective,
                outside=any(not line.holds(own.before) for line in lines.values()),
                relative=relative,
            )
        )
    return ShiftStudy(key, tuple(entries), lines, no_line, left_out)


def _is_kept(tested: Tested, drop: Row) -> bool:
    """Tell whether an accuracy says something, if only that a model knows nothing."""
    return bool(drop["n"]) and (drop["verdict"] != "invalid" or not tested.is_usable)


def _accuracies(drop: Row) -> Accuracies:
    before, after, n = drop["score_id"], drop["score_ood"], drop["n"]
    if not drop["paired"]:
        labels = drop.get("per_label") or ()
        n_before = sum(row["n_id"] for row in labels) or drop["drawn"]
        return Accuracies(before, after, max(1, n_before), n)
    both = None
    items = drop["items"]
    counted = items is not None and set(items["scores"]["values"]) <= ZERO_ONE
    if counted and len(drop["seed_drops"]) <= 1:
        # Of those right before, all but the flipped are right after.
        share = before - drop["flipped"] / n
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


def _relative(mine: Row, other: Row, alpha: float) -> Estimate:
    """Return how much more accurate a model is under a shift (Taori et al. 2020, section 2)."""
    first, second = _items(mine), _items(other)
    if first is not None and second is not None:
        one, two = first.common(second)
        if len(one) >= SAME_EXAMPLES * min(len(first.hashes), len(second.hashes)) and len(one):
            return estimate(paired_drop(one, two), alpha)
    return estimate(unpaired_drop(_answers(mine), _answers(other)), alpha)


def _items(row: Row) -> ExampleScores | None:
    """Read the scores by example, where a report has them.

    Raises:
        ReportError: they are damaged.
    """
    if row["items"] is None:
        return None
    try:
        return ExampleScores.from_record(row["items"])
    except (TypeError, ValueError) as error:
        raise ReportError(
            f"{row['suite']}/{row['kind']}/{row['shift']}[{row['model']}]: its items are damaged: "
            f"{error}"
        ) from None


def _answers(row: Row) -> list[float]:
    """Return as many right and wrong answers as a model gave under a shift."""
    right = round(row["score_ood"] * row["n"])
    return [1.0] * right + [0.0] * (row["n"] - right)


# Scale


def _scales(suite: SuiteTogether, shifts: Sequence[ShiftStudy], alpha: float) -> list[Scale]:
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
    infos = [tested.info for tested in suite.models.values() if tested.info.size is not None]
    scales = []
    for figure, key, values in tables:
        for kind in dict.fromkeys(info.kind for info in infos):
            chosen = _taught_alike([i for i in infos if i.kind == kind and i.name in values])
            models = tuple((i.name, i.size, values[i.name]) for i in chosen if i.size is not None)
            if models:
                sizes = [float(size) for _, size, _ in models]
                result = scaling(sizes, [value.value for _, _, value in models], alpha)
                scales.append(Scale(figure, key, kind, models, result))
    return scales


def _taught_alike(infos: Sequence[ModelInfo]) -> list[ModelInfo]:
    """Return of each size the models with the number of labelled examples that most sizes have.

    Of numbers that as many sizes have, the largest: so size differs, and as little else as may be.
    """

    def taught(info: ModelInfo) -> int:
        return (info.training_examples or 0) + (info.shots or 0)

    common = Counter(count for _, count in {(info.size, taught(info)) for info in infos})
    chosen: dict[int | None, int] = {}
    for info in infos:
        counts = {taught(other) for other in infos if other.size == info.size}
        chosen[info.size] = max(counts, key=lambda count: (common[count], count))
    return [info for info in infos if taught(info) == chosen[info.size]]


def _floors(suite: SuiteTogether) -> dict[str, Estimate]:
    return {
        name: Estimate(row["score"], row["interval"][0], row["interval"][1], row["n"], 0.0)
        for name, tested in suite.models.items()
        if (row := tested.floor) is not None and row["n"]
    }


# Data efficiency


def _learning(
    suite: SuiteTogether, shifts: Sequence[ShiftStudy], alpha: float, seed: int
) -> list[Learning]:
    """Return learning curves in distribution and under each shift, where a base was taught twice.

    A base is taught twice where it was trained on two numbers of examples, or shown two.
    """
    infos = [tested.info for tested in suite.models.values()]
    tables: list[tuple[ShiftKey | None, dict[str, Estimate]]] = [(None, _floors(suite))]
    tables += [(s.key, {e.info.name: e.after for e in s.entries}) for s in shifts]
    found = []
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
                    _rng(seed, suite.name, where, mine.name, theirs.name),
                ),
            )
            for mine in trained
            for theirs in prompted
        )
        found.append(Learning(key, shown, passings))
    return found


def _points(curve: Curve) -> list[LearningPoint]:
    return [LearningPoint(count, score.value, score.n) for count, score in curve.points]


def _curves(infos: Sequence[ModelInfo], values: Mapping[str, Estimate]) -> list[Curve]:
    groups: dict[tuple[bool, str, str], list[ModelInfo]] = {}
    for info in infos:
        prompted = info.paradigm == PROMPTED
        count = info.shots if prompted else info.training_examples
        if count is not None:
            # Another prompt of the same model is another curve; a recipe goes with the examples.
            told = {k: v for k, v in info.parameters.items() if prompted and k not in OF_SHOTS}
            key = (prompted, info.base or info.name, json.dumps(told, sort_keys=True, default=repr))
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
    points = tuple((count, _mean(found)) for count, found in sorted(counts.items()))
    return Curve(name, prompted, points, tuple(info.name for info in group))


def _mean(found: Sequence[Estimate]) -> Estimate:
    """Average figures of the same examples, and their bounds, as if they erred together."""
    value, low, high = (
        float(np.mean([getattr(e, part) for e in found])) for part in ("value", "low", "high")
    )
    return Estimate(value, low, high, min(e.n for e in found), 0.0)
