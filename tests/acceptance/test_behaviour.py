"""Contrast sets, cells and CheckList suites, run as their users run them."""

from __future__ import annotations

import json
import sys
from typing import Any

import pytest

from pytest_ood.analysis.serialization import read_report

SUITE = """
labels = ["negative", "positive"]
min_score = 0.8

[in_distribution]
data = "reviews.jsonl"
id = "id"

[budgets]
domain = { max_drop = 0.5, reweighted = { max_drop = 0.5 } }

[shifts.domain.pairs]
data = "pairs.jsonl"
group = "pair"
scoring = "contrast"
min_score = 0.9
margin = 0.1

[shifts.domain.cells]
data = "pairs.jsonl"
group = ["half", "label"]

[shifts.domain.checklist]
checklist = "tests.jsonl"
labels = { 0 = "negative", 2 = "positive" }
expect = { "not bad" = { not = "negative" } }
"""

TESTS = [
    *({"test": "words", "type": "MFT", "capability": "Vocabulary", "i": n,
       "data": f"A {('dreadful', 'delightful')[n % 2]} day, number {n}.", "label": (0, 2)[n % 2]}
      for n in range(40)),
    *({"test": "neutral words", "type": "MFT", "capability": "Vocabulary", "i": n,
       "data": f"A day, number {n}.", "label": 1} for n in range(30)),
    *({"test": "not bad", "type": "MFT", "capability": "Negation", "i": n,
       "data": f"A day that is not bad, number {n}.", "label": None} for n in range(20)),
    *({"test": "typos", "type": "INV", "capability": "Robustness", "i": n,
       "data": [f"A dreadful day, number {n}.", f"A dreadfull day, number {n}.",
                f"A dreaful day, number {n}."], "label": None} for n in range(30)),
    *({"test": "add a bad word", "type": "DIR", "capability": "Vocabulary", "i": n,
       "data": [f"A terrible day, number {n}.", f"A terrible day, number {n}. Dreadful."],
       "expect": {"not_down": 0}} for n in range(10)),
]  # fmt: skip


@pytest.fixture
def behaving(project: pytest.Pytester) -> pytest.Pytester:
    """Add pairs, each with one edit that turns the label, and a CheckList suite."""
    pairs = [
        {"text": f"{first} {n}: a {word} film with {second}.", "label": label, "pair": f"p{n}",
         "half": ("first", "second")[n % 2]}
        for n in range(60)
        for word, label in (("wonderful", "positive"), ("dreadful", "negative"))
        for first, second in [("Number", "actors")]
    ]  # fmt: skip
    for name, rows in (("pairs", pairs), ("tests", TESTS)):
        project.path.joinpath(f"{name}.jsonl").write_text("\n".join(map(json.dumps, rows)))
    project.path.joinpath("reviews.toml").write_text(SUITE)
    return project


def report_of(project: pytest.Pytester, name: str = "r.json") -> dict[str, Any]:
    """Read the report, which its schema has to allow."""
    read_report(project.path / name)
    report: dict[str, Any] = json.loads(project.path.joinpath(name).read_text())
    return report


def found(rows: list[dict[str, Any]], shift: str, model: str) -> dict[str, Any]:
    """Return the row of a shift and a model; of an evaluation that of accuracy."""
    return next(r for r in rows if (r["shift"], r["model"]) == (shift, model))


def test_sets_cells_and_tests_are_gated_and_told(behaving: pytest.Pytester) -> None:
    """The terminal, its groups under -v, and the report have the same figures."""
    options = ("--ood-report", "r.json", "--ood-report", "r.md", "--ood-report", "r.html")
    result = behaving.runpytest_inprocess("--ood-suite", "-v", *options)
    result.stdout.fnmatch_lines(
        [
            "*domain/pairs/score[[]sturdy[]] PASSED*",
            "*domain/pairs/score[[]frail[]] FAILED*",
            "  score 0.0, 90% interval [[]0.0, *], n = 60, seed 0; budget: at least 90.0",
            "  always the same answer: 0.0",
            "  cases, each right or wrong as a whole: 60 of 120 inputs",
            "   score *100.0 * pass *0.0 * FAIL",
            "    (pairs: cases, each right or wrong as a whole: 60 of 120 inputs; accuracy *",
            " cells *",
            "    (cells: sturdy: 4 groups, 100.0 to 100.0 (-v lists them)*",
            " checklist",
            "   score *",
            "    (checklist: cases, each right or wrong as a whole: 100 of 170 inputs; *",
            "drop beyond that of sturdy, *",
            "score by group under domain/cells, in points*",
            "score by group under domain/checklist, in points*",
            "*30  Robustness",
            "*30    typos (INV)",
        ]
    )
    report = report_of(behaving)
    pairs = [found(report["scores"], "pairs", m) for m in ("sturdy", "frail")]
    assert [(p["score"], p["n"], p["verdict"]) for p in pairs] == [
        (1.0, 60, "pass"), (0.0, 60, "fail")
    ]  # fmt: skip
    assert found(report["evaluations"], "pairs", "frail")["metrics"] == {
        "single-accuracy": {"in_distribution": 1.0, "under_shift": 0.5}
    }
    cells = found(report["evaluations"], "cells", "frail")["breakdown"]
    assert {cell["group"]: cell["score"] for cell in cells} == {
        "first, negative": 0.0, "first, positive": 1.0,
        "second, negative": 0.0, "second, positive": 1.0,
    }  # fmt: skip
    tests = found(report["evaluations"], "checklist", "sturdy")
    scores = {cell["group"]: (cell["n"], cell["score"]) for cell in tests["breakdown"]}
    assert scores["typos (INV)"] == (30, 0.0)
    assert scores["not bad (MFT)"] == (20, 1.0)
    assert tests["left_out"] == {"label 1: the task has none like it (`labels`)": 30}
    assert "Under `domain/checklist`:" in behaving.path.joinpath("r.md").read_text()
    assert "By group under domain / checklist" in behaving.path.joinpath("r.html").read_text()


def test_budgets_of_single_examples_are_not_those_of_cases(behaving: pytest.Pytester) -> None:
    """A drop from accuracy is no budget of sets: they have those of their own table alone."""
    result = behaving.runpytest_inprocess("--ood-suite", "--collect-only", "-q")
    listed = [line.partition("[")[0] for line in result.outlines if "[frail" in line]
    names = [line.partition("::")[2] for line in listed]
    assert names == [
        "reviews/in-distribution",
        "reviews/domain/pairs", "reviews/domain/pairs/score", "reviews/domain/pairs",
        "reviews/domain/cells", "reviews/domain/cells/reweighted",
        "reviews/domain/checklist", "reviews/domain/checklist/score",
    ]  # fmt: skip
    behaving.runpytest_inprocess("--ood-suite", "--ood-only", "cells", "--ood-report", "r.json")
    # Two floors in distribution, two floors and a margin of the pairs, four budgets of the cells.
    assert report_of(behaving)["gates"] == 2 + 2 + 1 + 4


def test_a_part_can_be_chosen(behaving: pytest.Pytester) -> None:
    """The scores alone, by their metric's name."""
    result = behaving.runpytest_inprocess("--ood-suite", "--ood-only", "score", "--ood-strict")
    assert sum(result.parseoutcomes().values()) == 4
    result.stdout.fnmatch_lines([" pairs: score *", " checklist: score *"])


def test_groups_are_compared_with_those_of_an_earlier_run(behaving: pytest.Pytester) -> None:
    """What moved by five points or more stands below its check."""
    behaving.runpytest_inprocess("--ood-suite", "--ood-report", "old.json")
    path = behaving.path / "pyproject.toml"
    path.write_text(path.read_text().replace('"terrible"', '"terrible", "dreaful"'))
    result = behaving.runpytest_inprocess(
        "--ood-suite", "--ood-only", "checklist", "--ood-compare", "old.json", "--ood-report",
        "r.json",
    )  # fmt: skip
    changes = report_of(behaving)["release"]["changes"]
    moved = {c["model"]: c["groups"] for c in changes}
    assert {cell["group"] for cell in moved["frail"]} > {"Robustness", "typos (INV)"}
    result.stdout.fnmatch_lines(["*domain/checklist*frail*", "*Robustness: typos (INV) *"])


def test_a_plan_knows_what_floors_and_cases_take(behaving: pytest.Pytester) -> None:
    """A floor of a score passes above and fails below; inputs are those of all cases."""
    result = behaving.runpytest_inprocess("--ood-suite", "--ood-dry-run")
    result.stdout.fnmatch_lines(
        ["reviews/domain/pairs/score[[]sturdy[]] * 60 * 90.0 * 99.6 * 76.9"]
    )


def test_the_list_of_suites_tells_what_there_is(behaving: pytest.Pytester) -> None:
    """Cases that the task can be asked, and the floor."""
    result = behaving.run(sys.executable, "-m", "pytest_ood", "suites", "reviews.toml")
    result.stdout.fnmatch_lines(
        ["*domain/pairs: pairs.jsonl, 120 examples; *at least 90.0 %",
         "*domain/checklist: tests.jsonl, 100 examples; no budget"]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('group = "pair"\n', "", "needs `group`, the column that says which examples are one set"),
        ('"contrast"', '"contrasts"', "unknown scoring 'contrasts'. Did you mean 'contrast'"),
        ("margin = 0.1\n", "margin = 0.1\nmacro-f1 = { max_drop = 0.1 }\n",
         "macro-f1 is computed from single answers, and here several are counted as one"),
        ("reweighted = { max_drop", "reweighted = { min_score", "unknown key 'min_score'"),
        ("min_score = 0.9", "min_score = 90", "min_score = 90 is not a share"),
        ('group = "pair"', 'group = "pair"\ntrain = "reviews.jsonl"',
         "is compared example by example"),
        ('group = "pair"', 'group = "pair"\ntests = ["words"]', "tests: it goes with `checklist`"),
        ("tests.jsonl", "test.jsonl", "test.jsonl: there is no such file"),
        ("not bad", "not good", "unknown test 'not good'. Did you mean 'not bad'"),
    ],
)  # fmt: skip
def test_wrong_declarations_say_what_is_right(
    behaving: pytest.Pytester, old: str, new: str, message: str
) -> None:
    """A usage error before anything is asked; what only the file can tell, in the check."""
    path = behaving.path / "reviews.toml"
    assert old in SUITE
    path.write_text(SUITE.replace(old, new, 1))
    result = behaving.runpytest_inprocess("--ood-suite", "--ood-only", "domain")
    assert result.ret != pytest.ExitCode.OK
    assert message in "".join([*result.outlines, *result.errlines])
