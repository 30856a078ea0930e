"""Recorded answers: a model that nobody can run here is gated all the same."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, DataError, ModelError, unknown_name
from pytest_ood.models.protocol import paradigm_of
from pytest_ood.readers import parse_rows
from pytest_ood.tasks import Prediction

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_ood.models.protocol import Context, Paradigm

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
) -> ReplayModel:
    """Read recorded answers out of a JSONL, CSV or TSV file.

    Args:
        source: The file.
        context: What the adapter is given.
        paradigm: "prompted", "fine-tuned" or "other".
        id: The column with the example's id.
        answer: The column with the answered label.
        shift: The column with the shift's name, "in-distribution" for none.
        unparsed: The answer that stands for an abstention; so does an empty one, and null.

    Raises:
        ConfigurationError: there is no such paradigm.
        DataError: a column is missing, an answer is none of the labels, or stands there twice.
    """
    if unparsed in context.labels:
        raise ConfigurationError(
            f"model {context.name!r}: unparsed = {unparsed!r} is a label; its answers would all "
            "count as abstentions"
        )
    path = context.root / source
    answers: dict[tuple[str, str], Prediction] = {}
    for number, row in parse_rows(path):
        for column in (id, answer, shift):
            if column not in row:
                raise DataError(f"{path}, row {number}: " + unknown_name("field", column, row))
        given = None if row[answer] is None else str(row[answer])
        label = None if given in (None, "", unparsed) else given
        if label is not None and context.labels and label not in context.labels:
            raise DataError(
                f"{path}, row {number}, field {answer!r}: "
                + unknown_name("label", label, context.labels)
            )
        key = (str(row[shift]), str(row[id]))
        if key in answers:
            raise DataError(f"{path}, row {number}: a second answer to {key[1]!r} under {key[0]!r}")
        answers[key] = Prediction(label, text=given)
    if not answers:
        raise DataError(f"{path}: there is no answer in it")
    chosen = paradigm_of(context.name, paradigm)
    return ReplayModel(context.name, answers, source, chosen)
