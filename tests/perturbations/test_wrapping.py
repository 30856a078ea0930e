from __future__ import annotations

import pickle
import random
import re
from random import Random
from typing import Any

import nlpaug.augmenter.char as nac
import nlpaug.augmenter.word as naw
import nlpaug.flow as naf
import pytest

from pytest_ood.data.edits import Edit, apply_edits, inverted
from pytest_ood.errors import ConfigurationError, PerturbationError
from pytest_ood.perturbations import (
    Generator,
    as_perturbation,
    batch_perturbation,
    find,
    from_function,
    from_nlpaug,
    perturbation,
    site_perturbation,
)
from pytest_ood.perturbations.contracts import PRESERVING
from pytest_ood.perturbations.protocol import ALL

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


def _second(text: str) -> Any:
    if text == "second":
        raise ValueError("seventy\nseven")
    return text.upper()


class Clumsy:
    """A perturbation of one's own that is no Generator."""

    name, contract, fingerprint = "clumsy", PRESERVING, "clumsy@1"

    def __call__(self, text: str, rng: Random) -> Any:
        """Return no text."""
        del text, rng


@perturbation(source="here")
def nothing(text: str, rng: Random) -> Any:
    """Return neither a text nor edits."""
    del text, rng


@perturbation(source="here")
def words(text: str, rng: Random) -> Any:
    """Return a list of texts."""
    del rng
    return text.split()


@perturbation(source="here")
def too_far(text: str, rng: Random) -> Any:
    """Return an edit behind the end."""
    del rng
    return [Edit(0, 99, text, "x")]


@perturbation(source="here")
def elsewhere(text: str, rng: Random) -> Any:
    """Return an edit of another text."""
    del rng, text
    return [Edit(0, 1, "z", "x")]


@perturbation(source="here")
def overlapping(text: str, rng: Random) -> Any:
    """Return edits that overlap."""
    del rng
    return [Edit(0, 3, text[:3], "x"), Edit(1, 2, text[1:2], "y")]


@perturbation(source="here")
def numbered(text: str, rng: Random) -> Any:
    """Return an edit to a number."""
    del rng
    return [Edit(0, 1, text[:1], 3)]  # type: ignore[arg-type]


@perturbation(source="here")  # type: ignore[arg-type]
def alone(text: str) -> str:
    """Take no generator."""
    return text


@batch_perturbation(re.compile(r"\w+"), source="here", scale=ALL)
def batch(matches: Any, rng: Random) -> Any:
    """Return a text rather than one for each site."""
    del matches, rng
    return "second"


@batch_perturbation(re.compile(r"\w+"), source="here", scale=ALL)
def few(matches: Any, rng: Random) -> Any:
    """Return too few."""
    del rng
    return [m[0] for m in matches][1:]


@site_perturbation(re.compile(r"\w+"), source="here", scale=ALL)
def site(match: Any, rng: Random) -> Any:
    """Return a number."""
    del match, rng
    return 3


@site_perturbation(lambda t: [re.match(".*", t), re.match(".", t)], source="here", scale=ALL)  # type: ignore[list-item]
def sites(match: Any, rng: Random) -> Any:
    """Change sites that overlap."""
    del match, rng
    return "zz"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (from_function(lambda _: None, "none"), "returned None; a function that from_function wra"),
        (from_function(lambda t: [t], "list"), "returned ['second'], of type list; a function th"),
        (from_function(str.encode, "bytes"), "returned b'second', of type bytes; a function that"),
        (from_function(_second), "raised ValueError: seventy seven (test_wrapping.py:"),
        (from_function(lambda t: t + "\ud800", "half"), "which has a lone surrogate"),
        (nothing, "returned None; it returns the changed text, or a list of the edits"),
        (words, "returned 'second', of type str, for an edit; it returns the changed text"),
        (too_far, "out of range: the text has 6 characters"),
        (elsewhere, "whose `before` differs from the text: 's'"),
        (overlapping, "begins before the end of the one before it (3)"),
        (numbered, "whose `after` is no text"),
        (alone, "takes 1 positional argument but 2 were given"),
        (batch, "returned 'second', of type str; it returns a list of a text, or None, for each"),
        (few, "returned a list of 0; it returns a list of a text, or None, for each of 1 sites"),
        (site, "returned 3, of type int, for the site 'second'; a site becomes a text, or stays"),
        (sites, "edits are in order and do not overlap"),
        (as_perturbation(Clumsy()), "returned None; a perturbation returns a text"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)  # fmt: skip
def test_what_goes_wrong_in_a_perturbation_is_told_as_such(change: Any, told: str) -> None:
    """Its name, the text, what it did, what is allowed and the user's line stand in one line."""
    with pytest.raises(PerturbationError) as caught:
        change("second", Random(0))
    message = str(caught.value)
    assert message.startswith(f"perturbation {change.name!r}: for the text 'second' it ")
    assert told in message
    assert "\n" not in message
    # A function written in C has no line.
    assert "(test_wrapping.py:" in message or change.name == "bytes"
    named = caught.value.of_example("i7")
    assert str(named).startswith(f"perturbation {change.name!r}: for example 'i7' it ")
    assert str(pickle.loads(pickle.dumps(named))) == str(named)


def test_one_text_of_many_is_named() -> None:
    """Where a function raises for one text, the others are changed, and this one is named."""
    change = from_function(_second)
    assert change("first", Random(0)) == "FIRST"
    with pytest.raises(PerturbationError) as caught:
        change("second", Random(0))
    assert isinstance(caught.value.__cause__, ValueError)
    with pytest.raises(PerturbationError, match=r"for the text '(third ){13}th'\.\.\. \(600 char"):
        from_function(lambda _: None, "none")("third " * 100, Random(0))


def test_faults_of_this_package_are_not_the_users(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a shipped perturbation raises stays what it is, to be reported."""
    shipped = find("upper-case")

    def broken(*_: object) -> None:
        raise IndexError

    monkeypatch.setattr(type(shipped.method), "edits", broken)
    with pytest.raises(IndexError):
        shipped("a text", Random(0))


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
