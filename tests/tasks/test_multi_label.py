"""Sets of labels: how they are read, compared and scored."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, strategies

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.tasks import Prediction, majority_share, parse_task, reading_of
from pytest_ood.tasks.multi_label import MultiLabel, jaccard, label_parts, labels_of

if TYPE_CHECKING:
    from pathlib import Path

EMOTIONS = MultiLabel(("anger", "joy", "sadness", "self love"))
SETS = strategies.sets(strategies.sampled_from(EMOTIONS.classes))

READ = {
    "joy, anger": "anger joy",
    "Joy and sadness.": "joy sadness",
    "**Joy** / **Sadness**": "joy sadness",
    "Labels: joy, self-love": "joy self love",
    "The emotions are:\n\n1. joy\n2. Anger": "anger joy",
    "- joy\n- anger\n": "anger joy",
    "joy\nanger\nThe text is about sadness.": "anger joy",
    "There is sadness in it.\nAnswer: joy": "joy",
    "joy, anger\n\nSentence: I hate sadness.\nEmotions: sadness": "anger joy",
    "The sentence expresses joy and not anger.": "joy",
    '["joy","anger"]': "anger joy",
    "['joy', 'anger']": "anger joy",
    '["joy", "ang': "joy",
    '["joy", "excitement"]': "joy",
    '```json\n{"labels": ["Joy"]}\n```': "joy",
    '{"labels": "joy, anger", "reason": "sadness"}': "anger joy",
    '{"joy": true, "anger": false, "sadness": 0.7}': "joy sadness",
    "[0, 1, 0, 1]": "joy self love",
    "<think>anger</think> joy": "joy",
    "anger <answer>joy</answer>": "joy",
    "None": "",
    "none of the listed emotions": "",
    "There is no clear emotion.": "",
    "Emotions: []": "",
    '["none"]': "",
    '{"labels": []}': "",
}
UNREAD = ("", " ", "I do not know", "not joy", '["happiness"]', "[" * 5000, "42")


def answer(labels: str) -> str:
    """Return the canonical answer of labels that stand in a text."""
    return EMOTIONS.answer_of([label for label in EMOTIONS.classes if label in labels])


@pytest.mark.parametrize("text", READ)
def test_the_labels_of_a_generated_text_are_read(text: str) -> None:
    """Lists in any form, and texts that say that there is none."""
    assert EMOTIONS.read(text, {}) == answer(READ[text])


@pytest.mark.parametrize("text", UNREAD)
def test_a_text_that_names_no_label_is_an_abstention(text: str) -> None:
    """Neither a label nor a word for none."""
    assert EMOTIONS.read(text, {}) is None


def test_numbers_that_are_labels_are_no_indicators() -> None:
    """A list of as many zeros and ones as there are labels may list labels."""
    assert MultiLabel(("0", "1")).read("[1, 0]", {}) == '["0","1"]'
    assert MultiLabel(("1", "2")).read("[1, 0]", {}) == '["1"]'
    assert MultiLabel(("none", "joy")).read("none", {}) == '["none"]'


@given(SETS)
def test_a_canonical_answer_is_read_and_encoded_as_itself(labels: set[str]) -> None:
    """Reading and encoding are idempotent."""
    canonical = EMOTIONS.answer_of(labels)
    assert labels_of(canonical) == labels
    assert EMOTIONS.read(canonical, {}) == canonical == EMOTIONS.encode(canonical, "")
    assert EMOTIONS.encode(list(labels), "") == canonical
    assert EMOTIONS.read(", ".join(labels) or "none", {}) == canonical


@given(SETS, SETS)
def test_the_score_is_the_jaccard_index(true: set[str], given_: set[str]) -> None:
    """Symmetric, 1 for equal sets alone, 0 for sets that share nothing."""
    example = Example("1", "text", EMOTIONS.answer_of(true))
    score = EMOTIONS.score(Prediction(EMOTIONS.answer_of(given_)), example)
    assert score == jaccard(given_, true) == jaccard(true, given_)
    assert (score == 1.0) == (true == given_)
    assert (score == 0.0) == (true.isdisjoint(given_) and bool(true | given_))
    assert EMOTIONS.score(Prediction(None), example) == 0.0


@pytest.mark.parametrize(
    ("value", "labels"),
    [
        ("joy, anger", "anger joy"),
        ("joy;anger", "anger joy"),
        (" joy | anger ", "anger joy"),
        ('["joy", "anger"]', "anger joy"),
        (("joy",), "joy"),
        ("", ""),
        ([], ""),
        (["joy", "joy"], "joy"),
        ("self love", "self love"),
    ],
)
def test_a_value_of_data_is_encoded(value: Any, labels: str) -> None:
    """A list, or a text with one of the separators."""
    assert EMOTIONS.encode(value, "") == answer(labels)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("joy, angr", "unknown label 'angr'.*[Dd]id you mean 'anger'"),
        (None, "None commonly means that a row is unlabelled"),
        ([["joy"]], "unknown label"),
    ],
)
def test_what_is_no_set_of_labels_is_refused(value: Any, message: str) -> None:
    """The message names the label and the nearest."""
    with pytest.raises(DataError, match=message):
        EMOTIONS.encode(value, "")


def test_a_separator_inside_a_label() -> None:
    """A label with a comma is separated by another character."""
    assert label_parts("arts, culture|sports, health", ()) == ["arts, culture", "sports, health"]
    assert label_parts("arts, culture", {"arts, culture"}) == ["arts, culture"]


def test_an_empty_answer_of_a_function_means_no_label() -> None:
    """An abstention has no label at all."""
    example = Example("1", "text", "[]")
    assert EMOTIONS.resolve(Prediction(""), example).label == "[]"
    assert EMOTIONS.resolve(Prediction(None), example).label is None


def test_the_best_constant_answer_may_be_partly_right() -> None:
    """The constant answer "joy and sadness" gets more than the share of any set."""
    truths = ['["joy"]', '["anger","joy"]', '["joy","sadness"]', '["sadness"]']
    data = Dataset("data", tuple(Example(str(n), str(n), t) for n, t in enumerate(truths)))
    assert majority_share(data) == 0.25
    assert majority_share(data, EMOTIONS) == pytest.approx((1 / 2 + 1 / 3 + 1 + 1 / 2) / 4)


def test_stored_answers_depend_on_the_labels(tmp_path: Path) -> None:
    """Texts were read with them."""
    table = {"task": "multi-label", "labels": ["a", "b"]}
    task = parse_task(table, "suite", tmp_path)
    assert task == MultiLabel(("a", "b"))
    assert reading_of(task) not in ("", reading_of(EMOTIONS))
    with pytest.raises(ConfigurationError, match=re.escape("the key 'labels' is missing")):
        parse_task({"task": "multi-label"}, "suite", tmp_path)
    with pytest.raises(ConfigurationError, match="needs two or more different ones"):
        MultiLabel(("a", "a"))
    assert json.loads(task.answer_of({"b", "a"})) == ["a", "b"]
