"""Thousands: with a mark between them, with another one, or with none."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.languages import ENGLISH, Language
from pytest_ood.perturbations._english import in_english
from pytest_ood.perturbations._local_numbers import (
    ASCII_DIGITS,
    counts_in_words,
    in_cldr,
    is_counted,
    locale_of,
    native_numbering,
    outside_code,
    own_digits,
)
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match

_SPACES = ("\u00a0", "\u202f", " ")
_TAKES_SPACES = frozenset(("da", "de", "es", "it", "nl", "pt"))
"""Languages with another mark whose readers know the space of ISO 80000-1 as well."""

_UNCLEAR = frozenset(("ar", "es"))
"""Languages of countries in some of which the mark between thousands is that before decimals in
others: 12.345 is twelve thousand in Spain, and twelve in Mexico."""

_EITHER = (".", ",")
"""Marks that are between thousands somewhere, and before decimals elsewhere."""

_FEWEST = {"de": 6, "es": 5}
"""The digits of the shortest number that gets marks. Before the name of a German town there are
four or five that are no number; four have no mark in Spanish."""

_YEARS, _MAYBE_YEARS = range(1900, 2100), range(1000, 2200)
"""Four digits without a mark that are read as a year; and those that are one somewhere."""

_INDIAN = (3, 2)


@dataclass(frozen=True)
class _Kind:
    """How numbers are written in a language with one kind of digits.

    Attributes:
        digits: The ten digits, from zero on.
        marks: The marks between thousands, the usual one first; "" for none.
        decimal: The mark before decimals.
        sizes: The number of digits in the last group, and in the groups before it, in each way.
    """

    digits: str
    marks: tuple[str, ...]
    decimal: str
    sizes: tuple[tuple[int, int], ...]

    @property
    def source(self) -> str:
        """The regular expression of a number; the group `whole` is what is before its decimals."""
        one = f"[{self.digits[0]}-{self.digits[-1]}]"
        listed = "".join(regex.escape(mark) for mark in self.marks)
        return (
            rf"(?P<whole>{one}{{1,3}}(?P<mark>[{listed}]){one}{{2,3}}(?:(?P=mark){one}{{2,3}}){{0,5}}"
            rf"|{one}{{4,15}})(?P<decimals>{regex.escape(self.decimal)}{one}+)?"
        )

    def ways(self, digits: str, language: Language) -> list[str]:
        """Return the ways to write a whole number from 1000 on.

        Args:
            digits: The number without marks.
            language: The language of the text.
        """
        ways = []
        for mark in self.marks:
            if not mark and int(digits) in _YEARS:
                continue
            is_short = len(digits) <= len("123456")
            if mark in _EITHER and is_short and language.code in _UNCLEAR:
                continue
            if mark and language.code == "es" and len(digits) < _FEWEST["es"]:
                continue
            ways += [_grouped(digits, mark, sizes) for sizes in self.sizes]
        return list(dict.fromkeys(ways))


def _grouped(digits: str, mark: str, sizes: tuple[int, int]) -> str:
    """Return digits in groups, with a mark between two of them."""
    last, others = sizes
    groups, rest = [digits[-last:]], digits[:-last]
    while rest:
        groups.insert(0, rest[-others:])
        rest = rest[:-others]
    return mark.join(groups)


@cache
def _kinds(language: Language) -> tuple[_Kind, ...]:
    """Return how numbers are written in a language: with ASCII's digits, and with its own."""
    locale = locale_of(language)
    symbols = locale.number_symbols["latn"]
    group = str(symbols["group"])
    spaces = _SPACES if group in _SPACES else (" ", "\u00a0")
    takes_spaces = group in _SPACES or language.code in _TAKES_SPACES
    marks = dict.fromkeys((group, *(spaces if takes_spaces else ()), ""))
    is_indian = tuple(locale.decimal_formats[None].grouping) == _INDIAN
    sizes = ((3, 3), _INDIAN) if is_indian else ((3, 3),)
    kinds = [_Kind(ASCII_DIGITS, tuple(marks), str(symbols["decimal"]), sizes)]
    if digits := own_digits(language):
        # What CLDR does not say of them is as of ASCII's.
        own_symbols = {**symbols, **locale.number_symbols.get(native_numbering(language), {})}
        marks = dict.fromkeys((str(own_symbols["group"]), ",", ""))
        kinds.append(_Kind(digits, tuple(marks), str(own_symbols["decimal"]), sizes))
    return tuple(kinds)


def _kind_of(number: Match[str], language: Language) -> _Kind:
    return next(kind for kind in _kinds(language) if number[0][0] in kind.digits)


@cache
def _numbers(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its numbers from 1000 on that other ways are clear for."""
    sources = "|".join(kind.source for kind in _kinds(language))
    numbers: Any = regex.compile(
        r"(?<![\p{Lu}\p{Ll}\p{N}_.,:/\\#@+*=^~&|<'\u2019\u2013\u2014\u2212\u00b0\u2116\u066b\u066c"
        rf"\[{{-]|\p{{N}}[ \u00a0\u202f]|\p{{L}}\()(?:{sources})"
        r"(?![\p{Lu}\p{Ll}\p{N}_\\@*=^~&|<>+/\u00b0\]}]|[.,:/'\u2019\u066b\u066c]\p{N}"
        r"|[ \u00a0\u202f]?[-\u2013\u2014]\p{N}|[ \u00a0\u202f]\p{N})"
    )

    def fits(number: Match[str]) -> bool:
        """Return whether a number is clear, and can be written in another way."""
        return _is_clear(number, language) and bool(_other_ways(number, language))

    return outside_code(lambda text: filter(fits, numbers.finditer(text)))


def _is_clear(number: Match[str], language: Language) -> bool:
    """Return whether a number is no code, no telephone number, no address and no year."""
    text, (start, end) = number.string, number.span()
    mark = number["mark"]
    if mark is None:
        return _is_a_quantity(number, language)
    groups = [int(group) for group in number["whole"].split(mark)]
    if mark == "." and len(groups) == 4 and max(groups) < 256:  # noqa: PLR2004 - an address
        return False
    # (1,234) may be a pair.
    if text[:start].endswith("(") and text.startswith(")", end):
        return False
    if mark != " ":
        return True
    # Two numbers side by side, or a telephone number.
    usual = _kind_of(number, language).marks[0] in _SPACES
    return (usual or len(groups) > 2) and (len(groups) < 3 or groups[0] < 100)  # noqa: PLR2004


def _is_a_quantity(number: Match[str], language: Language) -> bool:
    """Return whether a number without marks counts what follows it."""
    value = int(number["whole"])
    return (
        number["decimals"] is None
        and len(number["whole"]) >= _FEWEST.get(language.code, len("1234"))
        and value not in _MAYBE_YEARS
        and counts_in_words.accepts(language)
        and is_counted(number.string, *number.span(), value, language)
    )


def _other_ways(number: Match[str], language: Language) -> list[str]:
    """Return the other ways to write a number; none where it is in no way of the language."""
    kind = _kind_of(number, language)
    written = number["whole"]
    digits = written.replace(number["mark"], "") if number["mark"] else written
    if digits[0] == kind.digits[0] or len(digits) < len("1234"):
        return []
    ways = kind.ways(digits, language)
    if written not in ways and number["mark"]:
        return []
    return [way + (number["decimals"] or "") for way in ways if way != written]


def _english_numbers(text: str) -> Iterator[Match[str]]:
    # Not made on import: Babel is loaded for it.
    return _numbers(ENGLISH)(text)


@site_perturbation(
    LocalSites(in_english(_english_numbers), _numbers),
    source="Unicode CLDR, number symbols and grouping; ISO 80000-1, section 7.3.1",
    rewrites=("numbers",),
    example="The film cost 1,250,000 dollars; 4,300 extras and 12,500 costumes made 3,200 shots.",
    languages=in_cldr,
)
def number_format(number: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a number from 1000 on with, without, or with other marks between its thousands."""
    return rng.choice(_other_ways(number, language))
