"""Numbers: written as words, words as digits, and other numbers in their places."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.examples import fields_of
from pytest_ood.perturbations._solutions import CHANGEABLE, answer_anew, unsolved_numbers
from pytest_ood.perturbations._words import Lexicon, like, number_word
from pytest_ood.perturbations.contracts import Derived
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

    from pytest_ood.examples import Example, Inputs

_HIGHEST = 999
_DIGITS = re.compile(r"(?<![\w.,:/-])[1-9]\d{0,2}(?![\w%]|[.,:/-]\d)")
# "one" is a pronoun more often than a number.
_WORDS = Lexicon({number_word(n): (str(n),) for n in range(2, _HIGHEST + 1)})


@site_perturbation(
    _DIGITS,
    source="Dhole et al. 2021 (NL-Augmenter), number to word",
    rewrites=("numbers",),
    example="I saw 2 films in 14 days, with 120 extras and 7 stars.",
)
def digits_to_words(number: Match[str], rng: Random) -> str:
    """Write a whole number from 1 to 999 as words."""
    del rng
    return number_word(int(number.group()))


@site_perturbation(
    _WORDS,
    source="Dhole et al. 2021 (NL-Augmenter), number to word, the other way round",
    rewrites=("numbers",),
    example="I saw two films in fourteen days, with twenty-five extras and seven stars.",
)
def words_to_digits(number: Match[str], rng: Random) -> str:
    """Write a number from two to nine hundred ninety-nine in digits."""
    return like(number.group(), rng.choice(_WORDS.options(number.group())))


def _answer(example: Example, inputs: Inputs) -> str | None:
    """Return the answer under other numbers, by the example's solution."""
    before, after = ("\n".join(fields_of(value).values()) for value in (example.inputs, inputs))
    return answer_anew(before, after, example.rationale, example.label)


def _fixed(example: Example) -> list[str]:
    """Return the numbers of a question that its solution does not answer for."""
    text = "\n".join(fields_of(example.inputs).values())
    found = unsolved_numbers(text, example.rationale, example.label)
    return [rf"(?<![\w.,]){re.escape(number)}(?!\w|[.,]\d)" for number in sorted(set(found))]


@site_perturbation(
    CHANGEABLE,
    source="Mirzadeh et al. 2024 (GSM-Symbolic), section 3.1; Patel et al. 2021 (SVAMP), table 2",
    kind="label-changing",
    contract=Derived(_answer, _fixed, tasks=("numeric",)),
    rewrites=("numbers",),
    example="A shop sold 48 apples on Monday, 15 on Tuesday for $2.50 each, and 1,200 pears.",
)
def change_numbers(number: Match[str], rng: Random) -> str | None:
    """Put another number of like size in the place of one; the answer is worked out anew."""
    digits = number.group().replace(",", "")
    whole, point, decimals = digits.partition(".")
    units = int(whole + decimals)
    step = 10 ** (len(str(units)) - len(str(units).rstrip("0"))) if units else 1
    count = units // step
    low, high = max(2, (count + 1) // 2), 2 * count + 1
    # One stays one: what follows it is in the singular.
    if not units or digits == "1":
        return None
    others = {found.replace(",", "") for found in _DIGIT_RUNS.findall(number.string)}
    for _ in range(_TRIES):
        value = str(rng.randint(low, high) * step).rjust(len(decimals) + 1, "0")
        made = f"{value[: -len(decimals)]}.{value[-len(decimals) :]}" if decimals else value
        if made not in others:
            grouped = f"{int(made.partition('.')[0]):,}{point}{decimals and made[-len(decimals) :]}"
            return grouped if "," in number.group() else made
    return None


_TRIES = 20
_DIGIT_RUNS = re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?")
