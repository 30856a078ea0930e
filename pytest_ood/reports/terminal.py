"""The tables and the sentence at the end of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, percent, points
from pytest_ood.engine import spent
from pytest_ood.evaluation import PROCEDURES, Floor
from pytest_ood.metrics import ACCURACY, SINGLE_ACCURACY
from pytest_ood.reports import collections
from pytest_ood.reports.results import mean_drop
from pytest_ood.reports.text import one_line
from pytest_ood.shifts import WORST_CASE, kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import Comparison, Evaluation, Result
    from pytest_ood.reports.collections import Table
    from pytest_ood.reports.results import Answer, ModelInfo, Results, Work
    from pytest_ood.statistics import Estimate

WIDTH = 100
NAME_WIDTH = 19
CELL_WIDTH = 27
OVERVIEW_WIDTH = 34
NOTE_WIDTH = 600
FIGURE_WIDTH, FIGURES_BESIDE = 13, 4
"""Of scores by group: what a model's take, and how many models stand beside each other."""
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


def render(results: Results, *, verbose: bool = False) -> list[str]:
    """Return the lines for the terminal, none wider than 100 columns.

    Args:
        results: What was measured.
        verbose: Show the score of every group, where examples have groups.
    """
    lines: list[str] = []
    for suite in results.suites:
        lines += _suite(results, suite, verbose=verbose)
    for table in collections.of_results(results):
        lines += _overview(table)
    for note in results.notes:
        lines += _wrapped(f"note: {one_line(note, NOTE_WIDTH)}")
    if results.work:
        lines += _wrapped("asked: " + "; ".join(map(_asked, results.work)))
    return lines


def _overview(table: Table) -> list[str]:
    """Return a collection's table, as many models side by side as fit."""
    lines = []
    per_block = (WIDTH - OVERVIEW_WIDTH) // CELL_WIDTH
    for start in range(0, len(table.models), per_block):
        models = table.models[start : start + per_block]
        head = f"{_cut(table.collection, 24)}: score in distribution > under the shift (drop)"
        lines += [head, _overview_row("", [_cut(model, CELL_WIDTH - 2) for model in models])]
        for name, row in table.rows:
            cells = [f"{row[m]} {VERDICTS[row[m].verdict]}" if m in row else "" for m in models]
            if any(cells):
                lines.append(_overview_row(name, cells))
        lines.append("")
    return lines


def _overview_row(name: str, cells: Sequence[str]) -> str:
    head = _fitted(_cut(name, OVERVIEW_WIDTH - 1), OVERVIEW_WIDTH)
    return (head + "".join(_fitted(cell, CELL_WIDTH) for cell in cells)).rstrip()


def _asked(work: Work) -> str:
    """Write what a model was asked, and what that took."""
    told = [f"{work.model} {work.asked:,} inputs ({work.known:,} known)"]
    if work.unanswered:
        told.append(f"{work.unanswered:,} without an answer")
    return ", ".join(filter(None, [*told, spent(work.used)]))


def _suite(results: Results, suite: str, *, verbose: bool) -> list[str]:
    measured = {r.model for r in results.results if r.suite == suite}
    models = [m for m in results.models if m.suite == suite and m.name in measured]
    per_block = (WIDTH - NAME_WIDTH) // CELL_WIDTH
    lines = []
    for start in range(0, len(models), per_block):
        lines += _drops(results, suite, models[start : start + per_block])
    lines += _differences(results, suite, per_block)
    if verbose:
        lines += _breakdowns(results, suite)
    lines += _curves(results, suite)
    lines += _legend(results, suite)
    sentence = answer_sentence(results.answers(suite), results.rules.alpha)
    return [*lines, *_wrapped(sentence), ""]


def _legend(results: Results, suite: str) -> list[str]:
    """Explain the verdicts that occur, and what they rest on."""
    rules = results.rules
    shown = [r for r in results.results if r.suite == suite]
    seen = {r.verdict for r in shown}
    lines = [text for verdict, text in LEGEND.items() if verdict in seen]
    kinds = {m.name: m.kind for m in results.models if m.suite == suite}
    for name in dict.fromkeys(e.surrogate for e in results.evaluations if e.suite == suite):
        if name:
            told = f" ({kinds[name]})" if name in kinds else ""
            lines += _wrapped(
                f"made against {name}{told}: what turns one model turns its like first, and "
                "flatters models of another kind; an attack on each model itself does not"
            )
    if any(_fails_alone(r, rules) for r in shown):
        lines.append(f"open*: would be a FAIL as the only gate; among {rules.gates} it is open")
    if rules.correction != "none" and "fail" in seen:
        kept = "any false one" if rules.correction == "holm" else "the expected share of false ones"
        lines += _wrapped(
            f"FAIL: {PROCEDURES[rules.correction]} over the {rules.gates} gates of the run keeps "
            f"{'the chance of ' if rules.correction == 'holm' else ''}{kept} at most "
            f"{percent(rules.alpha)}."
        )
        stepped = [r for r in shown if r.verdict == "fail" and (r.p_fail or 0) > rules.fail_alpha]
        if stepped:
            names = ", ".join(_name_of(r) for r in stepped)
            lines += _wrapped(f"These rest on the others of the family: {names}.")
    used = [r for r in shown if r.planned]
    if any(_drawn(r) < r.planned for r in used):
        share = sum(_drawn(r) for r in used) / sum(r.planned for r in used)
        lines += _wrapped(
            f"Sequential: gates stop when they are settled; on average they took {points(share)} % "
            "of the examples there were. Intervals hold at whatever point that was."
        )
    return lines


def _fails_alone(result: Result, rules: Rules) -> bool:
    p_value = result.p_fail
    return result.verdict == "inconclusive" and p_value is not None and p_value <= rules.alpha


def _drawn(result: Result) -> int:
    return result.n if isinstance(result, Floor) else result.drawn


def _name_of(result: Result) -> str:
    shift = result.shift or "in-distribution"
    return f"{shift} [{result.model}]"


def _drops(results: Results, suite: str, models: Sequence[ModelInfo]) -> list[str]:
    evaluations = [e for e in results.evaluations if e.suite == suite]
    floors = {f.model: f for f in results.floors if f.suite == suite}
    level = percent(1 - 2 * results.rules.alpha)
    name = _cut(suite, 24)
    measures = [r.measure for r in floors.values()] + [e.measure for e in evaluations]
    measure = next(iter(measures), ACCURACY)
    lines = [
        f"{name}: {measure}, then drop of {measure} in points, {level} intervals, verdicts",
        _row("", [m.name + (" (baseline)" if m.baseline else "") for m in models]),
        _row("", [m.note for m in models]),
    ]
    if any(m.name in floors for m in models):
        cells = [
            _cell(floors[m.name].score, floors[m.name], results.rules) if m.name in floors else ""
            for m in models
        ]
        lines.append(_row("in distribution", cells))
        lines += [
            f"    ({_cut(m.name, 40)}: asked again, it answers {floors[m.name].disagreed} of "
            f"{floors[m.name].reasked} otherwise)"
            for m in models
            if m.name in floors and floors[m.name].disagreed
        ]
        lines += _floor_counts([floors[m.name] for m in models if m.name in floors])
    scores = [score for score in results.scores if score.suite == suite]
    for kind in kinds():
        of_kind = [e for e in evaluations if e.kind == kind]
        for group in dict.fromkeys(map(_group, of_kind)):
            rows = [e for e in of_kind if _group(e) == group]
            lines += _kind(kind + group, rows, scores, models, results.rules)
        lines += _alone(kind, of_kind, [s for s in scores if s.kind == kind], models, results.rules)
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
    shifts = dict.fromkeys(s.shift for s in scores if s.shift not in shown)
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


def _group(result: Evaluation) -> str:
    """Tell attacks apart: what is made against one model says something else of another."""
    if result.surrogate:
        return f": made against {_cut(result.surrogate, 40)}, replayed on the others"
    if result.prompt is not None:
        return ": on the prompt"
    return ": each model attacked by itself" if result.attack is not None else ""


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
        # Of cases the score is told: what single answers score in distribution is no measure.
        told = [e for e in row if not e.cases or e.budget is not None]
        cells = {e.model: _cell(e.drop, e, rules) for e in told}
        lines.append(_row(name, [cells.get(m.name, "") for m in models]))
        if metric == ACCURACY:
            if any(s.shift == shift for s in scores):
                lines.append(_score("   score", shift, scores, models, rules))
            lines += _counts(shift, row, models)
    averaged = [e for e in shown if e.metric == ACCURACY and e.shift != WORST_CASE and not e.cases]
    if len({e.shift for e in averaged}) > 1:
        lines.append(_row(" mean", _means(averaged, models)))
    return lines


def _rows(found: Sequence[Evaluation | Comparison]) -> list[tuple[str, str, str]]:
    """Return name, shift and metric of each row: of each shift accuracy, then its other metrics."""
    rows = []
    for shift in dict.fromkeys(r.shift for r in found):
        metrics = dict.fromkeys(r.metric for r in found if r.shift == shift)
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
    means = {n: points(mean_drop([valid[n, shift] for shift in common])) for n in names}
    return [f"{means[m.name]:>5}" if m.name in means else "" for m in models]


def _abstained(result: Floor | Evaluation) -> str:
    """Write how many inputs a model did not answer, and how good its answers to the others are."""
    told = f"abstained {result.abstained} of {result.n}"
    answered = result.score_answered
    return told if answered is None else f"{told}, {points(answered)} when it answers"


def _unanswered(errors: Sequence[tuple[str, int]]) -> str:
    """Write how many inputs got no answer, and the most frequent reason."""
    why = one_line(errors[0][0], NOTE_WIDTH)
    return f"{sum(count for _, count in errors)} inputs got no answer ({why}), left out"


def _floor_counts(floors: Sequence[Floor]) -> list[str]:
    """Return a line on what the score leaves unsaid: abstentions, missing answers, seeds."""
    told = [f"{f.model} {_abstained(f)}" for f in floors if f.abstained]
    told += [f"{f.model}: error, {_unanswered(f.errors)}" for f in floors if f.errors]
    told += [_seeds(f.model, f.seed_scores) for f in floors if len(f.seed_scores) > 1]
    return _wrapped(f"(in distribution: {'; '.join(told)})", "    ") if told else []


def _seeds(model: str, figures: Sequence[float]) -> str:
    """Write how far the seeds of a model are apart."""
    least, most = points(min(figures)), points(max(figures))
    return f"{model}'s {len(figures)} seeds {least} to {most}"


def _counts(shift: str, evaluations: list[Evaluation], models: Sequence[ModelInfo]) -> list[str]:
    """Return a line on what the drop leaves unsaid: unchanged items, abstentions."""
    told = []
    unchanged = {e.unchanged for e in evaluations if e.unchanged and e.kind == "noise"}
    if unchanged:
        told.append(f"{max(unchanged)} unchanged, left out")
    rejected = max((e.rejected for e in evaluations), default=0)
    if rejected:
        told.append(f"{rejected} rejected by the validity filter, left out")
    told += [f"{e.model} {_abstained(e)}" for e in evaluations if e.abstained]
    told += [f"{e.model}: error, {_unanswered(e.errors)}" for e in evaluations if e.errors]
    told += [f"{e.model}: {e.unheld} did not hold again" for e in evaluations if e.unheld]
    told += dict.fromkeys(
        f"{e.surrogate or e.model}: {e.attack.success.n} attacked, "
        f"{points(e.attack.success.value)} % turned"
        for e in evaluations
        if e.attack is not None
    )
    if any(e.surrogate for e in evaluations):
        told.append(f"{max(e.n for e in evaluations)} examples that turned it")
    told += [_seeds(e.model, e.seed_drops) for e in evaluations if len(e.seed_drops) > 1]
    told += _cases(evaluations)
    lines = _wrapped(f"({shift}: {'; '.join(told)})", "    ") if told else []
    reweighted = [e for e in evaluations if e.reweighted is not None]
    if reweighted:
        drops = {e.model: f"{points(e.reweighted or 0.0):>5}" for e in reweighted}
        lines.append(_row("  same label mix", [drops.get(m.name, "") for m in models]))
    references = {e.reference for e in evaluations if e.reference is not None}
    if references:
        shown = " to ".join(points(reference) for reference in sorted(references))
        lines += _wrapped(f"({shift}: the baseline trained on it scores {shown})", "    ")
    return lines


def _cases(evaluations: list[Evaluation]) -> list[str]:
    """Tell what is counted where it is not single examples, what is not, and the groups' range."""
    counted: dict[str, list[str]] = {}
    for e in evaluations:
        whats = [f"{e.n} cases of {e.cases} inputs"] if e.cases else []
        whats += [f"{count} left out: {one_line(why, NOTE_WIDTH)}" for why, count in e.left_out]
        for what in whats:
            counted.setdefault(what, []).append(e.model)
    # Which cases apply may be another matter for each model.
    told = {
        what if len(models) == len(evaluations) else f"{', '.join(models)}: {what}": None
        for what, models in counted.items()
    }
    told |= {
        f"{e.model}: single answers {points(after)}": None
        for e in evaluations
        for name, _, after in e.measures
        if name == SINGLE_ACCURACY
    }
    for e in evaluations:
        if e.breakdown:
            scores = [cell.score.value for cell in e.breakdown]
            span = f"{points(min(scores))} to {points(max(scores))}"
            told[f"{e.model}: {len(scores)} groups, {span} (-v lists them)"] = None
    return list(told)


def _breakdowns(results: Results, suite: str) -> list[str]:
    """Return the score of each group under each shift, the models beside each other."""
    found = [e for e in results.evaluations if e.suite == suite and e.breakdown]
    lines = []
    for kind, shift in dict.fromkeys((e.kind, e.shift) for e in found):
        row = [e for e in found if (e.kind, e.shift) == (kind, shift)]
        name = f"{kind}/{_cut(shift, 30)}"
        lines.append(f"score by group under {name}, in points; intervals are in the reports")
        for start in range(0, len(row), FIGURES_BESIDE):
            lines += _groups(row[start : start + FIGURES_BESIDE])
    return lines


def _groups(row: Sequence[Evaluation]) -> list[str]:
    """Return a line for each group, which stands at its end: names are long."""
    head = "".join(f"{_cut(e.model, FIGURE_WIDTH - 1):>{FIGURE_WIDTH}}" for e in row)
    lines = [f"{head}{'n':>7}"]
    tables = [{(cell.within, cell.group): cell for cell in e.breakdown} for e in row]
    places = {place for table in tables for place in table}
    for within, group in sorted(places, key=lambda place: (place[0] or place[1], *place)):
        cells = [table.get((within, group)) for table in tables]
        shown = "".join(
            f"{'' if cell is None else points(cell.score.value):>{FIGURE_WIDTH}}" for cell in cells
        )
        size = max(cell.n for cell in cells if cell is not None)
        line = f"{shown}{size:>7}  {'  ' if within else ''}"
        lines.append(line + one_line(group, WIDTH - len(line)))
    return lines


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
        for name, shift, metric in _rows(comparisons):
            cells = {
                c.model: _cell(c.difference, c, results.rules)
                for c in comparisons
                if (c.shift, c.metric) == (shift, metric)
            }
            lines.append(_row(name, [cells.get(model, "") for model in block]))
    return lines


def _curves(results: Results, suite: str) -> list[str]:
    """Return scores over severity, one table for each perturbation."""
    curves = [curve for curve in results.curves if curve.suite == suite]
    lines = []
    for shift in dict.fromkeys(curve.shift for curve in curves):
        of_shift = [curve for curve in curves if curve.shift == shift]
        lines.append(f"score over the severity of {_cut(shift, 30)}; area: its mean over them")
        severities = [severity for severity, _ in of_shift[0].accuracies]
        lines.append(_row("", ["".join(f"{severity:>6}" for severity in severities)]))
        for curve in of_shift:
            shown = "".join(f"{points(value):>6}" for _, value in curve.accuracies)
            kept = "" if curve.kept is None else f", {points(curve.kept)} % of severity 0"
            area = f"area {points(curve.area.value)} {interval(curve.area)}{kept}, n = {curve.n}"
            lines.append(_fitted(f" {curve.model}", NAME_WIDTH) + f"{shown}  {area}")
    return lines


def _cell(estimate: Estimate, result: Result, rules: Rules) -> str:
    cell = f"{points(estimate.value):>5} {interval(estimate)} {VERDICTS[result.verdict]}".rstrip()
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
    names = f"{answer.model.name} ({answer.model.kind})"
    baseline = f"{answer.baseline.name} ({answer.baseline.kind})"
    settled = "settled" if answer.settled else "not settled"
    where = f"under {answer.kind} shift"
    if answer.surrogate:
        where = f"on adversarial examples made against {answer.surrogate}"
    return f"{where} {names} drops {how_much} {baseline} {interval(difference)}, {settled}"


def _wrapped(text: str, indent: str = "") -> list[str]:
    import textwrap

    return textwrap.wrap(
        text, WIDTH, initial_indent=indent, subsequent_indent=indent, break_on_hyphens=False
    )
