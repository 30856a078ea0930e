"""Literals: pieces of a text that are read as they are written: numbers, addresses, faces, code.

Every expression takes linear time: none is tried again inside what it has gone through.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import ORDINALS, number_word

if TYPE_CHECKING:
    from collections.abc import Iterator

URL = (
    r"(?:https?://|www\.)[^\s<>]*[^\s<>.,;:!?)\]'\"]"
    r"|(?<![\w.+-])[\w.+-]{1,64}@[\w-]{1,253}(?:\.[\w-]{1,63})+"
)
"""A web or mail address."""

CODE = r"```[\s\S]*?```|`[^`\n]+`"
"""Code, as markdown sets it off."""

HANDLE = r"(?<![\w@#&])[@#]\w+"
"""A handle or a hashtag."""

EMOTICON = (
    # Eyes, a nose and a mouth, the right way round and mirrored.
    r"(?<!\w)[>}]?[:;=]['\u2019]?[-o^*~]?(?:[)(\]\[}{|\\/*<>$]+|[dDpPoOsSxX30@cC](?!\w))"
    r"|(?<!\w)[8xX]-[)(dDpP](?!\w)"
    r"|(?<![\w:;=])[)(\]\[][-o^*~]?['\u2019]?[:;=](?![\w)(:;=])"
    # Behind a word only a mouth that nothing follows is one.
    r"|(?<=\w)[:;=][-o^]?[)(](?![\w()])"
    r"|</?3+(?!\w)"
    # Faces between brackets, with or without arms.
    r"|[\u00af\\/_\u30fd\u30ce<>]{0,4}\([^\s\w()]?[^\s()]{0,4}"
    r"[_.^\u00b0\u25a1\u00b4`><;\u2022\u3064\u30c4\u03c9\u0414\u2200\u25e1\ufe4f\u76ca\u035c\u0361\u1d17][^\s()]{0,6}\)[\u00af\\/_\u30fd\u30ce<>\u256f]{0,4}"
    # Two equal eyes with a mouth between.
    r"|(?<!\S)(?P<eye>[-^;.><TtUuOoXx~=\u00b0])[_.-]{1,3}(?:(?P=eye)|[oO0<>])(?!\w)"
)
"""A face made of marks, such as :-) or ^_^."""

_MONEY = "$\u20ac\u00a3\u00a5\u20b9\u20bd\u20a9"
_DIGITS = r"\d(?:\d|[.,:/\u00a0\u202f'\u2019\u00d7^-](?=\d)|[eE][+-]?(?=\d))*"
NUMBER = (
    rf"(?<![\w.])[+\-\u2212\u00b1~]?[{_MONEY}#]?[-\u2212]?\.?{_DIGITS}"
    rf"(?:\s?[%\u2030]|\s?[{_MONEY}](?!\d))?"
    r"|[\u00bc-\u00be\u2150-\u215e]"
)
"""A number with its signs, currency and decimals; a time, a date, a telephone number."""

_CARDINALS = (
    *map(number_word, (*range(20), *range(20, 100, 10))),
    *("fourty", "hundred", "thousand", "million", "billion", "trillion", "dozen"),
)
_ORDINALS = (*ORDINALS, "hundredth", "thousandth", "millionth")
_OTHERS = (
    "half halves quarter once twice thrice single double triple quadruple doubled tripled pair "
    "couple both none nil"
)
NUMBER_WORDS = frozenset(
    (
        *(
            word + ending
            for word in (*_CARDINALS, *_ORDINALS, "quarter", "pair", "couple")
            for ending in ("", "s")
        ),
        *(word.removesuffix("y") + "ies" for word in _CARDINALS if word.endswith("y")),
        *_OTHERS.split(),
        "sixes",
    )
)
"""English words that count, in small letters."""

_TOKEN = re.compile(r"\w+")
_INSIDE = re.compile(r"(?:[A-Za-z]*\d[A-Za-z\d]*|[〇零一二两兩三四五六七八九十百千万萬亿億兆半])+")
"""A number inside a run of letters: Chinese and Japanese write no spaces."""

_ROMAN = re.compile(r"(?=[IVXLCDM]{2})M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
"""A Roman numeral of two letters or more; what else it spells (MIX, CD) is taken for one, too."""

_ROMAN_BEHIND = re.compile(
    r"\b(?:act|appendix|article|book|canto|chapter|part|phase|scene|section|title|volume|vol\.) \Z",
    re.IGNORECASE,
)
"""Behind these V and X are numerals; I is a pronoun as well."""

_BETWEEN = re.compile(r"[^\w\n]{1,5}|\s(?:and|and an?|&|point)\s")
_BEFORE = re.compile(rf"[+\-\u2212\u00b1~\u2248<>=\u2264\u2265{_MONEY}#(\[.]{{1,3}}\Z")
_AFTER = re.compile(rf"[%\u2030\u00b0{_MONEY})\]+\u2032\u2033]{{1,3}}")


def is_number(token: str) -> bool:
    """Return whether a run of letters and digits is a number, or an English word for one."""
    return token.isnumeric() or token.lower() in NUMBER_WORDS


def number_spans(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans of numbers: digits with their words and signs, and English number words.

    Numbers in a row are one span with the text between them, so that no sum loses its sign and
    "two hundred and five" stays one number. A word that holds a digit (5th, 3x) is one, and so are
    Roman numerals.
    """
    last: tuple[int, int] | None = None
    for start, end in _numerals(text):
        if last is not None and _BETWEEN.fullmatch(text, last[1], start):
            last = (last[0], end)
            continue
        if last is not None:
            yield _with_signs(text, *last)
        last = (start, end)
    if last is not None:
        yield _with_signs(text, *last)


def _numerals(text: str) -> Iterator[tuple[int, int]]:
    for token in _TOKEN.finditer(text):
        word = token.group()
        if not word.isascii() and not word.isnumeric():
            yield from (match.span() for match in _INSIDE.finditer(text, *token.span()))
        elif is_number(word) or any(map(str.isdecimal, word)) or _is_roman(token):
            yield token.span()


def _is_roman(token: re.Match[str]) -> bool:
    """Return whether a run of letters is a Roman numeral: chapter VIII, part V."""
    if token.group() in ("V", "X"):
        start = token.start()
        return _ROMAN_BEHIND.search(token.string, max(0, start - 12), start) is not None
    return _ROMAN.fullmatch(token.group()) is not None


def _with_signs(text: str, start: int, end: int) -> tuple[int, int]:
    before = _BEFORE.search(text, max(0, start - 3), start)
    after = _AFTER.match(text, end)
    return before.start() if before else start, after.end() if after else end
