"""Puts the tables that a script has measured into a document."""

from __future__ import annotations

from pathlib import Path

END = "<!-- end of measured -->"


def put(document: Path, script: str, text: str) -> None:
    """Replace what stands between a script's mark and the end of measured text.

    Raises:
        ValueError: the document has no such mark.
    """
    start = f"<!-- measured by benchmarks/{Path(script).name} -->\n"
    before, found, rest = document.read_text(encoding="utf-8").partition(start)
    _, closed, after = rest.partition(END)
    if not found or not closed:
        raise ValueError(f"{document} has no line {start.strip()!r}, or no {END!r} after it")
    document.write_text(f"{before}{start}{text}\n{END}{after}", encoding="utf-8")
