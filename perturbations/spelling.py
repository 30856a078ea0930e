"""British and American spelling."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_ood.languages import only
from pytest_ood.perturbations._english import (
    before,
    begins_sentence,
    in_english,
    is_name,
    overlaps,
    word_after,
    word_before,
)
from pytest_ood.perturbations._words import Lexicon, word_set, word_tuple
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from random import Random
    from re import Match

# A stem, the American ending, the British ending; then the endings that may follow on both.
_STEMS = (
    (
        word_tuple(
            "col fav hon hum lab neighb behavi misbehavi demean flav harb rum vig endeav "
            "splend ard sav savi val rig clam od parl arm tum vap ferv cand ranc disfav "
            "dishon belab"
        ),
        "or",
        "our",
        ("", "s"),
    ),
    (
        word_tuple("col fav hon lab flav harb sav endeav rum arm disfav dishon belab discol"),
        "or",
        "our",
        ("ed", "ing"),
    ),
    (("col", "hum", "flav", "od"), "or", "our", ("less",)),
    (("col",), "or", "our", ("ful", "fully")),
    (("fav", "hon", "dishon"), "or", "our", ("able", "ably")),
    (("fav",), "or", "our", ("ite", "ites", "itism")),
    (("neighb",), "or", "our", ("hood", "hoods", "ing", "ly")),
    (("behavi",), "or", "our", ("al",)),
    (("sav", "arm"), "or", "our", ("y",)),
    (("lab",), "or", "our", ("er", "ers")),
    (
        word_tuple(
            "real recogn organ apolog critic memor capital emphas final general modern "
            "special summar symbol visual romantic dramat ideal maxim minim mesmer patron "
            "personal popular satir sympath trivial util victim character civil industrial "
            "sensational fantas agon antagon author brutal categor colon commercial "
            "computer crystall custom demon disorgan econom equal fictional global harmon "
            "hospital hypnot immun legal local margin monopol national normal optim penal "
            "pressur prior random rational reorgan revital revolution scrutin social stabil "
            "standard steril stigmat terror traumat vandal verbal jeopard moral plagiar "
            "philosoph theor fertil formal idol immortal italic material mobil neutral "
            "polar sanit sexual subsid synchron tantal urban western"
        ),
        "iz",
        "is",
        ("e", "es", "ed", "ing"),
    ),
    (
        word_tuple(
            "real organ character dramat general modern visual civil author colon global "
            "hospital immun legal national normal optim special stabil standard util "
            "commercial capital industrial mobil polar rational urban"
        ),
        "iz",
        "is",
        ("ation", "ations"),
    ),
    (("anal", "paral", "catal"), "yz", "ys", ("e", "ed", "ing")),
    (
        word_tuple(
            "cent theat lit fib somb spect meag lust sab calib kilomet centimet millimet "
            "epicent sepulch"
        ),
        "er",
        "re",
        ("",),
    ),
    (
        word_tuple("cent theat lit fib spect sab calib kilomet centimet millimet"),
        "ers",
        "res",
        ("",),
    ),
    (("cent",), "er", "re", ("d",)),
    (
        word_tuple(
            "travel cancel marvel model label level counsel quarrel rival signal total "
            "tunnel unravel grovel swivel shrivel fuel duel dial channel pencil equal "
            "funnel spiral shovel snivel drivel revel libel initial"
        ),
        "",
        "l",
        ("ed", "ing"),
    ),
    (("travel", "cancel", "model", "counsel", "revel", "jewel"), "", "l", ("er", "ers")),
    (("counsel",), "", "l", ("or", "ors")),
    (("marvel",), "", "l", ("ous", "ously")),
    (("catal",), "og", "ogue", ("", "s")),
    (("def", "off", "pret"), "ense", "ence", ("", "s")),
    (("fulfil", "enrol", "instal", "enthral"), "l", "", ("ment",)),
    (("fulfil", "enrol", "enthral"), "l", "", ("",)),
    (("fulfil", "enrol", "enthral"), "ls", "s", ("",)),
    (("skil", "wil"), "l", "", ("ful", "fully")),
)
_SINGLE = {
    "centered": "centred",
    "centering": "centring",
    "gray": "grey",
    "grays": "greys",
    "grayish": "greyish",
    "jewelry": "jewellery",
    "aging": "ageing",
    "plow": "plough",
    "plows": "ploughs",
    "plowed": "ploughed",
    "plowing": "ploughing",
    "pajamas": "pyjamas",
    "skeptic": "sceptic",
    "skeptics": "sceptics",
    "skeptical": "sceptical",
    "skepticism": "scepticism",
    "mustache": "moustache",
    "mustaches": "moustaches",
    "airplane": "aeroplane",
    "airplanes": "aeroplanes",
    "aluminum": "aluminium",
    "artifact": "artefact",
    "artifacts": "artefacts",
    "cozy": "cosy",
    "encyclopedia": "encyclopaedia",
    "maneuver": "manoeuvre",
    "maneuvers": "manoeuvres",
    "maneuvered": "manoeuvred",
    "maneuvering": "manoeuvring",
    "mold": "mould",
    "molds": "moulds",
    "moldy": "mouldy",
    "smolder": "smoulder",
    "smoldering": "smouldering",
    "specialty": "speciality",
    "judgment": "judgement",
    "judgments": "judgements",
    "acknowledgment": "acknowledgement",
    "math": "maths",
    "sulfur": "sulphur",
    "yogurt": "yoghurt",
    "pediatric": "paediatric",
    "anesthetic": "anaesthetic",
    "licorice": "liquorice",
    "chili": "chilli",
    "woolen": "woollen",
    "practiced": "practised",
    "practicing": "practising",
    "mom": "mum",
    "moms": "mums",
    "mommy": "mummy",
    "diarrhea": "diarrhoea",
    "estrogen": "oestrogen",
    "draftsman": "draughtsman",
    "drafty": "draughty",
    "orthopedic": "orthopaedic",
    "caliper": "calliper",
    "gynecologist": "gynaecologist",
    "hemorrhage": "haemorrhage",
    "anemia": "anaemia",
    "leukemia": "leukaemia",
}
_BRITISH_ALONE = {
    "toward": "towards",
    "donut": "doughnut",
    "donuts": "doughnuts",
    "analyzes": "analyses",
    "license": "licence",
    "licenses": "licences",
    "dialog": "dialogue",
    "monolog": "monologue",
    "esthetic": "aesthetic",
    "archeology": "archaeology",
    "archeologist": "archaeologist",
}
"""What the British spell otherwise, where their spelling is no sign of a Briton."""

_AMERICAN_ALONE = {
    "whilst": "while",
    "amongst": "among",
    "towards": "toward",
    "learnt": "learned",
    "dreamt": "dreamed",
    "spelt": "spelled",
    "programme": "program",
    "programmes": "programs",
    "cheque": "check",
    "cheques": "checks",
    "tyre": "tire",
    "tyres": "tires",
    "kerb": "curb",
    "kerbs": "curbs",
    "storey": "story",
    "storeys": "stories",
    "gaol": "jail",
    "licence": "license",
    "licences": "licenses",
    "practise": "practice",
    "practises": "practices",
    "draught": "draft",
    "draughts": "drafts",
    "sceptre": "scepter",
    "mitre": "miter",
    "ochre": "ocher",
    "connexion": "connection",
    "instalment": "installment",
    "instalments": "installments",
    "chequered": "checkered",
    "chequebook": "checkbook",
    "mediaeval": "medieval",
}
"""What Americans spell otherwise, where their spelling is another British word, or as British.

Not the other way round: check, draft, program, tire, story, curb, practice and meter have another
spelling in one of their meanings alone, and which is meant no rule sees.
"""

_ALWAYS_NAMES = word_set("gray grey grays greys labor labour harbor harbour")
"""Names and parties so often that a capital at the beginning of a sentence may be theirs."""

_NAMES = frozenset(
    [
        "pearl harbor",
        "labor day",
        "labour day",
        "labour party",
        "labor party",
        "lincoln center",
        "kennedy center",
        "world trade center",
        "rockefeller center",
        "trade center",
        "medical center",
        "sydney harbour",
        "boston harbor",
        "color purple",
        "colour purple",
        "dorian gray",
        "grey's anatomy",
        "shades of grey",
        "shades of gray",
        "earl grey",
        "jean grey",
        "jane grey",
        "joel grey",
        "macy gray",
        "theatre royal",
        "globe theatre",
        "national theatre",
        "medal of honor",
        "medal of honour",
        "rigor mortis",
        "harbor freight",
        "guest of honor",
        "staples center",
        "old vic theatre",
        "apollo theater",
        "color of money",
        "colour of magic",
        "color of night",
        "mum's the word",
        "keep mum",
        "barclays center",
        "men of honor",
        "defense department",
        "spelt flour",
        "spelt bread",
        "gandalf the grey",
    ]
)
"""Names and phrases that stay, as they are written in small letters."""

_OWNERS = word_set(
    "my your his her our their a the one's this that each every no another single driver's driving "
    "fishing hunting liquor marriage gun dog arms poetic artistic business pilot's"
)
_FAMILY = word_set("mom mum moms mums mommy mummy")


def _is_clear(word: Match[str]) -> bool:
    """Return whether a word is no name, and has one meaning where it is."""
    plain = word.group().lower()
    if is_name(word) or (word.group()[0].isupper() and plain in _ALWAYS_NAMES):
        return word.group().isupper() and not is_name(word)
    if overlaps(_phrase_spans(word.string), *word.span()) or _begins_title(word):
        return False
    if plain in ("license", "licenses"):
        return word_before(word) in _OWNERS
    if plain in _FAMILY:
        return _is_a_mother(word) if plain == "mummy" else _is_owned(word)
    if plain == "spelt" and word_after(word) in ("", "flour", "bread", "pasta"):
        return False
    return plain != "draughts" or _is_of_air(word)


def _is_owned(word: Match[str]) -> bool:
    """Return whether a mom is somebody's; a mommy is always one."""
    return word_before(word) in _OWNERS or word.group().lower().endswith("mmy")


_TITLE_BEHIND = re.compile(
    r"[!?] [a-z]|(?: (?:a|an|and|at|by|for|from|in|of|on|or|the|to|vs\.?|with))+ [A-Z][a-z]"
)


def _begins_title(word: Match[str]) -> bool:
    """Return whether a word with a capital begins a title: Licence to Kill, Airplane! is a film."""
    return word.group()[0].isupper() and bool(_TITLE_BEHIND.match(word.string, word.end()))


_POSSESSIVES = word_set("my your his her our their")


def _is_a_mother(word: Match[str]) -> bool:
    """Return whether a mummy is somebody's, or called so: any other lies in a museum."""
    nearest, earlier = (*before(word, 2), "", "")[:2]
    following = word_after(word)
    owned = nearest in _POSSESSIVES or (nearest == "and" and earlier in ("daddy", "dad"))
    opens, ends = begins_sentence(word), not following[:1].isalnum() and following != "'s"
    return owned or ((opens or nearest in (",", "dear", "hello", "hi", "hey")) and ends)


_CURRENTS = word_set(
    "the these those some any cold icy chilly freezing bitter deep long strong little nasty "
    "terrible air against from by no many few two three"
)
_OF_THE_GAME = word_set("board boards champion club game match piece pieces player players")


def _is_of_air(word: Match[str]) -> bool:
    """Return whether draughts are currents or gulps, and no game, which Americans call checkers."""
    following = word_after(word)
    fits = word_before(word) in _CURRENTS or following in ("of", "from", "under")
    return fits and following not in _OF_THE_GAME


@lru_cache(maxsize=64)
def _phrase_spans(text: str) -> tuple[tuple[int, int], ...]:
    return tuple(match.span() for match in _FIXED_PHRASES(text))


_FIXED_PHRASES = Lexicon({name: (name,) for name in sorted(_NAMES)})


def _both_ways() -> dict[str, str]:
    spellings = {
        stem + american + ending: stem + british + ending
        for stems, american, british, endings in _STEMS
        for stem in stems
        for ending in endings
    }
    return {**spellings, **_SINGLE}


def _lexicon(entries: Mapping[str, str]) -> Lexicon:
    return Lexicon({word: (entries[word],) for word in sorted(entries)})


_PAIRS = _both_ways()
_TO_BRITISH = _lexicon({**_PAIRS, **_BRITISH_ALONE})
_TO_AMERICAN = _lexicon({**{b: a for a, b in _PAIRS.items()}, **_AMERICAN_ALONE})
_SOURCE = "Liang et al. 2022 (HELM), appendix D.1 (dialect); NL-Augmenter, American to British"


@site_perturbation(
    in_english(_TO_BRITISH, _is_clear),
    source=_SOURCE,
    kind="register",
    version=3,
    articles=True,
    example="My favorite color at the theater was gray, a marvelous and honorable humor.",
    languages=only("en"),
)
def british_spelling(word: Match[str], rng: Random) -> str:
    """Spell a word as in British English."""
    return rng.choice(_TO_BRITISH.options(word.group()))


@site_perturbation(
    in_english(_TO_AMERICAN, _is_clear),
    source=_SOURCE,
    kind="register",
    version=3,
    articles=True,
    example="My favourite colour at the theatre was grey, a marvellous and honourable humour.",
    languages=only("en"),
)
def american_spelling(word: Match[str], rng: Random) -> str:
    """Spell a word as in American English."""
    return rng.choice(_TO_AMERICAN.options(word.group()))
