"""Letters of all scripts: a letter with the marks that belong to it, and the alphabets.

Bodies of character classes, for use between brackets in a regular expression, are plain strings.
"""

from __future__ import annotations

import re
import unicodedata
from itertools import groupby

from pytest_ood.perturbations.site_editing import CharacterRuns

_FIRST_MARK, _LAST_MARK = 0x300, 0x1E94A
"""Combining marks, apart from variation selectors."""


def _class_of_marks() -> str:
    """Return the body of a character class of all combining marks (Unicode's category M)."""
    codes = [
        code
        for code in range(_FIRST_MARK, _LAST_MARK + 1)
        if unicodedata.category(chr(code)).startswith("M")
    ]
    runs = groupby(enumerate(codes), lambda pair: pair[1] - pair[0])
    ends = [[code for _, code in run] for _, run in runs]
    return "".join(f"{chr(run[0])}-{chr(run[-1])}" for run in ends)


MARK = _class_of_marks() + "\u0e33\u0eb3\uff9e\uff9f\u200c\u200d"
"""Marks, what is written like them (a vowel of Thai and Lao, two signs of katakana), and the two
joiners: to the `re` module most of these are no part of a word, and no letter may lose its own."""

_NO_DIGIT = "\u00b2\u00b3\u00b9\u00bc-\u00be\u2070-\u2089\u2150-\u218b\u2460-\u249b\u24ea-\u24ff"
"""Superscripts, fractions, Roman and circled numbers: to the `re` module they are no digits."""

_VIRAMA = "\u094d\u09cd\u0acd\u0b4d\u0c4d\u0d4d\u1039\u17d2"
"""Joins a consonant to the next one, in the scripts that write both as one (UAX 29, rule GB9c)."""

_LETTER = rf"[^\W\d_{_NO_DIGIT}]"

LETTER = rf"{_LETTER}[{MARK}]*(?:(?<=[{_VIRAMA}\u200d]){_LETTER}[{MARK}]*)*"
"""A letter of any script with its marks, as a reader counts letters."""

LATIN = "A-Za-z\u00aa\u00ba\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u02af\u1e00-\u1eff\ufb00-\ufb06"
GREEK = (
    "\u0370-\u0373\u0376\u0377\u037b-\u037d\u0386\u0388-\u03ff"
    "\u1f00-\u1fbc\u1fc2-\u1fcc\u1fd0-\u1fdb\u1fe0-\u1fec\u1ff2-\u1ffc"
)
CYRILLIC = "\u0400-\u0481\u048a-\u052f\u1c80-\u1c8a"
ARMENIAN = "\u0531-\u0556\u0560-\u0588"
GEORGIAN = "\u10a0-\u10c5\u10c7\u10cd\u10d0-\u10fa\u10fc-\u10ff\u1c90-\u1cba\u1cbd-\u1cbf"
HEBREW = "\u05d0-\u05ea\u05ef-\u05f2"
ARABIC = (
    "\u0620-\u063f\u0641-\u064a\u066e\u066f\u0671-\u06d3\u06d5\u06ee\u06ef"
    "\u06fa-\u06fc\u0750-\u077f"
)
WIDE = "\u3005-\u3007\u3041-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff10-\uff5a"
"""Letters of Chinese and Japanese, and the full-width ones of Latin: as wide as they are high."""

_ALPHABETS = {
    LATIN: "abcdefghijklmnopqrstuvwxyz",
    GREEK: "αβγδεζηθικλμνξοπρστυφχψω",
    CYRILLIC: "абвгдежзийклмнопрстуфхцчшщьюя",
    ARMENIAN: "".join(map(chr, range(0x561, 0x587))),
    GEORGIAN: "".join(map(chr, range(0x10D0, 0x10F1))),
    HEBREW: "אבגדהוזחטיכלמנסעפצקרשת",
    ARABIC: "ابتثجحخدذرزسشصضطظعغفقكلمنهوي",
}
"""The letters that a typist has, by script."""

TYPED = "".join(_ALPHABETS)
"""Letters that are typed key by key, of all alphabets."""

_TYPED = f"[{TYPED}][{MARK}]*"
_ONE = re.compile(LETTER)

ANY_LETTER = CharacterRuns(re.compile(f"(?:{LETTER})+"), _ONE)
"""A letter of any script."""

TYPED_LETTER = CharacterRuns(re.compile(f"(?:{_TYPED})+"), _ONE)
"""A letter of an alphabet: what is typed key by key."""

INNER_LETTER = CharacterRuns(re.compile(f"(?:{_TYPED}){{3,}}"), _ONE, margin=1)
"""A letter of an alphabet with another on both sides."""

CAPITALISED_LETTER = CharacterRuns(
    re.compile(f"(?:[{LATIN}{GREEK}{CYRILLIC}{ARMENIAN}][{MARK}]*)+"), _ONE
)
"""A letter of an alphabet that mixes capitals and small letters."""


def is_greek(character: str) -> bool:
    """Return whether a character is a letter of Greek."""
    return bool(character) and _GREEK.match(character) is not None


_GREEK = re.compile(f"[{GREEK}]")


def letters(word: str) -> list[str]:
    """Split a word into its letters, each with its marks, and the characters between them."""
    return _PIECE.findall(word)


_PIECE = re.compile(rf"{LETTER}|[\s\S]")

_SCRIPTS = [(re.compile(f"[{script}]"), letters_) for script, letters_ in _ALPHABETS.items()]


def alphabet(letter: str) -> str:
    """Return the small letters of a letter's alphabet; of a script without one, the Latin ones."""
    if letter.isascii():
        return _ALPHABETS[LATIN]
    alphabets = (letters_ for script, letters_ in _SCRIPTS if script.match(letter))
    return next(alphabets, _ALPHABETS[LATIN])
