"""CoNLL columns: one word a line with its tag, and a blank line after each sentence."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from pytest_ood.data.tags import OUTSIDE, tagged_spans
from pytest_ood.errors import DataError, shown

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

TEXT, LABEL = "text", "label"
"""The columns that are read: words, and their tags. Rows have these keys."""

DOCUMENT = "-DOCSTART-"
"""The word that begins a document (Tjong Kim Sang and De Meulder 2003, CoNLL-2003)."""

_TAG_LIKE = re.compile(rf"{OUTSIDE}|[A-Z]-\S+")


def sentences_of(
    lines: Iterable[str], path: Path, columns: Sequence[str] = ()
) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """Yield (line number, row) of each sentence.

    The text of a row is its words with single spaces between; its label is a list of spans, each
    with `start`, `end` and `label`. Lines that begin with "# " before a sentence are comments.

    Args:
        lines: The lines of the file.
        path: The file, for messages.
        columns: The names of the columns, of which `text` has words and `label` has tags; without
            any the first has words, and the last has tags.

    Raises:
        DataError: a line has too few columns, or a tag is of no scheme; the message has the number
            of the line.
    """
    words: list[tuple[str, str]] = []
    first = 1
    for number, line in enumerate(lines, start=1):
        content = line.rstrip("\r\n").lstrip("\ufeff")
        if not content.strip():
            if words:
                yield first, _row(path, first, words)
            words = []
        elif (not words and _is_comment(content)) or content.startswith(DOCUMENT):
            continue
        else:
            first = first if words else number
            words.append(_word_and_tag(f"{path}, line {number}", content, columns))
    if words:
        yield first, _row(path, first, words)


def _is_comment(line: str) -> bool:
    """Return whether a line is a comment, and not the word "#" with its tag."""
    is_marked = line.startswith("# ") or line.strip() == "#"
    return is_marked and "\t" not in line and not _TAG_LIKE.fullmatch(line.rsplit(maxsplit=1)[-1])


def _word_and_tag(where: str, line: str, columns: Sequence[str]) -> tuple[str, str]:
    cells = line.split("\t") if "\t" in line else line.split()
    cells = [cell.strip() for cell in cells]
    if columns:
        if len(cells) != len(columns):
            raise DataError(
                f"{where}: there are {len(cells)} columns, and `columns` names {len(columns)} "
                f"({', '.join(columns)})"
            )
        cells = [cells[columns.index(TEXT)], cells[columns.index(LABEL)]]
    if len(cells) < 2 or not cells[0]:  # noqa: PLR2004 - a word and its tag
        raise DataError(
            f"{where}: {shown(line)} is no word with a tag; columns are separated by tabs, or by "
            "white space, and a blank line ends a sentence"
        )
    return cells[0], cells[-1]


def _row(path: Path, number: int, words: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Return the row of a sentence that begins in a line."""
    spans, position = [], 0
    for word, _ in words:
        spans.append((position, position + len(word)))
        position += len(word) + 1
    try:
        labelled = tagged_spans([tag for _, tag in words], spans)
    except DataError as error:
        raise DataError(f"{path}, row {number}, field {LABEL!r}: {error}") from None
    return {
        TEXT: " ".join(word for word, _ in words),
        LABEL: [span._asdict() for span in labelled],
    }
