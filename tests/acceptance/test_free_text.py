"""Free answers against references, from the suite file to the reports."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sacrebleu

WORDS = "old man walked over green hills while two birds sang about summer rain near quiet rivers"

SIZE = 60

MODELS = """
def copy(texts):
    return [f"  {text}\\n" for text in texts]


def half(texts):
    return [" ".join(text.split()[: len(text.split()) // 2]) or None for text in texts]
"""

SUITE = """
task = "text"
metric = "{metric}"
min_score = 0.1
in_distribution = {{ data = "plain.jsonl", label = "written", id = "id" }}

[shifts.noise.keyboard]
severity = 4
max_drop = 0.1

[shifts.domain.other]
data = "other.jsonl"

[budgets]
domain = {{ max_drop = 0.1, margin = 0.3 }}
"""

PROJECT = """
[tool.pytest_ood]
suites = ["suite.toml"]

[tool.pytest_ood.models.copy]
callable = "restoring:copy"
baseline = true

[tool.pytest_ood.models.half]
callable = "restoring:half"
"""

ASSERTIONS = """
import pytest
from pytest_ood.errors import BudgetExceededError
from pytest_ood.tasks import FreeText

import restoring

DATA = [(f"the man walks on hill {n}", f"The man walks on hill {n}.") for n in range(60)]
SEVERAL = [(text, [right, f"A man is on hill {n}."]) for n, (text, right) in enumerate(DATA)]


def test_the_headline_is_the_corpus(ood):
    result = ood.assert_drop(restoring.copy, DATA, "end-punctuation", max_drop=0.1, task="text")
    assert (result.metric, result.score_name) == ("corpus-chrf", "chrF")


def test_a_measure_is_chosen(ood):
    with pytest.raises(BudgetExceededError, match="corpus-bleu"):
        ood.assert_drop(restoring.copy, SEVERAL, "upper-case", max_drop=0.1, task=FreeText("bleu"))
"""


def sentences(seed: int) -> list[dict[str, Any]]:
    """Return sentences, each with two references, of which one is the sentence and a full stop."""
    rng, rows = random.Random(seed), []
    for n in range(SIZE):
        words = rng.choices(WORDS.split(), k=rng.randint(5, 12))
        text = " ".join(words)
        right = [f"{text}.", " ".join(rng.sample(words, k=len(words)))]
        rows.append({"id": f"{seed}-{n}", "text": text, "written": right})
    return rows


def lines(rows: list[dict[str, Any]]) -> str:
    """Write rows as JSON, one a line."""
    return "".join(f"{json.dumps(row)}\n" for row in rows)


@pytest.fixture
def project(
    pytester: pytest.Pytester,
    user_cache: Any,  # noqa: ARG001
) -> pytest.Pytester:
    """Write sentences, and models that copy them."""
    for seed, name in enumerate(("plain", "other")):
        pytester.path.joinpath(f"{name}.jsonl").write_text(lines(sentences(seed)))
    pytester.path.joinpath("restoring.py").write_text(MODELS)
    pytester.path.joinpath("pyproject.toml").write_text(PROJECT)
    return pytester


@pytest.mark.parametrize(
    ("metric", "measure", "headline", "library"),
    [
        ("chrf", "chrF", "corpus-chrf", sacrebleu.CHRF()),
        ("bleu", "BLEU", "corpus-bleu", sacrebleu.BLEU(force=True)),
    ],
)
def test_texts_are_scored_as_by_their_library(
    project: pytest.Pytester, metric: str, measure: str, headline: str, library: Any
) -> None:
    """Mean and corpus, in distribution and under a shift; no report speaks of accuracy."""
    project.path.joinpath("suite.toml").write_text(SUITE.format(metric=metric))
    run = project.runpytest_inprocess(
        "--ood-suite", "--ood-report", "r.json", "--ood-report", "r.md", "--ood-report", "r.html"
    )
    run.stdout.fnmatch_lines(
        [
            f"fail: copy under noise/keyboard by {headline}: *",
            f"suite: {measure}, then drop of {measure} in points, *",
            f"*note: {measure} by sacrebleu: *version:{sacrebleu.__version__}*",
        ]
    )
    report = json.loads(project.path.joinpath("r.json").read_text())
    sides = [sentences(0), sentences(1)]
    sentence = getattr(sacrebleu, f"sentence_{metric}")
    means = [np.mean([sentence(r["text"], r["written"]).score for r in rows]) for rows in sides]
    corpora = [
        library.corpus_score(
            [row["text"] for row in rows],
            [[row["written"][n] for row in rows] for n in range(2)],
        ).score
        for rows in sides
    ]
    found = {(e["model"], e["shift"], e["metric"]): e for e in report["evaluations"]}
    for name, expected in {"accuracy": means, headline: corpora}.items():
        result = found["copy", "other", name]
        measured = [100 * result[f"score_{side}"] for side in ("in_distribution", "under_shift")]
        assert measured == pytest.approx(expected, abs=1e-6)
        assert result["score_name"] == measure
    assert found["copy", "keyboard", headline]["verdict"] == "fail"
    assert found["copy", "keyboard", "accuracy"]["verdict"] == "measured"
    assert [c["metric"] for c in report["comparisons"]] == [headline]
    for text in (
        run.stdout.str(),
        *(project.path.joinpath(f"r.{e}").read_text() for e in ("md", "html")),
    ):
        assert "accuracy" not in text.lower()
        assert measure in text


def test_the_assertions_take_texts(project: pytest.Pytester) -> None:
    """By the name of the task, or as an object with another measure."""
    project.makepyfile(test_texts=ASSERTIONS)
    project.path.joinpath("pyproject.toml").write_text("[tool.pytest_ood]\nsuites = []\n")
    run = project.runpytest_inprocess("--ood-suite", "test_texts.py")
    run.assert_outcomes(passed=2)


@pytest.mark.demo
def test_similarity_is_measured_and_attacked(project: pytest.Pytester, packaged: Path) -> None:
    """Embeddings come from the run's cache, also to the search that lowers the score."""
    project.path.joinpath("suite.toml").write_text(
        'task = "text"\nmetric = "similarity"\nmax_examples = 20\n'
        'in_distribution = { data = "plain.jsonl", label = "written", id = "id" }\n'
        "[shifts.adversarial.greedy-characters]\nquery_budget = 10\nwrong_below = 0.95\n"
    )
    project.runpytest_inprocess(
        "--ood-suite", "--ood-model=copy", f"--ood-cache={packaged}", "--ood-report=r.json"
    ).assert_outcomes(passed=2)
    report = json.loads(project.path.joinpath("r.json").read_text())
    (floor,), (evaluation,) = report["in_distribution"], report["evaluations"]
    assert floor["score_name"] == evaluation["score_name"] == "similarity"
    assert floor["score"] > 0.9
    assert 0.0 < evaluation["drop"] < 0.5
    assert "all-MiniLM-L6-v2" in report["notes"][0]


@pytest.mark.parametrize(
    ("suite", "row", "message"),
    [
        (
            "bleu",
            {"written": []},
            "plain.jsonl, row 61, field 'written': the reference is empty; *",
        ),
        (
            "bleu",
            {"written": ["a", " "]},
            "plain.jsonl, row 61, field 'written': the reference is *",
        ),
        (
            "rouge-l",
            {"written": "да"},
            "plain.jsonl, row 61, field 'written': *ASCII letter or digit*",
        ),
        ("meteor", {"written": "a"}, "suite.toml: unknown metric 'meteor'. Known: bleu, chrf, *"),
    ],
)
def test_what_no_answer_can_be_compared_with_is_refused(
    project: pytest.Pytester, suite: str, row: dict[str, Any], message: str
) -> None:
    """The message has the file, the row and the field."""
    bad = [*sentences(0), {"id": "bad", "text": "t", **row}]
    project.path.joinpath("plain.jsonl").write_text(lines(bad))
    project.path.joinpath("suite.toml").write_text(SUITE.format(metric=suite))
    run = project.runpytest_inprocess("--ood-suite", "--ood-model", "copy")
    assert run.ret != 0
    pattern = f"*{message}"
    (run.stderr if "unknown" in message else run.stdout).fnmatch_lines([pattern])
