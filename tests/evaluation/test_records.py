from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace

import pytest

from pytest_ood.columns import Categorical
from pytest_ood.evaluation import (
    AttackFigures,
    Cell,
    Comparison,
    Evaluation,
    ExampleScores,
    Flip,
    Floor,
    LabelCounts,
    PromptAttack,
    Result,
    from_record,
    to_record,
)
from pytest_ood.evaluation.example_scores import hash_examples
from pytest_ood.statistics import Estimate

FIGURE = Estimate(0.25, 0.125, 0.5, 40, 0.4330127018922193)
FLIPS = (
    Flip("m1", "neg", "bad film", "baad film", "neg", None),
    Flip("b1", "neg", None, "dire book", None, "pos"),
)

ITEMS = ExampleScores(
    hash_examples([(None, "a", "pos"), ("b", "c", "neg")]), Categorical.of([1.0, 0.5])
)
CELLS = (Cell("Negation", "", 20, FIGURE), Cell("not good (MFT)", "Negation", 10, FIGURE))
FLOOR = Floor(
    suite="tiny", model="m", n=32, planned=600, abstained=1, score=FIGURE, majority=0.5,
    budget=0.7, verdict="fail", reason="below", seed=3, data_hash="abc", p_fail=0.001,
    adjusted_p=0.004, reasked=32, disagreed=2, seed_scores=(0.25, 0.75),
    errors=(("503", 2),), items=ITEMS, kind="domain", shift="books", breakdown=CELLS,
    left_out=(("no label", 3),), cases=41, flips=FLIPS, flipped=7, measure="token F1",
)  # fmt: skip
EVALUATION = Evaluation(
    suite="tiny", kind="domain", shift="books", model="m", n=30, unchanged=10, rejected=4,
    abstained=2,
    abstained_id=1, score_id=0.75, score_ood=0.5, drop=FIGURE, paired=True, budget=0.1,
    verdict="fail", reason="above", seed=3, shifted_set_hash="def", queries=77,
    before=Categorical.of([1.0, None, 0.5]), after=Categorical.of([0.0, None, 0.5]), flips=FLIPS,
    metric="macro-f1", drawn=40, planned=600, p_fail=0.002, adjusted_p=0.02, unheld=3,
    disagreement=0.0625, seed_drops=(0.125, 0.375), reweighted=0.2, reference=0.9,
    measures=(("ece", 0.1, 0.2), ("recall-neg", 1.0, 0.5)), sequential=True,
    family="ocr", severity=3,
    attack=AttackFigures(
        attacked=20, accuracy=FIGURE, success=FIGURE, queries=FIGURE,
        queries_median=(11.0, 8.0, 12.0), reducing=7, edited_words=FIGURE,
        edited_characters=FIGURE, similarity=None, rejected=3,
        skipped=(("wrong from the start", 10),), decision_only=True, cached=5,
    ),
    surrogate="other", prompt=PromptAttack(
        before="{text} is", after="{text} si", tried=9, search_examples=20
    ),
    errors=(("timed out", 3), ("503", 2)), flipped=30,
    items=ITEMS, per_label=(LabelCounts("pos", 20, 18, 30, 10),), breakdown=CELLS,
    left_out=(("no label", 3),), cases=41, measure="token F1",
)  # fmt: skip
COMPARISON = Comparison(
    suite="tiny", kind="noise", shift="ocr", model="m", baseline="b", n=30, scores=(0.9, 0.8),
    baseline_scores=(0.8, 0.75), difference=FIGURE, margin=0.02, verdict="inconclusive",
    reason="about", seed=3, flips=FLIPS, metric="recall-neg", drawn=64, planned=600, p_fail=0.03,
    adjusted_p=0.3, surrogate="other", errors=(("503", 1),), flipped=7, cases=41,
    measure="token F1",
)  # fmt: skip
ALL: tuple[Result, ...] = (FLOOR, EVALUATION, COMPARISON)


@pytest.mark.parametrize("result", ALL, ids=lambda r: type(r).__name__)
def test_every_field_comes_back(result: Result) -> None:
    """Whatever a result holds survives JSON, tuples and estimates included."""
    for field in fields(result):
        assert field.default is MISSING or getattr(result, field.name) != field.default
    again = from_record(json.loads(json.dumps(to_record(result), allow_nan=False)))
    assert again == result
    assert type(again) is type(result)
    assert hash(again) == hash(result), "lists have become tuples again"


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
        suite="s", kind="noise", shift="x", model="m", n=1, unchanged=0, abstained=0,
        abstained_id=0, score_id=1.0, score_ood=1.0, drop=FIGURE, paired=True, budget=None,
        verdict="measured", reason="no budget is set", seed=0, shifted_set_hash="", queries=None,
        before=Categorical.of([]), after=Categorical.of([]), flips=(),
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
    told = replace(EVALUATION, metric="accuracy", attack=None, seed_drops=(0.1,), abstained=10)
    assert told.score_answered == pytest.approx(0.5 * 30 / 20)
    assert replace(told, abstained=0).score_answered == told.score_ood
    assert replace(told, abstained=30).score_answered is None
    assert FLOOR.score_answered is None, "of several seeds"
    assert replace(told, metric="macro-f1").score_answered is None
    assert replace(told, attack=EVALUATION.attack).score_answered is None
