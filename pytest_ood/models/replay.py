"""Recorded answers: a gate for a model that cannot be run here."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from pytest_ood.data.values import label_forms
from pytest_ood.errors import ConfigurationError, DataError, ModelError, unknown_name
from pytest_ood.loading.formats import (
    FileLayout,
    cell,
    identifier_of,
    parse_rows,
    text_of,
    value_of,
)
from pytest_ood.loading.readers import RowFilter, parse_source
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task

EXAMPLE = """\
[tool.pytest_ood.models.recorded]
replay = "data/answers.csv"         # columns shift, id, answer
paradigm = "prompted"
"""
"""An example of the configuration in pyproject.toml."""


@dataclass(frozen=True)
class ReplayModel:
    """Answers recorded per shift and example id.

    Attributes:
        name: The model's name in reports.
        answers: (shift, example id) to the answer.
        source: The file.
        paradigm: The paradigm that the configuration declares.
        parameters: Further entries for reports.
    """

    name: str
    answers: Mapping[tuple[str, str], Prediction] = field(repr=False)
    source: str
    paradigm: Paradigm = "other"
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def recall(self, shift: str, ids: Sequence[str]) -> list[Prediction]:
        """Return the recorded answers.

        Raises:
            ModelError: an answer is missing; the message names shift and id.
        """
        missing = [identifier for identifier in ids if (shift, identifier) not in self.answers]
        if missing:
            shifts = {recorded for recorded, _ in self.answers}
            hint = "" if shift in shifts else " " + unknown_name("shift", shift, shifts)
            raise ModelError(
                f"model {self.name!r}: {self.source} holds no answer to {len(missing)} of "
                f"{len(ids)} examples under {shift!r}, the first being {missing[0]!r}.{hint}"
            )
        return [self.answers[shift, identifier] for identifier in ids]


def build(
    source: str,
    context: Context,
    *,
    paradigm: str = "other",
    id: str = "id",  # noqa: A002 - the name of the column, as in a data source
    answer: str = "answer",
    shift: str = "shift",
    unparsed: str | None = None,
    labels: Mapping[str, str] | None = None,
    shifts: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
) -> ReplayModel:
    """Read recorded answers out of a file of any kind that data may have.

    Args:
        source: The file.
        context: The adapter's context.
        paradigm: "prompted", "fine-tuned" or "other".
        id: The column with the example's id.
        answer: The column with what was answered: a label, or a text that the task reads.
        shift: The column with the shift's name, "in-distribution" for none.
        unparsed: The answer that stands for an abstention. So does null, and an empty one, except
            about a passage, where it is SQuAD's answer that there is none.
        labels: What labels of the file are called in the suite.
        shifts: What shifts of the file are called in the suite; others keep their names.
        where: The rows that are this model's: for each column the values that it may have.

    Raises:
        ConfigurationError: there is no such paradigm, or a value is not right.
        DataError: a column is missing, an answer looks like a label and is none, no answer names
            any, or there are two to one example.
    """
    renamed = dict(labels or {label: label for label in context.labels})
    if unparsed in renamed:
        raise ConfigurationError(
            f"model {context.name!r}: unparsed = {unparsed!r} is a label; its answers would all "
            "count as abstentions"
        )
    for label in renamed.values():
        if label not in context.labels:
            raise ConfigurationError(
                f"model {context.name!r}: labels: " + unknown_name("label", label, context.labels)
            )
    table = {"data": source, **({"where": where} if where else {})}
    filter_ = RowFilter(source=parse_source(table, f"model {context.name!r}"))
    path = context.root / source
    answers: dict[tuple[str, str], Prediction] = {}
    unread: list[tuple[str, str]] = []
    for number, row in parse_rows(path, FileLayout(needed=(shift, id, answer))):
        if not filter_.has(str(path), number, row):
            continue
        name = cell(str(path), number, row, shift, "shift")
        identifier = identifier_of(str(path), number, row, id)
        key = ((shifts or {}).get(name, name), identifier)
        if key in answers:
            raise DataError(
                f"{path}, row {number}: a second answer to {identifier!r} under {name!r}; `where` "
                "selects the rows of this model"
            )
        value = value_of(str(path), number, row, answer)
        if context.task.structured and isinstance(value, list | tuple | dict):
            value = json.dumps(value, ensure_ascii=False)
        text = _text(str(path), number, answer, value, renamed)
        answers[key] = _prediction(text, unparsed, renamed, context.task)
        if answers[key].label is None and text and text != unparsed:
            unread.append((f"{path}, row {number}, field {answer!r}", text))
    if not answers:
        raise DataError(
            f"{path}: {filter_.why_none() if filter_.rows else 'there is no answer in it'}"
        )
    filter_.check(str(path))
    _check_read(answers.values(), unread, renamed)
    chosen = paradigm_of(context.name, paradigm)
    return ReplayModel(context.name, answers, source, chosen, {"where": where} if where else {})


def _text(path: str, number: int, column: str, value: Any, labels: Collection[str]) -> str | None:
    """Return a recorded answer as text; None for one that is missing."""
    # A label may be written in several ways, as `true` and `True`.
    forms = label_forms(value)
    text = next((form for form in forms if form in labels), None)
    if text is not None or value is None:
        return text
    return forms[0] if isinstance(value, bool) else text_of(path, number, column, value, "answer")


def _check_read(
    answers: Collection[Prediction], unread: Sequence[tuple[str, str]], labels: Mapping[str, str]
) -> None:
    """Check that the answers of a file could be parsed.

    Args:
        answers: All answers.
        unread: The location and the text of the answers that could not be parsed.
        labels: The suite's label for each of the file.

    Raises:
        DataError: no answer could be parsed; or all are labels but some that resemble one.
    """
    # A text that is nearly a label, among labels, is a label under another spelling. Among free
    # texts it may be what the model wrote, and is an abstention.
    if not unread:
        return
    at, text = unread[0]
    said = {answer.text for answer in answers if answer.label is not None}
    if labels and said <= labels.keys() and all(_is_like_label(text, labels) for _, text in unread):
        raise DataError(
            f"{at}: {unknown_name('label', text, labels)} What the file calls them is said by "
            '`labels = { its = "ours" }`'
        )
    if all(answer.label is None for answer in answers):
        allowed = "docs/tasks.md says how answers are read"
        if labels:
            allowed = (
                f"the labels are {', '.join(labels)}; what the file calls them is said by "
                '`labels = { its = "ours" }`'
            )
        raise DataError(f"{at}: {text[:60]!r} names no answer, nor does any other; {allowed}")


def _is_like_label(text: str, labels: Mapping[str, str]) -> bool:
    """Return whether a text is a mistyped label, or a number where the labels are numbers."""
    if len(text) > 2 * max(map(len, labels)):
        return False  # and too long to be compared letter by letter
    numbers = all(map(_is_number, labels))
    return (numbers and _is_number(text)) or bool(get_close_matches(text, labels, 1, 0.85))


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


def _prediction(
    text: str | None, unparsed: str | None, labels: Mapping[str, str], task: Task
) -> Prediction:
    """Return the prediction for a recorded text.

    Args:
        text: The recorded text, or None.
        unparsed: The text that stands for an abstention.
        labels: The suite's label for each of the file.
        task: Parses texts that are no labels.
    """
    if text is None or text == unparsed:
        return Prediction(None, text=text)
    if not text:
        return Prediction(task.blank, text=text)
    if text in labels:
        return Prediction(labels[text], text=text)
    words = {label: word for word, label in labels.items()}
    answer = task.read(text, words)
    if answer is None and words:
        # The file's names of labels first; the model may also have used the suite's.
        answer = task.read(text, {label: label for label in words})
    return Prediction(answer, text=text)
