"""Foreign text, such as examples and model outputs, escaped for display."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import Literal

from pytest_ood.data.edits import edits_between

CONTEXT = 30
"""Characters that are shown on each side of an edit."""
SCORE_NAME_WIDTH = 40
"""Characters that are shown of a task's name for its score."""
OUTPUT_WIDTH = 120
"""Characters that are shown of an output that could not be parsed."""
INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp")
"""Unicode's categories of control and format characters, of halves of pairs, and of line ends."""
MARKS = {"same": ("", ""), "out": ("[-", "-]"), "in": ("{+", "+}")}


@dataclass(frozen=True)
class Piece:
    """A stretch of two texts shown as one.

    Attributes:
        kind: In both texts, removed from the first, or added in the second.
        text: The stretch.
    """

    kind: Literal["same", "out", "in"]
    text: str


def diff_pieces(before: str, after: str, context: int) -> list[Piece]:
    """Return two texts as one, word by word.

    Args:
        before: The original.
        after: The changed text.
        context: Longer stretches without an edit are cut to this many characters beside each edit.
    """
    pieces, position = [], 0
    for edit in edits_between(before, after):
        same = _stretch(before[position : edit.start], context, inner=position > 0)
        pieces += [Piece("same", same), Piece("out", edit.before), Piece("in", edit.after)]
        position = edit.end
    rest = before[position:]
    pieces.append(Piece("same", rest if len(rest) <= 2 * context else f"{rest[:context]}..."))
    return [piece for piece in pieces if piece.text]


def word_diff(before: str, after: str) -> str:
    """Return two texts as one, removals as [-...-] and additions as {+...+}.

    The marks are those of `git diff --word-diff`; long stretches without an edit are cut.
    """
    pieces = diff_pieces(before, after, CONTEXT)
    return "".join(piece.text.join(MARKS[piece.kind]) for piece in pieces)


def _stretch(text: str, context: int, *, inner: bool) -> str:
    """Return a text without edits, or what is near the edits on its sides."""
    if len(text) <= 2 * context:
        return text
    return (text[:context] if inner else "") + "..." + text[-context:]


def quoted(text: str) -> str:
    """Return an output of a model in quotes, on one line and cut; "nothing" if it is empty."""
    shown = one_line(text.strip(), OUTPUT_WIDTH)
    return f'"{shown}"' if shown else "nothing"


def no_answer(output: str | None) -> str:
    """Say that a model gave no answer, and what it wrote instead, if that is known."""
    return "no answer" if output is None else f"no answer (wrote {quoted(output)})"


def one_line(text: str, width: int) -> str:
    """Return text on one line, cut to `width` characters, control characters made visible.

    Escape sequences, line ends and marks that reverse the direction of what follows are written as
    escapes, so that a hostile example changes nothing on the screen.
    """
    shown = escape_controls(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def escape_controls(text: str, keep: str = "") -> str:
    """Return text with control characters and the like written as escapes, but for those to keep.

    These are what `one_line` names, and invisible characters, which could hide a difference.
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if character not in keep and unicodedata.category(character) in INVISIBLE
        else character
        for character in text
    )
