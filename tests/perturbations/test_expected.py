"""The table of expected outputs: what a perturbation writes, or leaves alone, text by text."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_ood.perturbations import find

FOLDER = Path(__file__).parent / "expected"


def rows() -> list[Any]:
    """Return the rows of all files, each named by file and line."""
    return [
        pytest.param(json.loads(line), id=f"{path.stem}-{number}")
        for path in sorted(FOLDER.glob("*.jsonl"))
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if line.strip()
    ]


@pytest.mark.parametrize("row", rows())
def test_the_output_is_the_expected_one(row: dict[str, Any]) -> None:
    """A generator turns the text into the expected output, or leaves it byte for byte the same."""
    parameters = row.get("parameters", {})
    generator = find(row["generator"]).with_parameters(**parameters).at(row["severity"])
    expected = row["text"] if row["output"] is None else row["output"]
    assert generator(row["text"], Random(row["seed"])) == expected
