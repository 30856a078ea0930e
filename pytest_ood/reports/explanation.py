"""What one check says for itself, in words: the failure text of its pytest item."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.budgets import interval, percent, points
from pytest_ood.evaluation import Comparison, Evaluation, Floor
from pytest_ood.reports.text import one_line

if TYPE_CHECKING:
    from pytest_ood.evaluation import Flip, Result

SHOWN_WIDTH = 200


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
    lines = [
        f"{result.verdict}: {result.model} under {result.kind}/{result.shift}: {result.reason}",
        f"  accuracy {points(result.score_id)} in distribution, {points(result.score_ood)} "
        "under the shift",
        f"  drop {points(result.drop.value)} points, {_level(alpha)} {interval(result.drop)} "
        f"({pairing}); budget: {asked}",
        f"  n = {result.n} ({result.unchanged} unchanged and left out, {result.abstained} "
        f"abstentions), seed {result.seed}",
    ]
    if result.queries is not None:
        lines.append(f"  {result.queries:,} queries")
    if result.flips:
        lines.append(
            f"  {len(result.flips)} that flipped:" if result.paired else "  some it got wrong:"
        )
        lines += [line for flip in result.flips for line in _flip(flip)]
    return lines


def _comparison(result: Comparison, alpha: float) -> list[str]:
    asked = "none" if result.margin is None else f"at most {points(result.margin)} points more"
    return [
        f"{result.verdict}: {result.model} against {result.baseline} under "
        f"{result.kind}/{result.shift}: {result.reason}",
        f"  drops: {result.model} {points(result.drop)} points, {result.baseline} "
        f"{points(result.baseline_drop)} points, on the same items",
        f"  difference {points(result.difference.value)} points, {_level(alpha)} "
        f"{interval(result.difference)}; budget: {asked}",
        f"  n = {result.n}, seed {result.seed}",
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
