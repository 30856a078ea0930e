"""Unicode: characters that look the same, cannot be seen, or reorder and adorn their neighbours."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.languages import ANY, ENGLISH, Fits, scripts, separate, typed, written_in
from pytest_ood.perturbations._literals import EMOTICON
from pytest_ood.perturbations._local import (
    LocalLetters,
    alphabet_of,
    finder,
    in_case_of,
    letters_in,
    letters_of,
    local_letters,
    local_words,
)
from pytest_ood.perturbations._scripts import (
    ANY_LETTER,
    ARABIC,
    ARMENIAN,
    CYRILLIC,
    GEORGIAN,
    GREEK,
    HEBREW,
    INNER_LETTER,
    LATIN,
    MARK,
    WIDE,
)
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites
from pytest_ood.utils.normalization import normalized

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random
    from re import Match

    from pytest_ood.languages import Language
    from pytest_ood.perturbations.site_editing import Sites

_BOUCHER = "Boucher et al. 2022 (Bad Characters), section IV"
_FEW = (0.02, 0.05, 0.1, 0.2, 0.4)

LOOKALIKES = {
    "a": "\u0430",
    "c": "\u0441",
    "d": "\u0501",
    "e": "\u0435",
    "h": "\u04bb",
    "i": "\u0456",
    "j": "\u0458",
    "o": "\u043e\u03bf",
    "p": "\u0440",
    "q": "\u051b",
    "s": "\u0455",
    "v": "\u03bd",
    "w": "\u051d",
    "x": "\u0445",
    "y": "\u0443",
    "A": "\u0410\u0391",
    "B": "\u0412\u0392",
    "C": "\u0421",
    "E": "\u0415\u0395",
    "H": "\u041d\u0397",
    "I": "\u0406\u0399",
    "J": "\u0408",
    "K": "\u041a\u039a",
    "M": "\u041c\u039c",
    "N": "\u039d",
    "O": "\u041e\u039f",
    "P": "\u0420\u03a1",
    "S": "\u0405",
    "T": "\u0422\u03a4",
    "X": "\u0425\u03a7",
    "Y": "\u04ae\u03a5",
    "Z": "\u0396",
}
_LEET = {
    "a": "4@",
    "b": "8",
    "e": "3",
    "g": "9",
    "i": "1!",
    "l": "1",
    "o": "0",
    "s": "5$",
    "t": "7",
    "z": "2",
}
INVISIBLE = ("\u200b", "\u200c", "\u200d", "\u2060")
_ABOVE = "\u0300\u0301\u0302\u0303\u0308\u030a\u030c"
_AROUND = "".join(map(chr, [*range(0x300, 0x316), *range(0x316, 0x334), *range(0x339, 0x340)]))
_LRO, _RLO, _PDF = "\u202d", "\u202e", "\u202c"
_JOINER = "\u200d"
_JOINED = re.compile(f"[{ARABIC}\u0710-\u072f\u07ca-\u07ea\u1820-\u1878][{MARK}]*")
"""Letters that join hands: any other character between two would make them let go."""
_WORD_JOINER = "\u2060"
_LEFT_TO_RIGHT = LATIN + GREEK + CYRILLIC + ARMENIAN + GEORGIAN


_LOOKALIKES_BOTH_WAYS = {
    **{other: latin for latin, others in LOOKALIKES.items() for other in others},
    **LOOKALIKES,
}


@site_perturbation(
    LocalSites(
        re.compile(f"[{''.join(LOOKALIKES)}]"),
        lambda language: LocalLetters(language, fits=_LOOKALIKES_BOTH_WAYS.__contains__),
    ),
    source=f"{_BOUCHER}-B (homoglyphs)",
    scale=_FEW,
    languages=written_in(scripts.LATIN, scripts.CYRILLIC, scripts.GREEK),
)
def homoglyphs(letter: Match[str], rng: Random) -> str:
    """Replace a Latin letter by a Cyrillic or Greek one that looks the same, or one of these."""
    return rng.choice(_LOOKALIKES_BOTH_WAYS[letter[0]])


@site_perturbation(
    local_letters(replace(ANY_LETTER, margin=1, gaps=True), margin=1, gaps=True),
    source=f"{_BOUCHER}-A (invisible characters)",
    scale=_FEW,
    version=3,
    languages=ANY,
)
def zero_width(gap: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a character of no width inside a word."""
    if language.code != ENGLISH.code and not language.script.cased:
        # Joiners decide how letters of Arabic and of Indic scripts are drawn.
        return _WORD_JOINER
    if _JOINED.match(gap.string, gap.start()):
        return _JOINER
    return rng.choice(INVISIBLE)


@site_perturbation(
    local_words(
        re.compile(
            rf"(?<![\w{MARK}])(?:(?:[{_LEFT_TO_RIGHT}][{MARK}]*){{2,}}|(?:[{HEBREW}][{MARK}]*){{2,}})"
            rf"(?![\w{MARK}])"
        ),
        fits=lambda word: len(letters_in(word[0])) > 1,
    ),
    source=f"{_BOUCHER}-C (reorderings)",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=2,
    languages=separate,
)
def bidi(word: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Store a word backwards between controls that make it shown forwards."""
    del rng
    backwards = "".join(reversed(letters_of(word.group(), language)))
    start = _LRO if "\u05d0" <= backwards[0] <= "\u05f2" else _RLO
    return f"{start}{backwards}{_PDF}"


@site_perturbation(
    local_letters(INNER_LETTER, margin=1),
    source=f"{_BOUCHER}-D (deletions)",
    scale=_FEW,
    version=2,
    languages=typed,
)
def backspace(letter: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a letter and a backspace that takes it back before a letter inside a word."""
    written = letter.group()
    return rng.choice(alphabet_of(written, language)) + "\b" + written


_WITHOUT = {
    "đ": "d",
    "Đ": "D",
    "ł": "l",
    "Ł": "L",
    "ø": "o",
    "Ø": "O",
    "ħ": "h",
    "Ħ": "H",
    "ŧ": "t",
    "Ŧ": "T",
    "\u0131": "i",
    "ð": "d",
    "Ð": "D",
    "ŋ": "n",
    "Ŋ": "N",
    "ß": "ss",
    "ẞ": "SS",
    "æ": "ae",
    "Æ": "AE",
    "œ": "oe",
    "Œ": "OE",
    "þ": "th",
    "Þ": "TH",
}
"""Replacements of letters without a Unicode decomposition."""
_LETTERS_THEMSELVES = frozenset("йЙўЎїЇќЌѓЃ")
"""Cyrillic letters that are other letters without their mark."""
_DECOMPOSED = "".join(
    letter
    for letter in map(chr, [*range(0xC0, 0x250), *range(0x386, 0x530), *range(0x1E00, 0x2000)])
    if len(unicodedata.normalize("NFD", letter)) > 1 and letter not in _LETTERS_THEMSELVES
)
_WITH_DIACRITICS = re.compile(
    rf"[{LATIN}{GREEK}{CYRILLIC}][{MARK}]+|[{_DECOMPOSED}{''.join(_WITHOUT)}]"
)


@cache
def _plain_letters(language: Language) -> dict[str, list[str]]:
    """Return the letters of an alphabet that differ in their diacritics alone, by each of them."""
    by_base: dict[str, list[str]] = {}
    for letter in language.alphabet:
        base = letter if letter in _LETTERS_THEMSELVES else normalized("NFD", letter)[0]
        by_base.setdefault(base, []).append(letter)
    return {letter: group for group in by_base.values() if len(group) > 1 for letter in group}


_MARKED_ALPHABETS = Fits(
    "languages whose letters have diacritics",
    lambda language: language.code == ENGLISH.code or bool(_plain_letters(language)),
)


@site_perturbation(
    _WITH_DIACRITICS,
    source="Unicode Standard 16.0, annex 15 (decomposition)",
    example="The na\u00efve fianc\u00e9e saw Am\u00e9lie in Z\u00fcrich, a d\u00e9j\u00e0 vu.",
    version=2,
    languages=_MARKED_ALPHABETS & written_in(scripts.LATIN, scripts.GREEK, scripts.CYRILLIC),
)
def strip_diacritics(letter: Match[str], rng: Random) -> str:
    """Write a Latin, Greek or Cyrillic letter without its diacritics."""
    del rng
    composed = normalized("NFC", letter.group())
    base = composed[0]
    if base not in _LETTERS_THEMSELVES:
        decomposed = normalized("NFD", base)
        base = _WITHOUT.get(base) or _WITHOUT.get(decomposed[0], decomposed[0])
    if len(base) > 1 and letter.string[letter.end() : letter.end() + 1].islower():
        base = base.capitalize() if base.isupper() else base
    # Joiners are kept: they belong to the word, not to the letter.
    return base + "".join(c for c in composed[1:] if unicodedata.category(c) == "Cf")


@cache
def _confusable(language: Language) -> LocalLetters:
    """Return the letters of a text that others of the alphabet differ from in diacritics alone."""
    letters_ = _plain_letters(language)
    return LocalLetters(language, fits=lambda letter: letter.lower() in letters_)


@site_perturbation(
    LocalSites(re.compile(rf"[aeiouncsyzAEIOUNCSYZ](?![{MARK}])"), _confusable),
    source="Dhole et al. 2021 (NL-Augmenter), diacritic addition",
    scale=_FEW,
    languages=_MARKED_ALPHABETS & written_in(scripts.LATIN, scripts.GREEK, scripts.CYRILLIC),
)
def add_diacritics(letter: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a diacritic over a letter; in other languages than English a wrong one of theirs."""
    if language.code != ENGLISH.code:
        written = letter.group()
        group = _plain_letters(language)[written.lower()]
        other = rng.choice([one for one in group if one != written.lower()])
        return in_case_of(written, other, language)
    return unicodedata.normalize("NFC", letter.group() + rng.choice(_ABOVE))


@site_perturbation(
    LocalSites(ANY_LETTER, LocalLetters),
    source="garak, buffs and probes.badchars (zalgo)",
    scale=_FEW,
    version=3,
    languages=typed,
)
def zalgo(letter: Match[str], rng: Random) -> str:
    """Heap three combining marks on a letter."""
    return letter.group() + "".join(rng.choices(_AROUND, k=3))


@site_perturbation(
    # The first letter stays, so that no word becomes a number.
    re.compile(rf"(?<=[a-zA-Z])[{''.join(_LEET)}{''.join(_LEET).upper()}](?![{MARK}])"),
    source="Eger et al. 2019 (Text Processing Like Humans Do), section 3; leet speak",
    # At twice these shares both built-in models lost 18 points at severity 3.
    scale=_FEW,
    version=3,
    languages=written_in(scripts.LATIN),
)
def leet(letter: Match[str], rng: Random) -> str:
    """Write a digit or sign that looks like the letter."""
    return rng.choice(_LEET[letter.group().lower()])


_TO_FULL_WIDTH = 0xFEE0
"""How far the full-width form of a character of ASCII is from it."""

_NARROW = re.compile(
    # Faces, and digits and signs on keys, are read as a whole.
    rf"(?P<kept>{EMOTICON}|[0-9#*]\ufe0f?\u20e3)"
    f"|(?P<wide>[A-Za-z0-9{WIDE}])"
    r"|(?P<other>[^\W\d_A-Za-z])"
    "|(?P<mark>[!-~])"
)
_NARROW_ASCII = re.compile(rf"(?P<kept>{EMOTICON})|(?P<wide>[!-~])")


def _narrow(text: str) -> Iterator[Match[str]]:
    """Yield the characters that have a full width, marks beside letters of scripts that have one.

    A mark belongs to the letter before it: Greek and Korean have no full stops of full width.
    """
    if text.isascii():
        yield from (one for one in _NARROW_ASCII.finditer(text) if one.lastgroup != "kept")
        return
    is_wide = True
    for one in _NARROW.finditer(text):
        kind = one.lastgroup
        if kind == "mark":
            if is_wide:
                yield one
        elif kind != "kept":
            is_wide = kind == "wide"
            if is_wide and one.group().isascii():
                yield one


_FULL = finder(r"[!-~\uff01-\uff5e\u3001\u3002\u300c\u300d\u30fb]")
_HALF_FORMS = {
    "\u3002": "\uff61",
    "\u300c": "\uff62",
    "\u300d": "\uff63",
    "\u3001": "\uff64",
    "\u30fb": "\uff65",
}
_WIDE_SCRIPTS = written_in(scripts.HAN, scripts.JAPANESE)


def _widths(language: Language) -> Sites:
    """Return the characters of Chinese and Japanese texts that have another width."""
    return _FULL if _WIDE_SCRIPTS.accepts(language) else _narrow


@site_perturbation(
    LocalSites(_narrow, _widths),
    source="Unicode Standard 16.0, section 18.5 (halfwidth and fullwidth forms)",
    scale=_FEW,
    version=2,
    languages=written_in(scripts.LATIN) | _WIDE_SCRIPTS,
)
def full_width(character: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write a character in its East Asian full width; in Chinese and Japanese in the other one."""
    del rng
    written = character.group()
    if language.script.spaced or written.isascii():
        return chr(ord(written) + _TO_FULL_WIDTH)
    return _HALF_FORMS.get(written) or chr(ord(written) - _TO_FULL_WIDTH)
