"""Foreign text (examples, model answers) made harmless for a terminal."""

from __future__ import annotations

import unicodedata

from pytest_ood.edits import edits_between

CONTEXT = 30
"""Characters that are shown on each side of an edit."""


def word_diff(before: str, after: str) -> str:
    """Return two texts as one, what was taken out as [-...-] and what came in as {+...+}.

    The marks are those of `git diff --word-diff`; long stretches without an edit are cut.
    """
    shown, position = "", 0
    for edit in edits_between(before, after):
        shown += _stretch(before[position : edit.start], inner=position > 0)
        shown += (f"[-{edit.before}-]" if edit.before else "") + (
            f"{{+{edit.after}+}}" if edit.after else ""
        )
        position = edit.end
    rest = before[position:]
    return shown + (rest if len(rest) <= 2 * CONTEXT else f"{rest[:CONTEXT]}...")


def _stretch(text: str, *, inner: bool) -> str:
    """Return a text without edits, or what is near the edits on its sides."""
    if len(text) <= 2 * CONTEXT:
        return text
    return (text[:CONTEXT] if inner else "") + "..." + text[-CONTEXT:]


def one_line(text: str, width: int) -> str:
    """Return text on one line, cut to `width` characters, control characters made visible.

    Escape sequences, line ends and marks that reverse the direction of what follows are written as
    escapes, so that a hostile example changes nothing on the screen.
    """
    shown = harmless(text)
    return shown if len(shown) <= width else shown[: width - 3] + "..."


def harmless(text: str, keep: str = "") -> str:
    """Return text with control characters and the like written as escapes, but for those to keep.

    These are what `one_line` names, and invisible characters, which could hide a difference.
    """
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if character not in keep
        and unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else character
        for character in text
    )
