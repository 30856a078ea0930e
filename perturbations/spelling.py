"""British and American spelling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import Lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

# A stem, the American ending, the British ending; then the endings that may follow on both.
_STEMS = (
    (("col", "fav", "hon", "hum", "lab", "neighb", "behavi", "flav", "harb", "rum", "vig",
      "endeav", "splend", "ard", "sav", "val", "rig", "clam", "od", "parl", "arm"),
     "or", "our", ("", "s")),
    (("col", "fav", "hon", "lab", "flav", "harb", "sav"), "or", "our", ("ed", "ing")),
    (("col", "hum"), "or", "our", ("less", "ful")),
    (("fav", "hon"), "or", "our", ("able", "ably")),
    (("fav",), "or", "our", ("ite", "ites")),
    (("real", "recogn", "organ", "apolog", "critic", "memor", "capital", "emphas", "final",
      "general", "modern", "special", "summar", "symbol", "visual", "romantic", "dramat",
      "ideal", "maxim", "minim", "mesmer", "patron", "personal", "popular", "satir",
      "sympath", "trivial", "util", "victim", "character", "civil", "industrial"),
     "iz", "is", ("e", "es", "ed", "ing")),
    (("real", "organ", "character", "dramat", "general", "modern", "visual", "civil"),
     "iz", "is", ("ation", "ations")),
    (("anal", "paral", "catal"), "yz", "ys", ("e", "es", "ed", "ing")),
    (("cent", "theat", "lit", "fib", "somb", "spect", "meag", "lust"), "er", "re", ("",)),
    (("cent", "theat", "lit", "fib", "spect"), "ers", "res", ("",)),
    (("travel", "cancel", "marvel", "model", "label", "level", "counsel", "quarrel", "rival",
      "signal", "total", "tunnel", "unravel", "grovel", "swivel", "shrivel"),
     "", "l", ("ed", "ing")),
    (("travel", "cancel", "model", "counsel"), "", "l", ("er", "ers")),
    (("marvel",), "", "l", ("ous", "ously")),
    (("catal", "dial", "monol", "prol", "epil", "anal"), "og", "ogue", ("", "s")),
    (("def", "off", "pret"), "ense", "ence", ("", "s")),
    (("fulfil", "enrol", "instal", "enthral"), "l", "", ("ment",)),
)  # fmt: skip
_SINGLE = {
    "gray": "grey", "grays": "greys", "jewelry": "jewellery", "aging": "ageing", "plow": "plough",
    "mom": "mum", "moms": "mums", "mommy": "mummy", "pajamas": "pyjamas", "skeptic": "sceptic",
    "skeptical": "sceptical", "mustache": "moustache", "airplane": "aeroplane",
    "aluminum": "aluminium", "artifact": "artefact", "cozy": "cosy",
    "encyclopedia": "encyclopaedia", "fulfill": "fulfil",
    "enthrall": "enthral", "enroll": "enrol", "maneuver": "manoeuvre", "mold": "mould",
    "molds": "moulds", "smolder": "smoulder", "naught": "nought", "specialty": "speciality",
    "story line": "storyline",
    "judgment": "judgement", "acknowledgment": "acknowledgement", "math": "maths",
    "sulfur": "sulphur", "whiskey": "whisky", "yogurt": "yoghurt",
    "learned": "learnt", "dreamed": "dreamt", "burned": "burnt", "spelled": "spelt",
    "toward": "towards", "among": "amongst", "while": "whilst", "apologize": "apologise",
    "estheticism": "aestheticism", "esthetic": "aesthetic", "pediatric": "paediatric",
    "anesthetic": "anaesthetic", "archeology": "archaeology", "medieval": "mediaeval",
    "licorice": "liquorice", "chili": "chilli", "donut": "doughnut", "donuts": "doughnuts",
}  # fmt: skip
# Left out: check, draft, program, tire and vise, whose other spelling has another meaning, too.


def _british() -> dict[str, str]:
    found = {
        stem + american + ending: stem + british + ending
        for stems, american, british, endings in _STEMS
        for stem in stems
        for ending in endings
    }
    return {**found, **_SINGLE}


_BRITISH = dict(sorted(_british().items()))
_TO_BRITISH = Lexicon({a: (b,) for a, b in _BRITISH.items()})
_TO_AMERICAN = Lexicon({b: (a,) for a, b in _BRITISH.items()})
_SOURCE = "Liang et al. 2022 (HELM), appendix D.1 (dialect); NL-Augmenter, American to British"


@site_perturbation(
    _TO_BRITISH,
    source=_SOURCE,
    kind="register",
    example="My favorite color at the theater was gray, a marvelous and honorable humor.",
)
def british_spelling(word: Match[str], rng: Random) -> str:
    """Spell a word as in British English."""
    return rng.choice(_TO_BRITISH.options(word.group()))


@site_perturbation(
    _TO_AMERICAN,
    source=_SOURCE,
    kind="register",
    example="My favourite colour at the theatre was grey, a marvellous and honourable humour.",
)
def american_spelling(word: Match[str], rng: Random) -> str:
    """Spell a word as in American English."""
    return rng.choice(_TO_AMERICAN.options(word.group()))
