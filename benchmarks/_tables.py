"""Puts the tables that a script has measured into a document."""

from __future__ import annotations

import re
from pathlib import Path

END = "<!-- end of measured -->"


def put(document: Path, script: str, text: str) -> None:
    """Replace what stands between a script's mark and the end of measured text.

    Raises:
        ValueError: the document has no such mark.
    """
    start = f"<!-- measured by benchmarks/{Path(script).name} -->"
    old = document.read_text(encoding="utf-8")
    if start not in old:
        raise ValueError(f"{document} has no line {start!r}")
    between = f"(?s)(?<={re.escape(start)}\n).*?(?={re.escape(END)})"
    document.write_text(re.sub(between, lambda _: f"{text}\n", old), encoding="utf-8")
