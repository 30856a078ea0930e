"""A study of real models: four fitted here on more and more data, and one that is only a rule."""

from __future__ import annotations

import json
import sys
from random import Random

import pytest

MODELS = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

def tfidf():
    return make_pipeline(TfidfVectorizer(), LogisticRegression(C=100.0))

def rule(inputs):
    return ["positive" if _odd(text) > 0 else "negative" for text in inputs]

def _odd(text):
    known = [int(word.strip("word")) for word in text.split() if word.strip("word").isdigit()]
    return sum(1 if number % 2 else -1 for number in known if number < 150)
"""


def rows(count: int, seed: int, words: int) -> str:
    """Return texts of many words; odd ones go with one label more often than not."""
    draw, lines = Random(seed), []
    for _ in range(count):
        side = draw.randrange(2)
        chosen = []
        for _ in range(12):
            word = draw.randrange(words)
            if draw.random() < 0.4:
                word = word - word % 2 + side
            chosen.append(f"word{word}")
        label = ("negative", "positive")[side]
        lines.append(json.dumps({"text": " ".join(chosen), "label": label}))
    return "\n".join(lines)


@pytest.fixture
def curve(pytester: pytest.Pytester, user_cache: object) -> pytest.Pytester:
    """Write data, a suite, and models that were fitted on 20 to 1,000 of its rows."""
    del user_cache
    path = pytester.path
    path.joinpath("train.jsonl").write_text(rows(1000, 1, 300))
    path.joinpath("test.jsonl").write_text(rows(300, 2, 300))
    path.joinpath("other.jsonl").write_text(rows(300, 3, 450))
    path.joinpath("words.py").write_text(MODELS)
    path.joinpath("words.toml").write_text(
        'labels = ["negative", "positive"]\nin_distribution = "test.jsonl"\n'
        '[shifts.domain.other]\ndata = "other.jsonl"\n[shifts.noise.swap]\n'
    )
    tables = ['[tool.pytest_ood]\nsuites = ["words.toml"]\nsequential = false\n']
    tables += [
        f'[tool.pytest_ood.models.tfidf-{count}]\nsklearn = "words:tfidf"\n'
        f'train = {{ data = "train.jsonl", max_examples = {count} }}\n'
        for count in (20, 100, 300, 1000)
    ]
    tables.append(
        '[tool.pytest_ood.models.rule]\ncallable = "words:rule"\nparadigm = "prompted"\n'
        "size = 175e9\nshots = 4\n"
    )
    path.joinpath("pyproject.toml").write_text("\n".join(tables))
    return pytester


def test_a_run_can_be_studied(curve: pytest.Pytester) -> None:
    """The report knows sizes and training examples, and the study makes tables, plots, answers."""
    curve.runpytest_inprocess("--ood-suite", "--ood-report", "runs.json", "-q")
    report = json.loads(curve.path.joinpath("runs.json").read_text())
    facts = {m["name"]: m for m in report["models"]}
    assert [facts[f"tfidf-{n}"]["training_examples"] for n in (20, 100, 300, 1000)] == [
        20, 100, 300, 1000,
    ]  # fmt: skip
    # A coefficient for each word, and an intercept.
    assert facts["tfidf-20"]["size"] < facts["tfidf-1000"]["size"] == 301
    assert facts["tfidf-20"]["base"] == "words:tfidf"
    assert (facts["rule"]["size"], facts["rule"]["shots"]) == (175_000_000_000, 4)
    assert len({m["fingerprint"] for m in report["models"]}) == 5

    command = [sys.executable, "-m", "pytest_ood", "study", "runs.json", "--html", "study.html"]
    result = curve.run(*command)
    assert result.ret == 0
    result.stdout.fnmatch_lines(
        [
            "words (seed 0): 5 models; baselines, which lines go through: tfidf-100, *",
            "domain/other: accuracy, and points beyond the baselines' line, 90% intervals",
            "Under other, *",
            "over the size of models (number of weights)",
            "fine-tuned: tfidf-20 *",
            "over the number of labelled examples",
            " In distribution, words:tfidf passes rule at about * training examples *",
        ]
    )
    assert curve.path.joinpath("study.html").read_text().count("<figure") == 2 + 3 + 3
