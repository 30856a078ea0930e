"""Answers that a judge scores, as the guide to them shows it, in every form of report."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "judges.md"
FILE = re.compile(r"<!-- file: ([^\n]*) -->\n```\w+\n(.*?)```\n", re.DOTALL)


def asked(count: int, end: str, start: int = 0) -> list[dict[str, Any]]:
    """Return questions, the same numbers in distribution and under the shift."""
    return [
        {"id": str(n), "question": f"What of {n}{end}", "reference": "-"}
        for n in range(start, start + count)
    ]


@pytest.fixture
def judged(
    pytester: pytest.Pytester,
    user_cache: Path,  # noqa: ARG001
) -> pytest.Pytester:
    """Write the files of the guide, questions, and answers that people have judged."""
    files = dict(FILE.findall(GUIDE.read_text(encoding="utf-8")))
    labelled = []
    for shift, end in (("in-distribution", "?"), ("forum", "!")):
        for row in asked(60, end, 500):
            answer = "because" if int(row["id"]) % 10 else "no"
            # People fail some of what the judge passes.
            verdict = "pass" if answer == "because" and int(row["id"]) % 10 != 1 else "fail"
            labelled.append({**row, "shift": shift, "answer": answer, "verdict": verdict})
    for name, rows in (
        ("questions", asked(100, "?")), ("forum", asked(100, "!")), ("labelled", labelled)
    ):  # fmt: skip
        files[f"data/{name}.jsonl"] = "".join(f"{json.dumps(row)}\n" for row in rows)
    for name, text in files.items():
        path = pytester.path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return pytester


def edit(project: pytest.Pytester, name: str, old: str, new: str) -> None:
    """Replace a part of a file."""
    path = project.path / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_guide_to_judges_runs(judged: pytest.Pytester) -> None:
    """Reports have the judge, the rubric's hash and kappa; a second run asks the judge nothing."""
    reports = [f"--ood-report=r.{form}" for form in ("json", "md", "html")]
    first = judged.runpytest_inprocess("--ood-suite", *reports)
    first.assert_outcomes(passed=2)
    report = json.loads((judged.path / "r.json").read_text(encoding="utf-8"))
    (shown,) = report["evaluations"]
    assert (shown["score_name"], shown["metrics"]) == ("judged score", {})
    assert shown["drop"] == pytest.approx(
        shown["score_in_distribution"] - shown["score_under_shift"]
    )
    rubric = hashlib.sha256((judged.path / "rubrics/helpful.md").read_bytes()).hexdigest()
    texts = [first.stdout.str(), *((judged.path / f"r.{form}").read_text("utf-8")
             for form in ("json", "md", "html"))]  # fmt: skip
    for text in texts:
        flat = re.sub(r"\s+", " ", text)
        assert rubric in flat
        assert "fingerprint judges:careful@1" in flat
        assert re.search("kappa 0.62, equal verdicts 90 % .n = 60 labelled", flat)
        assert "accuracy" not in flat.replace('"metric": "accuracy"', "")
    second = judged.runpytest_inprocess("--ood-suite")
    second.stdout.fnmatch_lines(["queried: *judge 0 inputs (* cached)*"])


def test_a_judge_without_a_fingerprint_or_labels_is_told(judged: pytest.Pytester) -> None:
    """A warning in every report, and an invalid verdict with the number of labels."""
    edit(judged, "suites/answers.toml", ', fingerprint = "1"', "")
    edit(judged, "suites/answers.toml", "min_labelled = 50", "min_labelled = 70")
    reports = [f"--ood-report=r.{form}" for form in ("json", "md", "html")]
    run = judged.runpytest_inprocess("--ood-suite", *reports)
    run.assert_outcomes(failed=2)
    for form in ("json", "md", "html"):
        text = (judged.path / f"r.{form}").read_text("utf-8")
        assert "has no fingerprint" in text
        assert "label 70 or more" in text


@pytest.mark.parametrize(
    ("name", "old", "new", "message"),
    [
        ("judges.py", '"pass" if', '"I pass it" if', "*answers are no verdict, such as 'I pass*"),
        (
            "suites/answers.toml", "judges:careful", "judges:assistant",
            "*'assistant' is the judge ('judge') of its own answers; take another*",
        ),
        ("suites/answers.toml", '{ callable = "judges:careful", fingerprint = "1" }',
         '"assistent"', "*judge: unknown model 'assistent'*"),
        ("suites/answers.toml", "helpful.md", "none.md", "*none.md cannot be read*"),
        ("suites/answers.toml", "labelled.jsonl", "none.jsonl", "*there is no such file*"),
        ("suites/answers.toml", "max_drop = 0.30", "max_drop = 0.3\npdr = { max_drop = 0.1 }",
         "*unknown key 'pdr'*"),
        ("suites/answers.toml", "[judge]", "[shifts.noise.swap]\n[budgets.worst-case]\n[judge]",
         "*noise/worst-case: attacks and shifts that*"),
        ("suites/answers.toml", "[judge]", "[shifts.adversarial.deepwordbug]\n[judge]",
         "*adversarial/deepwordbug: attacks and shifts that*"),
    ],
)  # fmt: skip
def test_what_cannot_be_judged_is_refused(
    judged: pytest.Pytester, name: str, old: str, new: str, message: str
) -> None:
    """Prose, a model as its own judge, what is not there, and what has no correction."""
    edit(judged, name, old, new)
    run = judged.runpytest_inprocess("--ood-suite")
    assert run.ret != pytest.ExitCode.OK
    text = re.sub(r"\s+", " ", f"{run.stdout.str()} {run.stderr.str()}")
    assert re.search(re.escape(message.strip("*")).replace(r"\*", ".*"), text), text
