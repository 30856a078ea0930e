"""Which of pytest-xdist's workers carries out which check."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from xdist.scheduler import LoadScopeScheduling

if TYPE_CHECKING:
    from collections.abc import Mapping


class ModelScheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist ships no types
    """Keeps every model in one worker: it is loaded once, and nothing is asked twice.

    xdist's own scheduling would send each check to whoever is free, so that all workers would load
    all models, and the limits of a server's model would hold for each worker alone.

    Attributes:
        groups: By the id of a check: what has to be measured in one worker.
    """

    def __init__(self, config: Any, log: Any, groups: Mapping[str, str]) -> None:
        super().__init__(config, log)
        self.groups = groups

    def _split_scope(self, nodeid: str) -> str:
        """Return the group of a test.

        Nobody can tell which models a test of the user's own asks: where there is one, everything
        is one group.
        """
        if any(_name(other) not in self.groups for other in self.collection or ()):
            return "ood"
        return self.groups[_name(nodeid)]


def _name(nodeid: str) -> str:
    """Return the id of a check, by the node id of its item."""
    return nodeid.partition("::")[2]
