"""False acceptance counts inputs out of scope alone."""

from __future__ import annotations

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics import Outcome, Outcomes, find_metric, metric_names
from pytest_ood.metrics.ece import CalibrationError
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.tasks.classification import OUT_OF_SCOPE

NAMED = Classification(("a", "b", "oos"), out_of_scope="oos")
UNNAMED = Classification(("a", "b"), out_of_scope=OUT_OF_SCOPE)


def outcomes(
    task: Classification, rows: list[tuple[str, str | None]], confidence: float = 0.5
) -> list[Outcome]:
    """Return the outcomes of truths and answers, as a run scores them."""
    made = []
    for truth, answer in rows:
        example = Example("e", "text", truth)
        scores = {} if answer is None else {answer: confidence}
        prediction = task.resolve(Prediction(answer, scores), example)
        made.append(Outcome("e", truth, prediction, task.score(prediction, example)))
    return made


@pytest.mark.parametrize("task", [NAMED, UNNAMED])
def test_false_acceptance(task: Classification) -> None:
    """Of three inputs out of scope one is accepted; those in scope do not count."""
    scope = task.out_of_scope
    rows = outcomes(task, [(scope, "a"), (scope, None), (scope, None), ("a", "b"), ("a", None)])
    metric = find_metric("false-acceptance", task)
    assert metric.RISES
    assert float(metric.value(metric.features(rows).mean(axis=0))) == pytest.approx(1 / 3)
    assert [row.score for row in rows] == [0.0, 1.0, 1.0, 0.0, 0.0]


def test_the_label_of_inputs_out_of_scope_rejects_them_too() -> None:
    """A model may answer it, or abstain: recall and macro-F1 count both."""
    rows = outcomes(NAMED, [("oos", "oos"), ("oos", None), ("oos", "a"), ("a", "a"), ("b", "b")])
    for name, expected in {"false-acceptance": 1 / 3, "recall-oos": 2 / 3}.items():
        metric = find_metric(name, NAMED)
        assert float(metric.value(metric.features(rows).mean(axis=0))) == pytest.approx(expected)


def test_it_needs_inputs_out_of_scope_on_both_sides() -> None:
    """The message says how a target of nothing else is limited."""
    some, none = (Outcomes.of(outcomes(NAMED, [(truth, "a")])) for truth in ("oos", "a"))
    metric = find_metric("false-acceptance", NAMED)
    assert metric.for_answers(some, some) == metric
    with pytest.raises(NotApplicableError, match="none of the 1 examples in distribution is out"):
        metric.for_answers(none, some)
    assert "false-acceptance" not in metric_names(Classification(("a", "b")), "domain")


def test_a_right_abstention_has_no_confidence_to_calibrate() -> None:
    """It counts in no bin, as every abstention."""
    rows = outcomes(NAMED, [("oos", None), ("a", "a")], confidence=0.75)
    (metric,) = CalibrationError.for_task(NAMED)
    assert float(metric.value(metric.features(rows).mean(axis=0))) == pytest.approx(0.125)
