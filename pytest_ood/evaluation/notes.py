"""Remarks on a suite's figures: what makes them say less than they seem to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Notes:
    """Remarks in the order in which they were made, each once.

    Args:
        notes: The first ones.
    """

    def __init__(self, notes: Iterable[str] = ()) -> None:
        # A dictionary keeps the order, and each key once.
        self._notes = dict.fromkeys(notes)

    def add(self, *notes: str) -> None:
        """Add remarks that were not made before."""
        self._notes.update(dict.fromkeys(notes))

    def __iter__(self) -> Iterator[str]:
        return iter(self._notes)
