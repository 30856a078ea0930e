"""Protected spans: where numbers, addresses and answers stand, and that no word becomes one."""

from __future__ import annotations

import re
from random import Random

import pytest

from pytest_ood.data.edits import Edit
from pytest_ood.data.examples import Example
from pytest_ood.errors import ConfigurationError
from pytest_ood.languages import find_language
from pytest_ood.perturbations import Generator, catalogue, find
from pytest_ood.perturbations._literals import is_number
from pytest_ood.perturbations.protection import Protection, parse_protection
from pytest_ood.shifts import NoiseShift

NUMBERS = Protection(kinds=("numbers",))


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("11 pens and buys 10", ["11", "10"]),
        ("It costs $1,299.99, or 50% less.", ["$1,299.99", "50%"]),
        ("two hundred and five people", ["two hundred and five"]),
        ("twenty-five or 20 000", ["twenty-five", "20 000"]),
        ("What is (3 + 4) * 2?", ["(3 + 4) * 2"]),
        ("3x - 2y = 7", ["3x - 2y = 7"]),
        ("at 10:30 on 3/4/2020", ["10:30", "3/4/2020"]),
        ("-5 degrees, 1/2 cup, 1 1/2 cups", ["-5", "1/2", "1 1/2"]),
        ("the 5th of the 1990s, x2, 5kg", ["5th", "1990s, x2, 5kg"]),
        ("\u00bd of them, a dozen, twice, half", ["\u00bd", "dozen, twice, half"]),
        ("他有三十个苹果和12个梨", ["三十", "12"]),
        ("None of us was often lonely.", ["None"]),
        ("someone attended the tenth", ["tenth"]),
        ("no pens", []),
        ("Chapter II and part XIV, MCMXC, act V", ["II", "XIV, MCMXC", "V"]),
        ("I saw part I, a MILD LCD IIII and X.", []),
    ],
)
def test_numbers_are_protected_with_what_belongs_to_them(text: str, spans: list[str]) -> None:
    """Signs, units that touch, operators between numbers and number words belong to a number."""
    assert [text[start:end] for start, end in NUMBERS.spans(text)] == spans


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("see https://x.org/a?b=1.", "https://x.org/a?b=1"),
        ("mail a.b+c@d-e.org, please", "a.b+c@d-e.org"),
        ("www.x.org", "www.x.org"),
    ],
)
def test_addresses_are_protected(text: str, span: str) -> None:
    """A web address, and one for mail."""
    ((start, end),) = Protection(kinds=("urls",)).spans(text)
    assert text[start:end] == span


@pytest.mark.parametrize(
    ("before", "after"), [("to", "two"), ("to", "2"), ("I", "1"), ("won", "One"), ("so", "50")]
)
def test_no_word_becomes_a_number(before: str, after: str) -> None:
    """An edit that makes a number of another word is left out where numbers are protected."""
    text = f"He and {before} go."
    edits = [Edit(0, 2, "He", "Hee"), Edit(7, 7 + len(before), before, after)]
    assert NUMBERS.admitted(text, edits) == (edits[0],)
    assert Protection(kinds=("urls",)).admitted(text, edits) == tuple(edits)


def test_what_is_added_beside_a_text_may_have_numbers() -> None:
    """A sentence about something else changes no number, but a digit inside a word may."""
    edits = [Edit(3, 4, "o", "0"), Edit(4, 5, "o", "u"), Edit(8, 8, "", " It is 5.")]
    assert NUMBERS.admitted("A good x", edits) == tuple(edits[1:])


SUM = (
    "Paul has 11 pens and twelve pencils. He won four more, then buys 10 for $2.50 each to share "
    "with two friends at 10:30. How many pens does he have, one by one?"
)


@pytest.mark.parametrize(
    "change",
    [
        change
        for change in catalogue().values()
        if not change.models and "numbers" not in change.rewrites
    ],
    ids=lambda change: change.name,
)
def test_noise_leaves_the_numbers_of_a_question_alone(change: Generator) -> None:
    """Whatever the generator, the numbers of a question are the same, and there are no others."""

    def numbers(text: str) -> list[str]:
        return [
            word for word in re.findall(r"\w+", text) if is_number(word) or "0" <= word[0] <= "9"
        ]

    kept = change.keeping(NUMBERS)
    for seed in range(20):
        for severity in (3, 5):
            if not change.needs_fields:
                assert numbers(kept.at(severity)(SUM, Random(seed))) == numbers(SUM)


def test_right_answers_are_protected_example_by_example() -> None:
    """Where an answer stands in the passage it stays, of each example its own."""
    change = find("swap").with_parameters(share=1.0).keeping(Protection(answers=True))
    passages = [
        Example("1", {"question": "Which capital?", "context": "The capital is Bucharest."},
                "Bucharest", ("the capital",)),
        Example("2", {"question": "Which?", "context": "Neither Bucharest nor Helsinki."},
                "Helsinki"),
    ]  # fmt: skip
    first, second = NoiseShift("swap", change).apply(passages, 0).inputs
    assert isinstance(first, dict)
    assert isinstance(second, dict)
    assert first["context"] == "The capital is Bucharest."
    assert first["question"] != "Which capital?"
    assert "Helsinki" in second["context"]
    assert "Bucharest" not in second["context"]


@pytest.mark.parametrize(
    ("text", "spans"),
    [
        ("Rome, ROME and Romeo", ["Rome", "ROME"]),
        # No spaces between words, and endings of Korean.
        ("\u5728Rome\u7684\u6771\u4eac\u90fd", ["Rome", "\u6771\u4eac"]),
        ("Rome\uc5d0\uc11c", ["Rome"]),
    ],
)
def test_answers_are_protected_as_whole_words(text: str, spans: list[str]) -> None:
    """In scripts without spaces a word ends where another one begins."""
    protection = Protection(answers=True).with_answers(["Rome", "\u6771\u4eac"])
    assert [text[start:end] for start, end in protection.spans(text)] == spans


def test_answers_are_read_from_a_list() -> None:
    """`answers` is a name of its own, and a wrong name is told the right ones."""
    assert parse_protection(["urls", "answers"], ()) == Protection(kinds=("urls",), answers=True)
    assert Protection(kinds=("urls",), answers=True).fingerprint == "answers, urls"
    with pytest.raises(
        ConfigurationError, match=r"Did you mean 'answers'.*answers, code, entities"
    ):
        parse_protection(["answer"], ())


@pytest.mark.parametrize(
    ("tag", "text", "protected"),
    [
        (
            "de",
            "Wir sahen zweiundzwanzig Filme, 1.250 Bilder.",
            ["zweiundzwanzig", "1.250"],
        ),
        ("es", "Tengo treinta y cinco libros.", ["treinta y cinco"]),
        ("ru", "Я видел двадцать фильмов.", ["двадцать"]),
        ("el", "Είδα 25 ταινίες.", ["25"]),
    ],
)
def test_words_for_numbers_are_those_of_the_language(
    tag: str, text: str, protected: list[str]
) -> None:
    """Numbers in words are protected in the language of the text, as in English."""
    spans = Protection(kinds=("numbers",)).spans(text, find_language(tag))
    assert [text[start:end] for start, end in spans] == protected
