"""What single perturbations of the catalogue promise beyond what holds for all."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from pytest_ood.errors import ConfigurationError
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
        pairs = changed_words(name, seed, share=1.0, characters=0.01)
        assert pairs
        assert {differences(old, new) for old, new in pairs} == {1}


def test_a_keyboard_typo_is_a_small_letter() -> None:
    """A letter becomes another small letter, never a digit or a symbol."""
    for seed in range(10):
        for old, new in changed_words("keyboard", seed, share=1.0, characters=1.0):
            assert new.isalpha()
            assert all(a == b or b.islower() for a, b in zip(old, new, strict=True))


@pytest.mark.parametrize("name", ["keyboard"])
def test_short_words_are_left_alone(name: str) -> None:
    """Words of fewer than four characters stay as they are."""
    for seed in range(10):
        assert all(len(old) >= 4 for old, _ in changed_words(name, seed, share=1.0))


def test_a_swap_keeps_the_letters() -> None:
    """Swapping changes the order of a word's letters alone."""
    for seed in range(10):
        for old, new in changed_words("swap", seed, share=1.0):
            assert Counter(old.lower()) == Counter(new.lower())


def test_combining_marks_stay_with_their_words() -> None:
    """A word with marks of its own is one word, also where nlpaug changes it."""
    text = "cafe\u0301s na\u0308ive re\u0301sume\u0301"
    for seed in range(10):
        changed = find("keyboard").with_parameters(share=1.0)(text, Random(seed))
        assert changed.count(" ") == 2
        assert changed.count("\u0301") + changed.count("\u0308") <= 4


def test_a_layout_decides_the_neighbours() -> None:
    """On a German keyboard z lies beside t, on an English one it does not."""
    keyboard = find("keyboard").with_parameters(share=1.0)

    def neighbours(layout: str) -> set[str]:
        german = keyboard.with_parameters(layout=layout)
        return {german("tttt", Random(seed)).replace("t", "") for seed in range(60)}

    assert "z" in neighbours("de") - neighbours("en")


def test_an_unknown_layout_is_guessed() -> None:
    """An unknown layout is refused with the ones that there are."""
    with pytest.raises(ConfigurationError, match=r"keyboard: unknown layout 'eng'.*de, el, en, es"):
        find("keyboard").with_parameters(layout="eng")("typing words", Random(0))


def test_a_misspelling_is_out_of_the_dictionary() -> None:
    """Made-up words are not misspelt, real ones become other words."""
    misspelling = find("misspelling").with_parameters(share=1.0)
    assert misspelling("qxzzy blorptag", Random(0)) == "qxzzy blorptag"
    assert changed_words("misspelling", 0, share=1.0)
