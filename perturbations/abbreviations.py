"""Abbreviations: words shortened as in notes and messages, or written out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, having
from pytest_ood.perturbations._cardinals import is_number_word
from pytest_ood.perturbations._english import in_english, word_before
from pytest_ood.perturbations._local_lexicons import lexicon, local_lexicon, reversed_lexicon
from pytest_ood.perturbations._rules import Rule, RuleLexicon
from pytest_ood.perturbations._words import Lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_COUNTED = (
    "few two three four five six seven eight nine ten fifteen twenty thirty "
    "forty ninety 1 2 3 4 5 6 7 8 9 "
    "10 12 15 20 25 30 40 45 50 60 70 80 90 100 110 120 many several"
)
_ABBREVIATE = RuleLexicon(
    {
        "and": Rule(("&",), not_before="<start>"),
        "with": Rule(("w/",)),
        "without": Rule(("w/o",)),
        "about": Rule(("abt",)),
        "versus": Rule(("vs.",)),
        "number": Rule(("no.",), after="1 2 3 4 5 6 7 8 9 10"),
        "minutes": Rule(("min",), before=_COUNTED),
        "hours": Rule(("hrs",)),
        "before": Rule(("b4",)),
        "because": Rule(("bc", "cuz"), not_after="of"),
        "for example": Rule(("e.g.",), after="<word> ,"),
        "that is to say": Rule(("i.e.",)),
        "and so on": Rule(("etc.",)),
        "as soon as possible": Rule(("asap",)),
        "by the way": Rule(("btw",), before="<start>"),
        "in my opinion": Rule(("imo",)),
        "in my humble opinion": Rule(("imho",)),
        "to be honest": Rule(("tbh",)),
        "as far as i know": Rule(("afaik",)),
        "approximately": Rule(("approx.",), after="<word>"),
        "especially": Rule(("esp.",), after="<word>"),
        "probably": Rule(("prob.", "prolly"), after="<word>"),
        "definitely": Rule(("def.",), after="<word>"),
        "really": Rule(("rly",)),
        "something": Rule(("smth",)),
        "people": Rule(("ppl",)),
        "please": Rule(("pls", "plz"), not_before="to n't not will would can could that and ever"),
        "thanks": Rule(("thx",)),
        "message": Rule(("msg",)),
        "department": Rule(("dept.",)),
        "government": Rule(("govt.",)),
        "television": Rule(("TV",)),
        "professor": Rule(("prof.",)),
        "information": Rule(("info",)),
        "original": Rule(("orig.",), after="<word>", not_after="and or in to of as for enough but"),
        "characters": Rule(("chars.",)),
        "favorite": Rule(("fave", "fav"), after="<word>"),
        "introduction": Rule(("intro",)),
        "advertisement": Rule(("ad",)),
    }
)
_ABBREVIATED_NAMES = Lexicon(
    {
        "united states": ("US", "U.S."),
        "united kingdom": ("UK", "U.K."),
        "european union": ("EU",),
        "new york": ("NY",),
        "los angeles": ("LA",),
        "doctor": ("Dr.",),
        "mister": ("Mr.",),
    }
)
_TITLES = frozenset(("doctor", "mister"))
_NAME_AFTER = re.compile(r"[ \t]+[A-Z]")
_ROLES = (
    "Dolittle|Doolittle|Doom|Dre|Ed|Evil|Faustus|Fate|Manhattan|No|Octopus|Oz|Phil|Seuss|Sleep"
    "|Strange|Strangelove|T|Who|Zhivago"
)
_ROLE_AFTER = re.compile(rf"[ \t]+(?:{_ROLES})(?!\w)")
"""Who always have their titles in one form: Doctor Who, Dr. No."""


_BEFORE_ERAS = "in century centuries millennium millennia circa ca"
_BEFORE_SIZES = "on a an the in size format of vitamin this that seat"
_SIZED = "paper size sized sheet sheets envelope envelopes format page pages pad"


def _is_no_era(match: Match[str]) -> bool:
    """Return whether no year precedes "bc"."""
    previous = word_before(match)
    return not (previous[:1].isdigit() or previous[-1:].isdigit() or is_number_word(previous))


# Only what is no word of its own, and stands for one thing.
_EXPAND = RuleLexicon(
    {
        "w/o": Rule(("without",)),
        "w/": Rule(("with",)),
        "vs.": Rule(("versus",)),
        "vs": Rule(("versus",)),
        "e.g.": Rule(("for example",), not_before="for"),
        "i.e.": Rule(("that is to say",), not_before="is"),
        "asap": Rule(("as soon as possible",)),
        "imo": Rule(("in my opinion",)),
        "imho": Rule(("in my humble opinion",)),
        "tbh": Rule(("to be honest",)),
        "btw": Rule(("by the way",)),
        "afaik": Rule(("as far as I know",)),
        "approx.": Rule(("approximately",)),
        "esp.": Rule(("especially",)),
        "rly": Rule(("really",)),
        "ppl": Rule(("people",)),
        "pls": Rule(("please",)),
        "plz": Rule(("please",)),
        "thx": Rule(("thanks",)),
        "msg": Rule(("message",), not_before="no of the contains"),
        "dept.": Rule(("department",)),
        "govt.": Rule(("government",)),
        "tv": Rule(("television",)),
        "info": Rule(("information",)),
        "intro": Rule(("introduction",)),
        "bc": Rule(("because",), not_before=_BEFORE_ERAS, fits=_is_no_era),
        "cuz": Rule(("because",)),
        "abt": Rule(("about",)),
        "b4": Rule(("before",), not_before=_BEFORE_SIZES, not_after=_SIZED),
    }
)
_EXPANDED_NAMES = {
    "Dr.": "Doctor",
    "Mr.": "Mister",
    "Prof.": "Professor",
    "UK": "United Kingdom",
    "U.K.": "United Kingdom",
    "U.S.": "United States",
    "EU": "European Union",
    "&": "and",
}
_NAME_SHORT = re.compile(
    rf"(?<![\w.&@#/'\u2019-])(?:(?:Dr\.|Mr\.|Prof\.)(?= [A-Z][a-z])(?! (?:{_ROLES})(?!\w))"
    r"|(?:UK|U\.K\.|U\.S\.|EU)(?![\w&/-]|\.\w)"
    r"|(?<=[a-z] )&(?= [a-z]))"
)


def _abbreviations(text: str) -> Iterator[Match[str]]:
    """Yield words and phrases that are shortened, names among them, in order."""
    names = (match for match in _SHORTENED_NAMES(text) if _is_named_so(match))
    return _without_overlaps([*_ABBREVIATE(text), *names])


def _is_named_so(match: Match[str]) -> bool:
    """Return whether a name is written as one, and is not a part of a longer one."""
    has_name_after = bool(_NAME_AFTER.match(match.string, match.end()))
    is_title = match.group().lower() in _TITLES
    if is_title and _ROLE_AFTER.match(match.string, match.end()):
        return False
    return match.group()[0].isupper() and not match.group().isupper() and has_name_after == is_title


def _without_overlaps(matches: list[Match[str]]) -> Iterator[Match[str]]:
    end = 0
    for match in sorted(matches, key=lambda site: site.start()):
        if match.start() >= end:
            end = match.end()
            yield match


_SHORTENED_NAMES = in_english(_ABBREVIATED_NAMES)
_WRITTEN_NAMES = in_english(_NAME_SHORT)


@site_perturbation(
    local_lexicon(_abbreviations, "abbreviations"),
    languages=having("abbreviations"),
    source="Dhole et al. 2021 (NL-Augmenter), abbreviation transformation",
    version=3,
    articles=True,
    example="In my opinion people really liked the characters, especially because of New York.",
)
def abbreviate(phrase: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Shorten a word or a phrase as in notes and messages."""
    if language.code == ENGLISH.code:
        names = _ABBREVIATED_NAMES.entries.get(_ABBREVIATED_NAMES.entry(phrase.group()))
        short = rng.choice(names or _ABBREVIATE.options(phrase))
    else:
        short = rng.choice(lexicon(language, "abbreviations").options(phrase.group()))
    # One full stop ends both the abbreviation and the sentence.
    ends = short.endswith(".") and phrase.string.startswith(".", phrase.end())
    return short[:-1] if ends else short


def _written(text: str) -> Iterator[Match[str]]:
    """Yield the abbreviations that are written out, names among them, in order."""
    return _without_overlaps([*_EXPAND(text), *_WRITTEN_NAMES(text)])


@site_perturbation(
    local_lexicon(_written, "abbreviations", reverse=True),
    languages=having("abbreviations"),
    source="Dhole et al. 2021 (NL-Augmenter), abbreviation transformation, the other way round",
    version=3,
    articles=True,
    example="Imo ppl liked the info & the intro, esp. on TV in the UK, tbh.",
)
def write_out(abbreviation: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write an abbreviation out."""
    short = abbreviation.group()
    if language.code != ENGLISH.code:
        long = rng.choice(reversed_lexicon(language, "abbreviations").options(short))
        ends = short.endswith(".") and not abbreviation.string[abbreviation.end() :].strip()
        return f"{long}." if ends else long
    long = _EXPANDED_NAMES.get(short) or rng.choice(_EXPAND.options(abbreviation))
    # The full stop of "U.S." at the end of a sentence is the sentence's, too.
    if short.endswith(".") and _SENTENCE_ENDS.match(abbreviation.string, abbreviation.end()):
        return f"{long}."
    return long


_SENTENCE_ENDS = re.compile(
    r"[\"'\u201d)]*(?:\s*\Z|\s+(?:He|She|It|They|We|I|You|The|This|That|There|These|But|And|In|A)\b)"
)
