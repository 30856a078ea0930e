from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from pytest_ood import models
from pytest_ood.data.inputs import Inputs
from pytest_ood.errors import ConfigurationError
from pytest_ood.models import adapter, adapters, as_model
from pytest_ood.models.callable import CallableModel
from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import PARADIGMS, is_model, is_recorded, paradigm_of
from pytest_ood.models.replay import ReplayModel
from pytest_ood.tasks import Prediction

LABELS = ("negative", "positive")


def test_the_adapters() -> None:
    """Every public module but the protocol is an adapter, in order."""
    names = {path.stem for path in Path(models.__path__[0]).glob("[!_]*.py")} - {"protocol"}
    assert adapters() == tuple(sorted(names))
    assert {"callable", "finetuned", "prompted", "sklearn"} <= names


@pytest.mark.parametrize("name", adapters())
def test_every_adapter_builds_from_keyword_options(name: str) -> None:
    """An adapter's `build` takes source and context, and options by keyword with annotations."""
    parameters = inspect.signature(adapter(name).build).parameters
    assert list(parameters)[:2] == ["source", "context"]
    for parameter in list(parameters.values())[2:]:
        assert parameter.kind is inspect.Parameter.KEYWORD_ONLY
        assert parameter.annotation is not inspect.Parameter.empty


def test_a_wrong_adapter_is_guessed() -> None:
    """An unknown adapter is a usage error with the nearest; the protocol is none."""
    with pytest.raises(ConfigurationError, match="Did you mean 'finetuned'"):
        adapter("finetune")
    for name in ("protocol", "_torch", ""):
        with pytest.raises(ConfigurationError):
            adapter(name)


def test_importing_the_adapters_loads_no_framework() -> None:
    """Neither torch nor transformers nor any client is loaded before a model is asked."""
    program = (
        "import sys\n"
        "from pytest_ood.models import adapter, adapters\n"
        "[adapter(name) for name in adapters()]\n"
        "heavy = {'torch', 'transformers', 'sklearn', 'nlpaug', 'openai'}\n"
        "print(sorted(heavy & {*sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_a_model_stays_as_it_is() -> None:
    """A model under test, or a recorded one, is returned itself."""
    fake = FakeModel("fake", "constant", LABELS)
    replay = ReplayModel("replay", {}, "file")
    assert as_model(fake, LABELS) is fake
    assert as_model(replay, LABELS) is replay
    assert is_model(fake)
    assert is_recorded(replay)


def test_an_object_of_the_right_form_is_a_model() -> None:
    """A class of one's own needs no base."""

    class Own:
        name = "own"
        paradigm = "prompted"
        source = "here"
        fingerprint = None

        @property
        def parameters(self) -> dict[str, Any]:
            return {}

        def predict(self, inputs: list[str]) -> list[Prediction]:
            return [Prediction("positive") for _ in inputs]

    own = Own()
    assert as_model(own, LABELS) is own


def test_a_function_is_a_model() -> None:
    """A function, a lambda and an object that can be called answer lists of inputs."""

    def answer(texts: list[str]) -> list[str]:
        return ["positive" for _ in texts]

    class Answer:
        def __call__(self, texts: list[str]) -> list[str]:
            return answer(texts)

    for value, name in (
        (answer, "answer"),
        (lambda texts: ["positive" for _ in texts], "lambda"),
        (Answer(), "Answer"),
    ):
        model = as_model(value, LABELS)
        assert isinstance(model, CallableModel)
        assert model.name == name
        assert model.predict(["x"]) == [Prediction("positive")]


def test_a_name_can_be_given() -> None:
    """A name is taken by what has none of its own."""
    assert as_model(lambda texts: texts, LABELS, name="mine").name == "mine"


@pytest.mark.parametrize("value", [None, 5, "text", ["a"], {}], ids=repr)
def test_anything_else_is_refused(value: Any) -> None:
    """What is no model is a usage error that says what is."""
    with pytest.raises(ConfigurationError) as caught:
        as_model(value, LABELS)
    assert str(caught.value).startswith(f"{value!r} is no model: give a model under test")


@pytest.mark.parametrize("paradigm", PARADIGMS)
def test_paradigms_are_known(paradigm: str) -> None:
    """Every paradigm is returned by its name."""
    assert paradigm_of("m", paradigm) == paradigm


def test_a_wrong_paradigm_is_guessed() -> None:
    """An unknown paradigm is a usage error that names the model."""
    with pytest.raises(ConfigurationError, match=r"model 'm': unknown paradigm 'prompt'\. Did you"):
        paradigm_of("m", "prompt")


def test_a_model_is_told_by_what_it_has_without_getting_it() -> None:
    """An object that trains when its fingerprint is asked for is taken as it is, untrained."""

    class Untrained:
        name, paradigm, source = "m", "fine-tuned", "here"
        parameters: Mapping[str, Any] = {}

        @property
        def fingerprint(self) -> str:
            raise AssertionError("it was trained")

        def predict(self, inputs: Sequence[Inputs]) -> list[Prediction]:
            raise NotImplementedError

    model = Untrained()
    assert as_model(model, ("no", "yes")) is model


def test_recorded_answers_are_told_apart_without_asking_anything() -> None:
    """Whether a model was recorded is seen without getting its source, which may load data."""

    class Recorded:
        name = paradigm = "other"
        parameters: dict[str, object] = {}  # noqa: RUF012 - a plain value

        @property
        def source(self) -> str:
            """Say what ran."""
            raise AssertionError("nothing may be got")

        def recall(self, shift: str, ids: list[str]) -> list[object]:
            """Recall."""
            raise AssertionError(shift, ids)

    assert is_recorded(Recorded())
    assert not is_recorded(FakeModel("fake", "constant", ("a", "b")))
