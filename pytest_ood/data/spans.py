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

_OTHER_MARKS = "\u0e33\u0eb3\u200c\u200d\uff9e\uff9f"
"""What extends the character before it, and is no mark by its category."""


def moved_spans(spans: Sequence[Span], edits: Iterable[Edit]) -> list[Span | None] | None:
    """Return where spans are after edits of their text.

    What replaces a part of a span stays inside; a span that is replaced as a whole becomes its
    replacement. What is inserted at either end of a span is outside of it, but for marks that
    combine with its last character. Where an edit reaches over an end of a span, only what differs
    between its two sides counts.

    Args:
        spans: Spans of the original.
        edits: The edits of the original, in order and without overlaps.

    Returns:
        For each span, its indices in the edited text; None for one of which nothing is left. None
        for all if an edit replaces a part of a span together with text outside of it: nobody knows
        where the span ends then.
    """
    ordered = list(edits)
    moved: list[Span | None] = []
    for start, end in spans:
        before = inside = 0
        for edit in ordered:
            change = _within(edit, start, end)
            first, last, after = change.start, change.end, change.after
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


def _within(edit: Edit, start: int, end: int) -> Edit:
    """Return an edit; one that reaches over an end of a span without what its sides share."""
    is_inside = start <= edit.start and edit.end <= end
    return edit if is_inside or edit.end <= start or end <= edit.start else edit.trimmed


def _combining(text: str) -> int:
    """Return how many characters at the beginning belong to the character before the text."""
    return next((n for n, c in enumerate(text) if not _extends(c)), len(text))


def splits_grapheme(text: str, index: int) -> bool:
    """Return whether an index is inside of what a reader sees as one character.

    Unicode Standard Annex 29, section 3.1.1: no boundary inside CR LF (GB3), before marks that
    combine, joiners and modifiers (GB9, GB9a), between two parts joined to one emoji (GB11), inside
    a flag (GB12, GB13) and inside a syllable of Hangul (GB6 to GB8).
    """
    if not 0 < index < len(text):
        return False
    before, after = text[index - 1], text[index]
    if before in "\r\n" or after in "\r\n":
        return before + after == "\r\n"
    if _extends(after):
        return True
    if before == _ZERO_WIDTH_JOINER:
        joined = next((c for c in reversed(text[: index - 1]) if not _extends(c)), "")
        return _is_pictograph(joined) and _is_pictograph(after)
    if _is_regional(before) and _is_regional(after):
        run = next((n for n in range(index) if not _is_regional(text[index - 1 - n])), index)
        return run % 2 == 1
    return _joins_hangul(before, after)


def _extends(character: str) -> bool:
    """Return whether a character belongs to the one before it."""
    if character.isascii():
        return False
    is_mark = unicodedata.category(character)[0] == "M" or character in _OTHER_MARKS
    # Modifiers of skin tone, and the letters of flags of regions.
    return (
        is_mark
        or "\U0001f3fb" <= character <= "\U0001f3ff"
        or "\U000e0020" <= character <= "\U000e007f"
    )


def _is_pictograph(character: str) -> bool:
    other = bool(character) and unicodedata.category(character) == "So"
    return other and not _is_regional(character)


def _is_regional(character: str) -> bool:
    return "\U0001f1e6" <= character <= "\U0001f1ff"


def _joins_hangul(before: str, after: str) -> bool:
    """Return whether two letters of Hangul, or a syllable and a letter, are one syllable."""
    follows_consonant = "\u1100" <= after <= "\u11a7" or "\uac00" <= after <= "\ud7a3"
    if "\u1100" <= before <= "\u115f":
        return follows_consonant
    is_open = "\uac00" <= before <= "\ud7a3" and (ord(before) - 0xAC00) % 28 == 0
    if is_open or "\u1160" <= before <= "\u11a7":
        return "\u1160" <= after <= "\u11ff"
    closed = "\uac00" <= before <= "\ud7a3" or "\u11a8" <= before <= "\u11ff"
    return closed and "\u11a8" <= after <= "\u11ff"
