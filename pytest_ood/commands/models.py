"""List the kinds of models there are, or those that the project configures."""

from __future__ import annotations

import inspect
import json
import re
import sys
import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_ood.commands._shared import add_surroundings, reader_of
from pytest_ood.errors import ConfigurationError, OodError, unknown_name
from pytest_ood.gate.configuration import models_for, project_root, read_configuration
from pytest_ood.models import adapter, adapters
from pytest_ood.models.protocol import SeededModel, is_at_hand
from pytest_ood.suite.suite import load_suites

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_ood.gate.configuration import ModelSpec
    from pytest_ood.models.protocol import Model, RecordedModel

EXAMPLE = "python -m pytest_ood models --configured"
WIDTH = 100
NO_DEFAULT = inspect.Parameter.empty
_ARGUMENT = re.compile(r"^    (?=\S)(\w+): ", re.MULTILINE)
_SEE = re.compile(r" \(see `\w+`\)")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument(
        "--configured", action="store_true", help="those of the project, not the kinds there are"
    )
    parser.add_argument("--json", action="store_true", help="write JSON")
    add_surroundings(parser)


def run(options: argparse.Namespace) -> int:
    """Write the list.

    Raises:
        OodError: there is no adapter or model of a given name, or the configuration is wrong.
    """
    if options.configured:
        entries = _chosen("model", options.names, _configured(options))
        lines: Iterable[str] = map(_configured_line, entries)
    else:
        entries = _chosen("model adapter", options.names, [_described(name) for name in adapters()])
        lines = map(_adapter_lines, entries)
    if options.json:
        sys.stdout.write(json.dumps(entries, indent=2) + "\n")
    else:
        sys.stdout.write("\n".join(lines) + ("\n" if entries else ""))
    return 0


def _chosen(
    kind: str, wanted: Sequence[str], entries: Sequence[dict[str, Any]]
) -> Sequence[dict[str, Any]]:
    names = {entry["name"] for entry in entries}
    for name in wanted:
        if name not in names:
            raise ConfigurationError(unknown_name(kind, name, names))
    return [entry for entry in entries if not wanted or entry["name"] in wanted]


def _described(name: str) -> dict[str, Any]:
    """Return the description of an adapter as plain values."""
    module = adapter(name)
    documentation = _arguments(inspect.getdoc(module.build) or "")
    parameters = inspect.signature(module.build).parameters.values()
    options = [p for p in parameters if p.kind is inspect.Parameter.KEYWORD_ONLY]
    return {
        "name": name,
        "does": (module.__doc__ or "").partition("\n")[0],
        "takes": documentation["source"],
        "options": [
            {
                "name": option.name,
                "does": documentation.get(option.name, ""),
                "needed": option.default is NO_DEFAULT,
                "default": None if option.default is NO_DEFAULT else option.default,
            }
            for option in options
        ],
        "seeds": hasattr(module, "SEED_OPTION"),
        "example": module.EXAMPLE,
    }


def _arguments(doc: str) -> dict[str, str]:
    """Return the description of each argument of a docstring."""
    section = doc.partition("\nArgs:\n")[2]
    section = re.split(r"^\S", section, maxsplit=1, flags=re.MULTILINE)[0]
    _, *parts = _ARGUMENT.split(section)
    pairs = zip(parts[::2], parts[1::2], strict=True)
    # References to the code are of no use to users who write a configuration.
    return {name: _SEE.sub("", " ".join(text.split())) for name, text in pairs}


def _adapter_lines(entry: Mapping[str, Any]) -> str:
    lines = [f"{entry['name']}: {entry['does']}", *_wrapped(f"takes: {entry['takes']}")]
    for option in entry["options"]:
        default = "" if option["default"] in (None, "") else f" [{option['default']}]"
        needed = " (needed)" if option["needed"] else ""
        lines += _wrapped(f"{option['name']}{needed}: {option['does']}{default}")
    if entry["seeds"]:
        lines += _wrapped("seeds: How many of it there are, each with a seed of its own. [1]")
    lines += _wrapped("baseline: Whether relative budgets compare with it. [False]")
    return "\n".join([*lines, textwrap.indent(entry["example"], "    ")])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(
        text, WIDTH, initial_indent="  ", subsequent_indent="    ", break_on_hyphens=False
    )


def _configured(options: argparse.Namespace) -> list[dict[str, Any]]:
    """Return the models of the project's suites, once for each suite."""
    root = project_root(Path.cwd())
    configuration = read_configuration(root)
    # Listing models fetches and trains nothing.
    reader = replace(reader_of(options, root, configuration.data), offline=True)
    entries = []
    suites = [suite for name in configuration.suites for suite in load_suites(name, root)]
    for suite in suites:
        for spec in models_for(suite, configuration.models):
            model = spec.build(suite.task, reader, reader.cache, suite.in_distribution)
            entries.append({"suite": suite.name, **_configured_entry(spec, model)})
    return entries


def _configured_entry(
    spec: ModelSpec, model: Model | RecordedModel | SeededModel
) -> dict[str, Any]:
    members: Sequence[Any] = model.members if isinstance(model, SeededModel) else (model,)
    return {
        "name": spec.name,
        "adapter": spec.adapter,
        "given": spec.source,
        "paradigm": model.paradigm,
        "source": _source(model),
        "baseline": spec.baseline,
        "seeds": spec.seeds,
        "at_hand": all(is_at_hand(member) for member in members),
    }


def _source(model: Model | RecordedModel | SeededModel) -> str | None:
    """Return the model's source; None if it is not known before fetching."""
    try:
        return model.source
    except OodError:
        return None


def _configured_line(entry: Mapping[str, Any]) -> str:
    source = entry["source"] or f"{entry['adapter']} = {json.dumps(entry['given'])}"
    hand = "at hand" if entry["at_hand"] else "to be fetched or trained"
    baseline = ", baseline" if entry["baseline"] else ""
    return (
        f"{entry['suite']}: {entry['name']}{baseline} [{entry['adapter']}, {entry['paradigm']}] "
        f"{source}; {hand}"
    )
