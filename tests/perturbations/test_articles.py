"""The indefinite article follows the word that an edit puts after it."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_ood.data.edits import Edit, apply_edits
from pytest_ood.perturbations import perturbation
from pytest_ood.perturbations._articles import article, with_articles
from pytest_ood.perturbations.protection import Protection

AN = """
hour hourly honest heir heirloom honor awful élite Über umbrella usher urge urban uncle ugly upset
utter unimportant uninteresting unidentified unhappy Egyptian Indian Ypres onerous only 8 80-year 11
11,000 11-year-old 18th 1850s FBI X-ray MP3 NBA HBO SUV L-shaped F1 “awful (old #awful
"""
A = """
university unique unit union's unilateral unidirectional united European euro eulogy ewe useful user
usual utopian uranium Ukrainian ukulele one once-great one-hit ouija history hero yellow UFO US UK
U-turn US-made NASA NATO UNESCO UEFA 1 7 100 110 180 1,100 1,800 “great
"""


@pytest.mark.parametrize("word", AN.split())
def test_an_stands_before_a_vowel_that_is_heard(word: str) -> None:
    """The sound counts: of letters read one by one, of numbers, of a silent h."""
    assert article(word) == "an"


@pytest.mark.parametrize("word", A.split())
def test_a_stands_before_a_consonant_that_is_heard(word: str) -> None:
    """The sound counts, whatever the first letter is."""
    assert article(word) == "a"


@pytest.mark.parametrize("word", ["historic", "herb", "", "...", "\U0001f600"])
def test_where_writers_differ_or_no_word_follows_there_is_no_answer(word: str) -> None:
    """What stands there is right."""
    assert article(word) is None


@pytest.mark.parametrize(
    ("text", "before", "after", "expected"),
    [
        ("an awful film", "awful", "great", "a great film"),
        ("A great film", "great", "awful", "An awful film"),
        ("AN AWFUL FILM", "AWFUL", "GREAT", "A GREAT FILM"),
        ("A GREAT FILM", "GREAT", "AWFUL", "AN AWFUL FILM"),
        ("It was A GREAT film", "GREAT", "AWFUL", "It was AN AWFUL film"),
        ("Such a  “great” film", "great", "awful", "Such a  “awful” film"),
        ("a UK film", "UK", "Irish", "an Irish film"),
        ("a useful tip", "useful", "old", "an old tip"),
        ("a great film", "great", "historic", "a historic film"),
        ("a great offer", "great ", "", "an offer"),
        ("vitamin A great", "great", "awful", "vitamin A awful"),
        ("an historic film", "historic", "great", "a great film"),
        ("an great film", "great", "awful", "an awful film"),
        ("the great film", "great", "awful", "the awful film"),
        ("Anna great", "great", "awful", "Anna awful"),
        ("at 9 a.m. a great film", "great", "awful", "at 9 a.m. an awful film"),
    ],
)
def test_the_article_before_an_edit_fits(text: str, before: str, after: str, expected: str) -> None:
    """An article that fitted still fits; what was wrong, or is no article, stays."""
    start = text.index(before)
    edits = with_articles(text, (Edit(start, start + len(before), before, after),))
    assert apply_edits(text, edits) == expected


def test_an_edit_and_its_article_are_one_edit() -> None:
    """Whoever undoes the edit undoes the article."""
    edits = with_articles("an awful, a fine film", (Edit(3, 8, "awful", "great"),))
    assert edits == (Edit(0, 8, "an awful", "a great"),)


@pytest.mark.slow
@given(text=st.text("aAnN .great'\u2019\n8", max_size=30), data=st.data())
def test_edits_stay_edits_of_the_text(text: str, data: st.DataObject) -> None:
    """Whatever the text is, the edits are in order, without overlaps, and of this text."""
    spans = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pairs = zip(spans[::2], spans[1::2], strict=False)
    edits = [Edit(a, b, text[a:b], data.draw(st.sampled_from(["", "old", "new "])))
             for a, b in pairs]  # fmt: skip
    apply_edits(text, with_articles(text, edits))


def test_a_perturbation_that_is_declared_so_changes_articles() -> None:
    """A protected article keeps its word, and the word its article."""

    @perturbation(source="a test", articles=True)
    def ancient(text: str, rng: Random) -> str:
        del rng
        return text.replace("new", "ancient")

    assert ancient("a new film", Random(0)) == "an ancient film"
    kept = ancient.keeping(Protection(patterns=(r"\ba\b",)))
    assert kept("a new film, the new one", Random(0)) == "a new film, the ancient one"
