"""Multiple choice as its users run it: data in their forms, shifts of the options, the report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

CITIES = ("Rome", "Oslo", "Lima", "Kyoto", "Cairo", "Quito")
COUNTRIES = ("Italy", "Norway", "Peru", "Japan", "Egypt", "Ecuador")

SUITE = """
task = "multiple-choice"
max_options = 5

[in_distribution]
data = "exam.jsonl"
fields = ["question"]
options = "choices"
label = "answer"

[shifts.domain.arc]
data = "arc.jsonl"
label = "answerKey"

[shifts.noise.shuffle-options]

[shifts.noise.option-letters]

[shifts.noise.add-option]

[shifts.noise.keyboard]
fields = ["options"]
severity = 1

[shifts.adversarial.greedy-characters]
query_budget = 10
max_examples = 5

[budgets]
domain = { max_drop = 0.5 }
noise = { max_drop = 0.5, macro-f1 = { max_drop = 0.6 } }
adversarial = { max_drop = 1.0 }
"""

MODELS = '''
import re

CAPITALS = dict(zip(
    ("Italy", "Norway", "Peru", "Japan", "Egypt", "Ecuador"),
    ("Rome", "Oslo", "Lima", "Kyoto", "Cairo", "Quito"),
))


def knows(inputs):
    """Choose the capital, by its place among the options."""
    answers = []
    for row in inputs:
        texts = [line.partition(". ")[2] for line in row["options"].splitlines()]
        right = [c for country, c in CAPITALS.items() if country in row["question"]]
        answers.append("ABCDE"[texts.index(right[0])] if right and right[0] in texts else None)
    return answers


def first(inputs):
    """Choose the first option, as a class index."""
    return [0 for _ in inputs]
'''

PROJECT = """
[tool.pytest_ood]
suites = ["suite.toml"]

[tool.pytest_ood.models.knows]
callable = "my_models:knows"

[tool.pytest_ood.models.first]
callable = "my_models:first"
"""


def rows(count: int) -> list[dict[str, Any]]:
    """Make questions of three or four options, the right one in turn at each place."""
    made = []
    for number in range(count):
        right, options = number % len(CITIES), 3 + number % 2
        others = [CITIES[(right + step) % len(CITIES)] for step in range(1, options)]
        others.insert(number % options, CITIES[right])
        question = f"What is number {number}, the capital of {COUNTRIES[right]}?"
        made.append({"question": question, "choices": others, "answer": number % options})
    return made


def lines(made: list[dict[str, Any]]) -> str:
    """Write rows as JSON, one a line."""
    return "".join(f"{json.dumps(row)}\n" for row in made)


@pytest.fixture
def exam(pytester: pytest.Pytester, user_cache: Path) -> pytest.Pytester:  # noqa: ARG001
    """Write a project with an exam, the same as ARC has its rows, and two functions."""
    marked = [
        {
            "question": row["question"],
            "choices": {
                "text": row["choices"],
                "label": [str(number + 1) for number in range(len(row["choices"]))],
            },
            "answerKey": str(row["answer"] + 1),
        }
        for row in rows(48)
    ]
    pytester.path.joinpath("exam.jsonl").write_text(lines(rows(48)))
    pytester.path.joinpath("arc.jsonl").write_text(lines(marked))
    pytester.path.joinpath("suite.toml").write_text(SUITE)
    pytester.path.joinpath("my_models.py").write_text(MODELS)
    pytester.path.joinpath("pyproject.toml").write_text(PROJECT)
    return pytester


def test_the_right_answer_follows_every_shift(exam: pytest.Pytester) -> None:
    """Who knows the answer is right under every change of the options that leaves its words.

    Who always says A is right at chance, and no more often after a shuffle.
    """
    exam.runpytest_inprocess("--ood-suite", "--ood-report=report.json")
    report = json.loads(exam.path.joinpath("report.json").read_text())
    scores = {
        (e["model"], e["shift"]): (e["score_in_distribution"], e["score_under_shift"])
        for e in report["evaluations"]
        if e["metric"] == "accuracy"
    }
    for shift in ("arc", "shuffle-options", "option-letters", "add-option"):
        assert scores["knows", shift] == (1.0, 1.0)
    assert 0.0 < scores["knows", "keyboard"][1] < 1.0
    assert scores["knows", "greedy-characters"][1] < 1.0
    for shift in ("option-letters", "add-option", "arc"):
        assert scores["first", shift] == (pytest.approx(1 / 6), pytest.approx(1 / 6))
    rejected = {e["shift"]: e["details"].get("rejected") for e in report["evaluations"]}
    assert rejected["add-option"] == rejected["shuffle-options"] == 0


def test_a_wrong_row_is_an_error_that_names_it(exam: pytest.Pytester) -> None:
    """File, row and field stand in the message, and what to do."""
    wrong = [*rows(10), {"question": "Q?", "choices": list("uvwxyz"), "answer": 0}]
    exam.path.joinpath("exam.jsonl").write_text(lines(wrong))
    result = exam.runpytest_inprocess("--ood-suite", "--ood-model", "first", "--ood-only", "arc")
    assert result.ret != pytest.ExitCode.OK
    text = " ".join(result.stdout.str().split())
    assert "exam.jsonl, row 11, field 'choices': there are 6 options" in text
    assert "set max_options = 6" in text


TEST = """
import json
from pathlib import Path

import my_models
import pytest


def written(choices):
    return "\\n".join(f"{letter}. {text}" for letter, text in zip("ABCD", choices))


ROWS = map(json.loads, Path("exam.jsonl").read_text().splitlines())
EXAM = [
    ({"question": row["question"], "options": written(row["choices"])}, row["answer"])
    for row in ROWS
]


@pytest.mark.parametrize("change", ["shuffle-options", "option-letters", "add-option"])
def test_what_is_known(ood, change):
    ood.assert_drop(my_models.knows, EXAM, change, max_drop=0.1, task="multiple-choice")
"""


def test_assertions_take_the_task(exam: pytest.Pytester) -> None:
    """Options are written by hand, and the right one is named as in a file."""
    exam.makepyfile(test_exam=TEST)
    exam.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    exam.runpytest_inprocess("--ood-suite", "test_exam.py").assert_outcomes(passed=3)
