"""Rules that a perturbation keeps whatever the language of the text, and who is exempt from which.

A rule is about what an edit makes of the words around it, so that a text that is odd already may
stay so: marks stay on letters, clusters of characters are whole, letters are those of the scripts
of the text, and no capital is inside a word.
"""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

import regex

from pytest_ood.data.edits import apply_edits
from pytest_ood.perturbations.protection import Protection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_ood.data.edits import Edit
    from pytest_ood.languages import Language

CLUSTERS, SCRIPTS, CAPITALS, PROTECTED, EMPTY = (
    "clusters",
    "scripts",
    "capitals",
    "protected",
    "empty",
)

EXEMPT: Mapping[str, Mapping[str, str]] = {
    CLUSTERS: {
        "zalgo": "heaps marks on letters",
        "zero-width": "puts joiners, which belong to the letter before, into words",
    },
    SCRIPTS: {
        "append-handle": "handles are in Latin letters",
        "append-interjection": "lol and omg are written in many scripts",
        "append-url": "addresses are in Latin letters",
        "code-mixing": "puts in English words",
        "homoglyphs": "writes a letter of another script",
        "option-letters": "marks of options are Latin letters",
        "social-media": "lol and omg are written in many scripts",
        "transliterate": "writes words in Latin letters",
    },
    CAPITALS: {
        "abbreviate": "MfG and PhD are written so",
        "append-interjection": "xD is written so",
        "append-url": "addresses have capitals anywhere",
        "bidi": "words are stored backwards",
        "merge-words": "the second of two words keeps its capital",
        "ocr": "a digit is read as a capital",
        "random-case": "capitals inside words are what it is for",
    },
    EMPTY: {"remove-text": "takes texts away"},
}
"""By rule, the perturbations that break it on purpose, with the reason."""

KEPT = Protection(kinds=("urls", "numbers", "code"), patterns=('".*?"',))
"""What is protected where perturbations are tried with protected spans."""

_WORDS = regex.compile(r"[\p{L}\p{M}\p{N}\p{Cf}\p{Extended_Pictographic}'\u2019]*")
_CLUSTER = regex.compile(r"\X")
_ORPHAN = regex.compile(r"(?<![^\s\p{N}\p{P}])\p{M}")
_INNER_CAPITAL = regex.compile(r"\p{Ll}\p{M}*\p{Lu}")
_MIXED = regex.compile(
    rf"{_INNER_CAPITAL.pattern}|\p{{L}}\p{{M}}*\p{{Lu}}[\p{{L}}\p{{M}}]*\p{{Ll}}"
)
"""A capital inside a word that has small letters as well: IJmuiden, iPhone."""
_LETTER = regex.compile(r"[\p{L}--\p{Script=Common}--\p{Script=Inherited}]", regex.V1)
_MARK = regex.compile(r"\p{M}")
_NO_SCRIPT = regex.compile(r"[\p{Script=Common}\p{Script=Inherited}]")
_SCRIPT_NAMES = (
    "Latin", "Cyrillic", "Greek", "Arabic", "Hebrew", "Devanagari", "Bengali", "Tamil", "Thai",
    "Hangul", "Han", "Hiragana", "Katakana",
)  # fmt: skip
_SCRIPTS = {name: regex.compile(rf"\p{{Script={name}}}") for name in _SCRIPT_NAMES}

_SYLLABLES = {
    # Consonants with their dots, joined by viramas; one vowel sign or a virama; signs of nasals.
    "Devanagari": r"(?:{C}\u093c?\u094d[\u200c\u200d]?)*"
    r"{C}\u093c?(?:{V}|\u094d[\u200c\u200d]?)?{S}*|[\u0904-\u0914\u0960\u0961\u0972-\u0977]{S}*|[\u093d\u0950]{S}*",
    # Behind an independent vowel the sign of y makes the vowel of "at".
    "Bengali": r"(?:{C}\u09bc?\u09cd[\u200c\u200d]?)*"
    r"{C}\u09bc?(?:{V}|\u09cd[\u200c\u200d]?)?{S}*|[\u0985-\u0994\u09e0\u09e1](?:\u09cd\u09af\u09be?)?{S}*|[\u09bd\u09ce]{S}*",
    "Tamil": r"{C}(?:{V}|\u0bcd)?{S}*|[\u0b85-\u0b94]{S}*|\u0b83|\u0bd0",
    # A vowel above or below, a tone, and a sign of silence or the vowel with a nasal.
    "Thai": r"{C}{V}?[\u0e48-\u0e4b]?[\u0e4c\u0e4d]?\u0e33?|[\u0e2f\u0e30\u0e32\u0e40-\u0e46]",
    "Hangul": r"[\u3131-\u318e\uac00-\ud7a3]",
}
_PARTS = {
    "Devanagari": (
        r"[\u0915-\u0939\u0958-\u095f\u0978-\u097f]",
        r"[\u093a\u093b\u093e-\u094c\u094e\u094f\u0955-\u0957\u0962\u0963]",
        r"[\u0900-\u0903\u0951-\u0954]",
    ),
    "Bengali": (
        r"[\u0995-\u09b9\u09dc-\u09df\u09f0\u09f1]",
        r"[\u09be-\u09cc\u09d7\u09e2\u09e3]",
        r"[\u0981-\u0983]",
    ),
    "Tamil": (r"[\u0b95-\u0bb9]", r"[\u0bbe-\u0bcc\u0bd7]", r"[\u0b82]"),
    "Thai": (r"[\u0e01-\u0e2e]", r"[\u0e31\u0e34-\u0e3a\u0e47]", ""),
    "Hangul": ("", "", ""),
}
"""Consonants, vowel signs and other signs of scripts whose letters are written as syllables."""


def _syllable(name: str) -> regex.Pattern[str]:
    """Return what matches a whole syllable of a script."""
    consonant, vowel, sign = _PARTS[name]
    pattern = _SYLLABLES[name].replace("{C}", consonant).replace("{V}", vowel)
    return regex.compile(pattern.replace("{S}", sign))


_VALID = {name: _syllable(name) for name in _SYLLABLES}


def script_of(character: str) -> str:
    """Return the name of the script of a letter or mark; "" for what every script has."""
    if _NO_SCRIPT.match(character):
        return ""
    found = (name for name, pattern in _SCRIPTS.items() if pattern.match(character))
    return next(found, "") or unicodedata.name(character, "another").split()[0]


def scripts_of(text: str) -> set[str]:
    """Return the scripts of the letters of a text."""
    return {script_of(letter) for letter in {*_LETTER.findall(text)}}


def is_whole(cluster: str) -> bool:
    """Return whether a cluster of characters can be written as it is in its script."""
    if not _LETTER.match(cluster):
        # Marks that have lost their letter are counted apart.
        return True
    base = script_of(cluster[0])
    if base in _VALID:
        return _VALID[base].fullmatch(cluster) is not None
    marks = {script_of(mark) for mark in _MARK.findall(cluster)}
    return marks <= {"", base}


def broken_rules(
    name: str, language: Language, text: str, edits: Sequence[Edit]
) -> Iterator[tuple[str, str]]:
    """Yield the rules that the edits of a perturbation to a text break, each with what breaks it.

    Args:
        name: The perturbation's.
        language: The language of the text.
        text: The text before.
        edits: In order and without overlaps.
    """
    after = apply_edits(text, edits)
    if text.strip() and not after.strip() and name not in EXEMPT[EMPTY]:
        yield EMPTY, ""
    if name not in EXEMPT[SCRIPTS]:
        # The capital of the micro sign is Greek.
        allowed = scripts_of(text + text.upper() + text.lower()) | {*language.script.properties}
        if foreign := scripts_of(after) - allowed:
            yield SCRIPTS, ", ".join(sorted(foreign))
    for before, written in _regions(text, after, edits):
        if name not in EXEMPT[CLUSTERS] and (broken := _broken(before, written)):
            yield CLUSTERS, f"{before!r} > {written!r}: {broken!a}"
        if (
            language.script.cased
            and name not in EXEMPT[CAPITALS]
            and _INNER_CAPITAL.search(written)
            and not _MIXED.search(before)
        ):
            yield CAPITALS, f"{before!r} > {written!r}"


def has_kept(text: str, after: str) -> bool:
    """Return whether the protected spans of a text are in it afterwards, in order."""
    position = 0
    for start, end in KEPT.spans(text):
        position = after.find(text[start:end], position)
        if position < 0:
            return False
        position += end - start
    return True


def _broken(before: str, after: str) -> str:
    """Return the first cluster of a changed piece of text that is not whole, or "" for none."""
    known = {*_CLUSTER.findall(before)}
    new = [cluster for cluster in _CLUSTER.findall(after) if cluster not in known]
    # What is broken already may stay so in other company.
    broken = next((cluster for cluster in new if not is_whole(cluster)), "")
    broken = broken if all(map(is_whole, known)) else ""
    if not broken and len(_ORPHAN.findall(after)) > len(_ORPHAN.findall(before)):
        broken = "a mark without its letter"
    return broken


def _regions(text: str, after: str, edits: Sequence[Edit]) -> Iterator[tuple[str, str]]:
    """Yield the words around edits before and after, with the character on either side.

    Edits to the same words are in one piece.
    """
    spans: list[list[int]] = []
    shift = 0
    for edit in edits:
        start, end = _whole_words(text, edit.start, edit.end)
        grown = len(edit.after) - (edit.end - edit.start)
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(end, spans[-1][1])
            spans[-1][3] = shift + grown
        else:
            spans.append([start, end, shift, shift + grown])
        shift += grown
    for start, end, moved, moved_end in spans:
        yield text[start:end], after[start + moved : end + moved_end]


def _whole_words(text: str, start: int, end: int) -> tuple[int, int]:
    """Return a span that is as wide as the words that it touches, and a character more."""
    reverse = _WORDS.match(text[max(0, start - 400) : start][::-1])
    forward = _WORDS.match(text, end)
    before = len(reverse[0]) if reverse else 0
    return max(0, start - before - 1), min(len(text), (forward.end() if forward else end) + 1)
