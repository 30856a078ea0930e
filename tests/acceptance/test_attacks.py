"""Attacks in suites, run as their users run them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from pytest_ood.commands import main

ATTACK = "[shifts.adversarial.greedy-characters]\nquery_budget = 20\nmax_examples = 30\n"


@pytest.fixture
def attacks(project: pytest.Pytester) -> pytest.Pytester:
    """Give the project an attack of its own on each model, and one against a third model."""
    suite = project.path / "reviews.toml"
    more = ATTACK + 'max_drop = 0.2\n[shifts.adversarial.replayed]\nattack = "pruthi"\n'
    more += 'against = "third"\nmax_examples = 100\nmargin = 0.05\n'
    suite.write_text(suite.read_text().replace(ATTACK, more))
    path = project.path / "pyproject.toml"
    path.write_text(
        path.read_text()
        + textwrap.dedent(
            """
            [tool.pytest_ood.models.third]
            fake = "keyword"
            words = { positive = ["wonderful"], negative = ["terrible"] }
            """
        )
    )
    return project


def reported(project: pytest.Pytester, *options: str) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run the attacks and read the report."""
    result = project.runpytest_inprocess(
        "--ood-suite", "--ood-only", "adversarial", "--ood-report", "r.json", *options
    )
    report: dict[str, Any] = json.loads(project.path.joinpath("r.json").read_text())
    return result, report


def test_the_report_keeps_kinds_of_attacks_apart(attacks: pytest.Pytester) -> None:
    """Each model attacked by itself stands under one heading, a surrogate's examples another."""
    result, report = reported(attacks)
    result.stdout.fnmatch_lines(
        [
            "adversarial: each model attacked by itself",
            " greedy-characters*",
            "*attack success rate: * of 30*",
            "adversarial: made against third, replayed on the others",
            " replayed*",
            "*adversarial examples that fool third: *",
            "made against third: adversarial examples transfer best to similar models, so other*",
        ]
    )
    told = " ".join(result.stdout.str().split())
    assert "on adversarial examples made against third frail (prompted) drops 100.0 points" in told
    own = {e["model"]: e for e in report["evaluations"] if e["surrogate"] is None}
    replayed = {e["model"]: e for e in report["evaluations"] if e["surrogate"] == "third"}
    assert set(own) == {"sturdy", "frail", "third"}
    assert set(replayed) == {"sturdy", "frail"}
    assert replayed["sturdy"]["shifted_set_hash"] == replayed["frail"]["shifted_set_hash"]
    assert {c["shift"]: c["surrogate"] for c in report["comparisons"]} == {"replayed": "third"}
    attack = own["frail"]["details"]["figures"]
    assert attack["attacked"] == 30
    for name in ("accuracy", "success_rate", "queries", "edited_words"):
        low, high = attack[name]["interval"]
        assert low <= attack[name]["value"] <= high
    # The attack that made them was on the surrogate.
    assert replayed["frail"]["details"] == replayed["sturdy"]["details"]
    assert replayed["frail"]["details"]["figures"]["attacked"] == 100


def test_a_success_is_shown_as_a_word_diff(attacks: pytest.Pytester) -> None:
    """The failure text has success, accuracy, queries and edits, and minimal examples as diffs."""
    result, _ = reported(attacks, "--ood-model", "frail")
    result.stdout.fnmatch_lines(
        [
            "fail: frail under adversarial/greedy-characters: *",
            "  attack success rate: * % [[]*[]] of 30",
            "  queries per attacked example: * [[]*[]]",
            "  accuracy under attack: *",
            "  median queries per attacked example: * [[]*[]]",
            "  queries to leave edits out again: *",
            "  words edited per success: * % [[]*[]]",
            "  characters edited per success: * % [[]*[]]",
            "*answered negative, then answered positive: *[[]-terrible-[]]{+*+}*",
        ]
    )


def test_workers_and_reruns_change_nothing(attacks: pytest.Pytester) -> None:
    """Serial, on two workers, and again out of the cache: one report."""
    _, serial = reported(attacks)
    _, cached = reported(attacks)
    _, parallel = reported(attacks, "-n", "2", "--ood-cache", "other")
    for report in (cached, parallel):
        for part in ("evaluations", "comparisons", "paradigm_comparisons"):
            assert report[part] == serial[part]


def test_frozen_examples_are_replayed(
    attacks: pytest.Pytester, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once frozen, the surrogate is not attacked again, whatever has become of it."""
    _, before = reported(attacks)
    assert main(["freeze", "--cache", "frozen-cache"]) == 0
    assert "replayed: " in capsys.readouterr().out
    path = attacks.path / "pyproject.toml"
    text = path.read_text().replace(
        "[tool.pytest_ood]\n", '[tool.pytest_ood]\nfrozen = ["frozen/reviews.jsonl"]\n'
    )
    # The surrogate is another by now.
    path.write_text(text.replace('negative = ["terrible"] }\n"""', 'negative = ["dull"] }\n"""'))
    _, after = reported(attacks, "--ood-seed", "5")

    def replayed(report: dict[str, Any]) -> list[tuple[Any, ...]]:
        return [
            (e["model"], e["n"], e["drop"], e["shifted_set_hash"])
            for e in report["evaluations"]
            if e["surrogate"]
        ]

    assert replayed(after) == replayed(before)


def test_a_killed_run_goes_on_where_it_was(attacks: pytest.Pytester) -> None:
    """`kill -9` in an attack costs the last batches: the next run asks these and the rest."""
    attacks.path.joinpath("slow.py").write_text(
        textwrap.dedent(
            """
            import os, signal, pathlib

            COUNT = pathlib.Path("asked.txt")

            def answer(texts):
                asked = int(COUNT.read_text()) if COUNT.exists() else 0
                limit = int(os.environ.get("LIMIT", "1000000"))
                if asked + len(texts) > limit:
                    os.kill(os.getpid(), signal.SIGKILL)
                COUNT.write_text(str(asked + len(texts)))
                return ["negative" if "terrible" in text else "positive" for text in texts]
            """
        )
    )
    path = attacks.path / "pyproject.toml"
    path.write_text(
        path.read_text()
        + '[tool.pytest_ood.models.slow]\ncallable = "slow:answer"\nfingerprint = "v1"\n'
    )

    def run(cache: str, limit: int | None = None) -> tuple[int, int]:
        command = [sys.executable, "-m", "pytest", "--ood-suite", "--ood-only",
                   "greedy-characters", "--ood-model", "slow", "--ood-cache", cache,
                   "--ood-report", f"{cache}.json", "-q"]  # fmt: skip
        environment = {**os.environ, **({} if limit is None else {"LIMIT": str(limit)})}
        done = subprocess.run(
            command, cwd=attacks.path, env=environment, capture_output=True, check=False
        )
        asked = Path(attacks.path, "asked.txt")
        count = int(asked.read_text())
        return done.returncode, count

    status, whole = run("whole")
    assert status in (0, 1)
    Path(attacks.path, "asked.txt").unlink()
    status, first = run("broken", limit=whole // 2)
    assert status == -signal.SIGKILL
    status, total = run("broken")
    assert status in (0, 1)
    assert first <= whole // 2
    # What was answered was kept, but for the last tenth of a second, three batches at most.
    assert whole <= total <= whole + 8 + 32 + 128
    reports = [json.loads(Path(attacks.path, f"{name}.json").read_text()) for name in
               ("whole", "broken")]  # fmt: skip
    assert reports[0]["evaluations"] == reports[1]["evaluations"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ('against = "thrid"', "unknown model 'thrid'. Did you mean 'third'?"),
        ('against = "third"\nquery_budget = 0', "query_budget = 0 is not a whole number"),
        ('against = "third"\nmax_queries = 3', "max_queries = 3 is less than one example"),
        ('against = "third"\nparameters = { widht = 2 }', "unknown parameter 'widht'. Did you"),
        ('against = "third"\nfilter = "edit"', "unknown filter 'edit'. Known: edit-distance"),
    ],
)
def test_what_is_wrong_is_told_before_anything_runs(
    attacks: pytest.Pytester, given: str, message: str
) -> None:
    """A wrong key or value of an attack is a usage error."""
    path = attacks.path / "reviews.toml"
    path.write_text(path.read_text().replace('against = "third"', given))
    result = attacks.runpytest_inprocess("--ood-suite")
    result.stderr.fnmatch_lines([f"*{message}*"])
    assert result.ret == pytest.ExitCode.USAGE_ERROR


def test_an_assertion_takes_examples_made_against_another_model(
    project: pytest.Pytester,
) -> None:
    """`made_against` and `query_budget` go with an attack, and with nothing else."""
    project.makepyfile(
        """
        import pytest
        from pytest_ood import FakeModel, OodError

        LABELS = ("negative", "positive")
        REVIEWS = [(f"A {w} and {v} film, number {n}.", label) for n in range(40)
                   for w, v, label in [("terrible", "dreadful", "negative"),
                                       ("wonderful", "delightful", "positive")]]

        def fake(name, *words):
            both = {"negative": [w for w in words if w in ("terrible", "dreadful")],
                    "positive": [w for w in words if w in ("wonderful", "delightful")]}
            return FakeModel(name, "keyword", LABELS, both)

        STURDY = fake("sturdy", "terrible", "dreadful", "wonderful", "delightful")
        FRAIL, WEAK = fake("frail", "terrible", "wonderful"), fake("weak", "dreadful", "wonderful")

        def test_transfer(ood):
            result = ood.assert_drop(STURDY, REVIEWS, "deepwordbug", max_drop=0.3,
                                     made_against=FRAIL, query_budget=30)
            assert (result.surrogate, result.n) == ("frail", 40)

        def test_own(ood):
            with pytest.raises(AssertionError, match="attack success rate"):
                ood.assert_drop(FRAIL, REVIEWS, "deepwordbug", max_drop=0.3, query_budget=30)

        def test_no_less_robust(ood):
            ood.assert_no_less_robust(STURDY, than=WEAK, on=REVIEWS, under="deepwordbug",
                                      margin=0.2, made_against=FRAIL)

        def test_refusals(ood):
            with pytest.raises(OodError, match="says nothing about it; name another model"):
                ood.assert_drop(FRAIL, REVIEWS, "pruthi", max_drop=0.3, made_against=FRAIL)
            with pytest.raises(OodError, match="'keyboard' is no attack"):
                ood.assert_drop(FRAIL, REVIEWS, "keyboard", max_drop=0.3, query_budget=9)
            with pytest.raises(OodError, match="two of the models are called 'frail'"):
                ood.assert_drop(fake("frail", "dreadful", "wonderful"), REVIEWS, "pruthi",
                                max_drop=0.3, made_against=FRAIL)
            with pytest.raises(OodError, match="unknown perturbation or attack 'deepwordbig'"):
                ood.assert_drop(FRAIL, REVIEWS, "deepwordbig", max_drop=0.3)
        """
    )
    result = project.runpytest_inprocess("--ood-suite", "--ood-model", "sturdy", "-k", "test_")
    result.assert_outcomes(passed=4)
