"""Normalized answers, and how far two of them agree, by language.

English is compared as by SQuAD's script (Rajpurkar et al. 2016, section 6.1), any other language as
by MLQA's (Lewis et al. 2020, MLQA; `mlqa_evaluation_v1.py`): punctuation is Unicode's, articles are
the language's own, and where no spaces separate words each character is a token. Two things are on
purpose not MLQA's: what Unicode holds for the same text (full-width forms, canonical equivalents)
is the same, and two answers of which nothing is left are equal (SQuAD 2.0).
"""

from __future__ import annotations

import re
import string
from collections import Counter
from typing import TYPE_CHECKING
from unicodedata import category

from pytest_ood.languages import ENGLISH
from pytest_ood.utils.normalization import normalized as in_form

if TYPE_CHECKING:
    from pytest_ood.languages import Language

_ASCII_PUNCTUATION = str.maketrans("", "", string.punctuation)
_OTHER_WIDTH = re.compile("[\uff01-\uffef]+")
"""Full-width Latin letters, digits and signs, and half-width syllables."""
_DOTTED = str.maketrans({"I": "\u0131", "\u0130": "i"})
"""Turkish and Azerbaijani have two letters i, with a dot and without."""


def normalized(answer: str, language: Language = ENGLISH) -> str:
    """Return an answer in lower case, without punctuation, articles and surplus white space.

    Tokens are separated by spaces.

    Args:
        answer: Any text.
        language: Its language; its punctuation is ASCII's for English, Unicode's for any other.
    """
    if language.code == ENGLISH.code:
        bare = answer.lower().translate(_ASCII_PUNCTUATION)
    else:
        bare = _without_punctuation(answer, language)
    if language.articles:
        bare = re.sub(language.articles, " ", bare)
    return " ".join((bare if language.script.spaced else _characters(bare, language)).split())


def tokens(answer: str, language: Language = ENGLISH) -> list[str]:
    """Return the tokens of a normalized answer."""
    return normalized(answer, language).split()


def exact_match(answer: str, reference: str, language: Language = ENGLISH) -> float:
    """Return 1.0 where two answers are the same once normalized, else 0.0.

    Rajpurkar et al. 2016, SQuAD, section 6.1.
    """
    return float(normalized(answer, language) == normalized(reference, language))


def token_f1(answer: str, reference: str, language: Language = ENGLISH) -> float:
    """Return the harmonic mean of precision and recall over tokens, each as often as it occurs.

    Rajpurkar et al. 2016, SQuAD, section 6.1; where either has no token, 1.0 if neither has
    (Rajpurkar et al. 2018, SQuAD 2.0).
    """
    said, right = tokens(answer, language), tokens(reference, language)
    if not said or not right:
        return float(said == right)
    common = sum((Counter(said) & Counter(right)).values())
    return 2.0 * common / (len(said) + len(right))


def _without_punctuation(answer: str, language: Language) -> str:
    """Return an answer in lower case, without the punctuation of any script."""
    text = _OTHER_WIDTH.sub(lambda match: in_form("NFKC", match[0]), answer)
    if language.has_dotted_i:
        text = text.translate(_DOTTED)
    text = in_form("NFC", text.lower())
    if language.articles:
        # An elided article (l'eau, 't huis) stands apart only as long as its apostrophe is there.
        text = re.sub(language.articles, _elided, text.replace("\u2019", "'"))
    return "".join(c for c in text if category(c)[0] != "P" and c not in string.punctuation)


def _elided(article: re.Match[str]) -> str:
    return " " if "'" in article[0] else article[0]


def _characters(text: str, language: Language) -> str:
    """Return a text of a script without spaces, with spaces around each of its characters.

    Words of scripts with spaces (iPhone, 2024) stay whole. MLQA's script defines a Chinese
    character by this range; elsewhere it is a letter without case, with the marks on it.
    """
    parts, alone = [], False
    for character in text:
        kind = category(character)
        if language.code.startswith("zh"):
            letter = "\u4e00" <= character <= "\u9fa5"
        else:
            letter = kind in ("Lo", "Lm")
        marks = alone and kind[0] == "M"
        if letter or (alone and not marks):
            parts.append(" ")
        alone = letter or marks
        parts.append(character)
    return "".join(parts)
