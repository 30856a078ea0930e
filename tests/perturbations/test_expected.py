"""The table of expected outputs: what a perturbation writes, or leaves alone, text by text."""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Callable
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

import pytest

from pytest_ood.languages import find_language
from pytest_ood.perturbations import Generator, catalogue, find

FOLDER = Path(__file__).parent / "expected"


def load_module(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


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
    generator = find(row["generator"]).in_language(find_language(row.get("language", "en")))
    generator = generator.with_parameters(**parameters).at(row["severity"])
    expected = row["text"] if row["output"] is None else row["output"]
    assert generator(row["text"], Random(row["seed"])) == expected


VERSIONS = load_module(FOLDER / "versions.py")
TABLE = json.loads(VERSIONS.FILE.read_text(encoding="utf-8"))
WITH_MODELS = json.loads((FOLDER / "models.json").read_text(encoding="utf-8"))
"""The outputs with the small language models of the tests."""


def test_every_perturbation_has_its_outputs_in_a_table() -> None:
    """A perturbation that is added is written to the table, and one that is removed leaves it."""
    assert TABLE.keys() | WITH_MODELS.keys() == catalogue().keys()


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[pytest.mark.slow] if n in WITH_MODELS else []) for n in catalogue()],
)
def test_an_output_changes_only_with_the_version(
    name: str, with_models: Callable[[Generator], Generator]
) -> None:
    """Cached answers and frozen sets of users go by the version of a perturbation."""
    generator = with_models(catalogue()[name])
    expected = (WITH_MODELS if generator.models else TABLE)[name]
    found = VERSIONS.outputs(generator)
    if found["outputs"] != expected["outputs"]:
        assert generator.version > expected["version"], (
            f"{name} writes something else than before: raise its `version=`"
        )
    assert found == expected, "write the table again: see tests/perturbations/expected/README.md"


@pytest.mark.parametrize("name", TABLE)
def test_a_generator_that_writes_nonsense_is_noticed(name: str) -> None:
    """Were each word given an X in front, the table would tell."""
    expected = TABLE[name]["outputs"]["5"]
    texts = (*VERSIONS.TEXTS, catalogue()[name].example)
    assert expected != [re.sub(r"\b(?=\w)", "X", text) for text in texts]
    assert expected[-1] != texts[-1]
