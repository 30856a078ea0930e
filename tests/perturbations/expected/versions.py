"""Writes the outputs of every perturbation, with its version, to versions.json.

    python tests/perturbations/expected/versions.py

An output may change only with a new `version` of its perturbation: an entry whose version is the
same is never overwritten.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from random import Random
from typing import Any

from pytest_ood.perturbations import Generator, catalogue

FILE = Path(__file__).with_suffix(".json")
TEXTS = (
    "A wonderful and believable film: its beginning, in 1999, is definitely interesting.",
    "Don't bother; I have seen 12 better movies, and Anna Smith did not like this one either!",
    "The children were not happy with their two old dogs because it rained on Monday in Paris.",
)


def outputs(generator: Generator) -> dict[str, Any]:
    """Return the version of a generator, and what it writes at two severities."""
    generator = generator.in_example_language()
    return {
        "version": generator.version,
        "outputs": {
            str(severity): [
                generator.at(severity)(text, Random(seed))
                for seed, text in enumerate((*TEXTS, generator.example))
            ]
            for severity in (2, 5)
        },
    }


def main() -> None:
    """Write the table, unless an output has changed and its version has not."""
    table = json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}
    unchanged_versions = []
    new = {}
    for name, generator in catalogue().items():
        if generator.models:
            continue
        new[name] = outputs(generator)
        old = table.get(name, new[name])
        if old != new[name] and old["version"] == new[name]["version"]:
            unchanged_versions.append(name)
    if unchanged_versions:
        sys.exit("raise `version=` of: " + ", ".join(unchanged_versions))
    FILE.write_text(json.dumps(new, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
