"""Predictions, and the protocol of tasks, which parse and score them."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_ood.data.examples import Example
from pytest_ood.errors import DataError, unknown_name
from pytest_ood.languages import ENGLISH, find_language

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from pytest_ood.data.edits import Edit
    from pytest_ood.data.examples import Dataset
    from pytest_ood.data.inputs import Inputs

    EditsByField = Mapping[str, Sequence[Edit]]
    Embed = Callable[[Sequence[str]], NDArray[np.float32]]

_PACKAGE = "pytest_ood"

SCORE_DECIMALS = 4
"""Decimals to which scores are rounded before the label is decided.

Batches of another composition change a float32 probability by about 1e-6. The label is decided by
the rounded scores, and ties go to the first label, so that it only changes if a probability is
within 1e-6 of the edge between two roundings. The store keeps the first answer.
"""

MOST_CONSTANTS = 5
"""The most right answers that are tried as a constant answer."""

UNSCORED = "its answer could not be scored: no verdict"
"""`Prediction.error` of an answer that the task's scorer, such as a judge, gave no score."""


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


def unless_unsure(prediction: Prediction, least: float) -> Prediction:
    """Return a prediction, or an abstention where the probability of its label is below `least`.

    A maximum-probability rejection (Chow 1970, On Optimum Recognition Error and Reject Tradeoff;
    Hendrycks and Gimpel 2017, A Baseline for Detecting Misclassified and Out-of-Distribution
    Examples in Neural Networks: the softmax probability as a baseline).
    """
    if prediction.label is None or prediction.scores.get(prediction.label, 0.0) >= least:
        return prediction
    return replace(prediction, label=None)


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
    def classes(self) -> tuple[str, ...]:
        """The labels of which an answer has any number; empty for other kinds of answers."""
        ...

    @property
    def truths(self) -> tuple[str, ...]:
        """The right answers that data may have; empty if any text may be one.

        The labels, and what stands for an input that no label is right for, if there may be such.
        """
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

    @property
    def headline(self) -> str:
        """The metric that a budget in a shift's own table is of; "accuracy" for the mean score."""
        ...

    @property
    def moves(self) -> bool:
        """Whether right answers have indices in the inputs, which move when those are edited."""
        ...

    @property
    def structured(self) -> bool:
        """Whether answers are lists or tables; they are kept as text, in JSON."""
        ...

    def renamed(self, value: Any, labels: Mapping[str, str]) -> Any:
        """Return a value of a data file with the labels inside of it renamed, before `encode`.

        Args:
            value: The value, such as a list of spans.
            labels: The suite's label for each of the file's, where they differ.
        """
        ...

    @property
    def json_schema(self) -> Mapping[str, Any] | None:
        """The JSON schema of an answer, which servers may enforce; None for answers in words."""
        ...

    @property
    def labels_vary(self) -> bool:
        """Whether an input offers only some of the labels, or has words of its own for them."""
        ...

    def words_of(self, inputs: Inputs, label_words: Mapping[str, str]) -> Mapping[str, str]:
        """Return the word for each label that an input offers.

        Args:
            inputs: The inputs.
            label_words: The word for each label of the task.
        """
        ...

    @property
    def several(self) -> bool:
        """Whether an example may have several right answers, of which one is enough."""
        ...

    @property
    def notes(self) -> tuple[str, ...]:
        """What reports say about the scores, such as the version of a library."""
        ...

    def in_language(self, language: str) -> Task:
        """Return the task for answers in a language; most tasks know none, and are the same.

        Args:
            language: A tag of BCP 47; "" for the language that the task has.
        """
        ...

    def with_embeddings(self, embed: Embed) -> Task:
        """Return the task with a function that embeds texts.

        A score that compares embeddings needs it; other tasks are returned as they are.

        Args:
            embed: Returns a vector of length 1 for each of n texts, shape (n, d).
        """
        ...

    def encode(self, value: Any, inputs: Inputs) -> str | None:
        """Return the right answer of a value in a data file that is no plain text.

        Args:
            value: The value, such as a list of spans.
            inputs: The inputs of its row.

        Returns:
            The answer in the form in which answers are compared; None for a value that is read as a
            label, or as a list of right answers.

        Raises:
            DataError: it is no valid answer; the message does not have its location.
        """
        ...

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Return an example with other inputs, and the right answer that follows from the edits.

        Only for a task whose answers move.

        Args:
            example: The example before.
            inputs: Its inputs afterwards.
            edits: The edits of each field, in order and without overlaps.

        Returns:
            The example afterwards; None if nobody can tell what the right answer is.
        """
        ...

    def protected(self, example: Example) -> tuple[str, ...]:
        """Return the texts that noise leaves as they are where it protects right answers."""
        ...

    def demonstrated(self, answer: str) -> str:
        """Return a right answer as the demonstrations of a prompt show it."""
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

    def scores(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return the score of each pair, in order; nan for an answer that could not be scored.

        Such an answer counts as unanswered: it is neither right nor wrong. Answers are scored a
        block at a time, so a task whose score is computed by a model runs it on batches.
        """
        ...


class OpenTask:
    """What most tasks have in common: any text is an answer, and none has indices.

    A task inherits from it and defines `score` at least; `name` and `measure` are for reports.

    Attributes:
        name: The name in suite files.
        measure: The name of the mean score.
        labels: The possible answers; empty if any text may be one.
        classes: The labels of which an answer has any number; empty for other kinds of answers.
        blank: The meaning of an empty recorded answer; None for an abstention.
        protects: The kinds of spans that noise does not change by default.
        headline: The metric that a budget in a shift's own table is of.
        structured: Whether answers are lists or tables; functions return them as such, and they
            are kept as text, in JSON.
        moves: Whether right answers have indices in the inputs.
        json_schema: The JSON schema of an answer; None for answers in words.
        labels_vary: Whether an input offers only some of the labels.
        several: Whether an example may have several right answers, of which one is enough.
        notes: What reports say about the scores, such as the version of a library.
    """

    name: str = "own"
    measure: str = "score"
    labels: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    blank: str | None = None
    protects: tuple[str, ...] = ()
    headline: str = "accuracy"
    structured: bool = False
    moves: bool = False
    json_schema: Mapping[str, Any] | None = None
    labels_vary: bool = False
    several: bool = False
    notes: tuple[str, ...] = ()

    def renamed(self, value: Any, labels: Mapping[str, str]) -> Any:
        """Return the value as it is: labels that are no part of another value are renamed later."""
        del labels
        return value

    def words_of(self, inputs: Inputs, label_words: Mapping[str, str]) -> Mapping[str, str]:
        """Return the words of all labels."""
        del inputs
        return label_words

    @property
    def truths(self) -> tuple[str, ...]:
        """The right answers that data may have: the labels."""
        return self.labels

    def in_language(self, language: str) -> Task:
        """Return the task as it is: it reads all answers alike."""
        del language
        return self

    def with_embeddings(self, embed: Embed) -> Task:
        """Return the task as it is: its scores compare no embeddings."""
        del embed
        return self

    def encode(self, value: Any, inputs: Inputs) -> str | None:
        """Return None: a value is read as a label, or as a list of right answers."""
        del value, inputs
        return None

    def moved(self, example: Example, inputs: Inputs, edits: EditsByField) -> Example | None:
        """Return the example with other inputs and the same right answer."""
        del edits
        return replace(example, inputs=inputs)

    def protected(self, example: Example) -> tuple[str, ...]:
        """Return the right answers."""
        return example.right_answers

    def demonstrated(self, answer: str) -> str:
        """Return the answer as it is."""
        return answer

    def reference(self, answer: str) -> str:
        """Return a right answer as it is."""
        return answer

    def read(self, text: str, label_words: Mapping[str, str]) -> str | None:
        """Return a generated text without white space around it; None for an empty one."""
        del label_words
        return text.strip() or None

    def resolve(self, prediction: Prediction, example: Example) -> Prediction:
        """Return the prediction unchanged: it does not depend on the example."""
        del example
        return prediction

    def ballot(self, answer: str) -> str:
        """Return the answer as it is."""
        return answer

    def truth(self, prediction: Prediction, example: Example) -> str:
        """Return the right answer of the data."""
        del prediction
        return example.label

    def score(self, prediction: Prediction, example: Example) -> float:
        """Return the score in [0, 1]; an abstention scores 0."""
        raise NotImplementedError

    def scores(self, pairs: Sequence[tuple[Prediction, Example]]) -> list[float]:
        """Return the score of each pair, one by one."""
        return [self.score(prediction, example) for prediction, example in pairs]


def as_read(task: Task, answer: Prediction, example: Example) -> Prediction:
    """Return an answer in the form in which the task scores it.

    An answer in words or numbers is read first. An empty label is the answer "there is none"; an
    abstention has no label at all.
    """
    if task.labels:
        return task.resolve(answer, example)
    label = answer.label and task.read(answer.label, {})
    if label != answer.label:
        text = answer.text or answer.label
        answer = replace(relabelled(answer, label), text=text)
    return task.resolve(answer, example)


def relabelled(prediction: Prediction, label: str | None) -> Prediction:
    """Return a prediction with another label, which has the probability of the one before."""
    confidence = None if prediction.label is None else prediction.scores.get(prediction.label)
    scores = {} if label is None or confidence is None else {label: confidence}
    return replace(prediction, label=label, scores=scores)


def reading_of(task: Task) -> str:
    """Return a hash of what decides how a task reads answers, besides this package's code.

    Stored answers were read by it, and are not used once it has changed: the code of a user's own
    task, the settings of one whose answers are structured, and a language other than English; ""
    for any other.
    """
    module = sys.modules.get(type(task).__module__)
    if module is None or module.__name__.partition(".")[0] == _PACKAGE:
        if task.structured:
            return _hashed(repr(task))
        language = find_language(getattr(task, "language", ENGLISH.code))
        return "" if language == ENGLISH else _hashed(language.code)
    try:
        code = inspect.getsource(module)
    except (OSError, TypeError):
        code = ""
    values = sorted(vars(task).items()) if hasattr(task, "__dict__") else task
    return _hashed(f"{type(task).__qualname__}\0{values!r}\0{code}")


def _hashed(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def check_labels(dataset: Dataset, labels: tuple[str, ...]) -> None:
    """Check that the task has all labels of a data set.

    Args:
        dataset: The data set.
        labels: The right answers of the task; empty if any text may be one.

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


def majority_share(dataset: Dataset, task: Task | None = None) -> float:
    """Return the score of the most frequent right answer, given to every example.

    Each right answer of a question with several counts.

    Args:
        dataset: The examples.
        task: Their task; None for one whose answers are right or wrong.
    """
    if task is not None and task.structured:
        answers = (task.demonstrated(example.label) for example in dataset.examples)
        return score_of_constant(Counter(answers), task)
    counts = Counter(
        answer for example in dataset.examples for answer in set(example.right_answers)
    )
    return max(counts.values()) / len(dataset.examples)


def score_of_constant(counts: Mapping[str, int], task: Task) -> float:
    """Return the best mean score of a frequent right answer, given to every example.

    An answer that is structured may be right in part, so that another than the most frequent one
    may score best.

    Args:
        counts: The number of examples by their right answer.
        task: The task.
    """
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    total = sum(counts.values())
    if not task.structured:
        return ordered[0][1] / total
    examples = [Example("", "", truth) for truth, _ in ordered]
    means = []
    for constant, _ in ordered[:MOST_CONSTANTS]:
        scores = task.scores([(Prediction(constant), example) for example in examples])
        means.append(sum(n * s for (_, n), s in zip(ordered, scores, strict=True)) / total)
    return max(means)
