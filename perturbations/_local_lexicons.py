"""Words, phrases and letters of languages other than English, each with what is written for it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, cast

import regex

from pytest_ood.perturbations._capitals import capitalised, lower, upper
from pytest_ood.perturbations._local import JOINERS
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from random import Random
    from re import Match

    from pytest_ood.languages import Language
    from pytest_ood.perturbations.site_editing import Sites


@dataclass(frozen=True, repr=False)
class LocalLexicon:
    """Words and phrases, or letters, of a language with their replacements.

    Attributes:
        language: The language.
        entries: The replacements by the phrase. One in small letters is found in capitals, too; one
            that has capitals is found as it is, and at the beginning of a sentence.
        in_words: Whether entries are found inside of words; where no spaces separate words they
            always are.
        plain: Whether replacements are in plain Latin letters, whose capitals are those of English.
    """

    language: Language
    entries: Mapping[str, Sequence[str]]
    in_words: bool = False
    plain: bool = False

    def __call__(self, text: str) -> Iterator[Match[str]]:
        """Yield the entries that occur in a text, the longest at each index."""
        finditer: Callable[[str], Iterator[Match[str]]] = self._pattern.finditer
        return finditer(text)

    def options(self, written: str) -> Sequence[str]:
        """Return the replacements of a match, with its capitals."""
        return self._options[written]

    def rewritten(self, text: str, rng: Random) -> str:
        """Return a text with all entries replaced."""
        replaced = self._pattern.sub(lambda match: rng.choice(self.options(match[0])), text)
        return cast("str", replaced)

    @cached_property
    def _options(self) -> Mapping[str, Sequence[str]]:
        """The replacements by the phrase as texts write it: its capitals, either apostrophe."""
        dotted = self.language.has_dotted_i
        cases: list[tuple[Callable[[str], str], Callable[[str], str]]] = [
            (str, str),
            (
                lambda entry: capitalised(entry, dotted=dotted),
                lambda option: capitalised(option, dotted=dotted and not self.plain),
            ),
            (
                lambda entry: upper(entry, dotted=dotted),
                lambda option: upper(option, dotted=dotted and not self.plain),
            ),
        ]
        written: dict[str, list[str]] = {}
        for entry, options in self.entries.items():
            is_small = entry == lower(entry, dotted=dotted)
            for of_entry, of_option in cases if is_small else cases[:2]:
                replacements = [of_option(option) for option in options]
                for apostrophe in ("'", "\u2019"):
                    written.setdefault(of_entry(entry).replace("'", apostrophe), replacements)
        return written

    @cached_property
    def _pattern(self) -> Any:
        before, after = "", r"(?![\p{M}\u200d])"
        if self.language.script.spaced and not self.in_words:
            inside = rf"[\p{{L}}\p{{M}}\p{{N}}_@#-]|{JOINERS}"
            before = rf"(?<!{inside}|['\u2019.](?=\p{{L}}))"
            after = rf"(?!{inside}|['\u2019]\p{{L}})"
        return regex.compile(rf"{before}\L<written>{after}", written=sorted(self._options))


@cache
def lexicon(language: Language, fact: str) -> LocalLexicon:
    """Return the lexicon of a fact of a language, such as "contractions"."""
    return LocalLexicon(language, getattr(language, fact))


@cache
def reversed_lexicon(language: Language, fact: str) -> LocalLexicon:
    """Return the lexicon of a fact the other way round, without what two entries share."""
    phrases: dict[str, list[str]] = {}
    for phrase, forms in getattr(language, fact).items():
        for form in forms:
            phrases.setdefault(form, []).append(phrase)
    return LocalLexicon(language, {form: all_ for form, all_ in phrases.items() if len(all_) == 1})


def local_lexicon(english: Sites, fact: str, *, reverse: bool = False) -> LocalSites:
    """Return sites that are the entries of a lexicon in languages other than English.

    Args:
        english: The sites of English.
        fact: The attribute of a Language that has the entries.
        reverse: Whether sites are the replacements instead.
    """
    of = reversed_lexicon if reverse else lexicon
    return LocalSites(english, lambda language: of(language, fact))


@cache
def spellings(language: Language, fact: str) -> LocalLexicon:
    """Return the letters of a fact of a language, such as "variants", wherever they stand."""
    plain = fact == "transliteration"
    return LocalLexicon(language, getattr(language, fact), in_words=True, plain=plain)
