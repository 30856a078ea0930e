from __future__ import annotations

import json
from typing import Any

import joblib
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import FixedThresholdClassifier
from sklearn.pipeline import make_pipeline


def configure(project: pytest.Pytester, models: str) -> None:
    """Replace the project's models."""
    project.path.joinpath("pyproject.toml").write_text(
        f"[tool.pytest_ood]\nsuites = ['reviews.toml']\n{models}"
    )


def report_of(project: pytest.Pytester, *options: str) -> dict[str, Any]:
    """Run the suite and return its JSON report."""
    project.runpytest_inprocess("--ood-suite", "--ood-report=report.json", *options)
    found: dict[str, Any] = json.loads(project.path.joinpath("report.json").read_text())
    return found


def rows(project: pytest.Pytester, name: str = "reviews.jsonl") -> list[dict[str, str]]:
    """Return a data file's rows."""
    return [json.loads(line) for line in project.path.joinpath(name).read_text().splitlines()]


def test_a_saved_pipeline_is_gated(project: pytest.Pytester) -> None:
    """A joblib file of a fitted scikit-learn pipeline is a model under test."""
    data = rows(project)
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())
    pipeline.fit([row["text"] for row in data], [row["label"] for row in data])
    joblib.dump(pipeline, project.path / "pipeline.joblib")
    configure(project, "[tool.pytest_ood.models.tfidf]\nsklearn = 'pipeline.joblib'\n")
    report = report_of(project, "--ood-only=noise")
    assert report["models"][0]["paradigm"] == "fine-tuned"
    assert report["evaluations"][0]["score_in_distribution"] == 1.0


def test_a_pipeline_is_fitted_here_where_asked(project: pytest.Pytester) -> None:
    """`train` fits what `module:name` gives."""
    project.path.joinpath("mine.py").write_text(
        "from sklearn.feature_extraction.text import TfidfVectorizer\n"
        "from sklearn.linear_model import LogisticRegression\n"
        "from sklearn.pipeline import make_pipeline\n"
        "def pipeline(): return make_pipeline(TfidfVectorizer(), LogisticRegression())\n"
    )
    configure(
        project,
        "[tool.pytest_ood.models.tfidf]\nsklearn = 'mine:pipeline'\ntrain = 'reviews.jsonl'\n",
    )
    assert report_of(project, "--ood-only=domain")["evaluations"][0]["verdict"] == "pass"


def test_recorded_answers_are_gated_and_attacks_skip(project: pytest.Pytester) -> None:
    """A replayed model is measured by example ids; its abstentions are counted apart."""
    answers = [
        {"shift": shift, "id": row["id"], "answer": row["label"]}
        for shift, name in (("in-distribution", "reviews.jsonl"), ("lamps", "lamps.jsonl"))
        for row in rows(project, name)
    ]
    for answer in answers[-30:]:
        answer["answer"] = "UNPARSED"
    text = "\n".join(map(json.dumps, answers))
    project.path.joinpath("answers.jsonl").write_text(text)
    configure(
        project,
        "[tool.pytest_ood.models.gpt]\nreplay = 'answers.jsonl'\nunparsed = 'UNPARSED'\n"
        "paradigm = 'prompted'\n",
    )
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-report=r.json", "-rs", "--ood-only=domain", "--ood-only=adversarial"
    )
    result.assert_outcomes(failed=0, skipped=1)
    result.stdout.fnmatch_lines(["*abstained: 30 of 300*"])
    result.stdout.fnmatch_lines(["*is replayed from answers.jsonl*cannot be asked*"])
    (evaluation,) = json.loads(project.path.joinpath("r.json").read_text())["evaluations"]
    assert evaluation["abstained"] == 30
    assert evaluation["score_under_shift"] == pytest.approx(0.9)


def test_a_missing_recorded_answer_is_named(project: pytest.Pytester) -> None:
    """A replay file without an answer fails with the shift and the id, and makes none up."""
    project.path.joinpath("answers.csv").write_text(
        "shift,id,answer\nin-distribution,r1,negative\n"
    )
    configure(project, "[tool.pytest_ood.models.gpt]\nreplay = 'answers.csv'\n")
    result = project.runpytest_inprocess("--ood-suite", "--ood-only=in-distribution")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        ["ModelError: *answers.csv holds no answer to 299 of 300 examples*"]
    )


def test_fields_beyond_one_text_are_perturbed_apart(project: pytest.Pytester) -> None:
    """Premise and hypothesis are two fields; a noise shift can be told to touch one of them."""
    data = [
        {"premise": f"The lamp number {n} is burning.", "hypothesis": "Something is burning.",
         "label": ("no", "yes")[n % 2]}
        for n in range(60)
    ]  # fmt: skip
    project.path.joinpath("nli.jsonl").write_text("\n".join(map(json.dumps, data)))
    project.path.joinpath("reviews.toml").write_text(
        "labels = ['no', 'yes']\n"
        "[in_distribution]\ndata = 'nli.jsonl'\nfields = ['premise', 'hypothesis']\n"
        "[shifts.noise.swap]\nfields = ['hypothesis']\nparameters = { share = 1.0 }\n"
    )
    project.path.joinpath("mine.py").write_text(
        "import re\n"
        "def answer(inputs):\n"
        "    assert all(re.fullmatch(r'The lamp number \\d+ is burning.', i['premise'])\n"
        "               for i in inputs)\n"
        "    return ['yes' if int(re.search(r'\\d+', i['premise'])[0]) % 2\n"
        "            and i['hypothesis'] == 'Something is burning.' else 'no' for i in inputs]\n"
    )
    configure(project, "[tool.pytest_ood.models.mine]\ncallable = 'mine:answer'\n")
    (evaluation,) = report_of(project)["evaluations"]
    assert evaluation["score_in_distribution"] == 1.0
    assert evaluation["score_under_shift"] == 0.5


def test_a_random_model_is_invalid(project: pytest.Pytester) -> None:
    """A model no better than the majority class passes no budget, however wide."""
    path = project.path / "reviews.toml"
    path.write_text(path.read_text().replace("0.10", "1.0"))
    configure(project, "[tool.pytest_ood.models.coin]\nfake = 'random'\n")
    result = project.runpytest_inprocess("--ood-suite")
    result.assert_outcomes(failed=4)
    result.stdout.fnmatch_lines(["invalid: coin *not shown to be above the majority class*"])


RAISING = """
def label(text):
    return "positive" if "wonderful" in text else "negative"

def one(texts):
    if any("Number 150 " in text for text in texts):
        raise ValueError("cannot do\\n" + texts[0])
    return [label(text) for text in texts]

def some(texts):
    if any("Number 1" in text for text in texts):
        raise IndexError("index 512 is out of range")
    return [label(text) for text in texts]

def broken(texts):
    with open("calls.txt", "a") as calls:
        calls.write("called\\n")
    raise KeyError("nope")

async def later(texts):
    return [label(text) for text in texts]

def endless(texts):
    while True:
        yield "positive"
"""


def raising(project: pytest.Pytester, *names: str) -> None:
    """Make models of functions that raise, or answer what is no answer."""
    project.path.joinpath("mine.py").write_text(RAISING)
    configure(
        project,
        "".join(f"[tool.pytest_ood.models.{n}]\ncallable = 'mine:{n}'\n" for n in names),
    )


def test_an_input_for_which_a_model_raises_is_counted(project: pytest.Pytester) -> None:
    """One of 300 leaves the check its verdict, with one line that says which; many make it invalid.

    No traceback of the package is shown, and attacks go on.
    """
    raising(project, "one", "some")
    result = project.runpytest_inprocess("--ood-suite", "--ood-report=r.json", "--tb=short")
    shown = result.stdout.str()
    assert "Traceback" not in shown
    assert "engine.py" not in shown
    report = json.loads(project.path.joinpath("r.json").read_text())
    floors = {floor["model"]: floor for floor in report["in_distribution"]}
    assert floors["one"]["verdict"] == "pass"
    ((why, count),) = floors["one"]["errors"].items()
    assert count == 1
    assert why.startswith("raised ValueError: cannot do Number 150 ")
    assert why.endswith("(mine.py:7), first for input 'r150'")
    assert floors["some"]["verdict"] == "invalid"
    ((why, count),) = floors["some"]["errors"].items()
    assert count == 111
    assert why.startswith("raised IndexError: index 512 is out of range (mine.py:12), first for in")
    assert {e["kind"] for e in report["evaluations"] if e["model"] == "one"} == {
        "domain", "noise", "adversarial",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("broken", "ModelRaisedError: model 'broken' raised for 8 of 8 inputs, the last being 'r*"),
        ("later", "ModelError: model 'later' returned <coroutine*asyncio.run*"),
        ("endless", "ModelError: model 'endless' gave 9 or more answers to 8 inputs"),
    ],
)
def test_a_model_that_cannot_answer_is_one_line(
    name: str, told: str, project: pytest.Pytester
) -> None:
    """Every check says the same, and asks a broken model no more than the first did."""
    raising(project, name)
    result = project.runpytest_inprocess("--ood-suite", "--tb=short")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines([told])
    assert "Traceback" not in result.stdout.str()
    calls = project.path / "calls.txt"
    assert not calls.exists() or len(calls.read_text().splitlines()) < 50


def test_a_test_of_one_s_own_shows_its_line_and_the_model_s(project: pytest.Pytester) -> None:
    """The frames between, which are the package's, are left out."""
    raising(project, "broken")
    project.makepyfile(
        """
        import mine

        def test_it(ood):
            rows = [(f"a wonderful film {n}", "positive") for n in range(40)]
            rows += [(f"a dull film {n}", "negative") for n in range(40)]
            ood.assert_drop(mine.broken, rows, "keyboard", max_drop=0.5)
        """
    )
    result = project.runpytest_inprocess("--ood-suite", "-k=test_it")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "E       KeyError: 'nope'",
            ">       ood.assert_drop(mine.broken, rows, *",
            "E       pytest_ood.errors.ModelRaisedError: model 'broken' raised for 8 of 8 inputs,*",
        ]
    )
    assert "engine.py" not in result.stdout.str()
    assert len(result.stdout.lines) < 90


def test_a_tuned_threshold_is_what_is_judged(project: pytest.Pytester) -> None:
    """Where a classifier's `predict` is not its likeliest class, its `predict` counts."""
    data = rows(project)
    fixed = FixedThresholdClassifier(
        make_pipeline(TfidfVectorizer(), LogisticRegression()), threshold=1.0, pos_label="positive"
    )
    fixed.fit([row["text"] for row in data], [row["label"] for row in data])
    joblib.dump(fixed, project.path / "fixed.sav")
    configure(project, "[tool.pytest_ood.models.fixed]\nsklearn = 'fixed.sav'\n")
    (floor,) = report_of(project, "--ood-only=in-distribution")["in_distribution"]
    assert floor["score"] == 0.5
    assert floor["verdict"] == "invalid"
