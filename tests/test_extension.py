"""What CONTRIBUTING promises: one more file is one more kind, and nothing else changes."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

CONTRIBUTING = Path(__file__).parents[1] / "CONTRIBUTING.md"
FORMAT = """
def render(report):
    return "\\n".join(f"{e['kind']}/{e['shift']} {e['drop']:.2f}" for e in report["evaluations"])
"""
SUITE = """
labels = ["negative", "positive"]
in_distribution = "reviews.csv"
[shifts.noise.swap]
[shifts.loudness.capitals]
[budgets]
loudness = { max_drop = 0.1 }
"""


def example(name: str) -> str:
    """Return the file that CONTRIBUTING shows."""
    text = CONTRIBUTING.read_text(encoding="utf-8")
    found = re.search(rf"<!-- [^\n]*: {name} -->\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


def test_a_kind_of_shift_and_a_format_are_one_file_each(pytester: pytest.Pytester) -> None:
    """Both are found without a list, and used by `pytest --ood-suite` like those that are there."""
    for folder, name, text in (
        ("shifts", "shouted.py", example("shouted.py")), ("formats", "txt.py", FORMAT)
    ):  # fmt: skip
        pytester.mkdir(folder).joinpath(name).write_text(text)
    rows = "".join(
        f"A {word} film, number {n},{label}\n"
        for n in range(60)
        for word, label in (("dreadful", "negative"), ("lovely", "positive"))
    )
    files = {
        "conftest": "import pytest_ood.reports.formats, pytest_ood.shifts\n"
        "pytest_ood.shifts.__path__.append('shifts')\n"
        "pytest_ood.reports.formats.__path__.append('formats')\n",
        "model": "def answer(texts):\n"
        "    return ['negative' if 'dread' in text else 'positive' for text in texts]\n",
    }
    pytester.makepyfile(**files)
    pytester.path.joinpath("reviews.csv").write_text(
        "text,label\n" + rows.replace("film, number", "film number")
    )
    pytester.path.joinpath("suite.toml").write_text(SUITE)
    pytester.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['suite.toml']\n"
        "[tool.pytest_ood.models.m]\ncallable = 'model:answer'\n"
    )
    options = ["--ood-suite", "--ood-cache=cache", "--ood-report=r.txt", "--ood-report=r.json"]
    result = pytester.runpytest_subprocess(*options, "--ood-report=r.html", "--ood-report=r.md")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["loudness", " capitals * 50.0 * FAIL"])
    assert "loudness/capitals 0.50" in pytester.path.joinpath("r.txt").read_text()
    for name in ("r.html", "r.md"):
        assert "capitals" in pytester.path.joinpath(name).read_text()
    report = json.loads(pytester.path.joinpath("r.json").read_text())
    assert {e["kind"] for e in report["evaluations"]} == {"noise", "loudness"}
    chosen = pytester.runpytest_subprocess(
        "--ood-suite", "--ood-cache=cache", "--ood-only=loudness"
    )
    chosen.assert_outcomes(failed=1)


def test_a_metric_is_one_file(pytester: pytest.Pytester) -> None:
    """A budget names it; one that rises has drops above 0 where the model gets worse."""
    pytester.mkdir("metrics").joinpath("error_rate.py").write_text(example("error_rate.py"))
    pytester.makepyfile(
        conftest="import pytest_ood.metrics\npytest_ood.metrics.__path__.append('metrics')\n",
        model="def right(texts):\n"
        "    return ['bad' if 'dread' in t.lower() else 'good' for t in texts]\n"
        "def frail(texts):\n    return ['bad' if 'dread' in t else 'good' for t in texts]\n",
    )
    rows = "".join(
        f"A {word} film number {n},{label}\n"
        for n in range(60)
        for word, label in (("dreadful", "bad"), ("lovely", "good"))
    )
    pytester.path.joinpath("reviews.csv").write_text(f"text,label\n{rows}")
    pytester.path.joinpath("suite.toml").write_text(
        "labels = ['bad', 'good']\nin_distribution = 'reviews.csv'\n"
        "[shifts.noise.upper-case]\nerror-rate = { max_drop = 0.1, margin = 0.1 }\n"
    )
    pytester.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['suite.toml']\n"
        "[tool.pytest_ood.models.sturdy]\ncallable = 'model:right'\nbaseline = true\n"
        "[tool.pytest_ood.models.frail]\ncallable = 'model:frail'\n"
    )
    result = pytester.runpytest_subprocess(
        "--ood-suite", "--ood-cache=cache", "--ood-report=r.json", "--ood-report=r.html"
    )
    assert result.ret == 1
    result.stdout.fnmatch_lines(["noise", "*error-rate * 0.0 * 25.8 * FAIL*"])
    report = json.loads(pytester.path.joinpath("r.json").read_text())
    rises = {e["model"]: e for e in report["evaluations"] if e["metric"] == "error-rate"}
    wrong = rises["frail"]["score_ood"]
    assert wrong == pytest.approx(31 / 120)
    assert {name: (e["score_id"], e["score_ood"], e["drop"]) for name, e in rises.items()} == {
        "sturdy": (0.0, 0.0, 0.0),
        "frail": (0.0, wrong, wrong),
    }
    (accuracy,) = (
        e for e in report["evaluations"] if (e["metric"], e["model"]) == ("accuracy", "frail")
    )
    assert accuracy["metrics"]["error-rate"] == {"id": 0.0, "ood": wrong}
    (compared,) = (c for c in report["comparisons"] if c["metric"] == "error-rate")
    drops = (compared["drop"], compared["baseline_drop"], compared["difference"])
    assert drops == (wrong, 0.0, wrong)
    assert compared["verdict"] == rises["frail"]["verdict"] == "fail"
    assert "error-rate" in pytester.path.joinpath("r.html").read_text()


def test_a_task_is_one_file(pytester: pytest.Pytester) -> None:
    """A suite names it, and its answers are scored."""
    pytester.mkdir("tasks").joinpath("yes_no.py").write_text(example("yes_no.py"))
    pytester.makepyfile(
        conftest="import pytest_ood.tasks\npytest_ood.tasks.__path__.append('tasks')\n",
        model="def answer(texts):\n    return ['yes' if 'two' in t else 'no' for t in texts]\n",
    )
    rows = "".join(f"Is it {word} or {n}?,{label}\n" for n in range(60)
                   for word, label in (("two", "yes"), ("three", "no")))  # fmt: skip
    pytester.path.joinpath("questions.csv").write_text(f"text,label\n{rows}")
    pytester.path.joinpath("suite.toml").write_text(
        "task = 'yes-no'\nin_distribution = 'questions.csv'\nmin_score = 0.9\n"
        "[shifts.noise.upper-case]\nmax_drop = 0.1\n"
    )
    pytester.path.joinpath("pyproject.toml").write_text(
        "[tool.pytest_ood]\nsuites = ['suite.toml']\n"
        "[tool.pytest_ood.models.m]\ncallable = 'model:answer'\n"
    )
    result = pytester.runpytest_subprocess("--ood-suite", "--ood-cache=cache")
    result.assert_outcomes(passed=1, failed=1)
