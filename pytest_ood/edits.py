"""Edits: what a perturbation has changed, as data."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")


@dataclass(frozen=True, order=True)
class Edit:
    """A piece of a text that is replaced.

    Attributes:
        start: Where it begins in the original, in characters.
        end: Where it ends.
        before: The piece itself, `original[start:end]`.
        after: What takes its place.
    """

    start: int
    end: int
    before: str
    after: str


def edits_between(original: str, changed: str) -> tuple[Edit, ...]:
    """Return the edits that make `changed` of `original`, word by word, in order."""
    old, new = _TOKEN.findall(original), _TOKEN.findall(changed)
    starts = [0]
    for token in old:
        starts.append(starts[-1] + len(token))
    edits = []
    for tag, i1, i2, j1, j2 in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if i2 - i1 == j2 - j1:
            edits += [
                Edit(starts[i], starts[i + 1], old[i], new[j])
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                if old[i] != new[j]
            ]
        else:
            edits.append(Edit(starts[i1], starts[i2], "".join(old[i1:i2]), "".join(new[j1:j2])))
    return tuple(edits)


def apply_edits(original: str, edits: Iterable[Edit]) -> str:
    """Apply some of a text's edits.

    Raises:
        ValueError: an edit is not of this text, or two overlap.
    """
    pieces, position = [], 0
    for edit in sorted(edits):
        inside = position <= edit.start <= edit.end <= len(original)
        if not inside or original[edit.start : edit.end] != edit.before:
            raise ValueError(f"{edit!r} is not an edit of this text, or overlaps another")
        pieces += [original[position : edit.start], edit.after]
        position = edit.end
    return "".join([*pieces, original[position:]])
