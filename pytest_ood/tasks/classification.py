"""One label out of a fixed set: sentiment, inference, paraphrase, ..."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import parse_answer
from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.tasks.protocol import SCORE_DECIMALS, OpenTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.data.examples import Example
    from pytest_ood.tasks.protocol import Prediction, Task


@dataclass(frozen=True)
class Classification(OpenTask):
    """One label out of a fixed set; the score is 1 for the right one and 0 otherwise.

    Attributes:
        labels: The labels, in order.
        name: The name in suite files.
        measure: The name of the mean score.
        blank: None: an empty recorded answer is an abstention.
        protects: Empty: a label depends on no single span.

    Raises:
        ConfigurationError: fewer than two labels, or the same label twice.
    """

    labels: tuple[str, ...]
    name: str = "classification"
    measure: str = "accuracy"
    blank: None = None
    protects: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels):  # noqa: PLR2004
            raise ConfigurationError(
                f"labels = {list(self.labels)!r}: a classification needs two or more different ones"
            )

    def reference(self, answer: str) -> str:
        """Return a label as it is.

        Raises:
            DataError: the task has no such label.
        """
        if answer not in self.labels:
            raise DataError(unknown_name("label", answer, self.labels))
        return answer

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the one label that a text names."""
        return parse_answer(text, label_words)

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 where the label is right; an abstention scores 0.0."""
        return 1.0 if prediction.label == example.label else 0.0


def merged_task(task: Task, merge: Mapping[str, str]) -> Task:
    """Return a task with some of its labels merged; without `merge` the task itself.

    Args:
        task: A task with labels.
        merge: The coarser label for each label that is merged.

    Raises:
        ConfigurationError: fewer than two labels are left.
    """
    if not merge:
        return task
    return Classification(
        tuple(dict.fromkeys(merge.get(label, label) for label in task.labels)), task.name
    )


def merged_answer(answer: Prediction, merge: Mapping[str, str]) -> Prediction:
    """Return an answer in coarser labels.

    The model's own label is mapped (McCoy et al. 2019, Right for the Wrong Reasons, section 4),
    even if the probabilities of merged labels add up to more than its own.
    """
    if not merge:
        return answer
    scores: dict[str, float] = {}
    for label, score in answer.scores.items():
        coarse = merge.get(label, label)
        scores[coarse] = round(scores.get(coarse, 0.0) + score, SCORE_DECIMALS)
    merged = None if answer.label is None else merge.get(answer.label, answer.label)
    return replace(answer, label=merged, scores=scores)


NAMES = ("classification", "nli", "paraphrase")
KEYS: tuple[str, ...] = ("labels",)
USUAL_LABELS: Mapping[str, tuple[str, ...]] = {
    "nli": ("entailment", "neutral", "contradiction"),
    "paraphrase": ("different", "paraphrase"),
}


def parse(name: str, table: Mapping[str, Any]) -> Classification:
    """Read the labels of a suite.

    Raises:
        ConfigurationError: they are missing or invalid.
    """
    labels = table.get("labels", list(USUAL_LABELS.get(name, ())) or None)
    if labels is None:
        raise ConfigurationError("the key 'labels' is missing")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigurationError(f"labels = {labels!r} is not a list of strings")
    return Classification(tuple(labels), name)
