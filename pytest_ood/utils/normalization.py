"""Unicode's normal forms in linear time, for any text."""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import combining, normalize

MOST_MARKS = 30
"""The most consecutive combining marks that are kept, as in Unicode's Stream-Safe Text Format: the
time to sort them grows with the square of their number, and no language uses as many."""

MOST_CHARACTERS = 6
"""The longest decomposition of a character that is applied; a character with a longer one, such as
U+FDFA (18 characters), is not changed."""

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalized(form: Form, text: str) -> str:
    """Return a text in a normal form, with at most `MOST_MARKS` consecutive combining marks.

    Args:
        form: The normal form.
        text: Any text.
    """
    if text.isascii():
        return text
    whole: Form = "NFKD" if "K" in form else "NFD"
    apart: dict[int, str] = {}
    for character in {*text}:
        parts = normalize(whole, character)
        apart[ord(character)] = parts if len(parts) <= MOST_CHARACTERS else character
    text = text.translate(apart)
    # Marks are counted after decomposition, as a character may contain marks itself.
    marks = sorted({c for parts in apart.values() for c in parts if combining(c)})
    if sum(map(text.count, marks)) > MOST_MARKS:
        run = "".join(map(re.escape, marks))
        text = re.sub(f"([{run}]{{{MOST_MARKS}}})[{run}]+", r"\1", text)
    return normalize("NFC" if form.endswith("C") else "NFD", text)
