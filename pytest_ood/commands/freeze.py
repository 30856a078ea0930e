"""Freeze a suite: write the examples it draws and the edits it makes to a file, for replaying."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.commands._shared import add_surroundings, reader_of
from pytest_ood.errors import ConfigurationError
from pytest_ood.evaluation import SuiteEvaluator
from pytest_ood.gate.configuration import models_for, project_root, read_configuration
from pytest_ood.gate.gate import PREDICTIONS, surrogates
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore
from pytest_ood.suite.frozen import write_frozen
from pytest_ood.suite.suite import load_suite

if TYPE_CHECKING:
    import argparse

EXAMPLE = "python -m pytest_ood freeze sentiment --out frozen/sentiment.jsonl"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "suite", nargs="?", help="a built-in suite, or the path of a file; the configured one"
    )
    parser.add_argument("--out", type=Path, metavar="PATH", help="frozen/SUITE.jsonl unless given")
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")
    parser.add_argument("--seed", type=int, help="of samples and perturbations; as configured")
    parser.add_argument("--max-examples", type=int, metavar="N", help="as configured")
    add_surroundings(parser)
    parser.add_argument("--json", action="store_true", help="write what was frozen as JSON")


def run(options: argparse.Namespace) -> int:
    """Freeze a suite.

    Raises:
        OodError: the suite, its data or a perturbation cannot be used, or the file is there.
    """
    root = project_root(Path.cwd())
    configuration = read_configuration(root)
    name = options.suite
    if name is None:
        if len(configuration.suites) > 1:
            raise ConfigurationError(
                f"freeze: say which suite: {', '.join(configuration.suites)} are configured"
            )
        name = configuration.suites[0]
    suite = load_suite(name, root)
    path = root / "frozen" / f"{suite.name}.jsonl" if options.out is None else options.out
    if path.exists() and not options.overwrite:
        raise ConfigurationError(
            f"{path} is there; --overwrite replaces it (what depends on it is measured anew then)"
        )
    size = options.max_examples
    if size is not None and size < 1:
        raise ConfigurationError(f"--max-examples {size} is a whole number of 1 or more")
    reader = reader_of(options, root, configuration.data)
    specs = models_for(suite, configuration.models)
    # Only those that are attacked are built: a model may need what is not there.
    attacked = {shift.surrogate_name for shift in suite.shifts}
    models = {
        spec.name: spec.build(suite.task, reader, reader.cache, suite.in_distribution)
        for spec in specs
        if spec.name in attacked
    }
    frozen = SuiteEvaluator(
        suite,
        engine=Engine(FileStore(reader.cache / PREDICTIONS), reader.progress),
        reader=reader,
        surrogates=surrogates(suite, models),
        seed=configuration.seed if options.seed is None else options.seed,
        rules=configuration.rules,
        max_examples=configuration.max_examples if size is None else size,
    ).texts.freeze()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = write_frozen(path, frozen)
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error}") from None
    if options.json:
        result = {
            "path": str(path),
            "suite": frozen.suite,
            "seed": frozen.seed,
            "sha256": digest,
            "examples": {name: len(examples) for name, examples in frozen.data.items()},
            "shifts": {
                name: {
                    "perturbation": shift.perturbation,
                    "changed": shift.changed,
                    "rejected": len(shift.rejected),
                }
                for name, shift in frozen.shifts.items()
            },
        }
        sys.stdout.write(json.dumps(result, indent=2) + "\n")
        return 0
    lines = [f"{path}: suite {frozen.suite}, seed {frozen.seed}, SHA-256 {digest[:12]}..."]
    lines += [f"  {name}: {len(examples)} examples" for name, examples in frozen.data.items()]
    for name, shift in frozen.shifts.items():
        rejected = f", {len(shift.rejected)} rejected" if shift.rejected else ""
        lines.append(f"  {name}: {shift.changed} changed{rejected} by {shift.perturbation}")
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    lines.append(f'To replay it, in pyproject.toml: [tool.pytest_ood] frozen = ["{shown}"]')
    sys.stdout.write("\n".join(lines) + "\n")
    return 0
