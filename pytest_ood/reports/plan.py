"""The plan of a run: what each gate will be able to tell, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING

from pytest_ood.budgets import percent, points

if TYPE_CHECKING:
    from pytest_ood.budgets import Rules

WIDTH = 100
NAME_WIDTH = 58


@dataclass(frozen=True)
class PlannedGate:
    """One gate before it is run.

    Attributes:
        id: Of the check.
        n: Examples it can use.
        limit: The budget.
        passing: The largest true drop that passes with power 0.8 (the least score, of a floor).
        failing: The smallest true drop that fails with power 0.8.
        settleable: Whether so many examples can show a pass at all.
    """

    id: str
    n: int
    limit: float
    passing: float
    failing: float
    settleable: bool


@dataclass(frozen=True)
class Plan:
    """What a run would do.

    Attributes:
        gates: In the order of the checks.
        calls: For each model, the most inputs it can be asked.
        rules: How certain verdicts will have to be.
        assumptions: What the figures rest on.
    """

    gates: tuple[PlannedGate, ...]
    calls: tuple[tuple[str, int], ...]
    rules: Rules
    assumptions: str


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
    asked = ", ".join(f"{model} {calls:,}" for model, calls in plan.calls)
    lines += wrap(f"inputs the models can be asked at most: {asked}", WIDTH)
    short = [gate for gate in plan.gates if not gate.settleable]
    if short:
        lines += wrap(
            f"{len(short)} of {len(plan.gates)} gates can never pass with so few examples (never): "
            "raise max_examples, or the budget",
            WIDTH,
        )
    return lines


def _gate(gate: PlannedGate) -> str:
    name = gate.id if len(gate.id) <= NAME_WIDTH else gate.id[: NAME_WIDTH - 3] + "..."
    passing = points(gate.passing) if gate.settleable else "never"
    return (
        f"{name:<{NAME_WIDTH}} {gate.n:>6,} {points(gate.limit):>7} {passing:>10} "
        f"{points(gate.failing):>10}"
    )
