from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.examples import Dataset, Example
from pytest_ood.tasks import (
    Classification,
    Prediction,
    check_labels,
    decide,
    majority_share,
    merged_answer,
    merged_task,
)
from pytest_ood.tasks.numeric import reasoning_of

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


def test_predictions_are_values() -> None:
    """Equal answers compare equal; an abstention has no label."""
    assert Prediction("a", {"a": 1.0}, "A!") == Prediction("a", {"a": 1.0}, "A!")
    assert Prediction(None).label is None


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


@pytest.mark.parametrize(
    ("solution", "reasoning"),
    [
        ("2/2=<<2/2=1>>1 bolt\nSo 2+1=<<2+1=3>>3\n#### 3", "2/2=1 bolt\nSo 2+1=3"),
        ("one step\n\n two \n", "one step\ntwo"),
        ("#### 3", ""),
        ("", ""),
    ],
)
def test_a_solution_without_its_answer(solution: str, reasoning: str) -> None:
    """Steps stay, one a line; the answer, annotations and empty lines do not."""
    assert reasoning_of(solution) == reasoning
