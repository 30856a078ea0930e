"""Numbers: digits written as words, and words as digits."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon, like, number_word
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_HIGHEST = 999
_DIGITS = re.compile(r"(?<![\w.,:/-])[1-9]\d{0,2}(?![\w%]|[.,:/-]\d)")
# "one" is a pronoun more often than a number.
_WORDS = Lexicon({number_word(n): (str(n),) for n in range(2, _HIGHEST + 1)})


@site_perturbation(
    _DIGITS,
    source="Dhole et al. 2021 (NL-Augmenter), number to word",
    example="I saw 2 films in 14 days, with 120 extras and 7 stars.",
)
def digits_to_words(number: Match[str], rng: Random) -> str:
    """Write a whole number from 1 to 999 as words."""
    del rng
    return number_word(int(number.group()))


@site_perturbation(
    _WORDS,
    source="Dhole et al. 2021 (NL-Augmenter), number to word, the other way round",
    example="I saw two films in fourteen days, with twenty-five extras and seven stars.",
)
def words_to_digits(number: Match[str], rng: Random) -> str:
    """Write a number from two to nine hundred ninety-nine in digits."""
    return like(number.group(), rng.choice(_WORDS.options(number.group())))
