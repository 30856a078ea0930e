"""Running many searches at once: each round, all live examples' candidates go into one batch."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ood.examples import Inputs
    from pytest_ood.perturbations.adversarial.protocol import AttackResult, Query
    from pytest_ood.tasks import Prediction

Search = Generator[list["Inputs"], list["Prediction"], "AttackResult"]
"""The attack on one example: yields candidates, is sent their predictions, returns the result."""

LIVE = 256
"""How many examples are under attack at the same time: enough to fill batches, and flat memory."""


def lockstep(query: Query, searches: Sequence[Search]) -> list[AttackResult]:
    """Run searches to their ends, sharing one batch a round."""
    results: dict[int, AttackResult] = {}
    waiting = list(enumerate(searches))[::-1]
    live: list[tuple[int, Search, list[Inputs]]] = []
    while waiting or live:
        while waiting and len(live) < LIVE:
            place, search = waiting.pop()
            live += _advance(place, search, None, results)
        answers = iter(query([candidate for _, _, asked in live for candidate in asked]))
        following = []
        for place, search, asked in live:
            following += _advance(place, search, [next(answers) for _ in asked], results)
        live = following
    return [results[place] for place in range(len(searches))]


def _advance(
    place: int,
    search: Search,
    answers: list[Prediction] | None,
    results: dict[int, AttackResult],
) -> list[tuple[int, Search, list[Inputs]]]:
    """Let a search take its answers; keep it with its next candidates unless it has ended."""
    try:
        asked = next(search) if answers is None else search.send(answers)
    except StopIteration as stop:
        results[place] = stop.value
        return []
    return [(place, search, asked)]
