from __future__ import annotations

import gzip
import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier, VotingClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.model_selection import (
    FixedThresholdClassifier,
    GridSearchCV,
    RandomizedSearchCV,
    TunedThresholdClassifierCV,
)
from sklearn.multiclass import OneVsOneClassifier, OneVsRestClassifier
from sklearn.multioutput import MultiOutputClassifier
from sklearn.neighbors import KNeighborsClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import LabelEncoder
from sklearn.svm import SVC, LinearSVC

from pytest_ood.data.examples import Dataset
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, DataError, ModelError
from pytest_ood.models import adapter, as_model
from pytest_ood.models.protocol import Context, Facts, is_model
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
    assert is_model(model)
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
    assert model.facts == Facts(
        base=f"{module}:pipeline", size=words + 1, training_examples=len(DATA)
    )
    network = MLPClassifier((3,), max_iter=1, random_state=0)
    with pytest.warns(ConvergenceWarning):
        network.fit([[0.0, 1.0], [1.0, 0.0]], list(LABELS))
    assert own(network).facts.size == 2 * 3 + 3 + 3 + 1
    neighbours = make_pipeline(TfidfVectorizer(), KNeighborsClassifier()).fit(TEXTS, TRUTH)
    assert own(neighbours).facts == Facts(base="scikit-learn Pipeline")


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


@pytest.mark.slow
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


class Ends:
    """What calls sys.exit when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        # Not `sys.exit` itself, which clients of trackers replace in this process.
        return exec, ("raise SystemExit(0)",)


class Asks:
    """What waits at the terminal when it is read."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return input, ("? ",)


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (Ends(), r"model 'm': .*held.joblib cannot be loaded: SystemExit: 0"),
        (Asks(), "model 'm' asked for input at the terminal"),
    ],
)
def test_a_file_that_ends_the_run_or_asks_is_an_error(
    held: Any, message: str, context: Context, tmp_path: Path
) -> None:
    """A pickle runs code; whatever that does, the model is named."""
    path = tmp_path / "held.joblib"
    path.write_bytes(pickle.dumps(held))
    model = build(str(path), replace(context, name="m"))
    with pytest.raises(ModelError, match=message):
        model.predict(["x"])


def piped(classifier: Any, truth: Any = None) -> Any:
    """Return a fitted pipeline that ends with a classifier."""
    made = make_pipeline(TfidfVectorizer(), classifier)
    return made.fit(TEXTS, TRUTH if truth is None else truth)


UNFITTED = make_pipeline(TfidfVectorizer(), LogisticRegression())
FRAME = ColumnTransformer([("words", TfidfVectorizer(), "text")])
TABLE = pd.DataFrame({"text": TEXTS})
TWO = ColumnTransformer([("a", TfidfVectorizer(), "title"), ("b", TfidfVectorizer(), "body")])
OFTEN = [(int(label == "positive")) for label in TRUTH]

FITTED: dict[str, Callable[[], Any]] = {
    "a fixed threshold": lambda: FixedThresholdClassifier(
        clone(UNFITTED), threshold=0.9, pos_label="positive"
    ).fit(TEXTS, TRUTH),
    "a tuned threshold": lambda: TunedThresholdClassifierCV(clone(UNFITTED)).fit(TEXTS, TRUTH),
    "a threshold in a pipeline": lambda: piped(
        FixedThresholdClassifier(LogisticRegression(), threshold=0.1, pos_label="positive")
    ),
    "a calibrated one": lambda: CalibratedClassifierCV(
        make_pipeline(TfidfVectorizer(), LinearSVC())
    ).fit(TEXTS, TRUTH),
    "a support vector machine": lambda: piped(SVC()),
    "a search": lambda: GridSearchCV(
        clone(UNFITTED),
        {"logisticregression__C": [0.1, 1.0], "tfidfvectorizer__max_df": [0.9, 1.0]},
    ).fit(TEXTS, TRUTH),
    "a random search": lambda: RandomizedSearchCV(
        clone(UNFITTED), {"logisticregression__C": [0.1, 1.0]}, n_iter=2, random_state=0
    ).fit(TEXTS, TRUTH),
    "a hard vote": lambda: VotingClassifier([("a", clone(UNFITTED))]).fit(TEXTS, TRUTH),
    "a soft vote": lambda: VotingClassifier([("a", clone(UNFITTED))], voting="soft").fit(
        TEXTS, TRUTH
    ),
    "one against the rest": lambda: piped(OneVsRestClassifier(LogisticRegression())),
    "one against one": lambda: piped(OneVsOneClassifier(LinearSVC())),
    "a forest": lambda: piped(RandomForestClassifier(5, random_state=0)),
    "a pipeline that passes through": lambda: Pipeline(
        [("a", TfidfVectorizer()), ("b", "passthrough"), ("c", LogisticRegression())]
    ).fit(TEXTS, TRUTH),
    "a series": lambda: clone(UNFITTED).fit(TABLE["text"], pd.Series(TRUTH)),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FITTED)
def test_the_label_is_what_the_estimator_predicts(name: str, context: Context) -> None:
    """Its probabilities stand beside it; a saved one answers the same, under one fingerprint."""
    fitted = FITTED[name]()
    answers = own(fitted).predict(TEXTS)
    assert [answer.label for answer in answers] == list(fitted.predict(TEXTS))
    if hasattr(fitted, "predict_proba"):
        column = list(fitted.classes_).index("positive")
        assert [answer.scores["positive"] for answer in answers] == pytest.approx(
            fitted.predict_proba(TEXTS)[:, column], abs=1e-4
        )
    else:
        assert all(answer.scores == {} for answer in answers)
    joblib.dump(fitted, context.root / "saved.joblib")
    saved = build("saved.joblib", context)
    assert saved.predict(TEXTS) == answers
    assert saved.fingerprint is not None
    assert saved.fingerprint == build("saved.joblib", context).fingerprint


def test_a_threshold_moves_answers_away_from_the_likeliest() -> None:
    """The case that the rule above is about does come up."""
    answers = own(FITTED["a fixed threshold"]()).predict(TEXTS)
    assert any(answer.label != max(answer.scores, key=answer.scores.__getitem__)
               for answer in answers)  # fmt: skip


@pytest.mark.parametrize(
    ("classes", "labels"),
    [
        ((0, 1), {"0": "negative", "1": "positive"}),
        ((-1, 1), {"-1": "negative", "1": "positive"}),
        ((False, True), {"False": "negative", "True": "positive"}),
        ((False, True), {"false": "negative", "true": "positive"}),
        ((0.0, 1.0), {"0": "negative", "1": "positive"}),
        ((0.0, 1.0), {"0.0": "negative", "1.0": "positive"}),
        (("neg", "pos"), {"neg": "negative", "pos": "positive"}),
        (("Negative", "POSITIVE"), {}),
    ],
)
@pytest.mark.parametrize(
    "classifier", [LogisticRegression(), LinearSVC()], ids=["scores", "labels"]
)
def test_classes_of_other_names_are_named(
    classes: tuple[Any, Any], labels: dict[str, str], classifier: Any, context: Context
) -> None:
    """Numbers, booleans and other words are what `labels` says; the letters' case is no matter."""
    fitted = piped(clone(classifier), [classes[label == "positive"] for label in TRUTH])
    joblib.dump(fitted, context.root / "saved.joblib")
    model = build("saved.joblib", context, labels=labels)
    assert labels_of(model) == TRUTH
    if labels:
        with pytest.raises(ModelError, match=r"Name what they stand for, such as labels = \{ "):
            build("saved.joblib", context).predict(TEXTS)


def test_several_classes_may_stand_for_one_label(context: Context) -> None:
    """Their probabilities add up; another reading of the classes is another model."""
    truth = [5 if "superb" in text else int(label == "positive") for text, label in ROWS]
    joblib.dump(piped(LogisticRegression(), truth), context.root / "saved.joblib")
    labels = {"0": "negative", "1": "positive", "5": "positive"}
    model = build("saved.joblib", context, labels=labels)
    assert labels_of(model) == TRUTH
    assert all(sum(a.scores.values()) == pytest.approx(1.0, abs=1e-3) for a in model.predict(TEXTS))
    other = build("saved.joblib", context, labels={**labels, "5": "negative"})
    assert other.fingerprint != model.fingerprint
    with pytest.raises(ConfigurationError, match=r"labels\.1: unknown label 'positve'. Did"):
        build("saved.joblib", context, labels={"1": "positve"})


@pytest.mark.parametrize(
    "name",
    ["a.pickle", "a.pkl", "a.PKL", "a.sav", "a.joblib", "a.joblib.gz", "a.pkl.gz", "a.xz", "a"],
)
def test_a_file_is_read_whatever_its_ending(name: str, context: Context) -> None:
    """Joblib sees by itself how a file is compressed."""
    path = context.root / name
    if name.endswith("pkl.gz"):
        path.write_bytes(gzip.compress(pickle.dumps(pipeline())))
    elif name.endswith((".gz", ".xz", ".joblib")):
        joblib.dump(pipeline(), path)
    else:
        path.write_bytes(pickle.dumps(pipeline()))
    assert labels_of(build(name, context)) == TRUTH


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("a.skops", "is read by skops alone"),
        ("my_models.py", "is a module; name what it holds: my_models:NAME"),
        ("my_models.pipeline", "what a module holds is written module:name"),
        ("a.joblib.gz", "there is no file"),
    ],
)
def test_a_file_of_another_kind_is_told_what_to_do(
    source: str, message: str, context: Context
) -> None:
    """At once, before anything is asked."""
    (context.root / "my_models.py").write_text("")
    with pytest.raises(ConfigurationError, match=message):
        build(source, context)


@pytest.mark.parametrize("unfitted", [FRAME, TWO], ids=["one column", "two columns"])
def test_a_table_is_given_to_who_takes_one(
    unfitted: Any, context: Context, context_of: Callable[..., Context]
) -> None:
    """Its columns are the inputs' fields; of one column the name is no matter."""
    rows = [{"title": text, "body": text} for text in TEXTS] if unfitted is TWO else TEXTS
    table = pd.DataFrame(rows) if unfitted is TWO else TABLE
    classifier = make_pipeline(clone(unfitted), LogisticRegression())
    answers = own(clone(classifier).fit(table, TRUTH)).predict(rows)
    assert [answer.label for answer in answers] == TRUTH
    searched = GridSearchCV(classifier, {"logisticregression__C": [0.1, 1.0]})
    assert [a.label for a in own(searched.fit(table, TRUTH)).predict(rows)] == TRUTH
    # One that is fitted here is seen to take a table by its first step.
    name = f"table_{context.root.name}"
    joblib.dump(classifier, context.root / f"{name}.joblib")
    data = Dataset.from_pairs("data", list(zip(rows, TRUTH, strict=True)))
    model = build(f"{name}.joblib", context_of(context.root, data), train="x")
    assert [answer.label for answer in model.predict(rows)] == TRUTH
    if unfitted is TWO:
        with pytest.raises(ModelError, match="the columns title, body, and the inputs have text;"):
            model.predict(["a text"])


VECTORIZER = TfidfVectorizer().fit(TEXTS)
VECTORS = VECTORIZER.transform(TEXTS)
BARE = LogisticRegression().fit(VECTORS, TRUTH)


@pytest.mark.parametrize(
    "held",
    [
        (VECTORIZER, BARE), (BARE, VECTORIZER), [VECTORIZER, BARE],
        {"model": BARE, "vectorizer": VECTORIZER, "version": 3},
        {"pipeline": make_pipeline(VECTORIZER, BARE), "labels": ["a", "b"]},
    ],
    ids=["tuple", "other way round", "list", "dict", "pipeline and more"],
)  # fmt: skip
def test_what_was_saved_side_by_side_is_put_together(held: Any, context: Context) -> None:
    """Where it is clear which comes first; the file's class is named in no message."""
    joblib.dump(held, context.root / "saved.joblib")
    assert labels_of(build("saved.joblib", context)) == TRUTH


OUTPUTS = np.array([[number, 1 - number] for number in OFTEN])


@pytest.mark.parametrize(
    ("held", "message"),
    [
        (
            {"a": BARE, "b": BARE, "v": VECTORIZER},
            "holds a dict of LogisticRegression, Logistic",
        ),
        (
            (VECTORIZER, BARE, LabelEncoder().fit(TRUTH)),
            r"not clear which of them answers.*joblib.dump\(make_pipeline\(vectorizer, ",
        ),
        ({}, "holds a dict of nothing"),
        ([VECTORIZER], "holds a list of TfidfVectorizer"),
        ("text", "is 'text' and no estimator: it has no `predict`"),
        (None, "is None and no estimator"),
        (np.array([1, 2]), "and no estimator"),
        (
            GridSearchCV(UNFITTED, {"logisticregression__C": [1.0]}, refit=False),
            "and no estimator: it has no `predict`",
        ),
        (UNFITTED, "the estimator is not fitted; fit it, or give `train`"),
        (make_pipeline(TfidfVectorizer(), BARE), "a part of it is not fitted"),
        (
            BARE,
            r"fitted on rows of 8 numbers, and is given texts;.*make_pipeline\(vector",
        ),
        (piped(LinearRegression(), OFTEN), "predicts numbers \\(a regressor\\)"),
        (make_pipeline(TfidfVectorizer(), KMeans(2, n_init=1)).fit(TEXTS), "predicts clusters"),
        (piped(MultiOutputClassifier(LogisticRegression()), OUTPUTS), "predicts several labels"),
        (piped(RandomForestClassifier(2), OUTPUTS), "predicts several labels for one text"),
        (piped(OneVsRestClassifier(LogisticRegression()), OUTPUTS), "predicts several labels"),
    ],
)
def test_what_tells_no_label_of_a_text_is_refused(
    held: Any, message: str, context: Context
) -> None:
    """The message says what it is, and what is wanted."""
    joblib.dump(held, context.root / "saved.joblib")
    with pytest.raises(ModelError, match=message) as caught:
        build("saved.joblib", context).predict(TEXTS)
    assert "\n" not in str(caught.value)


class Wordwise:
    """A class of the user's own, without `classes_` or a fit of scikit-learn's."""

    def predict(self, texts: list[str]) -> list[str]:
        """Answer by one word."""
        return ["positive" if "superb" in text else "negative" for text in texts]


class InColumns(Wordwise):
    """One that answers in a column, as some libraries do."""

    classes_ = LABELS

    def predict(self, texts: list[str]) -> Any:
        """Answer in the shape (n, 1)."""
        return np.array(super().predict(texts))[:, None]


@pytest.mark.parametrize("kind", [Wordwise, InColumns])
def test_who_names_no_classes_is_asked_for_labels(kind: Any) -> None:
    """What has `predict` is taken, as long as it answers one label."""
    answers = SklearnModel("own", kind, LABELS, "a test").predict(["superb", "x"])
    assert [answer.label for answer in answers] == ["positive", "negative"]


@pytest.mark.parametrize(
    ("code", "message"),
    [
        ("def made(): raise ValueError('no')", "makes no estimator when it is called: ValueError"),
        ("def made(x): return x", "makes no estimator when it is called: TypeError"),
        ("made = 5", "is 5 and no estimator"),
        ("def made(): return 5", "is 5, made by calling it, and no estimator"),
    ],
)
def test_what_makes_no_estimator_is_refused(code: str, message: str, context: Context) -> None:
    """Whatever the user's code raises or returns is told."""
    name = f"odd_{context.root.name}"
    (context.root / f"{name}.py").write_text(code)
    with pytest.raises(ModelError, match=message):
        build(f"{name}:made", context).predict(["x"])


def test_what_cannot_be_fitted_is_refused(
    context: Context, context_of: Callable[..., Context]
) -> None:
    """The library's words are told as one line, with the data's name."""
    for unfitted, message in (
        (
            make_pipeline(TfidfVectorizer(min_df=99_999), LogisticRegression()),
            "cannot be fitted on",
        ),
        (make_pipeline(TfidfVectorizer(), LinearRegression()), "predicts numbers"),
    ):
        joblib.dump(unfitted, context.root / "saved.joblib")
        with pytest.raises(ModelError, match=message):
            build("saved.joblib", context_of(context.root, DATA), train="x").predict(["x"])


def test_how_long_a_search_took_is_no_part_of_its_fingerprint() -> None:
    """Two fits of the same search on the same data are one model."""
    assert own(FITTED["a search"]()).fingerprint == own(FITTED["a search"]()).fingerprint
