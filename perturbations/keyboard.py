"""Keyboard typos: a letter is replaced by one next to it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.perturbations._scripts import letters
from pytest_ood.perturbations._words import LONG_WORD
from pytest_ood.perturbations.protocol import batch_perturbation
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from random import Random
    from re import Match

_ROWS = {
    "de": ("1234567890ß", "qwertzuiopü", "asdfghjklöä", "yxcvbnm"),
    "en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "es": ("qwertyuiop", "asdfghjklñ", "zxcvbnm"),
    "fr": ("&é\"'(-è_çà", "azertyuiop", "qsdfghjklmù", "wxcvbn"),
    "he": ("/'קראטוןםפ", "שדגכעיחלךף", "זסבהנמצתץ"),
    "it": ("qwertyuiopè", "asdfghjklòàù", "zxcvbnm"),
    "nl": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "pl": ("qwertyuiop", "asdfghjkl", "zxcvbnm"),
    "th": ("ๅ/-ภถุึคตจขช", "ๆไ พะัีรนยบล", "ฟหกดเ้่าสวง", "ผปแอิืทมใฝ"),
    "tr": ("qwertyu\u0131opğü", "asdfghjklşi", "zxcvbnmöç"),
    "uk": ("йцукенгшщзхїґ", "фівапролджє", "ячсмитьбю"),
}
"""The rows of keys of each language's keyboard, from the left.

Each row is set off by less than a key to the right of the one above it: the keys below the one of a
number have that number and the one before. A space is a key without a letter that can begin a word.
"""

LAYOUTS = tuple(_ROWS)
"""The keyboards, by language."""


@batch_perturbation(
    LONG_WORD,
    source="Belinkov and Bisk 2018, section 3.2 (Key)",
    scale=(0.1, 0.2, 0.3, 0.5, 0.8),
    version=3,
    choices={"layout": LAYOUTS},
)
def keyboard(
    words: Sequence[Match[str]], rng: Random, *, layout: str = "en", characters: float = 0.1
) -> list[str]:
    """Replace a share of the letters (at least one) of a word by keys next to theirs."""
    keys = _neighbours(layout)
    return [_mistyped(word.group(), keys, characters, rng) for word in words]


def _mistyped(word: str, keys: Mapping[str, str], share: float, rng: Random) -> str:
    typed = letters(word)
    near = [(number, keys[key]) for number, one in enumerate(typed) if (key := _key(one, keys))]
    count = min(len(near), max(1, int(share * len(typed))))
    for number, others in rng.sample(near, count):
        other = rng.choice(others)
        typed[number] = other.upper() if typed[number].isupper() else other
    return "".join(typed)


def _key(letter: str, keys: Mapping[str, str]) -> str:
    """Return the key that a letter is typed with: its own, or that of the letter without marks."""
    small = normalized("NFC", letter.lower())
    return next((key for key in (small, normalized("NFD", small)[0]) if key in keys), "")


@cache
def _neighbours(layout: str) -> Mapping[str, str]:
    """Return the letters next to each letter; marks that have a key of their own are none."""
    rows = _ROWS[layout]
    near: dict[str, str] = {}
    for number, row in enumerate(rows):
        above, below = rows[max(0, number - 1)], (*rows, "")[number + 1]
        for column, key in enumerate(row):
            around = row[max(0, column - 1) : column] + row[column + 1 : column + 2]
            around += above[column : column + 2] if number else ""
            around += below[max(0, column - 1) : column + 1]
            if key.isalpha():
                near[key] = "".join(filter(str.isalpha, around))
    return near
