"""What scripts share: the option for another project, and tables that go into a document."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

PROJECT_OPTION: dict[str, Any] = {
    "type": Path,
    "default": Path("no-project"),
    "help": "a folder whose pyproject.toml names the models; without it they are the built-in ones",
}
"""The option of scripts that measure the models of the built-in suite."""

CLAIMS_HOLD = "every claim holds"


def conclude(missed: list[str]) -> int:
    """Print the claims that a script has missed, and return its exit status."""
    print("\n" + ("\n".join(f"missed: {claim}" for claim in missed) or CLAIMS_HOLD))
    return 1 if missed else 0


def percents(shares: Iterable[float]) -> str:
    """Write shares as whole percents."""
    return " ".join(f"{100 * share:.0f}" for share in shares)


def cell(text: str) -> str:
    """Return a text as a cell of a table, with what cannot be seen written as escapes.

    Joiners stay behind letters of scripts that are written with them.
    """
    shown = "".join(
        c if c.isprintable() or (c in _JOINERS and _is_joined(before)) else f"\\u{ord(c):04x}"
        for before, c in zip(f" {text}", text, strict=False)
    )
    return shown.replace("|", "\\|").replace("`", "'")


_JOINERS = "\u200c\u200d"


def _is_joined(character: str) -> bool:
    """Return whether a character is of a script without capitals."""
    return not character.isascii() and character.upper() == character.lower()


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
