from __future__ import annotations

from dataclasses import FrozenInstanceError
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations import Generator, Perturbation, perturbation


@perturbation(source="here, section 1", version=3)
def shout_aloud(
    text: str, rng: Random, *, share: float = 0.5, mark: str = "!", times: int = 1
) -> str:
    """Shout."""
    return text.upper() + mark * times if rng.random() < share else text


def test_the_decorator_makes_a_perturbation() -> None:
    """Name, contract, source and version come from the function and the decorator."""
    assert isinstance(shout_aloud, Generator)
    assert isinstance(shout_aloud, Perturbation)
    assert shout_aloud.name == "shout-aloud"
    assert shout_aloud.contract == "preserving"
    assert shout_aloud.source == "here, section 1"
    assert shout_aloud.version == 3
    assert shout_aloud.defaults == {"share": 0.5, "mark": "!", "times": 1}


def test_a_perturbation_is_called_with_text_and_generator() -> None:
    """Calling it calls the function, with its defaults."""
    results = {shout_aloud("hi", Random(seed)) for seed in range(20)}
    assert results == {"hi", "HI!"}


def test_parameters_replace_defaults() -> None:
    """Parameters reach the function, in every call, and further ones are added to them."""
    loud = shout_aloud.with_parameters(share=1.0).with_parameters(mark="?", times=2)
    assert loud("hi", Random(0)) == "HI??"
    assert loud.with_parameters(times=0)("hi", Random(0)) == "HI"


def test_the_original_keeps_its_parameters() -> None:
    """`with_parameters` makes another value and changes none."""
    before = shout_aloud.fingerprint
    shout_aloud.with_parameters(share=1.0)
    assert shout_aloud.fingerprint == before
    with pytest.raises(FrozenInstanceError):
        shout_aloud.version = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        shout_aloud.parameters["share"] = 1.0  # type: ignore[index]


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a"], {"text": "a"}])
def test_only_strings_are_texts(text: Any) -> None:
    """Anything but a string is refused with the perturbation's name and the type."""
    with pytest.raises(TypeError, match=f"^shout-aloud: .* not {type(text).__name__}$"):
        shout_aloud(text, Random(0))


def test_an_unknown_parameter_is_guessed() -> None:
    """An unknown parameter is a usage error that names the nearest and all."""
    with pytest.raises(ConfigurationError) as caught:
        shout_aloud.with_parameters(shares=0.5)
    assert str(caught.value) == (
        "shout-aloud: unknown parameter 'shares'. Did you mean 'share'? Known: mark, share, times."
    )


@pytest.mark.parametrize(
    "value", [-0.01, 1.01, 30, float("nan"), float("inf"), "0.5", None, [0.5]], ids=repr
)
def test_a_share_lies_between_0_and_1(value: Any) -> None:
    """What is no share is refused with parameter and value."""
    with pytest.raises(ConfigurationError) as caught:
        shout_aloud.with_parameters(share=value)
    assert f"shout-aloud: share = {value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_share(value: bool) -> None:  # noqa: FBT001 - the case
    """True is not taken for 1.0."""
    with pytest.raises(ConfigurationError):
        shout_aloud.with_parameters(share=value)


@given(share=st.floats(0, 1) | st.sampled_from([0, 1]))
def test_every_share_is_allowed(share: float) -> None:
    """Shares from 0 to 1 pass, whole numbers too."""
    assert shout_aloud.with_parameters(share=share).parameters["share"] == share


def test_the_fingerprint_lists_everything() -> None:
    """Name, version and all parameters stand in the fingerprint, defaults included, sorted."""
    assert shout_aloud.fingerprint == "shout-aloud@3(mark='!',share=0.5,times=1)"


def test_the_fingerprint_changes_with_a_parameter() -> None:
    """Every parameter changes it; giving the default does not."""
    fingerprints = {
        shout_aloud.fingerprint,
        shout_aloud.with_parameters(share=0.6).fingerprint,
        shout_aloud.with_parameters(mark="?").fingerprint,
        shout_aloud.with_parameters(times=2).fingerprint,
    }
    assert len(fingerprints) == 4
    assert shout_aloud.with_parameters(share=0.5).fingerprint == shout_aloud.fingerprint
    one = shout_aloud.with_parameters(share=0.1, times=3)
    assert one.fingerprint == shout_aloud.with_parameters(times=3, share=0.1).fingerprint


def test_the_fingerprint_changes_with_the_version() -> None:
    """Raising the version changes the fingerprint."""
    newer = perturbation(source="here", version=4)(shout_aloud.function)
    assert newer.fingerprint != shout_aloud.fingerprint


def test_any_object_of_the_right_form_is_a_perturbation() -> None:
    """A class of one's own needs no base."""

    class Own:
        name = "own"
        contract = "preserving"
        fingerprint = "own@1"

        def __call__(self, text: str, rng: Random) -> str:
            del rng
            return text

    assert isinstance(Own(), Perturbation)
    assert not isinstance(str.upper, Perturbation)
