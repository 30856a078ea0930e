"""Summary statistics of an attack: success rate, queries, edits, similarity."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping  # noqa: TC003 - looked up when figures are read back
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Perturbed
from pytest_ood.data.inputs import fields_of
from pytest_ood.inference.store import cached_texts
from pytest_ood.perturbations import code_version
from pytest_ood.perturbations.adversarial.protocol import attacked_field
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.statistics import Estimate, estimate, mean_score
from pytest_ood.statistics.medians import median_with_bounds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.examples import Example
    from pytest_ood.inference.store import TextStore
    from pytest_ood.perturbations.adversarial import AttackResult


@dataclass(frozen=True, kw_only=True)
class AttackFigures:
    """Summary statistics of an attack on a model; rates, shares and cosines are in [0, 1].

    Attributes:
        attacked: The number of examples that the model answers right and that can be changed.
        accuracy: The accuracy under attack, over all examples that are not left out.
        success_rate: The share of attacked examples that were fooled, also on a second query.
        queries: The mean number of different candidates per attacked example, including the
            original.
        queries_median: The median number of candidates.
        queries_reducing: The number of queries that reduced the edits, over all examples.
        edited_words: The mean share of words that a success edits; None without a success.
        edited_characters: The mean share of characters that a success edits; None without one.
        similarity: The mean cosine of a success with its original, by the packaged MiniLM, over the
            first 500; None without a success, or without MiniLM.
        rejected: The number of candidates that a constraint rejected, over all examples.
        skipped: The number of examples that were not attacked, by reason.
        decision_only: Whether the model gave labels without scores.
        cached: The number of queries that the store answered. It depends on earlier runs, and is
            not compared.
    """

    attacked: int
    accuracy: Estimate
    success_rate: Estimate
    queries: Estimate
    queries_median: Estimate
    queries_reducing: int
    edited_words: Estimate | None
    edited_characters: Estimate | None
    similarity: Estimate | None
    rejected: int
    skipped: Mapping[str, int]
    decision_only: bool = False
    cached: int = field(default=0, compare=False, metadata={"reported": False})


def attack_figures(
    results: Sequence[AttackResult],
    examples: Sequence[Example],
    alpha: float,
    *,
    each: int,
    cached: int = 0,
    similar: Sequence[float] = (),
) -> AttackFigures:
    """Return the summary statistics of an attack.

    Args:
        results: The result of each example, in order; at least one was attacked.
        examples: The examples.
        alpha: The one-sided level of the intervals.
        each: The query budget of one example.
        cached: The number of queries that the store answered.
        similar: The cosines of successes with their originals, where they were computed.
    """
    attacked = [result for result in results if not result.skipped]
    cases = successes(results, examples)
    counted = [result for result in results if not result.left_out]
    counts = [result.queries for result in attacked]
    shares = estimate(mean_score([count / each for count in counts]), alpha)
    return AttackFigures(
        attacked=len(attacked),
        accuracy=_mean([float(not r.skipped and not r.success) for r in counted], alpha),
        success_rate=_mean([float(result.success) for result in attacked], alpha),
        queries=replace(
            shares,
            value=shares.value * each,
            low=shares.low * each,
            high=shares.high * each,
            spread=shares.spread * each,
        ),
        queries_median=Estimate(
            *median_with_bounds(counts, alpha, (1.0, float(each))), len(counts), 0.0
        ),
        queries_reducing=sum(result.reducing for result in results),
        edited_words=_mean([c.edited_words for c in cases], alpha) if cases else None,
        edited_characters=_mean([c.edited_characters for c in cases], alpha) if cases else None,
        similarity=_mean([max(0.0, c) for c in similar], alpha) if similar else None,
        rejected=sum(result.rejected for result in results),
        skipped=dict(sorted(Counter(r.skipped for r in results if r.skipped).items())),
        decision_only=all(r.answer is not None and not r.answer.scores for r in attacked),
        cached=cached,
    )


def successes(results: Sequence[AttackResult], examples: Sequence[Example]) -> list[Perturbed]:
    """Return the attacked texts of the successes, in order."""
    return [
        Perturbed(fields_of(example.inputs)[attacked_field(example)], result.edits)
        for result, example in zip(results, examples, strict=True)
        if result.success
    ]


def cosines(cases: Sequence[Perturbed], store: TextStore) -> list[float]:
    """Return the cosine of each text with its original, by the packaged MiniLM.

    They are stored: loading the encoder takes longer than a run that finds everything else in the
    store.
    """
    keys = [f"cosine\0{code_version()}\0{case.original}\0{case.text}" for case in cases]
    measure = EmbeddingSimilarity().cosines
    stored = cached_texts(
        store, keys, lambda new: map(repr, measure([cases[index] for index in new]))
    )
    return [float(cosine) for cosine in stored]


def _mean(values: Sequence[float], alpha: float) -> Estimate:
    return estimate(mean_score(values), alpha)
