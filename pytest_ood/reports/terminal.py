"""The tables and the sentence at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, percent, points
from pytest_ood.reports.results import mean_drop
from pytest_ood.shifts import KINDS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.budgets import Verdict
    from pytest_ood.evaluation import Evaluation
    from pytest_ood.reports.results import Answer, ModelInfo, Results
    from pytest_ood.statistics import Estimate

WIDTH = 100
NAME_WIDTH = 19
CELL_WIDTH = 27
VERDICTS = {
    "pass": "pass",
    "fail": "FAIL",
    "inconclusive": "open",
    "invalid": "INV.",
    "measured": "",
}
LEGEND = {
    "inconclusive": "open: inconclusive, the interval holds the budget; more examples settle it",
    "invalid": "INV.: invalid, the figure says nothing about robustness; its check says why",
}


def render(results: Results) -> list[str]:
    """Return the lines for the terminal, none wider than 100 columns."""
    lines: list[str] = []
    for suite in results.suites:
        lines += _suite(results, suite)
    return lines


def _suite(results: Results, suite: str) -> list[str]:
    measured = {r.model for r in results.results if r.suite == suite}
    models = [m for m in results.models if m.suite == suite and m.name in measured]
    per_block = (WIDTH - NAME_WIDTH) // CELL_WIDTH
    lines = []
    for start in range(0, len(models), per_block):
        lines += _drops(results, suite, models[start : start + per_block])
    lines += _differences(results, suite, per_block)
    seen = {r.verdict for r in results.results if r.suite == suite}
    lines += [text for verdict, text in LEGEND.items() if verdict in seen]
    sentence = answer_sentence(results.answers(suite), results.alpha)
    return [*lines, *_wrapped(sentence), ""]


def _drops(results: Results, suite: str, models: Sequence[ModelInfo]) -> list[str]:
    evaluations = [e for e in results.evaluations if e.suite == suite]
    floors = {f.model: f for f in results.floors if f.suite == suite}
    level = percent(1 - 2 * results.alpha)
    name = _cut(suite, 24)
    lines = [
        f"{name}: accuracy, then drop of accuracy in points, {level} intervals, verdicts",
        _row("", [m.name + (" (baseline)" if m.baseline else "") for m in models]),
        _row("", [m.note for m in models]),
    ]
    if any(m.name in floors for m in models):
        cells = [
            _cell(floors[m.name].score, floors[m.name].verdict) if m.name in floors else ""
            for m in models
        ]
        lines.append(_row("in distribution", cells))
    for kind in KINDS:
        of_kind = [e for e in evaluations if e.kind == kind]
        lines += _kind(kind, of_kind, models)
    return lines


def _kind(kind: str, evaluations: list[Evaluation], models: Sequence[ModelInfo]) -> list[str]:
    shown = [e for e in evaluations if e.model in {m.name for m in models}]
    if not shown:
        return []
    lines = [kind]
    for shift in dict.fromkeys(e.shift for e in shown):
        cells = {e.model: _cell(e.drop, e.verdict) for e in shown if e.shift == shift}
        lines.append(_row(f" {shift}", [cells.get(m.name, "") for m in models]))
        lines += _counts(f"{shift}", [e for e in shown if e.shift == shift])
    if len({e.shift for e in shown}) > 1:
        lines.append(_row(" mean", _means(shown, models)))
    return lines


def _means(evaluations: list[Evaluation], models: Sequence[ModelInfo]) -> list[str]:
    """Return each model's mean drop, over the shifts that are valid for all models alike."""
    valid = {(e.model, e.shift): e for e in evaluations if e.verdict != "invalid"}
    names = [m.name for m in models if any(model == m.name for model, _ in valid)]
    shifts = {e.shift for e in evaluations}
    common = [shift for shift in sorted(shifts) if all((name, shift) in valid for name in names)]
    if not common:
        return ["" for _ in models]
    means = {n: points(mean_drop([valid[n, shift] for shift in common])) for n in names}
    return [f"{means[m.name]:>5}" if m.name in means else "" for m in models]


def _counts(shift: str, evaluations: list[Evaluation]) -> list[str]:
    """Return a line on what the drop leaves unsaid: unchanged items, abstentions."""
    told = []
    unchanged = {e.unchanged for e in evaluations if e.unchanged and e.queries is None}
    if unchanged:
        told.append(f"{max(unchanged)} unchanged, left out")
    told += [f"{e.model} abstained {e.abstained} of {e.n}" for e in evaluations if e.abstained]
    return [f"    ({shift}: {'; '.join(told)})"[:WIDTH]] if told else []


def _differences(results: Results, suite: str, per_block: int) -> list[str]:
    comparisons = [c for c in results.comparisons if c.suite == suite]
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
        for shift in dict.fromkeys(c.shift for c in comparisons):
            cells = {
                c.model: _cell(c.difference, c.verdict) for c in comparisons if c.shift == shift
            }
            lines.append(_row(f" {shift}", [cells.get(name, "") for name in block]))
    return lines


def _cell(estimate: Estimate, verdict: Verdict) -> str:
    return f"{points(estimate.value):>5} {interval(estimate)} {VERDICTS[verdict]}".rstrip()


def _row(name: str, cells: Sequence[str]) -> str:
    shown = "".join(_fitted(cell, CELL_WIDTH) for cell in cells)
    return (_fitted(name, NAME_WIDTH) + shown).rstrip()


def _fitted(text: str, width: int) -> str:
    return _cut(text, width - 1).ljust(width)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 3] + "..."


def answer_sentence(answers: Sequence[Answer], alpha: float) -> str:
    """Say in one sentence who drops less, by how much, and whether it is settled."""
    if not answers:
        return ""
    clauses = [_clause(answer) for answer in answers]
    told = "; ".join(clauses)
    note = f" ({percent(1 - 2 * alpha)} intervals of the mean difference in drop.)"
    return told[0].upper() + told[1:] + "." + note


def _clause(answer: Answer) -> str:
    difference = answer.difference
    size = points(abs(difference.value))
    side = "less than" if difference.value < 0 else "more than"
    how_much = "as much as" if size == points(0.0) else f"{size} points {side}"
    names = f"{answer.model.name} ({answer.model.note})"
    baseline = f"{answer.baseline.name} ({answer.baseline.note})"
    settled = "settled" if answer.settled else "not settled"
    return (
        f"under {answer.kind} shift {names} drops {how_much} {baseline} "
        f"{interval(difference)}, {settled}"
    )


def _wrapped(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, break_on_hyphens=False)
