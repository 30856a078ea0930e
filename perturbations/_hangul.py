"""Syllables of Korean, and the jamo that they are typed with."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_FIRST, _LAST = 0xAC00, 0xD7A3
_VOWELS, _FINALS = 21, 28
_INITIALS = 19
"""How many initial consonants, vowels, and final consonants (none included) there are.

A syllable is at (initial * 21 + vowel) * 28 + final (Unicode Standard 16.0, section 3.12).
"""


def is_syllable(text: str) -> bool:
    """Return whether a text is one syllable of Korean, composed."""
    return len(text) == 1 and _FIRST <= ord(text) <= _LAST


def parts(syllable: str) -> tuple[int, int, int]:
    """Return the numbers of initial consonant, vowel and final consonant; 0 for no final one."""
    index = ord(syllable) - _FIRST
    return index // (_VOWELS * _FINALS), index // _FINALS % _VOWELS, index % _FINALS


def composed(initial: int, vowel: int, final: int) -> str:
    """Return the syllable of these parts."""
    return chr(_FIRST + (initial * _VOWELS + vowel) * _FINALS + final)


def with_other_jamo(syllable: str, rng: Random) -> str:
    """Return a syllable with another consonant or vowel in one of its parts, at random."""
    numbers = list(parts(syllable))
    counts = (_INITIALS, _VOWELS, _FINALS)
    index = rng.randrange(3 if numbers[2] else 2)
    # A final consonant becomes another one: none would be a letter left out.
    least = 1 if index == 2 else 0  # noqa: PLR2004 - the final consonant
    others = [n for n in range(least, counts[index]) if n != numbers[index]]
    numbers[index] = others[int(rng.random() * len(others))]
    return composed(*numbers)


def without_last_jamo(letter: str) -> str:
    """Return a syllable without its final consonant; "" for any other letter, and without one."""
    if not is_syllable(letter):
        return ""
    initial, vowel, final = parts(letter)
    return composed(initial, vowel, 0) if final else ""
