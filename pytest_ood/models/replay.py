"""Recorded answers: a model that nobody can run here is gated all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, DataError, ModelError, unknown_name
from pytest_ood.formats import cell, parse_rows, text_of, value_of
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.readers import Kept, parse_source
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task

EXAMPLE = """\
[tool.pytest_ood.models.recorded]
replay = "data/answers.csv"         # columns shift, id, answer
paradigm = "prompted"
"""
"""How it stands in pyproject.toml."""


@dataclass(frozen=True)
class ReplayModel:
    """Answers recorded per shift and example id.

    Attributes:
        name: In reports.
        answers: (shift, example id) to the answer.
        source: The file.
        paradigm: What its maker says it is.
        parameters: What else is worth telling.
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
    unparsed: str = "",
    labels: Mapping[str, str] | None = None,
    shifts: Mapping[str, str] | None = None,
    where: Mapping[str, Any] | None = None,
) -> ReplayModel:
    """Read recorded answers out of a JSONL, CSV or TSV file.

    Args:
        source: The file.
        context: What the adapter is given.
        paradigm: "prompted", "fine-tuned" or "other".
        id: The column with the example's id.
        answer: The column with the answered label; where a task has none, with what was answered.
        shift: The column with the shift's name, "in-distribution" for none.
        unparsed: The answer that stands for an abstention; so does an empty one, and null.
        labels: What labels of the file are called in the suite.
        shifts: What shifts of the file are called in the suite; others keep their names.
        where: The rows that are this model's: for each column the values that it may have.

    Raises:
        ConfigurationError: there is no such paradigm, or a value is not right.
        DataError: a column is missing, an answer is none of the labels, or stands there twice.
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
    asked = {"data": source, **({"where": where} if where else {})}
    kept = Kept(parse_source(asked, f"model {context.name!r}"))
    path = context.root / source
    answers: dict[tuple[str, str], Prediction] = {}
    for number, row in parse_rows(path):
        if not kept.has(str(path), number, row):
            continue
        name, identifier = (cell(str(path), number, row, column) for column in (shift, id))
        key = ((shifts or {}).get(name, name), identifier)
        if key in answers:
            raise DataError(
                f"{path}, row {number}: a second answer to {identifier!r} under {name!r}; `where` "
                "tells which rows are this model's"
            )
        given = value_of(str(path), number, row, answer)
        text = None if given is None else text_of(str(path), number, answer, given)
        try:
            answers[key] = _prediction(text, unparsed, renamed, context.task)
        except DataError as error:
            raise DataError(f"{path}, row {number}, field {answer!r}: {error}") from None
    if not answers:
        raise DataError(f"{path}: {kept.why_none() if kept.rows else 'there is no answer in it'}")
    chosen = paradigm_of(context.name, paradigm)
    return ReplayModel(context.name, answers, source, chosen, {"where": where} if where else {})


def _prediction(
    text: str | None, unparsed: str, labels: Mapping[str, str], task: Task
) -> Prediction:
    """Return what is recorded as the model's answer.

    Raises:
        DataError: it is no label; the message does not say where it stands.
    """
    if text is None or text in ("", unparsed):
        return Prediction(None, text=text)
    if not task.labels:
        return Prediction(task.read(text, {}), text=text)
    if text not in labels:
        raise DataError(unknown_name("label", text, labels))
    return Prediction(labels[text], text=text)
