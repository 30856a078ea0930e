"""Several perturbations as one."""

from __future__ import annotations

from random import Random

import pytest

from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations import Composite, composed, find
from pytest_ood.perturbations.contracts import PRESERVING, Uncertain
from pytest_ood.perturbations.filters import EditDistance
from pytest_ood.perturbations.protection import Protection

TEXT = "It is LATE, and http://a.example/It is Not My Film. I do not know."


def test_parts_are_applied_in_order() -> None:
    """Each part sees what the one before it has left."""
    change = composed([find("lower-case").at(5), find("contract").at(5)])
    assert isinstance(change, Composite)
    assert change("It Is Late.", Random(0)) == "it's late."
    assert change.name == "lower-case + contract"
    assert change.contract is PRESERVING
    assert "lower-case@" in change.fingerprint
    assert "contract@" in change.fingerprint


def test_severity_and_protection_hold_for_all_parts() -> None:
    """What is protected passes all of them untouched."""
    change = composed([find("lower-case"), find("extra-spaces")]).at(5)
    kept = change.keeping(Protection(kinds=("urls",)))(TEXT, Random(0))
    assert "http://a.example/It" in kept
    assert "late" in kept
    assert change.at(0)(TEXT, Random(0)) == TEXT


def test_the_text_depends_on_the_seed_alone() -> None:
    """The same generator makes the same text."""
    change = composed([find("misspelling"), find("keyboard")])
    assert change(TEXT, Random(3)) == change(TEXT, Random(3))
    assert len({change(TEXT, Random(seed)) for seed in range(20)}) > 1


def test_a_filter_judges_what_comes_out() -> None:
    """A part whose change a filter judges puts the whole under that filter."""
    judged = Uncertain(EditDistance())
    change = composed([find("lower-case"), find("contract").under(judged)])
    assert change.contract == judged


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["ocr"], "two or more perturbations, not of 1"),
        (["ocr", "negate"], "negate is changing: which label follows"),
        (["ocr", "change-numbers"], "change-numbers is derived"),
    ],
)
def test_what_cannot_be_composed_is_refused(names: list[str], message: str) -> None:
    """A label that changes, or follows from the text, is not known after several changes."""
    with pytest.raises(ConfigurationError, match=message):
        composed([find(name) for name in names])
