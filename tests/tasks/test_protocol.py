"""What all tasks share: answers, checks of labels, the most frequent answer."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import DataError
from pytest_ood.tasks import Prediction, check_labels, decide, majority_share

EXAMPLE = Example("1", "good", "positive")


@pytest.mark.parametrize(
    ("scores", "label"),
    [
        ({"a": 0.2, "b": 0.8}, "b"),
        ({"a": 1.0}, "a"),
        ({"b": 0.5, "a": 0.5}, "b"),
        # Nearer than four decimals is a tie: batches of another composition move a score so much.
        ({"a": 0.500001, "b": 0.500009}, "a"),
        ({"a": 0.5001, "b": 0.5002}, "b"),
    ],
)
def test_decide_takes_the_highest_score(scores: dict[str, float], label: str) -> None:
    """The highest rounded score decides; a tie goes to the label named first."""
    assert decide(scores).label == label


@settings(deadline=None)
@given(
    scores=st.dictionaries(st.text(), st.floats(0, 1), min_size=1, max_size=5),
    noise=st.floats(-4e-7, 4e-7),
)
def test_decide_rounds_before_it_decides(scores: dict[str, float], noise: float) -> None:
    """The answer follows from the rounded scores alone, which are what is kept."""
    prediction = decide(scores)
    assert prediction.label is not None
    assert prediction.scores[prediction.label] == max(prediction.scores.values())
    assert decide(prediction.scores) == prediction
    assert decide({k: v + noise for k, v in prediction.scores.items()}).label == prediction.label


def test_check_labels_accepts_some_of_the_labels() -> None:
    """A data set need not hold every label of the task."""
    check_labels(Dataset("d", (EXAMPLE,)), ("negative", "positive"))


def test_check_labels_names_the_example() -> None:
    """A label that the task lacks is reported with data set, example and nearest right label."""
    data = Dataset("reviews", (EXAMPLE, Example("row-2", "bad", "negativ")))
    with pytest.raises(DataError) as caught:
        check_labels(data, ("negative", "positive"))
    message = str(caught.value)
    assert message.startswith("reviews: example 'row-2' has an unknown label 'negativ'.")
    assert "Did you mean 'negative'" in message


@pytest.mark.parametrize(("labels", "share"), [("aab", 2 / 3), ("ab", 0.5), ("a", 1.0)])
def test_the_majority_share(labels: str, share: float) -> None:
    """The majority share is what answering the most frequent label always would score."""
    data = Dataset.from_pairs("d", [(str(i), label) for i, label in enumerate(labels)])
    assert majority_share(data) == pytest.approx(share)


def test_the_majority_share_counts_every_right_answer() -> None:
    """An answer that is one of several right ones is right; it need not be the first."""
    data = Dataset(
        "d",
        (Example("1", "q", "Rome", ("Roma", "Rome")), Example("2", "r", "Roma"),
         Example("3", "s", "Oslo")),
    )  # fmt: skip
    assert majority_share(data) == pytest.approx(2 / 3)


def test_predictions_are_values() -> None:
    """Equal answers compare equal; an abstention has no label."""
    assert Prediction("a", {"a": 1.0}, "A!") == Prediction("a", {"a": 1.0}, "A!")
    assert Prediction(None).label is None
