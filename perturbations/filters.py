"""Validity filters: which perturbed texts still mean what their originals mean.

A filter is a frozen dataclass of this file, or an object of the user's own; see `ValidityFilter`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.models._sentence_embeddings import ASSET, embeddings
from pytest_ood.perturbations.resources import asset, current
from pytest_ood.utils.objects import import_object

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.data.edits import Perturbed
    from pytest_ood.perturbations.contracts import ValidityFilter

_AT_ONCE = 512


@dataclass(frozen=True)
class EditDistance:
    """Accepts texts of which few characters were edited.

    Attributes:
        most: The largest share of edited characters, in [0, 1]; counted over the edits, which is
            Levenshtein's distance or a little more.
    """

    most: float = 0.2
    name: str = "edit-distance"

    def __post_init__(self) -> None:
        """Check the share.

        Raises:
            ConfigurationError: it is outside [0, 1].
        """
        _check(self.name, "most", self.most)

    @property
    def fingerprint(self) -> str:
        """Name and share."""
        return f"{self.name}({self.most})"

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each text, whether it is valid."""
        return [case.edited_characters <= self.most for case in cases]


@dataclass(frozen=True)
class EmbeddingSimilarity:
    """Accepts texts whose sentence embedding is near that of the original.

    The embedding is that of the packaged all-MiniLM-L6-v2: the mean over its last hidden states
    (Reimers and Gurevych 2019, section 3). TextFooler's constraint (Jin et al. 2020, section 3.2)
    is of this kind. Embeddings hardly reflect polarity: "good" and "bad" are near each other.

    Attributes:
        least: The least cosine, in [0, 1].
    """

    least: float = 0.8
    name: str = "embedding-similarity"

    def __post_init__(self) -> None:
        """Check the cosine.

        Raises:
            ConfigurationError: it is outside [0, 1].
        """
        _check(self.name, "least", self.least)

    @property
    def fingerprint(self) -> str:
        """Name and cosine."""
        return f"{self.name}({self.least})"

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each text, whether it is valid.

        Raises:
            AssetError: the packaged model cannot be fetched.
            ConfigurationError: transformers is not installed.
        """
        return [cosine >= self.least for cosine in self.cosines(cases)]

    def cosines(self, cases: Sequence[Perturbed]) -> list[float]:
        """Return the cosine of each text with its original, in [-1, 1]; raises as `accepts`."""
        # Vectors are large: so many at a time keep memory flat.
        return [
            cosine
            for start in range(0, len(cases), _AT_ONCE)
            for cosine in self._cosines(cases[start : start + _AT_ONCE])
        ]

    def _cosines(self, cases: Sequence[Perturbed]) -> list[float]:
        texts = sorted({text for case in cases for text in (case.original, case.text)})
        embedded = embeddings(texts, asset(ASSET), f"the filter {self.name}")
        vectors = dict(zip(texts, embedded, strict=True))
        # Rounded, so that the order in which a batch adds up decides nothing.
        return [round(float(vectors[c.original] @ vectors[c.text]), 4) for c in cases]


FILTERS: Mapping[str, Callable[..., ValidityFilter]] = {
    kind.name: kind for kind in (EditDistance, EmbeddingSimilarity)
}
"""The filters a suite can name."""


def parse_filter(value: Any) -> ValidityFilter:
    """Read a filter out of a configuration.

    Args:
        value: A name, a table with `name` and the filter's own keys, or `module:object`.

    Raises:
        ConfigurationError: says what is known.
    """
    table = {"name": value} if isinstance(value, str) else value
    if not isinstance(table, Mapping) or not isinstance(table.get("name"), str):
        raise ConfigurationError(
            f"filter = {value!r} is neither a name ({', '.join(FILTERS)}), nor 'module:object', "
            "nor a table with `name`"
        )
    name = table["name"]
    values = {key: entry for key, entry in table.items() if key != "name"}
    if ":" in name:
        return _own(name, values)
    if name not in FILTERS:
        raise ConfigurationError(
            unknown_name("filter", name, FILTERS) + " One's own is given as 'module:object'."
        )
    keys = [key for key in inspect.signature(FILTERS[name]).parameters if key != "name"]
    for key in values:
        if key not in keys:
            raise ConfigurationError(f"filter {name}: " + unknown_name("key", key, keys))
    return FILTERS[name](**values)


def _own(name: str, values: Mapping[str, Any]) -> ValidityFilter:
    """Import a user's own filter; a class is called with the table's other keys."""
    imported = import_object(name, "filter", current().root)
    try:
        built = imported(**values) if isinstance(imported, type) else imported
    except TypeError as error:
        raise ConfigurationError(f"filter {name!r} cannot be made: {error}") from None
    if not all(hasattr(built, part) for part in ("name", "fingerprint", "accepts")):
        raise ConfigurationError(
            f"filter {name!r} has to have `name`, `fingerprint` and `accepts(cases)`"
        )
    filter_: ValidityFilter = built
    return filter_


def _check(name: str, key: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"filter {name}: {key} = {value!r} lies in [0, 1]")
