"""Edits: what a perturbation has changed, as data."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import accumulate
from operator import attrgetter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

_TOKEN = re.compile(r"\w+|\s+|[^\w\s]")
_AHEAD = 8
_WINDOW = 64
_EXACT = 4_000
"""Wider windows do without the tokens that are frequent in them."""
_CHUNK = re.compile(r"\S+")


@dataclass(frozen=True, order=True, slots=True)
class Edit:
    """A piece of a text that is replaced.

    Attributes:
        start: The index of its first character in the original.
        end: The index after its last character.
        before: The piece itself, `original[start:end]`.
        after: The replacement.
    """

    start: int
    end: int
    before: str
    after: str

    @property
    def size(self) -> int:
        """The longer side's length, without the beginning and the end that both share."""
        if len(self.before) == len(self.after) == 1:
            return 1
        least = self.trimmed
        return max(len(least.before), len(least.after))

    @property
    def trimmed(self) -> Edit:
        """The same edit without the beginning and the end that both sides share."""
        head = _shared(self.before, self.after)
        before, after = self.before[head:], self.after[head:]
        tail = _shared(before[::-1], after[::-1])
        return Edit(
            self.start + head,
            self.end - tail,
            before[: len(before) - tail],
            after[: len(after) - tail],
        )


@dataclass(frozen=True)
class Perturbed:
    """A text with the edits that were made to it.

    Attributes:
        original: The text before.
        edits: In order and without overlaps.
    """

    original: str
    edits: tuple[Edit, ...]

    @property
    def text(self) -> str:
        """The text afterwards."""
        return apply_edits(self.original, self.edits)

    @property
    def edited_characters(self) -> float:
        """The share of characters that were edited, in [0, 1].

        An edit counts as many characters as the longer of its two sides, without the beginning and
        the end they share: Levenshtein's distance at most.
        """
        edited = sum(edit.size for edit in self.edits)
        return min(1.0, edited / max(1, len(self.original)))

    @property
    def edited_words(self) -> float:
        """The share of words, by white space, that an edit touches, in [0, 1]."""
        words = [match.span() for match in _CHUNK.finditer(self.original)]
        starts = [start for start, _ in words]
        touched = set()
        for edit in self.edits:
            index = max(0, bisect_right(starts, edit.start) - 1)
            touched.add(index)
            while index + 1 < len(words) and starts[index + 1] < edit.end:
                index += 1
                touched.add(index)
        return len(touched) / max(1, len(words))


def _shared(one: str, other: str) -> int:
    """Return how many characters two strings begin with in common."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((n for n, (a, b) in pairs if a != b), min(len(one), len(other)))


def edits_between(original: str, changed: str) -> tuple[Edit, ...]:
    """Return the edits that make `changed` of `original`, word by word, in order."""
    old, new = _TOKEN.findall(original), _TOKEN.findall(changed)
    starts = [0]
    for token in old:
        starts.append(starts[-1] + len(token))
    edits = []
    for i1, i2, j1, j2 in differences(old, new):
        if i2 - i1 == j2 - j1:
            edits += [
                Edit(starts[i], starts[i + 1], old[i], new[j])
                for i, j in zip(range(i1, i2), range(j1, j2), strict=True)
                if old[i] != new[j]
            ]
        else:
            edits.append(Edit(starts[i1], starts[i2], "".join(old[i1:i2]), "".join(new[j1:j2])))
    return tuple(edits)


def differences(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the differences between two sequences: `old[i1:i2]` became `new[j1:j2]`.

    After a difference, the nearest indices are searched at which both sequences continue alike, at
    a cost that does not grow with their lengths. If there are none nearby, the rest is compared by
    `_whole_differences`.
    """
    i = j = 0
    while i < len(old) and j < len(new):
        if old[i] == new[j]:
            i, j = i + 1, j + 1
            continue
        ahead = _next_match(old, new, i, j)
        if ahead is None:
            break
        yield i, i + ahead[0], j, j + ahead[1]
        i, j = i + ahead[0], j + ahead[1]
    if i == len(old) or j == len(new):
        if (i, j) != (len(old), len(new)):
            yield i, len(old), j, len(new)
        return
    for i1, i2, j1, j2 in _whole_differences(old[i:], new[j:]):
        yield i + i1, i + i2, j + j1, j + j2


def _next_match(old: Sequence[str], new: Sequence[str], i: int, j: int) -> tuple[int, int] | None:
    """Return how far ahead in both, together the least, two items in a row are the same."""
    for ahead in range(1, 2 * _AHEAD):
        for far in range(max(0, ahead - _AHEAD), min(ahead, _AHEAD) + 1):
            a, b = i + far, j + ahead - far
            if a == len(old) and b == len(new):
                return far, ahead - far
            if a < len(old) and b < len(new) and old[a] == new[b]:
                ends = a + 1 == len(old) and b + 1 == len(new)
                if ends or (a + 1 < len(old) and b + 1 < len(new) and old[a + 1] == new[b + 1]):
                    return far, ahead - far
    return None


def _whole_differences(
    old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[int, int, int, int]]:
    """Yield what differs, as `differences` does, whatever the texts have in common.

    Comparing all with all takes a time that grows with the square of the length. Here windows are
    compared one after the other, each going on where the last but a quarter of the one before it
    was matched; a window in which nothing matches is made wider.
    """
    i = j = 0
    width = _WINDOW
    while i < len(old) or j < len(new):
        last = i + width >= len(old) and j + width >= len(new)
        matcher = SequenceMatcher(
            None, old[i : i + width], new[j : j + width], autojunk=width > _EXACT
        )
        start, start_new = i, j
        for a, b, size in matcher.get_matching_blocks()[:-1]:
            if not last and max(a, b) > 0.75 * width:
                break
            if (i, j) != (start + a, start_new + b):
                yield i, start + a, j, start_new + b
            i, j = start + a + size, start_new + b + size
        if last:
            if (i, j) != (len(old), len(new)):
                yield i, len(old), j, len(new)
            return
        width = _WINDOW if (i, j) != (start, start_new) else 2 * width


_span_of = attrgetter("start", "end")


def apply_edits(original: str, edits: Iterable[Edit]) -> str:
    """Apply some of a text's edits.

    Raises:
        ValueError: an edit is not of this text, or two overlap.
    """
    # Insertions at one place stay in the order in which they were given.
    return apply_in_order(original, sorted(edits, key=_span_of))


def apply_in_order(original: str, edits: Iterable[Edit]) -> str:
    """Apply a text's edits that are in order; raises as `apply_edits`."""
    pieces: list[str] = []
    position = 0
    for edit in edits:
        start, end = edit.start, edit.end
        if not position <= start <= end <= len(original) or original[start:end] != edit.before:
            raise ValueError(f"{edit!r} is not an edit of this text, or overlaps another")
        pieces += (original[position:start], edit.after)
        position = end
    return "".join([*pieces, original[position:]])


def inverted(edits: Iterable[Edit]) -> tuple[Edit, ...]:
    """Return the edits that make the original of the changed text."""
    inverses, shift = [], 0
    for edit in sorted(edits, key=_span_of):
        start = edit.start + shift
        inverses.append(Edit(start, start + len(edit.after), edit.after, edit.before))
        shift += len(edit.after) - len(edit.before)
    return tuple(inverses)


def composed_edits(
    original: str, first: Iterable[Edit], second: Iterable[Edit]
) -> tuple[Edit, ...]:
    """Return the edits that do at once what two lists of edits do one after the other.

    An edit that changes what an earlier one wrote is joined with it.

    Args:
        original: The text.
        first: Its edits, in order and without overlaps.
        second: The edits of the text that they make, likewise.
    """
    # The text in between, as pieces of the original: its characters, and what edits wrote.
    pieces: list[Edit] = []
    position = 0
    for edit in first:
        pieces += (Edit(n, n + 1, original[n], original[n]) for n in range(position, edit.start))
        pieces.append(edit)
        position = edit.end
    pieces += (Edit(n, n + 1, original[n], original[n]) for n in range(position, len(original)))
    ends = list(accumulate(len(piece.after) for piece in pieces))
    starts = [0, *ends[:-1]] if ends else []
    composed: list[Edit] = []
    reached = 0
    for indices, edits in _touched_pieces(starts, ends, second):
        composed += (p for p in pieces[reached : indices.start] if p.before != p.after)
        touched = pieces[indices.start : indices.stop]
        start = touched[0].start if touched else _start_of(pieces, indices.start, len(original))
        end = touched[-1].end if touched else start
        offset = starts[indices.start] if touched else edits[0].start
        written = "".join(piece.after for piece in touched)
        after = apply_in_order(
            written, (Edit(e.start - offset, e.end - offset, e.before, e.after) for e in edits)
        )
        composed.append(Edit(start, end, original[start:end], after))
        reached = indices.stop
    composed += (piece for piece in pieces[reached:] if piece.before != piece.after)
    return tuple(edit for edit in composed if edit.before != edit.after)


def _start_of(pieces: Sequence[Edit], index: int, end: int) -> int:
    """Return where a piece begins in the original; its end behind the last piece."""
    return pieces[index].start if index < len(pieces) else end


def _touched_pieces(
    starts: Sequence[int], ends: Sequence[int], edits: Iterable[Edit]
) -> list[tuple[range, list[Edit]]]:
    """Return the indices of the pieces that edits touch, with those edits that touch the same.

    Args:
        starts: Where each piece begins in the text, ascending.
        ends: Where it ends.
        edits: The edits of the text.
    """
    touched: list[tuple[range, list[Edit]]] = []
    for edit in edits:
        first, last = bisect_right(ends, edit.start), bisect_left(starts, edit.end)
        if edit.start == edit.end and not (first < last and starts[first] < edit.start):
            # Between two pieces.
            first = last = bisect_left(starts, edit.start)
        if touched and first < touched[-1][0].stop:
            indices, others = touched.pop()
            touched.append((range(indices.start, max(last, indices.stop)), [*others, edit]))
        else:
            touched.append((range(first, last), [edit]))
    return touched
