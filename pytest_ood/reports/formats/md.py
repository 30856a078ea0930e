"""The Markdown report: what fits into a comment on a pull request, and into a step's summary.

Foreign text stands in code spans, in which GitHub sees neither markup, HTML, mentions, links nor
numbers of issues. What does not fit is left out from the least important end, and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, points
from pytest_ood.evaluation import Evaluation
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports import checks
from pytest_ood.reports.checks import check_rows, remarks_of, select_worst
from pytest_ood.reports.escaping import escape_controls, one_line, word_diff
from pytest_ood.reports.overview import overviews
from pytest_ood.reports.wording import (
    VERDICT_WORDS,
    WORST_FIRST,
    family_promise,
    level,
    paradigm_sentence,
)
from pytest_ood.shifts import kinds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.analysis.report import CheckError, Report
    from pytest_ood.evaluation import Flip, LabelCounts, ModelInfo, SeverityCurve
    from pytest_ood.reports.checks import Breakdown, CheckRow
    from pytest_ood.reports.overview import Overview

ICONS = {
    "pass": "\N{WHITE HEAVY CHECK MARK}",
    "fail": "\N{CROSS MARK}",
    "inconclusive": "\N{WHITE QUESTION MARK ORNAMENT}",
    "invalid": "\N{NO ENTRY SIGN}",
    "measured": "\N{EN DASH}",
    "error": "\N{NO ENTRY SIGN}",
}
NAME_WIDTH = 80
REASON_WIDTH = 400
DIFF_WIDTH = 500
COMMAND_WIDTH = 4_000
FLIPS_EACH = 3
"""Flipped examples of each check that did not pass."""
NOTICE = 1_000
"""Bytes that are kept free to say what was left out."""
_PLAIN = re.compile(r"([A-Za-z0-9 ,;:%()=.'-]|\[-?[\d.]+, -?[\d.]+\](?![(:]))*")
_LINKED = re.compile(r"\b[0-9a-f]{7,40}\b|\bGH-\d|www\.", re.IGNORECASE)
"""What GitHub makes links of without any markup: hashes of commits, issues, addresses."""


@dataclass(frozen=True)
class Block:
    """A part of the report that may be left out line by line, from its end.

    Attributes:
        noun: Name of its lines, for the notice on lines that are left out.
        head: Text before the lines; left out without at least one line.
        lines: One for each row or point.
        foot: Text after the lines.
        rank: Blocks of a higher rank are left out first.
    """

    noun: str
    head: str
    lines: Sequence[str]
    foot: str = ""
    rank: int = 0


COMMENT_LIMIT = 65_536
"""Bytes; GitHub takes comments of so many characters, which is more where not all are ASCII."""


def render(report: Report, limit: int = COMMENT_LIMIT) -> str:
    """Return the report.

    Args:
        report: The report of a run.
        limit: The most bytes of UTF-8 it may take. Of fewer than the verdict takes, nothing is
            returned.
    """
    blocks = _blocks(report)
    room, counts = limit - NOTICE, [0] * len(blocks)
    for index in sorted(range(len(blocks)), key=lambda index: blocks[index].rank):
        block = blocks[index]
        room -= _size(block.head + block.foot)
        for line in block.lines:
            size = _size(line)
            if size > room:
                break
            room -= size
            counts[index] += 1
        if not counts[index]:
            room += _size(block.head + block.foot)
    if not counts[0]:
        return ""
    text = "".join(
        block.head + "".join(block.lines[:count]) + block.foot
        for block, count in zip(blocks, counts, strict=True)
        if count
    )
    left_out, totals = Counter[str](), Counter[str]()
    for block, count in zip(blocks, counts, strict=True):
        left_out[block.noun] += len(block.lines) - count
        totals[block.noun] += len(block.lines)
    cut = [f"{left_out[n]:,} of {total:,} {n}" for n, total in totals.items() if left_out[n]]
    return text + (f"\nLeft out for its length: {'; '.join(cut)}.\n" if cut else "")


def _size(text: str) -> int:
    return len(text.encode("utf-8"))


def code(text: object, width: int = NAME_WIDTH) -> str:
    """Return foreign text as a code span that ends where it should."""
    shown = one_line(str(text), width)
    ticks = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * (ticks + 1)
    pad = " " if not shown.strip() or shown[0] in "` " or shown[-1] in "` " else ""
    return f"{fence}{pad}{shown or ' '}{pad}{fence}"


def prose(text: str) -> str:
    """Return a clause as it is where Markdown sees nothing in it, else as a code span."""
    shown = escape_controls(text)
    plain = _PLAIN.fullmatch(shown) and not _LINKED.search(shown) and len(shown) <= REASON_WIDTH
    return shown if plain else code(shown, REASON_WIDTH)


def _blocks(report: Report) -> list[Block]:
    rows = check_rows(report)
    blocks = [_verdict(report)]
    wrong = select_worst(rows, ("fail", "invalid"))
    blocks.append(
        Block(
            "checks that did not pass",
            "\n### What did not pass\n\n",
            [*map(_check, wrong), *map(_error, report.errors)],
            rank=1,
        )
    )
    if checks.failed_gates(report):
        promise = family_promise(report.rules) + "\n"
        blocks.append(Block("notes on the fails", "\n", [promise], rank=3))
    blocks += map(_overview, overviews(report))
    for suite in dict.fromkeys(row.suite for row in rows):
        blocks += _suite(report, suite, [row for row in rows if row.suite == suite])
    inconclusive = select_worst(rows, ("inconclusive",))
    blocks.append(_folded("inconclusive checks", list(map(_check, inconclusive)), 4))
    flips = [
        _flip(e, flip)
        for e in checks.flipped(report)
        if e.verdict in ("fail", "inconclusive")
        for flip in e.flips[:FLIPS_EACH]
    ]
    blocks.append(_folded("flipped examples of checks that did not pass", flips, 6))
    return [*blocks, _about(report)]


def _verdict(report: Report) -> Block:
    top = checks.headline(report)
    word = VERDICT_WORDS[top.verdict].upper()
    first = f"## {ICONS[top.verdict]} Robustness: {word}\n\n{top.sentence}\n"
    suites = list(dict.fromkeys(row.suite for row in check_rows(report)))
    sentences = {suite: paradigm_sentence(report, suite, code) for suite in suites}
    answers = [
        f"{code(suite)}: {sentence}" if len(suites) > 1 else sentence
        for suite, sentence in sentences.items()
        if sentence
    ]
    each = "".join(
        f"- {ICONS[top.verdict]} {code(model)}: {top.sentence}\n"
        for model, top in checks.model_headlines(report)
    )
    parts = [first, *([f"\n{each}"] if each else []), *(f"\n{answer}\n" for answer in answers)]
    return Block("answers", "", parts)


def _folded(noun: str, lines: list[str], rank: int, title: str = "") -> Block:
    # A folded part needs blank lines around it, or its Markdown is shown as it is written.
    head = f"\n<details>\n<summary>{title or f'{len(lines):,} {noun}'}</summary>\n\n"
    return Block(noun, head, lines, "\n</details>\n", rank)


def _check(row: CheckRow) -> str:
    versus = "since" if row.sort == "change" else "against"
    model = code(row.model) + (f" {versus} {code(row.baseline)}" if row.baseline else "")
    metric = "" if row.metric == ACCURACY else f" by {code(row.metric)}"
    return (
        f"- {ICONS[row.verdict]} {VERDICT_WORDS[row.verdict]}: "
        f"{code(row.path)}{metric}, {model}: "
        f"{row.figure} **{row.value}** {row.interval}, "
        f"budget {row.budget}: {prose(row.reason)}\n"
        f"  again: {code(row.rerun, COMMAND_WIDTH)}\n"
    )


def _error(error: CheckError) -> str:
    message = code(error.message, REASON_WIDTH)
    return f"- {ICONS['error']} not carried out: {code(error.check)}: {message}\n"


def _suite(report: Report, suite: str, rows: list[CheckRow]) -> list[Block]:
    floors = [row for row in rows if row.sort == "score" and not row.kind]
    scores = [row for row in rows if row.sort == "score" and row.kind]
    drops = [row for row in rows if row.sort == "drop"]
    differences = [row for row in rows if row.sort == "difference"]
    changes = [row for row in rows if row.sort == "change"]

    def models_of(chosen: list[CheckRow]) -> list[ModelInfo]:
        """Return the models of rows, in the order of the report."""
        names = {row.model for row in chosen}
        return [m for m in report.models_of(suite) if m.name in names]

    verdicts = {row.verdict for row in rows}
    legend = ", ".join(
        f"{ICONS[verdict]} {VERDICT_WORDS[verdict]}"
        for verdict in WORST_FIRST
        if verdict in verdicts
    )
    name = checks.score_name(rows)
    title = (
        f"\n### Suite {code(suite)}\n\n{prose(name[:1].upper() + name[1:])}, then drop of "
        f"{prose(name)} in points, with {level(report.rules.alpha)} ({legend})\n\n"
    )
    table = [("in distribution", floors)] if floors else []
    table += _by_shift(drops)
    blocks = [_figures("drops", title, models_of(rows), table, 2)]
    if scores:
        # Without drops there is no table before it that names the suite.
        first = "" if table else f"\n### Suite {code(suite)}\n"
        head = f"{first}\nScore under the shift by itself, in points\n\n"
        blocks.append(_figures("scores", head, models_of(scores), _by_shift(scores), 2))
    if differences:
        baseline = code(differences[0].baseline)
        head = f"\nDrop beyond that of {baseline}, in points, on the same items\n\n"
        models = models_of(differences)
        blocks.append(_figures("differences of drops", head, models, _by_shift(differences), 3))
    if changes:
        head = (
            f"\nSince {code(changes[0].baseline)}: drop of the score from then to now, in points, "
            "on the same examples\n\n"
        )
        if any(row.verdict == "fail" for row in changes):
            promise = family_promise(report.rules, checks.release_family(report)) + "\n"
            blocks.append(Block("notes on the fails", "\n", [promise], rank=3))
        blocks.append(_figures("changes", head, models_of(changes), _by_shift(changes), 3))
    notes = [
        f"- {shift}: {prose(subject)}: {values}\n"
        for shift, of_shift in (*table, *_by_shift(scores))
        for subject, values in remarks_of(report, of_shift, code)
    ]
    curves = [curve for curve in report.severity_curves if curve.suite == suite]
    recalls = [
        _recalls(row, row.result.per_label)
        for row in drops
        if isinstance(row.result, Evaluation) and row.metric == ACCURACY and row.result.per_label
    ]
    return [
        *blocks,
        _folded("notes on the figures", notes, 5),
        *(_breakdown(one) for one in checks.breakdowns(report, suite)),
        _folded("severity curves", [_curve(curve) for curve in curves], 5),
        _folded(
            "tables of labels",
            recalls,
            6,
            "Of each label the share that is answered right, in distribution \N{RIGHTWARDS ARROW} "
            "under the shift",
        ),
    ]


def _overview(table: Overview) -> Block:
    """Return a collection's table."""
    head = (
        f"\n### {code(table.collection)}\n\nScore in distribution > under the shift (drop); of "
        "sets and cases the score alone\n\n"
    )
    rows = [["", *map(code, table.models)], ["---"] * (len(table.models) + 1)]
    for name, row in table.rows:
        cells = [f"{row[m]} {ICONS[row[m].verdict]}" if m in row else "" for m in table.models]
        rows.append([code(name), *cells])
    lines = _table_lines(rows)
    return Block("overview", head + "".join(lines[:2]), lines[2:], rank=1)


def _by_shift(rows: list[CheckRow]) -> list[tuple[str, list[CheckRow]]]:
    """Return the name and the checks of each shift and metric, kind by kind."""
    by_name: dict[str, list[CheckRow]] = {}
    order = ("", *kinds())
    for row in sorted(rows, key=lambda row: order.index(row.kind)):
        name = f"{row.kind}/{row.name}" if row.kind else row.name
        by_name.setdefault(code(name), []).append(row)
    return list(by_name.items())


def _figures(
    noun: str,
    head: str,
    models: list[ModelInfo],
    rows: list[tuple[str, list[CheckRow]]],
    rank: int,
) -> Block:
    table = [
        ["", *(code(m.name) + (" (baseline)" if m.baseline else "") for m in models)],
        ["---"] * (len(models) + 1),
        ["", *(prose(model.note) for model in models)],
    ]
    for name, checks_ in rows:
        cells = {c.model: f"{c.value} {c.interval} {ICONS[c.verdict]}" for c in checks_}
        table.append([name, *(cells.get(model.name, "") for model in models)])
    lines = _table_lines(table)
    return Block(noun, head + "".join(lines[:3]), lines[3:], rank=rank)


def _breakdown(breakdown: Breakdown) -> Block:
    """Return the scores by group as a folded table."""
    # A summary is HTML, in which no code span keeps a foreign name from being some.
    head = f"{_folded('', [], 0, 'Score by group').head}"
    head += f"Under {code(f'{breakdown.kind}/{breakdown.shift}')}:\n\n"
    table = [["group", "n", *map(code, breakdown.models)], ["---"] * (len(breakdown.models) + 2)]
    for within, group, by_model in breakdown.rows:
        name = f"{code(within)}: {code(group)}" if within else code(group)
        sizes = "/".join(dict.fromkeys(f"{score.n:,}" for score in by_model.values()))
        figures = (
            f"{points(score.score.value)} {interval(score.score)}"
            if (score := by_model.get(model))
            else ""
            for model in breakdown.models
        )
        table.append([name, sizes, *figures])
    lines = _table_lines(table)
    return Block("groups", head + "".join(lines[:2]), lines[2:], "\n</details>\n", 5)


def _table_lines(rows: list[list[str]]) -> list[str]:
    # A pipe would end the cell even in a code span; an escape stands for it, as for others.
    cells = ([text.replace("|", "\\x7c") for text in row] for row in rows)
    return [f"| {' | '.join(row)} |\n" for row in cells]


def _curve(curve: SeverityCurve) -> str:
    figures = ", ".join(f"{point.severity}: {points(point.accuracy)}" for point in curve.accuracies)
    return (
        f"- {code(curve.shift)}, {code(curve.model)}: score at severity {figures}; "
        f"area {points(curve.area.value)} {interval(curve.area)}\n"
    )


def _recalls(row: CheckRow, per_label: Sequence[LabelCounts]) -> str:
    labels = "; ".join(map(_recall, per_label))
    return f"- {code(f'{row.kind}/{row.shift}')}, {code(row.model)}: {labels}\n"


def _recall(counts: LabelCounts) -> str:
    before, after = (
        "none" if share is None else points(share)
        for share in (counts.recall_in_distribution, counts.recall_under_shift)
    )
    sizes = f"(n {counts.n_in_distribution:,}, {counts.n_under_shift:,})"
    return f"{code(counts.label)} {before} \N{RIGHTWARDS ARROW} {after} {sizes}"


def _flip(evaluation: Evaluation, flip: Flip) -> str:
    text = flip.after
    after = _answer(flip.answer_after, flip.output_after)
    answers = f"answered {after}"
    if flip.before is not None:
        text = word_diff(flip.before, flip.after)
        answers = f"answered {_answer(flip.answer_before, flip.output_before)}, then {after}"
    truth = code(flip.label)
    if flip.label_before is not None:
        truth = f"{code(flip.label_before)}, then {truth}"
    shift = code(f"{evaluation.kind}/{evaluation.shift}")
    head = f"- {shift}, {code(evaluation.model)}, truth {truth}, {answers}"
    return f"{head}: {code(text, DIFF_WIDTH)}\n"


def _answer(label: str | None, output: str | None = None) -> str:
    if label == "":
        return "that there is none"
    if label is None:
        written = (output or "").strip()
        return f"nothing that can be read: {code(output)}" if written else "nothing"
    return code(label)


def _about(report: Report) -> Block:
    notes = [*report.notes, *(report.release.notes if report.release else ())]
    lines = [f"- note: {code(note, REASON_WIDTH)}\n" for note in notes]
    lines += [
        f"- suite {code(frozen.suite)} is replayed from {code(frozen.path)}\n"
        for frozen in report.frozen
    ]
    lines += [f"- {code(model.name)}: {prose(model.source)}\n" for model in report.models]
    versions = ", ".join(f"{name} {version}" for name, version in report.environment.items())
    lines.append(f"- seed {report.seed}; {code(versions, REASON_WIDTH)}\n")
    return _folded("lines about this run", lines, 7, "About this run")
