"""Capital and small letters, by Unicode's rules and those of Greek and Turkish."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._scripts import GREEK
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from re import Match

DOTTED_UP, DOTTED_DOWN = str.maketrans("i", "\u0130"), str.maketrans("I\u0130", "\u0131i")


def upper(text: str, *, dotted: bool = False) -> str:
    """Write a text in capitals; Greek ones have no accents.

    Args:
        text: The text.
        dotted: Whether the capital of `i` has a dot, as in Turkish and Azerbaijani.
    """
    text = text.translate(DOTTED_UP) if dotted else text
    return (_GREEK_WORD.sub(_without_accents, text) if not text.isascii() else text).upper()


def lower(text: str, *, dotted: bool = False) -> str:
    """Write a text without capitals; a dotted capital I becomes a plain i, without a second dot.

    Args:
        text: The text.
        dotted: Whether the small letter of `I` has no dot, as in Turkish and Azerbaijani.
    """
    return text.translate(DOTTED_DOWN).lower() if dotted else text.replace("\u0130", "i").lower()


def capitalised(text: str, *, dotted: bool = False) -> str:
    """Write the first letter of a text as a capital; Greek ones keep their accents.

    Args:
        text: The text.
        dotted: Whether the capital of `i` has a dot, as in Turkish and Azerbaijani.
    """
    # Dutch "'t is" begins a sentence as "'t Is".
    clipped = text[:1] in ("'", "\u2019") and " " in text
    start = text.index(" ") if clipped else 0
    # The apostrophe of Ukrainian is a letter to Unicode, and has no capital.
    letters = (n for n in range(start, len(text)) if text[n].islower() or text[n].isupper())
    first = next(letters, 0)
    letter = text[first : first + 1]
    letter = letter.translate(DOTTED_UP) if dotted else letter
    return text[:first] + letter.title() + text[first + 1 :]


_GREEK_WORD = re.compile(f"[{GREEK}][{GREEK}\u0300-\u0345]*")
_ACCENTS = frozenset("\u0300\u0301\u0313\u0314\u0342")
_DIAERESIS = "\u0308"


def _without_accents(word: Match[str]) -> str:
    """Return a word of Greek without accents, as its capitals are written.

    If an accent separated two vowels, a diaeresis replaces it. The word for "or" keeps its accent,
    which distinguishes it from the article.
    """
    if word.group() in ("\u03ae", "\u0389"):
        return word.group()
    characters: list[str] = []
    parted = False
    for letter in _ACCENTED.findall(normalized("NFD", word.group())):
        marks = [mark for mark in letter[1:] if mark not in _ACCENTS]
        if parted and letter in ("\u03b9", "\u03c5"):
            marks.append(_DIAERESIS)
        accented = len(letter) - 1 > len(marks)
        parted = accented and letter[0].lower() in "\u03b1\u03b5\u03bf\u03c5"
        characters += (letter[0], *marks)
    return normalized("NFC", "".join(characters))


_ACCENTED = re.compile("[^\u0300-\u0345][\u0300-\u0345]*")
