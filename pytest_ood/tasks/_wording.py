"""How answers are announced in languages other than English: "the answer is".

The words are facts of each language (`Language.announcement`).
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_ood.languages import Language


_MARKUP = r"[\s*_`~]*+"
_BRACKETS = r"(?:\([^()\n]{0,100}+\)|\[[^\[\]\n]{0,100}+\])"
_PHRASE = (
    r"[^.,;:!?()\[\]\n\d=\u2026\u3001\u3002\uff0c\uff1a\uff01\uff1f\u0964\u060c\u061f\u06d4]{0,40}?"
)
"""What may stand between "answer" and its verb, such as "to the question"."""
_COLON = "[:\uff1a]"
_STOPS = "!.\u3002\uff0e\uff01\u0964\u06d4"


@cache
def number_announced(language: Language) -> re.Pattern[str] | None:
    """Return what matches the words before a number that is the answer; None if none are known."""
    wording = language.announcement
    if wording is None:
        return None
    # After a bare colon a whole chain of thought may follow: only a number at once is an answer.
    bare = rf"{_MARKUP}{_COLON}(?=\W{{0,20}}\d)"
    if wording.at_once:
        bare += r"|\s[*_`]{0,3}(?=\W{0,3}\d)"
    return re.compile(
        rf"{_boundary(language)}(?:{wording.noun})(?:{_MARKUP}{_BRACKETS})?"
        rf"(?:{_PHRASE}(?:{wording.verb})|{bare})",
        re.IGNORECASE,
    )


@cache
def words_announced(language: Language) -> re.Pattern[str] | None:
    """Return what matches the words at the start of a line before an answer in words, or None."""
    wording = language.announcement
    if wording is None:
        return None
    # "The correct" before the noun; without spaces between words as many characters.
    before = r"(?:[^\s:.!?]{1,15}\s){0,2}?" if language.script.spaced else r"[^\W\d_]{0,5}?"
    return re.compile(
        rf"{before}(?:{wording.noun})[*_`]{{0,3}}"
        rf"(?:\s?{_COLON}|\s?(?:{wording.verb})\s?{_COLON}?)",
        re.IGNORECASE,
    )


@cache
def end_of_words(language: Language) -> re.Pattern[str] | None:
    """Return what matches the verb, and the full stop, behind an announced answer, or None."""
    wording = language.announcement
    if wording is None or not wording.end:
        return None
    return re.compile(rf"(?:{wording.end})[{_STOPS}]?\Z")


@cache
def minus(language: Language) -> re.Pattern[str] | None:
    """Return what matches a minus as a word, the text before it in the group `before`, or None.

    The word is none between two terms.
    """
    wording = language.announcement
    if wording is None or not wording.minus:
        return None
    return re.compile(
        rf"(?P<before>(?:\A|[=:({{\n]|(?:{wording.verb}))[\s*_`]{{0,4}})"
        rf"(?:{wording.minus})\s?(?=\.?\d)",
        re.IGNORECASE,
    )


def _boundary(language: Language) -> str:
    return r"(?<!\w)" if language.script.spaced else ""
