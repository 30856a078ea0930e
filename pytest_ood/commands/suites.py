"""List the built-in suites and those of the project: data, shifts and budgets."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.assets import is_fetched
from pytest_ood.budgets import points
from pytest_ood.commands._shared import add_surroundings, reader_of
from pytest_ood.configuration import is_configured, project_root, read_configuration
from pytest_ood.errors import OodError
from pytest_ood.metrics import ACCURACY
from pytest_ood.readers import DataSource
from pytest_ood.shifts import DomainShift, NoiseShift
from pytest_ood.suite import IN_DISTRIBUTION, built_in_suites, load_suite

if TYPE_CHECKING:
    import argparse
    from collections.abc import Mapping

    from pytest_ood.budgets import Budget
    from pytest_ood.examples import Dataset
    from pytest_ood.readers import Reader
    from pytest_ood.shifts import Shift
    from pytest_ood.suite import Suite

EXAMPLE = "python -m pytest_ood suites sentiment"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare what the command is told."""
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
    configured = read_configuration(root).suites if is_configured(root) else ()
    given = options.names or [*built_in_suites(), *configured]
    # Telling what there is fetches nothing.
    reader = replace(reader_of(options, root), offline=True)
    found = [
        {
            "given": name,
            "built_in": name in built_in_suites(),
            "configured": name in configured,
            **_described(load_suite(name, root), reader),
        }
        for name in dict.fromkeys(given)
    ]
    if options.json:
        sys.stdout.write(json.dumps(found, indent=2) + "\n")
    else:
        sys.stdout.write("\n\n".join("\n".join(_lines(entry)) for entry in found) + "\n")
    return 0


def _described(suite: Suite, reader: Reader) -> dict[str, Any]:
    """Return what there is to say of a suite, as plain values."""
    return {
        "name": suite.name,
        "labels": list(suite.task.labels),
        "min_score": suite.min_score,
        "max_examples": suite.max_examples,
        "models": list(suite.models),
        IN_DISTRIBUTION: _data(suite.in_distribution, reader),
        "shifts": [
            {
                "kind": shift.kind,
                "name": shift.name,
                "made_by": _made_by(shift),
                "data": _data(shift.source, reader) if isinstance(shift, DomainShift) else None,
                "budgets": {m: _budget(b) for m, b in suite.budgets[shift.name].items()},
            }
            for shift in suite.shifts
        ],
    }


def _data(source: DataSource | Dataset, reader: Reader) -> dict[str, Any]:
    """Return where data lies and how many examples there are; None where fetching it tells."""
    if not isinstance(source, DataSource):
        return {"data": source.name, "split": None, "examples": len(source), "problem": None}
    told = {"data": source.data, "split": source.split}
    scheme, colon, rest = source.data.partition(":")
    unknown = colon and (
        scheme == "hub"
        or (scheme == "asset" and not is_fetched(rest.partition("/")[0], reader.cache))
    )
    if unknown:
        return {**told, "examples": None, "problem": None}
    try:
        return {**told, "examples": len(reader.load(source, source.data)), "problem": None}
    except OodError as error:
        return {**told, "examples": None, "problem": str(error)}


def _made_by(shift: Shift) -> str | None:
    if isinstance(shift, NoiseShift):
        return shift.perturbation.fingerprint
    attack = getattr(shift, "attack", None)
    if attack is None:
        return None
    against = getattr(shift, "surrogate", None)
    budget = f", {shift.budget.each} queries"  # type: ignore[union-attr] # those with an attack
    return f"{attack.name}{f' against {against}' if against else ''}{budget}"


def _budget(budget: Budget) -> dict[str, float | None]:
    return {"max_drop": budget.max_drop, "margin": budget.margin}


def _lines(entry: Mapping[str, Any]) -> list[str]:
    marks = [m for m in ("built_in", "configured") if entry[m]]
    told = f" [{', '.join(m.replace('_', '-') for m in marks)}]" if marks else ""
    where = "" if entry["given"] == entry["name"] else f" ({entry['given']})"
    lines = [f"{entry['name']}{where}{told}", f"  labels: {', '.join(entry['labels'])}"]
    if entry["max_examples"] is not None:
        lines.append(f"  at most {entry['max_examples']:,} examples of each data set")
    floor = "" if entry["min_score"] is None else f", at least {points(entry['min_score'])} %"
    lines.append(f"  {IN_DISTRIBUTION}: {_data_told(entry[IN_DISTRIBUTION])}{floor}")
    lines += [f"  {_shift_told(shift)}" for shift in entry["shifts"]]
    if entry["models"]:
        lines.append(f"  models unless others are configured: {', '.join(entry['models'])}")
    return lines


def _data_told(data: Mapping[str, Any]) -> str:
    split = f" ({data['split']})" if data["split"] else ""
    if data["problem"] is not None:
        return f"{data['data']}{split}: {data['problem']}"
    count = "not fetched yet" if data["examples"] is None else f"{data['examples']:,} examples"
    return f"{data['data']}{split}, {count}"


def _shift_told(shift: Mapping[str, Any]) -> str:
    what = shift["made_by"] if shift["data"] is None else _data_told(shift["data"])
    budgets = []
    for metric, budget in shift["budgets"].items():
        of = "" if metric == ACCURACY else f" of {metric}"
        if budget["max_drop"] is not None:
            budgets.append(f"drop{of} at most {points(budget['max_drop'])}")
        if budget["margin"] is not None:
            budgets.append(f"beyond the baseline's{of} at most {points(budget['margin'])}")
    told = "; ".join([*([what] if what else []), ", ".join(budgets) or "no budget"])
    return f"{shift['kind']}/{shift['name']}: {told}"
