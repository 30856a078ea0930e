from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any, get_args

import pytest

from pytest_ood.budgets import Verdict
from pytest_ood.reports import content, formats

Report = dict[str, Any]


def test_every_verdict_has_a_word_a_sign_and_a_meaning() -> None:
    """None of the verdicts there are is left without, an error included."""
    for table in (content.VERDICT_WORDS, content.VERDICT_SIGNS, content.MEANINGS):
        assert set(table) == {*get_args(Verdict), "error"} == set(content.WORST_FIRST)


def test_a_line_for_every_check(full_report: Report) -> None:
    """Scores, drops, differences and changes are all read, with a command that repeats each."""
    found = content.lines(full_report)
    sizes = [sum(line.what == what for line in found)
             for what in ("score", "drop", "difference", "change")]  # fmt: skip
    assert sizes == [2, 14, 6, 16]
    line = next(n for n in found if n.what == "difference")
    assert line.again == (
        "pytest --ood-suite --ood-only reviews/domain/lamps --ood-model frail --ood-seed 0"
    )
    assert line.budget == "at most 5.0 more"
    assert found[0].budget == "at least 80.0"
    assert found[0].path == "reviews/in-distribution"


def test_a_score_is_called_what_its_task_calls_it(full_report: Report) -> None:
    """A measure that is in no list is shown under its own name, and cannot break a page."""
    report = copy.deepcopy(full_report)
    assert content.measure(content.lines(report)) == "accuracy"
    for row in report["in_distribution"]:
        row["measure"] = "BLEU <b>\n"
    lines = content.lines(report)
    assert content.measure(lines) == lines[0].figure == "BLEU <b>\\n"
    assert "BLEU &lt;b&gt;\\n" in formats.render(".html", report)
    assert "`BLEU <b>\\n`, then drop of `BLEU <b>\\n` in points" in formats.render(".md", report)
    for row in report["in_distribution"]:
        # As a report of an earlier version.
        del row["measure"]
    assert content.measure(content.lines(report)[:2]) == "accuracy"


def test_a_name_for_a_shell_is_quoted(full_report: Report) -> None:
    """A model's name that a shell would act on does nothing in the command."""
    report = copy.deepcopy(full_report)
    report["in_distribution"][0]["model"] = "a b; rm -r $HOME"
    assert "--ood-model 'a b; rm -r $HOME' " in content.lines(report)[0].again


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
    top = content.headline(report)
    assert (top.verdict, top.sentence) == (verdict, sentence)


def test_every_model_has_its_own_headline(full_report: Report) -> None:
    """What a run comes to is told for each model, its checks counted once."""
    found = dict(content.model_headlines(full_report))
    assert list(found) == ["sturdy", "frail"]
    total = sum(count for top in found.values() for _, count in top.counts)
    assert total == sum(count for _, count in content.headline(full_report).counts)
    assert found["frail"].verdict == "fail"
    assert found["frail"].sentence.endswith(" within budget")


def test_a_release_fails_the_headline_where_it_was_judged(full_report: Report) -> None:
    """A change beyond its budget counts as a check; one without a budget does not."""
    floors = full_report["in_distribution"][:1]
    change = {**full_report["release"]["changes"][0], "verdict": "fail"}
    report = {
        **full_report, "in_distribution": floors, "evaluations": [], "comparisons": [],
        "release": {"old": "v1", "changes": [change], "notes": []},
    }  # fmt: skip
    assert content.headline(report).sentence == "Of 2 checks: 1 beyond budget, 1 within budget."
    change["verdict"] = "measured"
    assert content.headline(report).sentence == "Of one check: 1 within budget."


def test_a_change_without_a_common_example_has_no_figure(full_report: Report) -> None:
    """It is said to have none, rather than to be 0."""
    report = copy.deepcopy(full_report)
    report["release"]["changes"][0].update(drop=None, interval=None, n=0)
    (line,) = (n for n in content.lines(report) if n.what == "change" and n.estimate is None)
    assert (line.value, line.interval, line.scores) == ("none", "", None)
    assert line.remarks == [("examples then, now", "300, 300")]


def test_a_remark_on_all_models_stands_once(short_report: Report) -> None:
    """What holds for all is said once, what differs with names."""
    line = next(n for n in content.lines(short_report) if n.what == "drop")
    rows = [
        {**line.row, "model": model, "errors": {}, "abstained": 4, "seed_drops": drops}
        for model, drops in (("a", [0.1]), ("b", [0.0, 0.2]))
    ]
    told = dict(content.told_once([replace(line, row=row) for row in rows]))
    assert told["abstained"] == f"4 of {line.row['n']:,}"
    assert told["its 2 seeds"] == "b 0.0 to 20.0"


def test_everything_a_reader_has_to_know_is_remarked(short_report: Report) -> None:
    """What was left out, abstained, got no answer, changed its mind or stopped early is told."""
    line = next(n for n in content.lines(short_report) if n.kind == "noise")
    row = {
        **line.row, "unchanged": 1, "rejected": 2, "abstained": 3, "errors": {"no server": 4},
        "unheld": 5, "disagreement": 0.06, "reweighted_drop": 0.07, "in_domain_score": 0.8,
        "drawn": 9, "planned": 100, "seed_drops": [0.1, 0.2], "n": 50,
            "score_answered": 0.9,
    }  # fmt: skip
    assert dict(replace(line, row=row).remarks) == {
        "unchanged, left out": "1",
        "rejected by the validity filter, left out": "2",
        "abstained": "3 of 50",
        "score when it answers": "90.0",
        "error, inputs without an answer (no server)": "4",
        "successes that did not hold on a second query": "5",
        "asked again, answers otherwise": "6.0 %",
        "drop at the in-distribution mix of labels": "7.0",
        "score of the baseline trained on it": "80.0",
        "settled early": "after 9 of 100",
        "its 2 seeds": "10.0 to 20.0",
    }


def test_labels_come_from_counts_or_from_metrics(full_report: Report) -> None:
    """Where there are counts they are used; else the recalls among the metrics; else nothing."""
    e = next(e for e in full_report["evaluations"] if e["metrics"])
    plain = {key: value for key, value in e.items() if key != "per_label"}
    assert {one.label: (one.before, one.after) for one in content.label_recalls(plain)} == {
        label: (e["metrics"][f"recall-{label}"]["id"], e["metrics"][f"recall-{label}"]["ood"])
        for label in ("negative", "positive")
    }
    counted = {**e, "per_label": [
        {"label": "positive", "n_id": 4, "right_id": 3, "n_ood": 0, "right_ood": 0}
    ]}  # fmt: skip
    (one,) = content.label_recalls(counted)
    assert (one.before, one.after, one.n_before, one.n_after, one.change) == (
        0.75,
        None,
        4,
        0,
        None,
    )
    assert content.label_recalls({**plain, "metrics": {}}) == []


def test_flips_are_taken_once_for_a_shift(full_report: Report) -> None:
    """Several metrics of one shift share their flipped examples."""
    e = next(e for e in full_report["evaluations"] if e["flips"])
    report = {**full_report, "evaluations": [e, {**e, "metric": "macro-f1"}]}
    assert content.flipped(report) == [e]


def test_scores_under_shifts_are_lines_of_their_own(short_report: Report) -> None:
    """With a floor, the command that repeats them, and what the cases were that were counted."""
    line = next(n for n in content.lines(short_report) if n.what == "score" and n.kind)
    assert (line.figure, line.budget, line.verdict) == ("score", "at least 50.0", "fail")
    assert line.path == f"{line.suite}/domain/{line.shift}"
    assert ("always the same answer", "50.0") in line.remarks


def test_scores_that_were_settled_early_say_so(short_report: Report) -> None:
    """What else is told of the cases is of all of them, and the score of a few."""
    report = copy.deepcopy(short_report)
    report["scores"][0] |= {"n": 32, "planned": 700}
    (line,) = (n for n in content.lines(report) if n.what == "score" and n.kind)
    assert ("its score was settled early", "after 32 of 700") in line.remarks
    report["scores"][0] |= {"n": 700}
    assert "settled" not in str([n.remarks for n in content.lines(report) if n.what == "score"])


def test_cases_without_a_budget_are_told_by_their_scores(short_report: Report) -> None:
    """Their drop from single answers in distribution is no line; what they are stays a remark."""
    report = copy.deepcopy(short_report)
    row = next(e for e in report["evaluations"] if e.get("cases"))
    row["budget"] = None
    report["scores"][0] |= {key: row[key] for key in ("suite", "kind", "shift", "model")}
    drops = [n for n in content.lines(report) if n.what == "drop"]
    assert row not in [line.row for line in drops]
    (score,) = (n for n in content.lines(report) if n.what == "score" and n.kind)
    told = content.told_once(content.case_remarks(report, [score]))
    assert ("left out: no label", "3") in told
    assert any(what.startswith("cases") and "41 inputs" in how for what, how in told)
    both = dict(content.told_once([score, *content.case_remarks(report, [score])]))
    assert both["always the same answer"] == "50.0"


def test_groups_stand_before_their_parts(short_report: Report) -> None:
    """One table for each shift, the models' figures beside each other."""
    (suite,) = content.suites(short_report)
    (found,) = content.breakdowns(short_report, suite)
    assert [(within, group) for within, group, _ in found.rows] == [
        ("", "Negation"), ("Negation", "not <good> | bad")
    ]  # fmt: skip
    assert all(set(cells) == set(found.models) for _, _, cells in found.rows)


def test_a_report_of_an_earlier_version_has_no_groups(full_report: Report) -> None:
    """What came later is read where it is there."""
    report = copy.deepcopy(full_report)
    report.pop("scores")
    for e in report["evaluations"]:
        for key in ("breakdown", "left_out", "cases"):
            e.pop(key)
    for c in report["comparisons"]:
        c.pop("cases")
    paths = [(line.path, line.value) for line in content.lines(report)]
    assert paths == [(line.path, line.value) for line in content.lines(full_report)]
    assert all(line.remarks is not None for line in content.lines(report))
    assert content.breakdowns(report, "reviews") == []
