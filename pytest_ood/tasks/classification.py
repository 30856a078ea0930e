"""One label out of a fixed set: sentiment, inference, paraphrase, ..."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.data.parsing import parse_answer
from pytest_ood.data.values import is_missing, plain
from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.tasks.protocol import SCORE_DECIMALS, OpenTask

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_ood.data.examples import Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.tasks.protocol import Prediction, Task

OUT_OF_SCOPE = "(out of scope)"
"""The truth of an input that no label is right for, where no label stands for such inputs."""


@dataclass(frozen=True)
class Classification(OpenTask):
    """One label out of a fixed set; the score is 1 for the right one and 0 otherwise.

    Attributes:
        labels: The labels, in order.
        name: The name in suite files.
        measure: The name of the mean score.
        blank: None: an empty recorded answer is an abstention.
        protects: Empty: a label depends on no single span.
        out_of_scope: The truth of inputs that no label is right for, from which to abstain is
            right: one of the labels, which is right as well; or `OUT_OF_SCOPE`, which no model
            answers; "" if there are no such inputs.

    Raises:
        ConfigurationError: fewer than two labels, or the same label twice.
    """

    labels: tuple[str, ...]
    name: str = "classification"
    measure: str = "accuracy"
    blank: None = None
    protects: tuple[str, ...] = ()
    out_of_scope: str = ""

    def __post_init__(self) -> None:
        check_distinct(self.labels, "a classification")

    @property
    def truths(self) -> tuple[str, ...]:
        """The labels, and the truth of inputs out of scope if there may be any."""
        extra = (self.out_of_scope,) if self.out_of_scope not in ("", *self.labels) else ()
        return (*self.labels, *extra)

    def encode(self, value: Any, inputs: Inputs) -> str | None:
        """Return the truth of an input out of scope for a missing or empty label, else None."""
        del inputs
        if not self.out_of_scope:
            return None
        value = plain(value)
        is_empty = is_missing(value) or (isinstance(value, str) and not value.strip())
        return self.out_of_scope if is_empty else None

    def reference(self, answer: str) -> str:
        """Return a label as it is.

        Raises:
            DataError: the task has no such label.
        """
        if answer not in self.truths:
            raise DataError(unknown_name("label", answer, self.truths))
        return answer

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return the one label that a text names."""
        return parse_answer(text, label_words)

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return an abstention from an input out of scope as the right answer that it is.

        So it counts as right in every metric, and not as an answer that could not be parsed.
        """
        is_abstention = prediction.label is None and prediction.error is None
        if is_abstention and self.out_of_scope and example.label == self.out_of_scope:
            return replace(prediction, label=self.out_of_scope, scores={})
        return prediction

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return 1.0 where the label is right; an abstention scores 0.0."""
        return 1.0 if prediction.label == example.label else 0.0


def merged_task(task: Task, merge: Mapping[str, str]) -> Task:
    """Return a task with some of its labels merged; without `merge` the task itself.

    Args:
        task: A task with labels.
        merge: The coarser label for each label that is merged.

    Raises:
        ConfigurationError: fewer than two labels are left, or the label of inputs out of scope is
            merged.
    """
    if not merge:
        return task
    scope = out_of_scope_of(task)
    if scope in {*merge, *merge.values()}:
        raise ConfigurationError(
            f"{scope!r} is the label of inputs out of scope; it stays as it is"
        )
    labels = dict.fromkeys(merge.get(label, label) for label in task.labels)
    return Classification(tuple(labels), task.name, out_of_scope=scope)


def out_of_scope_of(task: Task) -> str:
    """Return the truth of a task's inputs that no label is right for; "" if there are none."""
    return task.out_of_scope if isinstance(task, Classification) else ""


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
KEYS: tuple[str, ...] = ("labels", "out_of_scope")
USUAL_LABELS: Mapping[str, tuple[str, ...]] = {
    "nli": ("entailment", "neutral", "contradiction"),
    "paraphrase": ("different", "paraphrase"),
}


def parse(name: str, table: Mapping[str, Any]) -> Classification:
    """Read the labels of a suite.

    Raises:
        ConfigurationError: they are missing or invalid.
    """
    labels = parsed_labels(table, USUAL_LABELS.get(name, ()))
    return Classification(labels, name, out_of_scope=_out_of_scope(table, labels))


def parsed_labels(table: Mapping[str, Any], usual: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the key `labels` of a suite.

    Args:
        table: The suite.
        usual: The labels of a suite without the key; empty if it needs the key.

    Raises:
        ConfigurationError: they are missing, or no list of strings.
    """
    labels = table.get("labels", list(usual) or None)
    if labels is None:
        raise ConfigurationError("the key 'labels' is missing")
    if not isinstance(labels, list) or not all(isinstance(label, str) for label in labels):
        raise ConfigurationError(f"labels = {labels!r} is not a list of strings")
    return tuple(labels)


def check_distinct(labels: tuple[str, ...], what: str) -> None:
    """Check that there are two or more labels, and none twice.

    Raises:
        ConfigurationError: there are not; the message says what needs them.
    """
    if len(labels) < 2 or len(set(labels)) < len(labels):  # noqa: PLR2004
        raise ConfigurationError(
            f"labels = {list(labels)!r}: {what} needs two or more different ones"
        )


def _out_of_scope(table: Mapping[str, Any], labels: tuple[str, ...]) -> str:
    """Return what the key `out_of_scope` names: a label, `OUT_OF_SCOPE` for true, or "" for none.

    Raises:
        ConfigurationError: it is something else, or no label.
    """
    value = table.get("out_of_scope", False)
    if isinstance(value, bool):
        return OUT_OF_SCOPE if value else ""
    if not isinstance(value, str):
        raise ConfigurationError(
            f"out_of_scope = {value!r} is neither true nor the label of inputs out of scope"
        )
    if value not in labels:
        raise ConfigurationError(
            f"out_of_scope: {unknown_name('label', value, labels)} Where no label stands for "
            "inputs out of scope, write out_of_scope = true"
        )
    return value
