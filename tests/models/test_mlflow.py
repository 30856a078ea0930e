"""Models in a local store of MLflow, loaded as a team would."""

from __future__ import annotations

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from pytest_ood.errors import ConfigurationError, MissingDependencyError, ModelError
from pytest_ood.models import adapter, as_model
from pytest_ood.models.protocol import Context, facts_of, is_at_hand
from pytest_ood.tasks import Prediction

LABELS = ("negative", "positive")
NAMES = {"POSITIVE": "positive", "NEGATIVE": "negative"}
TEXTS = ["a wonderful film", "a dull film"]
PAIR = {"title": "wonderful", "body": "dull"}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.usefixtures("tracker_environment", "located"),
    pytest.mark.filterwarnings("ignore"),
]

CODE = """
import mlflow


class Own(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        column = list(model_input.columns)[0]
        return [("POSITIVE" if "wonderful" in t else "NEGATIVE") for t in model_input[column]]


mlflow.models.set_model(Own())
"""
"""A model from code, as MLflow recommends; its labels are in capitals."""

NUMBERS = CODE.replace('"POSITIVE" if "wonderful" in t else "NEGATIVE"', "int('wonderful' in t)")


def estimator(scale: float = 1.0) -> Pipeline:
    """Return a fitted pipeline."""
    made = make_pipeline(TfidfVectorizer(), LogisticRegression(C=scale))
    return made.fit(TEXTS * 4, ["positive", "negative"] * 4)


@dataclass(frozen=True)
class Store:
    """A store of MLflow.

    Attributes:
        uri: For MLFLOW_TRACKING_URI.
        folder: Of saved models.
        run: The id of a run that has logged a model.
    """

    uri: str
    folder: Path
    run: str


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """Register two versions of a model, and save others in folders."""
    import mlflow
    import mlflow.pyfunc
    import mlflow.sklearn
    from mlflow.models import infer_signature

    folder = tmp_path_factory.mktemp("mlflow")
    uri = f"sqlite:///{folder}/mlflow.db"
    texts = pd.DataFrame({"review": TEXTS})
    named = infer_signature(texts, ["x"])
    pairs = infer_signature(pd.DataFrame([PAIR]), ["x"])
    (folder / "own.py").write_text(CODE)
    (folder / "numbers.py").write_text(NUMBERS)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for name, value in (("MLFLOW_TRACKING_URI", uri), ("MLFLOW_DISABLE_TELEMETRY", "true")):
            patch.setenv(name, value)
        options = {"serialization_format": "cloudpickle", "pip_requirements": []}
        experiment = mlflow.create_experiment(
            "models", artifact_location=f"file:{folder}/artifacts"
        )
        with mlflow.start_run(experiment_id=experiment) as run:
            for scale in (1.0, 9.0):
                mlflow.sklearn.log_model(
                    estimator(scale), name="tfidf", registered_model_name="sentiment",
                    signature=infer_signature(TEXTS, ["x"]), **options,
                )  # fmt: skip
        mlflow.MlflowClient().set_registered_model_alias("sentiment", "champion", "1")
        for name, code, signature in (
            ("own", "own.py", named), ("numbers", "numbers.py", named), ("pairs", "own.py", pairs),
            ("bare", "own.py", None), ("tensors", "own.py", infer_signature(np.zeros((2, 3)))),
            ("figures", "own.py", infer_signature(pd.DataFrame({"n": [1.0]}), ["x"])),
            ("unnamed", "own.py", infer_signature(TEXTS, ["x"])),
        ):  # fmt: skip
            mlflow.pyfunc.save_model(
                folder / name, python_model=str(folder / code), signature=signature,
                pip_requirements=[],
            )  # fmt: skip
        table = make_pipeline(
            ColumnTransformer(
                [("t", TfidfVectorizer(), "title"), ("b", TfidfVectorizer(), "body")]
            ),
            LogisticRegression(),
        ).fit(pd.DataFrame([PAIR, {"title": "dull", "body": "wonderful"}]), list(LABELS[::-1]))
        mlflow.sklearn.save_model(table, folder / "table", signature=pairs, **options)
    return Store(uri, folder, run.info.run_id)


@pytest.fixture
def located(store: Store, tracker_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001
    """Name the store to MLflow's client."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)


def build(source: str | Path, context: Context, **options: Any) -> Any:
    """Name a model."""
    return adapter("mlflow").build(str(source), context, **options)


def test_a_registered_model_is_asked_through_its_estimator(context: Context) -> None:
    """With the probabilities that MLflow's own `predict` leaves out."""
    model = build("models:/sentiment@champion", context)
    assert is_at_hand(model)
    assert model.source == "MLflow models:/sentiment@champion"
    assert model.parameters == {"version": "1"}
    fitted = estimator()
    expected = [dict(zip(LABELS, row, strict=True)) for row in fitted.predict_proba(TEXTS)]
    for answer, scores in zip(model.predict(TEXTS), expected, strict=True):
        assert answer.scores == pytest.approx(scores, abs=1e-4)
    assert facts_of(model).size == 4


def test_the_fingerprint_is_the_version_of_a_model(
    context: Context, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An alias and its version are one model; where the alias is moved, it is another."""
    import mlflow

    first, second = (build(f"models:/sentiment/{number}", context) for number in (1, 2))
    alias = build("models:/sentiment@champion", context)
    assert alias.fingerprint == first.fingerprint != second.fingerprint
    client = mlflow.MlflowClient()
    client.set_registered_model_alias("sentiment", "champion", "2")
    try:
        moved = build("models:/sentiment@champion", context)
        assert moved.fingerprint == second.fingerprint
        assert moved.predict(TEXTS) == second.predict(TEXTS) != first.predict(TEXTS)
        assert alias.predict(TEXTS) == first.predict(TEXTS), "a run keeps the version it began with"
    finally:
        client.set_registered_model_alias("sentiment", "champion", "1")
    by_run = build(f"runs:/{store.run}/tfidf", context)
    assert by_run.parameters == {}
    assert by_run.predict(TEXTS) == second.predict(TEXTS)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    folder = build(store.folder / "own", context)
    assert folder.fingerprint == build(store.folder / "own", context).fingerprint
    assert (
        folder.fingerprint
        != build(
            store.folder / "own", context, labels={"POSITIVE": "positive", "NEGATIVE": "negative"}
        ).fingerprint
    )


def test_a_folder_that_was_changed_is_another_model(
    context: Context, store: Store, tmp_path: Path
) -> None:
    """Its files are the version."""
    shutil.copytree(store.folder / "own", tmp_path / "own")
    before = build("own", context)
    assert before.fingerprint == build(store.folder / "own", context).fingerprint
    (tmp_path / "own" / "own.py").write_text(NUMBERS)
    assert build("own", context).fingerprint != before.fingerprint


@pytest.mark.parametrize("name", ["own", "unnamed"])
def test_a_column_of_texts_is_given_texts(name: str, context: Context, store: Store) -> None:
    """Whatever it is called, or if it has no name; several fields are one text."""
    model = build(store.folder / name, context, labels=NAMES)
    assert model.predict(TEXTS) == [Prediction("positive"), Prediction("negative")]
    assert model.predict([{"a": "a dull", "b": "but wonderful film"}]) == [Prediction("positive")]
    with pytest.raises(ConfigurationError, match=r"labels.POSITIVE: unknown label 'pos'"):
        build(store.folder / name, context, labels={"POSITIVE": "pos"})


def test_columns_are_the_fields_of_the_suite(context: Context, store: Store) -> None:
    """A table of them for the model's code, and for an estimator."""
    model = build(store.folder / "pairs", context, labels=NAMES)
    assert model.predict([PAIR]) == [Prediction("positive")]
    assert model.predict([{**PAIR, "more": "x"}]) == [Prediction("positive")]
    with pytest.raises(ModelError, match="has the columns title, body, and the inputs have text"):
        model.predict(["text"])
    (answer,) = build(store.folder / "table", context).predict([PAIR])
    assert answer.label == "positive"
    assert set(answer.scores) == set(LABELS)


def test_class_indices_are_labels(context: Context, store: Store) -> None:
    """In the order of the suite."""
    model = build(store.folder / "numbers", context)
    assert model.predict(TEXTS) == [Prediction("positive"), Prediction("negative")]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        (
            "bare",
            "has no signature, so that the form of its inputs is unknown; log it again",
        ),
        ("tensors", "its signature is of tensors"),
        (
            "figures",
            "the column 'n' of its signature is of the type DataType.double, and inp",
        ),
    ],
)
def test_a_model_whose_inputs_are_no_texts_is_refused(
    name: str, message: str, context: Context, store: Store
) -> None:
    """The message says how to log it."""
    with pytest.raises(ModelError) as caught:
        build(store.folder / name, context).predict(TEXTS)
    assert message in str(caught.value)
    assert "infer_signature" in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("models:/sentiment@nobody", "MLflow cannot load it: .*nobody.* MLFLOW_TRACKING_URI names"),
        ("models:/sentiment/99", "MLflow cannot load it: .*99"),
        ("models:/unknown/1", "MLflow cannot load it: .*unknown"),
        ("runs:/0123456789abcdef0123456789abcdef/x", "MLflow cannot load it"),
    ],
)
def test_what_the_store_does_not_have_is_named(source: str, message: str, context: Context) -> None:
    """The model, the library's words and the store are one line."""
    model = build(source, context)
    for attempt in (lambda: model.fingerprint, lambda: model.predict(TEXTS)):
        with pytest.raises(ModelError, match=message) as caught:
            attempt()
        assert str(caught.value).startswith(f"model 'model': {source}: ")
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("sentiment@champion", "there is no folder .*sentiment@champion; models:/NAME@ALIAS, mod"),
        ("models:/", "names no model: models:/NAME@ALIAS"),
    ],
)
def test_a_wrong_source_is_refused_at_once(source: str, message: str, context: Context) -> None:
    """Before any store is asked."""
    with pytest.raises(ConfigurationError, match=message):
        build(source, context)


def test_a_loaded_model_is_an_argument(store: Store, context: Context) -> None:
    """What `mlflow.pyfunc.load_model` returns is one argument of the fixture."""
    import mlflow.pyfunc

    loaded = mlflow.pyfunc.load_model("models:/sentiment@champion")
    expected = build("models:/sentiment@champion", context).predict(TEXTS)
    assert as_model(loaded, LABELS).predict(TEXTS) == expected
    numbers = as_model(mlflow.pyfunc.load_model(str(store.folder / "numbers")), LABELS)
    assert numbers.predict(TEXTS) == [Prediction("positive"), Prediction("negative")]
    assert (numbers.name, numbers.source) == ("MLflow", "a model of MLflow")
    with pytest.raises(ModelError, match="has no signature"):
        as_model(mlflow.pyfunc.load_model(str(store.folder / "bare")), LABELS)


@pytest.mark.parametrize("missing", ["mlflow", "pandas"])
def test_without_the_library_the_extra_is_named(
    missing: str, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`pandas` makes the tables that MLflow passes to models."""
    model = build("models:/sentiment@champion", context)
    monkeypatch.setitem(sys.modules, missing, None)
    message = rf"needs the package '{missing}', .* Run: pip install \"pytest-ood\[mlflow\]\""
    with pytest.raises(MissingDependencyError, match=message):
        model.predict(TEXTS)


def test_a_pipeline_of_transformers_gives_its_probabilities(
    tmp_path: Path,
    context: Context,
    one_thread: None,  # noqa: ARG001
) -> None:
    """MLflow's own `predict` gives the likeliest label alone."""
    import mlflow.transformers
    import transformers
    from checkpoints import bert
    from mlflow.models import infer_signature

    pipeline = transformers.pipeline("text-classification", model=str(bert(tmp_path / "bert")))
    mlflow.transformers.save_model(
        pipeline, tmp_path / "piped", signature=infer_signature(TEXTS, ["x"]), pip_requirements=[]
    )
    expected = as_model(pipeline, LABELS).predict(TEXTS)
    for own, other in zip(build("piped", context).predict(TEXTS), expected, strict=True):
        assert own.scores == pytest.approx(other.scores, abs=2e-4)
