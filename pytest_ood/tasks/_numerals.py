"""Numbers as other languages write them, rewritten as English does.

The marks before decimals and between thousands are those of the language (`Language.decimal`,
`Language.group`), and so are the words of powers of ten (`Language.powers_of_ten`).
"""

from __future__ import annotations

import re
from decimal import Decimal, localcontext
from functools import cache
from typing import TYPE_CHECKING, Any
from unicodedata import decimal

from pytest_ood.tasks._wording import minus
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from pytest_ood.languages import Language

_LARGE = 4
"""The least power of ten that multiplies all that stands before it: 2千3百万 is 2300万."""

_FULL_WIDTH = {wide: chr(wide - 0xFEE0) for wide in range(0xFF01, 0xFF5F)}
_WIDE_MARK = re.compile("(?<=[\uff10-\uff19])[\uff0c\uff0e](?=[\uff10-\uff19])")
_COMMA, _STOP = 0xFF0C, 0xFF0E
_ARABIC = re.compile("(?<=\\d)(?:(?P<decimal>\u066b)|\u066c|\u060c(?=\\d{3}(?!\\d)))(?=\\d)")
_CASELESS = re.compile(r"[^\W\d_](?=\d)")
_CASELESS_OR_SIGNED = re.compile(r"(?<!\d)[^\W\d_](?=[-\u2212\u2013]\d)|[^\W\d_](?=\d)")
_GAPS = " \u00a0\u2009\u202f"
_MARKED = re.compile(r"(?<![\d.,])\d++(?:[.,]\d++)++")
_BEHIND_GAP = re.compile(rf"\d[{_GAPS}]\Z")
_NUMBER = (
    rf"(?:\d{{1,3}}(?:[{_GAPS}]\d{{3}})++(?!\d)|\d{{1,3}}(?:,\d{{3}})++(?!\d)|\d++)(?:\.\d++)?"
)
_MOST = 100
"""The most characters of a number with words behind it."""


def in_english(text: str, language: Language) -> str:
    """Return a text with its numbers as English writes them; an English text is returned as it is.

    Digits of every script are those of ASCII then. Where the mark before decimals is a comma, a
    number is read by these rules:

    1. Of two kinds of marks the last one is before decimals: 1.234,5 and 1,234.5.
    2. A mark that occurs twice is between thousands: 1.234.567 and 1,234,567.
    3. A comma is before decimals: 1,5 and 1,234; but 1,230 is English for 1230, as nobody writes
       three decimals of which the last is 0.
    4. A stop before three digits is between thousands, if it is so in the language (1.234 in
       German); any other is before decimals, as in English (1.5).
    """
    if language.code == "en":
        return text
    text = normalized("NFC", _WIDE_MARK.sub(lambda m: chr(ord(m[0]) - 0xFEE0), text))
    text = text.translate(_in_ascii(text))
    text = _ARABIC.sub(lambda m: "," if m["decimal"] is None else ".", text)
    if language.decimal == ",":
        text = _MARKED.sub(lambda m: _with_english_marks(m, language), text)
    scaled, negative = _scaled(language), minus(language)
    if scaled is not None:
        text = scaled[0].sub(lambda m: _multiplied(m[0], scaled[1]), text)
    if negative is not None:
        text = negative.sub(r"\g<before>-", text)
    # Letters without case, as of Chinese or Hebrew, touch a number that is no part of their word.
    before_number = _CASELESS if language.script.spaced else _CASELESS_OR_SIGNED
    return before_number.sub(lambda m: m[0] if m[0].upper() != m[0].lower() else f"{m[0]} ", text)


def in_language(number: str, language: Language) -> str:
    """Return a number in canonical form as the language writes it, so that it reads as itself."""
    return number.replace(".", ",") if language.decimal == "," else number


def is_alike(number: str, other: str, language: Language) -> bool:
    """Return whether two numbers in the form of a language may be the same.

    1,234 is 1.234 in German, but a model, or a translated data set, may mean the English 1234.
    """
    return not _meanings(number, language).isdisjoint(_meanings(other, language))


def _meanings(number: str, language: Language) -> set[str]:
    forms = {number}
    if language.decimal == "," and re.fullmatch(r"-?[1-9]\d{0,2},\d{3}", number):
        forms.add(number.replace(",", ""))
    return forms


def _in_ascii(text: str) -> dict[int, str]:
    """Return the ASCII character for each digit, and each full-width sign, of a text."""
    found = {
        ord(c): str(decimal(c)) for c in {*text} if not c.isascii() and c.isdecimal()
    } | _FULL_WIDTH
    # Between words they are marks of a sentence.
    return {code: c for code, c in found.items() if code not in (_COMMA, _STOP)}


def _with_english_marks(match: re.Match[str], language: Language) -> str:
    """Return a number with its marks as in English, by the rules of `in_english`."""
    number = match[0]
    marks = re.sub(r"\d", "", number)
    last = marks[-1]
    if len(marks) > 1:
        whole, _, decimals = number.rpartition(last)
        if last not in marks[:-1] and _is_grouped(whole):
            return f"{re.sub('[.,]', '', whole)}.{decimals}"
        return number.replace(last, "") if _is_grouped(number) else number
    if last == ",":
        behind_gap = _BEHIND_GAP.search(match.string[max(0, match.start() - 2) : match.start()])
        english = _is_grouped(number) and number.endswith("0") and not behind_gap
        return number if english else number.replace(",", ".")
    return number.replace(".", "") if language.group == "." and _is_grouped(number) else number


def _is_grouped(number: str) -> bool:
    """Return whether a number has marks of one kind between its thousands, and no others."""
    return bool(re.fullmatch(r"[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d{0,2}(?:,\d{3})+", number))


@cache
def _scaled(language: Language) -> tuple[re.Pattern[str], re.Pattern[str]] | None:
    """Return what matches a number with its powers of ten, and each part of it; None if unknown."""
    powers = language.powers_of_ten
    if not powers:
        return None
    units = "|".join(powers.values())
    # Words of these are written together with what follows, such as a counter.
    joined = not language.script.spaced or language.code == "ko"
    gap = f"[{_GAPS}]?"
    if joined:
        # Several stand together: 1億2000万, 3만 5천, 3万5000.
        term = rf"{_NUMBER}(?:{'' if language.code in ('ja', 'ko') else gap}(?:{units}))++"
        whole = rf"{term}(?:{gap}{term})*+(?:\d++(?![.,]?\d))?"
    else:
        whole = rf"{_NUMBER}(?:{gap}(?:{units})(?![^\W_]))++"
    end = "" if joined else r"(?![^\W_])"
    part = "|".join(f"(?P<_{power}>(?:{words}){end})" for power, words in powers.items())
    return (
        re.compile(rf"(?<![\d.,]){whole}", re.IGNORECASE),
        re.compile(rf"(?P<number>{_NUMBER})|{part}", re.IGNORECASE),
    )


def _multiplied(text: str, part: re.Pattern[str]) -> str:
    """Return the value of a number with powers of ten behind it, in digits."""
    if len(text) > _MOST:
        return text
    terms: list[list[Any]] = []
    for match in part.finditer(text):
        kind = str(match.lastgroup)
        if kind == "number":
            terms.append([re.sub(r"[^\d.]", "", match[0]), 0, 0])
        else:
            power = int(kind[1:])
            terms[-1][1 if power < _LARGE else 2] += power
    with localcontext() as context:
        context.prec = 2 * _MOST
        total = below = Decimal(0)
        for number, small, large in terms:
            below += Decimal(number).scaleb(small)
            if large:
                total, below = total + below.scaleb(large), Decimal(0)
        return format(total + below, "f")
