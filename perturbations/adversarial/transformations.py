"""Transformations: what may stand in the place of a word or a character."""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError, DataError
from pytest_ood.files import hash_files
from pytest_ood.perturbations import find
from pytest_ood.perturbations._transformers import masked_candidates, weights_hash
from pytest_ood.perturbations._wordnet import read_wordnet
from pytest_ood.perturbations._words import WORD, like
from pytest_ood.perturbations.adversarial._neighbours import neighbours
from pytest_ood.perturbations.resources import asset, current
from pytest_ood.perturbations.unicode import INVISIBLE, LOOKALIKES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

    from pytest_ood.edits import Edit
    from pytest_ood.perturbations.adversarial.protocol import Span, Transformation


def words(text: str) -> list[Span]:
    """Return the places of all words."""
    return [match.span() for match in WORD.finditer(text)]


@dataclass(frozen=True)
class CharacterEdits:
    """A word with one character changed.

    Attributes:
        kinds: Of "swap" (two neighbours), "substitute", "delete", "insert", "keyboard" (a
            neighbouring key), "homoglyph" (one that looks alike), "space" (put between two).
        every: Every place inside the word, or for each kind a random one.
        inner: The first and the last character stay.
        head: The first character stays.
    """

    kinds: tuple[str, ...]
    every: bool = False
    inner: bool = False
    head: bool = False

    @property
    def name(self) -> str:
        """Kinds and places."""
        where = "every" if self.every else "one"
        where += " inner" if self.inner else " but the first" if self.head else ""
        return f"characters({'+'.join(self.kinds)}, {where})"

    def places(self, text: str) -> list[Span]:
        """Return the words that have a character to change."""
        least = 4 if self.inner else 2
        return [(start, end) for start, end in words(text) if end - start >= least]

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the changed words."""
        found: dict[Span, list[str]] = {}
        for place in places:
            word = text[slice(*place)]
            made = [changed for kind in self.kinds for changed in self._changed(kind, word, rng)]
            kept = [changed for changed in dict.fromkeys(made) if changed != word]
            if kept:
                found[place] = kept
        return found

    def _changed(self, kind: str, word: str, rng: Random) -> list[str]:
        change = _KINDS[kind]
        first, last = int(self.inner or self.head), len(word) - int(self.inner)
        # A swap takes the next character along; a space stands before a character, not the first.
        spots = list(range(max(first, int(kind == "space")), last - (kind == "swap")))
        if not self.every and spots:
            spots = [rng.choice(spots)]
        return [made for spot in spots for made in change(word, spot, rng)]


def _swap(word: str, spot: int, rng: Random) -> list[str]:
    del rng
    return [word[:spot] + word[spot + 1] + word[spot] + word[spot + 2 :]]


def _substitute(word: str, spot: int, rng: Random) -> list[str]:
    return [word[:spot] + rng.choice(string.ascii_letters) + word[spot + 1 :]]


def _delete(word: str, spot: int, rng: Random) -> list[str]:
    del rng
    return [word[:spot] + word[spot + 1 :]]


def _insert(word: str, spot: int, rng: Random) -> list[str]:
    return [word[:spot] + rng.choice(string.ascii_letters) + word[spot:]]


def _space(word: str, spot: int, rng: Random) -> list[str]:
    del rng
    return [word[:spot] + " " + word[spot:]]


def _homoglyph(word: str, spot: int, rng: Random) -> list[str]:
    alike = LOOKALIKES.get(word[spot])
    return [word[:spot] + rng.choice(alike) + word[spot + 1 :]] if alike else []


def _keyboard(word: str, spot: int, rng: Random) -> list[str]:
    del rng
    row = next((r for r in _ROWS if word[spot].lower() in r), "")
    if not row:
        return []
    near = row.index(word[spot].lower())
    keys = [row[n] for n in (near - 1, near + 1) if 0 <= n < len(row)]
    return [word[:spot] + like(word[spot], key) + word[spot + 1 :] for key in keys]


_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_KINDS: dict[str, Callable[[str, int, Random], list[str]]] = {
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
    """Nothing in a word's place."""

    name: str = "deletion"

    def places(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return nothing for each."""
        del text, rng
        return {place: [""] for place in places}


@dataclass(frozen=True)
class Synonyms:
    """A word's synonyms in all senses of WordNet 3.0 (Ren et al. 2019, section 3.2)."""

    name: str = "wordnet-synonyms"

    def places(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the synonyms, with the word's capitals."""
        del rng
        wordnet = read_wordnet(asset("wordnet"))
        found = {}
        for place in places:
            word = text[slice(*place)]
            made = [like(word, other) for other in wordnet.all_synonyms(word.lower())]
            if made:
                found[place] = made
        return found


@dataclass(frozen=True)
class Neighbours:
    """The words whose embeddings lie nearest.

    Attributes:
        count: At most.
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

    def places(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the neighbours, the nearest first, with the word's capitals."""
        del rng
        asked = {text[slice(*place)].lower() for place in places}
        near = neighbours(sorted(asked), self.count, self.least, self.vectors)
        found = {}
        for place in places:
            word = text[slice(*place)]
            made = [like(word, other) for other in near[word.lower()]]
            if made:
                found[place] = made
        return found


@dataclass(frozen=True)
class MaskedWords:
    """What a masked language model finds likely in a word's place (Garg et al. 2020, section 3).

    Attributes:
        model: A hub id, a local folder or a packaged model.
        count: Words for each place.
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

    def places(self, text: str) -> list[Span]:
        """Return the words."""
        return words(text)

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the likely words, the likeliest first, with the word's capitals."""
        del rng
        sides = [(text[:start], text[end:]) for start, end in places]
        found = {}
        for place, words_ in zip(places, masked_candidates(self.model, sides, self.count),
                                 strict=True):  # fmt: skip
            word = text[slice(*place)]
            made = [like(word, other.lower()) for other, _ in words_]
            made = [other for other in dict.fromkeys(made) if other.lower() != word.lower()]
            if made:
                found[place] = made
        return found


@dataclass(frozen=True)
class Perturbations:
    """What perturbations of the catalogue do at their sites.

    Attributes:
        names: Of perturbations that find their sites themselves.
        draws: How many times each is drawn from.
    """

    names: tuple[str, ...]
    draws: int = 3

    @property
    def name(self) -> str:
        """The perturbations' fingerprints."""
        return f"perturbations({','.join(find(n).fingerprint for n in self.names)},{self.draws})"

    def places(self, text: str) -> list[Span]:
        """Return all sites, of overlapping ones the first."""
        from random import Random

        edits = sorted(e for n in self.names for e in _all_edits(n, text, Random(0)))
        kept: list[Span] = []
        for edit in edits:
            if not kept or edit.start >= kept[-1][1]:
                kept.append((edit.start, edit.end))
        return list(dict.fromkeys(kept))

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return what the perturbations put in these places."""
        found: dict[Span, dict[str, None]] = {}
        for name in self.names:
            for _ in range(self.draws):
                for edit in _all_edits(name, text, rng):
                    if (edit.start, edit.end) in places:
                        found.setdefault((edit.start, edit.end), {})[edit.after] = None
        return {place: list(options) for place, options in found.items()}


def _all_edits(name: str, text: str, rng: Random) -> Sequence[Edit]:
    return find(name).with_parameters(share=1.0).edits(text, rng)


@dataclass(frozen=True)
class Imperceptible:
    """Characters that cannot be seen (Boucher et al. 2022, section IV).

    Attributes:
        kinds: Of "invisible" (characters of no width), "homoglyph", "deletion" (a character and the
            backspace that takes it away) and "reordering" (two characters swapped, and swapped
            back by bidirectional controls).
    """

    kinds: tuple[str, ...] = ("invisible", "homoglyph", "deletion", "reordering")

    @property
    def name(self) -> str:
        """The kinds."""
        return f"imperceptible({'+'.join(self.kinds)})"

    def places(self, text: str) -> list[Span]:
        """Return every character of a word."""
        return [(n, n + 1) for n, character in enumerate(text) if character.isalnum()]

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return what looks like the character and is not it."""
        found = {}
        for place in places:
            letter = text[slice(*place)]
            made = []
            if "invisible" in self.kinds:
                made += [invisible + letter for invisible in INVISIBLE]
            if "homoglyph" in self.kinds:
                made += list(LOOKALIKES.get(letter, ""))
            if "deletion" in self.kinds:
                made.append(rng.choice(string.ascii_lowercase) + "\b" + letter)
            if "reordering" in self.kinds:
                made.append(f"\u202e{letter}\u202c")
            if made:
                found[place] = made
        return found


@dataclass(frozen=True)
class Together:
    """Several transformations of the same places.

    Attributes:
        parts: Their options are joined.
    """

    parts: tuple[Transformation, ...]

    @property
    def name(self) -> str:
        """The parts."""
        return "+".join(part.name for part in self.parts)

    def places(self, text: str) -> list[Span]:
        """Return the places of any part."""
        return sorted({place for part in self.parts for place in part.places(text)})

    def options(self, text: str, places: Sequence[Span], rng: Random) -> dict[Span, list[str]]:
        """Return the options of all parts."""
        found: dict[Span, dict[str, None]] = {}
        for part in self.parts:
            own = set(part.places(text))
            for place, options in part.options(text, [p for p in places if p in own], rng).items():
                found.setdefault(place, {}).update(dict.fromkeys(options))
        return {place: list(options) for place, options in found.items()}
