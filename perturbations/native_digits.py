"""Digits: those of the script instead of ASCII's, and the other way round."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.languages import ENGLISH, Fits, Language
from pytest_ood.languages.scripts import HAN, JAPANESE
from pytest_ood.perturbations._local import NOWHERE
from pytest_ood.perturbations._local_numbers import ASCII_DIGITS, outside_code, own_digits
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match

_WIDE = "".join(chr(0xFF10 + value) for value in range(10))
"""Full-width digits, which are as wide as a Chinese character."""

_MARKS = str.maketrans({"\u066b": ".", "\u066c": ","})
"""The marks before decimals and between thousands that go with Arabic digits alone."""


_SEPARATORS = "[.,:/\u066b\u066c-]"


@cache
def _other_digits(language: Language) -> str:
    """Return the ten digits besides ASCII's that texts in a language have; "" for none."""
    if language.script in (HAN, JAPANESE):
        return _WIDE
    return "" if language.code == ENGLISH.code else own_digits(language)


_has_digits = Fits(
    "languages with digits of their own", lambda language: bool(_other_digits(language))
)


@cache
def _numbers(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers, dates and times, each in one kind of digits.

    What is near Latin letters, such as the number of a model, stays as it is, and so do telephone
    numbers and codes.
    """
    digits = _other_digits(language)
    own = f"[{digits[0]}-{digits[-1]}]"
    # Full-width digits are rare beside marks, and common in dates and times.
    separators = "[\u5e74\u6708\u65e5\u6642\u65f6\u5206]" if digits == _WIDE else _SEPARATORS
    numbers: Any = regex.compile(
        rf"(?<![\p{{Latin}}\p{{N}}_.,:/\\#@+*=^~&|<>%\u066b\u066c-]|[\p{{Latin}}\p{{N}}][ -])"
        rf"(?:[0-9]+(?:{separators}[0-9]+)*|{own}+(?:{separators}{own}+)*)"
        r"(?![\p{Latin}\p{N}_\\@*=^~&|<>+]|[ -][\p{Latin}\p{N}]|[.,:/\u066b\u066c-][\p{L}\p{N}])"
    )
    return outside_code(numbers.finditer)


@site_perturbation(
    LocalSites(NOWHERE, _numbers),
    source="Unicode CLDR, native numbering systems; Unicode, half-width and full-width forms",
    rewrites=("numbers",),
    example="صدر الفيلم قبل 12 عاما مع 350 ممثلا وعرض 25 مرة في 7 مدن.",
    example_language="ar",
    languages=_has_digits,
)
def native_digits(number: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a number with the digits of the script, or one that is so with those of ASCII."""
    del rng
    written, digits = number[0], _other_digits(language)
    if written[0] in ASCII_DIGITS:
        return written.translate(str.maketrans(ASCII_DIGITS, digits))
    return written.translate(str.maketrans(digits, ASCII_DIGITS)).translate(_MARKS)
