"""What a report says, read from its plain values: the same for every form of it."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import interval, percent, points
from pytest_ood.evaluation import PROCEDURES
from pytest_ood.examples import IN_DISTRIBUTION
from pytest_ood.metrics import ACCURACY, RECALL, SINGLE_ACCURACY
from pytest_ood.reports.explanation import rerun
from pytest_ood.reports.results import Answer, ModelInfo
from pytest_ood.reports.terminal import answer_sentence
from pytest_ood.reports.text import MEASURE_WIDTH, one_line, quoted
from pytest_ood.shifts import kinds
from pytest_ood.statistics import Estimate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    Row = Mapping[str, Any]

VERDICT_WORDS: dict[str, str] = {
    "pass": "pass",
    "fail": "FAIL",
    "inconclusive": "inconclusive",
    "invalid": "invalid",
    "measured": "no budget",
    "error": "error",
}
VERDICT_SIGNS: dict[str, str] = {
    "pass": "\N{CHECK MARK}",
    "fail": "\N{BALLOT X}",
    "inconclusive": "?",
    "invalid": "!",
    "measured": "\N{EN DASH}",
    "error": "!",
}
"""Beside the words, so that no verdict is told by its colour alone."""
WORST_FIRST = ("fail", "invalid", "error", "inconclusive", "pass", "measured")
MEANINGS: dict[str, str] = {
    "pass": "shown to be within its budget",
    "fail": "shown to be beyond its budget, also as one of the many gates of the run",
    "inconclusive": "neither is certain among all gates; more examples settle it",
    "invalid": "the figure says nothing about robustness; its reason says why",
    "measured": "there is no budget to judge by",
    "error": "could not be carried out",
}


@dataclass(frozen=True)
class Line:
    """One check of a report: a score, a drop, one beyond the baseline's, or one since a release.

    Attributes:
        row: Its plain values, as they stand in the report.
        what: "score", "drop", "difference" or "change".
        kind: Of shift; "" in distribution.
        shift: Its name, or "in-distribution".
        baseline: What is compared with: of a difference the model, of a change the earlier report;
            "" otherwise.
        metric: What is measured.
        estimate: The figure with its interval; None of a change without a common example.
        limit: The budget, or None.
        again: The command that repeats this check alone.
    """

    row: Row
    what: str
    kind: str
    shift: str
    baseline: str
    metric: str
    estimate: Estimate | None
    limit: float | None
    again: str

    @property
    def suite(self) -> str:
        """Name of the suite."""
        return str(self.row["suite"])

    @property
    def model(self) -> str:
        """Name of the model."""
        return str(self.row["model"])

    @property
    def verdict(self) -> str:
        """pass, fail, inconclusive, invalid or measured."""
        return str(self.row["verdict"])

    @property
    def reason(self) -> str:
        """Why."""
        return str(self.row["reason"])

    @property
    def path(self) -> str:
        """suite/kind/shift: what --ood-only takes."""
        return path_of(self.suite, self.kind, self.shift)

    @property
    def name(self) -> str:
        """The shift, and the metric where it is another than accuracy."""
        return self.shift if self.metric == ACCURACY else f"{self.shift}, {self.metric}"

    @property
    def figure(self) -> str:
        """What the figure is called: under a shift by itself, the score."""
        if self.what != "score":
            return FIGURES[self.what]
        return "score" if self.kind else measure([self])

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
        """What a drop or a change is between."""
        names = {"drop": ("score_id", "score_ood"), "change": ("before", "after")}.get(self.what)
        if names is None or self.estimate is None:
            return None
        before, after = names
        return self.row[before], self.row[after]

    @property
    def budget(self) -> str:
        """The budget in words."""
        if self.limit is None:
            return "none"
        if self.what == "score":
            return f"at least {points(self.limit)}"
        return f"at most {points(self.limit)}" + (" more" if self.what == "difference" else "")

    @property
    def group(self) -> str:
        """Whom an attack was made on: what is made against one model says something else."""
        if self.row.get("surrogate"):
            return f"made against {self.row['surrogate']}, replayed on the others"
        if self.row.get("prompt") is not None:
            return "on the prompt"
        return "each model attacked by itself" if self.row.get("attack") is not None else ""

    @property
    def remarks(self) -> list[tuple[str, str]]:
        """What else a reader has to know to read the figure right: (what, how much)."""
        if self.what == "change":
            sizes = (self.row["n_old"], self.row["n_new"])
            part = self.row["n"] < max(sizes)
            return [("examples then, now", "{:,}, {:,}".format(*sizes))] if part else []
        if self.what == "difference":
            told = "how many more cases it fails than the baseline"
            return [
                *([("it is", told)] if self.row.get("cases") else []),
                *_errors(self.row["errors"]),
            ]
        return _remarks(self.row) if self.what == "drop" else _floor_remarks(self.row)


def path_of(suite: str, kind: str, shift: str) -> str:
    """Return what --ood-only takes for a shift, or for a suite in distribution."""
    return "/".join(part for part in (suite, kind, shift) if part)


def lines(report: Row) -> list[Line]:
    """Return every check of a report, in its order."""
    again = _Again(report)
    found = [
        Line(f, "score", "", IN_DISTRIBUTION, "", ACCURACY, _estimate("score", f), f["budget"],
             again(f, "", IN_DISTRIBUTION))
        for f in report["in_distribution"]
    ]  # fmt: skip
    found += [
        Line(s, "score", s["kind"], s["shift"], "", ACCURACY, _estimate("score", s), s["budget"],
             again(s, s["kind"], s["shift"]))
        for s in report.get("scores", ())
    ]  # fmt: skip
    found += [
        Line(e, "drop", e["kind"], e["shift"], "", e["metric"], _estimate("drop", e), e["budget"],
             again(e, e["kind"], e["shift"]))
        for e in report["evaluations"]
        # Of cases the score is told: what single answers score in distribution is no measure.
        if not e.get("cases") or e["budget"] is not None
    ]  # fmt: skip
    found += [
        Line(c, "difference", c["kind"], c["shift"], c["baseline"], c["metric"],
             _estimate("difference", c), c["margin"], again(c, c["kind"], c["shift"]))
        for c in report["comparisons"]
    ]  # fmt: skip
    release = report["release"] or {"old": "", "changes": ()}
    for change in release["changes"]:
        kind, _, shift = change["shift"].partition("/")
        if kind not in kinds():
            kind, shift = "", change["shift"]
        estimate = None if change["drop"] is None else _estimate("drop", change)
        found.append(
            Line(change, "change", kind, shift, release["old"], ACCURACY, estimate,
                 change["budget"], again(change, kind, shift, release["old"], change["budget"]))
        )  # fmt: skip
    return found


@dataclass(frozen=True)
class _Again:
    """Words the command that repeats a check as the run did it."""

    report: Row

    def __call__(
        self, row: Row, kind: str, shift: str, since: str = "", limit: float | None = None
    ) -> str:
        path = path_of(row["suite"], kind, shift)
        command = rerun(path, row["model"], self.report["seed"], self.report["max_examples"])
        if since:
            command += f" --ood-compare={shlex.quote(since)}"
        if limit is not None:
            command += f" --ood-compare-fail drop:{100 * limit:g}%"
        return command


def _estimate(name: str, row: Row) -> Estimate:
    # Neither the sample size nor the spread of the report's own figures is shown.
    low, high = row["interval"]
    return Estimate(row[name], low, high, 0, 0.0)


@dataclass(frozen=True)
class Headline:
    """What a run comes to.

    Attributes:
        verdict: The worst there is: fail, invalid, error, inconclusive, pass or measured.
        counts: (verdict, how many checks), the worst first.
        sentence: The same in words.
    """

    verdict: str
    counts: tuple[tuple[str, int], ...]
    sentence: str


def headline(report: Row) -> Headline:
    """Return what a run comes to, in a word and in a sentence."""
    found = Counter(line.verdict for line in _judged(report))
    found["error"] = len(report["errors"])
    counts = _worst_first(found)
    if not counts:
        return Headline("measured", (), "Nothing was measured.")
    total = sum(found.values())
    checks = "one check" if total == 1 else f"{total:,} checks"
    return Headline(counts[0][0], counts, f"Of {checks}: {_counted(counts)}.")


def model_headlines(report: Row) -> list[tuple[str, Headline]]:
    """Return what a run comes to for each model, of what was measured."""
    found: dict[str, Counter[str]] = {}
    for line in _judged(report):
        found.setdefault(line.model, Counter())[line.verdict] += 1
    counted = ((model, _worst_first(verdicts)) for model, verdicts in found.items())
    return [(model, Headline(counts[0][0], counts, _counted(counts))) for model, counts in counted]


def _judged(report: Row) -> list[Line]:
    # Nothing is judged of a release that is compared without a budget.
    return [n for n in lines(report) if n.what != "change" or n.verdict != "measured"]


def _worst_first(found: Counter[str]) -> tuple[tuple[str, int], ...]:
    return tuple((verdict, found[verdict]) for verdict in WORST_FIRST if found[verdict])


def _counted(counts: Sequence[tuple[str, int]]) -> str:
    clauses = {
        "fail": "beyond budget",
        "invalid": "invalid",
        "error": "not carried out",
        "inconclusive": "inconclusive",
        "pass": "within budget",
        "measured": "without a budget",
    }
    return ", ".join(f"{count} {clauses[verdict]}" for verdict, count in counts)


def suites(report: Row) -> list[str]:
    """Return the names of the suites that were measured, in order."""
    return list(dict.fromkeys(line.suite for line in lines(report)))


def models(report: Row, suite: str) -> list[ModelInfo]:
    """Return the models of a suite; of one that a report only names, the name."""
    found = {m["name"]: ModelInfo(**m) for m in report["models"] if m["suite"] == suite}
    for line in lines(report):
        if line.suite == suite and line.model not in found:
            found[line.model] = ModelInfo(suite, line.model, "other", "", {}, baseline=False)
    return list(found.values())


def answer(report: Row, suite: str, named: Callable[[str], str]) -> str:
    """Say in one sentence who drops less, as the terminal does.

    Args:
        report: Its plain values.
        suite: A suite of it.
        named: How a model's name is written.
    """
    infos = {m.name: replace(m, name=named(m.name)) for m in models(report, suite)}
    answers = [
        Answer(
            a["kind"], infos[a["model"]], infos[a["baseline"]], _estimate("difference", a),
            named(a["surrogate"]) if a["surrogate"] else "",
        )
        for a in report["answers"]
        if a["suite"] == suite
    ]  # fmt: skip
    return answer_sentence(answers, report["alpha"])


def family(report: Row) -> str:
    """Say what is promised of the fails of a run, taken together."""
    return _promise(report, f"{report['gates']} gates of the run")


def _promise(report: Row, whole: str) -> str:
    kept = {
        "holm": "the chance of any false one",
        "benjamini-hochberg": "the expected share of false ones",
    }.get(report["correction"])
    if kept is None:
        return f"Every gate is judged by itself at {percent(report['alpha'])}."
    return (
        f"{PROCEDURES[report['correction']]} over the {whole} keeps "
        f"{kept} among the fails at most {percent(report['alpha'])}."
    )


def failed_gates(report: Row) -> bool:
    """Tell whether a gate of the run fails; what dropped since an earlier one is not among them."""
    return any(line.verdict == "fail" and line.what != "change" for line in lines(report))


def release_family(report: Row) -> str:
    """Say what is promised of the scores that dropped since the earlier run, taken together."""
    count = len(report["release"]["changes"])
    return _promise(report, f"{count} scores that are compared, a family of their own,")


def release_notes(report: Row) -> list[str]:
    """Return in what else than its scores a run differs from the earlier one."""
    return list(report["release"]["notes"]) if report["release"] else []


def level(report: Row) -> str:
    """Name the intervals of a report, such as "90% intervals"."""
    return f"{percent(1 - 2 * report['alpha'])} intervals"


def surrogates(report: Row, suite: str) -> list[str]:
    """Return the models of a suite that attacks were made against, to be replayed on others."""
    found = (e["surrogate"] for e in report["evaluations"] if e["suite"] == suite)
    return list(dict.fromkeys(name for name in found if name))


@dataclass(frozen=True)
class LabelRecall:
    """How many examples of a label a model gets right, before and under a shift.

    Attributes:
        label: The truth.
        before: The share in distribution, or None where there is no example.
        after: The share under the shift, or None.
        n_before: How many examples, or None where the report does not tell.
        n_after: The same under the shift.
    """

    label: str
    before: float | None
    after: float | None
    n_before: int | None = None
    n_after: int | None = None

    @property
    def change(self) -> float | None:
        """How much of it is gained, below 0 lost; None where one side has no example."""
        if self.before is None or self.after is None:
            return None
        return self.after - self.before


def label_recalls(evaluation: Row) -> list[LabelRecall]:
    """Return the recall of every label, where a report holds it."""
    if "per_label" in evaluation:
        return [
            LabelRecall(
                row["label"],
                row["right_id"] / row["n_id"] if row["n_id"] else None,
                row["right_ood"] / row["n_ood"] if row["n_ood"] else None,
                row["n_id"],
                row["n_ood"],
            )
            for row in evaluation["per_label"] or ()
        ]
    return [
        LabelRecall(name.removeprefix(RECALL), found["id"], found["ood"])
        for name, found in evaluation["metrics"].items()
        if name.startswith(RECALL)
    ]


@dataclass(frozen=True)
class Breakdown:
    """What models score on each group under a shift.

    Attributes:
        kind: Of shift.
        shift: Its name.
        models: Their names.
        rows: (the group that it is a part of or "", the group, each model's plain values by name).
    """

    kind: str
    shift: str
    models: tuple[str, ...]
    rows: tuple[tuple[str, str, Mapping[str, Row]], ...]


def breakdowns(report: Row, suite: str) -> list[Breakdown]:
    """Return the scores by group of a suite, shift by shift; a group before its parts."""
    found: dict[tuple[str, str], dict[tuple[str, str], dict[str, Row]]] = {}
    names: dict[tuple[str, str], dict[str, None]] = {}
    for e in report["evaluations"]:
        if e["suite"] != suite or not e.get("breakdown"):
            continue
        shift = (e["kind"], e["shift"])
        names.setdefault(shift, {}).setdefault(e["model"])
        for cell in e["breakdown"]:
            place = (cell["within"] or "", cell["group"])
            found.setdefault(shift, {}).setdefault(place, {})[e["model"]] = cell
    return [
        Breakdown(
            *shift,
            tuple(names[shift]),
            tuple(
                (*place, cells[place])
                for place in sorted(cells, key=lambda p: (p[0] or p[1], bool(p[0]), p))
            ),
        )
        for shift, cells in found.items()
    ]


def flipped(report: Row) -> list[Row]:
    """Return the evaluations that hold flipped examples, each shift and model once."""
    found: dict[tuple[str, ...], Row] = {}
    for e in report["evaluations"]:
        if e["flips"]:
            found.setdefault((e["suite"], e["kind"], e["shift"], e["model"]), e)
    return list(found.values())


def told_once(found: Sequence[Line], named: Callable[[str], str] = str) -> list[tuple[str, str]]:
    """Return the remarks on several models: (what, how much of each); of all alike, once.

    Args:
        found: Checks of different models.
        named: How a model's name is written.
    """
    told: dict[str, dict[str, str]] = {}
    for line in found:
        for what, figure in line.remarks:
            told.setdefault(what, {})[line.model] = figure
    models = len({line.model for line in found})
    return [(what, _figures(figures, models, named)) for what, figures in told.items()]


def measure(rows: Sequence[Line]) -> str:
    """Return what the score of a suite is called; an earlier version's report has accuracy."""
    names = (line.row["measure"] for line in rows if "measure" in line.row)
    return one_line(next(names, ACCURACY), MEASURE_WIDTH)


def _figures(figures: Mapping[str, str], models: int, named: Callable[[str], str]) -> str:
    different = set(figures.values())
    if len(figures) == models and len(different) == 1:
        return different.pop()
    return ", ".join(f"{named(model)} {figure}" for model, figure in figures.items())


FIGURES = {
    "drop": "drop",
    "difference": "difference",
    "change": "drop since then",
}
"""What the figure of a check is called."""


def worst_first(found: Iterable[Line], verdicts: Sequence[str]) -> list[Line]:
    """Return the checks with one of these verdicts, in the order of the verdicts."""
    kept = [line for line in found if line.verdict in verdicts]
    return sorted(kept, key=lambda line: verdicts.index(line.verdict))


def case_remarks(report: Row, found: Sequence[Line]) -> list[Line]:
    """Return the lines of the drops, told or not, of cases whose scores are given.

    What is counted, and what is not, stands with the evaluation, which a report may not show.
    """
    wanted = {(line.suite, line.kind, line.shift, line.model) for line in found}
    return [
        Line(e, "drop", e["kind"], e["shift"], "", e["metric"], None, None, "")
        for e in report["evaluations"]
        if e.get("cases")
        and e["metric"] == ACCURACY
        and e["budget"] is None
        and (e["suite"], e["kind"], e["shift"], e["model"]) in wanted
    ]


def _remarks(e: Row) -> list[tuple[str, str]]:
    told = []
    if e["unchanged"] and not e["surrogate"]:
        kept = "withstood or wrong from the start, kept in" if e["attack"] else "left out"
        told.append((f"unchanged, {kept}", f"{e['unchanged']:,}"))
    if e["rejected"]:
        told.append(("rejected by the validity filter, left out", f"{e['rejected']:,}"))
    if e["abstained"]:
        told += _abstained(e)
    told += _errors(e["errors"])
    if e["unheld"]:
        told.append(("successes that did not hold on a second query", f"{e['unheld']:,}"))
    if e["disagreement"]:
        told.append(("asked again, answers otherwise", f"{points(e['disagreement'])} %"))
    if e["attack"] is not None:
        told += _attack(e["attack"], e["surrogate"])
    if e["reweighted_drop"] is not None:
        told.append(("drop at the in-distribution mix of labels", points(e["reweighted_drop"])))
    if e["in_domain_score"] is not None:
        told.append(("score of the baseline trained on it", points(e["in_domain_score"])))
    told += _counted_cases(e)
    if e["drawn"] < e["planned"]:
        told.append(("settled early", f"after {e['drawn']:,} of {e['planned']:,}"))
    return told + _seeds(e["seed_drops"])


def _counted_cases(e: Row) -> list[tuple[str, str]]:
    """Tell what is counted where it is not single examples, and what is not."""
    told = []
    if e.get("cases"):
        told.append(
            ("cases, each right or wrong as a whole", f"{e['n']:,} of {e['cases']:,} inputs")
        )
    if SINGLE_ACCURACY in e["metrics"]:
        single = points(e["metrics"][SINGLE_ACCURACY]["ood"])
        told.append(("accuracy of their single answers", single))
    return [*told, *((f"left out: {w}", f"{n:,}") for w, n in e.get("left_out", {}).items())]


def _abstained(row: Row) -> list[tuple[str, str]]:
    told = [("abstained", f"{row['abstained']:,} of {row['n']:,}")]
    if row.get("unparsed"):
        told.append(("abstentions, such as", ", ".join(map(quoted, row["unparsed"]))))
    # Reports of earlier versions lack it.
    answered = row.get("score_answered")
    return told if answered is None else [*told, ("score when it answers", points(answered))]


def _attack(attack: Row, surrogate: str | None) -> list[tuple[str, str]]:
    success = _estimate("value", attack["success_rate"])
    return [
        (
            "attack success rate" + (f" on {surrogate}" if surrogate else ""),
            f"{points(success.value)} % {interval(success)} of {attack['attacked']:,}",
        ),
        ("queries for one", f"{attack['queries']['value']:.1f}"),
    ]


def _floor_remarks(row: Row) -> list[tuple[str, str]]:
    constant = "always the same answer" if "shift" in row else "majority class"
    told = [(constant, points(row["majority"]))]
    if row["abstained"]:
        told += _abstained(row)
    told += _errors(row["errors"])
    if row["disagreed"]:
        told.append(("asked again, answers otherwise", f"{row['disagreed']} of {row['reasked']}"))
    if "shift" in row and row["n"] < row["planned"]:
        told.append(("its score was settled early", f"after {row['n']:,} of {row['planned']:,}"))
    return told + _seeds(row["seed_scores"])


def _errors(errors: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(f"error, inputs without an answer ({why})", f"{n:,}") for why, n in errors.items()]


def _seeds(figures: Sequence[float]) -> list[tuple[str, str]]:
    if len(figures) < 2:  # noqa: PLR2004 - nothing to compare
        return []
    return [(f"its {len(figures)} seeds", f"{points(min(figures))} to {points(max(figures))}")]
