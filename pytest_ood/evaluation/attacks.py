"""What an attack did, in figures: success, queries, edits, likeness."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from statistics import fmean, median
from typing import TYPE_CHECKING

from pytest_ood.edits import Perturbed
from pytest_ood.examples import fields_of
from pytest_ood.perturbations.adversarial.protocol import attacked_field
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.statistics import Estimate, estimate, mean_score

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.examples import Example
    from pytest_ood.perturbations.adversarial import AttackResult


@dataclass(frozen=True)
class AttackFigures:
    """An attack on a model, over the examples that could be attacked.

    Attributes:
        attacked: Examples that the model answered right and in which something may be changed.
        success: Attack success rate: the share of these that were turned, on a second query too.
        queries_mean: Different candidates put to the model for an attacked example, the original
            included.
        queries_median: The same.
        reducing: Queries that were spent on leaving edits out again, over all examples.
        edited_words: Mean share of words that a success edits; None without a success.
        edited_characters: Mean share of characters.
        similarity: Mean cosine of a success with its original, by the packaged MiniLM; None where
            it is not at hand, or without a success.
        rejected: Candidates that a constraint did not accept, over all examples.
        skipped: (why, how many) of the examples that were not attacked.
    """

    attacked: int
    success: Estimate | None
    queries_mean: float
    queries_median: float
    reducing: int
    edited_words: float | None
    edited_characters: float | None
    similarity: float | None
    rejected: int
    skipped: tuple[tuple[str, int], ...]


def attack_figures(
    results: Sequence[AttackResult],
    examples: Sequence[Example],
    alpha: float,
    *,
    similarity: bool = True,
) -> AttackFigures:
    """Sum up what became of the examples under an attack.

    Args:
        results: One for each example, in order.
        examples: What was attacked.
        alpha: One-sided level of the interval of the success rate.
        similarity: Whether to compare embeddings, which loads the packaged MiniLM.
    """
    attacked = [result for result in results if not result.skipped]
    cases = [
        Perturbed(fields_of(example.inputs)[attacked_field(example)], result.edits)
        for result, example in zip(results, examples, strict=True)
        if result.success
    ]
    queries = [result.queries for result in attacked]
    rate = mean_score([float(result.success) for result in attacked]) if attacked else None
    cosines = EmbeddingSimilarity().cosines(cases) if similarity and cases else []
    return AttackFigures(
        len(attacked),
        None if rate is None else estimate(rate, alpha),
        fmean(queries) if queries else 0.0,
        float(median(queries)) if queries else 0.0,
        sum(result.reducing for result in results),
        fmean(case.edited_words for case in cases) if cases else None,
        fmean(case.edited_characters for case in cases) if cases else None,
        fmean(cosines) if cosines else None,
        sum(result.rejected for result in results),
        tuple(sorted(Counter(r.skipped for r in results if r.skipped).items())),
    )
