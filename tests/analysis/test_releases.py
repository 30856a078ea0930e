from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.analysis import releases
from pytest_ood.analysis.releases import parse_budget
from pytest_ood.analysis.report import Release
from pytest_ood.analysis.serialization import from_json
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import ConfigurationError, ReportError
from pytest_ood.evaluation.example_scores import ExampleScores, hash_examples
from pytest_ood.evaluation.plain import to_row
from pytest_ood.reports.explanation import explain_change
from pytest_ood.reports.release_text import moved, render

FLOOR = {
    "suite": "s", "model": "m", "verdict": "pass", "reason": "", "errors": {}, "n": 1, "planned": 1,
    "abstained": 0, "score": 0.5, "interval": [0.4, 0.6], "majority": 0.5, "budget": None,
    "data_hash": "",
}  # fmt: skip
DROP = {
    "suite": "s", "model": "m", "verdict": "pass", "reason": "", "errors": {}, "n": 1, "drawn": 1,
    "planned": 1, "abstained": 0, "abstained_in_distribution": 0, "score_in_distribution": 1.0,
    "score_under_shift": 0.5, "drop": 0.5, "interval": [0.4, 0.6], "paired": True, "budget": None,
    "shifted_set_hash": "",
}  # fmt: skip


def record(scores: dict[str, float], **named: Any) -> dict[str, Any]:
    """Make a report's row of a model's scores by text."""
    items = ExampleScores(
        hash_examples((None, text, "a") for text in scores), Categorical.of(scores.values())
    )
    return {**(DROP if "shift" in named else FLOOR), "items": items.to_record(), **named}


def report(
    scores: dict[str, float] | None = None,
    noise: dict[str, float] | None = None,
    **named: Any,
) -> dict[str, Any]:
    """Make the plain values of a report."""
    evaluations = [] if noise is None else [record(noise, kind="noise", shift="ocr")]
    model = {"suite": "s", "name": "m", "source": "x", "parameters": {}, "fingerprint": "1"}
    return {
        "schema_version": 3, "alpha": 0.05, "correction": "holm", "gates": 1, "seed": 0,
        "max_examples": None, "environment": {"python": "3"}, "notes": [],
        "models": [{**model, **named.pop("model", {})}],
        "in_distribution": [] if scores is None else [record(scores)],
        "evaluations": evaluations, "frozen": [], "scores": [], "comparisons": [],
        "severity_curves": [], "paradigm_comparisons": [], "errors": [], "usage": [],
        "release": None, **named,
    }  # fmt: skip


def compare(
    old: dict[str, Any],
    new: dict[str, Any],
    name: str,
    budget: float | None = None,
    *,
    whole: bool = False,
) -> Release:
    """Compare the plain values of two reports."""
    return releases.compare(from_json(old), from_json(new), name, budget, whole=whole)


def texts(right: int, wrong: int = 0, prefix: str = "") -> dict[str, float]:
    """Return so many texts with the score 1, and so many with 0."""
    return {f"{prefix}{n}": float(n < right) for n in range(right + wrong)}


@pytest.mark.parametrize(
    ("text", "share"), [("drop:2%", 0.02), ("drop:0.02", 0.02), (" drop:2.5% ", 0.025)]
)
def test_a_budget_is_a_share_or_a_percentage(text: str, share: float) -> None:
    """Two per cent of the examples are two points."""
    assert parse_budget(text) == share


@pytest.mark.parametrize("text", ["2%", "drop", "drop:-1%", "mean:2%", "drop:2", "drop:120%", ""])
def test_another_budget_is_refused(text: str) -> None:
    """The message says what was given and what is understood."""
    with pytest.raises(ConfigurationError, match=r"drop:|is not a share"):
        parse_budget(text)


@pytest.mark.slow
@settings(deadline=None)
@given(
    flips=st.lists(st.tuples(st.sampled_from([0.0, 1.0]), st.sampled_from([0.0, 1.0])), min_size=1),
    seed=st.integers(0, 5),
)
def test_scores_are_paired_whatever_the_order(flips: list[tuple[float, float]], seed: int) -> None:
    """The drop is the mean difference over the same examples, however the second run drew them."""
    old = {str(n): was for n, (was, _) in enumerate(flips)}
    order = list(range(len(flips)))
    random.Random(seed).shuffle(order)
    new = {str(n): flips[n][1] for n in order}
    (change,) = compare(report(old), report(new), "old").changes
    assert change.n == len(flips)
    assert change.drop is not None
    assert change.drop.value == pytest.approx(sum(a - b for a, b in flips) / len(flips))


def test_equal_examples_are_paired_one_by_one() -> None:
    """Of two equal examples each has its partner, and a third one in one run has none."""
    items = ExampleScores(hash_examples([(None, "a", "x")] * 3), Categorical.of([1.0, 1.0, 1.0]))
    two = ExampleScores(hash_examples([(None, "a", "x")] * 2), Categorical.of([1.0, 0.0]))
    old, new = report(texts(1)), report(texts(1))
    old["in_distribution"][0]["items"] = items.to_record()
    new["in_distribution"][0]["items"] = two.to_record()
    (change,) = compare(old, new, "old").changes
    assert (change.n, change.n_before, change.n_now, change.score_before, change.score_now) == (
        2,
        3,
        2,
        1,
        0.5,
    )


@pytest.mark.parametrize(
    ("lost", "verdict"), [(0, "pass"), (3, "inconclusive"), (40, "fail")], ids=str
)
def test_a_drop_is_judged_by_its_interval(lost: int, verdict: str) -> None:
    """Far from the budget it passes or fails; near it more examples are needed."""
    release = compare(report(texts(300)), report(texts(300 - lost, lost)), "old", 0.02)
    assert [change.verdict for change in release.changes] == [verdict]


def test_too_few_examples_are_open_and_no_fail() -> None:
    """A check on a few examples cannot show a small drop, and does not fail a release for it."""
    release = compare(report(texts(20)), report(texts(20)), "old", 0.02)
    assert release.changes[0].verdict == "inconclusive"
    assert "20 examples show no drop" in release.changes[0].reason


def test_many_changes_are_a_family() -> None:
    """What would be a fail by itself is open among twenty that lost nothing."""

    def several(lost: int, count: int) -> dict[str, Any]:
        made = report(None)
        made["evaluations"] = [
            record(texts(200 - lost * (n == 0), lost * (n == 0)), kind="noise", shift=str(n))
            for n in range(count)
        ]
        return made

    alone = compare(several(0, 1), several(10, 1), "old", 0.02).changes
    among = compare(several(0, 20), several(10, 20), "old", 0.02).changes
    assert alone[0].verdict == "fail"
    assert among[0].verdict == "inconclusive"


def test_what_is_invalid_now_fails() -> None:
    """A score that says nothing any more is no pass; one that never said anything lost nothing."""
    spoilt = {"verdict": "invalid", "reason": "no better than the majority"}
    old, new = report(texts(300)), report(texts(300))
    new["in_distribution"][0] |= spoilt
    (change,) = compare(old, new, "old", 0.02).changes
    assert change.verdict == "invalid"
    assert "no better than the majority" in change.reason
    old["in_distribution"][0] |= spoilt
    assert compare(old, new, "old", 0.02).changes[0].verdict == "pass"


def test_a_check_that_a_whole_run_lacks_fails() -> None:
    """A model does not pass by being left out; where only a part was asked for, it is a note."""
    old, new = report(texts(300), texts(300)), report(texts(300))
    assert len(compare(old, new, "old", 0.02).changes) == 1
    missing = compare(old, new, "old", 0.02, whole=True).changes[1]
    assert (missing.name, missing.verdict) == ("s/noise/ocr[m]", "invalid")
    assert "not measured now" in explain_change(missing)
    assert len(compare(old, new, "old", whole=True).changes) == 1


def test_examples_without_an_answer_are_no_other_data() -> None:
    """Where each run lacks answers of its own, the note says so."""
    every = texts(100)
    first, *_, last = every
    old = report({text: score for text, score in every.items() if text != first})
    new = report({text: score for text, score in every.items() if text != last})
    for made in (old, new):
        made["in_distribution"][0]["errors"] = {"timed out": 1}
    assert compare(old, new, "old").notes == (
        "s/in-distribution: 1 examples got no answer then, 1 now; 98 are in both",
    )


def test_without_a_budget_nothing_is_judged() -> None:
    """A comparison shows; a budget gates."""
    (change,) = compare(report(texts(300)), report(texts(0, 300)), "old").changes
    assert change.verdict == "measured"


def test_other_data_is_named_and_not_compared() -> None:
    """Where few examples are the same, the check is invalid and a note tells how many."""
    old, new = report(texts(100), texts(100)), report(texts(100), texts(100, prefix="x"))
    release = compare(old, new, "old", 0.05)
    assert [change.verdict for change in release.changes] == ["pass", "invalid"]
    assert release.changes[1].drop is None
    assert any("another generator" in note and "0 of 100" in note for note in release.notes)
    half = {**texts(40), **texts(60, prefix="x")}
    release = compare(report(texts(100)), report(half), "old", 0.02)
    assert [change.verdict for change in release.changes] == ["invalid"]
    assert any("another data set: 40 of 100" in note for note in release.notes)


def test_a_run_that_stopped_earlier_is_compared_as_far_as_it_goes() -> None:
    """Fewer of the same examples are no other data."""
    release = compare(report(texts(400)), report(texts(100)), "old", 0.05)
    assert release.changes[0].n == 100
    assert release.changes[0].verdict == "pass"
    assert release.notes == ("s/in-distribution: 400 examples then, 100 now, the same ones",)


@pytest.mark.parametrize(
    ("other", "note"),
    [
        ({"seed": 1}, "another seed: 0 then, 1 now"),
        ({"environment": {"python": "4"}}, "other versions: python 3 -> 4"),
        (
            {"model": {"parameters": {"template": "{text}?"}, "fingerprint": "2"}},
            "m is another model: template None -> '{text}?'",
        ),
        ({"model": {"fingerprint": "2"}}, "m is another model: its weights, demonstrations or"),
        ({"model": {"parameters": {"device": "cuda"}}}, "m: device None -> 'cuda'"),
    ],
)
def test_what_else_differs_is_told(other: dict[str, Any], note: str) -> None:
    """Seed, versions, prompt and weights are named, so that nobody takes them for the same."""
    release = compare(report(texts(50)), report(texts(50), **other), "old")
    assert any(told.startswith(note) for told in release.notes), release.notes


def test_checks_of_one_run_alone_are_told() -> None:
    """A new shift is no drop, and one that was left out is no pass."""
    release = compare(report(texts(50)), report(texts(50), texts(50)), "old")
    assert release.notes == ("new, not compared: 1 checks (s/noise/ocr[m])",)
    release = compare(report(texts(50), texts(50)), report(texts(50)), "old")
    assert release.notes == ("not measured now: 1 checks (s/noise/ocr[m])",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (report(texts(9)), report(texts(9, prefix="x")), "no example is the same"),
        (report(texts(9)), report(None, texts(9)), "none of this run's checks"),
    ],
)
def test_runs_without_anything_in_common_are_refused(
    old: dict[str, Any], new: dict[str, Any], message: str
) -> None:
    """Nothing in common is an error, never a pass."""
    with pytest.raises(ReportError, match=message):
        compare(old, new, "old", 0.02)


def test_damaged_items_are_named() -> None:
    """The message says which check's they are."""
    old = report(texts(9))
    old["in_distribution"][0]["items"]["hashes"] = "AAAA"
    with pytest.raises(ReportError, match=r"s/in-distribution\[m\]: its items are damaged"):
        compare(old, report(texts(9)), "old")


def test_the_table_fits_the_terminal() -> None:
    """Every line has at most 100 columns, and a hostile name changes nothing on the screen."""
    old, new = report(texts(300), texts(300)), report(texts(280, 20), texts(300))
    lines = render(compare(old, new, "0001_\x1b[31mred_abc.json", 0.02), 0.05)
    assert all(len(line) <= 100 for line in lines)
    assert "\x1b" not in "".join(lines)
    assert any("100.0  93.3   6.7  [" in line and line.endswith("FAIL") for line in lines)


def test_plain_values_hold_the_figures() -> None:
    """What a report says of a comparison is what was measured."""
    release = compare(report(texts(300)), report(texts(280, 20)), "old", 0.02)
    told = to_row(release)
    (change,) = told["changes"]
    assert (change["n"], change["score_before"], change["drop"]) == (300, 1.0, 0.066666667)
    assert change["interval"][0] <= change["drop"] <= change["interval"][1]
    assert (told["earlier"], told["notes"]) == ("old", [])


def grouped(**groups: float) -> dict[str, Any]:
    """Make a report whose noise shift has these scores by group."""
    cells = [
        {"group": name, "within": None, "n": 10, "score": score, "interval": [0.0, 1.0]}
        for name, score in groups.items()
    ]
    made = report(noise=texts(10))
    made["evaluations"][0]["breakdown"] = cells
    return made


def test_groups_that_moved_are_named() -> None:
    """Those that both runs have, the largest move first; what moved little is left to the JSON."""
    old, new = grouped(a=0.9, b=0.8, c=0.5, gone=1.0), grouped(a=0.6, b=0.77, c=0.6, new=0.0)
    release = compare(old, new, "old")
    (change,) = release.changes
    assert [cell.group for cell in change.groups] == ["a", "b", "c"]
    assert [cell.group for cell in moved(change)] == ["a", "c"]
    lines = [line.split() for line in render(release, 0.05) if line.startswith("  ")]
    assert lines[-2:] == [["a", "90.0", "60.0", "30.0"], ["c", "50.0", "60.0", "-10.0"]]


def test_many_groups_that_moved_are_counted() -> None:
    """Five are named, and no line is wider than the others may be."""
    names = {f"{'long' * 30} {n}": n for n in range(9)}
    old = grouped(**dict.fromkeys(names, 1.0))
    new = grouped(**{name: 0.5 - n / 100 for name, n in names.items()})
    lines = render(compare(old, new, "old"), 0.05)
    assert any("4 more groups moved by 5.0 or more" in line for line in lines)
    assert max(map(len, lines)) <= 100


def test_a_report_without_groups_is_compared_as_before() -> None:
    """Such as one of an earlier version."""
    (change,) = compare(report(noise=texts(10)), grouped(a=1.0), "old").changes
    assert (change.groups, moved(change)) == ((), [])
