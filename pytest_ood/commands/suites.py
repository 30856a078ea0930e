"""List the built-in suites and those of the project: data, shifts and budgets."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.budgets import points
from pytest_ood.commands._shared import add_surroundings, reader_of
from pytest_ood.data.examples import IN_DISTRIBUTION
from pytest_ood.errors import OodError
from pytest_ood.gate.configuration import (
    Configuration,
    is_configured,
    project_root,
    read_configuration,
)
from pytest_ood.loading.assets import is_fetched
from pytest_ood.loading.checklist import Checklist, load_checklist
from pytest_ood.loading.readers import ASSET, HUB, DataSource
from pytest_ood.metrics import ACCURACY
from pytest_ood.suite.suite import built_in_suites, load_suites

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from pytest_ood.budgets import Budget
    from pytest_ood.data.examples import Dataset
    from pytest_ood.loading.readers import Reader
    from pytest_ood.suite.suite import Suite
    from pytest_ood.tasks import Task

EXAMPLE = "python -m pytest_ood suites sentiment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "names", nargs="*", metavar="SUITE", help="only these: built-in names, or paths of files"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    add_surroundings(parser)


def run(options: argparse.Namespace) -> int:
    """Write the list.

    Raises:
        OodError: there is no such suite, or its file is not right.
    """
    root = project_root(Path.cwd())
    configuration = read_configuration(root) if is_configured(root) else Configuration(suites=())
    configured = configuration.suites
    names = options.names or [*built_in_suites(), *configured]
    # Listing suites fetches nothing.
    reader = replace(reader_of(options, root, configuration.data), offline=True)
    entries = [
        {
            "given": name,
            "built_in": name in built_in_suites(),
            "configured": name in configured,
            **_described(suite, reader),
        }
        for name in dict.fromkeys(names)
        for suite in load_suites(name, root)
    ]
    if options.json:
        sys.stdout.write(json.dumps(entries, indent=2) + "\n")
    else:
        sys.stdout.write("\n\n".join("\n".join(_lines(entry)) for entry in entries) + "\n")
    return 0


def _described(suite: Suite, reader: Reader) -> dict[str, Any]:
    """Return the description of a suite as plain values."""
    return {
        "name": suite.name,
        "collection": suite.collection or None,
        "task": suite.task.name,
        "labels": list(suite.task.labels or suite.task.classes),
        "min_score": suite.min_score,
        "max_examples": suite.max_examples,
        "models": list(suite.models),
        IN_DISTRIBUTION: _data(suite.in_distribution, reader, suite.task),
        "shifts": [
            {
                "kind": shift.kind,
                "name": shift.name,
                "made_by": shift.summary,
                "data": None
                if shift.own_source is None
                else _data(shift.own_source, reader, suite.task),
                "merge": dict(shift.coarser_labels),
                "budgets": {m: _budget(b) for m, b in suite.budgets[shift.name].items()},
            }
            for shift in suite.shifts
        ],
    }


def _data(source: DataSource | Dataset | Checklist, reader: Reader, task: Task) -> dict[str, Any]:
    """Return the path and the number of examples of data; None if it is not fetched yet."""
    if isinstance(source, Checklist):
        entry = {"data": source.data, "split": None, "instead_of": None}
        try:
            data = reader.redirected(source.data)
            if data != source.data:
                entry |= {"data": data, "instead_of": source.data}
            tests = load_checklist(replace(source, data=data), reader.root, data, task)
        except OodError as error:
            return {**entry, "examples": None, "problem": str(error)}
        return {**entry, "examples": len(tests.dataset), "problem": None}
    if not isinstance(source, DataSource):
        entry = {"data": source.name, "split": None, "instead_of": None}
        return {**entry, "examples": len(source), "problem": None}
    entry = {"data": source.data, "split": source.split, "instead_of": None}
    try:
        resolved = reader.resolved(source)
        instead_of = None if resolved == source.completed() else source.data
        entry = {"data": resolved.data, "split": resolved.split, "instead_of": instead_of}
        if resolved.scheme == HUB or (
            resolved.scheme == ASSET and not _is_fetched(resolved, reader)
        ):
            return {**entry, "examples": None, "problem": None}
        return {**entry, "examples": len(reader.load(source, source.data)), "problem": None}
    except OodError as error:
        return {**entry, "examples": None, "problem": str(error)}


def _is_fetched(source: DataSource, reader: Reader) -> bool:
    return is_fetched(source.data.partition(":")[2].partition("/")[0], reader.cache)


def _budget(budget: Budget) -> dict[str, float | None]:
    return {
        "max_drop": budget.max_drop,
        "margin": budget.margin,
        "min_score": budget.min_score,
    }


def _lines(entry: Mapping[str, Any]) -> list[str]:
    marks = [m for m in ("built_in", "configured") if entry[m]]
    marks_text = f" [{', '.join(m.replace('_', '-') for m in marks)}]" if marks else ""
    origin = "" if entry["given"] == entry["name"] else f" ({entry['given']})"
    labels = f": {', '.join(entry['labels'])}" if entry["labels"] else ""
    lines = [f"{entry['name']}{origin}{marks_text}", f"  {entry['task']}{labels}"]
    if entry["max_examples"] is not None:
        lines.append(f"  at most {entry['max_examples']:,} examples of each data set")
    floor = "" if entry["min_score"] is None else f", at least {points(entry['min_score'])} %"
    lines.append(f"  {IN_DISTRIBUTION}: {_data_line(entry[IN_DISTRIBUTION])}{floor}")
    lines += [f"  {_shift_line(shift)}" for shift in entry["shifts"]]
    if entry["models"]:
        lines.append(f"  models unless others are configured: {', '.join(entry['models'])}")
    return lines


def _data_line(data: Mapping[str, Any]) -> str:
    split = f" ({data['split']})" if data["split"] else ""
    if data["instead_of"] is not None:
        split += f" instead of {data['instead_of']}"
    if data["problem"] is not None:
        return f"{data['data']}{split}: {data['problem']}"
    count = "not fetched yet" if data["examples"] is None else f"{data['examples']:,} examples"
    return f"{data['data']}{split}, {count}"


def _shift_line(shift: Mapping[str, Any]) -> str:
    origin = shift["made_by"] if shift["data"] is None else _data_line(shift["data"])
    merged = [f"{fine} as {coarse}" for fine, coarse in shift["merge"].items()]
    budgets = []
    for metric, budget in shift["budgets"].items():
        of = "" if metric == ACCURACY else f" of {metric}"
        if budget["max_drop"] is not None:
            budgets.append(f"drop{of} at most {points(budget['max_drop'])}")
        if budget["margin"] is not None:
            budgets.append(f"beyond the baseline's{of} at most {points(budget['margin'])}")
        if budget["min_score"] is not None:
            budgets.append(f"at least {points(budget['min_score'])} %")
    parts = [origin or "", ", ".join(merged), ", ".join(budgets) or "no budget"]
    line = "; ".join(part for part in parts if part)
    return f"{shift['kind']}/{shift['name']}: {line}"
