"""Words and phrases that are rewritten where their neighbours allow it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.perturbations._english import (
    begins_sentence,
    in_english,
    is_name,
    is_quoted,
    is_shouted,
    word_after,
    word_before,
)
from pytest_ood.perturbations._words import Lexicon, word_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from re import Match

START = "<start>"
"""In the place of a word: the beginning of a sentence, or a mark such as a comma."""

WORD = "<word>"
"""Any word; after a phrase it says that the clause goes on."""

END = "<end>"
"""The end of the text, or a mark."""

PLURAL = "<plural>"
"""A word that ends as plurals do."""

_NO_PLURAL = word_set(
    "is was has his this its us yes as plus less news series always perhaps thus access address "
    "business class chaos gas happiness loss mess politics progress sadness stress success us "
    "physics process bus bias press glass grass nonsense does lens mathematics economics christmas "
    "focus fuss hers ours theirs yours"
)


@dataclass(frozen=True)
class Rule:
    """The replacements of a phrase, and the words that it may be beside.

    Attributes:
        options: The replacements.
        before: One of these words, separated by spaces, has to come before; "" for any.
        not_before: None of these comes before.
        after: One of these has to follow; "" for any.
        not_after: None of these follows.
        fits: What the neighbours have to satisfy besides; None for nothing.
    """

    options: tuple[str, ...]
    before: str = ""
    not_before: str = ""
    after: str = ""
    not_after: str = ""
    fits: Callable[[Match[str]], bool] | None = None

    def accepts(self, match: Match[str]) -> bool:
        """Return whether the neighbours allow it."""
        previous, following = word_before(match), word_after(match)
        left = {previous} if previous[:1].isalnum() or previous[:1] == "'" else {START, previous}
        if begins_sentence(match):
            left.add(START)
        right = {following, WORD} if following[:1].isalnum() else {END, following}
        if following.endswith("s") and len(following) > 3 and following not in _NO_PLURAL:  # noqa: PLR2004
            right.add(PLURAL)
        return (
            (not self.before or not left.isdisjoint(self.before.split()))
            and left.isdisjoint(self.not_before.split())
            and (not self.after or not right.isdisjoint(self.after.split()))
            and right.isdisjoint(self.not_after.split())
            and (self.fits is None or self.fits(match))
        )


class RuleLexicon:
    """Phrases with their rules: calling it yields the sites of a text.

    Sites are in English prose; they are no names and, unless `in_quotations` is set, in no
    quotation.
    """

    def __init__(self, rules: Mapping[str, Rule], *, in_quotations: bool = True) -> None:
        """Prepare the search.

        Args:
            rules: By the phrase in small letters.
            in_quotations: Whether quotations are rewritten, too.
        """
        self._rules = dict(rules)
        self._in_quotations = in_quotations
        self._lexicon = Lexicon({phrase: rule.options for phrase, rule in rules.items()})
        self._sites = in_english(self._lexicon, self._accepts)

    def __repr__(self) -> str:
        return f"RuleLexicon of {len(self._rules)} entries"

    def __call__(self, text: str) -> Iterator[Match[str]]:
        """Yield the sites of a text."""
        return self._sites(text)

    def _accepts(self, match: Match[str]) -> bool:
        rule = self._rules[self._lexicon.entry(match.group())]
        is_acronym = match.group().lower() != match.group() and match.group() in _ACRONYMS
        if match.string.startswith("-", match.end()) or match.string.endswith(
            "-", 0, match.start()
        ):
            return False
        return (
            not (_is_in_a_name(match) if is_acronym else is_name(match))
            and rule.accepts(match)
            and (self._in_quotations or not is_quoted(match))
        )

    def options(self, match: Match[str]) -> list[str]:
        """Return the replacements of a site, with its capitals."""
        return [
            cased(match, option)
            for option in self._lexicon.entries[self._lexicon.entry(match.group())]
        ]


_ACRONYMS = frozenset(
    ("TV", "IMO", "IMHO", "TBH", "ASAP", "BTW", "AFAIK", "UK", "EU", "U.S.", "U.K.", "OMG")
)


_PREVIOUS = re.compile(r"[\w'\u2019.]+(?=[ \t-]+\Z)")
_NAME_NEXT = re.compile(r"[ \t-]+[A-Z][a-z]")
_BEFORE_ACRONYMS = word_set(
    "a an and any as at because but buy by call come every for from get go he her his if in it its "
    "local live more my new no not of old on one or our please reply she so some than that the "
    "their these they this those to turn two watch watching we when with you your"
)
_SHOUTED_WORDS = 3


def _is_in_a_name(match: Match[str]) -> bool:
    """Return whether an acronym is a part of a name: TV Guide, Apple TV, ASAP Rocky, an LCD TV."""
    text, start = match.string, match.start()
    if is_shouted(match):
        around = text[max(0, start - 40) : start] + text[match.end() : match.end() + 40]
        if len(re.findall(r"[A-Z]{2,}", around)) >= _SHOUTED_WORDS:
            return False
    if _NAME_NEXT.match(text, match.end()):
        return True
    previous = _PREVIOUS.search(text, max(0, start - 40), start)
    if previous is None or not previous.group()[0].isupper() or previous.group() == "I":
        return False
    return (
        (len(previous.group()) > 1 and previous.group().isupper())
        or not begins_sentence(previous)
        or previous.group().lower() not in _BEFORE_ACRONYMS
    )


def cased(match: Match[str], words: str) -> str:
    """Write words with capitals as their site has them: all, the first of a sentence, or none."""
    written = match.group()
    letters = [character for character in written if character.isalpha()]
    if len(letters) > 1 and all(c.isupper() for c in letters) and is_shouted(match):
        return words.upper()
    if written[:1].isupper() and begins_sentence(match):
        first = next((n for n, c in enumerate(words) if c.isalpha()), 0)
        return words[:first] + words[first : first + 1].upper() + words[first + 1 :]
    return words
