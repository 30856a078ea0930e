"""The text of studies: a sentence for each conclusion, and the tables of the terminal."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, points
from pytest_ood.reports.escaping import one_line
from pytest_ood.reports.terminal import WIDTH
from pytest_ood.reports.wording import level
from pytest_ood.statistics.robustness import AXES

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ood.analysis.merge import ShiftKey
    from pytest_ood.analysis.studies import (
        Curve,
        Entry,
        Learning,
        Scale,
        ShiftStudy,
        Study,
        SuiteStudy,
    )
    from pytest_ood.statistics import Estimate
    from pytest_ood.statistics.learning import Passing

CANNOT_TELL = "cannot tell"
IN_DISTRIBUTION = "in distribution"
NAME_WIDTH = 22
NAME_CUT = 60
NOTE_WIDTH = 400
LARGE = ((1e12, "T"), (1e9, "B"), (1e6, "M"))
FIGURES = {"accuracy": "accuracy", "drop": "drop of accuracy"}


def amount(count: float) -> str:
    """Return a number of weights or examples as text: 850, 7,600, 22.7M, 1.3B."""
    for unit, letter in LARGE:
        if count >= unit:
            return f"{count / unit:.3g}{letter}"
    return f"{count:,.0f}"


def signed(share: float) -> str:
    """Return a share in points with its sign."""
    return f"{'+' if share > 0 and points(share) != '0.0' else ''}{points(share)}"


def figure(estimate: Estimate | None) -> str:
    """Return a figure with its interval, in points; "" for None."""
    return "" if estimate is None else f"{points(estimate.value)} {interval(estimate)}"


def where(shift: ShiftKey | None) -> str:
    """Return the words for where a figure was measured."""
    return IN_DISTRIBUTION if shift is None else f"under {one_line(shift.name, NAME_CUT)}"


# Robustness


def line_sentence(shift: ShiftStudy) -> str:
    """Return which models are more robust under a shift than their accuracy predicts."""
    start = f"Under {_name(shift.key.name)}"
    if shift.no_line:
        return f"{start}, effective robustness: {CANNOT_TELL}: {shift.no_line}."
    groups: dict[str, list[str]] = {}
    for entry in shift.entries:
        if entry.effective or not entry.usable:
            groups.setdefault(_effective(entry), []).append(_name(entry.info.name))
    clauses = [
        verdict.format(names=_listed(names), are=_be(names)) for verdict, names in groups.items()
    ]
    if not clauses:
        return (
            f"{start}, every model is one of the baselines that the line goes through; --baseline "
            "NAME, repeated, chooses others."
        )
    extended = [_name(e.info.name) for e in shift.entries if e.effective and e.outside]
    more = (
        f" The line is extended to the accuracy in distribution of {_listed(extended)}, which lies "
        "outside of the baselines'."
        if extended
        else ""
    )
    return f"{start}, beyond the baselines' line: {'; '.join(clauses)}.{more}"


def _effective(entry: Entry) -> str:
    """Return the verdict on a model, as a template for the names of all models that share it."""
    if not entry.usable:
        return "{names} {are} invalid: too little is known in distribution for robustness"
    lows = [entry.effective[axis].low for axis in AXES]
    highs = [entry.effective[axis].high for axis in AXES]
    if min(lows) > 0.0:
        return "{names} {are} more robust than accuracy promises"
    if max(highs) < 0.0:
        return "{names} {are} less robust than accuracy promises"
    why = "the intervals hold 0"
    if max(lows) > 0.0 or min(highs) < 0.0:
        why = "beyond the line on one of the two axes only"
    return f"{CANNOT_TELL} of {{names}} ({why})"


def left_out_sentence(shift: ShiftStudy) -> str:
    """Return the models without a meaningful drop, with the reasons; "" if there are none."""
    if not shift.left_out:
        return ""
    clauses = "; ".join(
        f"{_name(name)} ({one_line(why, NOTE_WIDTH)})" for name, why in shift.left_out
    )
    return f"Left out under {_name(shift.key.name)}: {clauses}."


def reference_sentence(suite: SuiteStudy, shift: ShiftStudy) -> str:
    """Return which models are more accurate under a shift than the reference."""
    if suite.reference is None:
        return ""
    compared = [entry for entry in shift.entries if entry.relative is not None]
    if not compared:
        return ""
    groups: dict[str, list[str]] = {}
    for entry in compared:
        assert entry.relative is not None, "unreachable because only those are compared"
        low, high = entry.relative.low, entry.relative.high
        verdict = "more accurate" if low > 0 else "less accurate" if high < 0 else ""
        groups.setdefault(verdict, []).append(_name(entry.info.name))
    clauses = [f"{_listed(names)} {_be(names)} {v}" for v, names in groups.items() if v]
    reference = _name(suite.reference)
    if "" in groups:
        clauses.append(f"of {_listed(groups[''])} it is not settled")
    return f"Under {_name(shift.key.name)}, against {reference}: {'; '.join(clauses)}."


def sentences(suite: SuiteStudy, shift: ShiftStudy) -> list[str]:
    """Return the conclusions on a shift."""
    clauses = (line_sentence(shift), reference_sentence(suite, shift), left_out_sentence(shift))
    return [sentence for sentence in clauses if sentence]


def no_reference(suite: SuiteStudy) -> str:
    """Return why there is no relative robustness; "" if there is."""
    if suite.reference is not None:
        return ""
    marked = [info.name for info in suite.models if info.baseline]
    why = "no model is marked as the baseline"
    if marked:
        why = f"{_listed(map(_name, marked))} are all marked as the baseline"
    return f"Relative robustness: {CANNOT_TELL}: {why}; --reference NAME names one."


# Scale


def scale_name(scale: Scale) -> str:
    """Return the name of a figure over sizes."""
    return f"{FIGURES[scale.figure]} {where(scale.shift)}"


def describe_scale(scale: Scale) -> str:
    """Return the trend of a figure over sizes, or why there is none."""
    result = scale.result
    if result.shape == CANNOT_TELL:
        return f"{CANNOT_TELL}: {result.reason}"
    assert result.line is not None, "unreachable because there are sizes enough"
    assert result.broken is not None, "unreachable because there are sizes enough"
    if result.shape == "log-linear":
        assert result.slope is not None, "unreachable because there is a line"
        low, high = result.slope
        clauses = f"{signed(result.line.slope)} points for ten times the size "
        level = ", which may be none at all" if low <= 0.0 <= high else ""
        return f"log-linear: {clauses}[{points(low)}, {points(high)}]{level}; {result.reason}"
    fit = result.broken
    return (
        f"broken at about {amount(10**fit.at)}: {signed(fit.slope)} points for ten times the size "
        f"before, {signed(fit.slope + fit.bend)} after; {result.reason}"
    )


def scales_by_kind(suite: SuiteStudy) -> list[tuple[str, list[Scale]]]:
    """Return the figures over sizes, by the kind of model."""
    kinds = dict.fromkeys(scale.kind for scale in suite.scales)
    return [(kind, [s for s in suite.scales if s.kind == kind]) for kind in kinds]


def describe_sizes(scales: Sequence[Scale]) -> str:
    """Return the models of one kind with their sizes."""
    sizes = {name: size for scale in scales for name, size, _ in scale.models}
    ordered = sorted(sizes.items(), key=lambda pair: (pair[1], pair[0]))
    return ", ".join(f"{_name(name)} {amount(size)}" for name, size in ordered)


def describe_scales(scales: Sequence[Scale]) -> list[tuple[str, str]]:
    """Return (figure, trend) for one kind of model; a trend that all figures share, once."""
    clauses = [(scale_name(scale), describe_scale(scale)) for scale in scales]
    reasons = {reason for _, reason in clauses}
    if len(clauses) > 1 and len(reasons) == 1:
        return [("all figures", reasons.pop())]
    return clauses


def describe_unsized(suite: SuiteStudy) -> str:
    """Return the models of unknown size; "" if there are none."""
    if not suite.unsized:
        return ""
    count = len(suite.unsized)
    return (
        f"Left out, of unknown size: {count} model{'' if count == 1 else 's'} "
        f"({', '.join(map(_name, suite.unsized))}); `size = ...` in a model's table states it."
    )


# Data efficiency

NO_CURVE = (
    f"Learning curves: {CANNOT_TELL}: no model was trained on two different numbers of examples, "
    "nor shown two; `train = { data = ..., max_examples = 100 }` trains on a part."
)


def curve_points(curve: Curve) -> list[str]:
    """Return the points of a curve as text."""
    unit = "shots" if curve.prompted else "examples"
    return [f"{count:,} {unit} {figure(score)}" for count, score in curve.points]


def passing_sentence(learning: Learning, mine: Curve, theirs: Curve, passing: Passing) -> str:
    """Return the sentence on where a trained model passes a prompted one."""
    first, last = mine.points[0][0], mine.points[-1][0]
    location = where(learning.shift)
    location = location[0].upper() + location[1:]
    names = _name(mine.name), _name(theirs.name)
    measured = f"within what was measured ({first:,} to {last:,} training examples)"
    if passing.outcome == "passes":
        assert passing.at is not None, "unreachable because it passes"
        low = f"fewer than {first:,}" if passing.low is None else f"{passing.low:,.0f}"
        high = f"more than {last:,}" if passing.high is None else f"{passing.high:,.0f}"
        return (
            f"{location}, {names[0]} passes {names[1]} at about {passing.at:,.0f} training "
            f"examples [{low}, {high}]."
        )
    if passing.outcome == "above":
        side, at, end = "is above", passing.high, "up to"
    else:
        side, at, end = "stays below", passing.low, "from"
    more = "" if at is None else f" (sampling error allows a crossing {end} {at:,.0f} examples)"
    return f"{location}, {names[0]} does not cross {names[1]} {measured}: it {side}{more}."


# The terminal


def render(study: Study) -> list[str]:
    """Return the lines for the terminal, none wider than 100 columns."""
    lines: list[str] = []
    for suite in study.suites:
        lines += _suite(study, suite)
    for note in study.notes:
        lines += _wrapped(f"note: {one_line(note, NOTE_WIDTH)}")
    count = len(study.reports)
    lines += _wrapped(
        f"{count} report{'' if count == 1 else 's'}; {level(study.alpha)}, those of effective "
        f"robustness and of crossings by a bootstrap with seed {study.seed}; each holds by itself, "
        "and of many some are off by chance"
    )
    return lines


def _suite(study: Study, suite: SuiteStudy) -> list[str]:
    baselines = ", ".join(map(_name, suite.baselines)) or "none"
    lines = _wrapped(
        f"{_name(suite.name)} (seed {suite.seed}): {len(suite.models)} models; baselines, which "
        f"lines go through: {baselines}"
    )
    for shift in suite.shifts:
        lines += ["", *_shift(study, suite, shift)]
    lines += ["", *_wrapped(no_reference(suite))] if no_reference(suite) else []
    lines += ["", "over the size of models (number of weights)", *_scaling(suite)]
    lines += ["", "over the number of labelled examples", *_learning(suite)]
    return [*lines, ""]


def _shift(study: Study, suite: SuiteStudy, shift: ShiftStudy) -> list[str]:
    name = f"{shift.key.kind}/{_name(shift.key.name)}"
    lines = [
        f"{name}: accuracy, and points beyond the baselines' line, {level(study.alpha)}",
        _row("", ["n", IN_DISTRIBUTION, "n", "under the shift", "drop"], SIZES),
    ]
    lines += [
        _row(
            e.info.name,
            [
                f"{e.before.n:,}",
                figure(e.before),
                f"{e.after.n:,}",
                figure(e.after),
                figure(e.drop),
            ],
            SIZES,
        )
        for e in shift.entries
    ]
    reference = "" if suite.reference is None else f"beyond {one_line(suite.reference, 12)}"
    lines.append(_row("", ["effective, linear", "effective, probit", reference], BEYOND))
    lines += [_row(e.info.name, _beyond(suite, shift, e), BEYOND) for e in shift.entries]
    for sentence in sentences(suite, shift):
        lines += _wrapped(sentence)
    return lines


SIZES = (7, 20, 7, 20, 22)
BEYOND = (27, 27, 22)
"""The widths of columns."""


def _beyond(suite: SuiteStudy, shift: ShiftStudy, entry: Entry) -> list[str]:
    relative = "reference" if entry.info.name == suite.reference else figure(entry.relative)
    if not entry.usable:
        return ["invalid", "invalid", relative]
    if entry.on_line:
        return ["baseline", "baseline", relative]
    if not shift.lines:
        return [CANNOT_TELL, CANNOT_TELL, relative]
    return [*(figure(entry.effective[axis]) for axis in AXES), relative]


def _scaling(suite: SuiteStudy) -> list[str]:
    lines: list[str] = []
    for kind, scales in scales_by_kind(suite):
        lines += _wrapped(f"{kind}: {describe_sizes(scales)}")
        for name, text in describe_scales(scales):
            lines += _wrapped(f"{name}: {text}", " ")
    if not suite.scales:
        lines += _wrapped(f"{CANNOT_TELL}: of no model the size is known", " ")
    return [*lines, *_wrapped(describe_unsized(suite))]


def _learning(suite: SuiteStudy) -> list[str]:
    lines: list[str] = []
    for learning in suite.learning:
        lines.append(where(learning.shift))
        for curve in learning.curves:
            lines += _wrapped(f"{_name(curve.name)}: {', '.join(curve_points(curve))}", " ")
        for mine, theirs, passing in learning.passings:
            lines += _wrapped(passing_sentence(learning, mine, theirs, passing), " ")
    return lines or _wrapped(NO_CURVE)


def _row(name: str, cells: Sequence[str], widths: Sequence[int]) -> str:
    shown = f" {one_line(name, NAME_WIDTH - 2)}" if name else ""
    row = "".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
    return f"{shown:{NAME_WIDTH}}{row}".rstrip()


def _name(name: str) -> str:
    return one_line(name, NAME_CUT)


def _listed(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _be(names: Sequence[str]) -> str:
    return "is" if len(names) == 1 else "are"


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=f"{indent}  " if indent else "",
        break_on_hyphens=False,
    )
