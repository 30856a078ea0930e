"""Words in plain Latin letters, as people type them who lack the keyboard of their language."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.languages import Language, listing
from pytest_ood.perturbations._local import NOWHERE, letters_in, words_in
from pytest_ood.perturbations._local_lexicons import spellings
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match


def _words(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its words that have a letter which is written otherwise."""
    words, others = words_in(language), spellings(language, "transliteration")
    return lambda text: (word for word in words(text) if next(others(word[0]), None))


@site_perturbation(
    LocalSites(NOWHERE, _words),
    source="ISO 9, ELOT 743, Revised Romanization and Hepburn, as written in messages: Palfreyman "
    "and al Khalil 2003 (A Funky Language for Teenzz to Use), Greeklish, translit",
    # At twice these shares classifiers lost 15 to 18 points at severity 3 (docs/languages.md).
    scale=(0.05, 0.1, 0.18, 0.3, 0.5),
    languages=listing("transliteration"),
    example="Die K\u00f6chin a\u00df \u00fcbrigens s\u00fc\u00dfe Kl\u00f6\u00dfe.",
    example_language="de",
)
def transliterate(word: Match[str], rng: Random, *, language: Language) -> str:
    """Write a word in the plain Latin letters of those who lack the keyboard."""
    written = word.group()
    rewritten = spellings(language, "transliteration").rewritten(written, rng)
    shouted = len(letters_in(written)) > 1 and written.isupper()
    return rewritten.upper() if shouted else rewritten
