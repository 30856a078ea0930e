"""Predictions, and the protocol of tasks, which parse and score them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.errors import ConfigurationError, DataError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.data.examples import Dataset, Example

SCORE_DECIMALS = 4
"""Decimals to which scores are rounded before the label is decided.

Batches of another composition change a float32 probability by about 1e-6. The label is decided by
the rounded scores, and ties go to the first label, so that it only changes if a probability is
within 1e-6 of the edge between two roundings. The store keeps the first answer.
"""


@dataclass(frozen=True)
class Prediction:
    """A model's answer to one input.

    Attributes:
        label: The answer; None if the model abstained or nothing could be parsed.
        scores: The probability of each label, rounded (sum about 1); empty if there are none.
        text: The raw text of the answer, if there is one.
        error: Why there is no answer, such as that a server was not reachable; None if there is
            one. An input with an error is neither right nor wrong: it is counted apart, and queried
            again in the next run.
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
    """Parses, compares and scores answers."""

    @property
    def name(self) -> str:
        """The name in suite files."""
        ...

    @property
    def labels(self) -> tuple[str, ...]:
        """The possible answers; empty if any text may be one."""
        ...

    @property
    def measure(self) -> str:
        """The name of the mean score in reports."""
        ...

    @property
    def blank(self) -> str | None:
        """The meaning of an empty recorded answer; None for an abstention."""
        ...

    @property
    def protects(self) -> tuple[str, ...]:
        """The kinds of spans that decide an answer, which noise does not change by default.

        Names of protected spans (`pytest_ood.perturbations.protection`).
        """
        ...

    def reference(self, answer: str) -> str:
        """Return a right answer of the data in the form in which answers are compared.

        Raises:
            DataError: it is no valid answer; the message does not have its location.
        """
        ...

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the answer in a generated text, or None.

        Args:
            text: The generated text.
            label_words: The word for each label; empty if the task has no labels.
        """
        ...

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return a prediction in the form in which it is compared with the example's answers.

        Nearly always unchanged; unlike `read`, it knows the example.
        """
        ...

    def ballot(self, answer: str) -> str:
        """Return the form in which answers are counted as the same in a vote."""
        ...

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer for the comparison, the nearest of several."""
        ...

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the score in [0, 1]; an abstention scores 0."""
        ...


def check_labels(dataset: Dataset, labels: tuple[str, ...]) -> None:
    """Check that the task has all labels of a data set.

    Args:
        dataset: The data set.
        labels: The labels of the task; empty if any text may be an answer.

    Raises:
        DataError: it does not; the message has the data set, the example and the label.
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
    """Return the share of the most frequent right answer: the accuracy of a constant answer.

    Each right answer of a question with several counts.
    """
    counts = Counter(
        answer for example in dataset.examples for answer in {example.label, *example.references}
    )
    return max(counts.values()) / len(dataset.examples)


def refuse_labels(name: str, table: Mapping[str, Any]) -> None:
    """Check that a suite has no `labels`, for a task without.

    Raises:
        ConfigurationError: it has.
    """
    if "labels" in table:
        raise ConfigurationError(f"labels: the task {name} has none; leave them out")


def refuse_metric(table: Mapping[str, Any]) -> None:
    """Check that a suite has no `metric`, for a task without a choice.

    Raises:
        ConfigurationError: it has.
    """
    if "metric" in table:
        raise ConfigurationError("metric: only question answering has a choice of it")
