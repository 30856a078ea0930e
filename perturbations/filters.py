"""Validity filters: which perturbed texts still mean what their originals mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.edits import Perturbed


@dataclass(frozen=True)
class EditDistance:
    """Accepts texts of which few characters were edited.

    Attributes:
        most: The largest share of edited characters, in [0, 1]; counted over the edits, which is
            Levenshtein's distance or a little more.
    """

    most: float = 0.2
    name: str = "edit-distance"

    def __post_init__(self) -> None:
        """Check the share.

        Raises:
            ConfigurationError: it is outside [0, 1].
        """
        _check(self.name, "most", self.most)

    @property
    def fingerprint(self) -> str:
        """Name and share."""
        return f"{self.name}({self.most})"

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each text, whether it is valid."""
        return [case.edited_characters <= self.most for case in cases]


def _check(name: str, key: str, value: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0.0 <= value <= 1.0:
        raise ConfigurationError(f"filter {name}: {key} = {value!r} lies in [0, 1]")
