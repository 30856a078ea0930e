"""Perturbations that change labels turn a text as a whole, or leave it alone."""

from __future__ import annotations

from random import Random

import pytest

from pytest_ood.perturbations import find
from pytest_ood.perturbations._clauses import NEGATIONS, evaluating, is_clear, tokens
from pytest_ood.perturbations._sentiment import BLAME, PRAISE, evaluates
from pytest_ood.perturbations.antonyms import (
    _ADJECTIVE,
    _FEELING,
    _MANNER,
    _NOUN,
    _SUPERLATIVE,
)
from pytest_ood.perturbations.protection import Protection

NAMES = ("affirm", "antonyms", "negate")
TWO = {
    "affirm": "The film is not good and the actors are not funny.",
    "antonyms": "The film is good and the actors are funny.",
    "negate": "The film is good and the actors are funny.",
}


@pytest.mark.parametrize("name", NAMES)
def test_a_share_of_the_edits_is_never_made(name: str) -> None:
    """Half of a text turned would not have the other label: any share but 0 turns all of it."""
    change = find(name)
    for share in (0.01, 0.5, 1.0):
        assert len(change.with_parameters(share=share).edits(TWO[name], Random(0))) == 2
    assert change.at(0)(TWO[name], Random(0)) == TWO[name]


@pytest.mark.parametrize("name", NAMES)
def test_a_text_with_a_protected_word_to_turn_is_left_alone(name: str) -> None:
    """Where one of the words may not be touched, none is."""
    kept = find(name).keeping(Protection(patterns=("not funny|are|funny",)))
    assert kept(TWO[name], Random(0)) == TWO[name]
    elsewhere = find(name).keeping(Protection(patterns=("actors",)))
    assert elsewhere(TWO[name], Random(0)) != TWO[name]


def test_every_antonym_counts_as_evaluating() -> None:
    """A word that is replaced, or put in, is one that the other generators see as well."""
    tables = (_ADJECTIVE, _NOUN, _SUPERLATIVE, _MANNER, _FEELING)
    words = {word for table in tables for one, others in table.items() for word in (one, *others)}
    assert [word for word in sorted(words) if not evaluates(word)] == []


def test_no_word_praises_and_blames() -> None:
    """The two lists of adjectives have nothing in common."""
    assert not PRAISE & BLAME


@pytest.mark.parametrize(
    "text",
    [
        "It is good.",
        "The film isn't dull.",
        "I loved it!",
        "it 's a lovely film .",
        "CAN'T RECOMMEND",
    ],
)
def test_tokens_lie_where_they_say(text: str) -> None:
    """A token is the piece of the text between its start and its end."""
    for token in tokens(text):
        assert text[token.start : token.end] == token.written
        assert token.word == token.written.lower()


def test_contractions_are_taken_apart() -> None:
    """Whichever way they are written, the negation is a token of its own."""
    for text in ("it isn't", "it is n't", "it isn\u2019t"):
        assert [token.word for token in tokens(text)] == ["it", "is", "n't"]
    assert [token.word for token in tokens("cannot")] == ["can", "not"]
    assert "not" in NEGATIONS


@pytest.mark.parametrize(
    ("word", "expected"),
    [("good", True), ("unfunny", True), ("beautifully", True), ("dullest", True),
     ("pointless", True), ("feel-good", True), ("self-indulgent", True), ("number", False),
     ("paper", False), ("thriller", False), ("wireless", False), ("film", False)],
)  # fmt: skip
def test_words_are_known_by_what_they_are_derived_from(word: str, *, expected: bool) -> None:
    """Endings, prefixes and hyphens lead to a word of the lists; a likeness alone does not."""
    assert evaluates(word) is expected


@pytest.mark.parametrize(
    "text",
    ["Is it good?", "It is good :)", "It is good, though long.", 'He said "it is good".',
     "Das ist super.", "if x == good", "It could be good.", "Enjoy the good food.",
     "\u042d\u0442\u043e good."],
)  # fmt: skip
def test_what_leads_astray_is_not_clear(text: str) -> None:
    """Questions, emoticons, contrasts, quotations, other languages, code, wishes, requests."""
    assert not is_clear(text, tokens(text))


def test_evaluating_words_are_found_but_not_in_idioms() -> None:
    """What "kind of" stands before may evaluate, and "kind of" does not."""
    text = "a kind of good film"
    assert [tokens(text)[index].word for index in evaluating(text, tokens(text))] == ["good"]
