"""Numbers as English writes them in words: read, and written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import ORDINALS, number_word

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNITS = {number_word(n): n for n in range(20)}
_TENS = {number_word(n): n for n in range(20, 100, 10)}
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9, "trillion": 10**12}
_OF_ORDINAL = {value: word for word, value in ORDINALS.items()}
_HUNDRED = 100
_YEARS = range(15, 21)
"""Centuries of years that are read in two halves; "eleven thirty" is a time of day."""


_NAME = "|".join(
    sorted((*_UNITS, *_TENS, *_SCALES, "hundred", *ORDINALS, "point", "oh"), key=len, reverse=True)
)
_RUN = re.compile(
    rf"(?<![\w'\u2019/-])(?:an?[ \t]+(?=hundred\b|thousand\b|million\b|billion\b|trillion\b))?"
    rf"(?!(?:point|oh)\b)(?:{_NAME})(?![\w'\u2019])"
    rf"(?:(?:[ \t]*-[ \t]*|[ \t]+(?:and[ \t]+)?)(?:{_NAME})(?![\w'\u2019]))*",
    re.IGNORECASE,
)
"""Words of numbers in a row, an article before a hundred and the like included."""

_LONGEST = 24
"""Words of the longest number that is read."""

_ANYTHING = re.compile(r"[\s\S]+")
_PART = re.compile(r"([ \t]*-[ \t]*|[ \t]+)?([A-Za-z]+)")


def is_number_word(word: str) -> bool:
    """Return whether a word is a part of cardinal numbers."""
    lower = word.lower()
    return lower in _UNITS or lower in _TENS or lower in _SCALES or lower == "hundred"


_DIGIT = "|".join(number_word(n) for n in range(1, 10))
_BELOW_TWENTY = "|".join(number_word(n) for n in range(19, 0, -1))
_ROUND = "|".join(_TENS)
_BELOW_HUNDRED = rf"(?:(?:{_ROUND})(?: (?:{_DIGIT}))?|{_BELOW_TWENTY})"
_HUNDREDS = (
    rf"(?:an?|{_BELOW_TWENTY}|(?:{_ROUND}) (?:{_DIGIT})) hundred(?: (?:and )?{_BELOW_HUNDRED})?"
)
_BELOW_THOUSAND = rf"(?:{_HUNDREDS}|{_BELOW_HUNDRED})"
_CARDINAL = re.compile(
    "zero|(?=.)"
    + "".join(rf"(?:(?:an?|{_BELOW_THOUSAND}) {scale}(?: |$))?" for scale in reversed(_SCALES))
    + rf"(?:(?<=d |n )and {_BELOW_HUNDRED}|{_BELOW_THOUSAND})?"
)
"""A cardinal number, its words with a space between them."""

_AFTER_HYPHEN = frozenset((*_DIGIT.split("|"), "hundred", *_SCALES))


def numbers_in(text: str) -> Iterator[re.Match[str]]:
    """Yield the numbers in words of a text; `digits` says what each is in digits.

    Words that are no number, or could be read as several ("two three", "five thirty"), are left
    out. Two numbers that "and" joins are two: one hundred and two hundred.
    """
    for run in _RUN.finditer(text):
        for start, end in _spans(run):
            number = _ANYTHING.match(text, start, end)
            if number is not None:
                yield number


def digits(number: str) -> str | None:
    """Return a number in words in digits: "205", "21st", "3.14", "1,200,000"; None for no number.

    A year that is read in two halves is one: "1999" for nineteen ninety-nine.
    """
    return _value(_parts(number))


def _parts(run: str) -> list[tuple[str, str]]:
    """Return the words of a stretch in small letters, each after what joins it to the last."""
    return [((m[1] or " ").strip(), m[2].lower()) for m in _PART.finditer(run)]


def _spans(run: re.Match[str]) -> list[tuple[int, int]]:
    """Return where the numbers of a stretch are: one, or two joined by "and", or none."""
    words = _parts(run.group())
    if len(words) > _LONGEST:
        return []
    if _value(words) is not None:
        return [run.span()]
    edges = [m.span(2) for m in _PART.finditer(run.group())]
    for index, (_, word) in enumerate(words):
        if word != "and" or not 0 < index < len(words) - 1:
            continue
        first = words[:index]
        second = [("", words[index + 1][1]), *words[index + 2 :]]
        left, right = _cardinal(first), _cardinal(second)
        # "five thousand and two hundred" may be a sum.
        if left is not None and right is not None and right >= _last_scale(first):
            return [
                (run.start(), run.start() + edges[index - 1][1]),
                (run.start() + edges[index + 1][0], run.end()),
            ]
    return []


def _last_scale(words: list[tuple[str, str]]) -> int:
    return _HUNDRED if words[-1][1] == "hundred" else _SCALES.get(words[-1][1], 0)


def _value(words: list[tuple[str, str]]) -> str | None:
    """Return the digits of words that are one number, each with the word that joins it."""
    names = [word for _, word in words]
    if "point" in names:
        return _decimal(words)
    if names and names[-1] in ORDINALS:
        return _ordinal(words)
    year = _year(words)
    if year is not None:
        return year
    value = _cardinal(words)
    return None if value is None else grouped(value)


def grouped(value: int) -> str:
    """Write a number in digits; from five digits on in groups of three."""
    return f"{value:,}" if value >= 10**4 else str(value)


def _cardinal(words: list[tuple[str, str]]) -> int | None:
    """Return the value of a cardinal number: two hundred and five, a thousand, forty-two."""
    names = [word for _, word in words]
    # "two-hundred" is written besides "forty-two", but no other hyphen stands in a number.
    joined = {word for gap, word in words[1:] if gap == "-"}
    if joined - _AFTER_HYPHEN or not _CARDINAL.fullmatch(" ".join(names)):
        return None
    total, group = 0, 0
    for word in names:
        if word in _SCALES:
            total, group = total + group * _SCALES[word], 0
        elif word == "hundred":
            group *= _HUNDRED
        else:
            group += 1 if word in ("a", "an") else _UNITS.get(word, _TENS.get(word, 0))
    return total + group


def _ordinal(words: list[tuple[str, str]]) -> str | None:
    """Return "21st" for twenty-first, "3rd" for third."""
    last = ORDINALS[words[-1][1]]
    if len(words) == 1:
        value = last
    elif len(words) == 2 and words[0][1] in _TENS and last < 10:  # noqa: PLR2004 - tens and units
        value = _TENS[words[0][1]] + last
    elif len(words) > 2 and words[-2][1] == "and" and last < _HUNDRED:  # noqa: PLR2004
        hundreds = _cardinal(words[:-2])
        if hundreds is None or hundreds % _HUNDRED:
            return None
        value = hundreds + last
    else:
        return None
    return f"{value}{ordinal_ending(value)}"


def ordinal_ending(value: int) -> str:
    """Return what an ordinal number ends in: st, nd, rd or th."""
    if value % _HUNDRED in (11, 12, 13):
        return "th"
    return {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")


def _year(words: list[tuple[str, str]]) -> str | None:
    """Return a year that is read in two halves: nineteen ninety-nine, twenty twenty-four."""
    names = [word for _, word in words]
    if not 2 <= len(names) <= 3 or any(gap == "-" for gap, _ in words[:2]):  # noqa: PLR2004
        return None
    century = _UNITS.get(names[0], _TENS.get(names[0], 0))
    if century not in _YEARS:
        return None
    rest = _cardinal([("", names[1]), *words[2:]])
    if names[1] == "oh" and len(names) == 3 and 1 <= _UNITS.get(names[2], 0) <= 9:  # noqa: PLR2004
        rest = _UNITS[names[2]]
    elif rest is None or not 10 <= rest < _HUNDRED:  # noqa: PLR2004
        return None
    return f"{century}{rest:02}"


def _decimal(words: list[tuple[str, str]]) -> str | None:
    """Return "3.14" for three point one four, "1,200,000" for one point two million."""
    names = [word for _, word in words]
    index = names.index("point")
    whole = _cardinal(words[:index])
    rest = names[index + 1 :]
    scale = _SCALES.get(rest[-1], 1) if rest else 1
    digits = rest[:-1] if scale > 1 else rest
    figures = [0 if name == "oh" else _UNITS.get(name, 10) for name in digits]
    if whole is None or not figures or any(figure > 9 for figure in figures):  # noqa: PLR2004
        return None
    decimals = "".join(map(str, figures))
    if scale == 1:
        return f"{whole}.{decimals}"
    power = len(str(scale)) - 1
    if len(decimals) > power:
        return None
    return grouped(whole * scale + int(decimals.ljust(power, "0")))


def in_words(value: int) -> str:
    """Write a whole number below a trillion as words, as in American English without "and"."""
    if value < 10**3:
        return number_word(value)
    parts = []
    for name, scale in sorted(_SCALES.items(), key=lambda item: -item[1]):
        count, value = divmod(value, scale)
        if count:
            parts.append(f"{number_word(count)} {name}")
    return " ".join([*parts, *([number_word(value)] if value else [])])


def ordinal_in_words(value: int) -> str | None:
    """Write an ordinal number from 1 to 99 as a word; None for others."""
    if value in _OF_ORDINAL:
        return _OF_ORDINAL[value]
    tens, ones = divmod(value, 10)
    if not 2 <= tens <= 9:  # noqa: PLR2004 - tens that have a name of their own
        return None
    return f"{number_word(10 * tens)}-{_OF_ORDINAL[ones]}"
