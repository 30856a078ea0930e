"""Foreign text (examples, model answers) made harmless for a terminal."""

from __future__ import annotations

import unicodedata


def one_line(text: str, width: int) -> str:
    """Return text on one line, cut to `width` characters, control characters made visible.

    Escape sequences, line ends and marks that reverse the direction of what follows are written as
    escapes, so that a hostile example changes nothing on the screen.
    """
    shown = "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
        else character
        for character in text
    )
    return shown if len(shown) <= width else shown[: width - 3] + "..."
