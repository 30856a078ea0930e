"""The figures of a check as properties of its JUnit test case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.evaluation import Comparison, Evaluation, PerturbationDetails, WorstDetails
from pytest_ood.reports.escaping import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.analysis.report import Change
    from pytest_ood.budgets import Rules
    from pytest_ood.evaluation import Result
    from pytest_ood.statistics import Estimate

PREFIX = "ood_"
WIDTH = 200


def properties(result: Result, rules: Rules) -> list[tuple[str, object]]:
    """Return the figures of a result by name; those that it lacks are left out.

    Shares are of 1. While the run goes on, the p-value among all gates is unknown.
    """
    figures: dict[str, object] = {"verdict": result.verdict, "n": result.n, "suite": result.suite}
    if isinstance(result, Evaluation):
        figures |= {
            "kind": result.kind,
            "shift": result.shift,
            "severity": result.details.severity
            if isinstance(result.details, PerturbationDetails)
            else None,
            "worst": result.details.shift if isinstance(result.details, WorstDetails) else None,
            "surrogate": result.surrogate,
            "model": result.model,
            "metric": result.metric,
            "unchanged": result.unchanged,
            "abstained": result.abstained,
            "score_in_distribution": _figure(result.score_in_distribution),
            "score_under_shift": _figure(result.score_under_shift),
            **_estimate("drop", result.drop),
            "budget": result.budget,
            "shifted_set_hash": result.shifted_set_hash,
        }
    elif isinstance(result, Comparison):
        figures |= {
            "kind": result.kind,
            "shift": result.shift,
            "surrogate": result.surrogate,
            "model": result.model,
            "baseline": result.baseline,
            "metric": result.metric,
            **_estimate("difference", result.difference),
            "budget": result.margin,
        }
    else:
        figures |= {
            "kind": result.kind or IN_DISTRIBUTION,
            "shift": result.shift,
            "model": result.model,
            "abstained": result.abstained,
            **_estimate("score", result.score),
            "majority": _figure(result.majority),
            "budget": result.budget,
            "data_hash": result.data_hash,
        }
    figures |= {
        "errors": sum(result.errors.values()),
        "p_fail": _p_value(result.p_fail),
        "p_fail_adjusted": _p_value(result.p_fail_adjusted),
        "alpha": rules.alpha,
        "correction": rules.correction,
        "gates": rules.gates,
        "seed": result.seed,
    }
    return _named(figures)


def change_properties(change: Change) -> list[tuple[str, object]]:
    """Return the figures of a score that is compared with that of an earlier run."""
    drop = {} if change.drop is None else _estimate("release_drop", change.drop)
    return _named({"verdict": change.verdict, "n": change.n, **drop})


def _named(figures: Mapping[str, object]) -> list[tuple[str, object]]:
    return [
        (f"{PREFIX}{name}", one_line(value, WIDTH) if isinstance(value, str) else value)
        for name, value in figures.items()
        if value is not None
    ]


def _estimate(name: str, estimate: Estimate) -> dict[str, object]:
    return {
        name: _figure(estimate.value),
        f"{name}_low": _figure(estimate.low),
        f"{name}_high": _figure(estimate.high),
    }


def _figure(value: float) -> float:
    return round(float(value), 6) + 0.0


def _p_value(value: float | None) -> float | None:
    """Keep six digits, however small it is."""
    return None if value is None else float(f"{value:.6g}")
