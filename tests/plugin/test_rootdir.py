"""Which options may mislead pytest about its rootdir."""

from __future__ import annotations

from typing import Any, Self

from pytest_ood.plugin import options
from pytest_ood.plugin.rootdir import VALUED


class Parser:
    """Takes the place of pytest's parser, and keeps the names of options that have a value."""

    def __init__(self) -> None:
        self.valued: list[str] = []

    def getgroup(self, name: str, description: str) -> Self:
        """Return what options are added to."""
        del name, description
        return self

    def addoption(self, name: str, **declared: Any) -> None:
        """Keep the name of an option unless it is a flag."""
        if declared.get("action") != "store_true":
            self.valued.append(name)


def test_every_option_with_a_value_is_known() -> None:
    """A new option whose value could be taken for a test path is among those that are looked at."""
    parser = Parser()
    options.pytest_addoption(parser)  # type: ignore[arg-type]
    assert set(VALUED) == set(parser.valued)
