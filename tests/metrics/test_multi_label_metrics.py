"""Metrics of sets of labels are those of scikit-learn."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, jaccard_score, recall_score

from pytest_ood.data.examples import Example
from pytest_ood.errors import NotApplicableError
from pytest_ood.metrics import Outcome, Outcomes, find_metric, metric_names
from pytest_ood.models._label_matrix import indicators
from pytest_ood.tasks import Classification, Prediction
from pytest_ood.tasks.multi_label import MultiLabel

TASK = MultiLabel(("anger", "joy", "sadness"))
SETS = st.sets(st.sampled_from(TASK.classes))
PAIRS = st.lists(st.tuples(SETS, SETS), min_size=1, max_size=12)


def outcomes(pairs: list[tuple[set[str], set[str] | None]]) -> list[Outcome]:
    """Return answered examples; None for an abstention."""
    made = []
    for true, given_ in pairs:
        label, answer = TASK.answer_of(true), None if given_ is None else TASK.answer_of(given_)
        prediction = Prediction(answer)
        made.append(Outcome("e", label, prediction, TASK.score(prediction, Example("", "", label))))
    return made


def value(name: str, rows: list[Outcome]) -> float:
    """Return a metric of the task over all examples."""
    metric = find_metric(name, TASK)
    return float(metric.value(metric.features(rows).mean(axis=0)))


@settings(max_examples=40)
@given(PAIRS)
def test_metrics_are_scikit_learn_s(pairs: list[tuple[set[str], set[str]]]) -> None:
    """Micro-F1, the mean Jaccard index, subset accuracy, and the recall of a label."""
    rows = outcomes(list(pairs))
    true, given_ = (
        indicators([Example("", "", TASK.answer_of(pair[side])) for pair in pairs], TASK.classes)
        for side in (0, 1)
    )
    expected = {
        "micro-f1": f1_score(true, given_, average="micro", zero_division=0),
        "accuracy": jaccard_score(true, given_, average="samples", zero_division=1.0),
        "exact-set": accuracy_score(true, given_),
        "recall-joy": recall_score(true[:, 1], given_[:, 1], zero_division=0),
    }
    assert {name: value(name, rows) for name in expected} == pytest.approx(expected)


def test_an_abstention_misses_every_label() -> None:
    """It is neither right where nothing holds, nor an empty set."""
    rows = outcomes([({"joy"}, None), (set(), None), ({"joy"}, {"joy"})])
    assert value("micro-f1", rows) == pytest.approx(2 / 3)
    assert value("exact-set", rows) == pytest.approx(1 / 3)
    assert value("accuracy", rows) == pytest.approx(1 / 3)


def test_sets_of_labels_have_metrics_of_their_own() -> None:
    """A classification has none of them, and they have none by label mix or confidence."""
    names = metric_names(TASK, "domain")
    assert {"accuracy", "micro-f1", "exact-set", "recall-anger", "pdr"} <= {*names}
    assert not {"macro-f1", "ece", "reweighted", "false-acceptance"} & {*names}
    assert not {"micro-f1", "exact-set"} & {*metric_names(Classification(("a", "b")), "domain")}


def test_a_recall_needs_examples_of_its_label() -> None:
    """On both sides."""
    some, none = Outcomes.of(outcomes([({"joy"}, set())])), Outcomes.of(outcomes([(set(), set())]))
    with pytest.raises(NotApplicableError, match="under the shift none has the label 'joy'"):
        find_metric("recall-joy", TASK).for_answers(some, none)
    assert find_metric("recall-joy", TASK).for_answers(some, some).name == "recall-joy"
