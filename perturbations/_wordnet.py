"""WordNet's database files, read as far as synonyms need them.

The format is that of the manual page wndb(5WN). NLTK has a reader too, but opens files under
folders of a global list alone, which no plugin should change.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_PARTS = {"1": "noun", "2": "verb", "3": "adj", "4": "adv", "5": "adj"}
_ENDINGS = {
    "noun": (
        ("s", ""),
        ("ses", "s"),
        ("xes", "x"),
        ("zes", "z"),
        ("ches", "ch"),
        ("shes", "sh"),
        ("men", "man"),
        ("ies", "y"),
    ),
    "verb": (
        ("s", ""),
        ("ies", "y"),
        ("es", "e"),
        ("es", ""),
        ("ed", "e"),
        ("ed", ""),
        ("ing", "e"),
        ("ing", ""),
    ),
    "adj": (("er", ""), ("est", ""), ("er", "e"), ("est", "e")),
    "adv": (),
}
"""The endings of inflected words, and those of their base forms (morphy(7WN))."""


@dataclass(frozen=True, kw_only=True)
class WordNet:
    """The first sense of every single word, in its most frequent part of speech.

    Attributes:
        first: By word, the part of speech and the place of its synset in that part's data file.
        senses: The same for all synsets of a word, part by part, the most frequent first.
        exceptions: Base forms of irregular words, by part of speech.
        data: The data file of each part of speech.
    """

    first: Mapping[str, tuple[str, int]]
    senses: Mapping[str, Sequence[tuple[str, int]]]
    exceptions: Mapping[str, Mapping[str, Sequence[str]]]
    data: Mapping[str, bytes]

    def synonyms(self, word: str) -> list[str]:
        """Return the other single words of a word's first synset, in WordNet's order."""
        return [one for one in self._words(*self.first[word]) if one != word]

    def all_synonyms(self, word: str) -> list[str]:
        """Return the other single words of all synsets of a word and its base forms, each once."""
        synonyms = (
            synonym
            for part in _ENDINGS
            for form in self.forms(word, part)
            for sense, offset in self.senses.get(form, ())
            if sense == part
            for synonym in self._words(sense, offset)
        )
        return [synonym for synonym in dict.fromkeys(synonyms) if synonym != word]

    def forms(self, word: str, part: str) -> list[str]:
        """Return what a word may be a form of, itself included, known or not (morphy(7WN))."""
        irregular = self.exceptions[part].get(word)
        if irregular is not None:
            return [word, *irregular]
        bases = (
            word.removesuffix(end) + base for end, base in _ENDINGS[part] if word.endswith(end)
        )
        return [word, *dict.fromkeys(bases)]

    def _words(self, part: str, offset: int) -> list[str]:
        """Return the single words of a synset."""
        line = self.data[part][offset : self.data[part].index(b"\n", offset)].decode("ascii")
        columns = line.split()
        count = int(columns[3], 16)
        words = [columns[4 + 2 * n].partition("(")[0].lower() for n in range(count)]
        return [one for one in dict.fromkeys(words) if one.isalpha()]


@cache
def read_wordnet(folder: Path) -> WordNet:
    """Read WordNet's database out of a folder."""
    tagged: dict[tuple[str, str], int] = {}
    for line in (folder / "cntlist.rev").read_text(encoding="ascii").splitlines():
        key, sense, count = line.split()
        lemma, _, rest = key.partition("%")
        if sense == "1":
            tagged[lemma, _PARTS[rest[0]]] = int(count)
    ranked: dict[str, list[tuple[int, str, int]]] = {}
    senses: dict[str, list[tuple[str, int]]] = {}
    for part in dict.fromkeys(_PARTS.values()):
        for line in (folder / f"index.{part}").read_text(encoding="ascii").splitlines():
            columns = line.split()
            lemma = columns[0]
            if line.startswith(" ") or not lemma.isalpha():
                continue
            offsets = [int(column) for column in columns[6 + int(columns[3]) :]]
            ranked.setdefault(lemma, []).append((tagged.get((lemma, part), 0), part, offsets[0]))
            senses.setdefault(lemma, []).extend((part, offset) for offset in offsets)
    first = {}
    for lemma, parts in ranked.items():
        # Where no text was tagged with any of several parts of speech, nobody knows which is meant.
        best = max(parts)
        if best[0] or len(parts) == 1:
            first[lemma] = best[1:]
    # Places count from the beginning of files whose lines end in a single character.
    data = {
        part: (folder / f"data.{part}").read_bytes().replace(b"\r\n", b"\n")
        for part in dict.fromkeys(_PARTS.values())
    }
    exceptions = {
        part: {
            word: bases
            for word, *bases in map(
                str.split, (folder / f"{part}.exc").read_text(encoding="ascii").splitlines()
            )
        }
        for part in dict.fromkeys(_PARTS.values())
    }
    return WordNet(first=first, senses=senses, exceptions=exceptions, data=data)
