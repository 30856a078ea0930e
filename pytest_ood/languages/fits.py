"""Which languages something fits: a test of what is known of a language, and its words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_ood.languages.protocol import Language
    from pytest_ood.languages.scripts import Script


@dataclass(frozen=True)
class Fits:
    """Which languages something fits.

    Attributes:
        words: Which these are, to follow "fits": "languages with capitals".
        accepts: Returns whether a language is one of them.
    """

    words: str
    accepts: Callable[[Language], bool]

    def __and__(self, other: Fits) -> Fits:
        """Return what fits the languages of both."""
        return Fits(
            f"{self.words} and {other.words}",
            lambda language: self.accepts(language) and other.accepts(language),
        )

    def __or__(self, other: Fits) -> Fits:
        """Return what fits the languages of either."""
        return Fits(
            f"{self.words} or {other.words}",
            lambda language: self.accepts(language) or other.accepts(language),
        )


ANY = Fits("any language", lambda language: True)  # noqa: ARG005 - any


def only(*codes: str) -> Fits:
    """Return what fits the languages with these tags."""
    return Fits(" or ".join(codes), lambda language: language.code in codes)


def written_in(*scripts: Script) -> Fits:
    """Return what fits the languages of these scripts."""
    names = " or ".join(script.name for script in scripts)
    return Fits(f"languages in {names} letters", lambda language: language.script in scripts)


def having(*facts: str) -> Fits:
    """Return what fits English, whose rules are code, and languages of which all facts are known.

    Args:
        facts: Attributes of a Language.
    """
    words = " and ".join(fact.replace("_", " ") for fact in facts)
    return Fits(
        f"languages whose {words} are listed",
        lambda language: language.code == "en" or all(getattr(language, f) for f in facts),
    )


cased = Fits("languages with capitals", lambda language: language.script.cased)
spaced = Fits("languages with spaces between words", lambda language: language.script.spaced)
typed = Fits("languages that are typed letter by letter", lambda language: bool(language.alphabet))
