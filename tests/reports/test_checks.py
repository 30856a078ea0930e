from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, get_args

import pytest

from pytest_ood.analysis.serialization import from_json
from pytest_ood.budgets import Verdict
from pytest_ood.evaluation import (
    AttackDetails,
    DomainDetails,
    Evaluation,
    LabelCounts,
    PerturbationDetails,
)
from pytest_ood.reports import checks, formats, wording
from pytest_ood.reports.checks import CheckRow

Report = dict[str, Any]


def rows_of(report: Report) -> list[CheckRow]:
    """Return the checks of a report's plain values."""
    return checks.check_rows(from_json(report))


def remarks_of(row: CheckRow) -> dict[str, str]:
    """Return the remarks on a check."""
    return {remark.subject: remark.value for remark in row.remarks}


def test_every_verdict_has_a_word_a_sign_and_a_meaning() -> None:
    """None of the verdicts there are is left without, an error included."""
    for table in (wording.VERDICT_WORDS, wording.VERDICT_SIGNS, wording.MEANINGS):
        assert set(table) == {*get_args(Verdict), "error"} == set(wording.WORST_FIRST)


def test_a_line_for_every_check(full_report: Report) -> None:
    """Scores, drops, differences and changes are all read, with a command that repeats each."""
    found = rows_of(full_report)
    sizes = [sum(line.sort == what for line in found)
             for what in ("score", "drop", "difference", "change")]  # fmt: skip
    assert sizes == [2, 14, 6, 16]
    line = next(n for n in found if n.sort == "difference")
    assert line.rerun == (
        "pytest --ood-suite --ood-only reviews/domain/lamps --ood-model frail --ood-seed 0"
    )
    assert line.budget == "at most 5.0 more"
    assert found[0].budget == "at least 80.0"
    assert found[0].path == "reviews/in-distribution"


def test_a_score_is_called_what_its_task_calls_it(full_report: Report) -> None:
    """A measure that is in no list is shown under its own name, and cannot break a page."""
    report = copy.deepcopy(full_report)
    assert checks.score_name(rows_of(report)) == "accuracy"
    for row in report["in_distribution"]:
        row["score_name"] = "BLEU <b>\n"
    lines = rows_of(report)
    assert checks.score_name(lines) == lines[0].figure == "BLEU <b>\\n"
    assert "BLEU &lt;b&gt;\\n" in formats.render(".html", from_json(report))
    assert "`BLEU <b>\\n`, then drop of `BLEU <b>\\n` in points" in formats.render(
        ".md", from_json(report)
    )
    for row in report["in_distribution"]:
        # As a report of an earlier version.
        del row["score_name"]
    assert checks.score_name(rows_of(report)[:2]) == "accuracy"


def test_a_name_for_a_shell_is_quoted(full_report: Report) -> None:
    """A model's name that a shell would act on does nothing in the command."""
    report = copy.deepcopy(full_report)
    report["in_distribution"][0]["model"] = "a b; rm -r $HOME"
    assert "--ood-model 'a b; rm -r $HOME' " in rows_of(report)[0].rerun


@pytest.mark.parametrize(
    ("verdicts", "errors", "verdict", "sentence"),
    [
        (("pass", "fail"), 0, "fail", "Of 2 checks: 1 beyond budget, 1 within budget."),
        (("pass", "invalid"), 1, "invalid",
         "Of 3 checks: 1 invalid, 1 not carried out, 1 within budget."),
        (("pass", "pass"), 1, "error", "Of 3 checks: 1 not carried out, 2 within budget."),
        (("inconclusive", "pass"), 0, "inconclusive",
         "Of 2 checks: 1 inconclusive, 1 within budget."),
        (("pass", "measured"), 0, "pass", "Of 2 checks: 1 within budget, 1 without a budget."),
        (("measured", "measured"), 0, "measured", "Of 2 checks: 2 without a budget."),
    ],
)  # fmt: skip
def test_the_headline_is_the_worst_there_is(
    verdicts: tuple[str, ...], errors: int, verdict: str, sentence: str, full_report: Report
) -> None:
    """What fails the run comes before what is open, and both before what passes."""
    floors = full_report["in_distribution"]
    report = {
        **full_report,
        "in_distribution": [{**floors[0], "verdict": v} for v in verdicts],
        "evaluations": [],
        "comparisons": [],
        "release": None,
        "errors": [{"check": "a", "message": "b"}] * errors,
    }
    top = checks.headline(from_json(report))
    assert (top.verdict, top.sentence) == (verdict, sentence)


def test_every_model_has_its_own_headline(full_report: Report) -> None:
    """What a run comes to is told for each model, its checks counted once."""
    found = dict(checks.model_headlines(from_json(full_report)))
    assert list(found) == ["sturdy", "frail"]
    total = sum(count for top in found.values() for _, count in top.counts)
    assert total == sum(count for _, count in checks.headline(from_json(full_report)).counts)
    assert found["frail"].verdict == "fail"
    assert found["frail"].sentence.endswith(" within budget")


def test_a_release_fails_the_headline_where_it_was_judged(full_report: Report) -> None:
    """A change beyond its budget counts as a check; one without a budget does not."""
    floors = full_report["in_distribution"][:1]
    change = {**full_report["release"]["changes"][0], "verdict": "fail"}
    report = {
        **full_report, "in_distribution": floors, "evaluations": [], "comparisons": [],
        "release": {"earlier": "v1", "changes": [change], "notes": []},
    }  # fmt: skip
    assert (
        checks.headline(from_json(report)).sentence
        == "Of 2 checks: 1 beyond budget, 1 within budget."
    )
    change["verdict"] = "measured"
    assert checks.headline(from_json(report)).sentence == "Of one check: 1 within budget."


def test_a_change_without_a_common_example_has_no_figure(full_report: Report) -> None:
    """It is said to have none, rather than to be 0."""
    report = copy.deepcopy(full_report)
    report["release"]["changes"][0].update(drop=None, interval=None, n=0)
    (line,) = (n for n in rows_of(report) if n.sort == "change" and n.estimate is None)
    assert (line.value, line.interval, line.scores) == ("none", "", None)
    assert remarks_of(line) == {"examples then, now": "300, 300"}


def test_a_remark_on_all_models_stands_once(short_report: Report) -> None:
    """What holds for all is said once, what differs with names."""
    line = next(n for n in rows_of(short_report) if n.sort == "drop")
    assert isinstance(line.result, Evaluation)
    seeds = {"a": (0.1,), "b": (0.0, 0.2)}
    results = [
        replace(line.result, model=model, errors={}, abstained=4, seed_drops=drops)
        for model, drops in seeds.items()
    ]
    merged = dict(wording.merged_remarks([(r.model, wording.remarks_on(r)) for r in results]))
    assert merged["abstained"] == f"4 of {line.n:,}"
    assert merged["range over 2 seeds"] == "b 0.0 to 20.0"


def test_everything_a_reader_has_to_know_is_remarked(short_report: Report) -> None:
    """What was left out, abstained, got no answer, changed its mind or stopped early is told."""
    line = next(n for n in rows_of(short_report) if n.kind == "noise")
    assert isinstance(line.result, Evaluation)
    result = replace(
        line.result, unchanged=1, abstained=3, errors={"no server": 4}, inconsistency_rate=0.06,
        drawn=9, planned=100, seed_drops=(0.1,), n=50, score_under_shift=0.47,
        details=PerturbationDetails(rejected=2),
    )  # fmt: skip
    assert remarks_of(replace(line, result=result)) == {
        "unchanged, left out": "1",
        "rejected by the validity filter, left out": "2",
        "abstained": "3 of 50",
        "score when it answers": "50.0",
        "error, inputs without an answer, left out (no server)": "4",
        "asked again, answers differently": "6.0 %",
        "settled early": "after 9 of 100",
    }
    several = replace(result, seed_drops=(0.1, 0.2))
    remarks = remarks_of(replace(line, result=several))
    assert remarks["range over 2 seeds"] == "10.0 to 20.0"
    assert "score when it answers" not in remarks
    domain = DomainDetails(reweighted_drop=0.07, in_domain_score=0.8)
    remarks = remarks_of(replace(line, result=replace(result, details=domain)))
    assert remarks["drop at the in-distribution label distribution"] == "7.0"
    assert remarks["score of the baseline trained on it"] == "80.0"
    attack = AttackDetails(unconfirmed=5)
    remarks = remarks_of(replace(line, result=replace(result, details=attack)))
    assert remarks["successes that a second query did not confirm, not counted"] == "5"


def test_the_recall_of_a_label_needs_examples() -> None:
    """Without examples on one side there is no recall there, and no change."""
    counts = LabelCounts(
        label="positive", n_in_distribution=4, correct_in_distribution=3, n_under_shift=0,
        correct_under_shift=0,
    )  # fmt: skip
    assert (counts.recall_in_distribution, counts.recall_under_shift, counts.change) == (
        0.75, None, None
    )  # fmt: skip


def test_flips_are_taken_once_for_a_shift(full_report: Report) -> None:
    """Several metrics of one shift share their flipped examples."""
    e = next(e for e in full_report["evaluations"] if e["flips"])
    report = from_json({**full_report, "evaluations": [e, {**e, "metric": "macro-f1"}]})
    assert checks.flipped(report) == report.evaluations[:1]


def test_scores_under_shifts_are_lines_of_their_own(short_report: Report) -> None:
    """With a floor, the command that repeats them, and what the cases were that were counted."""
    line = next(n for n in rows_of(short_report) if n.sort == "score" and n.kind)
    assert (line.figure, line.budget, line.verdict) == ("score", "at least 50.0", "fail")
    assert line.path == f"{line.suite}/domain/{line.shift}"
    assert remarks_of(line)["always the same answer"] == "50.0"


def test_scores_that_were_settled_early_say_so(short_report: Report) -> None:
    """What else is told of the cases is of all of them, and the score of a few."""
    report = copy.deepcopy(short_report)
    report["scores"][0] |= {"n": 32, "planned": 700}
    (line,) = (n for n in rows_of(report) if n.sort == "score" and n.kind)
    assert remarks_of(line)["settled early"] == "after 32 of 700"
    report["scores"][0] |= {"n": 700}
    assert "settled" not in str([n.remarks for n in rows_of(report) if n.sort == "score"])


def test_cases_without_a_budget_are_told_by_their_scores(short_report: Report) -> None:
    """Their drop from single answers in distribution is no line; what they are stays a remark."""
    report = copy.deepcopy(short_report)
    row = next(e for e in report["evaluations"] if (e["details"] or {}).get("type") == "cases")
    row["budget"] = None
    report["scores"][0] |= {key: row[key] for key in ("suite", "kind", "shift", "model")}
    rows = rows_of(report)
    drops = [(n.path, n.model) for n in rows if n.sort == "drop"]
    (score,) = (n for n in rows if n.sort == "score" and n.kind)
    assert (score.path, score.model) not in drops
    remarks = dict(checks.remarks_of(from_json(report), [score]))
    assert remarks["left out: no label"] == "3"
    assert remarks["cases, each right or wrong as a whole"].endswith("41 inputs")
    assert remarks["always the same answer"] == "50.0"


def test_groups_stand_before_their_parts(short_report: Report) -> None:
    """One table for each shift, the models' figures beside each other."""
    report = from_json(short_report)
    (suite,) = report.suites
    (found,) = checks.breakdowns(report, suite)
    assert [(within, group) for within, group, _ in found.rows] == [
        ("", "Negation"), ("Negation", "not <good> | bad")
    ]  # fmt: skip
    assert all(set(cells) == set(found.models) for _, _, cells in found.rows)
