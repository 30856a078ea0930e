"""The checks of a report, as rows that pages and comments show."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pytest_ood.analysis.report import Change, path_of
from pytest_ood.budgets import interval, points
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.evaluation import Evaluation, Floor
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports.escaping import SCORE_NAME_WIDTH, one_line
from pytest_ood.reports.explanation import rerun
from pytest_ood.reports.wording import (
    VERDICT_COUNTS,
    WORST_FIRST,
    attack_group,
    merged_remarks,
    remarks_on,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from pytest_ood.analysis.report import Report
    from pytest_ood.evaluation import GroupScore, Result
    from pytest_ood.reports.wording import Remark
    from pytest_ood.statistics import Estimate

    Sort = Literal["score", "drop", "difference", "change"]

FIGURES = {
    "score": "score",
    "drop": "drop",
    "difference": "difference",
    "change": "drop since then",
}
"""What the figure of a check is called; in distribution, the score has its own name."""


@dataclass(frozen=True, kw_only=True)
class CheckRow:
    """A check of a report: a score, a drop, a difference, or a change since a release.

    Attributes:
        result: The result of the check.
        sort: Which of these it is.
        baseline: The model, or the earlier report, that is compared with; "" otherwise.
        estimate: The figure with its interval; None for a change without common examples.
        limit: The budget, or None.
        rerun: The command that repeats this check alone.
    """

    result: Result | Change
    sort: Sort
    baseline: str = ""
    estimate: Estimate | None
    limit: float | None
    rerun: str

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return self.result.suite

    @property
    def model(self) -> str:
        """Name of the model."""
        return self.result.model

    @property
    def verdict(self) -> str:
        """pass, fail, inconclusive, invalid or measured."""
        return self.result.verdict

    @property
    def reason(self) -> str:
        """Reason of the verdict."""
        return self.result.reason

    @property
    def n(self) -> int:
        """Number of examples."""
        return self.result.n

    @property
    def kind(self) -> str:
        """Kind of shift; "" in distribution."""
        return self.result.kind or ""

    @property
    def shift(self) -> str:
        """Name of the shift, or in-distribution."""
        return self.result.shift or IN_DISTRIBUTION

    @property
    def metric(self) -> str:
        """The metric that drops."""
        return getattr(self.result, "metric", ACCURACY)

    @property
    def path(self) -> str:
        """suite/kind/shift: what --ood-only takes."""
        return path_of(self.suite, self.result.kind, self.result.shift)

    @property
    def name(self) -> str:
        """The shift, and the metric where it is another than accuracy."""
        return self.shift if self.metric == ACCURACY else f"{self.shift}, {self.metric}"

    @property
    def figure(self) -> str:
        """What the figure is called."""
        in_distribution = isinstance(self.result, Floor) and not self.kind
        return score_name([self]) if in_distribution else FIGURES[self.sort]

    @property
    def value(self) -> str:
        """The figure, in points."""
        return "none" if self.estimate is None else points(self.estimate.value)

    @property
    def interval(self) -> str:
        """Its interval, in points."""
        return "" if self.estimate is None else interval(self.estimate)

    @property
    def scores(self) -> tuple[float, float] | None:
        """The two scores between which a drop or a change is measured."""
        if isinstance(self.result, Evaluation):
            return self.result.score_in_distribution, self.result.score_under_shift
        if isinstance(self.result, Change) and self.estimate is not None:
            return self.result.score_before, self.result.score_now
        return None

    @property
    def budget(self) -> str:
        """The budget in words."""
        if self.limit is None:
            return "none"
        if self.sort == "score":
            return f"at least {points(self.limit)}"
        return f"at most {points(self.limit)}" + (" more" if self.sort == "difference" else "")

    @property
    def group(self) -> str:
        """Which model an attack was made on."""
        return attack_group(self.result) if isinstance(self.result, Evaluation) else ""

    @property
    def remarks(self) -> list[Remark]:
        """What a reader has to know to read the figure right."""
        return remarks_on(self.result)


def check_rows(report: Report) -> list[CheckRow]:
    """Return every check of a report: scores, drops, differences, then changes."""

    def command(result: Result | Change) -> str:
        """Return the command that runs a check again."""
        path = path_of(result.suite, result.kind, result.shift)
        return rerun(path, result.model, report.seed, report.max_examples)

    rows = [
        CheckRow(
            result=floor,
            sort="score",
            estimate=floor.score,
            limit=floor.budget,
            rerun=command(floor),
        )
        for floor in (*report.in_distribution, *report.scores)
    ]
    rows += [
        _drop_row(e, command(e))
        for e in report.evaluations
        # Cases are shown by their score: single answers in distribution are not comparable.
        if not e.case_inputs or e.budget is not None
    ]
    rows += [
        CheckRow(
            result=c,
            sort="difference",
            baseline=c.baseline,
            estimate=c.difference,
            limit=c.margin,
            rerun=command(c),
        )
        for c in report.comparisons
    ]
    if report.release is None:
        return rows
    earlier = report.release.earlier
    for change in report.release.changes:
        words = f"{command(change)} --ood-compare={shlex.quote(earlier)}"
        if change.budget is not None:
            words += f" --ood-compare-fail drop:{100 * change.budget:g}%"
        rows.append(
            CheckRow(
                result=change,
                sort="change",
                baseline=earlier,
                estimate=change.drop,
                limit=change.budget,
                rerun=words,
            )
        )
    return rows


def _drop_row(e: Evaluation, command: str) -> CheckRow:
    return CheckRow(result=e, sort="drop", estimate=e.drop, limit=e.budget, rerun=command)


@dataclass(frozen=True)
class Headline:
    """The verdict on a run.

    Attributes:
        verdict: The worst there is: fail, invalid, error, inconclusive, pass or measured.
        counts: (verdict, number of checks), the worst first.
        sentence: The same in words.
    """

    verdict: str
    counts: tuple[tuple[str, int], ...]
    sentence: str


def headline(report: Report) -> Headline:
    """Return the verdict on a run, in a word and in a sentence."""
    counter = Counter(row.verdict for row in _judged(report))
    counter["error"] = len(report.errors)
    counts = _worst_first(counter)
    if not counts:
        return Headline("measured", (), "Nothing was measured.")
    total = sum(counter.values())
    checks = "one check" if total == 1 else f"{total:,} checks"
    return Headline(counts[0][0], counts, f"Of {checks}: {_counted(counts)}.")


def model_headlines(report: Report) -> list[tuple[str, Headline]]:
    """Return the verdict on a run for each model that was measured."""
    by_model: dict[str, Counter[str]] = {}
    for row in _judged(report):
        by_model.setdefault(row.model, Counter())[row.verdict] += 1
    counted = ((model, _worst_first(verdicts)) for model, verdicts in by_model.items())
    return [(model, Headline(counts[0][0], counts, _counted(counts))) for model, counts in counted]


def _judged(report: Report) -> list[CheckRow]:
    # Nothing is judged about a release that is compared without a budget.
    return [r for r in check_rows(report) if r.sort != "change" or r.verdict != "measured"]


def _worst_first(counter: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((verdict, counter[verdict]) for verdict in WORST_FIRST if counter[verdict])


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} {VERDICT_COUNTS[verdict]}" for verdict, count in counts)


def failed_gates(report: Report) -> bool:
    """Return whether a gate of the run fails; drops since an earlier run are not among them."""
    return any(row.verdict == "fail" and row.sort != "change" for row in check_rows(report))


def release_family(report: Report) -> str:
    """Name the family of the scores that are compared with an earlier run."""
    count = 0 if report.release is None else len(report.release.changes)
    return f"{count} scores that are compared, a family of their own,"


def surrogates(report: Report, suite: str) -> list[str]:
    """Return the models of a suite that transferred adversarial examples were made against."""
    names = (e.surrogate for e in report.evaluations if e.suite == suite)
    return list(dict.fromkeys(name for name in names if name))


@dataclass(frozen=True)
class Breakdown:
    """The scores of models on each group under a shift.

    Attributes:
        kind: Kind of shift.
        shift: Its name.
        models: Their names.
        rows: (the group that it is part of or "", the group, the score of each model by name).
    """

    kind: str
    shift: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, str, dict[str, GroupScore]], ...]


def breakdowns(report: Report, suite: str) -> list[Breakdown]:
    """Return the scores by group of a suite, shift by shift; a group before its parts."""
    shifts: dict[tuple[str, str], dict[str, Evaluation]] = {}
    for e in report.evaluations:
        if e.suite == suite and e.breakdown:
            shifts.setdefault((e.kind, e.shift), {})[e.model] = e
    tables = []
    for (kind, shift), by_model in shifts.items():
        groups: dict[tuple[str, str], dict[str, GroupScore]] = {}
        for model, e in by_model.items():
            for score in e.breakdown:
                groups.setdefault((score.within or "", score.group), {})[model] = score
        order = sorted(groups, key=lambda key: (key[0] or key[1], bool(key[0]), key))
        rows = tuple((*key, groups[key]) for key in order)
        tables.append(Breakdown(kind, shift, tuple(by_model), rows))
    return tables


def flipped(report: Report) -> list[Evaluation]:
    """Return the evaluations that have flipped examples, each shift and model once."""
    first: dict[tuple[str, ...], Evaluation] = {}
    for e in report.evaluations:
        if e.flips:
            first.setdefault((e.suite, e.kind, e.shift, e.model), e)
    return list(first.values())


def score_name(rows: Sequence[CheckRow]) -> str:
    """Return what the score of a suite is called."""
    names = (getattr(row.result, "score_name", None) for row in rows)
    return one_line(next((name for name in names if name), ACCURACY), SCORE_NAME_WIDTH)


def select_worst(rows: Iterable[CheckRow], verdicts: Sequence[str]) -> list[CheckRow]:
    """Return the checks with one of these verdicts, in the order of the verdicts."""
    selected = [row for row in rows if row.verdict in verdicts]
    return sorted(selected, key=lambda row: verdicts.index(row.verdict))


def remarks_of(
    report: Report, rows: Sequence[CheckRow], named: Callable[[str], str] = str
) -> list[tuple[str, str]]:
    """Return the remarks on checks of different models: (subject, values).

    Scores of cases have the remarks on their drop as well, which may not be a row itself.

    Args:
        report: The report of the checks.
        rows: Checks of one shift.
        named: How a model's name is written.
    """
    scores = {(r.suite, r.kind, r.shift, r.model) for r in rows if r.sort == "score" and r.kind}
    cases = (
        (e.model, remarks_on(e))
        for e in report.evaluations
        if e.case_inputs
        and e.metric == ACCURACY
        and e.budget is None
        and (e.suite, e.kind, e.shift, e.model) in scores
    )
    return merged_remarks([*((row.model, row.remarks) for row in rows), *cases], named)
