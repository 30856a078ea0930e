"""Keyboard typos: a letter is replaced by what a slip of the hand gives on the layout."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pytest_ood.languages import ENGLISH, listing
from pytest_ood.perturbations._keyboards import LAYOUTS, layout_of
from pytest_ood.perturbations._words import LONG_WORD
from pytest_ood.perturbations.protocol import batch_perturbation
from pytest_ood.perturbations.site_editing import BatchedSites

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random
    from re import Match

    from pytest_ood.data.edits import Edit
    from pytest_ood.languages import Language
    from pytest_ood.perturbations._keyboards import Layout
    from pytest_ood.perturbations.site_editing import Span


@batch_perturbation(
    LONG_WORD,
    source="Belinkov and Bisk 2018, section 3.2 (Key)",
    scale=(0.1, 0.2, 0.3, 0.5, 0.8),
    version=4,
    choices={"layout": LAYOUTS},
    languages=listing("layout"),
)
def keyboard(
    words: Sequence[Match[str]],
    rng: Random,
    *,
    layout: str = "",
    characters: float = 0.1,
) -> list[str]:
    """Replace a share of the letters (at least one) of a word by keys next to theirs.

    Where a letter needs AltGr or a dead key, that may be missed as well. A syllable of Korean is
    changed by its letters, one of Japanese by its spelling (`romaji`), and a character of Chinese
    by its sound (`pinyin`, which needs the package pypinyin). Where no layout is named it is the
    usual one of the language.
    """
    keys = layout_of(layout)
    return [_mistyped(word, keys, characters, rng) for word in words]


@dataclass(frozen=True)
class _Words:
    """Changes words, or what stands for them, as the layout tells them apart.

    Attributes:
        function: Changes the chosen words.
        layout: The layout where none is named.
    """

    function: Callable[..., Sequence[str | None]]
    layout: str = ENGLISH.layout

    def in_language(self, language: Language) -> _Words:
        """Return the method with the layout of a language."""
        return replace(self, layout=language.layout)

    def edits(
        self,
        text: str,
        rng: Random,
        share: float,
        protected: Sequence[Span],
        parameters: Mapping[str, Any],
    ) -> tuple[Edit, ...]:
        """Return the edits, in order and without overlaps."""
        parameters = {**parameters, "layout": parameters.get("layout") or self.layout}
        method = BatchedSites(layout_of(parameters["layout"]).words, self.function)
        return method.edits(text, rng, share, protected, parameters)


keyboard = replace(keyboard, method=_Words(keyboard.function))


def _mistyped(word: Match[str], layout: Layout, share: float, rng: Random) -> str:
    typed = layout.typed(word)
    near = [(number, slips) for number, (_, slips) in enumerate(typed) if slips]
    if not near:
        return word.group()
    count = min(len(near), max(1, int(share * len(typed))))
    written = [unit for unit, _ in typed]
    for number, slips in rng.sample(near, count):
        written[number] = rng.choice(slips)
    return layout.written(written)
