from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property

from pytest_ood.objects import Portable


@dataclass(frozen=True)
class Heavy(Portable):
    """Finds out what is light, and loads what is heavy."""

    name: str

    @cached_property
    def fingerprint(self) -> str:
        """Slow to find out and quick to send."""
        return f"{self.name} {id(self)}"

    @cached_property
    def loaded(self) -> list[str]:
        """Quick to load and slow to send."""
        return [self.name]


def test_what_is_loaded_stays_behind() -> None:
    """A copy in another process has what was found out, and loads for itself."""
    heavy = Heavy("m")
    found, loaded = heavy.fingerprint, heavy.loaded
    again = pickle.loads(pickle.dumps(heavy))
    assert vars(again) == {"name": "m", "fingerprint": found}
    assert again.loaded == ["m"]
    assert heavy.loaded is loaded, "sending takes nothing away"
