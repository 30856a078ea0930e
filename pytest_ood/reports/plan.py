"""The plan of a run: what each gate will be able to tell, and what it costs."""

from __future__ import annotations

from textwrap import wrap
from typing import TYPE_CHECKING

from pytest_ood.budgets import percent, points
from pytest_ood.utils.progress import duration

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.analysis.plan import Plan, PlannedGate, Workload

WIDTH = 100
NAME_WIDTH = 58
MODEL_WIDTH = 22


def render_plan(plan: Plan) -> list[str]:
    """Return the lines for the terminal."""
    lines = [
        f"{'gate':<{NAME_WIDTH}} {'n':>6} {'budget':>7} {'passes at':>10} {'fails from':>10}",
        *(_gate(gate) for gate in plan.gates),
        "passes at, fails from: true figures, in points, that get the verdict four times in five",
        plan.assumptions,
        f"level {percent(plan.rules.alpha)}; a fail is one among {plan.rules.gates} gates "
        f"({plan.rules.correction})",
    ]
    lines += ["", *_work(plan.work)]
    short = [gate for gate in plan.gates if not gate.settleable]
    if short:
        lines += wrap(
            f"{len(short)} of {len(plan.gates)} gates can never pass with so few examples (never): "
            "raise max_examples, or the budget",
            WIDTH,
        )
    return lines


def _gate(gate: PlannedGate) -> str:
    name = _fitted(gate.id, NAME_WIDTH)
    passing = points(gate.passing) if gate.settleable else "never"
    return f"{name} {gate.n:>6,} {points(gate.limit):>7} {passing:>10} {points(gate.failing):>10}"


def _work(work: Sequence[Workload]) -> list[str]:
    """Return a table of what the models are asked, and what it rests on."""
    lines = [
        f"{'at most':<{MODEL_WIDTH}} {'inputs':>13} {'cached':>13} {'tokens':>17} "
        f"{'time':>14} {'cost':>15}"
    ]
    for load in work:
        used = load.used
        tokens = "" if used is None else f"{used.prompt_tokens + used.completion_tokens:,}"
        cost = "" if used is None or used.cost is None else f"{used.cost:.4f} {used.currency}"
        spent = "?" if load.seconds is None else duration(load.seconds)
        lines.append(
            f"{_fitted(load.model, MODEL_WIDTH)} {load.inputs:>13,} {load.cached:>13,} "
            f"{tokens:>17} {('over ' if load.bound else '') + spent:>14} {cost:>15}".rstrip()
        )
        if load.note:
            lines.append(f"    ({load.note})")
    if any(load.queries for load in work):
        queries = sum(load.queries for load in work)
        lines += wrap(
            f"{queries:,} of the inputs are queries of attacks, or texts that a model of its own "
            "has to write first: at most so many, and none of them looked up among the known",
            WIDTH,
        )
    lines += wrap(
        "cached: answers of earlier runs; tokens, time and cost are those of the other inputs. The "
        "time is estimated from the model's last queries on this machine; over: from the speed of "
        "matrix multiplication alone. Gates that are settled early need fewer inputs",
        WIDTH,
    )
    return lines


def _fitted(text: str, width: int) -> str:
    return (text if len(text) <= width else f"{text[: width - 3]}...").ljust(width)
