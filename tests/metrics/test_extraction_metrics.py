"""The metrics of extracted objects."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import f1_score

from pytest_ood.metrics import Outcome, find_metric, metric_class, metric_names
from pytest_ood.tasks import Extraction, NumericAnswer, Prediction, parse_task

TASK = parse_task(
    {"task": "extraction", "schema": {"a": "exact", "b": "text", "c": "set"}}, "suite", Path()
)
assert isinstance(TASK, Extraction)


def outcome(right: dict[str, Any], said: str | None) -> Outcome:
    """Return an answered example."""
    label = TASK.encode(right, "")
    assert label is not None
    score = 0.0 if said is None else sum(TASK.field_scores(label, said).values()) / 3  # type: ignore[attr-defined] # an Extraction
    return Outcome("1", label, Prediction(said), score)


def value(name: str, outcomes: list[Outcome]) -> float:
    """Return a metric over examples."""
    metric = find_metric(name, TASK)
    return float(metric.value(metric.features(outcomes).mean(axis=0)))


OUTCOMES = [
    outcome({"a": "x", "b": "one two"}, '{"a": "x", "b": "two", "c": null}'),
    outcome({"a": "x", "c": ["p", "q"]}, '{"a": "y", "b": "z", "c": ["q", "p"]}'),
    outcome({"a": "x"}, None),
    outcome({}, "{}"),
]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # By hand: right, left out, wrong or without an object.
        ("field-a", (1 + 0 + 0 + 1) / 4),
        ("field-b", (2 / 3 + 0 + 0 + 1) / 4),
        ("field-c", (1 + 1 + 0 + 1) / 4),
        ("exact-object", 1 / 4),
        # Right values: x, [q, p]; of the data: x, "one two", x, [p, q], x; of answers: x, two, y,
        # z, [q, p]. A text that is right in part is a wrong value.
        ("slot-f1", 2 * 2 / (5 + 5)),
        ("valid-json", 3 / 4),
        ("complete-json", 2 / 4),
    ],
)
def test_metrics_are_computed(name: str, expected: float) -> None:
    """Each has a budget of its own; a budget of a noise shift may name all."""
    assert value(name, OUTCOMES) == pytest.approx(expected)
    assert name in metric_names(TASK, "noise")
    assert not metric_class(name).RISES


LETTERS = st.sampled_from(["x", "y", None])


@settings(max_examples=25)
@given(pairs=st.lists(st.tuples(LETTERS, LETTERS), min_size=1, max_size=9))
def test_slot_f1_is_micro_f1(pairs: list[tuple[str | None, str | None]]) -> None:
    """Of one field it is scikit-learn's micro F1 over the values, nothing being no class."""
    outcomes = [outcome({"a": right}, json.dumps({"a": said})) for right, said in pairs]
    sides = ([side or "none" for side in column] for column in zip(*pairs, strict=True))
    expected = f1_score(*sides, labels=["x", "y"], average="micro", zero_division=0)
    assert value("slot-f1", outcomes) == pytest.approx(expected)


@pytest.mark.parametrize("name", ["exact-object", "slot-f1", "valid-json", "field-a"])
def test_a_perfect_and_a_wrong_answer_are_the_ends(name: str) -> None:
    """Statistics assume a right answer, which may have spans, and an empty one, which is wrong."""
    label = TASK.encode({"a": {"start": 0, "end": 1}}, "x")
    assert label is not None
    right = Outcome("1", label, Prediction(label), 1.0)
    assert value(name, [right]) == 1.0
    assert value(name, [Outcome("1", label, Prediction(""), 0.0)]) == 0.0


def test_other_tasks_have_none() -> None:
    """Numbers have no fields."""
    assert not {"exact-object", "slot-f1", "valid-json"} & {*metric_names(NumericAnswer(), "noise")}
