from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_ood.budgets import Rules, Verdict
from pytest_ood.evaluation import Floor, adjust_verdicts
from pytest_ood.statistics import Estimate

SCORE = Estimate(0.8, 0.7, 0.9, 50, 0.4)


def floor(p_fail: float | None, verdict: Verdict = "inconclusive") -> Floor:
    """Make a judged figure with this p-value."""
    return Floor(
        suite="s", model="m", n=50, planned=50, abstained=0, score=SCORE, majority=0.5,
        budget=0.7, verdict=verdict, reason="open", seed=0, data_hash="", p_fail=p_fail,
    )  # fmt: skip


def test_fails_make_room_for_others() -> None:
    """Holm's steps: after two fails of four gates the third is compared with alpha over 2."""
    results = [floor(0.001, "fail"), floor(0.002, "fail"), floor(0.02), floor(0.04)]
    settled = adjust_verdicts(results, Rules(0.05, "holm", 4))
    assert [r.verdict for r in settled] == ["fail", "fail", "fail", "fail"]
    assert [r.p_fail_adjusted for r in settled] == pytest.approx([0.004, 0.006, 0.04, 0.04])
    assert settled[2].reason == "by Holm's procedure over 4 gates (adjusted p = 0.04)"
    assert settled[0].reason == "open"


def test_what_no_step_reaches_stays_open() -> None:
    """The steps end at the first p-value that is too large."""
    results = [floor(0.001, "fail"), floor(0.03), floor(0.04)]
    settled = adjust_verdicts(results, Rules(0.05, "holm", 3))
    assert [r.verdict for r in settled] == ["fail", "inconclusive", "inconclusive"]


def test_gates_not_measured_and_invalid_ones_count() -> None:
    """A family is as large as the configuration says, whatever was measured or is invalid."""
    results = [floor(0.012), floor(1e-6, "invalid"), floor(None, "measured")]
    few = adjust_verdicts(results, Rules(0.05, "holm", 4))
    assert [r.verdict for r in few] == ["fail", "invalid", "measured"]
    assert [r.p_fail_adjusted for r in few] == [pytest.approx(0.048), None, None]
    many = adjust_verdicts(results, Rules(0.05, "holm", 5))
    assert many[0].verdict == "inconclusive"


def test_benjamini_hochberg_finds_more() -> None:
    """Of ten gates with p-values just under alpha all fail, where Holm leaves all of them open."""
    results = [floor(0.04)] * 10
    assert {r.verdict for r in adjust_verdicts(results, Rules(0.05, "holm", 10))} == {
        "inconclusive"
    }
    rules = Rules(0.05, "benjamini-hochberg", 10)
    settled = adjust_verdicts(results, rules)
    assert {r.verdict for r in settled} == {"fail"}
    assert "Benjamini and Hochberg" in settled[0].reason


def test_settling_twice_changes_nothing() -> None:
    """The procedure depends on the p-values, not on the verdicts it gave."""
    rules = Rules(0.05, "holm", 4)
    once = adjust_verdicts([floor(0.001, "fail"), floor(0.012), floor(0.3)], rules)
    assert adjust_verdicts(once, rules) == once


def test_a_pass_is_never_turned() -> None:
    """Adjusting says nothing about what has passed."""
    passed = replace(floor(0.9), verdict="pass")
    assert adjust_verdicts([passed], Rules(0.05, "none", 1))[0].verdict == "pass"
