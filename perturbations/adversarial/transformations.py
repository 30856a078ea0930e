"""Transformations: possible replacements of words and characters."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.perturbations import find
from pytest_ood.perturbations._transformers import masked_candidates, weights_hash
from pytest_ood.perturbations._wordnet import read_wordnet
from pytest_ood.perturbations._words import WORD, like
from pytest_ood.perturbations.adversarial._neighbours import neighbours
from pytest_ood.perturbations.resources import asset, current
from pytest_ood.perturbations.unicode import INVISIBLE, LOOKALIKES
from pytest_ood.utils.files import hash_files

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from pytest_ood.data.edits import Edit
    from pytest_ood.perturbations.adversarial.protocol import Span, Transformation


def words(text: str) -> list[Span]:
    """Return the spans of all words."""
    return [match.span() for match in WORD.finditer(text)]


@dataclass(frozen=True)
class CharacterEdits:
    """A word with one character changed.

    Attributes:
        kinds: Some of "swap" (two neighbours), "substitute", "delete", "insert", "keyboard" (a
            neighbouring key), "homoglyph" (one that looks alike), "space" (put between two).
        every: Whether every character of the word is changed in turn, or a random one per kind.
        inner: Whether the first and the last character stay.
        head: Whether the first character stays.
    """

    kinds: tuple[str, ...]
    every: bool = False
    inner: bool = False
    head: bool = False

    @property
    def name(self) -> str:
        """Kinds and characters."""
        extent = "every" if self.every else "one"
        extent += " inner" if self.inner else " but the first" if self.head else ""
        return f"characters({'+'.join(self.kinds)}, {extent})"

    def spans(self, text: str) -> list[Span]:
        """Return the words that have a character to change."""
        least = 4 if self.inner else 2
        return [(start, end) for start, end in words(text) if end - start >= least]

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the changed words."""
        options: dict[Span, list[str]] = {}
        for span in spans:
            word = text[slice(*span)]
            changed_words = [
                changed for kind in self.kinds for changed in self._changed(kind, word, rng)
            ]
            different = [changed for changed in dict.fromkeys(changed_words) if changed != word]
            if different:
                options[span] = different
        return options

    def _changed(self, kind: str, word: str, rng: Random) -> list[str]:
        change = _CHARACTER_EDITS[kind]
        first, last = int(self.inner or self.head), len(word) - int(self.inner)
        # A swap takes the next character along; a space stands before a character, not the first.
        indices = list(range(max(first, int(kind == "space")), last - (kind == "swap")))
        if not self.every and indices:
            indices = [rng.choice(indices)]
        return [changed for index in indices for changed in change(word, index, rng)]


def _swap(word: str, index: int, rng: Random) -> list[str]:
    del rng
    return [word[:index] + word[index + 1] + word[index] + word[index + 2 :]]


def _substitute(word: str, index: int, rng: Random) -> list[str]:
    return [word[:index] + rng.choice(string.ascii_letters) + word[index + 1 :]]


def _delete(word: str, index: int, rng: Random) -> list[str]:
    del rng
    return [word[:index] + word[index + 1 :]]


def _insert(word: str, index: int, rng: Random) -> list[str]:
    return [word[:index] + rng.choice(string.ascii_letters) + word[index:]]


def _space(word: str, index: int, rng: Random) -> list[str]:
    del rng
    return [word[:index] + " " + word[index:]]


def _homoglyph(word: str, index: int, rng: Random) -> list[str]:
    alike = LOOKALIKES.get(word[index])
    return [word[:index] + rng.choice(alike) + word[index + 1 :]] if alike else []


def _keyboard(word: str, index: int, rng: Random) -> list[str]:
    del rng
    row = next((r for r in _ROWS if word[index].lower() in r), "")
    if not row:
        return []
    column = row.index(word[index].lower())
    keys = [row[n] for n in (column - 1, column + 1) if 0 <= n < len(row)]
    return [word[:index] + like(word[index], key) + word[index + 1 :] for key in keys]


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_CHARACTER_EDITS: dict[str, Callable[[str, int, Random], list[str]]] = {
    "swap": _swap,
    "substitute": _substitute,
    "delete": _delete,
    "insert": _insert,
    "space": _space,
    "homoglyph": _homoglyph,
    "keyboard": _keyboard,
}


@dataclass(frozen=True)
class Deletion:
    """Deletes a word."""

    name: str = "deletion"

    def spans(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the empty string for each span."""
        del text, rng
        return {span: [""] for span in spans}


@dataclass(frozen=True)
class Synonyms:
    """A word's synonyms in all senses of WordNet 3.0 (Ren et al. 2019, section 3.2)."""

    name: str = "wordnet-synonyms"

    def spans(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the synonyms, with the word's capitals."""
        del rng
        wordnet = read_wordnet(asset("wordnet"))
        options = {}
        for span in spans:
            word = text[slice(*span)]
            replacements = [like(word, other) for other in wordnet.all_synonyms(word.lower())]
            if replacements:
                options[span] = replacements
        return options


@dataclass(frozen=True)
class Neighbours:
    """The words with the nearest embeddings.

    Attributes:
        count: The largest number of neighbours.
        least: The least cosine.
        vectors: A file of word vectors in the text form of word2vec or GloVe, or "" for the input
            embeddings of the packaged MiniLM.
    """

    count: int = 50
    least: float = 0.5
    vectors: str = ""

    def __post_init__(self) -> None:
        """Check count and cosine.

        Raises:
            ConfigurationError: a count below 1, or a cosine outside [-1, 1].
        """
        if self.count < 1 or not -1.0 <= self.least <= 1.0:
            raise ConfigurationError(
                f"neighbours: count = {self.count} is 1 or more, least = {self.least} lies in "
                "[-1, 1]"
            )

    @property
    def name(self) -> str:
        """Count, cosine and source."""
        return f"neighbours({self.count},{self.least},{self.vectors or 'minilm'})"

    def weights(self) -> tuple[str, ...]:
        """Return the hash of the user's file of vectors.

        Raises:
            DataError: it cannot be read.
        """
        if not self.vectors:
            return ()
        try:
            return (hash_files([current().root / self.vectors]),)
        except OSError as error:
            raise DataError(f"word vectors {self.vectors} cannot be read: {error}") from None

    def spans(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the neighbours, the nearest first, with the word's capitals."""
        del rng
        lowered = {text[slice(*span)].lower() for span in spans}
        near = neighbours(sorted(lowered), self.count, self.least, self.vectors)
        options = {}
        for span in spans:
            word = text[slice(*span)]
            replacements = [like(word, other) for other in near[word.lower()]]
            if replacements:
                options[span] = replacements
        return options


@dataclass(frozen=True)
class MaskedWords:
    """Words that a masked language model finds likely (Garg et al. 2020, section 3).

    Attributes:
        model: A hub id, a local folder or a packaged model.
        count: Words for each span.
    """

    model: str = "distilroberta-base"
    count: int = 50

    @property
    def name(self) -> str:
        """Model and count."""
        return f"masked({self.model},{self.count})"

    def weights(self) -> tuple[str, ...]:
        """Return the hash of the model's files.

        Raises:
            ModelError: a hub id that cannot be reached.
        """
        return (weights_hash(self.model),)

    def spans(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the likely words, the likeliest first, with the word's capitals."""
        del rng
        sides = [(text[:start], text[end:]) for start, end in spans]
        options = {}
        candidates = masked_candidates(self.model, sides, self.count)
        for span, likely in zip(spans, candidates, strict=True):
            word = text[slice(*span)]
            replacements = [like(word, other.lower()) for other, _ in likely]
            replacements = [
                other for other in dict.fromkeys(replacements) if other.lower() != word.lower()
            ]
            if replacements:
                options[span] = replacements
        return options


@dataclass(frozen=True)
class Perturbations:
    """The replacements that perturbations of the catalogue make at their sites.

    Attributes:
        names: Names of perturbations that find their sites themselves.
        draws: How many times each perturbation is drawn from.
    """

    names: tuple[str, ...]
    draws: int = 3

    @property
    def name(self) -> str:
        """The perturbations' fingerprints."""
        return f"perturbations({','.join(find(n).fingerprint for n in self.names)},{self.draws})"

    def spans(self, text: str) -> list[Span]:
        """Return all sites; of overlapping ones, the first."""
        from random import Random

        edits = sorted(e for n in self.names for e in _all_edits(n, text, Random(0)))
        spans: list[Span] = []
        for edit in edits:
            if not spans or edit.start >= spans[-1][1]:
                spans.append((edit.start, edit.end))
        return list(dict.fromkeys(spans))

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the replacements of these spans by the perturbations."""
        options: dict[Span, dict[str, None]] = {}
        for name in self.names:
            for _ in range(self.draws):
                for edit in _all_edits(name, text, rng):
                    if (edit.start, edit.end) in spans:
                        options.setdefault((edit.start, edit.end), {})[edit.after] = None
        return {span: list(replacements) for span, replacements in options.items()}


def _all_edits(name: str, text: str, rng: Random) -> Sequence[Edit]:
    return find(name).with_parameters(share=1.0).edits(text, rng)


@dataclass(frozen=True)
class Imperceptible:
    """Characters that cannot be seen (Boucher et al. 2022, section IV).

    Attributes:
        kinds: Some of "invisible" (characters of no width), "homoglyph", "deletion" (a character
            and the backspace that takes it away) and "reordering" (two characters swapped, and
            swapped back by bidirectional controls).
    """

    kinds: tuple[str, ...] = ("invisible", "homoglyph", "deletion", "reordering")

    @property
    def name(self) -> str:
        """The kinds."""
        return f"imperceptible({'+'.join(self.kinds)})"

    def spans(self, text: str) -> list[Span]:
        """Return every character of a word."""
        return [(n, n + 1) for n, character in enumerate(text) if character.isalnum()]

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return texts that look like the character and are not equal to it."""
        options = {}
        for span in spans:
            letter = text[slice(*span)]
            replacements = []
            if "invisible" in self.kinds:
                replacements += [invisible + letter for invisible in INVISIBLE]
            if "homoglyph" in self.kinds:
                replacements += list(LOOKALIKES.get(letter, ""))
            if "deletion" in self.kinds:
                replacements.append(rng.choice(string.ascii_lowercase) + "\b" + letter)
            if "reordering" in self.kinds:
                replacements.append(f"\u202e{letter}\u202c")
            if replacements:
                options[span] = replacements
        return options


@dataclass(frozen=True)
class JoinedTransformations:
    """Joins the options of several transformations.

    Attributes:
        parts: The transformations.
    """

    parts: tuple[Transformation, ...]

    @property
    def name(self) -> str:
        """The parts."""
        return "+".join(part.name for part in self.parts)

    def spans(self, text: str) -> list[Span]:
        """Return the spans of any part."""
        return sorted({span for part in self.parts for span in part.spans(text)})

    def options(self, text: str, spans: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the options of all parts."""
        joined: dict[Span, dict[str, None]] = {}
        for part in self.parts:
            own_spans = set(part.spans(text))
            for span, replacements in part.options(
                text, [p for p in spans if p in own_spans], rng
            ).items():
                joined.setdefault(span, {}).update(dict.fromkeys(replacements))
        return {span: list(replacements) for span, replacements in joined.items()}
