from __future__ import annotations

import pickle
from enum import StrEnum
from typing import Any

import numpy as np
import pytest

from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.inference.engine import Engine
from pytest_ood.inference.store import MemoryStore
from pytest_ood.models import adapter
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.protocol import Context, is_model
from pytest_ood.tasks import Prediction
from pytest_ood.utils.progress import Silent

build = adapter("callable").build


def answering(answer: Any) -> CallableModel:
    """Return a model that gives one answer to everything."""
    return CallableModel("mine", lambda inputs: [answer for _ in inputs])


@pytest.mark.parametrize(
    ("answer", "prediction"),
    [
        ("positive", Prediction("positive")),
        (None, Prediction(None)),
        ({"a": 0.25, "b": 0.75}, Prediction("b", {"a": 0.25, "b": 0.75})),
        ({"a": 0.5, "b": 0.5}, Prediction("a", {"a": 0.5, "b": 0.5})),
        (Prediction("a", text="raw"), Prediction("a", text="raw")),
    ],
)
def test_every_form_of_an_answer(answer: Any, prediction: Prediction) -> None:
    """A label, a mapping of probabilities, a Prediction and None are answers."""
    assert answering(answer).predict(["x", "y"]) == [prediction, prediction]


@pytest.mark.parametrize("answer", [1, 0.5, True, {}, ["a"], ("a", 0.5), b"a"], ids=repr)
def test_anything_else_is_refused(answer: Any) -> None:
    """What is no answer is an error with the model's name and the answer."""
    with pytest.raises(ModelError) as caught:
        answering(answer).predict(["x"])
    assert str(caught.value).startswith(f"model 'mine' answered {answer!r}; an answer is a label")


def test_scores_that_are_no_numbers_are_refused() -> None:
    """A mapping with something else than numbers is the same error."""
    with pytest.raises(ModelError, match="model 'mine'"):
        answering({"a": "high", "b": "low"}).predict(["x"])


@pytest.mark.parametrize("returned", [None, 5])
def test_a_function_has_to_return_a_list(returned: Any) -> None:
    """A function that returns no list of answers is a readable error."""
    with pytest.raises(ModelError, match="model 'mine'"):
        CallableModel("mine", lambda _: returned).predict(["x"])


def test_the_function_is_called_once() -> None:
    """All inputs come in one call, in order, as a list."""
    calls: list[Any] = []

    def remember(inputs: list[Inputs]) -> list[str]:
        calls.append(inputs)
        return ["a"] * len(inputs)

    CallableModel("mine", remember).predict(("x", {"text": "y"}))
    assert calls == [["x", {"text": "y"}]]


def test_the_number_of_answers_is_checked() -> None:
    """Through the engine, too few answers are an error."""
    model = CallableModel("mine", lambda _: ["a"])
    with pytest.raises(ModelError, match="model 'mine' gave 1 answers to 2 inputs"):
        Engine(MemoryStore(), Silent()).predict(model, ["x", "y"], ["a", "b"], "what")


def test_a_function_at_hand_has_no_fingerprint() -> None:
    """Nobody can tell when a function's answers change, so nothing is kept."""
    model = answering("a")
    assert is_model(model)
    assert model.fingerprint is None
    assert (model.paradigm, model.source) == ("other", "a Python function")


def test_a_function_is_found_by_name(context: Context) -> None:
    """`module:name` finds a function in the project's folder; a version of it is a fingerprint."""
    (context.root / "found_by_name.py").write_text(
        "NUMBER = 5\ndef answer(texts):\n    return ['positive' for _ in texts]\n"
    )
    model = build("found_by_name:answer", context, paradigm="prompted")
    assert model.predict(["x"]) == [Prediction("positive")]
    assert (model.name, model.paradigm) == ("model", "prompted")
    assert model.source == "found_by_name:answer"
    assert model.fingerprint is None
    versions = [build("found_by_name:answer", context, fingerprint=v) for v in ("1", "1", "2")]
    assert versions[0].fingerprint == versions[1].fingerprint != versions[2].fingerprint
    with pytest.raises(ConfigurationError, match="found_by_name:NUMBER cannot be called"):
        build("found_by_name:NUMBER", context)


@pytest.mark.parametrize(
    ("source", "options", "message"),
    [
        ("answer", {}, "'answer' is not of the form module:name"),
        (":answer", {}, "':answer' is not of the form module:name"),
        ("no_such_module:f", {}, "there is no module 'no_such_module'"),
        ("json:dump5", {}, "json: unknown name 'dump5'. Did you mean 'dump' or 'dumps'"),
        ("json:dumps", {"paradigm": "promted"}, "unknown paradigm 'promted'. Did you mean 'prom"),
    ],
)
def test_wrong_values_are_refused(
    source: str, options: dict[str, Any], message: str, context: Context
) -> None:
    """What cannot work is a usage error with the model's name."""
    with pytest.raises(ConfigurationError) as caught:
        build(source, context, **options)
    assert f"model 'model': {message}" in str(caught.value)


def test_a_module_that_cannot_be_imported_is_a_usage_error(context: Context) -> None:
    """An error inside the module is told with the module's name and its own words."""
    (context.root / "breaks_at_import.py").write_text("1 / 0\n")
    with pytest.raises(ConfigurationError, match="'breaks_at_import' fails: ZeroDivisionError"):
        build("breaks_at_import:f", context)


async def answered(inputs: list[Inputs]) -> list[str]:
    """Answer as a function of asyncio does."""
    return ["a" for _ in inputs]


async def answered_one(_: Inputs) -> str:
    """Answer one input likewise."""
    return "a"


async def generated(inputs: list[Inputs]) -> Any:
    """Yield answers likewise."""
    for _ in inputs:
        yield "a"


@pytest.mark.parametrize(
    ("function", "advice"),
    [
        (answered, "of an async function give one that runs it: .*asyncio.run"),
        (generated, "of an async function give one that runs it"),
        (lambda inputs: [answered_one(value) for value in inputs], "of an async function give"),
        (lambda _: None, "is a `return` missing"),
        (lambda inputs: dict.fromkeys(inputs, "a"), "return its values, in the order"),
        (lambda _: {"a", "b"}, "it has to return a list of as many answers"),
        (lambda _: b"ab", "it has to return a list of as many answers"),
        (lambda _: {"label": "a", "score": 0.5}, "it has to return a list of as many answers"),
    ],
)
def test_what_is_no_list_of_answers_is_told(function: Any, advice: str) -> None:
    """The message says what to do about it; a coroutine that nobody awaits leaves no warning."""
    with pytest.raises(ModelError, match=rf"model 'mine' .*{advice}"):
        CallableModel("mine", function).predict(["x", "y"])


@pytest.mark.parametrize(
    ("answer", "advice"),
    [
        (1, "a class index needs the labels in the order of the model's classes: CallableModel("),
        (np.int64(1), "labels=[...]), or return labels"),
        (np.array([0.1, 0.9]), "a row of probabilities needs the labels in the order of the mod"),
        ([0.1, 0.9], "CallableModel(NAME, FUNCTION, labels=[...])"),
        (True, "true or false is no label, and no class index"),
        (0.5, "a number with decimals is no label, and no class index"),
        (["a"], "return one answer for each input"),
        (b"a", "decode it: answer.decode()"),
    ],
    ids=repr,
)
def test_an_answer_of_another_kind_is_an_error_with_advice(answer: Any, advice: str) -> None:
    """Without the labels of the model, class indices and rows of probabilities mean nothing."""
    with pytest.raises(ModelError) as caught:
        answering(answer).predict(["x"])
    assert advice in str(caught.value)


def test_a_configured_function_knows_the_labels_of_the_suite(context: Context) -> None:
    """Class indices, rows of probabilities and labels of its own are read with those."""
    (context.root / "reads_labels.py").write_text(
        "import numpy as np\n"
        "def indices(texts):\n    return np.array([1 for _ in texts])\n"
        "def rows(texts):\n    return np.array([[0.25, 0.75] for _ in texts])\n"
        "def own(texts):\n    return ['GOOD' for _ in texts]\n"
    )
    assert build("reads_labels:indices", context).predict(["x"]) == [Prediction("positive")]
    (answer,) = build("reads_labels:rows", context).predict(["x"])
    assert answer == Prediction("positive", {"negative": 0.25, "positive": 0.75})
    named = {"labels": {"GOOD": "positive"}, "fingerprint": "1"}
    model = build("reads_labels:own", context, **named)
    assert model.predict(["x"]) == [Prediction("positive")]
    assert model.fingerprint != build("reads_labels:own", context, fingerprint="1").fingerprint
    with pytest.raises(ConfigurationError, match=r"labels.GOOD: unknown label 'pos'"):
        build("reads_labels:own", context, labels={"GOOD": "pos"})


def test_an_object_with_predict_is_named_under_another_key(context: Context) -> None:
    """A function is called; an estimator is asked through `predict`."""
    (context.root / "holds_estimator.py").write_text(
        "class Own:\n    def predict(self, texts):\n        return texts\nown = Own()\n"
    )
    advice = 'holds_estimator:own cannot be called; .* sklearn = "holds_estimator:own"'
    with pytest.raises(ConfigurationError, match=advice):
        build("holds_estimator:own", context)


def test_a_model_that_was_queried_is_sent_to_another_process() -> None:
    """What asks its function is made there again."""
    model = CallableModel("mine", len_labels, labels=("a", "b"))
    answers = model.predict(["", "x"])
    assert pickle.loads(pickle.dumps(model)).predict(["", "x"]) == answers


def len_labels(inputs: list[Inputs]) -> list[int]:
    """Answer the length of every text."""
    return [len(value) for value in inputs]


def test_strings_of_other_classes_are_labels() -> None:
    """A string of numpy's, or a member of an enumeration of strings, is its text."""

    class Label(StrEnum):
        GOOD = "a"

    for label in (np.str_("a"), Label.GOOD):
        (found,) = answering(label).predict(["x"])
        assert (found.label, type(found.label)) == ("a", str)


def test_a_function_that_yields_without_an_end_is_refused() -> None:
    """It is not read any further than one answer more than inputs."""

    def endless(_: list[Inputs]) -> Any:
        while True:
            yield "a"

    with pytest.raises(ModelError, match="model 'mine' gave 3 or more answers to 2 inputs"):
        CallableModel("mine", endless).predict(["x", "y"])
