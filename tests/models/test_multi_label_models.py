"""Estimators and encoders that predict sets of labels."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from checkpoints import bert
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer

from pytest_ood.data.examples import Dataset, Example
from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.models import adapter, as_model
from pytest_ood.models._multi_label_encoder import PROBLEM, MultiLabelHead
from pytest_ood.models._training import FROM_SCRATCH
from pytest_ood.models.protocol import Context
from pytest_ood.tasks import Classification
from pytest_ood.tasks.multi_label import MultiLabel, labels_of

LABELS = ("joy", "anger", "fear")
"""Not in the order of the alphabet, in which a MultiLabelBinarizer has them."""
TASK = MultiLabel(LABELS)
WORDS = {"joy": "glad", "anger": "furious", "fear": "afraid"}


def sentences(name: str, count: int, seed: int) -> Dataset:
    """Make sentences with a word for each of their emotions."""
    rng, examples = random.Random(seed), []
    for number in range(count):
        held = [label for label in LABELS if rng.random() < 0.5]
        words = [WORDS[label] for label in held] + rng.sample(["he", "was", "there", "then"], 3)
        rng.shuffle(words)
        examples.append(Example(str(number), " ".join(words), TASK.answer_of(held)))
    return Dataset(name, tuple(examples))


TRAIN, TEST = sentences("train", 80, 0), sentences("test", 20, 1)
TEXTS = [str(example.inputs) for example in TEST]
TRUTHS = [example.label for example in TEST]
INNER: dict[str, Callable[[], Any]] = {
    "one for each": lambda: OneVsRestClassifier(LogisticRegression(C=100)),
    "several outputs": lambda: MultiOutputClassifier(LogisticRegression(C=100)),
    "neighbours": lambda: KNeighborsClassifier(1),
}
MODULE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

def make():
    return make_pipeline(TfidfVectorizer(), OneVsRestClassifier(LogisticRegression(C=100)))
"""


def answers(model: Any) -> list[str | None]:
    """Return a model's answers to the test sentences."""
    return [answer.label for answer in model.predict(TEXTS)]


@pytest.fixture
def task_context(tmp_path: Path, context_of: Callable[..., Context]) -> Context:
    """Return a context of the task, with training data and a module."""
    (tmp_path / "emotions.py").write_text(MODULE)
    return context_of(tmp_path, TRAIN, task=TASK)


def fitted(inner: Any, labels: tuple[str, ...] = LABELS) -> tuple[Any, MultiLabelBinarizer]:
    """Return a pipeline and the binarizer of its targets."""
    binarizer = MultiLabelBinarizer(classes=list(labels))
    targets = binarizer.fit_transform([labels_of(example.label) for example in TRAIN])
    texts = [str(example.inputs) for example in TRAIN]
    return make_pipeline(TfidfVectorizer(), inner).fit(texts, targets), binarizer


@pytest.mark.parametrize("inner", INNER)
def test_an_estimator_with_an_indicator_matrix(inner: str) -> None:
    """In Python: the columns are in the order of the task's labels."""
    estimator, _ = fitted(INNER[inner]())
    assert answers(as_model(estimator, (), task=TASK)) == TRUTHS


def test_an_estimator_that_is_fitted_here(task_context: Context) -> None:
    """With and without a threshold, which is part of the fingerprint."""
    build = adapter("sklearn").build
    model = build("emotions:make", task_context, train="train")
    assert answers(model) == TRUTHS
    half = build("emotions:make", task_context, train="train", threshold=0.5)
    assert answers(half) == TRUTHS
    none = build("emotions:make", task_context, train="train", threshold=1.0)
    assert set(answers(none)) == {"[]"}
    assert len({m.fingerprint for m in (model, half, none)}) == 3
    assert none.parameters == {"threshold": 1.0}


def test_several_outputs_have_probabilities(task_context: Context) -> None:
    """A table for each label."""
    joblib.dump(fitted(INNER["several outputs"]())[0], task_context.root / "model.joblib")
    build = adapter("sklearn").build
    assert answers(build("model.joblib", task_context, threshold=0.5)) == TRUTHS


def test_the_binarizer_names_the_columns(task_context: Context) -> None:
    """Saved with the estimator, in another order than the task's."""
    pipeline, binarizer = fitted(INNER["one for each"](), tuple(sorted(LABELS)))
    joblib.dump((pipeline, binarizer), task_context.root / "model.joblib")
    model = adapter("sklearn").build("model.joblib", task_context)
    assert answers(model) == TRUTHS
    parts = {"words": pipeline[0], "model": pipeline[1], "binarizer": binarizer}
    joblib.dump(parts, task_context.root / "parts.joblib")
    assert answers(adapter("sklearn").build("parts.joblib", task_context)) == TRUTHS


def test_labels_of_the_estimator_are_renamed(task_context: Context) -> None:
    """Those of its columns, or their numbers."""
    pipeline, _ = fitted(INNER["one for each"](), ("fear", "joy", "anger"))
    joblib.dump(pipeline, task_context.root / "model.joblib")
    names = {"0": "fear", "1": "joy", "2": "anger"}
    model = adapter("sklearn").build("model.joblib", task_context, labels=names)
    assert answers(model) == TRUTHS


class Listing(ClassifierMixin, BaseEstimator):  # type: ignore[misc] # untyped
    """Answers the labels themselves."""

    classes_ = np.array(LABELS)

    def __init__(self, name: str = "joy") -> None:
        self.name = name

    def predict(self, texts: list[str]) -> list[tuple[str, ...]]:
        """Return the labels whose word a text has."""
        return [(self.name,) if "glad" in text else () for text in texts]


def test_an_estimator_that_answers_labels() -> None:
    """As one whose `predict` inverts its binarizer; an unknown one is an error."""
    model = as_model(Listing(), (), task=TASK)
    assert answers(model) == ['["joy"]' if "joy" in truth else "[]" for truth in TRUTHS]
    with pytest.raises(ModelError, match=r"answered an unknown label 'jo'.*'joy'"):
        answers(as_model(Listing("jo"), (), task=TASK))


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (lambda: fitted(INNER["neighbours"](), LABELS[:2])[0], r"shape \(20, 2\).*\(20, 3\)"),
        (
            lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(TEXTS, TRUTHS),
            "it predicts .* for a text; a suite of the task multi-label",
        ),
        (lambda: make_pipeline(TfidfVectorizer(), LogisticRegression()), "is not fitted"),
    ],
)
@pytest.mark.filterwarnings("ignore:unknown class")
def test_other_estimators_are_refused(value: Callable[[], Any], message: str) -> None:
    """Another number of columns, a single label, or nothing learned."""
    with pytest.raises(ModelError, match=message):
        answers(as_model(value(), (), task=TASK))


def test_options_for_other_tasks_are_refused(
    task_context: Context, tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """`threshold` is for sets of labels, `abstain_below` for one label; both are probabilities."""
    plain = context_of(tmp_path, task=Classification(("a", "b")))
    cases = [
        (task_context, {"abstain_below": 0.5}, "abstain_below: it is for tasks with one label"),
        (plain, {"threshold": 0.5}, "threshold: it is for tasks with sets of labels"),
        (task_context, {"threshold": 1.5}, "threshold = 1.5 is no probability"),
    ]
    for name, source in {"sklearn": "emotions:make", "finetuned": "folder"}.items():
        for context, options, message in cases:
            with pytest.raises(ConfigurationError, match=message):
                adapter(name).build(source, context, **options)


def test_an_estimator_without_probabilities_has_no_threshold(task_context: Context) -> None:
    """The message says what to take."""
    pipeline, _ = fitted(RidgeClassifier())
    joblib.dump(pipeline, task_context.root / "model.joblib")
    model = adapter("sklearn").build("model.joblib", task_context, threshold=0.5)
    with pytest.raises(ModelError, match=r"threshold needs probabilities.*predict_proba"):
        answers(model)
    assert answers(adapter("sklearn").build("model.joblib", task_context)) == TRUTHS


SCOPE = Classification((*LABELS, "oos"), out_of_scope="oos")


def test_an_estimator_that_abstains(tmp_path: Path, context_of: Callable[..., Context]) -> None:
    """It needs no label for inputs out of scope, and rejects where it is unsure."""
    rows = [(f"{word} {n}", label) for n in range(9) for label, word in WORDS.items()]
    data = Dataset.from_pairs("data", rows)
    (tmp_path / "one.py").write_text(MODULE.replace("OneVsRestClassifier(L", "(L"))
    context = context_of(tmp_path, data, task=SCOPE)
    build = adapter("sklearn").build
    texts = ["glad 1", "qwerty", "afraid 2"]
    always, careful = (
        build("one:make", context, train="train", **options)
        for options in ({}, {"abstain_below": 0.5})
    )
    assert [a.label for a in careful.predict(texts)] == ["joy", None, "fear"]
    assert None not in [a.label for a in always.predict(texts)]
    assert always.fingerprint != careful.fingerprint
    assert careful.parameters == {"abstain_below": 0.5}
    silent = make_pipeline(TfidfVectorizer(), RidgeClassifier()).fit(*zip(*rows, strict=True))
    joblib.dump(silent, tmp_path / "silent.joblib")
    with pytest.raises(ModelError, match="abstain_below needs probabilities"):
        build("silent.joblib", context, abstain_below=0.5).predict(texts)


def test_the_head_has_a_target_for_each_label() -> None:
    """1.0 where it holds."""
    head = MultiLabelHead(LABELS)
    assert head.target('["joy","fear"]') == [1.0, 0.0, 1.0]
    assert head.configuration["problem_type"] == PROBLEM


NAMES = {
    "id2label": {0: "fear", 1: "joy", 2: "anger"},
    "label2id": {"fear": 0, "joy": 1, "anger": 2},
    "problem_type": PROBLEM,
}


@pytest.mark.slow
def test_a_ready_encoder_answers_by_its_sigmoids(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """The labels of the outputs whose probability is at least the threshold."""
    import torch
    from transformers import AutoModelForSequenceClassification, AutoTokenizer

    folder = bert(tmp_path / "bert", **NAMES)
    network = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    rows = AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        probabilities = network(**rows).logits.sigmoid().numpy()
    context, build = context_of(tmp_path, task=TASK), adapter("finetuned").build
    fingerprints = set()
    for threshold in (None, round(float(np.median(probabilities)), 3)):
        least = 0.5 if threshold is None else threshold
        held = [
            {
                name
                for name, share in zip(NAMES["id2label"].values(), row, strict=True)
                if share >= least
            }
            for row in probabilities.round(4)
        ]
        model = build(str(folder), context, threshold=threshold, device="cpu")
        assert [labels_of(answer) for answer in answers(model)] == held
        fingerprints.add(model.fingerprint)
    assert len(fingerprints) == 2


@pytest.mark.slow
def test_heads_for_other_tasks_are_refused(
    tmp_path: Path, context_of: Callable[..., Context]
) -> None:
    """One label by several sigmoids, or several by one softmax; and abstaining is for one label."""
    build = adapter("finetuned").build
    several, one = bert(tmp_path / "several", **NAMES), bert(tmp_path / "one", **{
        **NAMES, "problem_type": None,
    })  # fmt: skip
    with pytest.raises(ModelError, match="answers for each label by itself"):
        answers(build(str(several), context_of(tmp_path, task=Classification(LABELS))))
    with pytest.raises(ModelError, match=r"problem_type is None.*multi_label_classification"):
        answers(build(str(one), context_of(tmp_path, task=TASK)))
    unsure = build(str(one), context_of(tmp_path, task=SCOPE), abstain_below=0.9, device="cpu")
    assert set(answers(unsure)) == {None}
    assert unsure.parameters["abstain_below"] == 0.9
    assert unsure.fingerprint != build(str(one), context_of(tmp_path, task=SCOPE)).fingerprint


@pytest.mark.slow
def test_an_encoder_learns_sets_of_labels(
    tmp_path: Path,
    context_of: Callable[..., Context],
    one_thread: None,  # noqa: ARG001
) -> None:
    """It gets far more sets right than the eighth that chance would."""
    context = context_of(tmp_path, sentences("train", 64, 2), task=TASK)
    recipe = {"epochs": 4, "learning_rate": 4e-3, "train_batch_size": 8, "max_length": 16}
    model = adapter("finetuned").build(FROM_SCRATCH, context, train="train", device="cpu", **recipe)
    assert sum(a == t for a, t in zip(answers(model), TRUTHS, strict=True)) >= 10
