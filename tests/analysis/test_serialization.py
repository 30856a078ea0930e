"""Reports as JSON, and those of schema version 2, which are read as those of version 3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from pytest_ood.analysis import releases
from pytest_ood.analysis.merge import merge_reports
from pytest_ood.analysis.report import Report
from pytest_ood.analysis.serialization import (
    digest,
    from_json,
    read_report,
    schema,
    to_json,
    to_text,
)
from pytest_ood.analysis.studies import build_study
from pytest_ood.budgets import interval, points
from pytest_ood.commands import main
from pytest_ood.errors import ReportError
from pytest_ood.evaluation import AttackDetails, CaseDetails, DomainDetails, PerturbationDetails
from pytest_ood.reports import formats

VERSION_2 = Path(__file__).parents[1] / "reports" / "data" / "report-v2.json"


@pytest.fixture(scope="module")
def old() -> dict[str, Any]:
    """Return the plain values of a report of version 2, as that version wrote them."""
    values: dict[str, Any] = json.loads(VERSION_2.read_text())
    return values


@pytest.fixture(scope="module")
def upgraded() -> Report:
    """Return the same report as it is read."""
    return read_report(VERSION_2)


@pytest.mark.slow
def test_a_report_is_the_same_after_reading_and_writing(full_report: dict[str, Any]) -> None:
    """Every figure, item and digest, after the schema."""
    again = to_json(from_json(full_report))
    assert again == full_report
    assert Draft202012Validator(schema()).is_valid(again)


def test_every_figure_of_version_2_is_kept(old: dict[str, Any], upgraded: Report) -> None:
    """Scores, drops, intervals, verdicts and p-values are those of the file."""
    floors = [(f.model, f.n, f.score.value, f.verdict) for f in upgraded.in_distribution]
    assert floors == [
        (r["model"], r["n"], r["score"], r["verdict"]) for r in old["in_distribution"]
    ]
    drops = [
        (e.shift, e.model, e.score_in_distribution, e.score_under_shift, e.drop.value,
         [e.drop.low, e.drop.high], e.p_fail_adjusted, len(e.flips), e.flipped)
        for e in upgraded.evaluations
    ]  # fmt: skip
    assert drops == [
        (r["shift"], r["model"], r["score_id"], r["score_ood"], r["drop"], r["interval"],
         r["p_fail_adjusted"], len(r["flips"]), r["flipped"])
        for r in old["evaluations"]
    ]  # fmt: skip
    differences = [(c.shift, c.drop, c.difference.value) for c in upgraded.comparisons]
    assert differences == [(r["shift"], r["drop"], r["difference"]) for r in old["comparisons"]]
    assert upgraded.release is not None
    changes = [(c.name, c.score_before, c.score_now, c.n) for c in upgraded.release.changes]
    assert changes == [
        (f"{r['suite']}/{r['shift']}[{r['model']}]", r["before"], r["after"], r["n"])
        for r in old["release"]["changes"]
    ]


def test_details_of_version_2_go_to_their_kind(old: dict[str, Any], upgraded: Report) -> None:
    """What one row held for all kinds is in the details of its kind."""
    kinds = {
        "lamps": DomainDetails, "cells": DomainDetails, "pairs": CaseDetails,
        "keyboard@1": PerturbationDetails, "keyboard@4": PerturbationDetails,
        "greedy-characters": AttackDetails, "transferred": AttackDetails,
    }  # fmt: skip
    for e, row in zip(upgraded.evaluations, old["evaluations"], strict=True):
        assert type(e.details) is kinds[e.shift]
        if isinstance(e.details, AttackDetails):
            assert (e.details.queries, e.surrogate) == (row["queries"], row["surrogate"])
            assert e.attack is not None
            assert e.attack.success_rate.value == row["attack"]["success_rate"]["value"]
        if isinstance(e.details, PerturbationDetails):
            assert (e.details.family, e.details.severity) == (row["family"], row["severity"])
        if isinstance(e.details, DomainDetails):
            assert e.details.reweighted_drop == row["reweighted_drop"]
        assert e.case_inputs == row["cases"]


@pytest.mark.parametrize("suffix", [".html", ".md"])
def test_a_report_of_version_2_makes_the_same_page(
    suffix: str, old: dict[str, Any], upgraded: Report, tmp_path: Path
) -> None:
    """The page has every figure of the file, and is that of the same report in version 3."""
    page = formats.render(suffix, upgraded)
    path = tmp_path / "report.json"
    path.write_text(to_text(upgraded))
    assert json.loads(path.read_text())["schema_version"] == 3
    assert formats.render(suffix, read_report(path)) == page
    for row in old["evaluations"]:
        if not row["cases"]:
            low, high = row["interval"]
            assert points(row["drop"]) in page
            assert f"[{points(low)}, {points(high)}]" in page
    for comparison in upgraded.paradigm_comparisons:
        assert interval(comparison.difference) in page


@pytest.mark.slow
def test_version_2_is_compared_and_studied(upgraded: Report, tmp_path: Path) -> None:
    """With a report of version 3, as with another of its own."""
    newer = from_json(to_json(upgraded))
    release = releases.compare(upgraded, newer, "old", 0.5)
    assert {change.drop.value for change in release.changes if change.drop} == {0.0}
    merged = merge_reports([("old", upgraded), ("new", newer)], newest_counts=False)
    assert list(merged.suites[0].models) == ["sturdy", "frail"]
    assert build_study(merged, ["old", "new"]).suites
    path = str(VERSION_2)
    assert main(["report", path, "--out", str(tmp_path / "page.html")]) == 0
    assert main(["study", path, "--json"]) == 0
    assert main(["compare", path, path]) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 1}, "has schema version 1, this pytest-ood reads 2 and 3"),
        ({"seed": 12}, "was changed after it was written"),
        ({"evaluations": [{}]}, "is damaged"),
    ],
    ids=str,
)
def test_a_damaged_report_of_version_2_is_refused(
    change: dict[str, Any], message: str, old: dict[str, Any], tmp_path: Path
) -> None:
    """The message says what is wrong with the file."""
    values = {**old, **change}
    if "evaluations" in change:
        values["digest"] = digest(values)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(values))
    with pytest.raises(ReportError, match=message):
        read_report(path)
