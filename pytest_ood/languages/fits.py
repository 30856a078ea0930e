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

    def misfit(self, name: str, language: Language) -> str:
        """Return the message that something does not fit a language.

        Args:
            name: What does not fit.
            language: The language.
        """
        return f"{name} does not fit {language.name} ({language.code}): it fits {self.words}"

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


def listing(fact: str) -> Fits:
    """Return what fits languages of which a fact is known.

    Args:
        fact: An attribute of a Language.
    """
    return Fits(
        f"languages whose {fact.replace('_', ' ')} this package lists",
        lambda language: bool(getattr(language, fact)),
    )


def having(fact: str) -> Fits:
    """Return what fits English, whose rules are code, and languages of which a fact is known.

    Args:
        fact: An attribute of a Language.
    """
    return only("en") | listing(fact)


cased = Fits("languages with capitals", lambda language: language.script.cased)
spaced = Fits("languages with spaces between words", lambda language: language.script.spaced)
typed = Fits("languages that are typed letter by letter", lambda language: bool(language.alphabet))
separate = Fits("languages whose letters do not join", lambda language: not language.script.joined)
