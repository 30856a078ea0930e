"""The gates of a run taken together: which fails hold among so many."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from pytest_ood.statistics import adjusted

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.budgets import Rules, Verdict


class HasVerdict(Protocol):
    """A dataclass that holds a verdict and what it rests on."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def verdict(self) -> Verdict:
        """What it comes to."""
        ...

    @property
    def p_fail(self) -> float | None:
        """The p-value of "the budget is kept"; None where nothing was tested."""
        ...


G = TypeVar("G", bound=HasVerdict)

PROCEDURES = {
    "holm": "Holm's procedure",
    "benjamini-hochberg": "the procedure of Benjamini and Hochberg",
    "none": "no correction",
}


def adjust_verdicts(results: Sequence[G], rules: Rules) -> list[G]:
    """Return the results with their p-values among all gates, and the fails that rest on them.

    Results have `adjusted_p` and `reason` besides what `Gated` says.

    A gate fails at once where its own p-value is small enough whatever the others show. Step by
    step, the procedures reject some more; these were inconclusive and become fails here. Gates that
    were not measured, or are invalid, count as ones that keep their budget.
    """
    places = [
        place
        for place, result in enumerate(results)
        if result.p_fail is not None and result.verdict != "invalid"
    ]
    values = [p for place in places if (p := results[place].p_fail) is not None]
    found = adjusted(values, rules.correction, max(rules.gates, len(values)))
    settled = list(results)
    for place, p_value in zip(places, found, strict=True):
        result = replace(results[place], adjusted_p=p_value)
        if result.verdict == "inconclusive" and p_value <= rules.alpha:
            reason = (
                f"by {PROCEDURES[rules.correction]} over {rules.gates} gates "
                f"(adjusted p = {p_value:.2g})"
            )
            result = replace(result, verdict="fail", reason=reason)
        settled[place] = result
    return settled
