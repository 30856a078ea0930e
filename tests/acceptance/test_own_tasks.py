"""Tasks that a user writes, in a suite and in tests of one's own."""

from __future__ import annotations

import json

import pytest

TASKS = """
import json

from pytest_ood import Example, OpenTask, Prediction
from pytest_ood.data.spans import moved_spans

LEVELS = ("low", "medium", "high")


class Priority(OpenTask):
    '''A priority; one that is off by one is half right.'''

    name = "priority"
    measure = "priority score"
    labels = LEVELS

    def score(self, prediction, example):
        if prediction.label is None:
            return 0.0
        distance = abs(LEVELS.index(prediction.label) - LEVELS.index(example.label))
        return max(0.0, 1.0 - distance / 2)


class Name(OpenTask):
    '''Where the name in a text begins and ends.'''

    name = "name"
    structured = moves = True

    def encode(self, value, inputs):
        return json.dumps(value)

    def moved(self, example, inputs, edits):
        moved = moved_spans([json.loads(example.label)], edits.get("text", ()))
        if moved is None or moved[0] is None:
            return None
        return Example(example.id, inputs, json.dumps(moved[0]))

    def score(self, prediction, example):
        return float(json.loads(prediction.label or "null") == json.loads(example.label))


class Nothing:
    '''No task at all.'''


names = Name()
"""

MODELS = """
import re


def by_word(texts):
    return ["high" if "urgent" in text else "medium" if "soon" in text else "low" for text in texts]


def finder(texts):
    spans = [re.search(r"[A-Z]\\w*", text) for text in texts]
    return [None if found is None else list(found.span()) for found in spans]
"""

SUITE = """
task = "my_tasks:{task}"
in_distribution = {{ data = "{data}.jsonl", id = "id" }}
[shifts.noise.insert-character]
severity = 5
[shifts.noise.extra-spaces]
[budgets]
noise = {{ max_drop = 1.0 }}
"""

PROJECT = """
[tool.pytest_ood]
suites = ["suite.toml"]
frozen = [{frozen}]
[tool.pytest_ood.models.found]
callable = "my_models:{model}"
"""


@pytest.fixture
def tickets(pytester: pytest.Pytester) -> pytest.Pytester:
    """Write tasks, models, and data of either task."""
    pytester.makepyfile(my_tasks=TASKS, my_models=MODELS)
    words = {"low": "whenever you like", "medium": "soon please", "high": "urgent"}
    rows = [
        {"id": str(n), "text": f"ticket {n} about the printer, {words[label]}", "label": label}
        for n in range(60)
        for label in [("low", "medium", "high")[n % 3]]
    ]
    named = []
    for n in range(60):
        name = ("Ann", "Robert", "Li")[n % 3]
        text = f"the {'very ' * (n % 4)}old friend {name} wrote {n} letters"
        begin = text.index(name)
        named.append({"id": str(n), "text": text, "label": [begin, begin + len(name)]})
    for file, lines in (("tickets", rows), ("named", named)):
        text = "".join(f"{json.dumps(row)}\n" for row in lines)
        (pytester.path / f"{file}.jsonl").write_text(text, encoding="utf-8")
    return pytester


def configure(
    pytester: pytest.Pytester, task: str, data: str, model: str, frozen: str = ""
) -> None:
    """Write the suite and the project."""
    (pytester.path / "suite.toml").write_text(SUITE.format(task=task, data=data))
    (pytester.path / "pyproject.toml").write_text(PROJECT.format(model=model, frozen=frozen))


def test_a_suite_is_scored_by_a_task_of_ones_own(tickets: pytest.Pytester) -> None:
    """Its score is the mean that is reported, under its own name."""
    configure(tickets, "Priority", "tickets", "by_word")
    result = tickets.runpytest("--ood-suite", "--ood-report=r.json")
    report = json.loads((tickets.path / "r.json").read_text())
    result.stdout.fnmatch_lines(["suite: priority score, then drop of *"])
    spaces, inserted = sorted(report["evaluations"], key=lambda e: e["shift"])
    assert (spaces["score_in_distribution"], spaces["score_under_shift"]) == (1.0, 1.0)
    # Where a word is misspelled the answer is low: 0.5 for medium, and 0 for high.
    assert 0.5 <= inserted["score_under_shift"] < 0.9
    assert inserted["score_name"] == "priority score"


def test_answers_with_indices_follow_the_edits(tickets: pytest.Pytester) -> None:
    """A model that finds the name finds it in the changed text, now and from a frozen suite."""
    configure(tickets, "names", "named", "finder")
    tickets.runpytest("--ood-suite", "--ood-report=r.json")
    report = json.loads((tickets.path / "r.json").read_text())
    assert [e["score_under_shift"] for e in report["evaluations"]] == [1.0, 1.0]
    assert all(e["n"] > 40 for e in report["evaluations"])
    tickets.run("python", "-m", "pytest_ood", "freeze", "suite.toml", "--out", "frozen.jsonl")
    configure(tickets, "names", "named", "finder", '"frozen.jsonl"')
    tickets.runpytest("--ood-suite", "--ood-report=again.json")
    again = json.loads((tickets.path / "again.json").read_text())
    for before, after in zip(report["evaluations"], again["evaluations"], strict=True):
        assert after["shifted_set_hash"] == before["shifted_set_hash"]
        assert after["score_under_shift"] == 1.0


@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("my_tasks:Nothing", "*it is of type Nothing, which has no name, measure, *"),
        ("my_tasks:OpenTask", "*OpenTask does not define score(prediction, example)*"),
        ("my_tasks:Missing", "*task 'my_tasks:Missing': my_tasks: unknown name 'Missing'*"),
        ("no_tasks:Priority", "*there is no module 'no_tasks'*"),
        ("prioritty", "*unknown task 'prioritty'*named as module:name*"),
    ],
)
def test_what_is_no_task_is_refused(tickets: pytest.Pytester, task: str, message: str) -> None:
    """The message says what is missing, and what a task is."""
    configure(tickets, "Priority", "tickets", "by_word")
    path = tickets.path / "suite.toml"
    path.write_text(path.read_text().replace("my_tasks:Priority", task))
    result = tickets.runpytest("--ood-suite")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_assertions_take_any_task(tickets: pytest.Pytester) -> None:
    """By its name, by its path, as an object; data are pairs in the form of the task."""
    (tickets.path / "pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    tickets.makepyfile(
        """
        import re

        import pytest
        from my_models import by_word, finder
        from my_tasks import names
        from pytest_ood import BudgetExceededError, Dataset, OodError

        TEXTS = [(f"it is {w} number {n}", p) for n in range(60)
                 for w, p in (("urgent", "high"), ("for soon", "medium"))]
        NAMES = [(f"then {'very ' * (n % 3)}old Ann came", [9 + 5 * (n % 3), 12 + 5 * (n % 3)])
                 for n in range(60)]
        SUMS = [(f"Compute the total of {n} and {n}", 2 * n) for n in range(1, 60)]
        CITIES = [(f"Where does number {n} live?", ["Rome", "in Rome"]) for n in range(60)]


        def test_own(ood):
            ood.assert_drop(by_word, TEXTS, "extra-spaces", max_drop=0.1, task="my_tasks:Priority")
            ood.assert_drop(finder, NAMES, "insert-character", max_drop=0.1, task=names)


        def test_own_is_compared(ood):
            with pytest.raises(BudgetExceededError, match="priority score"):
                ood.assert_no_less_robust(
                    by_word, than=lambda texts: ["high" if "number" in t else "low" for t in texts],
                    on=TEXTS, under="upper-case", margin=0.01, task="my_tasks:Priority")


        def adder(texts):
            return [str(sum(int(word) for word in re.findall("[0-9]+", text))) for text in texts]


        def test_numbers(ood):
            # The numbers of a problem decide its answer: noise leaves them as they are.
            ood.assert_drop(adder, SUMS, "insert-character", max_drop=0.1, task="numeric")
            ood.assert_drop(adder, SUMS[:30], "greedy-characters", max_drop=0.2, task="numeric")


        def test_numbers_are_attacked(ood):
            def frail(texts):
                return [str(sum(int(word) for word in re.findall("[0-9]+", text)))
                        if "Compute" in text else "0" for text in texts]
            with pytest.raises(BudgetExceededError, match="attack success rate"):
                ood.assert_drop(frail, SUMS[:30], "greedy-characters", max_drop=0.2, task="numeric")


        def test_questions_with_several_right_answers(ood):
            elsewhere = Dataset.from_pairs("elsewhere", [(t, "Oslo") for t, _ in CITIES])
            with pytest.raises(BudgetExceededError):
                ood.assert_drop(lambda texts: ["in Rome"] * len(texts), CITIES, elsewhere,
                                max_drop=0.1, task="closed-book-qa")


        @pytest.mark.parametrize(("task", "data", "message"), [
            ("numeric", [("one", "no number")], "'no number' is no number"),
            ("nli", [("one", "maybe")], "unknown label 'maybe'"),
            ("classification", TEXTS, "the key 'labels' is missing"),
            ("my_tasks:Nothing", TEXTS, "which has no name"),
        ])
        def test_bad_input(ood, task, data, message):
            with pytest.raises(OodError, match=message):
                ood.assert_drop(by_word, data, "extra-spaces", max_drop=0.1, task=task)


        def test_labels_are_the_tasks(ood):
            with pytest.raises(OodError, match="labels: the task numeric says which there are"):
                ood.assert_drop(by_word, SUMS, "extra-spaces", max_drop=0.1, task="numeric",
                                labels=["1"])
        """
    )
    tickets.runpytest("--ood-suite").assert_outcomes(passed=10)
