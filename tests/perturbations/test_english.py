"""Which parts of a text are in English, and which are code, addresses or tags."""

from __future__ import annotations

import re
from random import Random

import pytest

from pytest_ood.perturbations import find
from pytest_ood.perturbations._english import (
    begins_sentence,
    code_spans,
    english_spans,
    is_english,
    is_name,
)

ENGLISH = [
    "It is a great film.",
    "great film",
    "the café was clichéd but very nice",
    "I saw Das Boot.",
    "it 's n't a bad movie .",
    "boring man",
    "OMG this is soooo good 😂",
    "Amélie is a lovely film.",
    "",
]
OTHERS = {
    "German": "Die Musik war also gut, und das Kind hat ein Gift.",
    "French": "On dit que c'est un bon film, mais le pain est cher.",
    "Spanish": "No me gusta la película, es muy mala.",
    "Italian": "Non mi piace questo film, ma la musica è bella.",
    "Portuguese": "Eu não gosto do filme, mas ele é bom.",
    "Dutch": "Het is een goede film, maar niet voor mij.",
    "Turkish": "Bu film çok kötü ve ben sevmedim.",
    "Polish": "Nie chcę tego robić, bo to jest złe.",
    "Russian": "Это очень хороший фильм.",
    "Arabic": "هذا الفيلم جيد جدا.",
    "Hindi": "यह फ़िल्म अच्छी नहीं थी।",
    "Thai": "ฉันชอบหนังเรื่องนี้มาก",
    "Chinese": "这部电影很好看。",
    "Japanese": "この映画はとても面白いです。",
    "Korean": "이 영화는 정말 재미있어요.",
}
REWRITERS = [
    "abbreviate", "american-spelling", "archaic", "british-spelling", "change-names",
    "change-places", "contract", "date-format", "digits-to-words", "expand", "fillers", "formal",
    "homophones", "misspelling", "social-media", "words-to-digits", "write-out",
]  # fmt: skip
ENGLISH_WORDS = (
    " It is 3 to two, don't you see the color of Sarah and Berlin on 5 April 2004 with TV & maybe",
    " 3 two color colour Sarah Berlin",
)


@pytest.mark.parametrize("text", ENGLISH)
def test_english_is_found(text: str) -> None:
    """Short texts, messages, and English with foreign words and names."""
    assert is_english(text)


@pytest.mark.parametrize("language", OTHERS)
def test_other_languages_are_not_english(language: str) -> None:
    """Also where their words are English words, too."""
    assert not is_english(OTHERS[language])
    assert english_spans(OTHERS[language]) == []


@pytest.mark.parametrize("name", REWRITERS)
@pytest.mark.parametrize("language", OTHERS)
def test_other_languages_stay_byte_for_byte(name: str, language: str) -> None:
    """Whatever rewrites English leaves other languages alone, with names and numbers in them."""
    generator = find(name).with_parameters(share=1.0)
    text = OTHERS[language]
    assert generator(text, Random(0)) == text
    mixed = text.rstrip(".。।") + ENGLISH_WORDS[1]
    assert generator(mixed, Random(0)) == mixed


def test_sentences_are_told_apart() -> None:
    """In a text of two languages the English sentences are English."""
    text = "It is not good. Das war nicht gut. I don't like it!"
    spans = [text[start:end].strip() for start, end in english_spans(text)]
    assert spans == ["It is not good.", "I don't like it!"]


CODE = """
https://color.com/a?b=c www.color.com color@example.org @color #color $COLOR self.color color.css
/usr/color src/color/x ~/color color_name getColor color() --color -color color="red" &amp; a\\color
"""
PROSE = "and/or e.g. U.S. it's R&D good...bad movie(s) 5/10 well-known don't $5 (color) color, w/o"


@pytest.mark.parametrize("token", CODE.split())
def test_code_is_no_prose(token: str) -> None:
    """Addresses, handles, tags, paths, identifiers, calls, options."""
    text = f"The {token} here"
    assert [text[start:end] for start, end in code_spans(text)] == [token]


@pytest.mark.parametrize("token", PROSE.split())
def test_prose_is_no_code(token: str) -> None:
    """Abbreviations, marks, sums of money and words in brackets are prose."""
    assert code_spans(f"The {token} here") == []


@pytest.mark.parametrize(
    ("text", "word", "expected"),
    [
        ("We saw Pearl Harbor.", "Harbor", True),
        ("Pearl Harbor is a film.", "Pearl", True),
        ("Color is all.", "Color", False),
        ("The color.", "color", False),
        ("MY COLOR IS RED", "COLOR", False),
        ("my COLOR is red", "COLOR", True),
        ("It ended. Color was all.", "Color", False),
    ],
)
def test_capitals_make_names(text: str, word: str, expected: bool) -> None:  # noqa: FBT001 - a table
    """A capital inside a sentence, or before another; not at its beginning or among capitals."""
    match = next(re.finditer(word, text))
    assert is_name(match) is expected


def test_a_sentence_begins_after_its_end_or_a_quotation_mark() -> None:
    """Not after a comma or an abbreviation's neighbour."""
    text = 'One two. Three, four "five six"'
    assert [m[0] for m in re.finditer(r"\w+", text) if begins_sentence(m)] == [
        "One",
        "Three",
        "five",
    ]
