"""Optical character recognition errors: a character is read as one that looks like it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.languages import written_in
from pytest_ood.languages.scripts import LATIN
from pytest_ood.perturbations._scripts import MARK
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import batch_perturbation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from random import Random
    from re import Match

_READ_AS = {
    "0": "89oOD",
    "1": "47lI",
    "2": "zZ",
    "5": "8",
    "6": "b",
    "8": "sS@&",
    "9": "gq",
    "o": "u",
    "r": "k",
    "C": "G",
    "O": "DU",
    "E": "B",
}
"""Characters and what they are read as; any of these may be read as the first."""


def _both_ways(read_as: Mapping[str, str]) -> Mapping[str, str]:
    confusions = dict(read_as)
    for character, others in read_as.items():
        for other in others:
            confusions[other] = confusions.get(other, "") + character
    return confusions


_ALIKE = _both_ways(_READ_AS)
_MARKED = re.compile(f"[{MARK}]")


def _without_marks(text: str) -> Iterator[Match[str]]:
    """Yield words without combining marks, which a misread letter would leave behind."""
    return (word for word in WORD.finditer(text) if not _MARKED.search(word.group()))


@batch_perturbation(
    _without_marks,
    source="nlpaug OcrAug, whose table of characters it has",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
    version=3,
    languages=written_in(LATIN),
)
def ocr(words: Sequence[Match[str]], rng: Random, *, characters: float = 0.3) -> list[str]:
    """Misread a share of the characters (at least one) of a word."""
    return [_misread(word.group(), characters, rng) for word in words]


def _misread(word: str, share: float, rng: Random) -> str:
    read = list(word)
    alike = [number for number, one in enumerate(read) if one in _ALIKE]
    for number in rng.sample(alike, min(len(alike), max(1, int(share * len(read))))):
        read[number] = rng.choice(_ALIKE[read[number]])
    return "".join(read)
