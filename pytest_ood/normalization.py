"""Unicode's normal forms in linear time, whatever a text holds."""

from __future__ import annotations

import re
from typing import Literal
from unicodedata import combining, normalize

MOST_MARKS = 30
"""Combining marks in a row that count, as in Unicode's Stream-Safe Text Format: putting them into
their order takes time that grows with the square of their number, and no language has as many."""

MOST_CHARACTERS = 6
"""Characters that stand for one: one that is written out in more, such as U+FDFA (a sentence of
18), stays as it is."""

Form = Literal["NFC", "NFD", "NFKC", "NFKD"]


def normalized(form: Form, text: str) -> str:
    """Return a text in a normal form; of a run of combining marks the first ones are left.

    Args:
        form: Of Unicode.
        text: Any.
    """
    if text.isascii():
        return text
    whole: Form = "NFKD" if "K" in form else "NFD"
    apart: dict[int, str] = {}
    for character in {*text}:
        parts = normalize(whole, character)
        apart[ord(character)] = parts if len(parts) <= MOST_CHARACTERS else character
    text = text.translate(apart)
    # Each character may hold marks and become one, so that they are counted where all are apart.
    marks = sorted({c for parts in apart.values() for c in parts if combining(c)})
    if sum(map(text.count, marks)) > MOST_MARKS:
        run = "".join(map(re.escape, marks))
        text = re.sub(f"([{run}]{{{MOST_MARKS}}})[{run}]+", r"\1", text)
    return normalize("NFC" if form.endswith("C") else "NFD", text)
