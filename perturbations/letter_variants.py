"""Letters as careless writers of a language write them.

Without the mark that they should have, with a wrong one, or as a letter of the same script that
looks or sounds alike: "gross" for German "gro\u00df", Arabic without hamza, Hindi without nukta,
traditional characters in Chinese, katakana of half width in Japanese.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from pytest_ood.languages import Language, listing
from pytest_ood.perturbations._local import NOWHERE
from pytest_ood.perturbations._local_lexicons import spellings
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.site_editing import LocalSites

if TYPE_CHECKING:
    from random import Random
    from re import Match


@site_perturbation(
    LocalSites(NOWHERE, partial(spellings, fact="variants")),
    source="Unicode Standard 16.0, chapters 7 to 18 (letters that are exchanged in each script)",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    languages=listing("variants"),
    example="Die K\u00f6chin a\u00df \u00fcbrigens s\u00fc\u00dfe Kl\u00f6\u00dfe.",
    example_language="de",
)
def letter_variants(letter: Match[str], rng: Random, *, language: Language) -> str:
    """Write a letter without its mark, with a wrong one, or as one that looks or sounds alike."""
    written = rng.choice(spellings(language, "variants").options(letter.group()))
    text, start, end = letter.string, letter.start(), letter.end()
    beside = text[max(0, start - 1) : start] + text[end : end + 1]
    # Of one letter nobody can tell whether its word is in capitals; of those beside it one can.
    return written.upper() if letter.group().isupper() and beside.isupper() else written
