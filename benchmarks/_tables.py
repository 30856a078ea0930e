"""What scripts share: the option for another project, and tables that go into a document."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
