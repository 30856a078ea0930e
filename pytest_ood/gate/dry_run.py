"""The dry run: the gates of a run, their power and their cost, without querying a model."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ood.analysis.plan import Plan, PlannedGate
from pytest_ood.budgets import judge_at_most
from pytest_ood.errors import NotApplicableError
from pytest_ood.evaluation.perfect import perfect_statistic
from pytest_ood.evaluation.stopping import is_sequential
from pytest_ood.gate.cost import workloads
from pytest_ood.metrics import ACCURACY, SCORE, metric_class
from pytest_ood.statistics import detectable, least_examples
from pytest_ood.statistics.planning import POWER
from pytest_ood.statistics.sequential import BETTING_SHARE

if TYPE_CHECKING:
    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import SuiteEvaluator
    from pytest_ood.gate.gate import Check, Gate

DISCORDANCE = 0.10
"""The assumed share of answers that a shift changes, in either direction."""

ASSUMED_SCORE = 0.85
"""The assumed score in distribution."""

ASSUMPTIONS = (
    f"assumed: a score of {100 * ASSUMED_SCORE:.0f} in distribution, {100 * DISCORDANCE:.0f} % of "
    "answers changed by a shift, or the budget if larger"
)


def plan_run(gate: Gate) -> Plan:
    """Return the plan of the chosen checks.

    Raises:
        OodError: the data cannot be read.
    """
    gates = [
        (_of_worst if _is_largest(check) else _of_check)(gate, check, check.limit)
        for check in gate.checks
        if check.limit is not None
    ]
    return Plan(gates=tuple(gates), work=workloads(gate), rules=gate.rules, assumptions=ASSUMPTIONS)


def _is_largest(check: Check) -> bool:
    return check.shift is not None and check.shift.is_largest


def _of_check(gate: Gate, check: Check, limit: float) -> PlannedGate:
    """Return the plan of a check of one drop, difference or score."""
    evaluator = gate.evaluators[check.suite]
    names = [name for name in (check.model, check.baseline) if name is not None]
    models = [gate.models[check.suite][name] for name in names]
    batches = check.metric in (ACCURACY, SCORE) and is_sequential(
        models, evaluator.data.horizon(check.shift), evaluator.rules
    )
    return _planned_by_metric(check, limit, evaluator, batches=batches)


def _of_worst(gate: Gate, check: Check, limit: float) -> PlannedGate:
    """Return the plan of a check of the largest of several drops.

    It passes where each of them does, and fails where one of them does at its share of the level.
    How large a drop has to be to fail depends on the shift; the plan has the largest.
    """
    assert check.shift is not None, "unreachable because the check has a shift with parts"
    evaluator = gate.evaluators[check.suite]
    shifts = check.shift.parts(evaluator.suite.shifts)
    parts = [
        _planned_by_metric(
            replace(check, shift=shift), limit, evaluator, batches=False, among=len(shifts)
        )
        for shift in shifts
    ]
    return PlannedGate(
        id=check.id,
        n=min(part.n for part in parts),
        limit=limit,
        passing=min(part.passing for part in parts),
        failing=max(part.failing for part in parts),
        settleable=all(part.settleable for part in parts),
    )


def _planned_by_metric(
    check: Check, limit: float, evaluator: SuiteEvaluator, *, batches: bool, among: int = 1
) -> PlannedGate:
    """Return the plan of a check of one shift, which may be one of several in a check."""
    n = evaluator.texts.usable(check.shift)
    planned = _planned(check, limit, n, evaluator.rules, batches=batches, among=among)
    needs_reference = metric_class(check.metric).NEEDS_REFERENCE
    if check.shift is None or check.metric in (ACCURACY, SCORE) or needs_reference:
        return planned
    return _by_metric(check, limit, planned, evaluator, among)


def _planned(
    check: Check, limit: float, n: int, rules: Rules, *, batches: bool, among: int = 1
) -> PlannedGate:
    share = 1.0 - BETTING_SHARE if batches else 1.0
    spread = _spread(check, limit)
    # All of several shifts have to pass: each misses it with a part of the chance to.
    power = 1.0 - (1.0 - POWER) / among
    down = detectable(max(1, n), spread, rules.alpha * share, power)
    up = detectable(max(1, n), spread, rules.fail_alpha * share / among)
    if check.shift is None or check.metric == SCORE:
        # A floor passes above its limit and fails below it.
        return PlannedGate(
            id=check.id,
            n=n,
            limit=limit,
            passing=min(1.0, limit + down),
            failing=max(0.0, limit - up),
            settleable=True,
        )
    least = least_examples(limit, rules.alpha * share)
    enough = max(1, check.shift.min_changed)
    return PlannedGate(
        id=check.id,
        n=n,
        limit=limit,
        passing=limit - down,
        failing=min(1.0, limit + up),
        settleable=n >= enough and (least == sys.maxsize or n >= least),
    )


def _by_metric(
    check: Check, limit: float, planned: PlannedGate, evaluator: SuiteEvaluator, among: int
) -> PlannedGate:
    """Return the plan of a metric that may use a part of the examples, such as those of one label.

    A simulated model that is always right shows whether so many examples can yield a pass at all.
    """
    assert check.shift is not None, "unreachable because floors are of accuracy alone"
    if not planned.n:
        return planned
    try:
        statistic = perfect_statistic(
            evaluator, check.shift, check.metric, relative=check.baseline is not None
        )
    except NotApplicableError:
        return replace(planned, n=0, settleable=False)
    n, rules = min(planned.n, statistic.n), evaluator.rules
    narrowed = _planned(check, limit, n, rules, batches=False, among=among)
    possible = limit <= 0.0 or judge_at_most(statistic, limit, rules).verdict == "pass"
    return replace(narrowed, settleable=planned.settleable and possible)


def _spread(check: Check, limit: float) -> float:
    """Return the standard deviation of one example's value, under the assumptions."""
    if check.shift is None or check.metric == SCORE:
        return math.sqrt(limit * (1.0 - limit)) or 0.5
    changed = max(0.5 if check.shift.kind == "adversarial" else DISCORDANCE, limit)
    # A paired difference of scores is -1, 0 or 1: its variance is the share of changed answers
    # minus the square of the drop, which is the limit at the boundary of the test.
    variance = changed - min(limit, changed) ** 2
    unpaired = not check.shift.is_paired and not metric_class(check.metric).NEEDS_REFERENCE
    if check.baseline is not None:
        # Two models on the same examples are assumed to differ on as many as a shift changes, both
        # in distribution and under the shift; cases have one side only.
        return math.sqrt(changed if check.shift.counts_cases else 2.0 * changed)
    return (
        math.sqrt(2.0 * ASSUMED_SCORE * (1.0 - ASSUMED_SCORE)) if unpaired else math.sqrt(variance)
    )
