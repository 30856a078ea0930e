"""The tables and the sentence at the end of a run."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, points
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.evaluation import DomainDetails
from pytest_ood.inference.engine import spent
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports.checks import breakdowns, surrogates
from pytest_ood.reports.escaping import one_line
from pytest_ood.reports.overview import overviews
from pytest_ood.reports.wording import (
    VERDICT_MARKS,
    attack_group,
    family_promise,
    level,
    merged_remarks,
    paradigm_sentence,
    remarks_on,
    transfer_note,
)
from pytest_ood.shifts import WORST, kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.analysis.report import Report, Work
    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import Comparison, Evaluation, Floor, ModelInfo, Result
    from pytest_ood.reports.overview import Overview
    from pytest_ood.statistics import Estimate

WIDTH = 100
NAME_WIDTH = 19
CELL_WIDTH = 27
OVERVIEW_WIDTH = 34
NOTE_WIDTH = 600
FIGURE_WIDTH, FIGURES_BESIDE = 13, 4
"""The width of a model's scores by group, and how many models are shown side by side."""
LEGEND = {
    "inconclusive": "open: inconclusive, the interval holds the budget; more examples settle it",
    "invalid": "INV.: invalid, the figure says nothing about robustness; its check says why",
}


def render(report: Report, *, verbose: bool = False) -> list[str]:
    """Return the lines for the terminal, none wider than 100 columns.

    Args:
        report: The report of the run.
        verbose: Show the score of every group, where examples have groups.
    """
    lines: list[str] = []
    for suite in report.suites:
        lines += _suite(report, suite, verbose=verbose)
    for table in overviews(report):
        lines += _overview(table)
    for note in report.notes:
        lines += _wrapped(f"note: {one_line(note, NOTE_WIDTH)}")
    if report.work:
        lines += _wrapped("queried: " + "; ".join(map(_queried, report.work)))
    return lines


def _overview(table: Overview) -> list[str]:
    """Return a collection's table, as many models side by side as fit."""
    lines = []
    per_block = (WIDTH - OVERVIEW_WIDTH) // CELL_WIDTH
    for start in range(0, len(table.models), per_block):
        models = table.models[start : start + per_block]
        head = f"{_cut(table.collection, 24)}: score in distribution > under the shift (drop)"
        lines += [head, _overview_row("", [_cut(model, CELL_WIDTH - 2) for model in models])]
        for name, row in table.rows:
            cells = [
                f"{row[m]} {VERDICT_MARKS[row[m].verdict]}" if m in row else "" for m in models
            ]
            if any(cells):
                lines.append(_overview_row(name, cells))
        lines.append("")
    return lines


def _overview_row(name: str, cells: Sequence[str]) -> str:
    head = _fitted(_cut(name, OVERVIEW_WIDTH - 1), OVERVIEW_WIDTH)
    return (head + "".join(_fitted(cell, CELL_WIDTH) for cell in cells)).rstrip()


def _queried(work: Work) -> str:
    """Return how many inputs a model was queried with, and the cost."""
    parts = [f"{work.model} {work.queried:,} inputs ({work.cached:,} cached)"]
    if work.unanswered:
        parts.append(f"{work.unanswered:,} without an answer")
    return ", ".join(filter(None, [*parts, spent(work.used)]))


def _suite(report: Report, suite: str, *, verbose: bool) -> list[str]:
    measured = {r.model for r in report.results if r.suite == suite}
    models = [m for m in report.models if m.suite == suite and m.name in measured]
    per_block = (WIDTH - NAME_WIDTH) // CELL_WIDTH
    lines = []
    for start in range(0, len(models), per_block):
        lines += _drops(report, suite, models[start : start + per_block])
    lines += _differences(report, suite, per_block)
    if verbose:
        lines += _breakdowns(report, suite)
    lines += _curves(report, suite)
    lines += _legend(report, suite)
    return [*lines, *_wrapped(paradigm_sentence(report, suite)), ""]


def _legend(report: Report, suite: str) -> list[str]:
    """Explain the verdicts that occur, and what they rest on."""
    rules = report.rules
    results = [r for r in report.results if r.suite == suite]
    verdicts = {r.verdict for r in results}
    lines = [text for verdict, text in LEGEND.items() if verdict in verdicts]
    for name in surrogates(report, suite):
        lines += _wrapped(transfer_note(name))
    if any(_fails_alone(r, rules) for r in results):
        lines.append(f"open*: would be a FAIL as the only gate; among {rules.gates} it is open")
    if rules.correction != "none" and "fail" in verdicts:
        lines += _wrapped(f"FAIL: {family_promise(rules)}")
        stepped = [r for r in results if r.verdict == "fail" and (r.p_fail or 0) > rules.fail_alpha]
        if stepped:
            names = ", ".join(f"{r.shift or IN_DISTRIBUTION} [{r.model}]" for r in stepped)
            lines += _wrapped(f"These rest on the others of the family: {names}.")
    used = [r for r in results if r.planned]
    if any(r.drawn < r.planned for r in used):
        share = sum(r.drawn for r in used) / sum(r.planned for r in used)
        lines += _wrapped(
            f"Sequential: gates stop when they are settled; on average they took {points(share)} % "
            "of the examples there were. Intervals hold at whatever point that was."
        )
    return lines


def _fails_alone(result: Result, rules: Rules) -> bool:
    p_value = result.p_fail
    return result.verdict == "inconclusive" and p_value is not None and p_value <= rules.alpha


def _drops(report: Report, suite: str, models: Sequence[ModelInfo]) -> list[str]:
    evaluations = [e for e in report.evaluations if e.suite == suite]
    floors = {f.model: f for f in report.in_distribution if f.suite == suite}
    names = [f.score_name for f in floors.values()] + [e.score_name for e in evaluations]
    score_name = next(iter(names), ACCURACY)
    lines = [
        f"{_cut(suite, 24)}: {score_name}, then drop of {score_name} in points, "
        f"{level(report.rules.alpha)}, verdicts",
        _row("", [m.name + (" (baseline)" if m.baseline else "") for m in models]),
        _row("", [m.note for m in models]),
    ]
    if any(m.name in floors for m in models):
        cells = [
            _cell(floors[m.name].score, floors[m.name], report.rules) if m.name in floors else ""
            for m in models
        ]
        lines.append(_row("in distribution", cells))
        lines += _remarks("in distribution", [floors[m.name] for m in models if m.name in floors])
    scores = [score for score in report.scores if score.suite == suite]
    for kind in kinds():
        of_kind = [e for e in evaluations if e.kind == kind]
        for group in dict.fromkeys(map(attack_group, of_kind)):
            rows = [e for e in of_kind if attack_group(e) == group]
            name = f"{kind}: {_cut(group, 70)}" if group else kind
            lines += _kind(name, rows, scores, models, report.rules)
        lines += _alone(kind, of_kind, [s for s in scores if s.kind == kind], models, report.rules)
    return lines


def _alone(
    kind: str,
    evaluations: Sequence[Evaluation],
    scores: Sequence[Floor],
    models: Sequence[ModelInfo],
    rules: Rules,
) -> list[str]:
    """Return scores under shifts of which no drop was measured."""
    shown = {e.shift for e in evaluations}
    shifts = dict.fromkeys(s.shift for s in scores if s.shift and s.shift not in shown)
    lines = [_score(f" {shift}: score", shift, scores, models, rules) for shift in shifts]
    return [kind, *lines] if lines else []


def _score(
    name: str,
    shift: str,
    scores: Sequence[Floor],
    models: Sequence[ModelInfo],
    rules: Rules,
) -> str:
    """Return the row of the scores under a shift by themselves."""
    cells = {s.model: _cell(s.score, s, rules) for s in scores if s.shift == shift}
    return _row(name, [cells.get(m.name, "") for m in models])


def _kind(
    kind: str,
    evaluations: list[Evaluation],
    scores: Sequence[Floor],
    models: Sequence[ModelInfo],
    rules: Rules,
) -> list[str]:
    shown = [e for e in evaluations if e.model in {m.name for m in models}]
    if not shown:
        return []
    lines = [kind]
    for name, shift, metric in _rows(shown):
        row = [e for e in shown if (e.shift, e.metric) == (shift, metric)]
        # Cases are shown by their score: single answers in distribution are not comparable.
        with_drop = [e for e in row if not e.case_inputs or e.budget is not None]
        cells = {e.model: _cell(e.drop, e, rules) for e in with_drop}
        lines.append(_row(name, [cells.get(m.name, "") for m in models]))
        if metric == ACCURACY:
            if any(s.shift == shift for s in scores):
                lines.append(_score("   score", shift, scores, models, rules))
            lines += _remarks(shift, row)
            lines += _same_label_mix(row, models)
    averaged = [
        e for e in shown if e.metric == ACCURACY and e.shift not in WORST and not e.case_inputs
    ]
    if len({e.shift for e in averaged}) > 1:
        lines.append(_row(" mean", _means(averaged, models)))
    return lines


def _rows(results: Sequence[Evaluation | Comparison]) -> list[tuple[str, str, str]]:
    """Return name, shift and metric of each row: of each shift accuracy, then its other metrics."""
    rows = []
    for shift in dict.fromkeys(r.shift for r in results):
        metrics = dict.fromkeys(r.metric for r in results if r.shift == shift)
        # The first row names the shift, whether accuracy was measured or not.
        rows.append((f" {shift}", shift, ACCURACY))
        rows += [(f"   {metric}", shift, metric) for metric in metrics if metric != ACCURACY]
    return rows


def _means(evaluations: list[Evaluation], models: Sequence[ModelInfo]) -> list[str]:
    """Return each model's mean drop, over the shifts that are valid for all models alike."""
    valid = {(e.model, e.shift): e for e in evaluations if e.verdict != "invalid"}
    names = [m.name for m in models if any(model == m.name for model, _ in valid)]
    shifts = {e.shift for e in evaluations}
    common = [shift for shift in sorted(shifts) if all((name, shift) in valid for name in names)]
    if not common:
        return ["" for _ in models]
    drops = {n: [valid[n, shift].drop.value for shift in common] for n in names}
    means = {n: points(sum(values) / len(values)) for n, values in drops.items()}
    return [f"{means[m.name]:>5}" if m.name in means else "" for m in models]


def _remarks(name: str, results: Sequence[Floor | Evaluation]) -> list[str]:
    """Return what a reader has to know to read the figures of a row right."""
    brief = ((r.model, [x for x in remarks_on(r) if x.brief]) for r in results)
    remarks = [f"{subject}: {values}" for subject, values in merged_remarks(brief)]
    for r in results:
        if r.shift and r.breakdown:
            scores = [group.score.value for group in r.breakdown]
            span = f"{points(min(scores))} to {points(max(scores))}"
            remarks.append(f"{r.model}: {len(scores)} groups, {span} (-v lists them)")
    text = "; ".join(one_line(remark, NOTE_WIDTH) for remark in remarks)
    return _wrapped(f"({name}: {text})", "    ") if remarks else []


def _same_label_mix(row: Sequence[Evaluation], models: Sequence[ModelInfo]) -> list[str]:
    """Return the drop of each model after reweighting to the in-distribution labels."""
    drops = {
        e.model: f"{points(e.details.reweighted_drop):>5}"
        for e in row
        if isinstance(e.details, DomainDetails) and e.details.reweighted_drop is not None
    }
    return [_row("  same label mix", [drops.get(m.name, "") for m in models])] if drops else []


def _breakdowns(report: Report, suite: str) -> list[str]:
    """Return the score of each group under each shift, several models side by side."""
    lines = []
    for table in breakdowns(report, suite):
        name = f"{table.kind}/{_cut(table.shift, 30)}"
        lines.append(f"score by group under {name}, in points; intervals are in the reports")
        for start in range(0, len(table.models), FIGURES_BESIDE):
            models = table.models[start : start + FIGURES_BESIDE]
            head = "".join(f"{_cut(model, FIGURE_WIDTH - 1):>{FIGURE_WIDTH}}" for model in models)
            lines.append(f"{head}{'n':>7}")
            for within, group, by_model in table.rows:
                scores = [by_model.get(model) for model in models]
                if not any(scores):
                    continue
                figures = "".join(
                    f"{'' if score is None else points(score.score.value):>{FIGURE_WIDTH}}"
                    for score in scores
                )
                size = max(score.n for score in scores if score is not None)
                # The name is at the end of the line, as names of groups are long.
                line = f"{figures}{size:>7}  {'  ' if within else ''}"
                lines.append(line + one_line(group, WIDTH - len(line)))
    return lines


def _differences(report: Report, suite: str, per_block: int) -> list[str]:
    comparisons = [c for c in report.comparisons if c.suite == suite]
    if not comparisons:
        return []
    names = list(dict.fromkeys(c.model for c in comparisons))
    lines = []
    for start in range(0, len(names), per_block):
        block = names[start : start + per_block]
        lines.append(
            f"drop beyond that of {_cut(comparisons[0].baseline, 40)}, in points, on the same items"
        )
        lines.append(_row("", block))
        for name, shift, metric in _rows(comparisons):
            cells = {
                c.model: _cell(c.difference, c, report.rules)
                for c in comparisons
                if (c.shift, c.metric) == (shift, metric)
            }
            lines.append(_row(name, [cells.get(model, "") for model in block]))
    return lines


def _curves(report: Report, suite: str) -> list[str]:
    """Return scores over severity, one table for each perturbation."""
    curves = [curve for curve in report.severity_curves if curve.suite == suite]
    lines = []
    for shift in dict.fromkeys(curve.shift for curve in curves):
        of_shift = [curve for curve in curves if curve.shift == shift]
        lines.append(f"score over the severity of {_cut(shift, 30)}; area: its mean over them")
        severities = [point.severity for point in of_shift[0].accuracies]
        lines.append(_row("", ["".join(f"{severity:>6}" for severity in severities)]))
        for curve in of_shift:
            shown = "".join(f"{points(point.accuracy):>6}" for point in curve.accuracies)
            share = curve.area_relative
            relative = "" if share is None else f", {points(share)} % of severity 0"
            area = (
                f"area {points(curve.area.value)} {interval(curve.area)}{relative}, n = {curve.n}"
            )
            lines.append(_fitted(f" {curve.model}", NAME_WIDTH) + f"{shown}  {area}")
    return lines


def _cell(estimate: Estimate, result: Result, rules: Rules) -> str:
    cell = (
        f"{points(estimate.value):>5} {interval(estimate)} {VERDICT_MARKS[result.verdict]}".rstrip()
    )
    # A verdict is never cut for the sake of its mark.
    marked = _fails_alone(result, rules) and len(cell) < CELL_WIDTH - 1
    return cell + "*" if marked else cell


def _row(name: str, cells: Sequence[str]) -> str:
    shown = "".join(_fitted(cell, CELL_WIDTH) for cell in cells)
    return (_fitted(name, NAME_WIDTH) + shown).rstrip()


def _fitted(text: str, width: int) -> str:
    return _cut(text, width - 1).ljust(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def _wrapped(text: str, indent: str = "") -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
