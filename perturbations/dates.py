"""Dates: the same day in another format."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from pytest_ood.perturbations._english import before, in_english
from pytest_ood.perturbations._words import word_set
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
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


@site_perturbation(
    in_english(_DATE),
    version=2,
    source="Dhole et al. 2021 (NL-Augmenter), change date format",
    rewrites=("numbers",),
    example="It opened on March 5, 2004, closed on 17 May 2004 and came back on 2010-12-24.",
)
def date_format(found: Match[str], rng: Random) -> str | None:
    """Write a date in another format: 2004-03-05, 5 March 2004, March 5, 2004."""
    day = _read(found)
    if day is None:
        return None
    month = _MONTHS[day.month - 1]
    forms = (
        day.isoformat(),
        f"{day.day} {month} {day.year:04}",
        f"{month} {day.day}, {day.year:04}",
        f"{day.day} {month[:3]} {day.year:04}",
    )
    # "Friday, 2004-03-05" and "the 2004-03-05" are not written.
    named = {*before(found, 2)} & {*_WEEKDAYS, "the"}
    return rng.choice([form for form in forms[bool(named) :] if form != found.group()])


def _read(found: Match[str]) -> date | None:
    """Return the day, or None where the calendar has none such."""
    try:
        if found["iso"]:
            return date.fromisoformat(found["iso"])
        name, number = found["month"] or found["month2"], found["day"] or found["day2"]
        month = [m[:3] for m in _MONTHS].index(name[:3]) + 1
        return date(int(found["year"] or found["year2"]), month, int(number))
    except ValueError:
        return None
