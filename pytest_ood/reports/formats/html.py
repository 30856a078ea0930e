"""The HTML report: one file that needs nothing else, and in which foreign text does nothing.

Every value is written by Jinja with autoescape, after control characters were made visible; the
page's policy allows its own style and script by their hashes and nothing besides, so that a slip in
the first would not be one of the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pytest_ood.budgets import points
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports import collections, content
from pytest_ood.reports.charts import LEAST_SPAN, Axis, Curves, Scatter, scatter, severity_curves
from pytest_ood.reports.text import Piece, diff_pieces, harmless, no_answer, one_line
from pytest_ood.shifts import WORST_CASE, kinds

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_ood.reports.collections import Table
    from pytest_ood.reports.content import LabelRecall, Line, Row
    from pytest_ood.reports.results import ModelInfo

TEMPLATES = Path(__file__).parents[1] / "templates"
COLOURS = SHAPES = 6
NAMES_SHOWN = 6
"""Models named in the headline."""
FLIPS_SHOWN = 600
"""Flipped examples on the page, over all checks; the others are counted."""
DIFF_CONTEXT = 160
PIECE_WIDTH = 600
PIECES = 80


def render(report: Mapping[str, Any]) -> str:
    """Return the page.

    Args:
        report: The plain values of the JSON report.
    """
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    page = _Page(report)
    return (
        environment()
        .get_template("page.html")
        .render(
            page=page,
            report=report,
            content=content,
            points=points,
            plain=_plain,
            # What is written as it is: our own style and script, which the policy knows by hash.
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            policy=policy(style, script),
        )
    )


def environment() -> Environment:
    """Return what pages are rendered with: every value is escaped, and made harmless before."""
    return Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def policy(style: str, script: str = "") -> str:
    """Return the policy of a page: its own style and script, and nothing besides."""
    scripts = f"script-src '{_hash(script)}'; " if script else ""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; {scripts}base-uri 'none'; "
        "form-action 'none'"
    )


def _shown(value: object) -> object:
    """Return what a template writes of a value; markup is what the templates themselves make."""
    return value if isinstance(value, Markup) else harmless(str(value))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _plain(value: object) -> str:
    """Write a parameter of a model the same whether it came out of a file or not."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


@dataclass(frozen=True)
class _Flip:
    """A flipped example, ready to be shown.

    Attributes:
        line: What it was flipped under.
        keys: Of shift, model, label and suite among those that can be filtered by.
        row: Its plain values.
        pieces: Its texts as a word diff, or the one text there is.
    """

    line: Row
    keys: tuple[int, int, int, int]
    row: Row
    pieces: tuple[Piece, ...]

    @property
    def before(self) -> str:
        """What was answered to the original."""
        return _answer(self.row["answer_before"], self.row.get("said_before"))

    @property
    def after(self) -> str:
        """What is answered under the shift."""
        return _answer(self.row["answer_after"], self.row.get("said_after"))


def _answer(given: str | None, said: str | None) -> str:
    return no_answer(said) if given is None else given or "that there is none"


@dataclass(frozen=True)
class _Suite:
    """One suite's part of the page."""

    report: Row
    number: int
    name: str
    lines: list[Line]

    @property
    def measure(self) -> str:
        """What the score is called."""
        return content.measure(self.lines)

    @cached_property
    def models(self) -> list[ModelInfo]:
        measured = {line.model for line in self.lines}
        return [m for m in content.models(self.report, self.name) if m.name in measured]

    @cached_property
    def looks(self) -> dict[str, tuple[int, int]]:
        """The colour and the shape of each model; 36 pairs before they begin again."""
        return {
            model.name: (place % COLOURS, (place + place // COLOURS) % SHAPES)
            for place, model in enumerate(self.models)
        }

    @property
    def answer(self) -> str:
        return content.answer(self.report, self.name, str)

    @property
    def floors(self) -> list[Line]:
        return [line for line in self.lines if line.what == "score" and not line.kind]

    @cached_property
    def scatters(self) -> list[Scatter]:
        drops = [
            line
            for line in self.lines
            if line.what == "drop"
            and line.metric == ACCURACY
            and line.verdict != "invalid"
            and line.shift != WORST_CASE
            and not line.row.get("cases")
        ]
        groups = ((kind, [line for line in drops if line.kind == kind]) for kind in kinds())
        return [scatter(kind, found) for kind, found in groups if found]

    def tables(self, what: str) -> list[_Table]:
        """Return scores, drops, ...: a table for each kind of shift and attack.

        Scores in distribution have a table of their own.
        """
        found = [n for n in self.lines if n.what == what and (n.kind or what != "score")]
        return [
            _Table(self.report, kind, group, [n for n in of_kind if _group(n) == group])
            for kind in ("", *kinds())
            for of_kind in ([line for line in found if line.kind == kind],)
            for group in dict.fromkeys(map(_group, of_kind))
        ]

    @cached_property
    def curves(self) -> list[Curves]:
        rows = [c for c in self.report["severity_curves"] if c["suite"] == self.name]
        shifts = dict.fromkeys(row["shift"] for row in rows)
        return [severity_curves(s, [row for row in rows if row["shift"] == s]) for s in shifts]

    @cached_property
    def recalls(self) -> list[tuple[str, list[tuple[Line, list[LabelRecall]]]]]:
        """What becomes of each label under each shift, where a report tells it."""
        shifts: dict[str, list[tuple[Line, list[LabelRecall]]]] = {}
        for line in self.lines:
            if line.what == "drop" and line.metric == ACCURACY:
                found = content.label_recalls(line.row)
                if found:
                    shifts.setdefault(line.shift, []).append((line, found))
        return list(shifts.items())

    @property
    def breakdowns(self) -> list[content.Breakdown]:
        return content.breakdowns(self.report, self.name)

    @property
    def labels(self) -> list[str]:
        rows = (found for _, lines in self.recalls for _, found in lines)
        return list(dict.fromkeys(recall.label for found in rows for recall in found))


def _group(line: Line) -> str:
    return line.group if line.what == "drop" else ""


@dataclass(frozen=True)
class _Table:
    """Figures with intervals that share an axis.

    Attributes:
        report: What they are from.
        kind: Of shift.
        group: Whom attacks were made on; "" otherwise.
        lines: Its rows.
    """

    report: Row
    kind: str
    group: str
    lines: list[Line]

    @cached_property
    def axis(self) -> Axis:
        values = [0.0]
        if self.lines[0].what == "score":
            # What is allowed ends at 100.
            values.append(1.0)
        for line in self.lines:
            values.append(line.limit or 0.0)
            if line.estimate is not None:
                values += [line.estimate.low, line.estimate.high]
        return Axis.over(values, span=LEAST_SPAN)

    @property
    def title(self) -> str:
        return self.kind.capitalize() or "In distribution"

    @property
    def rows(self) -> list[tuple[str, list[Line], list[tuple[str, str]]]]:
        """The lines of each shift and metric, the models one below the other, and remarks."""
        rows: dict[str, list[Line]] = {}
        for line in self.lines:
            rows.setdefault(line.name, []).append(line)
        return [(name, found, self._told(found)) for name, found in rows.items()]

    def _told(self, found: list[Line]) -> list[tuple[str, str]]:
        """Return the remarks on scores, and with them those on the cases that were counted."""
        cases = content.case_remarks(self.report, found) if found[0].what == "score" else []
        return content.told_once([*found, *cases])


@dataclass(frozen=True)
class _Page:
    """What the templates ask for."""

    report: Row

    @cached_property
    def headline(self) -> content.Headline:
        return content.headline(self.report)

    @cached_property
    def model_headlines(self) -> list[tuple[str, content.Headline]]:
        return content.model_headlines(self.report)

    @property
    def subject(self) -> str:
        names = list(dict.fromkeys(model["name"] for model in self.report["models"]))
        more = len(names) - NAMES_SHOWN
        told = ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"Robustness of {told}" if names else "Robustness"

    @cached_property
    def lines(self) -> list[Line]:
        return content.lines(self.report)

    @cached_property
    def collections(self) -> list[Table]:
        return collections.of_report(self.report)

    @cached_property
    def suites(self) -> list[_Suite]:
        return [
            _Suite(self.report, number, name, [line for line in self.lines if line.suite == name])
            for number, name in enumerate(content.suites(self.report), start=1)
        ]

    @cached_property
    def _flips(self) -> tuple[list[_Flip], tuple[list[str], ...]]:
        found = content.flipped(self.report)
        each = max(1, FLIPS_SHOWN // max(1, len(found)))
        chosen = [(e, flip) for e in found for flip in e["flips"][:each]][:FLIPS_SHOWN]
        kinds: tuple[Callable[[Row, Row], str], ...] = (
            lambda e, _: f"{e['kind']}/{e['shift']}",
            lambda e, _: str(e["model"]),
            lambda _, flip: str(flip["label"]),
            lambda e, _: str(e["suite"]),
        )
        choices = tuple(list(dict.fromkeys(of(e, f) for e, f in chosen)) for of in kinds)
        places = [{name: place for place, name in enumerate(names)} for names in choices]
        flips = []
        for e, flip in chosen:
            shift, model, label, suite = (
                at[of(e, flip)] for at, of in zip(places, kinds, strict=True)
            )
            flips.append(_Flip(e, (shift, model, label, suite), flip, _pieces(flip)))
        return flips, choices

    @property
    def flips(self) -> list[_Flip]:
        return self._flips[0]

    @property
    def filters(self) -> list[tuple[str, list[str]]]:
        """What the flipped examples can be filtered by, and the choices."""
        pairs = zip(("shift", "model", "label", "suite"), self._flips[1], strict=True)
        return [(name, choices) for name, choices in pairs if name != "suite" or len(choices) > 1]

    @property
    def flipped(self) -> int:
        """How many examples flipped, shown or not."""
        return sum(e["flipped"] for e in content.flipped(self.report))


def _pieces(flip: Row) -> tuple[Piece, ...]:
    """Return an example's texts as a word diff, cut where they are very long."""
    if flip["before"] is None:
        return (Piece("same", one_line(flip["after"], PIECE_WIDTH)),)
    pieces = diff_pieces(flip["before"], flip["after"], DIFF_CONTEXT)
    cut = [replace(piece, text=one_line(piece.text, PIECE_WIDTH)) for piece in pieces[:PIECES]]
    return (*cut, *([Piece("same", "...")] if len(pieces) > PIECES else []))
