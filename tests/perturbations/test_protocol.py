from __future__ import annotations

import re
from dataclasses import FrozenInstanceError
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import Generator, Perturbation, perturbation, site_perturbation
from pytest_ood.perturbations.contracts import PRESERVING
from pytest_ood.perturbations.protection import Protection

if TYPE_CHECKING:
    from re import Match


@perturbation(source="here, section 1", version=3)
def shout_aloud(
    text: str, rng: Random, *, rate: float = 0.5, mark: str = "!", times: int = 1
) -> str:
    """Shout."""
    return text.upper() + mark * times if rng.random() < rate else text


def test_the_decorator_makes_a_perturbation() -> None:
    """Name, contract, source and version come from the function and the decorator."""
    assert isinstance(shout_aloud, Generator)
    assert isinstance(shout_aloud, Perturbation)
    assert shout_aloud.name == "shout-aloud"
    assert shout_aloud.contract is PRESERVING
    assert shout_aloud.source == "here, section 1"
    assert shout_aloud.version == 3
    assert shout_aloud.defaults == {"share": 1.0, "rate": 0.5, "mark": "!", "times": 1}


def test_a_perturbation_is_called_with_text_and_generator() -> None:
    """Calling it calls the function, with its defaults."""
    results = {shout_aloud("hi", Random(seed)) for seed in range(20)}
    assert results == {"hi", "HI!"}


def test_parameters_replace_defaults() -> None:
    """Parameters reach the function, in every call, and further ones are added to them."""
    loud = shout_aloud.with_parameters(rate=1.0).with_parameters(mark="?", times=2)
    assert loud("hi", Random(0)) == "HI??"
    assert loud.with_parameters(times=0)("hi", Random(0)) == "HI"


def test_the_original_keeps_its_parameters() -> None:
    """`with_parameters` makes another value and changes none."""
    before = shout_aloud.fingerprint
    shout_aloud.with_parameters(rate=1.0)
    assert shout_aloud.fingerprint == before
    with pytest.raises(FrozenInstanceError):
        shout_aloud.version = 4  # type: ignore[misc]
    with pytest.raises(TypeError):
        shout_aloud.parameters["rate"] = 1.0  # type: ignore[index]


@pytest.mark.parametrize("text", [None, 3, b"bytes", ["a"], {"text": "a"}])
def test_only_strings_are_texts(text: Any) -> None:
    """Anything but a string is refused with the perturbation's name and the type."""
    with pytest.raises(TypeError, match=f"^shout-aloud: .* not {type(text).__name__}$"):
        shout_aloud(text, Random(0))


def test_an_unknown_parameter_is_guessed() -> None:
    """An unknown parameter is a usage error that names the nearest and all."""
    with pytest.raises(ConfigurationError) as caught:
        shout_aloud.with_parameters(rates=0.5)
    assert str(caught.value) == (
        "shout-aloud: unknown parameter 'rates'. Did you mean 'rate' or 'times'? "
        "Known: mark, rate, share, times."
    )


@pytest.mark.parametrize(
    "value", [-0.01, 1.01, 30, float("nan"), float("inf"), "0.5", None, [0.5]], ids=repr
)
def test_a_share_lies_between_0_and_1(value: Any) -> None:
    """What is no share is refused with parameter and value."""
    with pytest.raises(ConfigurationError) as caught:
        shout_aloud.with_parameters(rate=value)
    assert f"shout-aloud: rate = {value!r}" in str(caught.value)


@pytest.mark.parametrize("value", [True, False])
def test_a_truth_value_is_no_share(value: bool) -> None:  # noqa: FBT001 - the case
    """True is not taken for 1.0."""
    with pytest.raises(ConfigurationError):
        shout_aloud.with_parameters(rate=value)


@given(rate=st.floats(0, 1) | st.sampled_from([0, 1]))
def test_every_share_is_allowed(rate: float) -> None:
    """Shares from 0 to 1 pass, whole numbers too."""
    assert shout_aloud.with_parameters(rate=rate).parameters["rate"] == rate


def test_the_fingerprint_lists_everything() -> None:
    """Name, version and all parameters stand in the fingerprint, defaults included, sorted."""
    assert shout_aloud.fingerprint == "shout-aloud@3(mark='!',rate=0.5,share=1.0,times=1)"


def test_the_fingerprint_changes_with_a_parameter() -> None:
    """Every parameter changes it; giving the default does not."""
    fingerprints = {
        shout_aloud.fingerprint,
        shout_aloud.with_parameters(rate=0.6).fingerprint,
        shout_aloud.with_parameters(mark="?").fingerprint,
        shout_aloud.with_parameters(times=2).fingerprint,
    }
    assert len(fingerprints) == 4
    assert shout_aloud.with_parameters(rate=0.5).fingerprint == shout_aloud.fingerprint
    one = shout_aloud.with_parameters(rate=0.1, times=3)
    assert one.fingerprint == shout_aloud.with_parameters(times=3, rate=0.1).fingerprint


def test_the_fingerprint_changes_with_the_version() -> None:
    """Raising the version changes the fingerprint."""
    newer = perturbation(source="here", version=4)(shout_aloud.function)
    assert newer.fingerprint != shout_aloud.fingerprint


def test_any_object_of_the_right_form_is_a_perturbation() -> None:
    """A class of one's own needs no base."""

    class Own:
        name = "own"
        contract = PRESERVING
        fingerprint = "own@1"

        def __call__(self, text: str, rng: Random) -> str:
            del rng
            return text

    assert isinstance(Own(), Perturbation)
    assert not isinstance(str.upper, Perturbation)


@site_perturbation(re.compile("a"), source="here", scale=(0.1, 0.2, 0.3, 0.4, 0.5))
def dot(letter: Match[str], rng: Random) -> str:
    """Write a dot for an a."""
    del letter, rng
    return "."


def test_a_severity_is_a_share_of_the_sites() -> None:
    """Each severity changes its share of the sites on average, and 0 changes none."""
    for severity, share in enumerate((0.0, *dot.scale)):
        changed = [dot.at(severity)("a" * 25, Random(seed)).count(".") for seed in range(400)]
        assert sum(changed) / 400 == pytest.approx(25 * share, abs=0.15)


def test_one_site_is_changed_at_least() -> None:
    """A short text is changed in one place even where the share is less than one."""
    assert dot.at(1)("bab", Random(0)) == "b.b"
    assert dot("bbb", Random(0)) == "bbb"


@given(text=st.text("ab", max_size=60), seed=st.integers(0, 2**32))
def test_a_lower_severity_is_part_of_a_higher_one(text: str, seed: int) -> None:
    """Under one seed the edits of a severity are among those of the next."""
    levels = [set(dot.at(severity).edits(text, Random(seed))) for severity in range(6)]
    assert all(low <= high for low, high in pairwise(levels))


@pytest.mark.parametrize("severity", [-1, 6, 2.0, "3", True, None])
def test_a_severity_is_a_whole_number_from_1_to_5(severity: Any) -> None:
    """Anything else is refused with the value and what is allowed."""
    with pytest.raises(ConfigurationError, match=r"whole number from 1 to 5"):
        dot.at(severity)


def test_severity_and_share_are_not_given_together() -> None:
    """Two statements on how much is changed are refused."""
    with pytest.raises(ConfigurationError, match="twice"):
        dot.with_parameters(share=0.5).at(2)


@pytest.mark.parametrize(
    "scale",
    [
        (),
        (0.1,) * 4,
        (0.0, 0.1, 0.2, 0.3, 0.4),
        (0.5, 0.4, 0.6, 0.7, 1),
        (0.1, 0.2, 0.3, 0.4, 1.1),
    ],
)
def test_a_scale_is_five_shares_that_do_not_fall(scale: tuple[float, ...]) -> None:
    """A scale with other numbers is refused."""
    with pytest.raises(ConfigurationError, match="scale"):
        site_perturbation(re.compile("a"), source="here", scale=scale)(dot.function)


def test_a_lone_surrogate_is_refused() -> None:
    """A text that no encoding can write is named with the place of what is wrong."""
    with pytest.raises(DataError, match=r"^dot: character 2 .*lone surrogate '\\ud83d'"):
        dot("ab\ud83d", Random(0))


def test_protected_sites_are_not_chosen() -> None:
    """A site that touches a protected span is left alone, and the share counts the others."""
    kept = dot.with_parameters(share=1.0).keeping(Protection(patterns=("aa",)))
    assert kept("aabaaba", Random(0)) == "aabaab."
