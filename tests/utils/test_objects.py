from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from pytest_ood.errors import ConfigurationError, ModelError
from pytest_ood.utils.objects import ReloadsAfterPickling, import_object


@dataclass(frozen=True)
class Heavy(ReloadsAfterPickling):
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


MODULES = {
    "exits": (
        "import sys\nsys.exit(0)\n",
        r"importing 'exits' fails: SystemExit: 0 \(exits.py:2\)",
    ),
    "parses": (
        "import argparse\nargparse.ArgumentParser().parse_args(['--nothing'])\n",
        r"importing 'parses' fails: SystemExit: 2 \(parses.py:2\); it reads the command line",
    ),
    "skips": (
        "import pytest\npytest.skip('no', allow_module_level=True)\n",
        r"importing 'skips' fails: Skipped: no \(skips.py:2\)",
    ),
    "attribute": (
        "def __getattr__(name):\n    raise SystemExit(name)\n",
        r"attribute has no 'model': looking it up fails: SystemExit: model \(attribute.py:2\)",
    ),
    "breaks": ("\n1 / 0\n", r"importing 'breaks' fails: ZeroDivisionError: .* \(breaks.py:2\)"),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_module_that_would_end_the_run_is_named(name: str, tmp_path: Path) -> None:
    """With the model, and the line of the user's that did it."""
    content, told = MODULES[name]
    (tmp_path / f"{name}.py").write_text(content)
    with pytest.raises(ConfigurationError, match=f"^model 'a': {told}"):
        import_object(f"{name}:model", "model 'a'", tmp_path)


def test_a_module_that_asks_at_the_terminal_is_an_error(tmp_path: Path) -> None:
    """Whoever started the run may have gone."""
    (tmp_path / "asks.py").write_text("import getpass\nKEY = getpass.getpass()\n")
    with pytest.raises(ModelError, match=r"^model 'a' asked .*getpass.getpass, asks.py:2"):
        import_object("asks:model", "model 'a'", tmp_path)
