"""What single perturbations of the catalogue promise beyond what holds for all."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pytest_ood.perturbations import find

TEXT = "The wonderful beginning of their believable film is definitely interesting to follow"


def changed_words(name: str, seed: int, **parameters: float) -> list[tuple[str, str]]:
    """Return the words that a perturbation has changed, old and new."""
    text = find(name).with_parameters(**parameters)(TEXT, Random(seed))
    pairs = zip(TEXT.split(), text.split(), strict=True)
    return [(old, new) for old, new in pairs if old != new]


def differences(old: str, new: str) -> int:
    """Count the places at which two words of one length differ."""
    return sum(a != b for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize("name", ["keyboard", "ocr"])
def test_a_small_share_of_characters_is_one(name: str) -> None:
    """One character at least is replaced in a chosen word, and with a small share one alone."""
    for seed in range(10):
        pairs = changed_words(name, seed, words=1.0, characters=0.01)
        assert pairs
        assert {differences(old, new) for old, new in pairs} == {1}


def test_a_keyboard_typo_is_a_small_letter() -> None:
    """A letter becomes another small letter, never a digit or a symbol."""
    for seed in range(10):
        for old, new in changed_words("keyboard", seed, words=1.0, characters=1.0):
            assert new.isalpha()
            assert all(a == b or b.islower() for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize("name", ["keyboard", "swap"])
def test_short_words_are_left_alone(name: str) -> None:
    """Words of fewer than four characters stay as they are."""
    for seed in range(10):
        assert all(len(old) >= 4 for old, _ in changed_words(name, seed, words=1.0))


def test_a_swap_keeps_the_letters() -> None:
    """Swapping changes the order of a word's letters alone."""
    for seed in range(10):
        for old, new in changed_words("swap", seed, words=1.0):
            assert Counter(old.lower()) == Counter(new.lower())


def test_a_swap_keeps_letters_without_a_second_case() -> None:
    """A letter whose other case is two letters is not turned into them."""
    swap = find("swap").with_parameters(words=1.0, characters=1.0)
    texts = {swap("A\u00dfen \u0130stanbul", Random(seed)) for seed in range(30)}
    assert {len(text) for text in texts} == {len("A\u00dfen \u0130stanbul")}


def test_a_misspelling_is_out_of_the_dictionary() -> None:
    """Made-up words are not misspelt, real ones become other words."""
    misspelling = find("misspelling").with_parameters(words=1.0)
    assert misspelling("qxzzy blorptag", Random(0)) == "qxzzy blorptag"
    assert changed_words("misspelling", 0, words=1.0)
