"""The HTML report: one file that needs nothing else, and in which foreign text does nothing.

Every value is written by Jinja with autoescape, after control characters were made visible; the
page's policy allows its own style and script by their hashes and nothing besides, so that a slip in
the first would not be one of the page.
"""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pytest_ood.budgets import interval, points
from pytest_ood.evaluation import Evaluation
from pytest_ood.metrics import ACCURACY
from pytest_ood.models.protocol import Usage
from pytest_ood.reports import checks, wording
from pytest_ood.reports.charts import LEAST_SPAN, Axis, Curves, Scatter, scatter, severity_curves
from pytest_ood.reports.checks import Breakdown, CheckRow, Headline, check_rows
from pytest_ood.reports.escaping import (
    Piece,
    diff_pieces,
    escape_controls,
    no_answer,
    one_line,
)
from pytest_ood.reports.overview import overviews
from pytest_ood.shifts import WORST, kinds

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ood.analysis.report import Report
    from pytest_ood.evaluation import Flip, LabelCounts, ModelInfo
    from pytest_ood.reports.overview import Overview

TEMPLATES = Path(__file__).parents[1] / "templates"
COLOURS = SHAPES = 6
NAMES_SHOWN = 6
"""Models named in the headline."""
FLIPS_SHOWN = 600
"""Flipped examples on the page, over all checks; the others are counted."""
DIFF_CONTEXT = 160
PIECE_WIDTH = 600
PIECES = 80


def render(report: Report) -> str:
    """Return the page.

    Args:
        report: The report of a run.
    """
    style, script = ((TEMPLATES / name).read_text("utf-8") for name in ("page.css", "page.js"))
    page = _Page(report)
    return (
        environment()
        .get_template("page.html")
        .render(
            page=page,
            report=report,
            checks=checks,
            wording=wording,
            interval=interval,
            points=points,
            plain=_plain,
            # What is written as it is: our own style and script, which the policy knows by hash.
            style=Markup(style),  # noqa: S704 - a file of this package
            script=Markup(script),  # noqa: S704 - a file of this package
            policy=policy(style, script),
        )
    )


def environment() -> Environment:
    """Return the environment of pages, in which control characters and markup are escaped."""
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
    return value if isinstance(value, Markup) else escape_controls(str(value))


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"


def _plain(value: object) -> str:
    """Write a parameter of a model the same whether it came out of a file or not."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


@dataclass(frozen=True, kw_only=True)
class _Flip:
    """A flipped example, ready to be shown.

    Attributes:
        evaluation: The check in which it flipped.
        flip: The example.
        keys: Indices of its shift, model, label and suite among the choices of the filters.
        pieces: Its texts as a word diff, or its only text.
    """

    evaluation: Evaluation
    flip: Flip
    keys: tuple[int, int, int, int]
    pieces: tuple[Piece, ...]

    @property
    def before(self) -> str:
        """The answer to the original."""
        return _answer(self.flip.answer_before, self.flip.output_before)

    @property
    def after(self) -> str:
        """The answer under the shift."""
        return _answer(self.flip.answer_after, self.flip.output_after)


def _answer(label: str | None, output: str | None) -> str:
    return no_answer(output) if label is None else label or "that there is none"


@dataclass(frozen=True)
class _Suite:
    """One suite's part of the page."""

    report: Report
    number: int
    name: str
    rows: list[CheckRow]

    @property
    def score_name(self) -> str:
        """What the score is called."""
        return checks.score_name(self.rows)

    @cached_property
    def models(self) -> list[ModelInfo]:
        """The models that were measured on the suite."""
        measured = {row.model for row in self.rows}
        return [m for m in self.report.models_of(self.name) if m.name in measured]

    @cached_property
    def looks(self) -> dict[str, tuple[int, int]]:
        """The colour and the shape of each model; 36 pairs before they begin again."""
        return {
            model.name: (index % COLOURS, (index + index // COLOURS) % SHAPES)
            for index, model in enumerate(self.models)
        }

    @property
    def answer(self) -> str:
        """The sentence that compares the paradigms."""
        return wording.paradigm_sentence(self.report, self.name)

    @property
    def floors(self) -> list[CheckRow]:
        """The rows of the scores in distribution."""
        return [row for row in self.rows if row.sort == "score" and not row.kind]

    @cached_property
    def drops(self) -> list[tuple[CheckRow, Evaluation]]:
        """The drops of accuracy that are rows, with their results."""
        return [
            (row, row.result)
            for row in self.rows
            if isinstance(row.result, Evaluation) and row.metric == ACCURACY
        ]

    @cached_property
    def scatters(self) -> list[Scatter]:
        """A scatter plot of the drops for each kind of shift."""
        shown = [
            row
            for row, e in self.drops
            if e.verdict != "invalid" and e.shift not in WORST and not e.case_inputs
        ]
        groups = ((kind, [row for row in shown if row.kind == kind]) for kind in kinds())
        return [scatter(kind, rows) for kind, rows in groups if rows]

    def tables(self, sort: str) -> list[_Table]:
        """Return scores, drops, ...: a table for each kind of shift and attack.

        Scores in distribution have a table of their own.
        """
        rows = [row for row in self.rows if row.sort == sort and (row.kind or sort != "score")]
        return [
            _Table(self.report, kind, group, [row for row in of_kind if row.group == group])
            for kind in ("", *kinds())
            for of_kind in ([row for row in rows if row.kind == kind],)
            for group in dict.fromkeys(row.group for row in of_kind)
        ]

    @cached_property
    def curves(self) -> list[Curves]:
        """The severity curves of each shift."""
        curves = [c for c in self.report.severity_curves if c.suite == self.name]
        shifts = dict.fromkeys(curve.shift for curve in curves)
        return [severity_curves(s, [c for c in curves if c.shift == s]) for s in shifts]

    @cached_property
    def recalls(self) -> list[tuple[str, list[tuple[CheckRow, tuple[LabelCounts, ...]]]]]:
        """The recall of each label under each shift."""
        shifts: dict[str, list[tuple[CheckRow, tuple[LabelCounts, ...]]]] = {}
        for row, e in self.drops:
            if e.per_label:
                shifts.setdefault(row.shift, []).append((row, e.per_label))
        return list(shifts.items())

    @property
    def breakdowns(self) -> list[Breakdown]:
        """The scores by group of examples."""
        return checks.breakdowns(self.report, self.name)

    @property
    def labels(self) -> list[str]:
        """The labels that have recalls, in order."""
        tables = (counts for _, rows in self.recalls for _, counts in rows)
        return list(dict.fromkeys(label.label for counts in tables for label in counts))


@dataclass(frozen=True)
class _Table:
    """Figures of one kind on one axis.

    Attributes:
        report: Its checks belong to it.
        kind: Kind of shift.
        group: Which model an attack was made on.
        checks: The rows, one for each model and shift.
    """

    report: Report
    kind: str
    group: str
    checks: list[CheckRow]

    @cached_property
    def axis(self) -> Axis:
        """The axis that all rows of the table share."""
        values = [0.0]
        if self.checks[0].sort == "score":
            # The allowed range ends at 100.
            values.append(1.0)
        for row in self.checks:
            values.append(row.limit or 0.0)
            if row.estimate is not None:
                values += [row.estimate.low, row.estimate.high]
        return Axis.over(values, span=LEAST_SPAN)

    @property
    def title(self) -> str:
        """The heading of the table."""
        return self.kind.capitalize() or "In distribution"

    @property
    def rows(self) -> list[tuple[str, list[CheckRow], list[tuple[str, str]]]]:
        """The checks of each shift and metric, the models one below the other, and remarks."""
        by_name: dict[str, list[CheckRow]] = {}
        for row in self.checks:
            by_name.setdefault(row.name, []).append(row)
        return [
            (name, rows, checks.remarks_of(self.report, rows)) for name, rows in by_name.items()
        ]


@dataclass(frozen=True)
class _Page:
    """The parts of the page."""

    report: Report

    @cached_property
    def headline(self) -> Headline:
        """The counts of verdicts."""
        return checks.headline(self.report)

    @cached_property
    def model_headlines(self) -> list[tuple[str, Headline]]:
        """The counts of verdicts of each model."""
        return checks.model_headlines(self.report)

    @property
    def usage(self) -> list[tuple[str, dict[str, object]]]:
        """What models that count it have used."""
        return [(w.model, asdict(w.used)) for w in self.report.work if w.used != Usage()]

    @property
    def subject(self) -> str:
        """The title of the page."""
        names = list(dict.fromkeys(model.name for model in self.report.models))
        more = len(names) - NAMES_SHOWN
        listed = ", ".join(names[:NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")
        return f"Robustness of {listed}" if names else "Robustness"

    @cached_property
    def rows(self) -> list[CheckRow]:
        """The rows of all checks."""
        return check_rows(self.report)

    @cached_property
    def overviews(self) -> list[Overview]:
        """The tables of collections."""
        return overviews(self.report)

    @cached_property
    def suites(self) -> list[_Suite]:
        """The sections of the page, one for each suite."""
        names = dict.fromkeys(row.suite for row in self.rows)
        return [
            _Suite(self.report, number, name, [row for row in self.rows if row.suite == name])
            for number, name in enumerate(names, start=1)
        ]

    @cached_property
    def _flips(self) -> tuple[list[_Flip], tuple[list[str], ...]]:
        evaluations = checks.flipped(self.report)
        each = max(1, FLIPS_SHOWN // max(1, len(evaluations)))
        chosen = [(e, flip) for e in evaluations for flip in e.flips[:each]][:FLIPS_SHOWN]
        filters: tuple[Callable[[Evaluation, Flip], str], ...] = (
            lambda e, _: f"{e.kind}/{e.shift}",
            lambda e, _: e.model,
            lambda _, flip: flip.label,
            lambda e, _: e.suite,
        )
        choices = tuple(list(dict.fromkeys(of(e, f) for e, f in chosen)) for of in filters)
        indices = [{name: index for index, name in enumerate(names)} for names in choices]
        flips = []
        for e, flip in chosen:
            shift, model, label, suite = (
                index[of(e, flip)] for index, of in zip(indices, filters, strict=True)
            )
            keys = (shift, model, label, suite)
            flips.append(_Flip(evaluation=e, flip=flip, keys=keys, pieces=_pieces(flip)))
        return flips, choices

    @property
    def flips(self) -> list[_Flip]:
        """The flipped examples that the page shows."""
        return self._flips[0]

    @property
    def filters(self) -> list[tuple[str, list[str]]]:
        """The filters of the flipped examples, with their choices."""
        pairs = zip(("shift", "model", "label", "suite"), self._flips[1], strict=True)
        return [(name, choices) for name, choices in pairs if name != "suite" or len(choices) > 1]

    @property
    def flipped(self) -> int:
        """Number of examples that flipped, shown or not."""
        return sum(e.flipped for e in checks.flipped(self.report))


def _pieces(flip: Flip) -> tuple[Piece, ...]:
    """Return an example's texts as a word diff, cut where they are very long."""
    if flip.before is None:
        return (Piece("same", one_line(flip.after, PIECE_WIDTH)),)
    pieces = diff_pieces(flip.before, flip.after, DIFF_CONTEXT)
    cut = [replace(piece, text=one_line(piece.text, PIECE_WIDTH)) for piece in pieces[:PIECES]]
    return (*cut, *([Piece("same", "...")] if len(pieces) > PIECES else []))
