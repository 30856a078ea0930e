"""Suites with filters, relabelling and severities, run as their users run them."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

SUITE = """
labels = ["negative", "positive"]
in_distribution = { data = "reviews.jsonl", id = "id" }
"""


def evaluated(
    project: pytest.Pytester, shift: str, *options: str
) -> tuple[pytest.RunResult, dict[str, Any]]:
    """Run the project's models under one noise shift, and read the report."""
    project.path.joinpath("reviews.toml").write_text(f"{SUITE}[shifts.noise.shift]\n{shift}\n")
    result = project.runpytest_inprocess("--ood-suite", "--ood-report", "r.json", *options)
    report: dict[str, Any] = json.loads(project.path.joinpath("r.json").read_text())
    return result, report


def test_what_the_filter_rejects_is_left_out_and_counted(project: pytest.Pytester) -> None:
    """Texts that differ too much are not asked about; table and report say how many they are."""
    shift = """
    perturbation = "keyboard"
    severity = 3
    filter = { name = "edit-distance", most = 0.03 }
    """
    result, report = evaluated(project, shift)
    for evaluation in report["evaluations"]:
        assert 0 < evaluation["details"]["rejected"] < 300
        assert evaluation["n"] + evaluation["details"]["rejected"] + evaluation["unchanged"] == 300
    rejected = report["evaluations"][0]["details"]["rejected"]
    result.stdout.fnmatch_lines(
        [f"*(shift: *rejected by the validity filter, left out: {rejected}*"]
    )


def test_a_filter_of_one_s_own(project: pytest.Pytester) -> None:
    """A filter in the project's folder decides, in the process that runs the suite."""
    project.path.joinpath("own_filters.py").write_text(
        "class Sparing:\n"
        "    name = 'sparing'\n"
        "    fingerprint = 'sparing-1'\n"
        "    def accepts(self, cases):\n"
        "        return [int(c.original.split()[1]) % 10 != 3 for c in cases]\n"
    )
    _, report = evaluated(project, 'perturbation = "swap"\nfilter = "own_filters:Sparing"')
    assert {e["details"]["rejected"] for e in report["evaluations"]} == {30}


def test_all_rejected_is_no_measurement(project: pytest.Pytester) -> None:
    """Where the filter leaves nothing, the check says how many it rejected."""
    shift = 'perturbation = "keyboard"\nfilter = { name = "edit-distance", most = 0.0 }'
    project.path.joinpath("reviews.toml").write_text(f"{SUITE}[shifts.noise.shift]\n{shift}\n")
    result = project.runpytest_inprocess("--ood-suite")
    result.stdout.fnmatch_lines(["*changed none of 300 examples*filter rejected 300*"])
    assert result.ret == pytest.ExitCode.TESTS_FAILED


NEGATION = """
perturbation = "negate"
severity = 5
max_drop = 0.10
"""


def test_a_negated_text_is_scored_against_the_other_label(project: pytest.Pytester) -> None:
    """Models that look at single words say the same of the contrary, which is wrong now."""
    result, report = evaluated(project, NEGATION)
    for evaluation in report["evaluations"]:
        assert (evaluation["score_in_distribution"], evaluation["score_under_shift"]) == (1.0, 0.0)
        assert evaluation["verdict"] == "fail"
    result.stdout.re_match_lines(
        [
            r".*that were right before and are wrong under the shift:",
            r".*truth: positive before, negative after",
            r".*after, answered positive: .* was (not|never|hardly) a .*",
        ]
    )
    flip = report["evaluations"][0]["flips"][0]
    assert (flip["label_before"], flip["label"]) in [
        ("positive", "negative"),
        ("negative", "positive"),
    ]


def test_a_model_that_understands_not_passes(project: pytest.Pytester) -> None:
    """Whoever turns the answer at a "not" keeps the whole score."""
    project.path.joinpath("pyproject.toml").write_text(
        '[tool.pytest_ood]\nsuites = ["reviews.toml"]\n'
        '[tool.pytest_ood.models.careful]\ncallable = "careful_model:answer"\n'
    )
    project.path.joinpath("careful_model.py").write_text(
        "import re\n"
        "def answer(texts):\n"
        "    no = re.compile('not|never|hardly')\n"
        "    good = [('wonderful' in t) != bool(no.search(t)) for t in texts]\n"
        "    return ['positive' if g else 'negative' for g in good]\n"
    )
    result, report = evaluated(project, NEGATION)
    assert [e["score_under_shift"] for e in report["evaluations"]] == [1.0]
    assert result.ret == pytest.ExitCode.OK


def test_the_user_says_which_label_follows(project: pytest.Pytester) -> None:
    """A table of labels takes the place of "the other one"."""
    table = 'relabel = { positive = "positive", negative = "negative" }'
    _, report = evaluated(project, NEGATION + table)
    assert {e["score_under_shift"] for e in report["evaluations"]} == {1.0}


def test_all_severities_make_a_curve(project: pytest.Pytester) -> None:
    """Every severity is a check; the report has accuracy over severity, and its area."""
    result, report = evaluated(project, 'perturbation = "keyboard"\nseverity = "all"', "-rA")
    for level in range(1, 6):
        result.stdout.fnmatch_lines(
            [f"PASSED pyproject.toml::reviews/noise/shift@{level}[[]frail[]]"]
        )
    sturdy, frail = report["severity_curves"]
    assert (sturdy["model"], frail["model"], frail["shift"]) == ("sturdy", "frail", "shift")
    for curve in (sturdy, frail):
        accuracies = [point["accuracy"] for point in curve["accuracies"]]
        assert [point["severity"] for point in curve["accuracies"]] == [0, 1, 2, 3, 4, 5]
        assert accuracies[0] == 1.0
        assert accuracies[5] < accuracies[1]
        steps = itertools.pairwise(accuracies)
        assert curve["area"] == pytest.approx(sum(a + b for a, b in steps) / 10)
        assert curve["interval"][0] < curve["area"] < curve["interval"][1]
        assert curve["area_relative"] == pytest.approx(curve["area"])
    result.stdout.fnmatch_lines(
        [
            "score over the severity of shift; area*",
            " frail*100.0*area * % of severity 0, n = *",
        ]
    )


@pytest.mark.parametrize("chosen", ["shift", "reviews/noise/shift"])
def test_a_perturbation_s_name_chooses_all_its_severities(
    project: pytest.Pytester, chosen: str
) -> None:
    """`--ood-only` takes the name of the family, and of one severity."""
    shift = 'perturbation = "keyboard"\nseverity = [1, 5]'
    project.path.joinpath("reviews.toml").write_text(f"{SUITE}[shifts.noise.shift]\n{shift}\n")
    listing = ("--ood-suite", "--collect-only", "-q", "--ood-model", "frail", "--ood-only")
    found = project.runpytest_inprocess(*listing, chosen).outlines
    assert [line for line in found if "[" in line] == [
        f"pyproject.toml::reviews/noise/shift@{level}[frail]" for level in (1, 5)
    ]  # fmt: skip
    found = project.runpytest_inprocess(*listing, "shift@5").outlines
    assert [line for line in found if "[" in line] == [
        "pyproject.toml::reviews/noise/shift@5[frail]"
    ]


def test_an_assertion_scores_a_negated_text_against_the_other_label(
    project: pytest.Pytester,
) -> None:
    """`ood.assert_drop` knows which label follows, as suites do."""
    project.path.joinpath("test_own.py").write_text(
        """
import json
import re
from pathlib import Path
from pytest_ood import FakeModel

ROWS = [json.loads(line) for line in Path("reviews.jsonl").read_text().splitlines()]
REVIEWS = [(row["text"], row["label"]) for row in ROWS]


def careful(texts):
    no = re.compile("not|never|hardly")
    good = [("wonderful" in t) != bool(no.search(t)) for t in texts]
    return ["positive" if g else "negative" for g in good]


def test_careful(ood):
    assert ood.assert_drop(careful, REVIEWS, "negate", max_drop=0.05).score_under_shift == 1.0


def test_frail(ood):
    words = {"positive": ["wonderful"], "negative": ["terrible"]}
    frail = FakeModel("frail", "keyword", ("negative", "positive"), words)
    ood.assert_drop(frail, REVIEWS, "negate", max_drop=0.05)
"""
    )
    result = project.runpytest_inprocess("--ood-suite", "-k", "test_own")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*fail: frail under noise/negate*"])


def test_helm_s_robust_score_of_one_composite(project: pytest.Pytester) -> None:
    """The worst of the original and one perturbed version, example by example.

    Liang et al. 2022, HELM, section 4.3; the version is its mild mix (appendix D.1).
    """
    mild = """
    perturbation = ["lower-case", "contract", "misspelling", "extra-spaces"]
    parameters = { misspelling = { share = 0.1 } }
    [budgets]
    worst-case = { max_drop = 0.9 }
    """
    result, report = evaluated(project, mild)
    assert result.ret == pytest.ExitCode.OK
    found = {(e["model"], e["shift"]): e for e in report["evaluations"]}
    for model in {e["model"] for e in report["evaluations"]}:
        version, worst = found[model, "shift"], found[model, "worst-case"]
        assert version["n"] + version["unchanged"] == 300 == worst["n"]
        lost = version["flipped"]
        assert worst["score_under_shift"] == pytest.approx(
            worst["score_in_distribution"] - lost / 300
        )
