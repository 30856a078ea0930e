"""Reads dates: in ISO 8601, in digits, and in English words."""

from __future__ import annotations

import re
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    "|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?"
)
_BESIDE = re.compile(
    r"\b(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\b\.?"
    r"|\b(?:on|the|of)\b|,|(?<=\d)(?:st|nd|rd|th)\b|(?<=[a-z])\."
)
"""What may stand beside a date and says nothing more: on Friday, the 23rd of Aug. 2024."""
_ISO = re.compile(
    r"(?P<y>\d{4})(?P<gap>[-/.])(?P<m>\d{1,2})(?P=gap)(?P<d>\d{1,2})(?:[t ]\d{2}:\d{2}\S*)?"
)
_ISO_PART = re.compile(r"(?P<y>\d{4})-(?P<m>\d{2})|--(?P<m2>\d{2})-(?P<d>\d{2})")
_DIGITS = re.compile(r"(?P<first>\d{1,2})(?P<gap>[-/.])(?P<last>\d{1,2})(?P=gap)(?P<y>\d{4})")
_WORDS = re.compile(
    rf"(?:(?P<d>\d{{1,2}}) (?P<m>{_MONTH})|(?P<m2>{_MONTH})(?: (?P<d2>\d{{1,2}}))?)"
    r"(?: (?P<y>\d{4}))?"
)
_LEAP_YEAR = 2000
"""The year in which a day without a year is checked: it has all days that a year can have."""


def date_of(text: str, *, day_first: bool | None = None) -> str | None:
    """Return a date in ISO 8601, or None.

    Without a year it is written --08-23 (XML Schema 1.0, part 2, section 3.2.12), without a day
    2024-08.

    Args:
        text: All of it has to be a date: 2024-08-23, 2024/8/23, 23.8.2024, 23 August 2024, Friday,
            Aug. 23rd. Years have four digits; a time after an ISO date is ignored.
        day_first: Whether 3/4/2024 is in April; None if such a date is not to be read.
    """
    said = " ".join(_BESIDE.sub(" ", text.casefold()).split())
    iso = _ISO.fullmatch(said)
    if iso:
        return _written(iso["y"], int(iso["m"]), iso["d"])
    part = _ISO_PART.fullmatch(said)
    if part:
        return _written(part["y"], int(part["m"] or part["m2"]), part["d"])
    digits = _DIGITS.fullmatch(said)
    if digits:
        return _in_digits(digits["first"], digits["last"], digits["y"], day_first=day_first)
    words = _WORDS.fullmatch(said)
    if not words:
        return None
    month = _MONTHS.index((words["m"] or words["m2"])[:3]) + 1
    return _written(words["y"], month, words["d"] or words["d2"])


def _in_digits(first: str, last: str, year: str, *, day_first: bool | None) -> str | None:
    """Return a date whose first two numbers are day and month; None if it may be two dates."""
    numbers, most = (int(first), int(last)), len(_MONTHS)
    is_certain = numbers[0] == numbers[1] or max(numbers) > most
    is_day_first = numbers[0] > most if is_certain else day_first
    if is_day_first is None:
        return None
    day, month = (first, last) if is_day_first else (last, first)
    return _written(year, int(month), day)


def _written(year: str | None, month: int, day: str | None) -> str | None:
    """Return a date in ISO 8601; None for one that no calendar has, or for a month alone."""
    try:
        value = date(int(year or _LEAP_YEAR), month, int(day or 1))
    except ValueError:
        return None
    if year is None:
        return None if day is None else f"--{value:%m-%d}"
    return value.isoformat() if day is not None else value.isoformat().rpartition("-")[0]
