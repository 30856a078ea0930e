from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest

from pytest_ood.errors import ModelError
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import FileStore, MemoryStore
from pytest_ood.models.callable import CallableModel
from pytest_ood.tasks import Prediction
from pytest_ood.tasks.answers import check_fields, exactly
from pytest_ood.utils.progress import Silent


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (Prediction("a", None), "whose scores are None; they are a mapping"),  # type: ignore[arg-type]
        (Prediction("a", [0.5]), r"whose scores are \[0.5\]; they are a mapping"),  # type: ignore[arg-type]
        (Prediction("a", {"a": "x"}), "whose scores give 'a' 'x'; a score is a number"),  # type: ignore[dict-item]
        (Prediction("a", {"a": None}), "whose scores give 'a' None; a score is a number"),  # type: ignore[dict-item]
        (Prediction("a", {1: 0.5}), "whose scores name the label 1; a label is a str"),  # type: ignore[dict-item]
        (Prediction("a", text=b"x"), "whose text is b'x'; it is a str or None; decode it"),  # type: ignore[arg-type]
        (Prediction("a", text=3), "whose text is 3; it is a str or None"),  # type: ignore[arg-type]
        (Prediction(None, error=b"x"), "whose error is b'x'; it is a str or None"),  # type: ignore[arg-type]
        (Prediction(b"a"), "its label a str or None"),  # type: ignore[arg-type]
        (Prediction(label=True), "its label a str or None"),  # type: ignore[arg-type]
        ("a", "an answer is a Prediction"),
    ],
)
def test_a_wrong_field_is_named(answer: Any, told: str) -> None:
    """The message has the model, the field, what it is and what it may be."""
    with pytest.raises(ModelError, match=rf"model 'bert' answered .*{told}"):
        check_fields("bert", answer)
    model = CallableModel("bert", lambda inputs: [answer for _ in inputs])
    if isinstance(answer, Prediction):
        with pytest.raises(ModelError, match=told):
            Engine(MemoryStore(), Silent()).predict(model, ["x"], ["a"], "what")


def test_numbers_of_numpy_are_scores(tmp_path: Any) -> None:
    """They are numbers, and are kept as such."""
    given = Prediction("a", {"a": np.float32(0.75), "b": np.float64(0.25)})  # type: ignore[dict-item]
    check_fields("m", given)
    model = CallableModel("m", lambda inputs: [given for _ in inputs], fingerprint="1")
    store = FileStore(tmp_path / "s.sqlite")
    Engine(store, Silent()).predict(model, ["x"], ["a", "b"], "what")
    (kept,) = Engine(store, Silent()).predict(model, ["x"], ["a", "b"], "what")
    assert kept == Prediction("a", {"a": 0.75, "b": 0.25})


def test_an_iterable_without_an_end_is_read_one_too_far_at_most() -> None:
    """One more than wanted is taken, and nothing behind it."""
    numbers = count()
    with pytest.raises(ModelError, match="gave 4 or more answers to 3 inputs"):
        exactly("m", numbers, 3)
    assert next(numbers) == 4
    assert exactly("m", iter("abc"), 3) == ["a", "b", "c"]
