"""Notes on caveats of a suite's results."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Notes:
    """Notes in the order in which they were added, without repetitions.

    Args:
        notes: The first notes.
    """

    def __init__(self, notes: Iterable[str] = ()) -> None:
        # A dictionary keeps the order, and each key once.
        self._notes = dict.fromkeys(notes)

    def add(self, *notes: str) -> None:
        """Add notes, except those that are there already."""
        self._notes.update(dict.fromkeys(notes))

    def __iter__(self) -> Iterator[str]:
        return iter(self._notes)
