"""Wrapping what exists: any augmenter or flow of nlpaug, and any function from text to text."""

from __future__ import annotations

import copy
import inspect
import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Unpack

from pytest_ood.data.edits import Edit, differences
from pytest_ood.errors import ConfigurationError
from pytest_ood.perturbations._nlpaug import (
    drawing_from,
    draws_itself,
    reverse_tokenizer,
    tokenizer,
)
from pytest_ood.perturbations._words import WORD
from pytest_ood.perturbations.protocol import WRAPS, Declared, Generator, perturbation
from pytest_ood.perturbations.site_editing import checked_text
from pytest_ood.utils.seeding import seeded_globals

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from random import Random
    from re import Match

_PIECE = re.compile(rf"{WORD.pattern}|\S")
_TEXT_AND_RNG = 2


def from_function(
    function: Callable[..., str], name: str = "", **declared: Unpack[Declared]
) -> Generator:
    """Convert any function from a text to a text to a perturbation.

    Args:
        function: `(text) -> text` or `(text, rng) -> text`. The global generators of `random` and
            `numpy` are seeded for it, and restored afterwards.
        name: The name in reports; "" for the function's own.
        declared: As for the decorator `perturbation`; `source` defaults to the function's name.

    Raises:
        TypeError: it cannot be called, or takes other arguments.
    """
    if not callable(function):
        raise TypeError(f"{function!r} is no function from a text to a text")
    called = getattr(function, "__name__", type(function).__name__)
    takes_rng = _takes_rng(function)

    def run(text: str, rng: Random) -> str:
        """Call the function with the random generator, or with seeded global ones."""
        if takes_rng:
            changed = function(text, rng)
        else:
            with seeded_globals(rng):
                changed = function(text)
        return checked_text(changed, "a function that from_function wraps returns a text")

    _wraps(run, function)
    run.__doc__ = inspect.getdoc(function) or f"Call {called}."
    return _named(run, name or called, called, declared)


def from_nlpaug(augmenter: Any, name: str = "", **declared: Unpack[Declared]) -> Generator:
    """Convert an nlpaug augmenter or flow for texts to a perturbation.

    The perturbation uses a copy. The augmenter gets words and marks in a form that is split and
    joined without loss; changed ones replace the originals, and white space stays as it is.

    Args:
        augmenter: One of `nlpaug.augmenter.char`, `.word` or `.sentence`, or a flow of these.
        name: The name in reports; "" for the augmenter's own.
        declared: As for the decorator `perturbation`.

    Raises:
        ConfigurationError: it is not from nlpaug, or not for texts.
    """
    module = type(augmenter).__module__
    if not module.startswith("nlpaug.") or not hasattr(augmenter, "augment"):
        raise ConfigurationError(
            f"from_nlpaug: {augmenter!r} is no augmenter or flow of nlpaug; wrap a function with "
            "from_function"
        )
    if module.startswith(("nlpaug.augmenter.audio", "nlpaug.augmenter.spectrogram")):
        raise ConfigurationError(f"from_nlpaug: {type(augmenter).__name__} is not for texts")
    copied = _lossless(augmenter)
    alone = draws_itself(augmenter)

    def run(text: str, rng: Random) -> list[Edit]:
        """Return the edits of the augmenter, piece by piece."""
        pieces = list(_PIECE.finditer(text))
        if not pieces:
            return []
        words = [piece.group() for piece in pieces]
        if alone:
            answer = drawing_from(rng, copied).augment(reverse_tokenizer(words))
        else:
            with seeded_globals(rng):
                answer = copied.augment(reverse_tokenizer(words))
        # nlpaug answers with a list, with a text, or with nothing where it changed nothing.
        augmented = answer[0] if isinstance(answer, list) and answer else answer
        if not isinstance(augmented, str):
            return []
        return [
            Edit(start, end, text[start:end], after)
            for start, end, after in _replacements(text, pieces, words, tokenizer(augmented))
        ]

    called = type(augmenter).__name__
    _wraps(run, augmenter)
    run.__doc__ = (inspect.getdoc(type(augmenter)) or called).partition("\n")[0]
    return _named(run, name or called, f"{module}.{called}", declared)


def _replacements(
    text: str, pieces: Sequence[Match[str]], words: Sequence[str], changed: Sequence[str]
) -> Iterator[tuple[int, int, str]]:
    """Yield the replacements of changed words, as (start, end, new text)."""
    # As many words as before: each replaces the one with its index.
    same = len(words) == len(changed)
    whole = [(0, len(words), 0, len(changed))]
    for i1, i2, j1, j2 in whole if same else differences(words, changed):
        new = changed[j1:j2]
        if i2 - i1 == len(new):
            for piece, word in zip(pieces[i1:i2], new, strict=True):
                if word != piece.group():
                    yield *piece.span(), word
        elif new and i1 < i2:
            yield pieces[i1].start(), pieces[i2 - 1].end(), " ".join(new)
        elif new and i1 < len(pieces):
            position = pieces[i1].start()
            yield position, position, "".join(f"{word} " for word in new)
        elif new:
            position = pieces[-1].end()
            yield position, position, "".join(f" {word}" for word in new)
        else:
            # The white space after a deleted word is deleted, too.
            end = pieces[i2].start() if i2 < len(pieces) else len(text)
            yield pieces[i1].start(), end, ""


def _wraps(run: Callable[..., Any], wrapped: object) -> None:
    """Mark a function as a wrapper of a user's, for its module and location in messages."""
    run.__module__ = str(getattr(wrapped, "__module__", None) or "")
    # Not `__wrapped__`, by which its signature would be that of the other.
    vars(run)[WRAPS] = wrapped


def _named(
    run: Callable[[str, Random], str | Iterable[Edit]], name: str, source: str, declared: Declared
) -> Generator:
    settings: Declared = {"source": source}
    settings.update(declared)
    generator = perturbation(**settings)(run)
    return replace(generator, name=re.sub(r"[\s/\\\[\]:_<>]+", "-", name).strip("-"))


def _takes_rng(function: Callable[..., str]) -> bool:
    """Return whether a function takes a generator besides the text."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        # Some functions written in C tell nothing; they take a text.
        return False
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    needed = [
        p for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty
    ]
    taken = [p for p in parameters if p.kind in (*positional, inspect.Parameter.VAR_POSITIONAL)]
    if not taken or len(needed) > _TEXT_AND_RNG:
        raise TypeError(
            f"{function!r} takes ({', '.join(p.name for p in needed)}); it has to take (text) or "
            "(text, rng)"
        )
    return len(needed) == _TEXT_AND_RNG


def _lossless(augmenter: Any) -> Any:
    """Copy an augmenter, and all of a flow, with tokenizers that lose nothing."""
    copied = copy.copy(augmenter)
    if isinstance(augmenter, list):
        # A flow is a list of augmenters; a copy of a list subclass shares nothing but them.
        copied[:] = [_lossless(one) for one in augmenter]
        return copied
    if hasattr(copied, "tokenizer"):
        copied.tokenizer = tokenizer
    if hasattr(copied, "reverse_tokenizer"):
        copied.reverse_tokenizer = reverse_tokenizer
    return copied
