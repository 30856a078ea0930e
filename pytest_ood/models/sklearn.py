"""scikit-learn estimators: a saved one, one that a function makes, or an object at hand."""

from __future__ import annotations

import hashlib
import io
import math
import pickle
import sys
from dataclasses import dataclass, field
from functools import cached_property
from types import FunctionType
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, ModelError, unknown_name
from pytest_ood.examples import fields_of
from pytest_ood.models.protocol import Facts
from pytest_ood.objects import import_object, importable
from pytest_ood.tasks import Prediction, check_labels, decide

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_ood.examples import Dataset, Example, Inputs
    from pytest_ood.models.protocol import Context, Paradigm

EXAMPLE = """\
[tool.pytest_ood.models.tfidf]
sklearn = "my_models:pipeline"      # or a joblib file of a fitted estimator
train = "data/train.jsonl"
"""
"""How it stands in pyproject.toml."""

LIBRARIES = {"sklearn", "numpy", "scipy", "joblib"}
FITTED_HERE = ", fitted here"
ADDRESS = "_stop_words_id"
"""Where a fitted vectorizer keeps the memory address of its list of stop words."""


@dataclass(frozen=True)
class SklearnModel:
    """An estimator over texts, usually a pipeline that starts with a vectorizer.

    Attributes:
        name: In reports.
        load: Returns the fitted estimator; its `classes_` are the task's labels.
        labels: The task's labels.
        source: What ran, in words.
        parameters: What else is worth telling.
        training: Returns what it is fitted on here; None where it came fitted.
    """

    name: str
    load: Callable[[], Any] = field(repr=False)
    labels: tuple[str, ...]
    source: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    paradigm: Paradigm = "fine-tuned"
    training: Callable[[], Dataset] | None = field(default=None, repr=False)

    @property
    def training_examples(self) -> Iterable[Example]:
        """What it is fitted on here."""
        return () if self.training is None else self.training()

    @property
    def facts(self) -> Facts:
        """What was fitted, its coefficients, and on how many examples; fits it if needed."""
        trained_on = None if self.training is None else len(self.training())
        base = self.source.removesuffix(FITTED_HERE)
        return Facts(base, _coefficients(self.estimator), trained_on)

    @cached_property
    def estimator(self) -> Any:
        """The fitted estimator.

        Raises:
            ModelError: it is not fitted, or was not fitted on every label.
        """
        estimator = self.load()
        classes = getattr(estimator, "classes_", None)
        if classes is None:
            raise ModelError(
                f"model {self.name!r}: the estimator is not fitted; fit it, or give `train`"
            )
        for label in self.labels:
            if label not in [str(value) for value in classes]:
                message = unknown_name("label", label, [str(value) for value in classes])
                raise ModelError(
                    f"model {self.name!r}: it was not fitted on every label: {message}"
                )
        return estimator

    @cached_property
    def fingerprint(self) -> str | None:
        """Hash of the fitted estimator and scikit-learn's version.

        None where it calls code of the user's own: an edit there changes answers, but no hash.
        """
        import joblib
        import sklearn

        copied = _without_addresses(self.estimator)
        if copied is None:
            return None
        content = f"{joblib.hash(copied, hash_name='sha1')} {sklearn.__version__}"
        return hashlib.sha256(content.encode()).hexdigest()

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Ask for probabilities where the estimator gives them, for labels otherwise."""
        texts = [_text(value) for value in inputs]
        classes = [str(value) for value in self.estimator.classes_]
        if not hasattr(self.estimator, "predict_proba"):
            return [Prediction(str(label)) for label in self.estimator.predict(texts)]
        rows = self.estimator.predict_proba(texts)
        answers = []
        for row in rows:
            scores = dict(zip(classes, row, strict=True))
            answers.append(decide({label: scores[label] for label in self.labels}))
        return answers


def _coefficients(estimator: Any) -> int | None:
    """Return how many coefficients and intercepts a linear model, or a network, has; else None.

    Of a pipeline, those of its last step.
    """
    while hasattr(estimator, "steps"):
        estimator = estimator.steps[-1][1]
    layers = getattr(estimator, "coefs_", None) or [getattr(estimator, "coef_", None)]
    offsets = getattr(estimator, "intercepts_", None) or [getattr(estimator, "intercept_", None)]
    if layers[0] is None:
        return None
    return sum(math.prod(getattr(part, "shape", ())) for part in (*layers, *offsets))


def _without_addresses(estimator: Any) -> Any:
    """Return a copy of an estimator that hashes alike in every process.

    None where it calls code that is not a known library's, or cannot be copied.
    """
    foreign: list[str] = []

    class Copier(pickle.Pickler):
        def reducer_override(self, obj: Any) -> Any:
            owner = obj if isinstance(obj, type | FunctionType) else type(obj)
            root = str(getattr(owner, "__module__", "")).partition(".")[0]
            if root not in LIBRARIES and root not in sys.stdlib_module_names:
                foreign.append(root)
            if owner is obj or ADDRESS not in getattr(obj, "__dict__", {}):
                return NotImplemented
            make, arguments, state, *rest = obj.__reduce_ex__(pickle.HIGHEST_PROTOCOL)
            return make, arguments, {k: v for k, v in state.items() if k != ADDRESS}, *rest

    buffer = io.BytesIO()
    try:
        Copier(buffer, pickle.HIGHEST_PROTOCOL).dump(estimator)
    except (pickle.PicklingError, AttributeError, TypeError):
        return None
    return None if foreign else pickle.loads(buffer.getvalue())  # noqa: S301 - made above


def _text(inputs: Inputs) -> str:
    return "\n".join(fields_of(inputs).values())


def build(source: str, context: Context, *, train: Any = None) -> SklearnModel:
    """Load an estimator, and fit it where `train` says so.

    Args:
        source: A joblib file, or `module:name` of an estimator or of a function that makes one.
        context: What the adapter is given.
        train: Labelled data (a path or a table) to fit it on.

    Raises:
        ConfigurationError: there is no such file or object.
        ModelError: the estimator is not fitted, or lacks a label.
    """
    if not context.labels:
        raise ConfigurationError(
            f"model {context.name!r}: an estimator tells labels, and the task {context.task.name} "
            "has none; take a model that writes its answer (prompted, callable, replay)"
        )
    path = context.root / source
    saved = path.suffix in (".joblib", ".pkl")
    if saved and not path.is_file():
        raise ConfigurationError(f"model {context.name!r}: there is no file {path}")
    given: Any = None if saved else import_object(source, f"model {context.name!r}", context.root)
    data = None if train is None else context.data(train)

    def load() -> Any:
        import joblib
        from sklearn.base import clone

        estimator: Any = given
        if saved:
            try:
                with importable(context.root):
                    estimator = joblib.load(path)
            except Exception as error:
                raise ModelError(
                    f"model {context.name!r}: {path} cannot be loaded: "
                    f"{type(error).__name__}: {error}"
                ) from error
        if isinstance(estimator, type) or not hasattr(estimator, "predict"):
            estimator = estimator()
        if data is None:
            return estimator
        examples = data()
        check_labels(examples, context.labels)
        # The user's own object stays as it is, also where two models are made of it.
        return clone(estimator).fit(
            [_text(e.inputs) for e in examples], [e.label for e in examples]
        )

    told = source if data is None else source + FITTED_HERE
    return SklearnModel(context.name, load, context.labels, told, training=data)
