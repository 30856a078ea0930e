"""Dates: the same day in another format."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from pytest_ood.perturbations._english import after, before, in_english
from pytest_ood.perturbations._words import word_set, word_tuple
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
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


@site_perturbation(
    in_english(_DATE, _stands_alone),
    version=3,
    source="Dhole et al. 2021 (NL-Augmenter), change date format",
    rewrites=("numbers",),
    example="It opened on March 5, 2004, closed on 17 May 2004 and came back on 2010-12-24.",
)
def date_format(match: Match[str], rng: Random) -> str | None:
    """Write a date in another format: 2004-03-05, 5 March 2004, March 5, 2004."""
    day = _read(match)
    if day is None:
        return None
    month = _MONTHS[day.month - 1]
    forms = (
        day.isoformat(),
        f"{day.day} {month} {day.year:04}",
        f"{month} {day.day}, {day.year:04}",
        f"{day.day} {month[:3]} {day.year:04}",
    )
    # "Friday, 2004-03-05" is not written.
    named = {*before(match, 2)} & _WEEKDAYS
    return rng.choice([form for form in forms[bool(named) :] if form != match.group()])


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
