from __future__ import annotations

import json
import subprocess
import sys

import pytest

from pytest_ood.commands import main
from pytest_ood.perturbations import catalogue
from pytest_ood.perturbations.adversarial import attacks


def test_json_describes_the_whole_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its name, kind, contract, severities, needs, source and an example."""
    assert main(["perturbations", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == [*catalogue(), *attacks()]
    for entry in listed[: len(catalogue())]:
        assert entry["kind"] in ("noise", "semantic", "register", "label-changing")
        assert entry["contract"] in ("preserving", "changing", "derived", "uncertain")
        assert (entry["filter"] is None) == (entry["contract"] != "uncertain")
        assert list(entry["severities"]) == ["1", "2", "3", "4", "5"]
        assert entry["does"]
        assert entry["source"]
        if not entry["needs"]:
            assert entry["example"]["after"] != entry["example"]["before"]


def test_json_describes_every_attack(capsys: pytest.CaptureFixture[str]) -> None:
    """Each has its profile, parts, parameters, source, and what is other than in its paper."""
    assert main(["perturbations", "--kind", "adversarial", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    published = {
        "deepwordbug", "pwws", "textbugger", "textfooler", "bae", "pruthi", "checklist",
        "input-reduction", "bad-characters",
    }  # fmt: skip
    profiles = {entry["name"]: entry["profile"] for entry in listed}
    assert {
        **dict.fromkeys(published, "loose"),
        **{f"{name}-strict": "strict" for name in published},
    }.items() <= profiles.items()
    for entry in listed:
        for key in ("does", "goal", "transformation", "search", "source", "deviations"):
            assert entry[key], (entry["name"], key)


def test_the_list_is_for_reading(capsys: pytest.CaptureFixture[str]) -> None:
    """No line is wider than 100 columns; the last one counts."""
    assert main(["perturbations"]) == 0
    lines = capsys.readouterr().out.splitlines()
    count = len(catalogue()) + len(attacks())
    assert lines[-1].startswith(f"{count} perturbations and attacks: ")
    assert all(line.isprintable() for line in lines)
    assert max(map(len, lines)) <= 100


def test_names_and_kinds_choose(capsys: pytest.CaptureFixture[str]) -> None:
    """`--kind` and names leave the others out; an unknown name is a usage error."""
    assert main(["perturbations", "--kind", "label-changing", "--json"]) == 0
    assert {e["contract"] for e in json.loads(capsys.readouterr().out)} == {"changing", "derived"}
    assert main(["perturbations", "negate", "--json"]) == 0
    assert [e["name"] for e in json.loads(capsys.readouterr().out)] == ["negate"]
    assert main(["perturbations", "pwws", "--json"]) == 0
    assert [e["profile"] for e in json.loads(capsys.readouterr().out)] == ["loose"]
    assert main(["perturbations", "negat"]) == 2
    assert "Did you mean 'negate'" in capsys.readouterr().err


@pytest.mark.slow
def test_it_runs_as_a_module() -> None:
    """`python -m pytest_ood perturbations NAME` lists one, and --help shows an example."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest_ood", "perturbations", "swap"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert run.stdout.startswith("swap  [noise, preserving]")
    run = subprocess.run(
        [sys.executable, "-m", "pytest_ood", "perturbations", "--help"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "example: python -m pytest_ood perturbations" in run.stdout
