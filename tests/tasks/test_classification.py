"""Classification: the right label scores, and nothing else does."""

from __future__ import annotations

import pytest

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.examples import Example
from pytest_ood.tasks import Classification, Prediction

EXAMPLE = Example("1", "good", "positive")


@pytest.mark.parametrize(
    ("answer", "score"),
    [("positive", 1.0), ("negative", 0.0), ("Positive", 0.0), (None, 0.0)],
)
def test_a_classification_scores_the_right_label(answer: str | None, score: float) -> None:
    """Only exactly the right label scores; an abstention does not."""
    task = Classification(("negative", "positive"))
    assert task.score(Prediction(answer), EXAMPLE) == score


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c"), ("0", "1")])
def test_a_classification_takes_two_labels_or_more(labels: tuple[str, ...]) -> None:
    """Two or more different labels make a classification, in the order given."""
    assert Classification(labels).labels == labels


@pytest.mark.parametrize("labels", [(), ("a",), ("a", "a"), ("a", "b", "a")])
def test_a_classification_refuses_fewer_than_two(labels: tuple[str, ...]) -> None:
    """Fewer than two different labels are refused; the message shows them."""
    with pytest.raises(ConfigurationError) as caught:
        Classification(labels)
    assert str(caught.value).startswith(f"labels = {list(labels)!r}: ")


def test_a_label_is_taken_as_it_is() -> None:
    """A label of the task is its own reference, and another is refused with the nearest."""
    task = Classification(("negative", "positive"))
    assert task.reference("positive") == "positive"
    with pytest.raises(DataError, match="Did you mean 'positive'"):
        task.reference("positiv")
