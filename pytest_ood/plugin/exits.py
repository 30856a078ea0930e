"""A model that ends the process: an error of its gate, not the end of the run without a word."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable


def guard() -> Callable[[], None]:
    """Make os._exit an error in this process, and return what undoes that.

    It would end the run with the status that it is given, 0 for one, and nothing measured.
    Processes that this one forks end by it as before, and so does the whole run by another thread
    (pytest-timeout's), though never with the status of a green one.
    """
    leave, own = os._exit, os.getpid()

    def refuse(status: int) -> NoReturn:
        """Raise SystemExit in the main thread, and leave the process elsewhere."""
        __tracebackhide__ = True
        if os.getpid() != own:
            leave(status)
        if threading.current_thread() is not threading.main_thread():
            leave(status or 1)
        raise SystemExit(f"os._exit({status}) was called")

    def undo() -> None:
        """Restore the original function."""
        os._exit = leave

    os._exit = refuse
    return undo
