from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace

import pytest

from pytest_ood.data.categorical import Categorical
from pytest_ood.evaluation import (
    AttackDetails,
    AttackFigures,
    CaseDetails,
    Comparison,
    DomainDetails,
    Evaluation,
    ExampleScores,
    Flip,
    Floor,
    GroupScore,
    LabelCounts,
    PerturbationDetails,
    PromptAttack,
    PromptAttackDetails,
    Result,
    ScorePair,
    from_record,
    to_record,
)
from pytest_ood.evaluation.example_scores import hash_examples
from pytest_ood.evaluation.plain import from_plain, to_row
from pytest_ood.evaluation.records import ShiftDetails, unparsed_outputs
from pytest_ood.statistics import Estimate

FIGURE = Estimate(0.25, 0.125, 0.5, 40, 0.4330127018922193)
FLIPS = (
    Flip(id="m1", label="neg", before="bad film", after="baad film", answer_before="neg",
         answer_after=None, output_after="Well"),
    Flip(id="b1", label="neg", before=None, after="dire book", answer_before=None,
         answer_after="pos"),
)  # fmt: skip

ITEMS = ExampleScores(
    hash_examples([(None, "a", "pos"), ("b", "c", "neg")]), Categorical.of([1.0, 0.5])
)
GROUPS = (
    GroupScore(group="Negation", n=20, score=FIGURE),
    GroupScore(group="not good (MFT)", within="Negation", n=10, score=FIGURE),
)
FLOOR = Floor(
    suite="tiny", model="m", n=32, planned=600, abstained=1, score=FIGURE, majority=0.5,
    budget=0.7, verdict="fail", reason="below", seed=3, data_hash="abc", p_fail=0.001,
    p_fail_adjusted=0.004, repeated=32, inconsistent=2, seed_scores=(0.25, 0.75),
    errors={"503": 2}, items=ITEMS, kind="domain", shift="books", breakdown=GROUPS,
    left_out={"no label": 3}, case_inputs=41, flips=FLIPS, flipped=7, score_name="token F1",
    unparsed_outputs=("Well",),
)  # fmt: skip
ATTACK = AttackFigures(
    attacked=20, accuracy=FIGURE, success_rate=FIGURE, queries=FIGURE,
    queries_median=Estimate(11.0, 8.0, 12.0, 20, 0.0), queries_reducing=7, edited_words=FIGURE,
    edited_characters=FIGURE, similarity=None, rejected=3, skipped={"wrong from the start": 10},
    decision_only=True, cached=5,
)  # fmt: skip
EVALUATION = Evaluation(
    suite="tiny", kind="domain", shift="books", model="m", n=30, unchanged=10, abstained=2,
    abstained_in_distribution=1, score_in_distribution=0.75, score_under_shift=0.5, drop=FIGURE,
    paired=True, budget=0.1, verdict="fail", reason="above", seed=3, shifted_set_hash="def",
    before=Categorical.of([1.0, None, 0.5]), after=Categorical.of([0.0, None, 0.5]), flips=FLIPS,
    metric="macro-f1", drawn=40, planned=600, p_fail=0.002, p_fail_adjusted=0.02,
    inconsistency_rate=0.0625, seed_drops=(0.125, 0.375),
    metrics={"ece": ScorePair(in_distribution=0.1, under_shift=0.2)}, sequential=True,
    details=AttackDetails(queries=77, unconfirmed=3, figures=ATTACK), surrogate="other",
    errors={"timed out": 3, "503": 2}, flipped=30, items=ITEMS,
    per_label=(
        LabelCounts(label="pos", n_in_distribution=20, correct_in_distribution=18,
                    n_under_shift=30, correct_under_shift=10),
    ),
    breakdown=GROUPS, left_out={"no label": 3}, score_name="token F1", unparsed_outputs=("Well",),
)  # fmt: skip
COMPARISON = Comparison(
    suite="tiny", kind="noise", shift="ocr", model="m", baseline="b", n=30,
    scores=ScorePair(in_distribution=0.9, under_shift=0.8),
    baseline_scores=ScorePair(in_distribution=0.8, under_shift=0.75), drop=0.1, baseline_drop=0.05,
    difference=FIGURE, margin=0.02, verdict="inconclusive", reason="about", seed=3, flips=FLIPS,
    metric="recall-neg", drawn=64, planned=600, p_fail=0.03, p_fail_adjusted=0.3,
    surrogate="other", errors={"503": 1}, flipped=7, case_inputs=41, score_name="token F1",
)  # fmt: skip
ALL: tuple[Result, ...] = (FLOOR, EVALUATION, COMPARISON)
DETAILS: tuple[ShiftDetails, ...] = (
    PerturbationDetails(rejected=4, family="ocr", severity=3),
    DomainDetails(reweighted_drop=0.2, in_domain_score=0.9),
    CaseDetails(inputs=41),
    EVALUATION.details or AttackDetails(),
    PromptAttackDetails(
        queries=180,
        prompt=PromptAttack(before="{text} is", after="{text} si", tried=9, search_examples=20),
    ),
)


@pytest.mark.parametrize("result", ALL, ids=lambda r: type(r).__name__)
def test_every_field_comes_back(result: Result) -> None:
    """Whatever a result holds survives JSON, tuples and estimates included."""
    for field in fields(result):
        assert field.default is MISSING or getattr(result, field.name) != field.default
    again = from_record(json.loads(json.dumps(to_record(result), allow_nan=False)))
    assert again == result
    assert type(again) is type(result)


@pytest.mark.parametrize("details", DETAILS, ids=lambda d: d.TYPE)
def test_details_of_every_kind_come_back(details: ShiftDetails) -> None:
    """Their class is found by its type."""
    result = replace(EVALUATION, details=details)
    assert from_record(json.loads(json.dumps(to_record(result)))) == result


@pytest.mark.parametrize("result", ALL, ids=lambda r: type(r).__name__)
def test_a_row_of_a_report_comes_back(result: Result) -> None:
    """A row that is read and written again is the same, down to its figures."""
    row = json.loads(json.dumps(to_row(result), allow_nan=False))
    assert to_row(from_plain(type(result), row)) == row
    assert "seed" not in row


def test_outputs_that_cannot_be_parsed_are_shown_once() -> None:
    """The first different ones are retained."""
    said = [replace(FLIPS[0], output_after=text) for text in ("a", "b", "a", None, "c", "d")]
    assert unparsed_outputs(said) == ("a", "b", "c")


@pytest.mark.parametrize("result", ALL, ids=lambda r: type(r).__name__)
def test_a_record_without_later_fields_has_their_defaults(result: Result) -> None:
    """What a record leaves out, where there is a default, has that."""
    optional = {f.name: f.default for f in fields(result) if f.default is not MISSING}
    record = {k: v for k, v in to_record(result).items() if k not in optional}
    again = from_record(record)
    assert {name: getattr(again, name) for name in optional} == optional


def test_a_result_of_nothing_comes_back() -> None:
    """Unset figures stay unset, and empty tuples empty."""
    bare = Evaluation(
        suite="s", kind="noise", shift="x", model="m", n=1, drawn=1, planned=1, abstained=0,
        abstained_in_distribution=0, score_in_distribution=1.0, score_under_shift=1.0, drop=FIGURE,
        paired=True, budget=None, verdict="measured", reason="no budget is set",
        shifted_set_hash="",
    )  # fmt: skip
    assert from_record(json.loads(json.dumps(to_record(bare)))) == bare


@pytest.mark.parametrize(("drawn", "stopped"), [(40, True), (600, False)])
def test_a_drop_knows_whether_it_was_stopped(drawn: int, stopped: bool) -> None:  # noqa: FBT001 - parameters
    """Fewer examples than planned were drawn where the verdict was settled before."""
    record = {**to_record(EVALUATION), "drawn": drawn}
    again = from_record(record)
    assert isinstance(again, Evaluation)
    assert again.stopped is stopped


def test_the_score_of_answers() -> None:
    """What was scored where something could be read; None where nobody can tell."""
    floor = replace(FLOOR, abstained=8, seed_scores=(0.25,))
    assert floor.score_answered == pytest.approx(0.25 * 32 / 24)
    told = replace(EVALUATION, metric="accuracy", details=None, seed_drops=(0.1,), abstained=10)
    assert told.score_answered == pytest.approx(0.5 * 30 / 20)
    assert replace(told, abstained=0).score_answered == told.score_under_shift
    assert replace(told, abstained=30).score_answered is None
    assert FLOOR.score_answered is None, "of several seeds"
    assert replace(told, metric="macro-f1").score_answered is None
    assert replace(told, details=EVALUATION.details).score_answered is None
