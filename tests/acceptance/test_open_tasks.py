"""Questions that are answered in words or numbers, from the suite file to every form of report."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

CITIES = ("Rome", "Oslo", "Lima", "Kyoto", "Cairo")

QA = """
task = "extractive-qa"
max_abstention = 0.3
{metric}
[in_distribution]
data = "qa.jsonl"
fields = ["question", "context"]
label = "answer"
id = "id"

[shifts.domain.other]
data = "other.jsonl"
fields = ["question", "context"]
label = "answer"
id = "id"

[shifts.noise.closed-book]
perturbation = "remove-text"
fields = ["context"]
protect = []

[shifts.noise.distracted]
perturbation = "distract"
parameters = {{ texts = "qa.jsonl", column = "context" }}
fields = ["context"]

[budgets]
domain = {{ max_drop = 0.3 }}
noise = {{ max_drop = 0.3 }}
"""

NUMERIC = """
task = "numeric"
in_distribution = { data = "sums.jsonl", fields = ["question"], label = "answer", id = "id" }

[shifts.noise.irrelevant-context]

[shifts.noise.change-names]
severity = 5

[budgets]
noise = { max_drop = 0.3 }
"""

MODELS = """
import re


def reader(inputs):
    '''Find the city. Where it is not, every fourth question gets nothing, others say so.'''
    answers = []
    for asked in inputs:
        number = int(asked["question"].split()[3])
        found = re.search(rf"Person {number} lives in (\\w+)", asked["context"])
        told = f"**Answer:** the town of {found[1]}." if found else "I don't know"
        answers.append(told if found or number % 4 else None)
    return answers


def adder(texts):
    '''Add up all numbers, in many words.'''
    numbers = [[int(n) for n in re.findall(r"\\d+", text)] for text in texts]
    return [f"{' + '.join(map(str, n))} = {sum(n)}. The answer is ${sum(n):,}.00." for n in numbers]
"""


def lines(rows: list[dict[str, Any]]) -> str:
    """Write rows as JSON, one a line."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def questions(
    pytester: pytest.Pytester,
    user_cache: Any,  # noqa: ARG001
) -> pytest.Pytester:
    """Write a project with questions and sums, and models that answer them in sentences."""
    asked = [
        {
            "id": f"q{n}",
            "question": f"Where does person {n} live?",
            "context": f"Person {n} is old. Person {n} lives in {CITIES[n % 5]} now. So it is.",
            "answer": CITIES[n % 5],
        }
        for n in range(60)
    ]
    other = [{**row, "context": f"{row['context']} Nobody minds."} for row in asked]
    sums = [
        {
            "id": f"n{n}",
            "question": f"Paul has {n + 700} pens. He buys {2 * n + 500} more. How many has Paul?",
            "answer": f"{n + 700}+{2 * n + 500}=<<>>\n#### {3 * n + 1200:,}",
        }
        for n in range(60)
    ]
    recorded = [
        {"shift": shift, "id": row["id"], "answer": f"The answer is {row['answer']}."}
        for shift in ("in-distribution", "other", "closed-book", "distracted")
        for row in asked
    ]
    recorded[0]["answer"] = ""
    for name, rows in {"qa": asked, "other": other, "sums": sums, "answers": recorded}.items():
        pytester.path.joinpath(f"{name}.jsonl").write_text(lines(rows))
    pytester.path.joinpath("answering.py").write_text(MODELS)
    pytester.path.joinpath("num.toml").write_text(NUMERIC)
    return pytester


def configure(project: pytest.Pytester, suite: str, *models: str) -> None:
    """Write the project's configuration."""
    tables = "\n".join(f"[tool.pytest_ood.models.{model}" for model in models)
    project.path.joinpath("pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["{suite}"]\n{tables}\n'
    )


READER = 'reader]\ncallable = "answering:reader"\nbaseline = true\nfingerprint = "1"'
RECORDED = 'recorded]\nreplay = "answers.jsonl"\nparadigm = "prompted"\nunparsed = ""'
ADDER = 'adder]\ncallable = "answering:adder"'


@pytest.mark.parametrize(
    ("metric", "measure", "score", "other"),
    [("", "token F1", 0.5, "exact-match"), ('metric = "exact-match"', "exact match", 0.0, "f1")],
)
def test_answers_in_words_go_all_the_way(
    questions: pytest.Pytester, metric: str, measure: str, score: float, other: str
) -> None:
    """Sentences are read, scored and told by their measure in the terminal and every report.

    "The town of Rome" has half of F1 and no exact match; an answer that says there is none is
    wrong, and one that says nothing an abstention.
    """
    questions.path.joinpath("qa.toml").write_text(QA.format(metric=metric))
    configure(questions, "qa.toml", READER, RECORDED)
    run = questions.runpytest_inprocess(
        "--ood-suite", "--ood-report", "r.json", "--ood-report", "r.md", "--ood-report", "r.html",
        "--junitxml", "junit.xml",
    )  # fmt: skip
    run.stdout.fnmatch_lines([f"qa: {measure}, then drop of {measure} in points, *"])
    report = json.loads(questions.path.joinpath("r.json").read_text())
    floors = {floor["model"]: floor for floor in report["in_distribution"]}
    assert floors["reader"]["score"] == score
    assert floors["recorded"]["score"] == pytest.approx(59 / 60)
    assert floors["recorded"]["abstained"] == 1
    assert {floor["score_name"] for floor in floors.values()} == {measure}
    assert {floor["majority"] for floor in floors.values()} == {0.2}
    found = {(e["model"], e["shift"]): e for e in report["evaluations"]}
    closed = found["reader", "closed-book"]
    assert (closed["score_under_shift"], closed["abstained"], closed["n"]) == (0.0, 15, 60)
    assert closed["per_label"] == []
    assert other in closed["metrics"]
    distracted = found["reader", "distracted"]
    assert (distracted["n"], distracted["details"]["rejected"], distracted["drop"]) == (60, 0, 0.0)
    # What was recorded as nothing is an abstention, in distribution alone.
    assert found["recorded", "closed-book"]["drop"] == pytest.approx(-1 / 60)
    page = questions.path.joinpath("r.html").read_text("utf-8")
    assert f"{measure} in distribution" in page
    assert "accuracy" not in page.lower()
    text = questions.path.joinpath("r.md").read_text("utf-8")
    assert f"then drop of {measure} in points" in text
    assert "accuracy" not in text.lower()
    if not metric:
        run.stdout.fnmatch_lines(["*after, answered that there is none: question: *"])
        assert "that there is none" in page
        assert "that there is none" in text
        assert re.search(r"before, answered the town of \w+: ", run.stdout.str())
    assert "qa/noise/closed-book" in questions.path.joinpath("junit.xml").read_text("utf-8")


def test_numbers_go_all_the_way(questions: pytest.Pytester) -> None:
    """Sentences with a number at their end are read, also from a frozen suite, and compared."""
    configure(questions, "num.toml", ADDER)
    run = questions.runpytest_inprocess("--ood-suite", "--ood-report", "r.json")
    run.stdout.fnmatch_lines(["num: accuracy, then drop of accuracy in points, *"])
    report = json.loads(questions.path.joinpath("r.json").read_text())
    found = {e["shift"]: e for e in report["evaluations"]}
    assert report["in_distribution"][0]["score"] == 1.0
    assert found["change-names"]["drop"] == 0.0
    assert found["irrelevant-context"]["drop"] == 1.0
    flip = found["irrelevant-context"]["flips"][0]
    assert flip["label"] == flip["answer_before"]
    assert int(flip["answer_after"]) > int(flip["label"])
    frozen = questions.runpython_c(
        "from pytest_ood.__main__ import main; raise SystemExit(main(['freeze', 'num.toml']))"
    )
    assert frozen.ret == 0
    configuration = questions.path.joinpath("pyproject.toml")
    configuration.write_text(
        configuration.read_text().replace("suites", 'frozen = ["frozen/num.jsonl"]\nsuites', 1)
    )
    again = questions.runpytest_inprocess("--ood-suite", "--ood-compare", "r.json")
    again.stdout.fnmatch_lines(["num/noise/irrelevant-context *adder *0.0 *0.0 *0.0 *"])


@pytest.mark.parametrize(
    ("shift", "message"),
    [
        ("[shifts.noise.change-numbers]", "examples have none: name the column .* `rationale`"),
        ("[shifts.noise.antonyms]", "antonyms turns one label into another, and the task num"),
        ('[shifts.adversarial.deepwordbug]\ntarget = "1"', "target: it is a label, and the task"),
        ("[shifts.noise.keyboard]\nmacro-f1 = { max_drop = 0.1 }", "unknown key 'macro-f1'"),
        ('[shifts.noise.distract]\nfilter = "edit-distance"', "distract knows by itself which"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_for_numbers_is_refused(
    questions: pytest.Pytester, shift: str, message: str
) -> None:
    """Shifts and budgets that go by labels, and solutions that are not there, are clear errors."""
    questions.path.joinpath("num.toml").write_text(f"{NUMERIC.partition('[shifts')[0]}{shift}\n")
    configure(questions, "num.toml", ADDER)
    run = questions.runpytest_inprocess("--ood-suite")
    assert run.ret != pytest.ExitCode.OK
    told = f"{run.stdout.str()}\n{run.stderr.str()}".replace("\n", " ")
    assert re.search(message, told)


def test_recorded_answers_to_squad_2_score_as_its_script_has_it(questions: pytest.Pytester) -> None:
    """An empty answer is right where there is none, "unknown" where the passage says so."""
    golds = ["Rome", "", "unknown", "not mentioned", "N/A", ""]
    rows = [
        {"id": f"q{n}", "question": f"Where is {n}?", "context": "In Rome.", "answer": golds[n % 6]}
        for n in range(120)
    ]
    answers = [
        {"shift": shift, "id": row["id"], "answer": row["answer"]}
        for row in rows
        for shift in ("in-distribution", "other")
    ]
    for name in ("qa", "other"):
        questions.path.joinpath(f"{name}.jsonl").write_text(lines(rows))
    questions.path.joinpath("answers.jsonl").write_text(lines(answers))
    head = QA.partition("[shifts.noise.closed-book]")[0].format(metric="")
    questions.path.joinpath("qa.toml").write_text(
        f"{head}\n[budgets]\ndomain = {{ max_drop = 0.3 }}"
    )
    configure(questions, "qa.toml", RECORDED.replace('\nunparsed = ""', ""))
    run = questions.runpytest_inprocess("--ood-suite", "--ood-report=r.json")
    run.assert_outcomes(passed=2)
    report = json.loads(questions.path.joinpath("r.json").read_text())
    (floor,) = report["in_distribution"]
    assert (floor["score"], floor["abstained"]) == (1.0, 0)
