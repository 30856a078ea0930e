from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import pytest
from sklearn.base import BaseEstimator
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.svm import LinearSVC

from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.examples import Dataset, Inputs
from pytest_ood.models import adapter, as_model
from pytest_ood.models.protocol import Context, Facts, Model
from pytest_ood.models.sklearn import SklearnModel

build = adapter("sklearn").build

LABELS = ("negative", "positive")
GOOD, BAD = ("wonderful", "superb", "fine"), ("terrible", "awful", "bad")
ROWS: list[tuple[Inputs, str]] = [
    (f"a {word} film, number {number}", label)
    for number in range(10)
    for words, label in ((GOOD, "positive"), (BAD, "negative"))
    for word in words
]
DATA = Dataset.from_pairs("data", ROWS)
TEXTS = [str(inputs) for inputs, _ in ROWS]
TRUTH = [label for _, label in ROWS]

MODULE = """
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression())


def make():
    return make_pipeline(TfidfVectorizer(), LogisticRegression())
"""


def pipeline(labels: list[str] | None = None) -> Pipeline:
    """Return a fitted pipeline."""
    made = make_pipeline(TfidfVectorizer(), LogisticRegression())
    return made.fit(TEXTS, TRUTH if labels is None else labels)


def own(estimator: Any, labels: tuple[str, ...] = LABELS) -> SklearnModel:
    """Make a model of an estimator at hand."""
    model = as_model(estimator, labels)
    assert isinstance(model, SklearnModel)
    return model


@pytest.fixture
def module(context: Context) -> str:
    """Write a module with a pipeline into the project's folder; no other test has its name."""
    name = f"made_{context.root.name}"
    (context.root / f"{name}.py").write_text(MODULE)
    return name


def labels_of(model: SklearnModel) -> list[str | None]:
    """Return the answers to all texts."""
    return [answer.label for answer in model.predict(TEXTS)]


def test_an_estimator_at_hand_is_a_model() -> None:
    """A fitted pipeline answers as it does itself, with its probabilities."""
    fitted = pipeline()
    model = own(fitted)
    assert isinstance(model, Model)
    assert model.name == "Pipeline"
    assert model.source == "scikit-learn Pipeline"
    assert model.paradigm == "fine-tuned"
    assert labels_of(model) == list(fitted.predict(TEXTS)) == TRUTH
    for answer, row in zip(model.predict(TEXTS), fitted.predict_proba(TEXTS), strict=True):
        assert list(answer.scores) == list(LABELS)
        assert list(answer.scores.values()) == pytest.approx(list(row), abs=1e-4)


def test_scores_stand_in_the_order_of_the_task() -> None:
    """The task's order of labels is kept, whatever the estimator's is."""
    (answer,) = own(pipeline(), LABELS[::-1]).predict(["superb"])
    assert list(answer.scores) == ["positive", "negative"]
    assert answer.label == "positive"


def test_an_estimator_without_probabilities_answers_labels() -> None:
    """A support vector machine gives labels without scores."""
    model = own(make_pipeline(TfidfVectorizer(), LinearSVC()).fit(TEXTS, TRUTH))
    assert labels_of(model) == TRUTH
    assert all(answer.scores == {} for answer in model.predict(TEXTS))


def test_number_classes_are_labels() -> None:
    """Classes that are numbers are the labels of the same digits."""
    model = own(pipeline([int(label == "positive") for label in TRUTH]), ("0", "1"))
    assert labels_of(model) == [str(int(label == "positive")) for label in TRUTH]


def test_a_joblib_file_is_loaded(context: Context) -> None:
    """A saved pipeline answers like the one that was saved, under one fingerprint."""
    joblib.dump(pipeline(), context.root / "p.joblib")
    model = build("p.joblib", context)
    assert labels_of(model) == TRUTH
    assert model.source == "p.joblib"
    assert model.fingerprint == build("p.joblib", context).fingerprint


def test_the_facts_of_an_estimator(
    module: str, context: Context, context_of: Callable[..., Context]
) -> None:
    """Coefficients and intercepts are its size; what is fitted here knows on how many examples."""
    model = build(f"{module}:pipeline", context_of(context.root, DATA), train="train.csv")
    words = len({word for text in TEXTS for word in text.replace(",", "").split() if len(word) > 1})
    assert model.facts == Facts(f"{module}:pipeline", words + 1, len(DATA))
    network = MLPClassifier((3,), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        network.fit([[0.0, 1.0], [1.0, 0.0]], list(LABELS))
    assert own(network).facts.size == 2 * 3 + 3 + 3 + 1
    neighbours = make_pipeline(TfidfVectorizer(), KNeighborsClassifier()).fit(TEXTS, TRUTH)
    assert own(neighbours).facts == Facts("scikit-learn Pipeline")


@pytest.mark.parametrize("name", ["pipeline", "make"])
def test_an_estimator_is_fitted_here(
    name: str, module: str, context: Context, context_of: Callable[..., Context]
) -> None:
    """`module:name` of an estimator, or of a function that makes one, is fitted on `train`."""
    model = build(f"{module}:{name}", context_of(context.root, DATA), train="train.csv")
    assert labels_of(model) == TRUTH
    assert model.source == f"{module}:{name}, fitted here"
    assert model.fingerprint is not None


def test_fitting_leaves_the_user_s_estimator_alone(
    module: str, context: Context, context_of: Callable[..., Context]
) -> None:
    """The object in the module is not fitted by the way."""
    build(f"{module}:pipeline", context_of(context.root, DATA), train="train.csv").predict(["x"])
    with pytest.raises(ModelError, match="not fitted"):
        build(f"{module}:pipeline", context).predict(["x"])


def test_a_class_is_called_like_a_function(
    context: Context, context_of: Callable[..., Context]
) -> None:
    """The class of an estimator makes one, like a function does."""
    source = "sklearn.dummy:DummyClassifier"
    model = build(source, context_of(context.root, DATA), train="train.csv")
    assert set(labels_of(model)) <= set(LABELS)


def test_training_data_with_a_foreign_label_is_refused(
    module: str, context: Context, context_of: Callable[..., Context]
) -> None:
    """Training data has to have the task's labels."""
    data = Dataset.from_pairs("data", [("a", "positive"), ("b", "neutral")])
    with pytest.raises(DataError, match="unknown label 'neutral'"):
        build(f"{module}:make", context_of(context.root, data), train="x").predict(["x"])


def test_an_unfitted_estimator_is_refused() -> None:
    """An estimator that was not fitted is an error that says what to do."""
    model = own(make_pipeline(TfidfVectorizer(), LogisticRegression()))
    with pytest.raises(ModelError, match="the estimator is not fitted; fit it, or give `train`"):
        model.predict(["x"])


def test_a_missing_label_is_refused() -> None:
    """An estimator that never saw a label of the task is an error that names it."""
    with pytest.raises(ModelError) as caught:
        own(pipeline(), ("negative", "neutral", "positive")).predict(["x"])
    assert "it was not fitted on every label: unknown label 'neutral'" in str(caught.value)


def test_a_further_class_is_never_answered() -> None:
    """Of an estimator that knows more than the task, the likeliest of the task's labels counts."""
    truth = ["mixed" if "number 9" in text else label for text, label in ROWS]
    model = own(pipeline(truth))
    assert set(labels_of(model)) == set(LABELS)


def test_fields_are_joined() -> None:
    """Named fields are one text, a line each."""
    model = own(pipeline())
    pair = {"title": "a film", "body": "superb"}
    assert model.predict([pair]) == model.predict(["a film\nsuperb"])


def test_a_batch_decides_nothing() -> None:
    """One by one and together the answers are the same."""
    model = own(pipeline())
    assert [model.predict([text])[0] for text in TEXTS] == model.predict(TEXTS)


def test_the_fingerprint_is_of_the_fitted_estimator() -> None:
    """Equal estimators have one fingerprint, also once they were asked; others have another."""
    model = own(pipeline())
    before = model.fingerprint
    assert before == own(pipeline()).fingerprint
    model.predict(TEXTS)
    assert own(model.estimator).fingerprint == before
    other = make_pipeline(TfidfVectorizer(), LogisticRegression(C=2.0)).fit(TEXTS, TRUTH)
    assert own(other).fingerprint != before


def test_the_fingerprint_is_the_same_in_every_process(
    module: str, context: Context, context_of: Callable[..., Context]
) -> None:
    """A pipeline that is fitted on the same data in another process has the same fingerprint."""
    model = build(f"{module}:make", context_of(context.root, DATA), train="train.csv")
    program = (
        f"import json, sys, {module}\n"
        "from pytest_ood.models import as_model\n"
        "texts, truth = json.load(sys.stdin)\n"
        f"fitted = {module}.make().fit(texts, truth)\n"
        "print(as_model(fitted, ('negative', 'positive')).fingerprint)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        input=json.dumps([TEXTS, TRUTH]),
        capture_output=True,
        text=True,
        check=True,
        cwd=context.root,
    )
    assert done.stdout.strip() == model.fingerprint


class OwnClassifier(BaseEstimator):
    """An estimator of the user's own code."""

    classes_ = LABELS

    def fit(self, texts: list[str], labels: list[str]) -> OwnClassifier:
        """Learn nothing."""
        del texts, labels
        return self

    def predict(self, texts: list[str]) -> list[str]:
        """Answer by one word."""
        return ["positive" if "superb" in text else "negative" for text in texts]


def shouted(text: str) -> str:
    """Preprocess by a function of the user's own."""
    return text.upper()


def test_own_code_has_no_fingerprint() -> None:
    """Where answers hang on code that may be edited, nothing is kept."""
    model = own(OwnClassifier())
    assert [answer.label for answer in model.predict(["superb", "x"])] == ["positive", "negative"]
    assert model.fingerprint is None
    vectorizer = TfidfVectorizer(preprocessor=shouted)
    piped = make_pipeline(vectorizer, LogisticRegression()).fit(TEXTS, TRUTH)
    assert own(piped).fingerprint is None


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("p.joblib", "there is no file"),
        ("p.pkl", "there is no file"),
        ("p", "'p' is not of the form module:name"),
        ("sklearn.pipeline:", "is not of the form module:name"),
        ("no_such_module:x", "there is no module 'no_such_module'"),
        ("sklearn.pipeline:Pipelin", "unknown name 'Pipelin'. Did you mean 'Pipeline'"),
    ],
)
def test_a_wrong_source_is_refused(source: str, message: str, context: Context) -> None:
    """A file or an object that is not there is a usage error at once."""
    with pytest.raises(ConfigurationError) as caught:
        build(source, context)
    assert "model 'model'" in str(caught.value)
    assert message in str(caught.value)


def test_a_broken_file_is_a_readable_error(context: Context, tmp_path: Path) -> None:
    """A file that is no saved estimator is an error of the model, with the file's name."""
    (tmp_path / "p.joblib").write_bytes(b"not a pickle")
    with pytest.raises(ModelError, match=r"p\.joblib"):
        build("p.joblib", context).predict(["x"])
