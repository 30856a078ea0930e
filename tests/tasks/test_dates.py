"""Dates in ISO 8601, in digits and in words."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.tasks._dates import date_of

DATES = st.dates(date(1000, 1, 1), date(9999, 12, 31))


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("2024-08-23", "2024-08-23"),
        ("2024/8/3", "2024-08-03"),
        ("2024-08-23T19:30:00Z", "2024-08-23"),
        ("2024-08-23 19:30", "2024-08-23"),
        ("23.8.2024", "2024-08-23"),
        ("8/23/2024", "2024-08-23"),
        ("4/4/2024", "2024-04-04"),
        ("23 August 2024", "2024-08-23"),
        ("August 23rd, 2024", "2024-08-23"),
        ("Friday, the 23rd of Aug. 2024", "2024-08-23"),
        ("on Sept 3", "--09-03"),
        ("29 Feb", "--02-29"),
        ("May 2024", "2024-05"),
        ("2024-05", "2024-05"),
        ("--05-03", "--05-03"),
    ],
)
def test_dates_are_read(text: str, iso: str) -> None:
    """Whole dates, days without a year and months of a year have one form each."""
    assert date_of(text) == iso


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "may", "2024", "5", "Feb 30", "2023-02-29", "13/13/2024", "3/4/2024", "3/4/24",
     "2024-08-23 and 2024-08-24", "0000-01-01", "2024-08/23", "first of May"],
)  # fmt: skip
def test_other_texts_are_no_dates(text: str) -> None:
    """Nor is a day that no calendar has, or one that may be two days."""
    assert date_of(text) is None


@pytest.mark.parametrize(("day_first", "iso"), [(True, "2024-04-03"), (False, "2024-03-04")])
def test_the_order_of_day_and_month_decides(day_first: bool, iso: str) -> None:  # noqa: FBT001
    """It is needed only where both numbers may be a month."""
    assert date_of("3/4/2024", day_first=day_first) == iso
    assert date_of("23/4/2024", day_first=day_first) == "2024-04-23"


@given(day=DATES)
def test_every_day_is_read_in_every_form(day: date) -> None:
    """The form that is written is read as itself."""
    iso = day.isoformat()
    month = ["January", "February", "March", "April", "May", "June", "July", "August", "September",
             "October", "November", "December"][day.month - 1]  # fmt: skip
    numbers = f"{day.day}/{day.month}/{day.year}"
    forms = (iso, f"{day.day} {month} {day.year}", f"{month[:3]}. {day.day}, {day.year}")
    assert {date_of(form) for form in forms} == {iso}
    assert date_of(numbers, day_first=True) == iso
    assert date_of(f"{month} {day.day}") == f"--{iso[5:]}" == date_of(f"--{iso[5:]}")


@given(text=st.text(st.sampled_from("0123456789-/. maythofn")))
def test_what_is_read_is_read_again(text: str) -> None:
    """Reading is idempotent, and no text raises."""
    iso = date_of(text, day_first=True)
    assert iso is None or date_of(iso) == iso
