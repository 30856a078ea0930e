"""Speech: what a recogniser writes and mishears, and what a speaker says besides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.data.edits import Edit
from pytest_ood.languages import ANY, ENGLISH, having, spaced
from pytest_ood.perturbations._capitals import lower
from pytest_ood.perturbations._cardinals import is_number_word
from pytest_ood.perturbations._english import in_english
from pytest_ood.perturbations._literals import CODE, EMOTICON, HANDLE, NUMBER, URL
from pytest_ood.perturbations._local import finder, word_starts_in
from pytest_ood.perturbations._local_lexicons import lexicon, local_lexicon
from pytest_ood.perturbations._words import WORD, WORD_START, Lexicon, number_word
from pytest_ood.perturbations.protocol import perturbation, site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_SOUND_ALIKE = (
    "their there they're",
    "your you're",
    "its it's",
    "to too two",
    "four for",
    "here hear",
    "know no",
    "new knew",
    "right write",
    "one won",
    "see sea",
    "buy by bye",
    "whole hole",
    "week weak",
    "wear where",
    "which witch",
    "would wood",
    "be bee",
    "son sun",
    "our hour",
    "great grate",
    "made maid",
    "meet meat",
    "piece peace",
    "plain plane",
    "rain reign rein",
    "road rode",
    "role roll",
    "sail sale",
    "scene seen",
    "sight site cite",
    "some sum",
    "steal steel",
    "tale tail",
    "through threw",
    "wait weight",
    "way weigh",
    "weather whether",
    "whose who's",
    "flower flour",
    "break brake",
    "cast caste",
    "cell sell",
    "dear deer",
    "die dye",
    "fair fare",
    "feat feet",
    "find fined",
    "heard herd",
    "him hymn",
    "hi high",
    "male mail",
    "morning mourning",
    "night knight",
    "pair pear",
    "past passed",
    "pour poor",
    "real reel",
    "sole soul",
    "stair stare",
    "sweet suite",
    "than then",
    "waist waste",
    "war wore",
    "board bored",
    "course coarse",
    "main mane",
    "lead led",
    "least leased",
    "lesson lessen",
    "loan lone",
    "oh owe",
    "principal principle",
)
_FILLERS = ("um", "uh", "like", "you know", "er", "well", "I mean", "so")
_REPEATED = re.compile(r"(?<!\S)(?:[iI]|[a-z]{2,4})(?= [a-zA-Z])")


def _short_words(language: Language) -> Callable[[str], Iterator[Match[str]]]:
    """Return a function from a text to its short words without capitals, before another word."""
    letter = rf"(?=\p{{L}})[{language.script.letter}]"
    return finder(
        rf"(?<!\S)(?:(?={letter})(?!\p{{Lu}})\X){{2,4}}(?= {letter})(?<![\p{{P}}\p{{N}}])"
    )


def _homophones() -> dict[str, list[str]]:
    """Return the words that sound alike, by word.

    A negation is never written as another word, and no word as a negation or a number.
    """
    groups = [group.split() for group in _SOUND_ALIKE]
    others = {
        word: [o for o in group if o not in (word, "no") and not is_number_word(o)]
        for group in groups
        for word in group
    }
    return {word: homophones for word, homophones in others.items() if homophones and word != "no"}


_HOMOPHONES = Lexicon(_homophones())


@site_perturbation(
    local_lexicon(in_english(_HOMOPHONES), "homophones"),
    version=3,
    languages=having("homophones"),
    source="LangTest 2.0 (John Snow Labs), robustness: speech to text typos",
    example="Their new role was great to see, which one would know by the whole scene here.",
)
def homophones(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a word that sounds the same."""
    english = language.code == ENGLISH.code
    sounding = _HOMOPHONES if english else lexicon(language, "homophones")
    return rng.choice(sounding.options(word.group()))


@site_perturbation(
    LocalSites(in_english(WORD_START), word_starts_in),
    version=2,
    languages=having("fillers"),
    source="Liang et al. 2022 (HELM), appendix D.1 (filler words)",
    scale=(0.04, 0.08, 0.15, 0.25, 0.4),
)
def fillers(gap: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a filler word before a word."""
    del gap
    if language.code == ENGLISH.code:
        return rng.choice(_FILLERS) + " "
    # Where no space separates words, a comma does.
    script = language.script
    return rng.choice(language.fillers) + (script.sentence_gap or script.comma)


@site_perturbation(
    LocalSites(_REPEATED, _short_words),
    source="Dhole et al. 2021 (NL-Augmenter), speech disfluency",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    languages=spaced,
)
def disfluency(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Begin a short word twice, as a speaker who is looking for the next."""
    del rng
    written = word.group()
    again = written if written == "I" else written.lower()
    return f"{written}{language.script.comma}{again}"


_STOPS = (
    '.,;:!?"(){}<>*_~|/`\\[\\]\\\\\u2010-\u2015\u2026\u201c-\u201f\u00ab\u00bb\u2039\u203a\u00bf\u00a1'
    "\u0964\u0965\u05be\u060c\u061b\u061f\u06d4\u3001\u3002\u3008-\u3011\uff01\uff08\uff09\uff0c\uff1a\uff1b\uff1f-"
)
"""Marks that nobody says."""
_MONEY = "$\u20ac\u00a3\u00a5"
_FEET = "'\u2032"
_INCHES = '"\u2033'
_SPOKEN = re.compile(
    rf"(?P<literal> ?(?:{CODE}|{URL}|{HANDLE}|{EMOTICON}))"
    # A number by itself: no part of an amount, a calculation, a measure or a longer number.
    rf"|(?P<count>(?<![\w.,:/#=+{_MONEY}{_FEET}\u2212-])(?<!\d[ )])(?<![{_MONEY}] )[0-9]{{1,3}}"
    rf"(?![\w%\u2030\u00b0=+{_MONEY}{_FEET}{_INCHES}]|[.,:/\u2013-][0-9]|\s[%\u20ac]"
    r"|[ )]+\(?[0-9]))"
    # Telephone numbers, versions (v1.2), other numbers, feet and inches.
    r"|(?P<number>\+[0-9]{1,3}(?:[ -]?\(?[0-9]{2,4}\)?){2,5}"
    r"|\([0-9]{2,5}\)[ -]?[0-9]{2,4}(?:[ -][0-9]{2,6}){0,3}"
    r"|(?<!\w)[^\W\d_]{1,3}[0-9]+(?:[.,:/-][0-9]+)+"
    rf"|(?:{NUMBER})"
    rf"(?:(?:(?<=[{_FEET}]\d)|(?<=[{_FEET}]\d\d))[{_INCHES}]|[{_INCHES}{_FEET}](?=\s\w))?)"
    r"|(?P<initials>(?<!\w)(?:[^\W\d_]\.){2,})"
    # Names of companies and languages (R&D, C++) have marks in them.
    rf"|(?P<word>[^\W\d_]+(?:&[^\W\d_]+|\+\+|#(?!\w))|{WORD.pattern})"
    rf"|(?P<mark>(?<=\S) [{_STOPS}]+(?=\s|\Z)|[{_STOPS}]+)"
    r"|(?P<gap>(?<=\S) (?=[A-Za-z]))"
)
_SPOKEN_ANYWHERE = re.compile(_SPOKEN.pattern.replace("(?=[A-Za-z])", r"(?=[^\W\d_])"))
"""The same in languages other than English: before letters of any script is a gap."""
_ENGLISH = re.compile(
    r"\b(?:the|and|they|you|she|it|with|this|that|were|but|there|what|how|has|have|my)\b",
    re.IGNORECASE,
)
"""Words by which a text is known to be English: numbers are said in no other language."""


@perturbation(
    source="LangTest 2.0, robustness: speech to text; Gupta et al. 2021 (ASR-like text)",
    kind="register",
    version=3,
    languages=ANY,
    example="Well, I saw 2 films -- both GREAT, honestly! -- and 14 others; they weren't.",
)
def transcript(
    text: str, rng: Random, *, fillers: float = 0.05, language: Language = ENGLISH
) -> list[Edit]:
    """Write a text as a speech recogniser does: no capitals, no marks, small numbers as words.

    What has to be read as it stands (amounts, times, dates, addresses, handles, emoji) stays.
    """
    if not WORD.search(text):
        return []
    local = language.code != ENGLISH.code
    is_english = not local and _ENGLISH.search(text) is not None
    dotted = language.has_dotted_i
    edits = []
    for match in (_SPOKEN_ANYWHERE if local else _SPOKEN).finditer(text):
        kind, piece = match.lastgroup, match.group()
        if kind == "count" and is_english:
            spoken = number_word(int(piece))
        elif kind == "word":
            spoken = lower(piece, dotted=dotted)
        elif kind == "initials":
            spoken = lower(piece.replace(".", " ").strip(), dotted=dotted)
        elif kind == "mark":
            parts = match.start() > 0 and match.end() < len(text)
            near = text[match.start() - 1 : match.start()] + text[match.end() : match.end() + 1]
            spoken = " " if parts and not re.search(r"\s", near + piece) else ""
        elif kind == "gap" and is_english and rng.random() < fillers:
            spoken = " uh "
        elif kind == "gap" and local and language.fillers and rng.random() < fillers:
            spoken = f" {language.fillers[0]} "
        else:
            spoken = piece
        if spoken != piece:
            edits.append(Edit(*match.span(), piece, spoken))
    return edits
