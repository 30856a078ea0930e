from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from pytest_ood.analysis.merge import MergedReports, ShiftKey, merge_reports
from pytest_ood.analysis.serialization import from_json, read_report
from pytest_ood.data.categorical import Categorical
from pytest_ood.errors import ReportError
from pytest_ood.evaluation import ExampleScores
from pytest_ood.shifts import WORST

Report = dict[str, Any]
Make = Callable[..., Report]


def merge(*reports: tuple[str, Report], newest_counts: bool = False) -> MergedReports:
    """Merge the plain values of reports."""
    typed = [(name, from_json(report)) for name, report in reports]
    return merge_reports(typed, newest_counts=newest_counts)


TWEETS, KEYBOARD = ShiftKey("domain", "tweets"), ShiftKey("noise", "keyboard")


@pytest.fixture
def two(measured: Any) -> list[Any]:
    """Return two models under two shifts."""
    return [
        measured(name, 0.8, {"noise/keyboard": 0.7, "domain/tweets": 0.6}) for name in ("a", "b")
    ]


def test_a_made_up_report_keeps_to_the_schema(make_report: Make, two: Any, tmp_path: Any) -> None:
    """What these tests rest on is what a run would write, old ones without facts included."""
    path = tmp_path / "report.json"
    path.write_text(json.dumps(make_report(two)))
    assert read_report(path).models[0].size is None


def test_models_of_several_reports_stand_side_by_side(make_report: Make, two: Any) -> None:
    """Two runs of one model each are a study of two, the shifts in their order of kinds."""
    reports = [(name, make_report([model])) for name, model in zip("xy", two, strict=True)]
    merged = merge(*reports)
    (suite,) = merged.suites
    assert list(suite.models) == ["a", "b"]
    assert suite.shifts == [TWEETS, KEYBOARD]
    assert merged.notes == ()


def test_two_reports_of_one_model_add_up(make_report: Make, two: Any) -> None:
    """Shifts that another run measured, and facts that it knew, join those of the first."""
    a, b = two
    parts = [
        replace(a, after={"domain/tweets": 0.6}, facts={"size": 5, "shots": 3}),
        replace(a, after={"noise/keyboard": 0.7}, facts={"size": 7}),
    ]
    reports = [("x", make_report([parts[0], b])), ("y", make_report([parts[1]]))]
    (suite,) = merge(*reports).suites
    assert set(suite.models["a"].drops) == {TWEETS, KEYBOARD}
    assert (suite.models["a"].info.size, suite.models["a"].info.shots) == (7, 3)


def test_another_measure_is_told(make_report: Make, two: Any) -> None:
    """Of answers in words, what a study calls accuracy is token F1."""
    report = make_report(two)
    for row in report["evaluations"]:
        row["score_name"] = "token F1"
    (suite,) = {row["suite"] for row in report["evaluations"]}
    notes = merge(("x", report)).notes
    assert notes == (f"suite {suite}: what is called accuracy is token F1",)


@pytest.mark.parametrize(
    ("change", "why"),
    [({"after": {"domain/tweets": 0.5}}, "has other figures there (tweets: score_under_shift)"),
     ({"before": 0.9}, "has other figures there (keyboard: score_in_distribution)"),
     ({"facts": {"fingerprint": "another"}}, "is another model there (another fingerprint)")],
)  # fmt: skip
def test_reports_that_contradict_each_other_are_refused(
    change: dict[str, Any], why: str, make_report: Make, two: Any
) -> None:
    """The message names both reports, the model and in what; of a history, the later one counts."""
    a, b = two
    reports = [("x", make_report([a, b])), ("y", make_report([replace(a, **change)]))]
    with pytest.raises(ReportError, match="x and y contradict each other: model a of suite") as e:
        merge(*reports)
    assert why in str(e.value)
    merged = merge(*reports, newest_counts=True)
    assert merged.suites[0].models["a"].report == "y"
    assert merged.notes[0] == f"a of suite reviews {why}: y counts, not x"


@pytest.mark.parametrize(
    ("other", "message"),
    [({"seed": 1}, "suite reviews: x has seed 0, y seed 1: other examples"),
     ({"alpha": 0.1}, "x and y have different levels: alpha 0.05 and 0.1")],
)  # fmt: skip
def test_reports_of_different_runs_are_refused(
    other: dict[str, Any], message: str, make_report: Make, two: Any
) -> None:
    """Another seed or level is another study; the message names both reports."""
    reports = [("x", make_report(two[:1])), ("y", make_report(two[1:], **other))]
    with pytest.raises(ReportError, match=message):
        merge(*reports)


def test_reports_of_other_examples_are_refused(make_report: Make, two: Any) -> None:
    """As many examples of another data set cannot be compared."""
    other = make_report(two[1:])
    other["in_distribution"][0]["data_hash"] = "f" * 64
    with pytest.raises(ReportError, match="x and y are of other examples in distribution"):
        merge(("x", make_report(two[:1])), ("y", other))


def test_models_on_other_examples_under_a_shift_are_refused(make_report: Make, two: Any) -> None:
    """Its name alone does not make them comparable; a few others, or none told, are no matter."""
    first, other = (make_report([model]) for model in two)
    for row in other["evaluations"]:
        row["shifted_set_hash"] = "f" * 64
    assert merge(("x", first), ("y", other)).suites
    moved = ExampleScores(np.arange(300, 700, dtype=np.uint64), Categorical.of([1.0] * 400))
    other["evaluations"][1]["items"] = moved.to_record()
    with pytest.raises(ReportError, match="x and y are of other examples under domain/tweets"):
        merge(("x", first), ("y", other))
    other["evaluations"][1]["items"] = None
    assert merge(("x", first), ("y", other)).suites


def test_one_model_is_no_study(make_report: Make, two: Any) -> None:
    """The message names the model, and what a study needs."""
    with pytest.raises(ReportError, match=r"one model \(a\)\. A study needs two models or more"):
        merge(("x", make_report(two[:1])))
    with pytest.raises(ReportError, match="there is no report"):
        merge()
    with pytest.raises(ReportError, match="the reports hold no drop of accuracy"):
        merge(("x", make_report([])))


def test_models_without_a_shift_in_common_are_no_study(make_report: Make, two: Any) -> None:
    """The message tells that there are models, and what they lack."""
    apart = [
        replace(two[0], after={"domain/tweets": 0.6}),
        replace(two[1], after={"noise/ocr": 0.6}),
    ]
    with pytest.raises(ReportError, match="no two of its 2 models were measured under the same"):
        merge(("x", make_report(apart)))


def test_what_is_left_out_is_noted(make_report: Make, two: Any) -> None:
    """A shift of one model, and a suite of one model, are left out by name."""
    more = replace(two[0], after={**two[0].after, "noise/ocr": 0.5})
    reports = [("x", make_report([more, two[1]])), ("y", make_report(two[:1], suite="other"))]
    merged = merge(*reports)
    assert merged.notes == (
        "suite reviews: ocr left out: measured of a alone",
        "suite other is left out: one model (a)",
    )
    assert [suite.name for suite in merged.suites] == ["reviews"]


def test_figures_that_were_settled_early_are_noted(make_report: Make, two: Any) -> None:
    """They rest on other examples for every model, and the note says how to ask all."""
    report = make_report(two)
    report["evaluations"][0]["drawn"] = 96
    (note,) = merge(("x", report)).notes
    assert note.startswith("suite reviews: 1 of 4 drops were settled early")
    assert "`sequential = false`" in note


@pytest.mark.parametrize("worst", WORST)
def test_only_accuracy_under_shifts_of_inputs_counts(
    make_report: Make, two: Any, worst: str
) -> None:
    """Other metrics, the worst of shifts and attacks on the prompt are no shifts of a study."""
    report = make_report(two)
    first, second, third, _ = report["evaluations"]
    first["metric"], second["shift"], third["prompt"] = "ece", worst, {}
    with pytest.raises(ReportError, match="no two of its 2 models"):
        merge(("x", report))
