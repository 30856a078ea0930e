from __future__ import annotations

import random
from random import Random
from typing import Any

import nlpaug.augmenter.char as nac
import nlpaug.augmenter.word as naw
import nlpaug.flow as naf
import pytest

from pytest_ood.edits import apply_edits, inverted
from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations import Generator, from_function, from_nlpaug

TEXT = "  Century's best\tfilm;  it don't   look good -- at\nall, I think (really).  "

AUGMENTERS = [
    nac.KeyboardAug(),
    nac.OcrAug(),
    nac.RandomCharAug(action="swap"),
    nac.RandomCharAug(action="insert"),
    naw.RandomWordAug(action="delete"),
    naw.RandomWordAug(action="swap"),
    naw.SpellingAug(),
    naw.SplitAug(),
    naf.Sequential([nac.OcrAug(), naw.SpellingAug()]),
    naf.Sometimes([nac.KeyboardAug(), naf.Sequential([nac.OcrAug()])], aug_p=1.0),
]


@pytest.mark.parametrize("augmenter", AUGMENTERS, ids=lambda a: f"{a.name}-{a.action}")
def test_an_augmenter_is_wrapped_by_one_call(augmenter: Any) -> None:
    """It changes texts, the same under the same seed, and its edits invert."""
    wrapped = from_nlpaug(augmenter)
    assert isinstance(wrapped, Generator)
    results = [wrapped.perturb(TEXT, Random(seed)) for seed in range(10)]
    assert any(result.edits for result in results)
    assert results == [wrapped.perturb(TEXT, Random(seed)) for seed in range(10)]
    for result in results:
        assert apply_edits(result.text, inverted(result.edits)) == TEXT
    assert wrapped.at(0)(TEXT, Random(0)) == TEXT
    assert wrapped("", Random(0)) == ""
    assert wrapped(" \n ", Random(0)) == " \n "


@pytest.mark.parametrize(
    # Among the special characters that it knows by default there is a space.
    "augmenter",
    [nac.KeyboardAug(include_special_char=False), nac.OcrAug(), naw.SpellingAug()],
)
def test_white_space_never_passes_through_an_augmenter(augmenter: Any) -> None:
    """Tabs, line ends and double spaces are where they were, unlike in nlpaug's own output."""
    for seed in range(10):
        changed = from_nlpaug(augmenter)(TEXT, Random(seed))
        assert [c for c in changed if c.isspace()] == [c for c in TEXT if c.isspace()]


def test_wrapping_leaves_the_augmenter_as_it_is() -> None:
    """The user's augmenter keeps its tokenizers, and so do those of a flow."""
    inner = nac.OcrAug()
    before = inner.tokenizer
    from_nlpaug(naf.Sequential([inner]))(TEXT, Random(0))
    assert inner.tokenizer is before


def test_wrapping_leaves_the_global_generators_alone() -> None:
    """What an augmenter or a function draws from `random` comes from the seed."""
    state = random.getstate()
    shuffled = from_function(lambda text: "".join(random.sample(text, len(text))), "shuffle")
    assert shuffled("abcdef ghij", Random(1)) == shuffled("abcdef ghij", Random(1))
    from_nlpaug(nac.KeyboardAug())(TEXT, Random(1))
    assert random.getstate() == state


def test_any_function_is_wrapped_by_one_call() -> None:
    """Functions of a text, and of a text and a generator, become perturbations with a severity."""

    def shout(text: str, rng: Random) -> str:
        return text + "!" * rng.randint(1, 3)

    assert from_function(str.swapcase)("Abc dEf", Random(0)) == "aBC DeF"
    assert from_function(str.swapcase).name == "swapcase"
    assert from_function(shout, "shout loudly").name == "shout-loudly"
    assert from_function(shout)("a", Random(0)).startswith("a!")
    halved = from_function(str.upper).at(1).perturb("one two three four five", Random(0))
    assert len(halved.edits) == 1


def test_what_cannot_be_wrapped_is_refused() -> None:
    """What is no augmenter, no function, or takes other arguments is told so."""
    with pytest.raises(ConfigurationError, match="no augmenter or flow of nlpaug"):
        from_nlpaug(str.upper)
    with pytest.raises(TypeError, match="no function"):
        from_function("upper")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"takes \(a, b, c\); it has to take \(text\)"):
        from_function(lambda a, b, c: a + b + c)
    with pytest.raises(TypeError, match=r"it has to take \(text\)"):
        from_function(lambda: "")
