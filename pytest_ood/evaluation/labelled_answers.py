"""Reads the answers that people have judged, by which a judge's error is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.data.examples import IN_DISTRIBUTION, Example
from pytest_ood.data.values import label_forms
from pytest_ood.errors import ConfigurationError, DataError, shown, unknown_name
from pytest_ood.loading.formats import cell, has_column, identifier_of, parse_rows, value_of
from pytest_ood.loading.readers import DataSource, inputs_of_row, parse_source
from pytest_ood.tasks import Judged, Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from pytest_ood.loading.readers import Reader
    from pytest_ood.suite.suite import Suite
    from pytest_ood.tasks.judged import Words


@dataclass(frozen=True, kw_only=True)
class LabelledAnswer:
    """An answer that people have judged.

    Attributes:
        model: The name of the model that gave it; None if unknown.
        shift: The shift, or "in-distribution".
        answer: The answer.
        example: What it is an answer to.
        passes: Whether people pass it.
    """

    model: str | None
    shift: str
    answer: Prediction
    example: Example
    passes: bool


def labelled_answers(
    suite: Suite,
    reader: Reader,
    needs_reference: bool,  # noqa: FBT001 - of the rubric
) -> tuple[LabelledAnswer, ...]:
    """Read a suite's labelled answers; there are none where it names none.

    Rows have the columns of the suite's data, `shift`, `answer`, `verdict` and perhaps `model`.

    Args:
        suite: The suite, whose task is `judged`.
        reader: Reads the file.
        needs_reference: Whether the judge is shown a right answer.

    Raises:
        DataError: a row lacks a column, or has an unknown shift or verdict, or an id twice.
    """
    source = labelled_source(suite, reader)
    return () if source is None else tuple(_rows(suite, source, reader, needs_reference))


def labelled_source(suite: Suite, reader: Reader) -> DataSource | None:
    """Return the file of a suite's labelled answers; None without one.

    Raises:
        ConfigurationError: it is no file, or a key is wrong.
        DataError: there is no such file.
    """
    assert isinstance(suite.task, Judged), "unreachable because only such a suite has a judge"
    if suite.task.labelled is None:
        return None
    columns = suite.in_distribution if isinstance(suite.in_distribution, DataSource) else None
    location = f"suite {suite.name!r}: judge.labelled"
    source = reader.resolved(parse_source(suite.task.labelled, location, columns))
    if source.scheme:
        raise ConfigurationError(f"{location}: {source.data} is no file; name one")
    reader.check(source)
    return source


def _rows(
    suite: Suite,
    source: DataSource,
    reader: Reader,
    needs_reference: bool,  # noqa: FBT001
) -> Iterator[LabelledAnswer]:
    assert isinstance(suite.task, Judged), "unreachable, see labelled_source()"
    names = [IN_DISTRIBUTION, *(shift.name for shift in suite.shifts)]
    path, seen = str(reader.root / source.data), set()
    for number, row in parse_rows(reader.root / source.data, source.layout):
        shift = cell(path, number, row, "shift", "shift")
        if shift not in names:
            raise DataError(
                f"{path}, row {number}, field 'shift': " + unknown_name("shift", shift, names)
            )
        identifier = identifier_of(path, number, row, source.id or "id")
        model = cell(path, number, row, "model", "model") if has_column(row, "model") else None
        if (model, shift, identifier) in seen:
            raise DataError(
                f"{path}, row {number}: a second answer to {identifier!r} under {shift!r}; ids are "
                "unique for each shift and model"
            )
        seen.add((model, shift, identifier))
        text = cell(path, number, row, "answer", "answer")
        reference = cell(path, number, row, source.label, "label") if needs_reference else ""
        yield LabelledAnswer(
            model=model or None,
            shift=shift,
            answer=Prediction(suite.task.read(text, {})),
            example=Example(identifier, inputs_of_row(path, number, row, source), reference),
            passes=_passes(
                f"{path}, row {number}, field 'verdict'",
                value_of(path, number, row, "verdict"),
                suite.task.words,
            ),
        )


def _passes(where: str, value: Any, words: Words) -> bool:
    """Return whether people pass an answer: by the judge's words, true and false, or 1 and 0."""
    word = words.read(value) if isinstance(value, str) else None
    if word is not None:
        return word == words.passes
    forms = {form.casefold() for form in label_forms(value)}
    if forms & {"1", "true"}:
        return True
    if forms & {"0", "false"}:
        return False
    raise DataError(
        f"{where}: {shown(value)} is no verdict; those of people are {words.passes!r} and "
        f"{words.fails!r}, true and false, or 1 and 0"
    )
