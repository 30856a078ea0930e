"""Correction for multiple testing: which gates of a run fail among so many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pytest_ood.statistics import adjusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.budgets import Rules, Verdict


class HasVerdict(Protocol):
    """A dataclass with a verdict and its p-value."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def verdict(self) -> Verdict:
        """The verdict."""
        ...

    @property
    def p_fail(self) -> float | None:
        """The p-value of the hypothesis that the budget is kept; None without a test."""
        ...


G = TypeVar("G", bound=HasVerdict)

PROCEDURES = {
    "holm": "Holm's procedure",
    "benjamini-hochberg": "the procedure of Benjamini and Hochberg",
    "none": "no correction",
}


def adjust_verdicts(results: Sequence[G], rules: Rules) -> list[G]:
    """Return the results with adjusted p-values, and with the fails that follow from them.

    Results need the fields `p_fail_adjusted` and `reason` besides those of `HasVerdict`.

    A gate whose own p-value is below the single-step level has failed before: whatever the other
    gates show, the procedure rejects it. A step-down or step-up procedure rejects more once all
    p-values are there: those gates were inconclusive alone, and fail here. Invalid and unmeasured
    gates count as p = 1, so that leaving gates out cannot make the others fail.
    """
    indices = [
        index
        for index, result in enumerate(results)
        if result.p_fail is not None and result.verdict != "invalid"
    ]
    values = [p for index in indices if (p := results[index].p_fail) is not None]
    adjusted_values = adjusted(values, rules.correction, max(rules.gates, len(values)))
    settled = list(results)
    for index, p_value in zip(indices, adjusted_values, strict=True):
        result = replace(results[index], p_fail_adjusted=p_value)
        if result.verdict == "inconclusive" and p_value <= rules.alpha:
            reason = (
                f"by {PROCEDURES[rules.correction]} over {rules.gates} gates "
                f"(adjusted p = {p_value:.2g})"
            )
            result = replace(result, verdict="fail", reason=reason)
        settled[index] = result
    return settled
