from __future__ import annotations

import json
from pathlib import Path

import pytest

from pytest_ood.commands import USAGE_ERROR, main

SUITE = """
labels = ["bad", "good"]
min_score = 0.8
in_distribution = "data.jsonl"
[shifts.domain.gone]
data = "gone.jsonl"
[shifts.noise.swap]
severity = 2
[shifts.adversarial.pwws]
query_budget = 7
[budgets]
noise = { max_drop = 0.10, margin = 0.02, macro-f1 = { max_drop = 0.2 } }
"""


@pytest.fixture
def project(tmp_path: Path, user_cache: Path, monkeypatch: pytest.MonkeyPatch) -> Path:  # noqa: ARG001
    """Make a project with a suite, one data set of which is missing."""
    (tmp_path / "pyproject.toml").write_text('[tool.pytest_ood]\nsuites = ["own.toml"]\n')
    (tmp_path / "own.toml").write_text(SUITE)
    rows = [{"text": f"film {n}", "label": ("bad", "good")[n % 2]} for n in range(6)]
    (tmp_path / "data.jsonl").write_text("\n".join(map(json.dumps, rows)))
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("project")
def test_json_describes_built_in_and_configured_suites(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Labels, data, shifts, budgets; the examples of what would have to be fetched are unknown."""
    assert main(["suites", "--json"]) == 0
    *shipped, own = json.loads(capsys.readouterr().out)
    built_in = next(suite for suite in shipped if suite["name"] == "sentiment")
    parts = [suite for suite in shipped if suite["collection"] == "reliability"]
    assert {part["task"] for part in parts} >= {"extractive-qa", "nli", "paraphrase"}
    assert (built_in["name"], built_in["built_in"], built_in["configured"]) == (
        "sentiment", True, False,
    )  # fmt: skip
    assert built_in["in-distribution"]["examples"] is None
    assert (own["name"], own["given"], own["labels"]) == ("own", "own.toml", ["bad", "good"])
    assert own["in-distribution"]["examples"] == 6
    gone, swap, pwws = own["shifts"]
    assert gone["data"]["examples"] is None
    assert "there is no such file" in gone["data"]["problem"]
    assert swap["made_by"].startswith("swap@")
    assert swap["budgets"] == {
        "accuracy": {"max_drop": 0.1, "margin": 0.02, "min_score": None},
        "macro-f1": {"max_drop": 0.2, "margin": None, "min_score": None},
    }
    assert pwws["made_by"] == "pwws, 7 queries"
    assert pwws["budgets"] == {}


@pytest.mark.usefixtures("project")
def test_the_list_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """One suite, named by its path, is shown line by line."""
    assert main(["suites", "own.toml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[:3] == [
        "own (own.toml) [configured]",
        "  classification: bad, good",
        "  in-distribution: data.jsonl, 6 examples, at least 80.0 %",
    ]
    assert lines[4].startswith("  noise/swap: swap@")
    assert lines[4].endswith(
        "drop at most 10.0, beyond the baseline's at most 2.0, drop of macro-f1 at most 20.0"
    )
    assert lines[5] == "  adversarial/pwws: pwws, 7 queries; no budget"


@pytest.mark.usefixtures("project")
def test_an_unknown_suite_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    """The nearest name is offered."""
    assert main(["suites", "sentimnt"]) == USAGE_ERROR
    assert "unknown suite 'sentimnt'. Did you mean 'sentiment'" in capsys.readouterr().err


def test_redirected_data_and_merged_labels_are_shown(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where data lies elsewhere both names stand there; so does what labels are taken together."""
    (project / "pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["own.toml"]\n'
        '[tool.pytest_ood.data]\n"hub:mnli@validation" = "data.jsonl"\n'
    )
    (project / "own.toml").write_text(
        'labels = ["bad", "dull", "good"]\nin_distribution = { data = "hub:mnli", '
        'split = "validation" }\n'
        'shifts.domain.hans = { data = "hub:hans", merge = { dull = "bad" } }\n'
    )
    assert main(["suites", "own.toml", "--json"]) == 0
    (own,) = json.loads(capsys.readouterr().out)
    assert own["in-distribution"] == {
        "data": "data.jsonl", "split": None, "instead_of": "hub:mnli", "examples": 6,
        "problem": None,
    }  # fmt: skip
    assert own["shifts"][0]["merge"] == {"dull": "bad"}
    assert own["shifts"][0]["data"]["instead_of"] is None
    assert main(["suites", "own.toml"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[2:] == [
        "  in-distribution: data.jsonl instead of hub:mnli, 6 examples",
        "  domain/hans: hub:hans, not fetched yet; dull as bad; no budget",
    ]
