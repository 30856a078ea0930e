"""One release against another: each model's new scores and its old ones, on the same examples."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.budgets import (
    Judgement,
    Rules,
    interval,
    judge_at_most,
    percent,
    points,
)
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.evaluation import ExampleScores, adjust_verdicts
from pytest_ood.examples import IN_DISTRIBUTION
from pytest_ood.metrics import ACCURACY
from pytest_ood.reports.terminal import VERDICTS
from pytest_ood.reports.text import harmless, one_line
from pytest_ood.statistics import estimate, paired_drop
from pytest_ood.tables import check_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ood.budgets import Verdict
    from pytest_ood.statistics import Estimate

    Report = Mapping[str, Any]
    Key = tuple[str, str, str]

NAME_WIDTH = 44
MODEL_WIDTH = 18
VALUE_WIDTH = 60
DROP = "drop"
MOVED = 0.05
SHOWN_CELLS = 5
SAME_CHECK = 0.5
"""Where fewer of the examples are the same, the figures are of another check, and judge nothing."""


@dataclass(frozen=True)
class CellChange:
    """What a model scores on a group now, and what it scored then, each on all there were.

    Attributes:
        group: Its name.
        within: The group that it is a part of, or "".
        n_old: Examples then.
        n_new: Examples now.
        before: The score then.
        after: The score now.
    """

    group: str
    within: str
    n_old: int
    n_new: int
    before: float
    after: float


@dataclass(frozen=True)
class Change:
    """What a model scores now and what it scored then, on the examples that both runs had.

    Attributes:
        suite: Its name.
        shift: kind/name, or "in-distribution".
        model: Its name.
        n: Examples in common.
        n_old: Examples of the older run whose scores were kept.
        n_new: Those of the newer one.
        before: The score then, on those in common.
        after: The score now.
        drop: before - after, with its interval; None where no example is in common.
        budget: The most it may drop, or None.
        verdict: pass, fail, inconclusive, invalid, or measured where there is no budget.
        reason: Why.
        p_fail: The p-value of "the budget is kept", or None.
        adjusted_p: The same among all changes, once they are known.
        cells: By group, where both runs have it.
    """

    suite: str
    shift: str
    model: str
    n: int
    n_old: int
    n_new: int
    before: float
    after: float
    drop: Estimate | None
    budget: float | None
    verdict: Verdict
    reason: str
    p_fail: float | None = None
    adjusted_p: float | None = None
    cells: tuple[CellChange, ...] = ()

    @property
    def moved(self) -> list[CellChange]:
        """The groups whose scores moved by five points or more, those that moved most first."""
        found = [cell for cell in self.cells if abs(cell.after - cell.before) >= MOVED]
        return sorted(found, key=lambda c: (-abs(c.after - c.before), c.within, c.group))

    @property
    def name(self) -> str:
        """Suite, shift and model, as in the ids of checks."""
        return f"{self.suite}/{self.shift}[{self.model}]"


@dataclass(frozen=True)
class Release:
    """A run against an earlier one.

    Attributes:
        old: What the earlier report is called.
        alpha: One-sided level of every bound.
        changes: By suite, shift and model.
        notes: In what else the two runs differ: data, generators, prompts, models, versions.
    """

    old: str
    alpha: float
    changes: tuple[Change, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Measured:
    """A score of a report, and those of its examples.

    Attributes:
        record: Its plain values.
        items: Its examples.
    """

    record: Mapping[str, Any]
    items: ExampleScores

    @property
    def unanswered(self) -> int:
        """How many examples got no answer."""
        return sum(self.record["errors"].values())


def parse_budget(text: str) -> float:
    """Return the most that a score may drop from one release to the next, a share of 1.

    Args:
        text: As an option says it, `drop:2%` or `drop:0.02`.

    Raises:
        ConfigurationError: it says something else.
    """
    found = re.fullmatch(rf"{DROP}:(\d+(?:\.\d+)?)(%?)", text.strip())
    if found is None:
        raise ConfigurationError(f"{text!r} is no budget; write drop:2% or drop:0.02")
    share = float(found[1]) / (100.0 if found[2] else 1.0)
    check_share(text, share)
    return share


def compare(
    old: Report, new: Report, name: str, budget: float | None = None, *, whole: bool = False
) -> Release:
    """Compare two reports, as `json_report` reads and makes them.

    Args:
        old: Of the earlier run.
        new: Of the later one; it says how certain a verdict has to be.
        name: What the earlier one is called.
        budget: The most that a score may drop, a share of 1; None to judge nothing.
        whole: The later run measured all that it has: under a budget, a check that is missing from
            it fails, or a model would pass by being left out.

    Raises:
        ReportError: no check of the two, or no example, is the same.
    """
    was, now = _measured(old), _measured(new)
    common = [key for key in now if key in was]
    rules = Rules(new["alpha"], new["correction"], max(1, len(common)))
    changes = [_change(key, was[key], now[key], rules, budget) for key in common]
    if not any(change.n for change in changes):
        why = "no example is the same as now; were data, seed or generators changed?"
        if not common:
            why = f"it has none of this run's checks ({_listed(was)} there, {_listed(now)} here)"
        raise ReportError(f"{name}: nothing can be compared: {why}")
    if whole and budget is not None:
        changes += [_missing(key, was[key], budget) for key in was if key not in now]
    notes = [*_settings(old, new), *_models(old, new), *_data(was, now, common)]
    for told, one, other in (("new, not compared", now, was), ("not measured now", was, now)):
        lacking = [key for key in one if key not in other]
        if lacking:
            notes.append(f"{told}: {len(lacking)} checks ({_listed(lacking)})")
    return Release(name, rules.alpha, tuple(adjust_verdicts(changes, rules)), tuple(notes))


def render(release: Release) -> list[str]:
    """Return the lines of a table for the terminal, none wider than 100 columns."""
    level = percent(1 - 2 * release.alpha)
    lines = [
        f"against {one_line(release.old, 60)}: scores then and now on the same examples, drop in "
        "points,",
        f"{level} intervals",
        f"{'':{NAME_WIDTH}}{'':{MODEL_WIDTH}}{'then':>6}{'now':>6}{'drop':>6}  interval",
    ]
    for change in release.changes:
        name = one_line(f"{change.suite}/{change.shift}", NAME_WIDTH - 1)
        line = f"{name:{NAME_WIDTH}}{one_line(change.model, MODEL_WIDTH - 1):{MODEL_WIDTH}}"
        if change.drop is None:
            told = "no example in common" if change.n_new else "not measured now"
            lines.append(f"{line}{told}")
            continue
        line += f"{points(change.before):>6}{points(change.after):>6}"
        line += f"{points(change.drop.value):>6}  {interval(change.drop)}"
        verdict = f" {VERDICTS[change.verdict]}".rstrip()
        part = f" (n = {change.n})" if change.n < max(change.n_old, change.n_new) else ""
        lines.append(line + verdict + part)
        lines += _moved(change)
    return [*lines, *(f"note: {one_line(note, 400)}" for note in release.notes)]


def _moved(change: Change) -> list[str]:
    """Return the groups that moved most, and how many more did."""
    lines = []
    for cell in change.moved[:SHOWN_CELLS]:
        name = f"{cell.within}: {cell.group}" if cell.within else cell.group
        drop = points(cell.before - cell.after)
        lines.append(
            f"  {one_line(name, NAME_WIDTH + MODEL_WIDTH - 3):{NAME_WIDTH + MODEL_WIDTH - 2}}"
            f"{points(cell.before):>6}{points(cell.after):>6}{drop:>6}"
        )
    more = len(change.moved) - SHOWN_CELLS
    return [
        *lines,
        *([f"  {more} more groups moved by {points(MOVED)} or more"] if more > 0 else []),
    ]


def explain(change: Change) -> str:
    """Say what failed, or is open, for the one who has to look into it."""
    told = f"{change.verdict}: {change.model} in {change.suite}/{change.shift}: {change.reason}"
    drop = change.drop
    if drop is None:
        return (
            f"{told}\n  it was measured on {change.n_old} examples then, and on {change.n_new} "
            f"{'others ' if change.n_new else ''}now; if that is as it should be, accept a new "
            "baseline"
        )
    budget = "" if change.budget is None else f", budget {points(change.budget)} points"
    return (
        f"{told}\n"
        f"  score {points(change.before)} then, {points(change.after)} now, on the same "
        f"{change.n} examples\n"
        f"  drop {points(drop.value)} {interval(drop)}{budget}"
    )


def _measured(report: Report) -> dict[Key, _Measured]:
    """Read the scores of a report that are told by example.

    Raises:
        ReportError: the examples of one are damaged.
    """
    found = {(r["suite"], IN_DISTRIBUTION, r["model"]): r for r in report["in_distribution"]}
    found |= {
        (r["suite"], f"{r['kind']}/{r['shift']}", r["model"]): r
        for r in report["evaluations"]
        if r["metric"] == ACCURACY
    }
    return {key: _Measured(record, _items(record, key)) for key, record in found.items()}


def _change(key: Key, was: _Measured, now: _Measured, rules: Rules, budget: float | None) -> Change:
    old, new = was.items, now.items
    before, after = old.common(new)
    sizes = (len(before), len(old.hashes), len(new.hashes))
    if not len(before):
        judged = Judgement("invalid", "no example is in both runs")
        return Change(*key, *sizes, 0.0, 0.0, None, budget, judged.verdict, judged.reason)
    figure = paired_drop(before, after)
    judged = Judgement("measured", "no budget is set")
    if len(before) < SAME_CHECK * min(sizes[1:]):
        judged = Judgement("invalid", f"only {sizes[0]} of {min(sizes[1:])} examples are the same")
    elif budget is not None:
        judged = judge_at_most(figure, budget, rules)
        spoilt = now.record["verdict"] == "invalid" != was.record["verdict"]
        if judged.verdict == "invalid":
            # One budget is for all checks, those on few examples too: these are open.
            judged = replace(judged, verdict="inconclusive")
        if spoilt and judged.verdict != "fail":
            judged = Judgement("invalid", f"now it is invalid: {now.record['reason']}")
    return Change(
        *key,
        *sizes,
        before=float(np.mean(before.array)),
        after=float(np.mean(after.array)),
        drop=estimate(figure, rules.alpha),
        budget=budget,
        verdict=judged.verdict,
        reason=judged.reason,
        p_fail=judged.p_fail,
        cells=_cells(was.record, now.record),
    )


def _cells(was: Mapping[str, Any], now: Mapping[str, Any]) -> tuple[CellChange, ...]:
    """Return the groups that both records have."""
    old = {(cell["within"], cell["group"]): cell for cell in was.get("breakdown", ())}
    pairs = (
        (old[key], cell)
        for cell in now.get("breakdown", ())
        if (key := (cell["within"], cell["group"])) in old
    )
    return tuple(
        CellChange(
            new["group"], new["within"] or "", before["n"], new["n"], before["score"], new["score"]
        )
        for before, new in pairs
    )


def _missing(key: Key, was: _Measured, budget: float) -> Change:
    """Return what to say of a check that the later run lacks, or could not carry out."""
    reason = "it was not measured now"
    size = len(was.items.hashes)
    return Change(*key, 0, size, 0, 0.0, 0.0, None, budget, "invalid", reason)


def _items(record: Mapping[str, Any], key: Key) -> ExampleScores:
    """Read the scores by example of a record.

    Raises:
        ReportError: they are damaged.
    """
    try:
        return ExampleScores.from_record(record["items"])
    except (TypeError, ValueError) as error:
        raise ReportError(f"{_name(key)}: its items are damaged: {error}") from None


def _settings(old: Report, new: Report) -> Iterator[str]:
    """Tell how the runs and their machines differ."""
    for key, told in (("seed", "seed"), ("alpha", "alpha")):
        if old[key] != new[key]:
            yield f"another {told}: {old[key]} then, {new[key]} now"
    was, now = old["environment"], new["environment"]
    changed = [
        f"{name} {was.get(name, 'none')} -> {now.get(name, 'none')}"
        for name in dict.fromkeys([*was, *now])
        if was.get(name) != now.get(name)
    ]
    if changed:
        yield f"other versions: {', '.join(changed)}"


def _models(old: Report, new: Report) -> Iterator[str]:
    """Tell in what a model of the same name is another one."""
    before = {(model["suite"], model["name"]): model for model in old["models"]}
    told = set()
    for model in new["models"]:
        was = before.get((model["suite"], model["name"]))
        if was is None or model["name"] in told:
            continue
        parts = {"source": (was["source"], model["source"])}
        settings = dict.fromkeys([*was["parameters"], *model["parameters"]])
        parts |= {k: (was["parameters"].get(k), model["parameters"].get(k)) for k in settings}
        changed = [
            f"{name} {_short(then)} -> {_short(now)}"
            for name, (then, now) in parts.items()
            if then != now
        ]
        if was["fingerprint"] != model["fingerprint"]:
            told.add(model["name"])
            why = ", ".join(changed) or "its weights, demonstrations or code"
            yield f"{model['name']} is another model: {why}"
        elif changed:
            told.add(model["name"])
            yield f"{model['name']}: {', '.join(changed)}"


def _data(
    was: Mapping[Key, _Measured], now: Mapping[Key, _Measured], common: list[Key]
) -> Iterator[str]:
    """Tell where the examples are not the same, and whether data or generator is to blame."""
    told = set()
    moved = set()
    for key in common:
        suite, shift, _ = key
        if (suite, shift) in told:
            continue
        old, new = (set(side[key].items.hashes.tolist()) for side in (was, now))
        if old == new:
            continue
        told.add((suite, shift))
        if old < new or new < old:
            yield f"{suite}/{shift}: {len(old)} examples then, {len(new)} now, the same ones"
            continue
        then, since = was[key].unanswered, now[key].unanswered
        if len(old - new) <= since and len(new - old) <= then:
            yield (
                f"{suite}/{shift}: {then} examples got no answer then, {since} now; "
                f"{len(old & new)} are in both"
            )
            continue
        if shift == IN_DISTRIBUTION:
            moved.add(suite)
        made = shift.startswith("noise/") and suite not in moved
        what = "generator (or its settings, or the seed)" if made else "data set"
        size = max(len(old), len(new))
        yield f"{suite}/{shift}: another {what}: {len(old & new)} of {size} examples are the same"


def _name(key: Key) -> str:
    suite, shift, model = key
    return f"{suite}/{shift}[{model}]"


def _listed(keys: Iterable[Key]) -> str:
    names = [harmless(_name(key)) for key in keys]
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"  # noqa: PLR2004 - a few are enough to see what it is


def _short(value: Any) -> str:
    return one_line(repr(value), VALUE_WIDTH)
