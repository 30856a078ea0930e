"""A user's own code, run so that it waits for nobody and ends nothing but itself."""

from __future__ import annotations

import bdb
import getpass
import inspect
import io
import os
import pdb  # noqa: T100 - to keep models from calling it
import sys
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any, NoReturn

from pytest_ood.errors import ModelError, place_of, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TERMINAL = 0
"""The file that the terminal is read from."""

_unattended_owners: list[str] = []
"""Whose code runs unattended, in this process."""


def ends_run(error: BaseException) -> bool:
    """Return whether an exception is meant for the whole run, whoever's code it came through.

    Ctrl-C, pytest.exit, and the end of a test's time as pytest-timeout tells it.
    """
    if isinstance(error, KeyboardInterrupt | GeneratorExit):
        return True
    leaving = getattr(sys.modules.get("_pytest.outcomes"), "Exit", ())
    if isinstance(error, leaving):
        return True
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__") == "pytest_timeout":
            return True
        trace = trace.tb_next
    return False


@contextmanager
def contained(owner: str) -> Iterator[None]:
    """Run a user's code unattended; what would end the process or the test is a model's error.

    Args:
        owner: The start of error messages, such as "model 'a'".

    Raises:
        ModelError: it calls sys.exit, pytest.skip and the like, or asks for input.
    """
    try:
        with unattended(owner):
            yield
    except BaseException as error:
        if isinstance(error, Exception) or ends_run(error):
            raise
        raise ModelError(f"{owner} raised {reason_of(error)}") from error


@contextmanager
def unattended(owner: str) -> Iterator[None]:
    """Let a user's code ask nobody at the terminal: whoever started the run may have gone.

    Args:
        owner: As for `contained`.

    Raises:
        ModelError: breakpoint(), pdb.set_trace(), getpass.getpass() or input() is called in it, or
            sys.stdin read. What is read from file 0 itself is at its end.
    """
    if _unattended_owners:
        yield
        return
    _unattended_owners.append(owner)
    try:
        with ExitStack() as contexts:
            contexts.enter_context(_nothing_to_read())
            contexts.enter_context(_set(sys, "stdin", _NoInput()))
            if os.environ.get("PYTHONBREAKPOINT") != "0":
                contexts.enter_context(_refused(sys, "breakpointhook", "breakpoint"))
            contexts.enter_context(_refused(pdb, "set_trace", "pdb.set_trace"))
            # As modules have it that said `from getpass import getpass` before.
            contexts.enter_context(_refused(bdb.Bdb, "set_trace", "pdb.set_trace"))
            contexts.enter_context(_refused(getpass, "getpass", "getpass.getpass"))
            contexts.enter_context(_refused(getpass, "_raw_input", "getpass.getpass"))
            debugger = getattr(sys.modules.get("_pytest.debugging"), "pytestPDB", None)
            if debugger is not None:
                contexts.enter_context(_refused(debugger, "_init_pdb", "pdb.set_trace"))
            yield
    finally:
        _unattended_owners.clear()


def _refuse(call: str) -> NoReturn:
    """Say who asked for input, by what and where.

    Raises:
        ModelError: always.
    """
    where = place_of(inspect.currentframe())
    raise ModelError(
        f"{_unattended_owners[0]} asked for input at the terminal "
        f"({call}{f', {where}' if where else ''}); a model under test answers by itself"
    )


@contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Give an attribute another value, and its own one back, unless somebody else has set it."""
    own = name in vars(owner)
    before = vars(owner).get(name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        if vars(owner).get(name) is value:
            if own:
                setattr(owner, name, before)
            else:
                delattr(owner, name)


def _refused(owner: Any, name: str, call: str) -> Any:
    """Return a context in which a function refuses to be called.

    Who keeps it for longer, as by `from pdb import set_trace`, has the function itself afterwards.
    """
    before: Callable[..., Any] = getattr(owner, name)

    def refusing(*arguments: Any, **named: Any) -> Any:
        if not _unattended_owners:
            return before(*arguments, **named)
        _refuse(call)

    return _set(owner, name, refusing)


@contextmanager
def _nothing_to_read() -> Iterator[None]:
    """Put an empty file in the place of the terminal, for libraries and other processes, too."""
    try:
        terminal_copy = os.dup(TERMINAL)
    except OSError:
        # There is none.
        yield
        return
    try:
        empty = os.open(os.devnull, os.O_RDONLY)
        os.dup2(empty, TERMINAL)
        os.close(empty)
        yield
    finally:
        with suppress(OSError):
            os.dup2(terminal_copy, TERMINAL)
        os.close(terminal_copy)


class _NoInput(io.TextIOBase):
    """What sys.stdin is meanwhile: the file 0, which refuses to be read by name."""

    encoding = "utf-8"
    name = "<stdin>"
    mode = "r"

    @property
    def buffer(self) -> _NoInput:
        """Its bytes, which are none either."""
        return self

    def fileno(self) -> int:
        return TERMINAL

    def isatty(self) -> bool:
        return False

    def readable(self) -> bool:
        return True

    def close(self) -> None:
        """Stay open, as it is not this code's to close."""

    def read(self, *_: Any) -> NoReturn:
        _refuse("sys.stdin")

    read1 = readinto = readline = readlines = read

    def __iter__(self) -> NoReturn:
        _refuse("sys.stdin")

    def __next__(self) -> NoReturn:
        _refuse("sys.stdin")
