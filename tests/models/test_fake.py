from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError
from pytest_ood.models import adapter
from pytest_ood.models.fake import KINDS, FakeModel
from pytest_ood.models.protocol import Context, is_model
from pytest_ood.tasks import NumericAnswer

build = adapter("fake").build

LABELS = ("negative", "positive")
WORDS = {"negative": ["bad", "awful"], "positive": ["good", "fine"]}


def fake(kind: str, labels: tuple[str, ...] = LABELS, **words: list[str]) -> FakeModel:
    """Make a fake."""
    return FakeModel("fake", kind, labels, words or (WORDS if kind == "keyword" else {}))


def test_a_constant_answers_the_first_label() -> None:
    """`constant` answers the first label to everything."""
    assert [answer.label for answer in fake("constant").predict(["good", "", "bad"])] == [
        "negative"
    ] * 3


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("A GOOD film", "positive"),
        ("a bad film", "negative"),
        ("bad, awful, good", "negative"),
        ("good, but bad", "positive"),
        ("a baad film", "positive"),
        ("badly", "positive"),
        ("", "positive"),
        ({"title": "fine", "body": "bad and awful"}, "negative"),
    ],
)
def test_a_keyword_decides(text: Any, label: str) -> None:
    """The label with most of its words in the text is the answer, the last one at a tie."""
    (answer,) = fake("keyword").predict([text])
    assert answer.label == label
    assert sum(answer.scores.values()) == pytest.approx(1.0, abs=1e-3)


def test_random_is_even_and_derived_from_the_input() -> None:
    """`random` answers every label about equally often, and the same to the same input."""
    texts = [f"text {number}" for number in range(600)]
    model = fake("random", ("a", "b", "c"))
    answers = [answer.label for answer in model.predict(texts)]
    assert answers == [model.predict([text])[0].label for text in texts]
    assert all(150 < count < 250 for count in Counter(answers).values())


@given(texts=st.lists(st.text(max_size=20), max_size=5), kind=st.sampled_from(KINDS))
def test_any_text_is_answered(texts: list[str], kind: str) -> None:
    """Whatever the texts are, each gets a label of the task."""
    answers = fake(kind).predict(texts)
    assert len(answers) == len(texts)
    assert all(answer.label in LABELS for answer in answers)


def test_the_fingerprint_is_of_the_rule() -> None:
    """Kind, labels and words change it; the name and the paradigm do not."""
    usual = fake("keyword")
    assert is_model(usual)
    assert fake("keyword").fingerprint == usual.fingerprint
    others = [
        fake("random"),
        fake("constant"),
        fake("keyword", LABELS[::-1]),
        fake("keyword", positive=["good"]),
    ]
    assert len({model.fingerprint for model in [usual, *others]}) == 5
    named = FakeModel("other", "keyword", LABELS, WORDS, "prompted")
    assert named.fingerprint == usual.fingerprint


def test_a_fake_is_built_from_a_configuration(context: Context) -> None:
    """Kind, words and paradigm arrive where they belong."""
    model = build("keyword", context, words=WORDS, paradigm="prompted")
    assert model == FakeModel("model", "keyword", LABELS, WORDS, "prompted")
    assert model.source == "fake: keyword"
    assert model.parameters == WORDS


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        ("constan", {}, "unknown kind of fake 'constan'. Did you mean 'constant'"),
        ("keyword", {"words": {"positiv": ["a"]}}, "words: unknown label 'positiv'. Did you mean"),
        ("keyword", {"words": {"positive": "good"}}, "words: 'good' is not a list of words"),
        ("keyword", {"words": {"positive": [1]}}, "words: [1] is not a list of words"),
        ("random", {"paradigm": "x"}, "unknown paradigm 'x'"),
    ],
)
def test_wrong_values_are_refused(
    kind: str, options: dict[str, Any], message: str, context: Context
) -> None:
    """What cannot work is a usage error with the model's name."""
    with pytest.raises(ConfigurationError) as caught:
        build(kind, context, **options)
    assert f"model 'model': {message}" in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_task_without_labels_has_no_fake(kind: str, context: Context) -> None:
    """A fake has nothing to answer where there are no labels; the message says what has."""
    with pytest.raises(ConfigurationError, match="the task numeric has none; take a model that"):
        build(kind, replace(context, task=NumericAnswer()))
