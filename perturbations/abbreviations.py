"""Abbreviations: words shortened as in notes and messages, or written out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_PAIRS = {
    "and": ("&",),
    "with": ("w/",),
    "without": ("w/o",),
    "about": ("abt",),
    "versus": ("vs.",),
    "number": ("no.",),
    "minutes": ("min",),
    "hours": ("hrs",),
    "before": ("b4",),
    "because": ("bc", "cuz"),
    "between": ("btw.",),
    "for example": ("e.g.",),
    "that is to say": ("i.e.",),
    "and so on": ("etc.",),
    "as soon as possible": ("asap",),
    "by the way": ("btw",),
    "in my opinion": ("imo",),
    "in my humble opinion": ("imho",),
    "to be honest": ("tbh",),
    "as far as I know": ("afaik",),
    "approximately": ("approx.",),
    "especially": ("esp.",),
    "probably": ("prob.", "prolly"),
    "definitely": ("def.",),
    "really": ("rly",),
    "something": ("sth.",),
    "someone": ("sb.",),
    "people": ("ppl",),
    "please": ("pls", "plz"),
    "thanks": ("thx",),
    "message": ("msg",),
    "department": ("dept.",),
    "government": ("govt.",),
    "television": ("TV",),
    "professor": ("prof.",),
    "doctor": ("Dr.",),
    "mister": ("Mr.",),
    "company": ("co.",),
    "information": ("info",),
    "original": ("orig.",),
    "character": ("char.",),
    "characters": ("chars.",),
    "favorite": ("fave", "fav"),
    "introduction": ("intro",),
    "advertisement": ("ad",),
    "United States": ("US", "U.S."),
    "United Kingdom": ("UK", "U.K."),
    "European Union": ("EU",),
    "New York": ("NY",),
    "Los Angeles": ("LA",),
}
_ABBREVIATE = Lexicon({long.lower(): short for long, short in _PAIRS.items()})
# Only what is no word of its own, and stands for one thing.
_CLEAR = (
    "w/o", "vs.", "e.g.", "i.e.", "asap", "imo", "imho", "tbh", "afaik", "approx.", "esp.", "rly",
    "ppl", "pls", "plz", "thx", "msg", "dept.", "govt.", "tv", "prof.", "dr.", "mr.", "info",
    "intro", "uk", "u.s.", "u.k.", "eu", "&", "bc", "cuz", "abt", "b4", "btw",
)  # fmt: skip
_LONG = {
    one.lower(): (long,) for long, short in _PAIRS.items() for one in short if one.lower() in _CLEAR
}
_EXPAND = Lexicon({short: _LONG[short] for short in sorted(_LONG)})


@site_perturbation(
    _ABBREVIATE,
    source="Dhole et al. 2021 (NL-Augmenter), abbreviation transformation",
    example="In my opinion people really liked the characters, especially because of New York.",
)
def abbreviate(phrase: Match[str], rng: Random) -> str:
    """Shorten a word or a phrase as in notes and messages."""
    return rng.choice(_ABBREVIATE.options(phrase.group()))


@site_perturbation(
    _EXPAND,
    source="Dhole et al. 2021 (NL-Augmenter), abbreviation transformation, the other way round",
    example="Imo ppl liked the info & the intro, esp. on TV in the UK, tbh.",
)
def write_out(abbreviation: Match[str], rng: Random) -> str:
    """Write an abbreviation out."""
    # "UK" is in capitals because it is an abbreviation, not because everything is.
    found = abbreviation.group()
    return rng.choice(_EXPAND.options(found.capitalize() if found[:1].isupper() else found))
