"""The indefinite article of English: "a" or "an", as the sound of the next word asks for it."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterable

_AHEAD = 40
"""Characters of the following text that decide: longer than what any rule looks at."""

_WORD = re.compile(r"[^\w]*([^\W_]+(?:[.\u2019'-][^\W_]+)*)")
_EIGHT_OR_TEEN = re.compile(r"8|1[18](?:(?!\d|,\d)|\d\d(?!\d|,\d)|(?:,?\d{3})+(?!\d))")
"""Eight, eleven and eighteen, of thousands and of centuries too: an 1850s house."""

_CONSONANT_SOUND = re.compile(
    r"one(?:s|ness|self)?(?![a-z])|once(?![a-z])|ouija|e(?:u|we(?:r|s)?(?![a-z]))"
    r"|u(?:[^a-z]|$)|unesco|uefa"
    r"|uni(?!n|m(?!od)|d(?!irec)|ll|gn|r|ss|kn)|us(?:[aeu]|(?![a-z]))|ut(?:[aei]|op)"
    r"|ur(?:an|[eiou])|ubiq|uk|ug(?:and|ar|r)|ufo|uvula"
)
"""Written with a vowel first, spoken with a consonant (of "year" or "wonder")."""

_VOWEL_SOUND = re.compile(r"[aeio\u0153\u00e6u]|hour|honest|honou?r|heir|y[bcdflmnprtv]")
_SPOKEN_VOWEL_LETTERS = frozenset("AEFHILMNORSX")
"""Letters whose names begin with a vowel: an FBI agent, an X-ray."""

_EITHER_WAY = re.compile(r"herb|homage|histor(?:ic|ian)|hotel|habitual|hallucinat|hereditar|urls?$")
"""Words before which both articles are in use: the one of the text is right."""

_SPOKEN_AS_WORDS = (
    "AIDS ASCII BAFTA CAD CERN COVID DARPA DOS FEMA FIFA FOMO GIF HIPAA IKEA JPEG LAN LASER MENSA "
    "MIDI MOMA NAFTA NAS NASA NASCAR NATO NIMBY OPEC OSHA PIN POTUS RADAR RAID RAM REST ROM SAAS "
    "SARS SCOTUS SCUBA SETI SIM SONAR SWAT UEFA UNESCO UNICEF WASP YOLO ZIP"
)
_ACRONYMS = frozenset(_SPOKEN_AS_WORDS.split())
"""Acronyms that are spoken as words."""

_LONGEST_INITIALISM = 5
_ARTICLE = re.compile(r"(?<![\w'\u2019.&/+-])([Aa][Nn]?)(\s{1,8})\Z")
_AND = re.compile(r"[&+/,]|(?:and|or)(?!\w)", re.IGNORECASE)
"""Matches words that have no article before them, but may have a letter."""

_AFTER_A_WORD = re.compile(r"[a-z0-9] \Z")


def article(following: str, *, shouted: bool = False) -> str | None:
    """Return the article before a text that begins with a word: "a" or "an".

    Args:
        following: The word, or all that follows. Quotation marks and brackets before it are
            skipped.
        shouted: Whether a word in capitals is a word like others, and no initialism.

    Returns:
        None where writers differ ("a historic", "an historic"), or no word follows.
    """
    match = _WORD.match(following[:_AHEAD])
    if match is None:
        return None
    word = match[1]
    if word[0].isdigit():
        return "an" if _EIGHT_OR_TEEN.match(word) else "a"
    if not shouted and _is_spelled_out(word):
        return "an" if word[0] in _SPOKEN_VOWEL_LETTERS else "a"
    plain = _without_accents(word).lower()
    if _EITHER_WAY.match(plain):
        return None
    return "an" if _VOWEL_SOUND.match(plain) and not _CONSONANT_SOUND.match(plain) else "a"


def with_articles(text: str, edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return edits of an English text that change the article before a word along with the word.

    An edit after which "a" or "an" does not fit any longer is extended to the article, so that
    undoing the edit undoes this as well. An article that did not fit before is left alone.

    Args:
        text: The original.
        edits: In order and without overlaps.
    """
    agreed: list[Edit] = []
    end = 0
    for edit in edits:
        agreed.append(_extended(text, edit, end))
        end = edit.end
    return tuple(agreed)


def _extended(text: str, edit: Edit, end_of_last: int) -> Edit:
    """Return an edit, or the edit of the article and the word where the article has to change."""
    match = _ARTICLE.search(text, max(end_of_last, edit.start - 10), edit.start)
    if match is None:
        return edit
    written = match[1]
    rest = text[edit.end : edit.end + _AHEAD]
    shouted = edit.before.isupper() and edit.after.isupper()
    is_letter = _AFTER_A_WORD.search(text, max(0, match.start() - 2), match.start())
    if written == "A" and is_letter and not shouted:
        return edit  # "vitamin A", "plan A"
    if _AND.match(edit.before):
        return edit  # "sections a & b"
    before = article(text[edit.start : edit.start + _AHEAD], shouted=shouted)
    needed = article(edit.after + rest, shouted=shouted)
    fitted = before in (None, written.lower())
    if not fitted or needed in (None, written.lower()):
        return edit
    if written == "AN" or (written == "A" and shouted and (is_letter or rest == rest.upper())):
        needed = needed.upper()
    elif written[0].isupper():
        needed = needed.capitalize()
    return Edit(
        match.start(), edit.end, text[match.start() : edit.end], needed + match[2] + edit.after
    )


def _is_spelled_out(word: str) -> bool:
    """Return whether a word is read letter by letter: X-ray, FBI's, MP3, but not NASA."""
    letters = re.match(r"[A-Za-z]+", word)
    if letters is None or word[0] != word[0].upper():
        return letters is not None and len(letters[0]) == 1 and len(word) > 1
    first = letters[0].removesuffix("s") if len(letters[0]) > 2 else letters[0]  # noqa: PLR2004 - "As" and "Is" are words
    return first.isupper() and len(first) <= _LONGEST_INITIALISM and first not in _ACRONYMS


def _without_accents(word: str) -> str:
    return "".join(c for c in normalized("NFD", word) if not unicodedata.combining(c))
