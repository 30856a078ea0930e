"""Texts that perturbations add: the lines of a file, a column of a table, or built-in ones."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, DataError, unknown_name
from pytest_ood.loading.formats import TEXT_SUFFIXES, parse_rows, suffix_of
from pytest_ood.loading.options import options_of_value
from pytest_ood.perturbations.resources import current
from pytest_ood.utils.decoding import lines_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from random import Random

_TRIES = 20


def drawn_text(
    rng: Random, texts: str, column: str, usual: Sequence[str], fits: Callable[[str], bool]
) -> str | None:
    """Return a random text that fits; None where none was drawn.

    Args:
        rng: The source of randomness.
        texts: The file, relative to the project; "" for the usual texts.
        column: The column of a table that has the texts, or lists of them.
        usual: Built-in texts.
        fits: Returns whether a text can be added.

    Raises:
        DataError: the file cannot be read, has no text, or no such column.
        ConfigurationError: the file has another ending than a text or a table.
    """
    known = _texts_of(_stamped(texts), column) if texts else usual
    drawn = (rng.choice(known) for _ in range(_TRIES))
    return next((text for text in drawn if fits(text)), None)


def _stamped(texts: str) -> tuple[Path, int]:
    """Return a file and when it was written: one that is written anew is read anew."""
    path = current().root / texts
    try:
        return path, path.stat().st_mtime_ns
    except OSError as error:
        raise DataError(f"texts = {texts!r}: {path} cannot be read: {error.strerror}") from None


@cache
def _texts_of(file: tuple[Path, int], column: str) -> tuple[str, ...]:
    """Return the different texts of a file: a text a line, or a column of a table.

    Raises:
        DataError: there is no text in it, or no such column.
    """
    path = file[0]
    suffix = suffix_of(path.name)
    if suffix == ".txt":
        rows = [line.strip() for line in lines_of(path)]
    elif suffix in TEXT_SUFFIXES:
        rows = [
            text.strip()
            for number, row in parse_rows(path)
            for text in _texts_of_row(path, number, row, column)
        ]
    else:
        message = unknown_name("ending", suffix, (".txt", *TEXT_SUFFIXES))
        raise ConfigurationError(f"texts: {path.name}: {message}")
    texts = tuple(text for text in dict.fromkeys(rows) if text)
    if not texts:
        raise DataError(f"{path}: there is no text in it; give at least one")
    return texts


def _texts_of_row(path: Path, number: int, row: Mapping[str, Any], column: str) -> Sequence[str]:
    """Return the text in a column of a row, or the options that are listed there."""
    value = row.get(column)
    options = None if value is None else options_of_value(value)
    if options is not None:
        return options.texts
    if isinstance(value, str):
        return (value,)
    columns = [name for name, other in row.items() if isinstance(other, str)]
    raise DataError(f"{path}, row {number}: " + unknown_name("column", column, columns))
