"""The Markdown report: what fits into a comment on a pull request, and into a step's summary.

Foreign text stands in code spans, in which GitHub sees neither markup, HTML, mentions, links nor
numbers of issues. What does not fit is left out from the least important end, and counted.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import points
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports import collections, content
from pytest_ood.reports.text import harmless, one_line, word_diff
from pytest_ood.shifts import kinds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.reports.collections import Table
    from pytest_ood.reports.content import LabelRecall, Line, Row
    from pytest_ood.reports.results import ModelInfo

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
        what: What its lines are, for the notice on what was left out.
        head: What stands before them: not without at least one line.
        lines: One for each row or point.
        foot: What stands after them.
        rank: The higher, the sooner it is left out.
    """

    what: str
    head: str
    lines: Sequence[str]
    foot: str = ""
    rank: int = 0


COMMENT_LIMIT = 65_536
"""Bytes; GitHub takes comments of so many characters, which is more where not all are ASCII."""


def render(report: Mapping[str, Any], limit: int = COMMENT_LIMIT) -> str:
    """Return the report.

    Args:
        report: The plain values of the JSON report.
        limit: The most bytes of UTF-8 it may take. Of fewer than the verdict takes, nothing is
            returned.
    """
    blocks = _blocks(report)
    room, kept = limit - NOTICE, [0] * len(blocks)
    for place in sorted(range(len(blocks)), key=lambda place: blocks[place].rank):
        block = blocks[place]
        room -= _size(block.head + block.foot)
        for line in block.lines:
            size = _size(line)
            if size > room:
                break
            room -= size
            kept[place] += 1
        if not kept[place]:
            room += _size(block.head + block.foot)
    if not kept[0]:
        return ""
    text = "".join(
        block.head + "".join(block.lines[:count]) + block.foot
        for block, count in zip(blocks, kept, strict=True)
        if count
    )
    left, all_ = Counter[str](), Counter[str]()
    for block, count in zip(blocks, kept, strict=True):
        left[block.what] += len(block.lines) - count
        all_[block.what] += len(block.lines)
    cut = [f"{left[what]:,} of {all_[what]:,} {what}" for what in all_ if left[what]]
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
    shown = harmless(text)
    plain = _PLAIN.fullmatch(shown) and not _LINKED.search(shown) and len(shown) <= REASON_WIDTH
    return shown if plain else code(shown, REASON_WIDTH)


def _blocks(report: Row) -> list[Block]:
    found = content.lines(report)
    blocks = [_verdict(report)]
    wrong = content.worst_first(found, ("fail", "invalid"))
    blocks.append(
        Block(
            "checks that did not pass",
            "\n### What did not pass\n\n",
            [*map(_check, wrong), *map(_error, report["errors"])],
            rank=1,
        )
    )
    if content.failed_gates(report):
        blocks.append(Block("notes on the fails", "\n", [content.family(report) + "\n"], rank=3))
    blocks += map(_overview, collections.of_report(report))
    for suite in content.suites(report):
        blocks += _suite(report, suite, [line for line in found if line.suite == suite])
    open_ = content.worst_first(found, ("inconclusive",))
    blocks.append(_folded("inconclusive checks", list(map(_check, open_)), 4))
    flips = [
        _flip(e, flip)
        for e in content.flipped(report)
        if e["verdict"] in ("fail", "inconclusive")
        for flip in e["flips"][:FLIPS_EACH]
    ]
    blocks.append(_folded("flipped examples of checks that did not pass", flips, 6))
    return [*blocks, _about(report)]


def _verdict(report: Row) -> Block:
    top = content.headline(report)
    word = content.VERDICT_WORDS[top.verdict].upper()
    first = f"## {ICONS[top.verdict]} Robustness: {word}\n\n{top.sentence}\n"
    suites = content.suites(report)
    told = {suite: content.answer(report, suite, code) for suite in suites}
    answers = [
        f"{code(suite)}: {answer}" if len(suites) > 1 else answer
        for suite, answer in told.items()
        if answer
    ]
    each = "".join(
        f"- {ICONS[found.verdict]} {code(model)}: {found.sentence}\n"
        for model, found in content.model_headlines(report)
    )
    parts = [first, *([f"\n{each}"] if each else []), *(f"\n{one}\n" for one in answers)]
    return Block("answers", "", parts)


def _folded(what: str, lines: list[str], rank: int, title: str = "") -> Block:
    # A folded part needs blank lines around it, or its Markdown is shown as it is written.
    head = f"\n<details>\n<summary>{title or f'{len(lines):,} {what}'}</summary>\n\n"
    return Block(what, head, lines, "\n</details>\n", rank)


def _check(line: Line) -> str:
    versus = "since" if line.what == "change" else "against"
    who = code(line.model) + (f" {versus} {code(line.baseline)}" if line.baseline else "")
    metric = "" if line.metric == ACCURACY else f" by {code(line.metric)}"
    return (
        f"- {ICONS[line.verdict]} {content.VERDICT_WORDS[line.verdict]}: "
        f"{code(line.path)}{metric}, {who}: "
        f"{line.figure} **{line.value}** {line.interval}, "
        f"budget {line.budget}: {prose(line.reason)}\n"
        f"  again: {code(line.again, COMMAND_WIDTH)}\n"
    )


def _error(error: Row) -> str:
    message = code(error["message"], REASON_WIDTH)
    return f"- {ICONS['error']} not carried out: {code(error['check'])}: {message}\n"


def _suite(report: Row, suite: str, found: list[Line]) -> list[Block]:
    floors = [line for line in found if line.what == "score" and not line.kind]
    scores = [line for line in found if line.what == "score" and line.kind]
    drops = [line for line in found if line.what == "drop"]
    differences = [line for line in found if line.what == "difference"]
    models = [m for m in content.models(report, suite) if m.name in {n.model for n in found}]
    seen = {line.verdict for line in found}
    legend = ", ".join(
        f"{ICONS[verdict]} {content.VERDICT_WORDS[verdict]}"
        for verdict in content.WORST_FIRST
        if verdict in seen
    )
    measure = content.measure(found)
    title = (
        f"\n### Suite {code(suite)}\n\n{prose(measure[:1].upper() + measure[1:])}, then drop of "
        f"{prose(measure)} in points, with {content.level(report)} ({legend})\n\n"
    )
    rows = [("in distribution", floors)] if floors else []
    rows += _by_shift(drops)
    blocks = [_figures("drops", title, models, rows, 2)]
    if scores:
        # Without drops there is no table before it that names the suite.
        first = "" if rows else f"\n### Suite {code(suite)}\n"
        head = f"{first}\nScore under the shift by itself, in points\n\n"
        others = [m for m in models if m.name in {line.model for line in scores}]
        blocks.append(_figures("scores", head, others, _by_shift(scores), 2))
    if differences:
        baseline = code(differences[0].baseline)
        head = f"\nDrop beyond that of {baseline}, in points, on the same items\n\n"
        others = [m for m in models if m.name in {line.model for line in differences}]
        blocks.append(_figures("differences of drops", head, others, _by_shift(differences), 3))
    changes = [line for line in found if line.what == "change"]
    if changes:
        head = (
            f"\nSince {code(changes[0].baseline)}: drop of the score from then to now, in points, "
            "on the same examples\n\n"
        )
        if any(line.verdict == "fail" for line in changes):
            blocks.append(
                Block("notes on the fails", "\n", [content.release_family(report) + "\n"], rank=3)
            )
        others = [m for m in models if m.name in {line.model for line in changes}]
        blocks.append(_figures("changes", head, others, _by_shift(changes), 3))
    notes = [
        f"- {name}: {prose(what)}: {figures}\n"
        for name, row in rows
        for what, figures in content.told_once(row, code)
    ]
    notes += [
        f"- {name}: {prose(what)}: {figures}\n"
        for name, row in _by_shift([*scores, *content.case_remarks(report, scores)])
        for what, figures in content.told_once(row, code)
    ]
    curves = [curve for curve in report["severity_curves"] if curve["suite"] == suite]
    recalls = [(line, content.label_recalls(line.row)) for line in drops if line.metric == ACCURACY]
    return [
        *blocks,
        _folded("notes on the figures", notes, 5),
        *(_breakdown(one) for one in content.breakdowns(report, suite)),
        _folded("severity curves", [_curve(curve) for curve in curves], 5),
        _folded(
            "tables of labels",
            [_recalls(line, labels) for line, labels in recalls if labels],
            6,
            "Of each label the share that is answered right, in distribution \N{RIGHTWARDS ARROW} "
            "under the shift",
        ),
    ]


def _overview(table: Table) -> Block:
    """Return a collection's table."""
    head = (
        f"\n### {code(table.collection)}\n\nScore in distribution > under the shift (drop); of "
        "sets and cases the score alone\n\n"
    )
    rows = [["", *map(code, table.models)], ["---"] * (len(table.models) + 1)]
    for name, row in table.rows:
        cells = [f"{row[m]} {ICONS[row[m].verdict]}" if m in row else "" for m in table.models]
        rows.append([code(name), *cells])
    lines = ["| " + " | ".join(map(_cell, cells)) + " |\n" for cells in rows]
    return Block("overview", head + "".join(lines[:2]), lines[2:], rank=1)


def _by_shift(found: list[Line]) -> list[tuple[str, list[Line]]]:
    """Return the name and the lines of each shift and metric, kind by kind."""
    rows: dict[str, list[Line]] = {}
    order = ("", *kinds())
    for line in sorted(found, key=lambda line: order.index(line.kind)):
        rows.setdefault(code(content.path_of("", line.kind, line.name)), []).append(line)
    return list(rows.items())


def _figures(
    what: str, head: str, models: list[ModelInfo], rows: list[tuple[str, list[Line]]], rank: int
) -> Block:
    table = [
        ["", *(code(m.name) + (" (baseline)" if m.baseline else "") for m in models)],
        ["---"] * (len(models) + 1),
        ["", *(prose(model.note) for model in models)],
    ]
    for name, row in rows:
        cells = {line.model: f"{line.value} {line.interval} {ICONS[line.verdict]}" for line in row}
        table.append([name, *(cells.get(model.name, "") for model in models)])
    lines = ["| " + " | ".join(map(_cell, cells)) + " |\n" for cells in table]
    return Block(what, head + "".join(lines[:3]), lines[3:], rank=rank)


def _breakdown(found: content.Breakdown) -> Block:
    """Return the scores by group as a folded table."""
    path = content.path_of("", found.kind, found.shift)
    # A summary is HTML, in which no code span keeps a foreign name from being some.
    head = f"{_folded('', [], 0, 'Score by group').head}Under {code(path)}:\n\n"
    table = [["group", "n", *map(code, found.models)], ["---"] * (len(found.models) + 2)]
    for within, group, cells in found.rows:
        name = f"{code(within)}: {code(group)}" if within else code(group)
        sizes = "/".join(dict.fromkeys(f"{cell['n']:,}" for cell in cells.values()))
        figures = (
            f"{points(cell['score'])} [{', '.join(map(points, cell['interval']))}]"
            if (cell := cells.get(model))
            else ""
            for model in found.models
        )
        table.append([name, sizes, *figures])
    lines = ["| " + " | ".join(map(_cell, cells)) + " |\n" for cells in table]
    return Block("groups", head + "".join(lines[:2]), lines[2:], "\n</details>\n", 5)


def _cell(text: str) -> str:
    # A pipe would end the cell even in a code span; an escape stands for it, as for others.
    return text.replace("|", "\\x7c")


def _curve(curve: Row) -> str:
    figures = ", ".join(
        f"{point['severity']}: {points(point['accuracy'])}" for point in curve["accuracies"]
    )
    return (
        f"- {code(curve['shift'])}, {code(curve['model'])}: score at severity {figures}; "
        f"area {points(curve['area'])} [{', '.join(map(points, curve['interval']))}]\n"
    )


def _recalls(line: Line, found: list[LabelRecall]) -> str:
    labels = "; ".join(map(_recall, found))
    return f"- {code(f'{line.kind}/{line.shift}')}, {code(line.model)}: {labels}\n"


def _recall(one: LabelRecall) -> str:
    before, after = ("none" if s is None else points(s) for s in (one.before, one.after))
    counts = "" if one.n_after is None else f" (n {one.n_before:,}, {one.n_after:,})"
    return f"{code(one.label)} {before} \N{RIGHTWARDS ARROW} {after}{counts}"


def _flip(evaluation: Row, flip: Row) -> str:
    shown = flip["after"]
    after = _answer(flip["answer_after"], flip.get("said_after"))
    answers = f"answered {after}"
    if flip["before"] is not None:
        shown = word_diff(flip["before"], flip["after"])
        before = _answer(flip["answer_before"], flip.get("said_before"))
        answers = f"answered {before}, then {after}"
    truth = code(flip["label"])
    if flip.get("label_before") is not None:
        truth = f"{code(flip['label_before'])}, then {truth}"
    where = code(f"{evaluation['kind']}/{evaluation['shift']}")
    head = f"- {where}, {code(evaluation['model'])}, truth {truth}, {answers}"
    return f"{head}: {code(shown, DIFF_WIDTH)}\n"


def _answer(label: str | None, said: str | None = None) -> str:
    if label == "":
        return "that there is none"
    if label is None:
        return f"nothing that can be read: {code(said)}" if (said or "").strip() else "nothing"
    return code(label)


def _about(report: Row) -> Block:
    notes = [*report["notes"], *content.release_notes(report)]
    lines = [f"- note: {code(note, REASON_WIDTH)}\n" for note in notes]
    lines += [
        f"- suite {code(frozen['suite'])} is replayed from {code(frozen['path'])}\n"
        for frozen in report["frozen"]
    ]
    lines += [f"- {code(model['name'])}: {prose(model['source'])}\n" for model in report["models"]]
    versions = ", ".join(f"{name} {version}" for name, version in report["environment"].items())
    lines.append(f"- seed {report['seed']}; {code(versions, REASON_WIDTH)}\n")
    return _folded("lines about this run", lines, 7, "About this run")
