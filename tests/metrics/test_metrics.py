from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import f1_score, recall_score

from pytest_ood.errors import ConfigurationError, NotApplicableError
from pytest_ood.metrics import (
    Metric,
    Outcome,
    Outcomes,
    budget_metrics,
    find_metric,
    metric_class,
    metric_names,
)
from pytest_ood.metrics.ece import CalibrationError
from pytest_ood.metrics.macro_f1 import MacroF1
from pytest_ood.metrics.outcomes import pseudo_outcomes
from pytest_ood.metrics.pdr import PerformanceDropRate
from pytest_ood.metrics.recall import Recall
from pytest_ood.metrics.reweighted import Reweighted
from pytest_ood.tasks import Classification, Prediction

LABELS = ("no", "yes", "maybe")
TASK = Classification(LABELS)
ANSWERS = st.lists(
    st.tuples(st.sampled_from(LABELS), st.sampled_from([*LABELS, None]), st.floats(0.34, 1.0)),
    min_size=1, max_size=30,
)  # fmt: skip
Row = tuple[str, str | None, float]


def outcome(label: str, answer: str | None, confidence: float = 0.8) -> Outcome:
    """Return an answered example."""
    scores = {} if answer is None else {answer: confidence}
    return Outcome("e", label, Prediction(answer, scores), float(label == answer))


def outcomes(rows: list[Row]) -> list[Outcome]:
    """Return answered examples."""
    return [outcome(*row) for row in rows]


def value(metric: MacroF1 | Recall | CalibrationError, rows: list[Row]) -> float:
    """Return the metric over all examples."""
    return float(metric.value(metric.features(outcomes(rows)).mean(axis=0)))


@pytest.mark.slow
@given(rows=ANSWERS)
def test_macro_f1_is_scikit_learn_s(rows: list[Row]) -> None:
    """The mean over all labels of the task, an abstention being a label nobody has."""
    true, given_ = [r[0] for r in rows], [r[1] or "abstained" for r in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = f1_score(true, given_, labels=LABELS, average="macro", zero_division=0)
    assert value(MacroF1(LABELS), rows) == pytest.approx(expected)


@pytest.mark.slow
@given(rows=ANSWERS, label=st.sampled_from(LABELS))
def test_recall_is_scikit_learn_s(rows: list[Row], label: str) -> None:
    """The share of a label's examples that are answered with it; 0 where there is none."""
    true, given_ = [r[0] for r in rows], [r[1] or "abstained" for r in rows]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = recall_score(true, given_, labels=[label], average="macro", zero_division=0)
    assert value(Recall(label), rows) == pytest.approx(expected)


@given(rows=ANSWERS)
def test_calibration_error_is_that_of_ten_bins(rows: list[Row]) -> None:
    """The mean gap between confidence and rightness, weighted by the bins' sizes."""
    answered = [(label == answer, score) for label, answer, score in rows if answer is not None]
    expected = 0.0
    for place in range(10):
        inside = [(right, score) for right, score in answered if min(9, int(score * 10)) == place]
        if inside:
            confidence = np.mean([score for _, score in inside])
            accuracy = np.mean([right for right, _ in inside])
            expected += len(inside) / len(rows) * abs(confidence - accuracy)
    assert value(CalibrationError(), rows) == pytest.approx(expected)


def test_calibration_needs_a_probability() -> None:
    """A model that gives answers alone has no calibration, and the message says so."""
    with pytest.raises(NotApplicableError, match="needs a probability with every answer"):
        CalibrationError().features([Outcome("e", "no", Prediction("no"), 1.0)])


def test_a_worse_calibration_is_a_loss() -> None:
    """The drop of a metric of which more is worse is how much it rises."""
    metric = CalibrationError()
    good, bad = [outcome("no", "no", 1.0)] * 4, [outcome("no", "yes", 1.0)] * 4
    before, after = (metric.features(side).mean(axis=0) for side in (good, bad))
    assert float(metric.drop(*metric.values(before, after))) == 1.0
    assert float(MacroF1.drop(0.75, 0.5)) == 0.25


def test_the_performance_drop_rate() -> None:
    """Of 80 points, 20 are a quarter; of nothing, nothing can be lost."""
    rate = PerformanceDropRate()
    assert float(rate.drop(0.8, 0.6)) == pytest.approx(0.25)
    assert float(rate.drop(0.0, 0.6)) == 0.0
    assert rate.drop(np.array([0.8, 0.0]), np.array([0.6, 0.6])) == pytest.approx([0.25, 0.0])


def test_reweighting_is_worked_by_hand() -> None:
    """The target's score by label, at the label shares of the in-distribution examples."""
    before = [outcome("no", "no")] * 3 + [outcome("yes", "yes")]
    after = [outcome("no", "no")] + [outcome("no", "yes")] + [outcome("yes", "yes")] * 8
    loss = Reweighted(("no", "yes"))
    means = loss.features(before).mean(axis=0), loss.features_after(after).mean(axis=0)
    # no: 1 of 2 right, at a share of 3/4; yes: all right, at 1/4.
    assert [float(v) for v in loss.values(*means)] == pytest.approx([1.0, 0.75 * 0.5 + 0.25])
    assert float(loss.drop(*loss.values(*means))) == pytest.approx(0.375)


@given(answers=st.lists(st.sampled_from(["no", "yes"]), min_size=4, max_size=4))
def test_equal_mixes_need_no_reweighting(answers: list[str]) -> None:
    """With the same shares of labels on both sides it is the raw drop."""
    before = [outcome("no", "no")] * 2 + [outcome("yes", "yes")] * 2
    after = [
        outcome(label, a) for label, a in zip(["no", "no", "yes", "yes"], answers, strict=True)
    ]
    loss = Reweighted(("no", "yes"))
    means = loss.features(before).mean(axis=0), loss.features_after(after).mean(axis=0)
    assert float(loss.drop(*loss.values(*means))) == pytest.approx(
        1.0 - np.mean([o.score for o in after])
    )


def test_pseudo_outcomes_are_one_right_and_one_wrong() -> None:
    """Both have the commonest truth, and a probability where the model gives some."""
    given = Outcomes.of(outcomes([("yes", "no", 0.9), ("yes", "yes", 0.8)]))
    right, wrong = pseudo_outcomes(given, TASK)
    assert (right.label, right.prediction.label, right.score) == ("yes", "yes", 1.0)
    assert (wrong.label, wrong.score) == ("yes", 0.0)
    assert right.prediction.scores == {"yes": 0.5}
    bare = pseudo_outcomes(Outcomes.of([Outcome("e", "no", Prediction("no"), 1.0)]), TASK)
    assert not bare[0].prediction.scores


@pytest.mark.parametrize("kind", ["domain", "noise", "adversarial"])
def test_every_metric_of_a_budget_can_be_found(kind: str) -> None:
    """The names that a suite may write are those of metrics, in the order of tables."""
    names = metric_names(TASK, kind)
    for name in names:
        assert find_metric(name, TASK).name == name
        assert isinstance(find_metric(name, TASK), metric_class(name))
    domain = ("reweighted", "in-domain") if kind == "domain" else ()
    recalls = ("recall-no", "recall-yes", "recall-maybe")
    usual = ("accuracy", "macro-f1", "ece", "pdr", *recalls, *domain)
    assert names[: len(usual)] == usual
    assert budget_metrics(TASK, kind) == names[1:]


def test_a_name_that_no_metric_has_is_one_that_falls() -> None:
    """A report of another installation may hold one; it is shown by its name."""
    assert metric_class("brier") is Metric
    assert float(metric_class("brier").drop(0.5, 0.25)) == 0.25
    assert metric_class("brier").label("brier", "accuracy") == "brier"
    assert metric_class("pdr").label("pdr", "token F1") == "token F1"


def test_an_unknown_metric_is_refused() -> None:
    """The message names the nearest."""
    with pytest.raises(ConfigurationError, match=r"unknown metric 'recall-yess'.*'recall-yes'"):
        find_metric("recall-yess", TASK)


def test_a_label_the_target_lacks_leaves_its_weight_to_the_others() -> None:
    """Where no target example has a label, the others' shares are scaled up to one."""
    before = [outcome("no", "no")] * 2 + [outcome("yes", "yes"), outcome("maybe", "maybe")]
    after = [outcome("no", "yes"), outcome("yes", "yes"), outcome("yes", "yes")]
    loss = Reweighted(LABELS)
    means = loss.features(before).mean(axis=0), loss.features_after(after).mean(axis=0)
    assert float(loss.drop(*loss.values(*means))) == pytest.approx(1.0 - 1 / 3)


@given(rows=ANSWERS)
def test_many_means_at_once_give_the_same_values(rows: list[Row]) -> None:
    """Metrics of a stack of means, as resampling has them, are those of each alone."""
    for metric in (MacroF1(LABELS), Recall("yes"), CalibrationError()):
        means = metric.features(outcomes(rows)).mean(axis=0)
        stack = np.stack([means, np.zeros_like(means)])
        assert metric.value(stack) == pytest.approx([float(metric.value(means)), 0.0])


def test_an_abstention_needs_no_probability() -> None:
    """Where a model says nothing there is no confidence to be wrong about."""
    silent = Outcome("e", "no", Prediction(None), 0.0)
    assert not CalibrationError().features([silent]).any()
    assert not MacroF1(LABELS).features([silent])[0, [0, 2, 4]].any()
