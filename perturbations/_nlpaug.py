"""Makes nlpaug's augmenters deterministic, and keeps them from changing anything else.

nlpaug draws from the global generators, strips its input and by default splits `Century's` into
`Century ' s`. Here an augmenter draws from the text's own generator and is shown words in a form
that its tokenizer and reverse tokenizer split and join without loss.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from random import Random

_SEPARATOR = "\x1f"
"""The unit separator: a control character, so never part of a word."""


def tokenizer(words: str) -> list[str]:
    """Split what `reverse_tokenizer` has joined."""
    return words.split(_SEPARATOR)


def reverse_tokenizer(words: list[str]) -> str:
    """Join words as `tokenizer` splits them."""
    return _SEPARATOR.join(words)


def draws_itself(augmenter: Any) -> bool:
    """Return whether an augmenter, or all of a flow, draw by their `sample` and `prob` alone.

    Models of words and language models draw from the global generators as well.
    """
    if isinstance(augmenter, list):
        return all(map(draws_itself, augmenter))
    return not hasattr(getattr(augmenter, "model", None), "sample")


def drawing_from(rng: Random, augmenter: Any) -> Any:
    """Copy an augmenter, and all of a flow, with `rng` in the place of the global generators."""
    drawing = copy.copy(augmenter)
    drawing.sample = lambda items, count: _sample(items, count, rng)
    drawing.prob = rng.random
    if isinstance(augmenter, list):
        drawing[:] = [drawing_from(rng, one) for one in augmenter]
    return drawing


def _sample(items: Any, count: int, rng: Random) -> Any:
    """Draw as nlpaug does: some items of a list, or below a number a whole one."""
    return rng.sample(items, count) if isinstance(items, list) else rng.randrange(1, items - 1)
