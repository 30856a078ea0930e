"""What a model answers and how an answer is scored."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

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
    """What an answer is, and how it is scored."""

    @property
    def name(self) -> str:
        """In suite files."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The answers that are possible; none where any text may be one."""
        ...

    @property
    def measure(self) -> str:
        """What the mean score is called in reports."""
        ...

    @property
    def blank(self) -> str | None:
        """The answer that an empty recorded one is; None where it is an abstention."""
        ...

    @property
    def protects(self) -> tuple[str, ...]:
        """What of the inputs an answer hangs on, which noise leaves alone unless a suite says so.

        Names of kinds of protected spans (`pytest_ood.perturbations.protection`).
        """
        ...

    def reference(self, answer: str) -> str:
        """Return a right answer, as data holds it, in the form that answers are compared in.

        Raises:
            DataError: it cannot be an answer; the message does not say where it stands.
        """
        ...

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the answer in what a model wrote, or None where there is none.

        Args:
            text: What it wrote.
            label_words: The word for each label; empty where the task has none.
        """
        ...

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction as it is compared with the right answers of its example.

        Nearly always as it is; `read` sees the text alone, and this what was asked.
        """
        ...

    def ballot(self, answer: str) -> str:
        """Return what answers that are the same have in common, so that their votes add up."""
        ...

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer that an answer is measured by, of several the nearest."""
        ...

    def score(self, prediction: Prediction, example: Example) -> float:
        """Score an answer in [0, 1]; an abstention scores 0."""
        ...


def check_labels(dataset: Dataset, labels: tuple[str, ...]) -> None:
    """Refuse a data set that holds a label the task does not have.

    Args:
        dataset: What is looked through.
        labels: Those of the task; none where any text may be an answer.

    Raises:
        DataError: names the data set, the example and the label.
    """
    if not labels:
        return
    for example in dataset.examples:
        if example.label not in labels:
            raise DataError(
                f"{dataset.name}: example {example.id!r} has an "
                + unknown_name("label", example.label, labels)
            )


def majority_share(dataset: Dataset) -> float:
    """Return the share of the most frequent right answer: how often answering it always is right.

    Of a question with several right answers each counts.
    """
    counts = Counter(
        answer for example in dataset.examples for answer in {example.label, *example.references}
    )
    return max(counts.values()) / len(dataset.examples)


def refuse_labels(name: str, table: Mapping[str, Any]) -> None:
    """Refuse the labels of a suite whose task has none.

    Raises:
        ConfigurationError: there are some.
    """
    if "labels" in table:
        raise ConfigurationError(f"labels: the task {name} has none; leave them out")


def refuse_metric(table: Mapping[str, Any]) -> None:
    """Refuse the metric of a suite whose task has no choice of it.

    Raises:
        ConfigurationError: one is named.
    """
    if "metric" in table:
        raise ConfigurationError("metric: only question answering has a choice of it")
