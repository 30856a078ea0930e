from __future__ import annotations

from dataclasses import dataclass

import pytest

from pytest_ood.models.fake import FakeModel
from pytest_ood.models.protocol import (
    Facts,
    Model,
    Promptable,
    RecordedModel,
    SeededModel,
    facts_of,
    is_model,
    is_promptable,
    is_recorded,
)

LABELS = ("negative", "positive")
FACTS = Facts(base="mine", size=10, training_examples=20, shots=30)


@dataclass(frozen=True)
class Described(FakeModel):
    """A model that knows how large it is."""

    facts: Facts = FACTS


@dataclass(frozen=True)
class Chatty(FakeModel):
    """A model of somebody who calls something else so."""

    facts: str = "I am large."


def test_a_model_tells_its_facts() -> None:
    """One that tells none, or something else by that name, has none."""
    assert facts_of(Described("d", "constant", LABELS)) == FACTS
    assert facts_of(FakeModel("f", "constant", LABELS)) == Facts()
    assert facts_of(Chatty("c", "constant", LABELS)) == Facts()


def test_several_seeds_have_the_facts_of_the_first() -> None:
    """They differ in their seed alone."""
    members = tuple(Described(f"d#{number}", "constant", LABELS) for number in range(2))
    assert facts_of(SeededModel("d", members)) == members[0].facts


class Untrained:
    """A model that would be downloaded or trained where any of its properties is read."""

    name = "untrained"

    @property
    def source(self) -> str:
        """Fail, as a download does."""
        raise AssertionError("the source was read")

    paradigm = parameters = fingerprint = source

    def predict(self, inputs: list[str]) -> list[str]:
        """Answer nothing."""
        raise NotImplementedError(inputs)


def test_what_a_model_is_is_told_without_reading_its_properties() -> None:
    """No property is read, whatever the order in which attributes are looked at."""
    assert is_model(Untrained())
    assert not is_recorded(Untrained())
    assert not is_promptable(Untrained())  # type: ignore[arg-type]
    for protocol in (Model, Promptable, RecordedModel):
        with pytest.raises(TypeError, match="runtime"):
            isinstance(Untrained(), protocol)  # type: ignore[misc]
