from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from pytest_ood.commands import USAGE_ERROR, main
from pytest_ood.gate.configuration import parse_models
from pytest_ood.models import adapter, adapters

PROJECT = """
[tool.pytest_ood]
suites = ["own.toml"]

[tool.pytest_ood.models.rules]
fake = "keyword"
words = { good = ["wonderful"] }
baseline = true

[tool.pytest_ood.models.encoder]
finetuned = "new:roberta"
train = "data.jsonl"
seeds = 2

[tool.pytest_ood.models.packaged]
prompted = "asset:smollm2"
prompt = "{text}"
"""
SUITE = """
labels = ["bad", "good"]
in_distribution = "data.jsonl"
[shifts.noise.swap]
"""


@pytest.fixture
def project(tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Make a project with three models, and work in it."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "own.toml").write_text(SUITE)
    rows = [{"text": f"film {n}", "label": ("bad", "good")[n % 2]} for n in range(6)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", adapters())
def test_the_example_of_every_adapter_is_right(name: str) -> None:
    """The table that is shown is one that a configuration may hold."""
    table = tomllib.loads(adapter(name).EXAMPLE)["tool"]["pytest_ood"]["models"]
    (spec,) = parse_models(table, "example")
    assert spec.adapter == name


def test_json_describes_every_adapter(capsys: pytest.CaptureFixture[str]) -> None:
    """Each says what it is and takes; every option is explained, with its default."""
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == list(adapters())
    for entry in listed:
        assert entry["does"]
        assert entry["takes"]
        for option in entry["options"]:
            assert option["does"], (entry["name"], option["name"])
    options = {
        o["name"]: o for entry in listed if entry["name"] == "prompted" for o in entry["options"]
    }
    assert options["prompt"]["needed"]
    assert options["dtype"]["default"] == "auto"


def test_the_list_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """A name leaves the others out; no line is wider than 100 columns."""
    assert main(["models", "sklearn"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("sklearn: ")
    assert '    sklearn = "my_models:pipeline"' in "\n".join(lines)
    assert max(map(len, lines)) <= 100
    assert not any(line.startswith("openai") for line in lines)


@pytest.mark.usefixtures("project")
def test_the_configured_models_are_told_without_fetching(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Paradigm, source, seeds and whether weights are there: nothing is trained or downloaded."""
    assert main(["models", "--configured", "--json"]) == 0
    found = {entry["name"]: entry for entry in json.loads(capsys.readouterr().out)}
    assert found["rules"] == {
        "suite": "own", "name": "rules", "adapter": "fake", "given": "keyword",
        "paradigm": "other", "source": "fake: keyword", "baseline": True, "seeds": 1,
        "at_hand": True,
    }  # fmt: skip
    assert found["encoder"]["source"].endswith("trained here on 6 examples; 2 seeds")
    assert not found["encoder"]["at_hand"]
    assert not found["packaged"]["at_hand"]
    assert main(["models", "--configured", "rules"]) == 0
    assert capsys.readouterr().out == (
        "own: rules, baseline [fake, other] fake: keyword; at hand\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["models", "sklern"], "unknown model adapter 'sklern'. Did you mean 'sklearn'"),
        (["models", "--configured", "rule"], "unknown model 'rule'. Did you mean 'rules'"),
    ],
)
@pytest.mark.usefixtures("project")
def test_an_unknown_name_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The nearest name is offered."""
    assert main(arguments) == USAGE_ERROR
    assert message in capsys.readouterr().err
