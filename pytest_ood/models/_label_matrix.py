"""Sets of labels as matrices of 0 and 1, with a row for each text and a column for each label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from pytest_ood.tasks.multi_label import labels_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from pytest_ood.data.examples import Example


def indicators(examples: Iterable[Example], classes: Sequence[str]) -> NDArray[np.int64]:
    """Return whether each label holds for each example, shape (n, labels), as 0 or 1."""
    sets = [labels_of(example.label) for example in examples]
    return np.array([[int(label in held) for label in classes] for held in sets], np.int64)


def without_binarizer(value: Any) -> tuple[Any, tuple[Any, ...] | None]:
    """Take the MultiLabelBinarizer out of what was saved with it.

    Args:
        value: A collection of an estimator, or of what it is made of, and the binarizer of its
            targets; or the estimator itself.

    Returns:
        The rest, and the label of each column that it predicts; None without a binarizer.
    """
    from sklearn.preprocessing import MultiLabelBinarizer

    is_collection = isinstance(value, Mapping | Sequence) and not isinstance(value, str | bytes)
    if not is_collection or hasattr(value, "predict"):
        return value, None
    parts = list(value.values()) if isinstance(value, Mapping) else list(value)
    binarizers = [part for part in parts if isinstance(part, MultiLabelBinarizer)]
    rest = [part for part in parts if not isinstance(part, MultiLabelBinarizer)]
    if len(binarizers) != 1:
        return value, None
    return (rest[0] if len(rest) == 1 else rest), tuple(binarizers[0].classes_)
