"""The plan of a run: the precision of each gate, and the cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ood.budgets import Rules
    from pytest_ood.models.protocol import Usage


@dataclass(frozen=True, kw_only=True)
class PlannedGate:
    """The precision of one gate, before it is run.

    Attributes:
        id: The id of the check.
        n: The number of examples.
        limit: The budget.
        passing: The largest true drop that passes with power 0.8 (for a floor, the least score).
        failing: The smallest true drop that fails with power 0.8.
        settleable: Whether this number of examples can show a pass at all.
    """

    id: str
    n: int
    limit: float
    passing: float
    failing: float
    settleable: bool


@dataclass(frozen=True, kw_only=True)
class Workload:
    """The largest amount of work that a run has for one model.

    Attributes:
        model: The model's name.
        inputs: The number of different inputs, `queries` included.
        cached: The number of inputs with a cached answer.
        queries: The number of inputs that depend on earlier answers, such as an attack's.
        used: Requests, tokens and cost of inputs without a cached answer; None if unknown.
        seconds: The time for them; None if unknown.
        bound: Whether the time is a lower bound from arithmetic alone, because this machine has
            not queried the model before.
        note: A remark for the plan.
    """

    model: str
    inputs: int
    cached: int = 0
    queries: int = 0
    used: Usage | None = None
    seconds: float | None = None
    bound: bool = False
    note: str = ""

    def __add__(self, other: Workload) -> Workload:
        """Return the sum, such as that of two suites."""
        times = (self.seconds, other.seconds)
        return Workload(
            model=self.model,
            inputs=self.inputs + other.inputs,
            cached=self.cached + other.cached,
            queries=self.queries + other.queries,
            used=None if self.used is None or other.used is None else self.used + other.used,
            seconds=None if None in times else sum(filter(None, times)),
            bound=self.bound or other.bound,
            note=self.note or other.note,
        )


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The gates of a run, and its largest amount of work.

    Attributes:
        gates: The gates, in the order of the checks.
        work: The work for each model.
        rules: The levels of verdicts.
        assumptions: The assumptions behind the figures.
    """

    gates: tuple[PlannedGate, ...]
    work: tuple[Workload, ...]
    rules: Rules
    assumptions: str
