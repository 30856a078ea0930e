"""Builds the judge that a suite names, out of the configured models or from its own table."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.evaluation.judging import Judge, Rubric, is_judge
from pytest_ood.evaluation.labelled_answers import labelled_source
from pytest_ood.gate.configuration import parse_models
from pytest_ood.models import adapter, adapters
from pytest_ood.models.protocol import SeededModel, is_recorded
from pytest_ood.suite.suite import text_fields
from pytest_ood.tasks import Judged
from pytest_ood.utils.tables import ConfigTable

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    from pytest_ood.gate.configuration import ModelSpec
    from pytest_ood.loading.readers import DataSource, Reader
    from pytest_ood.suite.suite import Suite
    from pytest_ood.utils.objects import ProcessLocalDict

INLINE = "judge"
"""The name of a judge that the suite describes itself."""

WHOLE_RUBRIC = "{text}"
"""The prompt of a prompted judge: the rubric, filled in, is all of it."""


def build_judge(
    suite: Suite,
    tested: Sequence[ModelSpec],
    configured: Mapping[str, Any],
    *,
    reader: Reader,
    cache: Path,
    held: ProcessLocalDict,
) -> Judge | None:
    """Return the judge of a suite; None for a suite of another task. Nothing is loaded yet.

    Args:
        suite: The suite.
        tested: The models under test.
        configured: The tables of the configured models, by name.
        reader: Loads data.
        cache: The folder of trained and converted models.
        held: Objects that all models of a run share.

    Raises:
        ConfigurationError: there is no such model, it is under test, its answers were recorded, or
            the rubric is wrong.
        DataError: the file of labelled answers does not exist.
    """
    task = suite.task
    if not isinstance(task, Judged):
        return None
    location = f"suite {suite.name!r}: judge"
    spec = _spec(task, configured or suite.models, location)
    for other in tested:
        if other.name == spec.name or (other.adapter, other.source) == (spec.adapter, spec.source):
            raise ConfigurationError(is_judge(suite.name, other.name, spec.name))
    model = replace(spec, held=held).build(task.verdicts, reader, cache)
    if is_recorded(model) or isinstance(model, SeededModel):
        what = "replayed" if is_recorded(model) else "a model of several seeds"
        raise ConfigurationError(
            f"{location}: model {model.name!r} is {what}, and a judge answers whatever it is asked"
        )
    labelled_source(suite, reader)
    try:
        rubric = Rubric.read(task.rubric, reader.root, _fields(suite.in_distribution))
    except ConfigurationError as error:
        raise ConfigurationError(f"{location}: {error}") from None
    return Judge(model, rubric)


def _fields(source: DataSource | Any) -> Sequence[str]:
    return text_fields(source) if hasattr(source, "fields") else ()


def _spec(task: Judged, configured: Mapping[str, Any], location: str) -> ModelSpec:
    """Return the description of a judge's model, checked."""
    if isinstance(task.model, Mapping):
        tables, name = {INLINE: task.model}, INLINE
    else:
        tables, name = dict(configured), task.model
    if name not in tables:
        raise ConfigurationError(f"{location}: " + unknown_name("model", name, tables))
    table = ConfigTable(tables, location).subtable(name)
    kind = next((key for key in table if key in adapters()), None)
    if kind is not None and "prompt" in inspect.signature(adapter(kind).build).parameters:
        table = ConfigTable({"prompt": WHOLE_RUBRIC, **table}, table.location)
    (spec,) = parse_models({name: dict(table)}, location)
    return spec
