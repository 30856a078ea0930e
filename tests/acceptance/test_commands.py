"""From a data file to an exit status: init, finetune and the gate, in real processes."""

from __future__ import annotations

import json
import sys

import pytest

from pytest_ood.commands import main

WORDS = {
    "bad": ("terrible", "dreadful", "awful", "boring"),
    "good": ("wonderful", "superb", "delightful", "moving"),
}


def write_reviews(pytester: pytest.Pytester, name: str, noun: str, count: int) -> None:
    """Write a CSV file of reviews whose label three words give away."""
    lines = ["review,stars,sentiment"]
    for n in range(count):
        label = ("bad", "good")[n % 2]
        words = " and ".join(WORDS[label][(n // 2 + k) % 4] for k in range(3))
        lines.append(f'"The {noun}, number {n}, was {words}.",{n % 5},{label}')
    pytester.path.joinpath(name).write_text("\n".join(lines) + "\n")


def run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    """Run a module in a process of its own."""
    return pytester.run(sys.executable, "-m", *arguments)


@pytest.fixture
def reviews(pytester: pytest.Pytester, user_cache: None) -> pytest.Pytester:  # noqa: ARG001
    """Make a folder that holds two data files and nothing else."""
    write_reviews(pytester, "reviews.csv", "film", 300)
    write_reviews(pytester, "tweets.csv", "day", 100)
    return pytester


def test_two_commands_lead_to_a_verdict(reviews: pytest.Pytester) -> None:
    """What init writes runs at once: an own pipeline is trained, and the exit status is a gate."""
    done = run(reviews, "pytest_ood", "init", "--data", "reviews.csv", "--out-of-distribution",
               "tweets.csv", "--model", "tfidf")  # fmt: skip
    assert done.ret == 0
    done.stdout.fnmatch_lines(["*reviews.csv: 300 examples, text in review, label in sentiment*"])
    reviews.makepyfile(
        test_own="""
        def test_typos(ood, ood_model, reviews):
            ood.assert_drop(ood_model, reviews, "keyboard", max_drop=0.20)
        """
    )
    passed = run(reviews, "pytest", "--ood-suite", "--ood-report", "report.json")
    assert passed.ret == pytest.ExitCode.OK
    passed.stdout.fnmatch_lines([" tweets*pass", " greedy-characters * *"])
    report = json.loads(reviews.path.joinpath("report.json").read_text())
    assert [e["shift"] for e in report["evaluations"]] == [
        "tweets", "keyboard", "ocr", "misspelling", "greedy-characters",
    ]  # fmt: skip
    passed.stdout.fnmatch_lines(["test_own.py .*"])
    suite = reviews.path / "suites" / "reviews.toml"
    suite.write_text(suite.read_text().replace("max_drop = 0.60", "max_drop = 0.0"))
    failed = run(reviews, "pytest", "--ood-suite", "--ood-only", "adversarial")
    assert failed.ret == pytest.ExitCode.TESTS_FAILED


@pytest.mark.usefixtures("one_thread")
def test_what_finetune_makes_is_a_model_for_init(
    reviews: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A classifier trained by one command is found, and put to the gate, by the next."""
    monkeypatch.chdir(reviews.path)
    columns = ["--text-column", "review", "--label-column", "sentiment"]
    assert main(["finetune", "--base", "new:roberta", "--data", "tweets.csv", *columns,
                 "--epochs", "4", "--learning-rate", "2e-3", "--batch-size", "16",
                 "--out", "models/own"]) == 0  # fmt: skip
    assert main(["init", "--data", "reviews.csv", "--model", "hf", "models/own"]) == 0
    result = reviews.runpytest_inprocess(
        "--ood-suite", "--ood-max-examples", "40", "--ood-only", "in-distribution",
        "--ood-report", "report.json",
    )  # fmt: skip
    assert result.ret == pytest.ExitCode.OK
    report = json.loads(reviews.path.joinpath("report.json").read_text())
    (floor,) = report["in_distribution"]
    assert floor["model"] == "own"
    assert floor["score"] > 0.9
