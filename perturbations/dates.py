"""Dates: the same day in another format.

English has its rules here; the formats of other languages, and their names of months, are those of
the Unicode CLDR that Babel ships. A numeric date is read in the order that is usual in the
language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import regex

from pytest_ood.languages import ENGLISH, Language
from pytest_ood.perturbations._english import after, before, in_english
from pytest_ood.perturbations._local_numbers import in_cldr, locale_of, outside_code
from pytest_ood.perturbations._words import word_set, word_tuple
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match

_MONTHS = word_tuple(
    "January February March April May June July August September October November December"
)
_NAMES = "|".join(f"{month}|{month[:3]}" for month in _MONTHS)
# Dates with slashes are left alone: whether 3/4 is in March or in April nobody can tell.
_DATE = re.compile(
    rf"(?<![\w/.:-])(?:(?P<iso>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})"
    rf"|(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th)? (?P<month>{_NAMES})\.?,? (?P<year>[0-9]{{4}})"
    rf"|(?P<month2>{_NAMES})\.? (?P<day2>[0-9]{{1,2}})(?:st|nd|rd|th)?,? (?P<year2>[0-9]{{4}}))"
    r"(?![\w/-]|[.:]\w| ?[\u2013-] ?\d|T\d)"
)


_WEEKDAYS = word_set(
    "monday tuesday wednesday thursday friday saturday sunday mon tue tues wed thu thur thurs fri "
    "sat sun"
)


_JOINS = word_set(", and or to until till through thru & - \u2013 \u2014 /")
_DAY = re.compile(r"\d{1,2}(?:st|nd|rd|th)?")
_MONTH_NAMES = frozenset(_NAMES.lower().split("|"))
_LARGE = re.compile(r"\d[\d,]{3,}")
_ITS = word_set("it's that's he's she's here's there's what's")
_DETERMINERS = word_set(
    "the a an this that these those my your his her its our their every each any no some"
)
_AFTER_A_DATE = word_set(
    "a about after although an and are as at because before but by during for from had has have "
    "he her his how i if in into is it its may my nor not on or our since she so than that the "
    "their then there these they this those though through till to under unless until was we were "
    "what when where whereas which while who whose will with without would you your"
)
"""Before these a number behind a day of a month is a year, and counts nothing."""


def _stands_alone(match: Match[str]) -> bool:
    """Return whether a date is whole, no part of a range or of a noun, and its year is one.

    In "5 and 7 May 2004" the month and the year are those of both days; in "May 5, 2000 people
    came" so many people came; in "the May 5, 2004, issue" the date says which.
    """
    previous = [word for word in before(match, 4) if word.rstrip(".") not in _WEEKDAYS]
    joined, earlier = (*previous, "", "")[:2]
    if joined in _JOINS and (_DAY.fullmatch(earlier) or earlier.rstrip(".") in _MONTH_NAMES):
        return False
    nearest = next((word for word in previous if word != ","), "")
    if nearest in _DETERMINERS or (nearest.endswith(("'s", "s'")) and nearest not in _ITS):
        return False
    if match["iso"]:
        return True
    following, later = (*after(match, 2), "", "")[:2]
    if following in ("and", "or", "to") and _LARGE.fullmatch(later):
        return False
    counted = following in ("or", "and") and later in ("more", "so", "fewer", "less")
    return not counted and (not following[:1].isalnum() or following in _AFTER_A_DATE)


_ISO = "yyyy-MM-dd"
_EXTRA = {"vi": ("d 'th\u00e1ng' M 'n\u0103m' y",)}
"""Formats that are usual beside those of CLDR."""

_FIRSTS = frozenset(("fr", "pt"))
"""Languages in which the first of a month is an ordinal: 1er mars, 1\u00ba de mar\u00e7o."""

_EARLIEST, _LATEST = 1800, 2199
_BUDDHIST = 543
"""Years by which those of Thailand are more than those of the Common Era."""

_SPACE = "[ \u00a0\u202f]"
_FIELD = re.compile(r"'[^']*'|([A-Za-z])\1*|.")
_YEAR_SIGN = re.compile(r"(?<=y)[\u202f\u00a0 ]'[^']*'\.?\Z")
"""What Russian, Ukrainian and Bulgarian put behind a year."""

_ERA = re.compile(r"\s?G+\s?")


@dataclass(frozen=True)
class _Form:
    """A format of dates.

    Attributes:
        pattern: As in CLDR, with four digits of the year.
        source: The regular expression of what is written so, with the groups day, month or name,
            and year.
    """

    pattern: str
    source: str

    @property
    def is_named(self) -> bool:
        """Whether the name of the month is written out or shortened."""
        return "MMM" in self.pattern


@cache
def _forms(language: Language) -> tuple[_Form, ...]:
    """Return the formats of a language, that of ISO 8601 first."""
    locale = locale_of(language)
    patterns = [_ISO, *_EXTRA.get(language.code, ())]
    for width in ("long", "medium", "short"):
        pattern = _YEAR_SIGN.sub("", locale.date_formats[width].pattern)
        patterns.append(_ERA.sub(" ", pattern).replace("yyyy", "y").replace("yy", "y"))
    if language.code in _EXTRA:
        del patterns[2]
    # Lithuanian and Swedish have no other numeric format than that of ISO.
    patterns = [p for p in patterns if p is _ISO or p != "y-MM-dd"]
    return tuple(_Form(p, _source(p, locale)) for p in dict.fromkeys(patterns))


def _source(pattern: str, locale: Any) -> str:
    """Return the regular expression of what is written in a format; zeros may be left out."""
    named = "MMM" in pattern
    parts = []
    for field in _FIELD.finditer(pattern):
        written, letter = field[0], field[1]
        count = "{2}" if pattern is _ISO else "{1,2}"
        if letter == "y":
            parts.append("(?P<year>[0-9]{4})")
        elif letter == "d":
            parts.append(f"(?P<day>[0-9]{count})")
        elif letter in ("M", "L") and len(written) > len("MM"):
            width = "wide" if len(written) > len("MMM") else "abbreviated"
            names = locale.months["format" if letter == "M" else "stand-alone"][width].values()
            listed = "|".join(sorted(map(_name, names), key=len, reverse=True))
            parts.append(f"(?P<name>(?i:{listed}))")
        elif letter in ("M", "L"):
            parts.append(f"(?P<month>[0-9]{count})")
        elif written.isspace():
            # Those in a numeric date are often left out.
            parts.append(_SPACE + ("" if named else "?"))
        elif written == "\u200f":
            parts.append("\u200f?")
        else:
            parts.append(re.escape(written.strip("'")))
    return "".join(parts)


def _name(name: str) -> str:
    """Return the regular expression of the name of a month, whose point may be left out."""
    spaced = _SPACE.join(map(re.escape, name.removesuffix(".").split()))
    return spaced + (r"\.?" if name.endswith(".") else "")


@cache
def _dates(language: Language) -> Any:
    """Return what matches a date of a language; the group f2 is what is in the third format."""
    formats = "|".join(f"(?P<f{n}>{form.source})" for n, form in enumerate(_forms(language)))
    return regex.compile(
        rf"(?<![\p{{Lu}}\p{{Ll}}\p{{N}}_/.:,'\u2019\u2013\u2014-]|\p{{N}}{_SPACE})(?:{formats})"
        rf"(?![\p{{Lu}}\p{{Ll}}\p{{N}}_/'\u2019-]|[.:,]\p{{N}}|[.:]\p{{L}}"
        rf"|{_SPACE}?[\u2013\u2014-])"
    )


@cache
def _names_of(language: Language, kind: str) -> frozenset[str]:
    """Return the long and short names of the months or the days of a language, in small letters."""
    names = getattr(locale_of(language), kind)["format"]
    return frozenset(
        name.lower().rstrip(".")
        for width in ("wide", "abbreviated")
        for name in names[width].values()
    )


_BEFORE = regex.compile(
    r"(?P<last>[\p{L}\p{M}]+|\p{N}+)\.?(?P<join>[\s,&/\u2013\u2014-]+(?:\p{L}{1,5}\s+)?)\Z"
)
_WEEKDAY = regex.compile(r"(?P<day>[\p{L}\p{M}]+(?: [\p{L}\p{M}]+)?)\.?,?\s?\Z")
_SENTENCE_END = regex.compile(r"\s*(?:\Z|[\p{Lu}\"\u201d\u00bb])")
_YEARS_BEHIND = regex.compile(
    rf"{_SPACE}(?:\u0433\.?|\u0433\u043e\u0434\w*|\u0440\.?|\u0440\u043e\u043a\w*|\u0440\u0456\u043a)(?!\w)"
)
"""A word for year in Russian, Ukrainian and Bulgarian."""

_NEAR = 30
"""Characters before a date that its context is read from."""


def _local_dates(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to the dates that can be written in another format."""

    def fits(match: Match[str]) -> bool:
        """Return whether a match is a day, and no part of a range such as "5 and 7 May 2004"."""
        near = match.string[max(0, match.start() - _NEAR) : match.start()]
        before = _BEFORE.search(near)
        last = before["last"].lower() if before else ""
        joined = (last.isdecimal() and len(last) <= len("31")) or (
            last in _names_of(language, "months")
        )
        return not joined and _day_of(match, language) is not None

    return outside_code(lambda text: filter(fits, _dates(language).finditer(text)))


def _day_of(match: Match[str], language: Language) -> date | None:
    """Return the day; None where the calendar has none such, or may be another one."""
    year = int(match["year"])
    if language.code == "th" and year > _LATEST and match["f0"] is None:
        year -= _BUDDHIST
    if not _EARLIEST <= year <= _LATEST:
        return None
    month = int(match["month"]) if match["month"] else _month_of(match["name"], language)
    try:
        return date(year, month, int(match["day"]))
    except ValueError:
        return None


def _month_of(name: str, language: Language) -> int:
    """Return the number of a month that is in the text; 0 for none."""
    widths = locale_of(language).months["format"]
    written = " ".join(name.lower().removesuffix(".").split())
    for width in ("wide", "abbreviated"):
        for number, listed in widths[width].items():
            if listed.lower().removesuffix(".") == written:
                return int(number)
    return 0


def _local_forms(match: Match[str], language: Language) -> list[str]:
    """Return a day in the other formats of a language that fit where it stands."""
    from babel.dates import format_date

    day = _day_of(match, language)
    if day is None:
        return []
    text, end = match.string, match.end()
    year = match["year"]
    near = text[max(0, match.start() - _NEAR) : match.start()]
    weekday = _WEEKDAY.search(near)
    named = weekday and {weekday["day"].lower(), weekday["day"].lower().split()[-1]}
    # "Friday, 2004-03-05" is not written, nor is "2004-03-05 year"; in Thai the year is another.
    without_iso = (
        bool(named and named & _names_of(language, "days"))
        or _YEARS_BEHIND.match(text, end) is not None
        or int(year) != day.year
    )
    written = []
    for index, form in enumerate(_forms(language)):
        if match[f"f{index}"] is not None or (without_iso and form.pattern is _ISO):
            continue
        if form.is_named and day.day == 1 and language.code in _FIRSTS:
            continue
        one = format_date(day, form.pattern, locale=locale_of(language)).replace(
            f"{day.year}", year
        )
        # The point behind a day and the one of the sentence are written once.
        if match[0].endswith(".") and not one.endswith("."):
            if _SENTENCE_END.match(text, end):
                continue
        elif one.endswith(".") and text.startswith(".", end):
            one = one[:-1]
        written.append(one)
    return [one for one in dict.fromkeys(written) if one != match[0]]


@site_perturbation(
    LocalSites(in_english(_DATE, _stands_alone), _local_dates),
    version=3,
    source="Dhole et al. 2021 (NL-Augmenter), change date format; Unicode CLDR, date formats",
    rewrites=("numbers",),
    example="It opened on March 5, 2004, closed on 17 May 2004 and came back on 2010-12-24.",
    languages=in_cldr,
)
def date_format(match: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Write a date in another format: 2004-03-05, 5 March 2004, March 5, 2004."""
    if language.code != ENGLISH.code:
        forms = _local_forms(match, language)
        return rng.choice(forms) if forms else None
    day = _read(match)
    if day is None:
        return None
    month = _MONTHS[day.month - 1]
    english = (
        day.isoformat(),
        f"{day.day} {month} {day.year:04}",
        f"{month} {day.day}, {day.year:04}",
        f"{day.day} {month[:3]} {day.year:04}",
    )
    # "Friday, 2004-03-05" is not written.
    named = {*before(match, 2)} & _WEEKDAYS
    return rng.choice([form for form in english[bool(named) :] if form != match.group()])


def _read(match: Match[str]) -> date | None:
    """Return the day, or None where the calendar has none such."""
    try:
        if match["iso"]:
            return date.fromisoformat(match["iso"])
        name, number = match["month"] or match["month2"], match["day"] or match["day2"]
        month = [m[:3] for m in _MONTHS].index(name[:3]) + 1
        return date(int(match["year"] or match["year2"]), month, int(number))
    except ValueError:
        return None
