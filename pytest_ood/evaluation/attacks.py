"""What an attack did, in figures: success, queries, edits, likeness."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_ood.edits import Perturbed
from pytest_ood.examples import fields_of
from pytest_ood.perturbations import code_version
from pytest_ood.perturbations.adversarial.protocol import attacked_field
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.statistics import Estimate, estimate, mean_score
from pytest_ood.statistics.medians import median_with_bounds
from pytest_ood.store import cached_texts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Example
    from pytest_ood.perturbations.adversarial import AttackResult
    from pytest_ood.store import TextStore


@dataclass(frozen=True)
class AttackFigures:
    """An attack on a model. Rates, shares and cosines lie in [0, 1], with intervals.

    Attributes:
        attacked: Examples that the model answered right and in which something may be changed.
        accuracy: Under attack, over all examples but those left out.
        success: Attack success rate: the share of the attacked that were turned, on a second query
            too.
        queries: Mean number of different candidates put to the model for an attacked example, the
            original included.
        queries_median: (median, lower bound, upper bound) of the same.
        reducing: Queries that were spent on leaving edits out again, over all examples.
        edited_words: Mean share of words that a success edits; None without a success.
        edited_characters: Mean share of characters; likewise.
        similarity: Mean cosine of a success with its original, by the packaged MiniLM, over the
            first 500; None without a success, or where MiniLM is not at hand.
        rejected: Candidates that a constraint did not accept, over all examples.
        skipped: (why, how many) of the examples that were not attacked.
        decision_only: The model gave no scores, only its answers.
        cached: Queries that were answered without asking the model; it depends on what ran before,
            and two figures that differ in nothing else are equal.
    """

    attacked: int
    accuracy: Estimate
    success: Estimate
    queries: Estimate
    queries_median: tuple[float, float, float]
    reducing: int
    edited_words: Estimate | None
    edited_characters: Estimate | None
    similarity: Estimate | None
    rejected: int
    skipped: tuple[tuple[str, int], ...]
    decision_only: bool = False
    cached: int = field(default=0, compare=False)


def attack_figures(
    results: Sequence[AttackResult],
    examples: Sequence[Example],
    alpha: float,
    *,
    each: int,
    cached: int = 0,
    similar: Sequence[float] = (),
) -> AttackFigures:
    """Sum up what became of the examples under an attack.

    Args:
        results: One for each example, in order; one at least was attacked.
        examples: What was attacked.
        alpha: One-sided level of the intervals.
        each: The most queries for one example.
        cached: Queries that were answered without asking the model.
        similar: The cosines of successes with their originals, where they are known.
    """
    attacked = [result for result in results if not result.skipped]
    cases = successes(results, examples)
    kept = [result for result in results if not result.left_out]
    counts = [result.queries for result in attacked]
    shares = estimate(mean_score([count / each for count in counts]), alpha)
    return AttackFigures(
        attacked=len(attacked),
        accuracy=_mean([float(not r.skipped and not r.success) for r in kept], alpha),
        success=_mean([float(result.success) for result in attacked], alpha),
        queries=replace(
            shares, value=shares.value * each, low=shares.low * each, high=shares.high * each,
            spread=shares.spread * each,
        ),
        queries_median=median_with_bounds(counts, alpha, (1.0, float(each))),
        reducing=sum(result.reducing for result in results),
        edited_words=_mean([c.edited_words for c in cases], alpha) if cases else None,
        edited_characters=_mean([c.edited_characters for c in cases], alpha) if cases else None,
        similarity=_mean([max(0.0, c) for c in similar], alpha) if similar else None,
        rejected=sum(result.rejected for result in results),
        skipped=tuple(sorted(Counter(r.skipped for r in results if r.skipped).items())),
        decision_only=all(r.answer is not None and not r.answer.scores for r in attacked),
        cached=cached,
    )  # fmt: skip


def successes(results: Sequence[AttackResult], examples: Sequence[Example]) -> list[Perturbed]:
    """Return the attacked texts of the successes, in order."""
    return [
        Perturbed(fields_of(example.inputs)[attacked_field(example)], result.edits)
        for result, example in zip(results, examples, strict=True)
        if result.success
    ]


def cosines(cases: Sequence[Perturbed], store: TextStore) -> list[float]:
    """Return the cosine of each text with its original, by the packaged MiniLM.

    They are kept: loading the encoder takes longer than a run that has nothing else left to do.
    """
    keys = [f"cosine\0{code_version()}\0{case.original}\0{case.text}" for case in cases]
    measure = EmbeddingSimilarity().cosines
    made = cached_texts(
        store, keys, lambda new: map(repr, measure([cases[place] for place in new]))
    )
    return [float(cosine) for cosine in made]


def _mean(values: Sequence[float], alpha: float) -> Estimate:
    return estimate(mean_score(values), alpha)
