"""How numbers in words count in a language, and the patterns that several languages share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def words(text: str) -> frozenset[str]:
    """Return the words of a text."""
    return frozenset(text.split())


def from_two(value: int) -> bool:
    """Return whether a number is two or more."""
    return value > 1


def one_apart(value: int) -> bool:
    """Return whether no part of a number in words is one, whose form is that of the thing."""
    return value > 1 and (value % 10 != 1 or value % 100 == 11)  # noqa: PLR2004 - eleven


def two_apart(value: int) -> bool:
    """Return whether no part of a number in words is one or two."""
    return one_apart(value) and (value % 10 != 2 or value % 100 == 12)  # noqa: PLR2004 - twelve


def no_last_one(value: int) -> bool:
    """Return whether a number in words does not end in one: no thing is counted so."""
    return value > 1 and value % 100 != 1


END = r"(?![\p{L}\p{M}\p{N}_])"
"""The end of a word."""
SMALL = rf"[ \u00a0](?P<thing>\p{{Ll}}[\p{{Ll}}\p{{M}}]+){END}"
"""A word in small letters behind a number."""
LETTERS = rf"[ \u00a0](?P<thing>\p{{Lo}}[\p{{L}}\p{{M}}\u200c]+){END}"
"""A word of a script without capitals behind a number."""
NOUN = rf"[ \u00a0](?:\p{{Ll}}+(?:e|en|er|em|es) )?(?P<thing>\p{{Lu}}\p{{Ll}}{{2,}}){END}"
"""A German noun behind a number, perhaps with an adjective before it."""
OPENED = r"(?<![^\s\"\u201c\u201e\u00ab\u00bf\u00a1])"
"""A place behind a space or an opening quotation mark."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Counting:
    """How numbers count in a language, where they are written in words.

    Attributes:
        codes: Names of the language in num2words; words of all of them are read, and those of the
            first one are written.
        before: Words on which a number of things follows, in small letters.
        periods: Those of them after which a number of three digits may be a year.
        after: Matches a thing that is counted by the number before it, as the group `thing`, in a
            form that asks for no other form of the number.
        few: The same for numbers that end in 2, 3 or 4, where things have another form behind them;
            "" for the same.
        counters: Matches what shows that the number before it counts, whatever word is before that;
            "" for nothing.
        alone: Whether a number at the end of a sentence has the same form, too.
        denials: Words before `before` that change the case of what is counted.
        fits: Whether a number in words is the same for all things.
        homographs: Words for numbers that are other words as well.
        parts: Beginnings of other words that go on with a number in words, such as ordinals.
        lead: Matches the place where a number in digits may begin.
        glue: What stands between the number in words and the thing; None for what is there.
        writes_digits: Whether numbers in words are written in digits.
    """

    codes: tuple[str, ...]
    before: frozenset[str] = frozenset()
    periods: frozenset[str] = frozenset()
    after: str = SMALL
    few: str = ""
    counters: str = ""
    alone: bool = False
    denials: frozenset[str] = frozenset()
    fits: Callable[[int], bool] = from_two
    homographs: frozenset[str] = frozenset()
    parts: tuple[str, ...] = ()
    lead: str = OPENED
    glue: str | None = None
    writes_digits: bool = True
