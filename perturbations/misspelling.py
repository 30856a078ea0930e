"""Misspellings that people really make, out of a dictionary."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.languages import only
from pytest_ood.perturbations._english import in_english
from pytest_ood.perturbations._vocabulary import english_words, is_word, spelling_rows
from pytest_ood.perturbations._words import WORD, like
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

_PLAIN = re.compile(r"[a-z]+(?:['-][a-z]+)*")
"""A word, or the misspelling of one: nothing else is taken out of the dictionary."""

_LONG = 7
"""Letters of a word of which any slip is told from another word; shorter ones are more alike."""


def _misspellable(text: str) -> Iterator[Match[str]]:
    dictionary = _dictionary()
    return (word for word in WORD.finditer(text) if _plain(word.group()) in dictionary)


@site_perturbation(
    in_english(_misspellable),
    source="Belinkov and Bisk 2018, section 3.1 (natural noise); nlpaug's spelling dictionary",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    version=4,
    example="Their beginning was definitely interesting, which I believe nobody would expect.",
    languages=only("en"),
)
def misspelling(word: Match[str], rng: Random) -> str:
    """Misspell a word as people have been seen to misspell it."""
    return like(word.group(), rng.choice(_dictionary()[_plain(word.group())]))


def _plain(word: str) -> str:
    return word.lower().replace("\u2019", "'")


@cache
def _dictionary() -> dict[str, list[str]]:
    """Read nlpaug's dictionary, whose lines have a word and its misspellings.

    Not all of these are misspellings: there are other words (`was` for `not`), other languages,
    markup, numbers and abbreviations. A spelling is used if it is no word itself, is listed for one
    word alone, and is one slip away from it. nlpaug's own reader mixes in corrections and lists
    spellings in the order of a set, which changes with PYTHONHASHSEED.
    """
    words = english_words()
    meant: dict[str, str] = {}
    for word, *spellings in spelling_rows():
        for spelling in spellings:
            meant[spelling] = word if meant.get(spelling, word) == word else ""
    dictionary: dict[str, list[str]] = {}
    for spelling, word in sorted(meant.items()):
        plain = _PLAIN.fullmatch(word) and _PLAIN.fullmatch(spelling)
        if plain and _is_slip(word, spelling) and not is_word(spelling, words):
            dictionary.setdefault(word, []).append(spelling)
    return dictionary


def _is_slip(word: str, spelling: str) -> bool:
    """Return whether a spelling is one slip away from a word of three letters or more.

    Two neighbouring letters have changed places, or one of two equal letters is missing or too
    many; in a long word, one inner place differs by a letter for every four of the word.
    """
    head = _shared(word, spelling)
    tail = _shared(word[head:][::-1], spelling[head:][::-1])
    before, after = word[head : len(word) - tail], spelling[head : len(spelling) - tail]
    if len(word) > 2 and len(before) == 2 and before[::-1] == after:  # noqa: PLR2004 - a pair
        return True
    if len(word) > 3 and len(before) + len(after) == 1:  # noqa: PLR2004 - short words are alike
        longer = word if before else spelling
        if (before or after) * 2 in longer[max(0, head - 1) : head + 2]:
            return True
    inner = word[0] == spelling[0] and word[-1] == spelling[-1]
    return inner and len(word) >= _LONG and max(len(before), len(after)) <= len(word) // 4


def _shared(one: str, other: str) -> int:
    """Return how many characters two strings begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))
