"""The comparison of two releases: each model's new and old scores, on the same examples."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.analysis.report import Change, GroupChange, Release, shift_path
from pytest_ood.budgets import Judgement, Rules, judge_at_most
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.evaluation import Evaluation, Floor, adjust_verdicts
from pytest_ood.metrics import ACCURACY
from pytest_ood.statistics import estimate, paired_drop
from pytest_ood.utils.tables import check_share

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest_ood.analysis.report import Report
    from pytest_ood.evaluation import ExampleScores

    Key = tuple[str, str | None, str | None, str]
    """Suite, kind and name of the shift (None in distribution), model."""

VALUE_WIDTH = 60
DROP = "drop"
SAME_CHECK = 0.5
"""With a smaller share of common examples, a change is invalid."""


@dataclass(frozen=True, kw_only=True)
class _Measured:
    """A score of a report whose examples are known.

    Attributes:
        result: The score in distribution, or the drop.
        items: The score of each example.
    """

    result: Floor | Evaluation
    items: ExampleScores

    @property
    def unanswered(self) -> int:
        """The number of examples without an answer."""
        return sum(self.result.errors.values())


def parse_budget(text: str) -> float:
    """Return the largest allowed drop of a score from one release to the next, a share of 1.

    Args:
        text: The value of an option, `drop:2%` or `drop:0.02`.

    Raises:
        ConfigurationError: the text has another form.
    """
    match = re.fullmatch(rf"{DROP}:(\d+(?:\.\d+)?)(%?)", text.strip())
    if match is None:
        raise ConfigurationError(f"{text!r} is no budget; write drop:2% or drop:0.02")
    share = float(match[1]) / (100.0 if match[2] else 1.0)
    check_share(text, share)
    return share


def compare(
    earlier: Report, now: Report, name: str, budget: float | None = None, *, whole: bool = False
) -> Release:
    """Compare two reports.

    Args:
        earlier: The report of the earlier run.
        now: The report of the later run; its rules have the levels of verdicts.
        name: The name of the earlier report.
        budget: The largest allowed drop of a score, a share of 1; None to judge nothing.
        whole: Whether the later run measured all its checks. Then, under a budget, a check that
            it lacks is invalid: otherwise a model would pass by being left out.

    Raises:
        ReportError: the two have no check, or no example, in common.
    """
    old, new = _measured(earlier), _measured(now)
    common = [key for key in new if key in old]
    rules = replace(now.rules, gates=max(1, len(common)))
    changes = [_change(key, old[key], new[key], rules, budget) for key in common]
    if not any(change.n for change in changes):
        why = "no example is the same as now; were data, seed or generators changed?"
        if not common:
            why = f"it has none of this run's checks ({_listed(old)} there, {_listed(new)} here)"
        raise ReportError(f"{name}: nothing can be compared: {why}")
    if whole and budget is not None:
        changes += [_missing(key, old[key], budget) for key in old if key not in new]
    notes = [*_settings(earlier, now), *_models(earlier, now), *_data(old, new, common)]
    for words, one, other in (("new, not compared", new, old), ("not measured now", old, new)):
        lacking = [key for key in one if key not in other]
        if lacking:
            notes.append(f"{words}: {len(lacking)} checks ({_listed(lacking)})")
    return Release(earlier=name, changes=tuple(adjust_verdicts(changes, rules)), notes=tuple(notes))


def _measured(report: Report) -> dict[Key, _Measured]:
    """Return the scores of a report whose examples are known."""
    scores: list[Floor | Evaluation] = [*report.in_distribution]
    scores += [e for e in report.evaluations if e.metric == ACCURACY]
    return {
        (r.suite, r.kind, r.shift, r.model): _Measured(result=r, items=r.items)
        for r in scores
        if r.items is not None
    }


def _change(key: Key, old: _Measured, new: _Measured, rules: Rules, budget: float | None) -> Change:
    before, after = old.items.common(new.items)
    change = _unmeasured(key, old.items, new.items, budget, "no example is in both runs")
    if not len(before):
        return change
    figure = paired_drop(before, after)
    judged = Judgement("measured", "no budget is set")
    smallest = min(change.n_before, change.n_now)
    if len(before) < SAME_CHECK * smallest:
        judged = Judgement("invalid", f"only {len(before)} of {smallest} examples are the same")
    elif budget is not None:
        judged = judge_at_most(figure, budget, rules)
        spoilt = new.result.verdict == "invalid" != old.result.verdict
        if judged.verdict == "invalid":
            # One budget holds for all checks. For some the examples are too few to show a pass at
            # any drop, which is not a mistake of the user: these are inconclusive.
            judged = replace(judged, verdict="inconclusive")
        if spoilt and judged.verdict != "fail":
            judged = Judgement("invalid", f"now it is invalid: {new.result.reason}")
    return replace(
        change,
        n=len(before),
        score_before=float(np.mean(before.array)),
        score_now=float(np.mean(after.array)),
        drop=estimate(figure, rules.alpha),
        verdict=judged.verdict,
        reason=judged.reason,
        p_fail=judged.p_fail,
        groups=_groups(old.result, new.result),
    )


def _unmeasured(
    key: Key, old: ExampleScores, new: ExampleScores | None, budget: float | None, reason: str
) -> Change:
    """Return the change of a check without common examples."""
    suite, kind, shift, model = key
    return Change(
        suite=suite,
        kind=kind,
        shift=shift,
        model=model,
        n=0,
        n_before=len(old.hashes),
        n_now=0 if new is None else len(new.hashes),
        score_before=0.0,
        score_now=0.0,
        drop=None,
        budget=budget,
        verdict="invalid",
        reason=reason,
    )


def _missing(key: Key, old: _Measured, budget: float) -> Change:
    """Return the change of a check that the later run lacks, or could not carry out."""
    return _unmeasured(key, old.items, None, budget, "it was not measured now")


def _groups(old: Floor | Evaluation, new: Floor | Evaluation) -> tuple[GroupChange, ...]:
    """Return the groups that both results have."""
    earlier = {(cell.within, cell.group): cell for cell in old.breakdown}
    return tuple(
        GroupChange(
            group=now.group,
            within=now.within,
            n_before=before.n,
            n_now=now.n,
            score_before=before.score.value,
            score_now=now.score.value,
        )
        for now in new.breakdown
        if (before := earlier.get((now.within, now.group))) is not None
    )


def _settings(earlier: Report, now: Report) -> Iterator[str]:
    """Yield notes on the settings and versions in which the runs differ."""
    if earlier.seed != now.seed:
        yield f"another seed: {earlier.seed} then, {now.seed} now"
    if earlier.rules.alpha != now.rules.alpha:
        yield f"another alpha: {earlier.rules.alpha} then, {now.rules.alpha} now"
    old, new = earlier.environment, now.environment
    changed = [
        f"{name} {old.get(name, 'none')} -> {new.get(name, 'none')}"
        for name in dict.fromkeys([*old, *new])
        if old.get(name) != new.get(name)
    ]
    if changed:
        yield f"other versions: {', '.join(changed)}"


def _models(earlier: Report, now: Report) -> Iterator[str]:
    """Yield notes on models of the same name that are not the same."""
    before = {(model.suite, model.name): model for model in earlier.models}
    noted = set()
    for model in now.models:
        old = before.get((model.suite, model.name))
        if old is None or model.name in noted:
            continue
        parts: dict[str, tuple[Any, Any]] = {"source": (old.source, model.source)}
        for key in dict.fromkeys([*old.parameters, *model.parameters]):
            parts[key] = (old.parameters.get(key), model.parameters.get(key))
        changed = [
            f"{name} {_cut(then)} -> {_cut(later)}"
            for name, (then, later) in parts.items()
            if then != later
        ]
        if old.fingerprint != model.fingerprint:
            noted.add(model.name)
            why = ", ".join(changed) or "its weights, demonstrations or code"
            yield f"{model.name} is another model: {why}"
        elif changed:
            noted.add(model.name)
            yield f"{model.name}: {', '.join(changed)}"


def _data(
    old: Mapping[Key, _Measured], new: Mapping[Key, _Measured], common: list[Key]
) -> Iterator[str]:
    """Yield notes on examples that differ, and whether data or generator is the reason."""
    noted = set()
    moved = set()
    for key in common:
        suite, kind, shift, _ = key
        name = f"{suite}/{shift_path(kind, shift)}"
        if name in noted:
            continue
        before, after = (set(side[key].items.hashes.tolist()) for side in (old, new))
        if before == after:
            continue
        noted.add(name)
        if before < after or after < before:
            yield f"{name}: {len(before)} examples then, {len(after)} now, the same ones"
            continue
        then, now = old[key].unanswered, new[key].unanswered
        if len(before - after) <= now and len(after - before) <= then:
            yield (
                f"{name}: {then} examples got no answer then, {now} now; "
                f"{len(before & after)} are in both"
            )
            continue
        if shift is None:
            moved.add(suite)
        generated = kind == "noise" and suite not in moved
        what = "generator (or its settings, or the seed)" if generated else "data set"
        size = max(len(before), len(after))
        yield f"{name}: another {what}: {len(before & after)} of {size} examples are the same"


def _listed(keys: Iterable[Key]) -> str:
    # Escaped by repr, since names in an earlier report may have control characters.
    names = [
        repr(f"{suite}/{shift_path(kind, shift)}[{model}]")[1:-1]
        for suite, kind, shift, model in keys
    ]
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "") if names else "none"  # noqa: PLR2004 - a few are enough to see what it is


def _cut(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= VALUE_WIDTH else f"{text[: VALUE_WIDTH - 3]}..."
