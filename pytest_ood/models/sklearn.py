"""scikit-learn estimators: from a file, from a function, or an object in Python."""

from __future__ import annotations

import hashlib
import importlib
import io
import math
import pickle
import sys
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from numbers import Integral, Real
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pytest_ood.data.inputs import fields_of
from pytest_ood.errors import (
    ConfigurationError,
    ModelError,
    OodError,
    reason_of,
    require,
    shown,
    unknown_name,
    words_of,
)
from pytest_ood.models._answers import AnswerReader, array_of
from pytest_ood.models._label_matrix import indicators, without_binarizer
from pytest_ood.models._thresholds import check_thresholds
from pytest_ood.models.protocol import Facts, check_same_labels
from pytest_ood.tasks import Prediction, check_labels, decide, unless_unsure
from pytest_ood.tasks.answers import exactly
from pytest_ood.tasks.classification import out_of_scope_of
from pytest_ood.utils.objects import import_object, importable
from pytest_ood.utils.user_code import contained, ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from pytest_ood.data.examples import Dataset, Example
    from pytest_ood.data.inputs import Inputs
    from pytest_ood.models.protocol import Context, Paradigm
    from pytest_ood.tasks import Task

EXAMPLE = """\
[tool.pytest_ood.models.tfidf]
sklearn = "my_models:pipeline"      # or a joblib or pickle file of a fitted one
train = "data/train.jsonl"
"""
"""An example of the configuration in pyproject.toml."""

LIBRARIES = {"sklearn", "numpy", "scipy", "joblib"}
FITTED_HERE = ", fitted here"
MAX_NAMED_PARTS = 6
"""The most parts of a saved collection that a message names."""

ACCIDENTS = {"_stop_words_id", "cv_results_", "refit_time_"}
"""Attributes that decide no answer and differ between fits: the memory address of a list of stop
words, and the times of a search. They are left out of fingerprints."""

SEVERAL_LABELS = f"{__package__}._multi_label_sklearn"
"""The module for sets of labels, which is built on this one, and so is imported when needed."""

RULE = "predict"
"""How the label is determined; part of fingerprints, as another rule gives other answers."""


@dataclass(frozen=True)
class SklearnModel:
    """An estimator over texts, usually a pipeline that starts with a vectorizer.

    Attributes:
        name: The model's name in reports.
        load: Returns the fitted estimator.
        labels: The task's labels.
        source: The origin, in words.
        parameters: Further entries for reports.
        training: Returns the data it is fitted on; None if it is fitted already.
        label_names: The task's label for each class of the estimator, where the names differ.
        ordered: Whether the order of `labels` is that of the classes of an estimator that does not
            name them.
        optional: Labels that the estimator need not have.
        abstain_below: The probability of the likeliest label below which it abstains; None to
            answer always.
    """

    name: str
    load: Callable[[], Any] = field(repr=False)
    labels: tuple[str, ...]
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    paradigm: Paradigm = "fine-tuned"
    training: Callable[[], Dataset] | None = field(default=None, repr=False)
    label_names: Mapping[str, str] = field(default_factory=dict)
    ordered: bool = True
    optional: tuple[str, ...] = ()
    abstain_below: float | None = None

    @property
    def training_examples(self) -> Iterable[Example]:
        """The examples it is fitted on."""
        return () if self.training is None else self.training()

    @property
    def facts(self) -> Facts:
        """The estimator, its number of coefficients and of training examples; fits if needed."""
        trained_on = None if self.training is None else len(self.training())
        base = self.source.removesuffix(FITTED_HERE)
        return Facts(base=base, size=_coefficients(self.estimator), training_examples=trained_on)

    @cached_property
    def estimator(self) -> Any:
        """The fitted estimator.

        Raises:
            ModelError: it is not a fitted single-label classifier, or lacks a label of the task.
        """
        with contained(f"model {self.name!r}"):
            estimator = self.load()
        check_classifier(estimator, f"model {self.name!r}")
        classes = getattr(estimator, "classes_", None)
        fitted_labels = {self._label(value) for value in (() if classes is None else classes)}
        for label in self.labels:
            if classes is not None and label not in (*fitted_labels, *self.optional):
                fitted_names = [_names(value)[0] for value in classes]
                message = unknown_name("label", label, fitted_names)
                raise ModelError(
                    f"model {self.name!r}: it was not fitted on every label: {message} Name what "
                    "they stand for, such as labels = "
                    f'{{ "{fitted_names[0]}" = "{self.labels[0]}" }}'
                )
        return estimator

    @cached_property
    def fingerprint(self) -> str | None:
        """Hash of the fitted estimator, of its labels' names and of scikit-learn's version.

        None if the estimator uses the user's own code, whose changes would not change the hash.
        """
        import joblib
        import sklearn

        if not _is_known(type(self.estimator)):
            # Not pickled to find that out: it may have the weights of a network.
            return None
        copied = _without_accidents(self.estimator)
        if copied is None:
            return None
        named = sorted(self.label_names.items())
        content = f"{joblib.hash(copied, hash_name='sha1')} {sklearn.__version__} {RULE} {named}"
        if self.abstain_below is not None:
            content += f" abstain below {self.abstain_below}"
        return hashlib.sha256(content.encode()).hexdigest()

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Return the predicted label for each input, with probabilities if there are any.

        A predicted class that is no label of the task is replaced by the likeliest label.

        Raises:
            ModelError: the estimator does not take texts, predicts several labels per text, or
                gives no probabilities while it abstains below one.
        """
        answers = self._answers(inputs)
        if self.abstain_below is None:
            return answers
        if not all(answer.scores for answer in answers):
            raise ModelError(
                f"model {self.name!r}: abstain_below needs probabilities, and "
                f"{type(self.estimator).__name__} gives none; take an estimator with predict_proba"
            )
        return [unless_unsure(answer, self.abstain_below) for answer in answers]

    def _answers(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Return the predicted label for each input, however likely it is."""
        estimator = self.estimator
        predicted, rows = self._query(estimator, inputs)
        if getattr(estimator, "classes_", None) is None:
            return self._unnamed(predicted, rows, len(inputs))
        predicted = exactly(self.name, predicted, len(inputs))
        names = [_names(value)[0] for value in predicted]
        classes = dict(zip(names, predicted, strict=True))
        of = {name: self._label(value) for name, value in classes.items()}
        labels = [of[name] for name in names]
        if rows is None:
            return [
                Prediction(name if label is None else label)
                for label, name in zip(labels, names, strict=True)
            ]
        columns = [self._label(value) for value in estimator.classes_]
        answers = []
        for label, row in zip(labels, rows, strict=True):
            # Several classes may stand for one label.
            scores = dict.fromkeys(self.labels or filter(None, columns), 0.0)
            for column, score in zip(columns, row, strict=True):
                if column in scores:
                    scores[column] += float(score)
            prediction = decide(scores)
            answers.append(prediction if label not in scores else replace(prediction, label=label))
        return answers

    def _unnamed(self, predicted: Any, rows: Any, count: int) -> list[Prediction]:
        """Return the predictions of an estimator without `classes_`, such as SetFit's.

        Args:
            predicted: Labels, or indices of them.
            rows: Probabilities, shape (count, labels), or None. They are in the order of the
                estimator's `labels`, or else of the task's.
            count: The number of inputs.
        """
        own = getattr(self.estimator, "labels", None)
        reader = AnswerReader(
            name=self.name,
            labels=self.labels,
            ordered=self.ordered,
            label_names=self.label_names,
        )
        answers = [
            replace(answer, label=self._label(answer.label) or answer.label)
            for answer in reader.read_all(predicted, count)
        ]
        array = None if rows is None else array_of(rows)
        if array is None or array.ndim != 2:  # noqa: PLR2004 - a row for each input
            return answers
        if isinstance(own, list | tuple) and len(own) == array.shape[1]:
            named = [reader.label_of(label) for label in own]
        elif self.ordered and len(self.labels) == array.shape[1]:
            named = list(self.labels)
        else:
            return answers
        tables = [dict(zip(named, row, strict=True)) for row in array.tolist()]
        return [
            replace(reader.read(table), label=answer.label)
            for answer, table in zip(answers, exactly(self.name, tables, count), strict=True)
        ]

    def _query(self, estimator: Any, inputs: Sequence[Inputs]) -> tuple[Any, Any]:
        """Return the predicted class for each input, and the probabilities of classes or None."""
        texts = as_features(estimator, inputs, f"model {self.name!r}")
        with self._explained(texts):
            estimator, features = _transformed(estimator, texts)
            predicted = estimator.predict(features)
            rows = _probabilities(estimator, features)
        array = array_of(predicted)
        predicted = predicted if array is None else array
        shape = (len(inputs),) if array is None else array.shape
        if len(shape) > 1 and shape[1] == 1:
            predicted, shape = predicted.ravel(), shape[:1]
        # A network's `predict` returns probabilities.
        is_row = array is not None and array.dtype.kind == "f" and shape[1:] == (len(self.labels),)
        if len(shape) > 1 and not (is_row and getattr(estimator, "classes_", None) is None):
            raise ModelError(
                f"model {self.name!r}: it predicts {shape[1]} outputs for a text; a suite asks for "
                "one label"
            )
        return predicted, rows

    @contextmanager
    def _explained(self, texts: Any) -> Iterator[None]:
        """Explain what an estimator raises that is not fitted, or takes no texts."""
        from sklearn.exceptions import NotFittedError

        try:
            yield
        except NotFittedError as error:
            raise ModelError(
                f"model {self.name!r}: a part of it is not fitted: {words_of(error)}"
            ) from error
        except (TypeError, ValueError) as error:
            count = getattr(self.estimator, "n_features_in_", None)
            if isinstance(texts, list) and count is not None:
                raise ModelError(
                    f"model {self.name!r}: it was fitted on rows of {count} numbers, and is given "
                    "texts; put what makes numbers of texts and it into one pipeline, such as "
                    f"make_pipeline(vectorizer, classifier) ({words_of(error)})"
                ) from error
            raise

    def _label(self, value: Any) -> str | None:
        """Return the task's label for a class; None if there is none."""
        names = _names(value)
        for mapping in (self.label_names, {label: label for label in self.labels}):
            folded = {name.casefold(): label for name, label in mapping.items()}
            for name in names:
                label = mapping.get(name, folded.get(name.casefold()))
                if label is not None:
                    return label
        return None if self.labels else names[0]


def _names(value: Any) -> tuple[str, ...]:
    """Return the ways to write a class in a configuration, the one of `str` first."""
    if isinstance(value, bytes):
        return (value.decode(errors="replace"),)
    shown = str(value)
    whole = (
        isinstance(value, Real) and not isinstance(value, Integral) and float(value).is_integer()
    )
    return (shown, str(int(value))) if whole else (shown,)


def _probabilities(estimator: Any, features: Any) -> Any:
    """Return the probabilities of classes, shape (n, classes); None where there are none."""
    if not hasattr(estimator, "predict_proba"):
        return None
    return estimator.predict_proba(features)


def _is_known(owner: Any) -> bool:
    """Return whether a class or a function is of scikit-learn, its libraries or Python itself."""
    root = str(getattr(owner, "__module__", "")).partition(".")[0]
    return root in LIBRARIES or root in sys.stdlib_module_names


def _transformed(estimator: Any, texts: Any) -> tuple[Any, Any]:
    """Return the estimator and its input: for a plain pipeline, its last step and the features."""
    # Labels and probabilities are two calls, each of which would compute the features, which take
    # longer than both.
    from sklearn.pipeline import Pipeline

    if type(estimator) is not Pipeline or len(estimator.steps) == 1:
        return estimator, texts
    return estimator.steps[-1][1], estimator[:-1].transform(texts)


def check_fitted(estimator: Any, owner: str) -> None:
    """Check that an estimator is fitted, and no regressor or clusterer.

    Raises:
        ModelError: it is not.
    """
    from sklearn.base import BaseEstimator
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    fitted = True
    if getattr(estimator, "classes_", None) is None and isinstance(estimator, BaseEstimator):
        # Whether another library's object is fitted is unknown.
        try:
            check_is_fitted(estimator)
        except NotFittedError:
            fitted = False
    check_kind(estimator, owner)
    if not fitted:
        raise ModelError(f"{owner}: the estimator is not fitted; fit it, or give `train`")


def check_classifier(estimator: Any, owner: str) -> None:
    """Check that an estimator is a fitted single-label classifier.

    Raises:
        ModelError: it is not.
    """
    classes = getattr(estimator, "classes_", None)
    check_fitted(estimator, owner)
    several = classes is not None and any(getattr(value, "shape", ()) for value in classes)
    last = estimator
    while hasattr(last, "steps"):
        last = last.steps[-1][1]
    if several or getattr(last, "multilabel_", False):
        raise ModelError(
            f"{owner}: {type(estimator).__name__} predicts several labels for one text (several "
            "outputs, or one for each label); a suite asks for one"
        )


def check_kind(estimator: Any, owner: str) -> None:
    """Check that an estimator of scikit-learn, fitted or not, is no regressor or clusterer.

    Raises:
        ModelError: it is.
    """
    from sklearn import base

    if not isinstance(estimator, base.BaseEstimator):
        return
    for kind, outputs in (("regressor", "numbers (a regressor)"), ("clusterer", "clusters")):
        # There is no `is_clusterer` before scikit-learn 1.6.
        if getattr(base, f"is_{kind}", lambda _: False)(estimator):
            raise ModelError(
                f"{owner}: {type(estimator).__name__} predicts {outputs}, and a suite asks for "
                "labels; "
                'turn them into labels in a function of yours: callable = "module:name"'
            )


def as_features(estimator: Any, inputs: Sequence[Inputs], owner: str) -> Any:
    """Return inputs in an estimator's form: a list of texts, or a table with its columns.

    Raises:
        ModelError: the inputs lack a column.
    """
    columns = _columns(estimator)
    if columns is None:
        return [_text(value) for value in inputs]
    pandas = require("pandas", extra="datasets", purpose=f"the estimator of {owner}")
    rows = []
    for value in inputs:
        fields = fields_of(value)
        if not set(columns) <= set(fields):
            if len(columns) > 1:
                raise ModelError(
                    f"{owner}: it takes a table with the columns {', '.join(columns)}, and the "
                    f"inputs have {', '.join(fields)}; name the columns of the data so, as the "
                    "suite's `fields`"
                )
            fields = {columns[0]: _text(value)}
        rows.append({name: fields[name] for name in columns})
    return pandas.DataFrame(rows, columns=columns)


def _columns(estimator: Any) -> list[str] | None:
    """Return the columns of an estimator's input table; None if it takes texts."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return [str(name) for name in names]
    while not hasattr(estimator, "transformers"):
        inner = getattr(estimator, "steps", None)
        estimator = inner[0][1] if inner else getattr(estimator, "estimator", None)
        if estimator is None:
            return None
    chosen = [columns for _, _, columns in estimator.transformers]
    listed = [[one] if isinstance(one, str) else one for one in chosen]
    if not all(isinstance(one, list) and all(isinstance(n, str) for n in one) for one in listed):
        return None
    return list(dict.fromkeys(name for one in listed for name in one)) or None


def _coefficients(estimator: Any) -> int | None:
    """Return the number of coefficients and intercepts of a linear model or a network, or None.

    For a pipeline, those of its last step.
    """
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    layers = getattr(estimator, "coefs_", None) or [getattr(estimator, "coef_", None)]
    offsets = getattr(estimator, "intercepts_", None) or [getattr(estimator, "intercept_", None)]
    if layers[0] is None:
        return None
    return sum(math.prod(getattr(part, "shape", ())) for part in (*layers, *offsets))


def _without_accidents(estimator: Any) -> Any:
    """Return a copy of an estimator whose hash is the same in every process.

    None if it uses code of an unknown library, or cannot be copied.
    """
    import numpy as np

    foreign: list[Any] = []

    class Copier(pickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            """Replace objects whose pickles differ between equal estimators."""
            owner = obj if isinstance(obj, type | FunctionType) else type(obj)
            if not _is_known(owner):
                foreign.append(owner)
            if isinstance(obj, np.ma.MaskedArray):
                # joblib cannot hash one.
                return tuple, ((np.asarray(obj.data), np.asarray(obj.mask)),)
            if isinstance(obj, np.ndarray) and obj.dtype.names:
                # The padding between the fields of a tree's nodes is uninitialised memory.
                clean = np.zeros(obj.shape, obj.dtype)
                for name in obj.dtype.names:
                    clean[name] = obj[name]
                return clean.__reduce__()
            if owner is obj or not ACCIDENTS & getattr(obj, "__dict__", {}).keys():
                return NotImplemented
            make, arguments, state, *rest = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            return make, arguments, {k: v for k, v in state.items() if k not in ACCIDENTS}, *rest

    buffer = io.BytesIO()
    try:
        Copier(buffer, pickle.HIGHEST_PROTOCOL).dump(estimator)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return None if foreign else pickle.loads(buffer.getvalue())  # noqa: S301 - made above


def _text(inputs: Inputs) -> str:
    return "\n".join(fields_of(inputs).values())


def build(
    source: str,
    context: Context,
    *,
    train: Any = None,
    labels: Mapping[str, str] | None = None,
    threshold: float | None = None,
    abstain_below: float | None = None,
) -> SklearnModel:
    """Load an estimator, and fit it if there is `train`.

    Args:
        source: A file that joblib or pickle has written, with any suffix, or `module:name` of an
            estimator or of a function that returns one.
        context: The adapter's context.
        train: Labelled data (a path or a table) to fit it on.
        labels: The task's label for each of the estimator's classes, where the names differ.
        threshold: For sets of labels: the least probability of a label that holds; by default what
            the estimator's `predict` decides.
        abstain_below: For one label: the probability of the likeliest one below which there is no
            answer.

    Raises:
        ConfigurationError: there is no such file or object, no such label, or an option is not for
            the task.
        ModelError: the estimator is not fitted, or lacks a label.
    """
    owner, task = f"model {context.name!r}", context.task
    known = task.labels or task.classes
    if not known:
        raise ConfigurationError(
            f"{owner}: an estimator predicts labels, and the task {context.task.name} "
            "has none; take a model that writes its answer (prompted, callable, replay)"
        )
    check_same_labels(context, "an estimator")
    for name, label in (labels or {}).items():
        if label not in known:
            message = unknown_name("label", str(label), known)
            raise ConfigurationError(f"{owner}: labels.{name}: {message}")
    check_thresholds(owner, task, threshold=threshold, abstain_below=abstain_below)
    path = _path_of(source, context)
    saved = path.is_file()
    imported: Any = None if saved else import_object(source, owner, context.root)
    data = None if train is None else context.data(train)

    def load() -> Any:
        """Return the estimator, fitted if there is training data."""
        value = _saved(path, context) if saved else imported
        names = None
        if task.classes:
            value, names = without_binarizer(value)
        if isinstance(value, type) or not hasattr(value, "predict"):
            value = _estimator_from(value, source, owner)
        if data is not None:
            value, names = _fitted(value, data(), task, owner), None
        return (value, names) if task.classes else value

    description = source if data is None else source + FITTED_HERE
    options = {"threshold": threshold, "abstain_below": abstain_below}
    parameters = {key: value for key, value in options.items() if value is not None}
    built: type[SklearnModel] = SklearnModel
    own: dict[str, Any] = {
        "optional": (out_of_scope_of(task),),
        "abstain_below": abstain_below,
    }
    if task.classes:
        built = importlib.import_module(SEVERAL_LABELS).MultiLabelEstimator
        own = {"threshold": threshold}
    return built(
        context.name,
        load,
        known if task.classes else context.labels,
        description,
        parameters,
        training=data,
        label_names=labels or {},
        **own,
    )


def _path_of(source: str, context: Context) -> Path:
    """Return the path that a source is, whether there is such a file or not.

    Raises:
        ConfigurationError: it can be neither a file of joblib or pickle nor `module:name`.
    """
    owner = f"model {context.name!r}"
    path = context.root / source
    if path.suffix.lower() == ".skops":
        raise ConfigurationError(
            f"{owner}: {path} is read by skops alone; load it in a function of yours, and give "
            "that as module:name"
        )
    if path.suffix == ".py":
        raise ConfigurationError(
            f"{owner}: {source} is a module; name what it holds: {path.stem}:NAME"
        )
    if not path.is_file() and ":" not in source and path.suffix:
        raise ConfigurationError(
            f"{owner}: there is no file {path}; what a module holds is written module:name"
        )
    return path


def _saved(path: Path, context: Context) -> Any:
    """Return the object in a file; joblib recognises its compression."""
    import joblib

    try:
        with importable(context.root), unattended(f"model {context.name!r}"):
            return joblib.load(path)
    except BaseException as error:
        if isinstance(error, ModelError) or ends_run(error):
            raise
        raise ModelError(
            f"model {context.name!r}: {path} cannot be loaded: {reason_of(error)}; "
            "it is read as what joblib.dump or pickle.dump writes"
        ) from error


def _estimator_from(value: Any, source: str, owner: str) -> Any:
    """Return the estimator of a value that is none itself.

    A function or a class is called; a vectorizer and a classifier that were saved together become a
    pipeline.

    Raises:
        ModelError: there is no estimator, or it is not clear which.
    """
    from sklearn.pipeline import make_pipeline

    if isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes):
        parts = list(value.values()) if isinstance(value, Mapping) else list(value)
        predicting = [part for part in parts if hasattr(part, "predict")]
        encoders = [
            part
            for part in parts
            if hasattr(part, "inverse_transform") and hasattr(part, "classes_")
        ]
        transforming = [
            part
            for part in parts
            if hasattr(part, "transform") and part not in (*predicting, *encoders)
        ]
        if len(predicting) == 1 and len(transforming) <= 1 and not encoders:
            return make_pipeline(*transforming, *predicting) if transforming else predicting[0]
        names = ", ".join(type(part).__name__ for part in parts[:MAX_NAMED_PARTS])
        raise ModelError(
            f"{owner}: {source} holds a {type(value).__name__} of {names or 'nothing'}, and it is "
            "not clear which of them answers, and what comes before it; save one fitted estimator "
            "that takes texts: joblib.dump(make_pipeline(vectorizer, classifier), FILE)"
        )
    built = None
    if callable(value):
        try:
            built = value()
        except Exception as error:
            raise ModelError(
                f"{owner}: {source} makes no estimator when it is called: {words_of(error)}"
            ) from error
    if not hasattr(built, "predict"):
        problem = shown(value) if built is None else f"{shown(built)}, made by calling it,"
        raise ModelError(f"{owner}: {source} is {problem} and no estimator: it has no `predict`")
    return built


def _fitted(estimator: Any, examples: Dataset, task: Task, owner: str) -> Any:
    """Return a fitted copy of an estimator; two models may use the same object.

    Sets of labels are an indicator matrix in the order of the task. No label is learned from inputs
    that none is right for.
    """
    from sklearn.base import clone

    check_labels(examples, task.truths)
    check_kind(estimator, owner)
    rows: Sequence[Example] = list(examples)
    if task.labels:
        rows = [e for e in rows if e.label in task.labels]
    try:
        copied = clone(estimator)
        texts = as_features(copied, [e.inputs for e in rows], owner)
        targets = indicators(rows, task.classes) if task.classes else [e.label for e in rows]
        return copied.fit(texts, targets)
    except OodError:
        raise
    except Exception as error:
        raise ModelError(
            f"{owner}: it cannot be fitted on {examples.name}: {words_of(error)}"
        ) from error
