"""Classification: the right label scores, and nothing else does."""

from __future__ import annotations

import pytest

from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.tasks import (
    Classification,
    Prediction,
    decide,
    merged_answer,
    merged_task,
)

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


NLI = Classification(("entailment", "neutral", "contradiction"), "nli")
HANS = {"neutral": "non-entailment", "contradiction": "non-entailment"}


def test_a_merged_task_has_the_coarser_labels() -> None:
    """What is merged is one label, at the place of the first; without a merge nothing changes."""
    assert merged_task(NLI, HANS) == Classification(("entailment", "non-entailment"), "nli")
    assert merged_task(NLI, {}) is NLI
    with pytest.raises(ConfigurationError, match="two or more different ones"):
        merged_task(NLI, dict.fromkeys(NLI.labels, "any"))


def test_a_merged_answer_is_that_of_the_model() -> None:
    """Probabilities add up; the answer stays the model's, even where others sum up to more."""
    answer = decide({"entailment": 0.4, "neutral": 0.35, "contradiction": 0.25})
    merged = merged_answer(answer, HANS)
    assert merged == Prediction("entailment", {"entailment": 0.4, "non-entailment": 0.6})
    assert merged_answer(Prediction("neutral", text="hm"), HANS) == Prediction(
        "non-entailment", text="hm"
    )
    assert merged_answer(Prediction(None), HANS) == Prediction(None)
    assert merged_answer(answer, {}) is answer
