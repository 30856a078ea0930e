"""Sets of labels, and inputs that no label is right for, from the suite file to the report."""

from __future__ import annotations

import json
from typing import Any

import pytest

EMOTIONS = """
task = "multi-label"
labels = ["anger", "joy", "fear"]
in_distribution = { data = "said.csv", labels = { 1 = "anger", 2 = "joy", 3 = "fear" } }

[shifts.domain.other]
data = "other.jsonl"                # has the names themselves, as lists
labels = { anger = "anger", joy = "joy", fear = "fear" }

[shifts.noise.keyboard]
severity = 5
protect = []

[shifts.adversarial.greedy-characters]
max_examples = 20
max_drop = 1.0

[budgets]
domain = { max_drop = 0.2, exact-set = { max_drop = 0.3 }, recall-joy = { max_drop = 0.2 } }
noise = { max_drop = 0.1, min_score = 0.9 }
"""

SCOPE = """
labels = ["pay", "call", "oos"]
out_of_scope = "oos"
in_distribution = "asked.jsonl"

[shifts.domain.out-of-scope]
data = "oos.jsonl"
min_score = 0.7
max_drop = 1.0

[shifts.noise.upper-case]
severity = 5
false-acceptance = { max_drop = 0.1 }

[shifts.adversarial.greedy-characters]
max_examples = 40
max_drop = 1.0
"""

MODELS = """
import json

WORDS = {"anger": "furious", "joy": "glad", "fear": "afraid"}


def listing(texts):
    '''Name the emotions whose word a text has, each in another form.'''
    answers = []
    for number, text in enumerate(texts):
        held = [name for name, word in WORDS.items() if word in text]
        row = [int(name in held) for name in WORDS]
        forms = [held, ", ".join(held) or "none", row, json.dumps(held), set(held)]
        answers.append(forms[number % 5])
    return answers


def intents(texts):
    '''Say nothing to what is not known; capitals are taken for a call.'''
    answers = []
    for text in texts:
        if text != text.lower():
            answers.append("call")
        elif "money" in text:
            answers.append("pay")
        else:
            answers.append("call" if "phone" in text else None)
    return answers
"""


def lines(rows: list[dict[str, Any]]) -> str:
    """Write rows as JSON, one a line."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def labelled(
    pytester: pytest.Pytester,
    user_cache: Any,  # noqa: ARG001
) -> pytest.Pytester:
    """Write a project with sentences, queries and models."""
    words = ("furious", "glad", "afraid")
    sets = [[n for n in range(3) if number >> n & 1] for number in range(8)]
    said = [
        (f"number {k} is {' and '.join(words[n] for n in chosen) or 'there'}", chosen)
        for k, chosen in enumerate(sets * 8)
    ]
    codes = ((text, ";".join(str(n + 1) for n in chosen)) for text, chosen in said)
    table = "".join(f'"{text}","{code}"\n' for text, code in codes)
    names = ("anger", "joy", "fear")
    other = [
        {"text": text.replace("glad", "merry"), "label": [names[n] for n in chosen]}
        for text, chosen in said
    ]
    asked = [
        {"text": f"{what} number {n}", "label": label}
        for n in range(30)
        for what, label in (("send money", "pay"), ("phone me", "call"), ("sing a song", None))
    ]
    outside = [
        {"text": f"{'send money' if n % 5 == 0 else 'say'} hello {n}", "label": "oos"}
        for n in range(60)
    ]
    pytester.path.joinpath("said.csv").write_text(f"text,label\n{table}")
    for name, rows in {"other": other, "asked": asked, "oos": outside}.items():
        pytester.path.joinpath(f"{name}.jsonl").write_text(lines(rows))
    pytester.path.joinpath("answering.py").write_text(MODELS)
    pytester.path.joinpath("emotions.toml").write_text(EMOTIONS)
    pytester.path.joinpath("scope.toml").write_text(SCOPE)
    return pytester


def report_of(project: pytest.Pytester, suite: str, function: str) -> dict[str, Any]:
    """Run a suite with one model, and return the report."""
    project.path.joinpath("pyproject.toml").write_text(
        f'[tool.pytest_ood]\nsuites = ["{suite}"]\n'
        f'[tool.pytest_ood.models.model]\ncallable = "answering:{function}"\n'
    )
    run = project.runpytest_inprocess("--ood-suite", "--ood-report", "r.json", "-p", "no:xdist")
    assert run.ret in (0, 1), run.stdout.str()
    report: dict[str, Any] = json.loads(project.path.joinpath("r.json").read_text())
    return report


def test_sets_of_labels_go_all_the_way(labelled: pytest.Pytester) -> None:
    """Read from codes and lists, answered in five forms, and scored by three measures.

    The model does not know "merry": joy is missed in half of the other examples.
    """
    report = report_of(labelled, "emotions.toml", "listing")
    (floor,) = report["in_distribution"]
    assert (floor["score"], floor["abstained"], floor["score_name"]) == (1.0, 0, "Jaccard")
    drops = {(e["shift"], e["metric"]): e["drop"] for e in report["evaluations"]}
    # Of 3 * 32 true labels the third that is joy is missed: F1 = 2 * 64 / (96 + 64).
    assert drops["other", "micro-f1"] == pytest.approx(0.2, abs=1e-4)
    assert drops["other", "exact-set"] == pytest.approx(0.5)
    assert drops["other", "recall-joy"] == pytest.approx(1.0)
    assert drops["keyboard", "micro-f1"] > 0.1
    assert drops["greedy-characters", "micro-f1"] > 0.5
    (under,) = report["scores"]
    assert (under["shift"], under["budget"]) == ("keyboard", 0.9)


def test_an_unknown_label_is_found_in_its_row(labelled: pytest.Pytester) -> None:
    """The message has file, row, field, and the nearest label."""
    path = labelled.path / "other.jsonl"
    path.write_text(path.read_text().replace('["joy"]', '["joi"]', 1))
    labelled.path.joinpath("emotions.toml").write_text(EMOTIONS.replace("labels = { anger", "#"))
    labelled.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["emotions.toml"]\n'
        '[tool.pytest_ood.models.model]\ncallable = "answering:listing"\n'
    )
    run = labelled.runpytest_inprocess("--ood-suite", "-p", "no:xdist")
    run.stdout.fnmatch_lines(["*other.jsonl, row 3, field 'label': unknown label 'joi'*"])
    run.stdout.fnmatch_lines(["*'joy'*"])


def test_rejection_goes_all_the_way(labelled: pytest.Pytester) -> None:
    """To abstain is right out of scope: no fault, and what is accepted has a budget.

    Two thirds of the answers in distribution are labels; the others are right abstentions.
    """
    report = report_of(labelled, "scope.toml", "intents")
    (floor,) = report["in_distribution"]
    assert (floor["score"], floor["abstained"], floor["verdict"]) == (1.0, 0, "pass")
    (under,) = report["scores"]
    assert (under["shift"], under["score"], under["abstained"]) == ("out-of-scope", 0.8, 0)
    found = {(e["shift"], e["metric"]): e for e in report["evaluations"]}
    accepted = found["upper-case", "false-acceptance"]
    assert (accepted["drop"], accepted["verdict"]) == (1.0, "fail")
    attack = found["greedy-characters", "accuracy"]
    assert attack["details"]["figures"]["skipped"]["out of scope"] > 0
