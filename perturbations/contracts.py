"""What a perturbation may do to the label: keep it, change it to a known one, or nobody knows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pytest_ood.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_ood.edits import Perturbed


class ValidityFilter(Protocol):
    """Decides which perturbed texts still mean what their originals mean."""

    @property
    def name(self) -> str:
        """The name that configurations and reports use."""
        ...

    @property
    def fingerprint(self) -> str:
        """Name and parameters: what has to be equal for the decisions to be."""
        ...

    def accepts(self, cases: Sequence[Perturbed]) -> list[bool]:
        """Return, for each text, whether it is valid; a decision depends on its own text alone."""
        ...


@dataclass(frozen=True)
class Preserving:
    """The label stays as it is, whatever the text and the task."""

    name: str = "preserving"


@dataclass(frozen=True)
class Changing:
    """The label becomes another, and which one is known.

    Attributes:
        relabel: Returns the label that the text has afterwards, from the label before and all
            labels of the task.
    """

    relabel: Callable[[str, Sequence[str]], str]
    name: str = "changing"


@dataclass(frozen=True)
class Uncertain:
    """The label may change: a perturbed text counts only where the filter accepts it.

    Attributes:
        filter: Decides.
    """

    filter: ValidityFilter
    name: str = "uncertain"


Contract = Preserving | Changing | Uncertain

PRESERVING = Preserving()


def other_label(label: str, labels: Sequence[str]) -> str:
    """Return the other one of two labels.

    Raises:
        ConfigurationError: the task has more or fewer than two labels.
    """
    others = [other for other in labels if other != label]
    if len(others) != 1:
        raise ConfigurationError(
            f"which label follows on {label!r} is not known among {', '.join(labels)}; give the "
            "shift a table: relabel = { before = 'after', ... }"
        )
    return others[0]
