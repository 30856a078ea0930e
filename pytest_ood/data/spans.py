"""Spans of a text, and where they are once the text is edited."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_ood.data.edits import Edit

Span = tuple[int, int]
"""The indices of the first character, and after the last one."""

_ZERO_WIDTH_JOINER = "\u200d"


def moved_spans(spans: Sequence[Span], edits: Iterable[Edit]) -> list[Span | None] | None:
    """Return where spans are after edits of their text.

    What is inserted at either end of a span is outside of it, but for marks that combine with its
    last character. What is replaced inside of a span stays inside; a span that is replaced as a
    whole becomes its replacement.

    Args:
        spans: Spans of the original.
        edits: The edits of the original, in order and without overlaps.

    Returns:
        For each span, its indices in the edited text; None for one of which nothing is left. None
        for all if an edit replaces a part of a span together with text outside of it: nobody knows
        where the span ends then.
    """
    ordered = [_trimmed(edit) for edit in edits]
    moved: list[Span | None] = []
    for start, end in spans:
        before = inside = 0
        for first, last, after in ordered:
            growth = len(after) - (last - first)
            if last <= start and (first, last) != (start, end):
                before += growth
            elif first >= end:
                inside += _combining(after) if first == last == end else 0
            elif start <= first and last <= end:
                inside += growth
            elif first <= start and end <= last and not after:
                inside -= end - start
                before -= start - first
            else:
                return None
        length = end - start + inside
        moved.append((start + before, start + before + length) if length else None)
    return moved


def _trimmed(edit: Edit) -> tuple[int, int, str]:
    """Return an edit without the beginning and the end that it leaves as they are."""
    before, after = edit.before, edit.after
    most = min(len(before), len(after))
    head = next((n for n in range(most) if before[n] != after[n]), most)
    most -= head
    tail = next((n for n in range(most) if before[-1 - n] != after[-1 - n]), most)
    return edit.start + head, edit.end - tail, after[head : len(after) - tail]


def _combining(text: str) -> int:
    """Return how many characters at the beginning belong to the character before the text."""
    marks = (unicodedata.category(c)[0] == "M" or c == _ZERO_WIDTH_JOINER for c in text)
    return next((n for n, is_mark in enumerate(marks) if not is_mark), len(text))
