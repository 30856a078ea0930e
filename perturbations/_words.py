"""Words, letters and lexicons: where English generators find their sites."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.perturbations._scripts import MARK

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_RUN = rf"[^\W_](?:[^\W_]|[{MARK}])*"
WORD = re.compile(rf"{_RUN}(?:['\u2019]{_RUN})*")
"""A run of letters and digits with their marks; apostrophes inside it belong to it."""

LONG_WORD = re.compile(rf"(?=(?:[^\W_]|[{MARK}]){{4}}){WORD.pattern}")
"""A word that begins with four letters or digits: shorter ones easily become other words."""

WORD_START = re.compile(r"(?<=\s)(?=[^\W\d_])")
"""The empty gap before a word that does not begin the text."""

GAP = re.compile(rf"(?:(?<=[^\W\d])|(?<=[{MARK}])|(?<=\d)(?! \d)) (?=\w)")
"""A single space between two words; one between two numbers may be part of a longer number."""

END = re.compile(r"(?<=\S)(?=\s*\Z)")
"""The empty gap at the end of a text, before its trailing white space."""


def word_set(words: str) -> frozenset[str]:
    """Return the words of a text that white space separates."""
    return frozenset(words.split())


def word_tuple(words: str) -> tuple[str, ...]:
    """Return the words of a text that white space separates, in order."""
    return tuple(words.split())


def like(pattern: str, word: str) -> str:
    """Write a word with the capitals of another: all of them, the first one, or its own."""
    if len(pattern) > 1 and pattern.isupper():
        return word.upper()
    if pattern[:1].isupper():
        first = next((n for n, letter in enumerate(word) if letter.isalpha()), 0)
        return word[:first] + word[first : first + 1].upper() + word[first + 1 :]
    return word


_SMALL = word_tuple(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen "
    "fourteen fifteen sixteen seventeen eighteen nineteen"
)
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")


ORDINALS = {
    "first": 1,
    "second": 2,
    "third": 3,
    "fourth": 4,
    "fifth": 5,
    "sixth": 6,
    "seventh": 7,
    "eighth": 8,
    "ninth": 9,
    "tenth": 10,
    "eleventh": 11,
    "twelfth": 12,
    "thirteenth": 13,
    "fourteenth": 14,
    "fifteenth": 15,
    "sixteenth": 16,
    "seventeenth": 17,
    "eighteenth": 18,
    "nineteenth": 19,
    "twentieth": 20,
    "thirtieth": 30,
    "fortieth": 40,
    "fiftieth": 50,
    "sixtieth": 60,
    "seventieth": 70,
    "eightieth": 80,
    "ninetieth": 90,
}
"""Ordinals of one word, up to ninety."""


def number_word(number: int) -> str:
    """Write a whole number from 0 to 999 as words."""
    if number < len(_SMALL):
        return _SMALL[number]
    if number < 100:  # noqa: PLR2004 - what the name of the number turns on
        tens, ones = divmod(number, 10)
        return _TENS[tens - 2] + (f"-{_SMALL[ones]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    return f"{_SMALL[hundreds]} hundred" + (f" {number_word(rest)}" if rest else "")


@dataclass(frozen=True, repr=False)
class Lexicon:
    """Words and phrases with their replacements.

    Attributes:
        entries: The replacements by the phrase, which is in small letters, with single spaces and
            straight apostrophes.
    """

    entries: Mapping[str, Sequence[str]]

    def __post_init__(self) -> None:
        """Prepare the search for phrases, by their first word."""
        phrases: dict[str, list[str]] = {}
        for entry in self.entries:
            phrases.setdefault(_TOKEN.findall(entry)[0], []).append(entry)
        # Compiled when a text has the first word: all together take a quarter of a second.
        object.__setattr__(self, "_phrases", phrases)
        object.__setattr__(self, "_patterns", {})

    def __repr__(self) -> str:
        return f"Lexicon of {len(self.entries)} entries"

    def __call__(self, text: str) -> Iterator[re.Match[str]]:
        """Yield the entries that occur in a text, the longest at each place."""
        phrases: dict[str, list[str]] = self._phrases  # type: ignore[attr-defined]
        end = 0
        for word in _TOKEN.finditer(text):
            if word.start() < end:
                continue
            first = _plain(word.group())
            match = self._pattern(first).match(text, word.start()) if first in phrases else None
            # A mark behind the last letter makes it another one.
            if match and not _MARK.match(text, match.end()):
                end = match.end()
                yield match

    def _pattern(self, first: str) -> re.Pattern[str]:
        """Return what matches the phrases with this first word, longest first."""
        patterns: dict[str, re.Pattern[str]] = self._patterns  # type: ignore[attr-defined]
        if first not in patterns:
            phrases: list[str] = self._phrases[first]  # type: ignore[attr-defined]
            alternatives = "|".join(
                re.escape(phrase).replace(r"\ ", r"\s+").replace("'", "['\u2019]")
                for phrase in sorted(phrases, key=len, reverse=True)
            )
            patterns[first] = re.compile(rf"(?<!\w)(?:{alternatives})(?!\w)", re.IGNORECASE)
        return patterns[first]

    @staticmethod
    def entry(text: str) -> str:
        """Return the entry of a match."""
        return _plain(text)

    def options(self, text: str) -> Sequence[str]:
        """Return the replacements of a match, with its capitals."""
        return [like(text, option) for option in self.entries[_plain(text)]]


_MARK = re.compile(f"[{MARK}]")
_TOKEN = re.compile(r"[^\W_][\w'\u2019]*|[^\w\s]+")


def _plain(text: str) -> str:
    return re.sub(r"\s+", " ", text.lower().replace("\u2019", "'"))
