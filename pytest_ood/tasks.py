"""What a model answers and how an answer is scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_ood.errors import ConfigurationError, DataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.examples import Dataset, Example

SCORE_DECIMALS = 4
"""Scores are rounded to this many decimals before a label is decided.

Batches of another composition move a float32 probability by about 1e-6; the decision is taken on
what is left after rounding, ties going to the label named first. What remains is a probability
within 1e-6 of the edge between two roundings, for a label of the one edge that decides; the store
keeps the first answer for good.
"""


@dataclass(frozen=True)
class Prediction:
    """A model's answer to one input.

    Attributes:
        label: The answer, or None where the model abstained or nothing could be parsed.
        scores: Probability per label, where the model gives them (rounded; sums to about 1).
        text: The raw answer, where there is one.
        error: Why there is no answer at all, such as a server that was not reachable; None where
            there is one. Neither right nor wrong: it is counted apart, and asked again next time.
    """

    label: str | None
    scores: Mapping[str, float] = field(default_factory=dict)
    text: str | None = None
    error: str | None = None


def decide(scores: Mapping[str, float]) -> Prediction:
    """Round scores and answer the label with the highest one; ties go to the first label."""
    rounded = {label: round(float(score), SCORE_DECIMALS) for label, score in scores.items()}
    return Prediction(max(rounded, key=lambda label: rounded[label]), rounded)


class Task(Protocol):
    """How answers are scored."""

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that are possible."""
        ...

    def score(self, prediction: Prediction, example: Example) -> float:
        """Score an answer in [0, 1]."""
        ...


@dataclass(frozen=True)
class Classification:
    """One label out of a fixed set; the score is 1 for the right one and 0 otherwise.

    Raises:
        ConfigurationError: fewer than two labels, or the same label twice.
    """

    labels: tuple[str, ...]

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):  # noqa: PLR2004
            raise ConfigurationError(
                f"labels = {list(self.labels)!r}: a classification needs two or more different ones"
            )

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 where the label is right; an abstention scores 0.0."""
        return 1.0 if prediction.label == example.label else 0.0


def check_labels(dataset: Dataset, labels: tuple[str, ...]) -> None:
    """Refuse a data set that holds a label the task does not have.

    Raises:
        DataError: names the data set, the example and the label.
    """
    for example in dataset.examples:
        if example.label not in labels:
            raise DataError(
                f"{dataset.name}: example {example.id!r} has an "
                + unknown_name("label", example.label, labels)
            )


def majority_share(dataset: Dataset) -> float:
    """Return the share of the most frequent label: what answering it always would score."""
    counts = Counter(example.label for example in dataset.examples)
    return max(counts.values()) / len(dataset.examples)
