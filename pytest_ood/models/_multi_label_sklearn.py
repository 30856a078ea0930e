"""scikit-learn estimators that predict a set of labels for each text."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.errors import ModelError, shown, unknown_name
from pytest_ood.models._answers import array_of
from pytest_ood.models.sklearn import SklearnModel, as_features, check_fitted
from pytest_ood.tasks import SCORE_DECIMALS, Prediction
from pytest_ood.tasks.answers import exactly
from pytest_ood.tasks.multi_label import MultiLabel
from pytest_ood.utils.user_code import contained

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from pytest_ood.data.inputs import Inputs

MATRIX = 2
"""The dimensions of an indicator matrix."""


@dataclass(frozen=True)
class MultiLabelEstimator(SklearnModel):
    """An estimator whose `predict` returns an indicator matrix, or the labels of each text.

    The columns have the names of the MultiLabelBinarizer that was saved with it, or else those of
    the estimator's `classes_`; if these are only numbers, the order of the task's labels.

    Attributes:
        load: Returns the fitted estimator, and the label of each column, or None.
        threshold: The least probability of a label that holds; None for what `predict` decides.
    """

    threshold: float | None = None

    @cached_property
    def _loaded(self) -> tuple[Any, tuple[Any, ...] | None]:
        """The fitted estimator, and the names of a binarizer.

        Raises:
            ModelError: it is not fitted, or no classifier.
        """
        with contained(f"model {self.name!r}"):
            estimator, names = self.load()
        check_fitted(estimator, f"model {self.name!r}")
        return estimator, names

    @property
    def estimator(self) -> Any:
        """The fitted estimator."""
        return self._loaded[0]

    @cached_property
    def columns(self) -> tuple[str, ...]:
        """The label of each column that it predicts.

        Raises:
            ModelError: a label of the task has no column, or a column has an unknown name.
        """
        estimator, names = self._loaded
        if names is None:
            classes = getattr(estimator, "classes_", None)
            # Of several outputs `classes_` has the values of each, and no names.
            if classes is not None and not any(getattr(value, "shape", ()) for value in classes):
                names = tuple(classes)
        numbers = names is None or all(str(name).isdecimal() for name in names)
        if numbers and not any(self._label(name) for name in names or ()):
            return self.labels
        columns = []
        for name in names or ():
            label = self._label(name)
            if label is None:
                raise ModelError(
                    f"model {self.name!r}: its {unknown_name('label', str(name), self.labels)} "
                    f'Name what it stands for, such as labels = {{ "{name}" = "{self.labels[0]}" }}'
                )
            columns.append(label)
        missing = [label for label in self.labels if label not in columns]
        if missing:
            raise ModelError(
                f"model {self.name!r}: it has no column for the label {missing[0]!r}; it knows "
                f"{', '.join(columns)}"
            )
        return tuple(columns)

    @cached_property
    def fingerprint(self) -> str | None:
        """Hash of the estimator and of what decides which labels hold; None as of one label."""
        base = super().fingerprint
        if base is None:
            return None
        rest = f"{base} {self.columns} {self.labels} {self.threshold}"
        return hashlib.sha256(rest.encode()).hexdigest()

    def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
        """Return the labels that hold for each input.

        Raises:
            ModelError: the estimator does not take texts, or predicts no set of labels; or there is
                a threshold, and it gives no probabilities.
        """
        estimator, task = self.estimator, MultiLabel(self.labels)
        texts = as_features(estimator, inputs, f"model {self.name!r}")
        with self._explained(texts):
            if self.threshold is None:
                predicted = estimator.predict(texts)
            else:
                rows = self._matrix(self._probabilities(texts), len(inputs))
                predicted = np.round(rows, SCORE_DECIMALS) >= self.threshold
        return [Prediction(task.answer_of(labels)) for labels in self._sets(predicted, len(inputs))]

    def _probabilities(self, texts: Any) -> Any:
        """Return the probability of each label, shape (n, columns).

        Raises:
            ModelError: the estimator gives none.
        """
        estimator = self.estimator
        if not hasattr(estimator, "predict_proba"):
            raise ModelError(
                f"model {self.name!r}: threshold needs probabilities, and "
                f"{type(estimator).__name__} gives none; take one with predict_proba, or leave "
                "threshold out"
            )
        rows = estimator.predict_proba(texts)
        if not isinstance(rows, list):
            return rows
        # Of several outputs: the probabilities of the values of each, of which 1 is that it holds.
        held = [
            table[:, list(values).index(1)] if 1 in values else np.zeros(len(table))
            for table, values in zip(rows, estimator.classes_, strict=True)
        ]
        return np.stack(held, axis=1)

    def _sets(self, predicted: Any, count: int) -> Iterable[set[str]]:
        """Yield the labels of each input."""
        array = array_of(predicted.toarray() if hasattr(predicted, "toarray") else predicted)
        if array is not None and array.dtype != object and array.ndim == MATRIX:
            for row in self._matrix(array, count):
                yield {label for label, holds in zip(self.columns, row, strict=True) if holds}
            return
        for answer in exactly(self.name, predicted, count):
            if isinstance(answer, str) or not hasattr(answer, "__iter__"):
                raise ModelError(
                    f"model {self.name!r}: it predicts {shown(answer)} for a text; a suite of the "
                    "task multi-label asks for a row of an indicator matrix, or a list of labels"
                )
            labels = [(self._label(value), value) for value in answer]
            for label, value in labels:
                if label is None:
                    raise ModelError(
                        f"model {self.name!r} answered an "
                        + unknown_name("label", str(value), self.labels)
                    )
            yield {label for label, _ in labels if label is not None}

    def _matrix(self, rows: Any, count: int) -> NDArray[Any]:
        """Return a matrix with a row for each input and a column for each label.

        Raises:
            ModelError: it has another shape.
        """
        matrix = np.asarray(rows)
        wanted = (count, len(self.columns))
        if matrix.shape != wanted:
            raise ModelError(
                f"model {self.name!r}: it predicts a matrix of shape {matrix.shape} for {count} "
                f"texts and the labels {', '.join(self.columns)}; its shape has to be {wanted}"
            )
        return matrix
