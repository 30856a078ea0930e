"""What holds for every perturbation in every language; both are picked up unnamed."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from random import Random
from types import ModuleType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_ood.data.edits import Perturbed, apply_edits, inverted
from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import Language, languages
from pytest_ood.perturbations import Generator, catalogue, fitting, in_language

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def load_module(path: Path) -> ModuleType:
    """Import a script by its path."""
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


DAMAGE = load_module(BENCHMARKS / "_damage.py")
TEXTS = load_module(BENCHMARKS / "_multilingual.py")

every_language = pytest.mark.parametrize("language", languages().values(), ids=str)

ODD = (
    "e\u0301", "\u0301", "\u0915\u094d\u0937\u093f", "\u0e01\u0e33", "\u0e49", "\u200d", "\u200c",
    "\U0001f469\u200d\U0001f4bb", "\U0001f1e9\U0001f1ea", "1\ufe0f\u20e3", "\u0378", "\U000e0080",
    "\u05e9\u05c1", "\ufdfa", "\uac00", "\u1112\u1161\u11ab", "\u4e2d", "\u30ab\u3099",
    "\u0643\u0650", "\u0130", "\u0131", "\u00df", "\ufb01", "\u01c5", "\u03c2", "word", "WORD",
    "https://a.org/b c", "\x00", "\u2028", "\ufeff", "\u061c", "\u060c", "\u3002", "\u0964",
    "\u06f1\u06f2", "\u0967",
)  # fmt: skip
"""Letters of many scripts, marks alone, joined emoji, and what is assigned to no character."""


def texts(language: Language) -> st.SearchStrategy[str]:
    """Return what draws texts of a language's letters, words, marks and digits, and odd ones."""
    own: list[str] = TEXTS.sentences(language)
    written = "".join(own) + language.alphabet
    letters = [*dict.fromkeys(written), *dict.fromkeys(written.upper())]
    words = [word for sentence in own for word in sentence.split()]
    common = [" ", " ", " ", "\n", ". ", ", ", "'", '"', "-", "2", "25", "1,250.50", "2024-03-05"]
    piece = st.sampled_from(letters) | st.sampled_from([*words, *common])
    plain = st.lists(piece, max_size=40).map("".join)
    spaced = st.lists(st.sampled_from(words), max_size=15).map(" ".join)
    odd = st.lists(
        piece | st.sampled_from(ODD) | st.characters(exclude_categories=["Cs"]), max_size=25
    )
    return st.sampled_from(own) | plain | spaced | odd.map("".join)


def local(language: Language) -> list[Generator]:
    """Return the perturbations that fit a language and ask no model, for texts in it."""
    fits = fitting(language).values()
    return [change.in_language(language) for change in fits if not change.models]


@pytest.mark.slow
@every_language
def test_texts_of_every_language_stay_whole(language: Language) -> None:
    """A text comes out, with edits that lead to it, the same every time, and no rule is broken.

    Clusters of characters stay whole and marks on their letters; letters are of the text's script;
    no capital is inside a word; something is left of the text.
    """
    changes = local(language)

    @settings(deadline=None, max_examples=25, derandomize=True)
    @given(text=texts(language), seed=st.integers(0, 2**32), severity=st.integers(1, 5))
    def check(text: str, seed: int, severity: int) -> None:
        for change in changes:
            result = change.at(severity).perturb(text, Random(seed))
            assert apply_edits(text, result.edits) == result.text
            assert apply_edits(result.text, inverted(result.edits)) == text
            assert all(edit.before != edit.after for edit in result.edits), change.name
            assert change.at(severity).perturb(text, Random(seed)) == result, change.name
            assert change.at(0).perturb(text, Random(seed)) == Perturbed(text, ())
            broken = list(DAMAGE.broken_rules(change.name, language, text, result.edits))
            assert not broken, (change.name, broken)

    check()


@pytest.mark.slow
@every_language
def test_sentences_of_every_language_are_changed(language: Language) -> None:
    """What fits a language changes one of its sentences, or of the phrases that its file lists."""
    own = [*TEXTS.sentences(language), *TEXTS.listed(language)]
    idle = [
        change.name
        for change in local(language)
        if all(change.at(5)(text, Random(0)) == text for text in own)
    ]
    assert not idle


@every_language
def test_enough_fits_every_language(language: Language) -> None:
    """Of the catalogue fits at least what is promised for the language's script."""
    promised = {"Latn": 0.65, "Hans": 0.3, "Jpan": 0.3}.get(language.script.code, 0.45)
    assert len(fitting(language)) >= promised * len(catalogue())


@every_language
def test_what_does_not_fit_says_what_does(language: Language) -> None:
    """A perturbation that does not fit is refused by a message with those that do."""
    fits = fitting(language)
    for name, change in catalogue().items():
        if name in fits:
            assert in_language(change, language.code).language is language
            continue
        with pytest.raises(ConfigurationError) as caught:
            in_language(change, language.code)
        message = str(caught.value)
        assert message.startswith(f"{name} does not fit {language.name} ({language.code})")
        assert message.endswith(f"What fits {language.name}: {', '.join(fits)}")


@pytest.mark.slow
@every_language
def test_protected_spans_stay(language: Language) -> None:
    """Addresses, numbers, code and quotations of sentences are where they were."""
    kept = DAMAGE.KEPT
    for change in local(language):
        for text in TEXTS.sentences(language):
            after = change.at(5).keeping(kept)(text, Random(0))
            assert DAMAGE.has_kept(text, after), (change.name, after)


@pytest.mark.parametrize(
    ("code", "cluster", "whole"),
    [
        ("hi", "\u0915\u094d\u0937\u093f", True),
        ("hi", "\u0915\u0940\u0947", False),
        ("hi", "\u0905\u0940", False),
        ("bn", "\u0985\u09cd\u09af\u09be", True),
        ("th", "\u0e01\u0e33", True),
        ("th", "\u0e44\u0e48", False),
        ("ko", "\ud55c", True),
        ("ko", "\u1112\u1161\u11ab", False),
        ("de", "a\u0308", True),
        ("ar", "\u0643\u0650", True),
        ("ru", "\u0435\u0308", True),
        ("de", "a\u093f", False),
    ],
)
def test_broken_clusters_are_noticed(code: str, cluster: str, whole: bool) -> None:  # noqa: FBT001
    """The rules themselves tell syllables that can be written from those that cannot."""
    assert languages()[code]
    assert DAMAGE.is_whole(cluster) == whole
