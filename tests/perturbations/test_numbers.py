"""Numbers in words and in digits have one value."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.perturbations import find
from pytest_ood.perturbations._cardinals import digits, in_words, ordinal_in_words

WORDS = find("words-to-digits").with_parameters(share=1.0)
DIGITS = find("digits-to-words").with_parameters(share=1.0)


@given(value=st.integers(0, 10**15 - 1))
def test_a_number_is_read_as_it_is_written(value: int) -> None:
    """Whatever the number is: its words are read as its digits."""
    found = digits(in_words(value))
    assert found is not None
    assert int(found.replace(",", "")) == value


@pytest.mark.parametrize("value", range(1, 100))
def test_an_ordinal_is_read_as_it_is_written(value: int) -> None:
    """From first to ninety-ninth; beyond the twentieth every tenth has two parts."""
    words = ordinal_in_words(value)
    assert words is not None
    found = digits(words)
    assert found is not None
    assert found[:-2] == str(value)


@given(value=st.integers(2, 999_999))
def test_both_ways_give_the_number_back(value: int) -> None:
    """In a sentence, too, the value stays."""
    text = f"They counted {value:,} apples today."
    there = DIGITS(text, Random(0))
    assert WORDS(there, Random(0)).replace(",", "") in (text.replace(",", ""), there)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("two hundred and five", "205"),
        ("a hundred and twenty-one", "121"),
        ("twenty-five hundred", "2500"),
        ("one million two hundred thousand", "1,200,000"),
        ("one point two million", "1,200,000"),
        ("three point one four", "3.14"),
        ("nineteen ninety-nine", "1999"),
        ("twenty oh five", "2005"),
        ("twenty twenty-four", "2024"),
        ("twenty-first", "21st"),
        ("twelfth", "12th"),
        ("two three", None),
        ("five thirty", None),
        ("hundred", None),
        ("two and two", None),
        ("twenty hundred", None),
        ("zero zero", None),
        ("", None),
    ],
)
def test_what_could_be_read_as_several_is_no_number(words: str, expected: str | None) -> None:
    """A number is read as a whole, or not at all."""
    assert digits(words) == expected


def test_a_run_of_number_words_takes_linear_time() -> None:
    """However many words stand in a row, they are gone through once."""
    text = "two and " * 20_000
    assert WORDS(text, Random(0)) == text
