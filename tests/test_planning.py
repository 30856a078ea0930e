from __future__ import annotations

from pathlib import Path

import pytest

from pytest_ood.gate import Gate, Options
from pytest_ood.planning import plan_run
from pytest_ood.progress import Silent
from pytest_ood.reports.plan import render_plan

SUITE = """
labels = ["no", "yes"]
min_score = 0.7
in_distribution = "data.csv"
[shifts.domain.other]
data = "data.csv"
max_drop = 0.1
[shifts.noise.keyboard]
max_drop = 0.1
margin = 0.05
[shifts.adversarial.greedy-characters]
query_budget = 10
max_examples = 20
max_drop = 0.5
"""
PROJECT = """
[tool.pytest_ood]
suites = ["own.toml"]
[tool.pytest_ood.models.first]
callable = "no_such_thing_is_imported_before_it_is_asked:answer"
baseline = true
[tool.pytest_ood.models.second]
fake = "constant"
"""


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    """Make the gate of a project with 200 examples, of which 50 hold nothing to perturb."""
    words = [("something long enough", "!")[n % 4 == 0] for n in range(200)]
    rows = [f"{word} {n},{('no', 'yes')[n % 2]}" for n, word in enumerate(words)]
    tmp_path.joinpath("data.csv").write_text("text,label\n" + "\n".join(rows))
    tmp_path.joinpath("own.toml").write_text(SUITE)
    project = PROJECT.replace("no_such_thing_is_imported_before_it_is_asked:answer", "own:answer")
    tmp_path.joinpath("own.py").write_text(
        "def answer(inputs):\n    raise AssertionError('a model was asked')\n"
    )
    tmp_path.joinpath("pyproject.toml").write_text(project)
    return Gate(Options(tmp_path, tmp_path / "cache"), Silent())


def test_a_plan_counts_what_each_gate_can_use(gate: Gate) -> None:
    """Every gate with its number of examples and its budget; unchanged ones do not count."""
    planned = {g.id: (g.n, g.limit) for g in plan_run(gate).gates}
    assert planned["own/in-distribution[first]"] == (200, 0.7)
    assert planned["own/domain/other[second]"] == (200, 0.1)
    assert planned["own/noise/keyboard[second]"] == (150, 0.1)
    assert planned["own/noise/keyboard[second-vs-first]"] == (150, 0.05)
    assert planned["own/adversarial/greedy-characters[first]"] == (20, 0.5)


def test_a_plan_counts_calls(gate: Gate) -> None:
    """Clean and shifted inputs once for each model, 64 of them again, and the attack's queries."""
    most = 200 + 64 + 200 + 150 + 20 * 11
    assert dict(plan_run(gate).calls) == {"first": most, "second": most}


def test_verdicts_lie_on_both_sides_of_the_budget(gate: Gate) -> None:
    """What passes is below the budget and what fails above it; of a floor, the other way round."""
    for planned in plan_run(gate).gates:
        if "in-distribution" in planned.id:
            assert planned.failing < planned.limit < planned.passing
        else:
            assert planned.passing < planned.limit < planned.failing


def test_a_hopeless_gate_is_named(gate: Gate) -> None:
    """Twenty examples never show a drop of at most five points, and the plan says never."""
    small = Gate(Options(gate.options.root, gate.options.cache, max_examples=20), Silent())
    plan = plan_run(small)
    hopeless = {planned.id for planned in plan.gates if not planned.settleable}
    assert "own/noise/keyboard[second-vs-first]" in hopeless
    lines = render_plan(plan)
    assert sum(line.startswith("own/") and " never " in line for line in lines) == len(hopeless)
    assert f"{len(hopeless)} of {len(plan.gates)} gates can never pass" in lines[-1]


def test_a_plan_fits_the_terminal(gate: Gate) -> None:
    """No line is wider than a hundred columns, and the assumptions are said."""
    lines = render_plan(plan_run(gate))
    assert max(map(len, lines)) <= 100
    assert any(line.startswith("assumed: ") for line in lines)
    assert "a fail is one among" in "\n".join(lines)
