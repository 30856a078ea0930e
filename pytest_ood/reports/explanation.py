"""What one check says for itself, in words: the failure text of its pytest item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, percent, points
from pytest_ood.evaluation import Comparison, Evaluation, Floor
from pytest_ood.reports.text import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.evaluation import Flip, Result

SHOWN_WIDTH = 200
SHOWN_FLIPS = 3


def explain(result: Result, *, alpha: float, rerun: str = "") -> str:
    """Explain a verdict: the figures, the budget, what flipped, and how to see it again.

    Args:
        result: What was measured.
        alpha: One-sided level of its bounds.
        rerun: The command that repeats this check alone, if there is one.
    """
    if isinstance(result, Floor):
        lines = _floor(result, alpha)
    elif isinstance(result, Evaluation):
        lines = _evaluation(result, alpha)
    else:
        lines = _comparison(result, alpha)
    return "\n".join([*lines, *([f"again: {rerun}"] if rerun else [])])


def _level(alpha: float) -> str:
    return f"{percent(1 - 2 * alpha)} interval"


def _floor(floor: Floor, alpha: float) -> list[str]:
    asked = "none" if floor.budget is None else f"at least {points(floor.budget)}"
    return [
        f"{floor.verdict}: {floor.model} in distribution: {floor.reason}",
        f"  accuracy {points(floor.score.value)}, {_level(alpha)} {interval(floor.score)}, "
        f"n = {floor.n}, seed {floor.seed}",
        f"  budget: {asked}; majority class {points(floor.majority)}; "
        f"{floor.abstained} abstentions",
    ]


def _evaluation(result: Evaluation, alpha: float) -> list[str]:
    asked = "none" if result.budget is None else f"at most {points(result.budget)} points"
    pairing = "same examples, paired" if result.paired else "other examples, unpaired"
    kept = (
        "withstood or wrong from the start, kept in" if result.queries is not None else "left out"
    )
    lines = [
        f"{result.verdict}: {result.model} under {result.kind}/{result.shift}: {result.reason}",
        f"  accuracy {points(result.score_id)} in distribution, {points(result.score_ood)} "
        "under the shift",
        f"  drop {points(result.drop.value)} points, {_level(alpha)} {interval(result.drop)} "
        f"({pairing}); budget: {asked}",
        f"  n = {result.n} ({result.unchanged} unchanged: {kept}; {result.abstained} "
        f"abstentions), seed {result.seed}",
    ]
    if result.queries is not None:
        lines.append(f"  {result.queries:,} queries")
    what = "that flipped" if result.paired else "that it got wrong"
    return lines + _flips(result.flips, what)


def _comparison(result: Comparison, alpha: float) -> list[str]:
    asked = "none" if result.margin is None else f"at most {points(result.margin)} points more"
    lines = [
        f"{result.verdict}: {result.model} against {result.baseline} under "
        f"{result.kind}/{result.shift}: {result.reason}",
        *(
            f"  {name}: accuracy {points(before)} in distribution, {points(after)} under the "
            f"shift, drop {points(before - after)} points"
            for name, (before, after) in (
                (result.model, result.scores),
                (result.baseline, result.baseline_scores),
            )
        ),
        f"  difference {points(result.difference.value)} points, {_level(alpha)} "
        f"{interval(result.difference)}; budget: {asked}",
        f"  n = {result.n} (the same items), seed {result.seed}",
    ]
    return lines + _flips(result.flips, f"that {result.model} lost and {result.baseline} did not")


def _flips(flips: Sequence[Flip], what: str) -> list[str]:
    if not flips:
        return []
    shown = flips[:SHOWN_FLIPS]
    return [
        f"  {len(shown)} of {len(flips)} {what}:",
        *(line for flip in shown for line in _flip(flip)),
    ]


def _flip(flip: Flip) -> list[str]:
    lines = [f"    - [{one_line(flip.id, 40)}] truth: {flip.label}"]
    if flip.before is not None:
        lines.append(
            f"      before, {_answer(flip.answer_before)}: {one_line(flip.before, SHOWN_WIDTH)}"
        )
    when = "after" if flip.before is not None else "text"
    after = f"      {when}, {_answer(flip.answer_after)}: {one_line(flip.after, SHOWN_WIDTH)}"
    return [*lines, after]


def _answer(label: str | None) -> str:
    return "no answer" if label is None else f"answered {label}"
