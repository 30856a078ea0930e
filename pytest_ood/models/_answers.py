"""Reads the answers of functions and of other libraries' models as predictions.

A function may return what its library returns: labels, class indices, probabilities, the output of
a transformers pipeline, spaCy's documents, fastText's labels.
"""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np

from pytest_ood.data.values import label_forms, label_text, plain
from pytest_ood.errors import ModelError, shown
from pytest_ood.tasks import Prediction, decide
from pytest_ood.tasks.answers import check_fields, exactly

if TYPE_CHECKING:
    from numpy.typing import NDArray

ASYNC = (
    "of an async function give one that runs it: "
    "def answer(texts): return asyncio.run(async_answer(texts))"
)
PREFIX = "__label__"
"""Begins the labels of fastText."""

MAX_LISTED = 8
"""The most labels that a message lists."""


@dataclass(frozen=True, kw_only=True)
class AnswerReader:
    """Reads the answers of one model.

    Attributes:
        name: The model's name, for messages.
        labels: The labels of the task; empty where any text may be an answer, None if unknown.
        ordered: Whether the order of the labels is that of the model's classes, so that class
            indices and rows of probabilities can be read. Labels that were collected from data have
            no such order.
        label_names: The task's label for each of the model's own labels, where they differ.
        structured: Whether an answer is a list or a table, which is kept in JSON.
    """

    name: str
    labels: Sequence[str] | None
    ordered: bool = True
    label_names: Mapping[str, str] = field(default_factory=dict)
    structured: bool = False

    def read_all(self, answers: Any, count: int) -> list[Prediction]:
        """Read the answers to a list of inputs.

        Args:
            answers: An iterable, an array of shape (count,) or (count, labels), a table of pandas,
                or fastText's tuple of labels and probabilities.
            count: The number of inputs.

        Raises:
            ModelError: it is none of these, or an answer is invalid.
        """
        values = exactly(self.name, self._listed(answers, count), count)
        try:
            return [self.read(answer) for answer in values]
        finally:
            _close(values)

    def read(self, answer: Any) -> Prediction:
        """Read one answer.

        Raises:
            ModelError: it is invalid; the message says what an answer is, and how to return one.
        """
        if isinstance(answer, Prediction):
            check_fields(self.name, answer)
            return answer
        if answer is None or isinstance(answer, str):
            # A subclass, such as numpy's, goes into no JSON or SQL as it is.
            return Prediction(None if answer is None else self._label(str.__str__(answer)))
        if self.structured:
            return Prediction(self._json(answer))
        if isinstance(getattr(answer, "cats", None), Mapping):
            return self._of_categories(answer)
        array = array_of(answer)
        value = plain(answer) if isinstance(answer, Enum) else answer
        value = value if array is None else array.tolist()
        if isinstance(value, str):
            return Prediction(self._label(value))
        prediction = None
        if isinstance(value, Mapping) and value:
            prediction = self._of_mapping(value)
        elif isinstance(value, Real):
            prediction = Prediction(self._label_of_number(value, answer))
        elif isinstance(value, list | tuple) and value:
            prediction = self._of_sequence(value, answer)
        if prediction is None:
            self._refuse(answer, _advice(answer))
        return prediction

    def _json(self, answer: Any) -> str:
        """Return an answer of lists and tables in JSON."""

        def converted(value: Any) -> Any:
            """Return what JSON does not know: a set as a list, a value of numpy as a plain one."""
            if isinstance(value, AbstractSet):
                return sorted(value)
            array = array_of(value)
            if array is not None:
                return array.tolist()
            if isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes):
                return dict(value) if isinstance(value, Mapping) else list(value)
            raise TypeError(f"{shown(value)} is of type {type(value).__name__}")

        try:
            return json.dumps(answer, default=converted, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise ModelError(
                f"model {self.name!r} answered {shown(answer)}, which has no form in JSON "
                f"({error}); an answer is made of lists, mappings, texts and numbers"
            ) from None

    def _listed(self, answers: Any, count: int) -> Iterable[Any]:
        """Return the answers one by one."""
        self._check_list(answers, count)
        if self.structured:
            array = array_of(answers)
            return list(answers) if array is None else list(array)
        if hasattr(answers, "iloc") and hasattr(answers, "columns"):
            return self._rows_of_table(answers)
        if _is_fasttext_batch(answers, count):
            return zip(*answers, strict=True)
        array = array_of(answers)
        if array is None:
            return answers if isinstance(answers, Iterable) else ()
        if array.ndim == 2 and array.shape[1] == 1:  # noqa: PLR2004 - a column
            array = array[:, 0]
        allowed = f"({count},), a label or a class index for each input"
        if self.labels:
            allowed += f", or ({count}, {len(self.labels)}), a probability for each input and label"
        whole = array.ndim == 2 and self.labels and array.shape[1] == len(self.labels)  # noqa: PLR2004
        if array.ndim != 1 and not whole:
            raise ModelError(
                f"model {self.name!r} returned an array of shape {array.shape} for a list of "
                f"{count} inputs; its shape has to be {allowed}{self._listed_labels()}"
            )
        return list(array) if array.ndim > 1 else array.tolist()

    def _check_list(self, answers: Any, count: int) -> None:
        advice = ""
        if inspect.isawaitable(answers) or hasattr(answers, "__aiter__"):
            _close([answers])
            advice = f"; {ASYNC}"
        elif isinstance(answers, Mapping) and not _is_from_pipeline(answers):
            advice = "; return its values, in the order of the inputs"
        elif answers is None:
            advice = "; is a `return` missing?"
        elif (
            isinstance(answers, Iterable)
            and not isinstance(answers, str | bytes | Mapping | AbstractSet)
            # An array of one number, which has no length.
            and getattr(answers, "shape", None) != ()
        ):
            return
        raise ModelError(
            f"model {self.name!r} returned {shown(answers)} for a list of {count} inputs; it "
            f"has to return a list of as many answers{advice}"
        )

    def _rows_of_table(self, table: Any) -> Iterable[Any]:
        """Return the answers in a table of pandas: one column, or a probability for each label."""
        columns = [str(column) for column in table.columns]
        if len(columns) == 1:
            return list(table.iloc[:, 0].tolist())
        if self.labels and {*columns} == {*self.labels}:
            return [dict(zip(columns, row, strict=True)) for row in table.to_numpy().tolist()]
        if {"label", "score"} == {*columns}:
            return list(table["label"].tolist())
        raise ModelError(
            f"model {self.name!r} returned a table with the columns {', '.join(columns)}; its "
            "answers are one column, or a column of probabilities for each label"
            f"{self._listed_labels()}: return that column, table['NAME']"
        )

    def _of_mapping(self, answer: Mapping[Any, Any]) -> Prediction | None:
        """Read the output of a pipeline, or probabilities by label; None for something else."""
        if _is_from_pipeline(answer):
            # The probability of one label says nothing about that of each other one.
            return Prediction(self.label_of(answer["label"]))
        if {"labels", "scores"} <= {*answer} and isinstance(answer["labels"], Sequence):
            return self._of_pairs(zip(answer["labels"], answer["scores"], strict=True))
        with suppress(TypeError, ValueError):
            if all(isinstance(label, str) for label in answer):
                scores: dict[str, float] = {}
                for label, score in answer.items():
                    own = self._label(str.__str__(label))
                    scores[own] = scores[own] + score if own in scores else score
                return decide(scores)
            return decide(
                {self._label_of_number(plain(key), key): float(p) for key, p in answer.items()}
            )
        return None

    def _of_sequence(self, values: Sequence[Any], answer: Any) -> Prediction | None:
        """Read one answer that is a sequence; None where it is none of the known forms."""
        if all(isinstance(value, Mapping) and _is_from_pipeline(value) for value in values):
            return self._of_pairs((value["label"], value["score"]) for value in values)
        if _is_fasttext(values):
            return self._of_pairs(zip(*values, strict=True))
        if all(isinstance(value, str) and value.startswith(PREFIX) for value in values):
            return Prediction(self.label_of(values[0]))
        parts = [value.item() if array_of(value) is not None else value for value in values
                 if getattr(value, "shape", ()) == ()]  # fmt: skip
        is_row = all(isinstance(part, Real) and not isinstance(part, bool) for part in parts)
        return self._of_row(parts, answer) if is_row and len(parts) == len(values) else None

    def _of_row(self, row: Sequence[Any], answer: Any) -> Prediction:
        """Read probabilities in the order of the labels."""
        labels = self._ordered_labels(answer, "a row of probabilities")
        if len(row) != len(labels):
            self._refuse(
                answer,
                f"a row has one probability for each label, {len(labels)}{self._listed_labels()}",
            )
        self._check_probabilities(row, answer, "probabilities: return those, the softmax of logits")
        return decide(dict(zip(labels, row, strict=True)))

    def _of_pairs(self, pairs: Iterable[tuple[Any, Any]]) -> Prediction | None:
        """Read (label, probability) pairs, of all labels or of the likeliest."""
        scores: dict[str, float] = {}
        best, likeliest = None, -math.inf
        for name, score in pairs:
            own = self.label_of(name)
            scores[own] = scores.get(own, 0.0) + float(score)
            # The label is the model's own, even if two of its labels stand for one of the task.
            if score > likeliest:
                best, likeliest = own, score
        if best is None:
            return None
        known = self.labels or ()
        if not known or not all(label in scores for label in known):
            return Prediction(best)
        return decide({label: scores[label] for label in known})

    def _of_categories(self, document: Any) -> Prediction:
        """Read the categories of one of spaCy's documents."""
        categories: Mapping[str, float] = document.cats
        if not categories:
            self._refuse(
                document,
                "doc.cats is empty: the spaCy pipeline has no component `textcat`, or it was not "
                "trained",
            )
        self._check_probabilities(
            list(categories.values()),
            dict(categories),
            "probabilities of which one holds: `textcat_multilabel` scores each label by itself, "
            "and a suite asks for one label; train `textcat`, or choose a label in a function of "
            "yours",
        )
        prediction = self._of_pairs(categories.items())
        assert prediction is not None, "unreachable because there are categories"
        return prediction

    def _check_probabilities(self, row: Sequence[Any], answer: Any, allowed: str) -> None:
        """Check that numbers are a distribution; each may be rounded to two decimals."""
        total = math.fsum(map(float, row)) if all(map(math.isfinite, row)) else math.nan
        slack = max(0.02, 0.005 * len(row))
        if not abs(total - 1.0) <= slack or min(row) < -slack:
            what = "are not finite" if math.isnan(total) else f"add up to {total:.4g}"
            if min(row) < -slack:
                what = f"have {min(row):.4g} among them"
            self._refuse(answer, f"its numbers {what}, and an answer is made of {allowed}")

    def _label_of_number(self, value: Real, answer: Any) -> str:
        """Return the label that a number means: the label with this text, else the index of one."""
        forms = label_forms(value)
        for form in forms:
            if form in self.label_names:
                return self.label_names[form]
            if self.labels is not None and form in self.labels:
                return form
        text = label_text(value)
        if self.labels is not None and not self.labels and text is not None:
            return text
        if not isinstance(value, Integral) or isinstance(value, bool):
            meant = "true or false is" if isinstance(value, bool) else "a number with decimals is"
            self._refuse(
                answer,
                f"{meant} no label{self._listed_labels()}, and no class index; return a label, an "
                "integer, or a row with the probability of each label",
            )
        labels = self._ordered_labels(answer, "a class index")
        numbered = [label for label in labels if label.lstrip("-").isdigit()]
        if numbered:
            self._refuse(
                answer,
                f"labels are numbers themselves{self._listed_labels()}, so that an integer is one "
                "of them, and no index",
            )
        index = int(value)
        if not 0 <= index < len(labels):
            self._refuse(
                answer,
                f"a class index is between 0 and {len(labels) - 1}, in the order of the labels"
                f"{self._listed_labels()}",
            )
        return labels[index]

    def _ordered_labels(self, answer: Any, kind: str) -> Sequence[str]:
        """Return the labels in the order of the model's classes."""
        if self.labels is None:
            self._refuse(
                answer,
                f"{kind} needs the labels in the order of the model's classes: "
                "CallableModel(NAME, FUNCTION, labels=[...]), or return labels",
            )
        if not self.labels:
            self._refuse(answer, f"{kind} needs labels, and none are known; return texts")
        if not self.ordered:
            self._refuse(
                answer,
                f"{kind} needs the labels in the order of the model's classes, which data do not "
                "tell: labels=[...], or return labels",
            )
        return self.labels

    def _label(self, text: str) -> str:
        """Return the task's label for the text of an answer."""
        if text in self.label_names:
            return self.label_names[text]
        bare = text.removeprefix(PREFIX)
        own = self.labels or ()
        return self.label_names.get(bare, bare) if text not in own and bare != text else text

    def label_of(self, name: Any) -> str:
        """Return the task's label for a label of the model's own, which may differ in case.

        Raises:
            ModelError: there is none; the message says how to name it.
        """
        text = self._label(str(name))
        if not self.labels or text in self.labels:
            return text
        folded = {label.casefold(): label for label in self.labels}
        if text.casefold() in folded:
            return folded[text.casefold()]
        raise ModelError(
            f"model {self.name!r}: its label {shown(text)} is none of the task's"
            f"{self._listed_labels()}; name what it stands for, such as labels = "
            f'{{ "{text}" = "{self.labels[0]}" }} in the configuration, or in Python '
            f'CallableModel(NAME, MODEL, label_names={{"{text}": "{self.labels[0]}"}})'
        )

    def _listed_labels(self) -> str:
        """Return the labels in brackets, for messages; "" without labels."""
        if not self.labels:
            return ""
        listed = ", ".join(self.labels[:MAX_LISTED])
        return f" ({listed}, ...)" if len(self.labels) > MAX_LISTED else f" ({listed})"

    def _refuse(self, answer: Any, advice: str) -> NoReturn:
        raise ModelError(
            f"model {self.name!r} answered {shown(answer)}; an answer is a label, a class index, "
            "probabilities (a mapping of labels, or a row in the order of the labels), a "
            "Prediction, or None for an abstention" + (f"; {advice}" if advice else "")
        )


def array_of(value: Any) -> NDArray[Any] | None:
    """Return an array, a tensor or a column of a table as an array of numpy; None for others."""
    if not hasattr(value, "dtype") or not hasattr(value, "shape"):
        return None
    if hasattr(value, "detach"):
        value = value.detach().cpu()
        # numpy has no bfloat16.
        value = value.float() if value.is_floating_point() else value
    return np.asarray(value)


def _is_from_pipeline(answer: Mapping[Any, Any]) -> bool:
    """Return whether a mapping is of a pipeline of transformers: a label and its score."""
    return set(answer) == {"label", "score"}


def _is_fasttext(answer: Any) -> bool:
    """Return whether an answer is fastText's pair of labels and their probabilities."""
    if not isinstance(answer, list | tuple) or len(answer) != 2:  # noqa: PLR2004 - a pair
        return False
    labels, scores = answer
    return (
        isinstance(labels, list | tuple)
        and len(labels) > 0
        and all(isinstance(label, str) for label in labels)
        and hasattr(scores, "__len__")
        and len(scores) == len(labels)
        and all(isinstance(score, Real) for score in scores)
    )


def _is_fasttext_batch(answers: Any, count: int) -> bool:
    """Return whether answers are fastText's for a list: labels of each, then probabilities."""
    return (
        isinstance(answers, tuple)
        and len(answers) == 2  # noqa: PLR2004 - a pair
        and all(isinstance(part, list | tuple) and len(part) == count for part in answers)
        and all(_is_fasttext((labels, scores)) for labels, scores in zip(*answers, strict=True))
    )


def _advice(answer: Any) -> str:
    """Return how to convert an invalid answer into a valid one; "" if unknown."""
    if inspect.isawaitable(answer):
        return ASYNC
    if isinstance(answer, bytes | bytearray):
        return "decode it: answer.decode()"
    if isinstance(answer, Sequence) or hasattr(answer, "dtype"):
        return "return one answer for each input"
    return ""


def _close(answers: Iterable[Any]) -> None:
    """Close coroutines, so that Python does not warn that they were never awaited."""
    for answer in answers:
        if inspect.iscoroutine(answer):
            answer.close()
