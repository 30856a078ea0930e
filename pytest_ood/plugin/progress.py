"""Progress lines in the terminal of pytest."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from pytest_ood.plugin.secrets import redacted

if TYPE_CHECKING:
    import pytest

TERMINAL_INTERVAL = 5.0


class TerminalProgress:
    """Progress lines past pytest's capture, through the terminal reporter where there is one."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config

    def __reduce__(self) -> tuple[type, tuple[()]]:
        """Be silent in any other process, which has no terminal to write to."""
        from pytest_ood.utils.progress import Silent

        return Silent, ()

    def track(self, what: str, total: int, unit: str, *, quick: bool = False) -> Any:
        """Return a context in which the progress of a step is shown."""
        from pytest_ood.utils.progress import CI_INTERVAL, Lines, Silent

        if self.config.get_verbosity() < -1:
            return Silent().track(what, total, unit, quick=quick)
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        interactive = terminal is not None and terminal.isatty
        interval = TERMINAL_INTERVAL if interactive else CI_INTERVAL
        return Lines(self._write, interval).track(what, total, unit, quick=quick)

    def _write(self, line: str) -> None:
        line = redacted(self.config, line)
        capture = self.config.pluginmanager.getplugin("capturemanager")
        terminal = self.config.pluginmanager.getplugin("terminalreporter")
        with nullcontext() if capture is None else capture.global_and_fixture_disabled():
            if terminal is not None:
                terminal.ensure_newline()
                terminal.write_line(f"ood: {line}")
                terminal.flush()
            else:
                # An xdist worker has no terminal; its standard error is the controller's.
                print(f"ood: {line}", file=sys.__stderr__, flush=True)
