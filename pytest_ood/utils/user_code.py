"""Runs users' code so that it neither waits for input nor ends the process or the test."""

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

from pytest_ood.errors import ModelError, reason_of, user_line_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TERMINAL = 0
"""The file descriptor of standard input."""

_unattended_owners: list[str] = []
"""The owner of the code that runs unattended in this process, as messages name it; or empty."""


def ends_run(error: BaseException) -> bool:
    """Return whether an exception ends the run: Ctrl-C, pytest.exit or pytest-timeout."""
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
    """Run a user's code unattended; SystemExit, pytest.skip and the like become model errors.

    Args:
        owner: The start of error messages, such as "model 'a'".

    Raises:
        ModelError: the code calls sys.exit, pytest.skip and the like, or reads from the terminal.
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
    """Run a user's code without access to the terminal, as nobody may be there to answer.

    Args:
        owner: As for `contained`.

    Raises:
        ModelError: the code calls breakpoint(), pdb.set_trace(), getpass.getpass() or input(), or
            reads sys.stdin. Reading from file descriptor 0 itself returns the end of the file.
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
            # A module may have imported `set_trace` or `getpass` by name before, which is then not
            # replaced; the functions that these call are.
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
    """Raise an error that names the owner of the code, the call and its location.

    Raises:
        ModelError: always.
    """
    where = user_line_of(inspect.currentframe())
    raise ModelError(
        f"{_unattended_owners[0]} asked for input at the terminal "
        f"({call}{f', {where}' if where else ''}); a model under test answers by itself"
    )


@contextmanager
def _set(owner: Any, name: str, value: Any) -> Iterator[None]:
    """Set an attribute in a block, and restore it, unless other code has set it since."""
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

    Code that keeps the function for longer, as by `from pdb import set_trace`, gets the original
    behaviour after the block.
    """
    before: Callable[..., Any] = getattr(owner, name)

    def refusing(*arguments: Any, **named: Any) -> Any:
        """Refuse the call in unattended code, and pass it on elsewhere."""
        if not _unattended_owners:
            return before(*arguments, **named)
        _refuse(call)

    return _set(owner, name, refusing)


@contextmanager
def _nothing_to_read() -> Iterator[None]:
    """Replace standard input by an empty file, also for libraries in C and child processes."""
    try:
        terminal_copy = os.dup(TERMINAL)
    except OSError:
        # There is no standard input.
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
    """The replacement of sys.stdin: has file descriptor 0, and raises an error when it is read."""

    encoding = "utf-8"
    name = "<stdin>"
    mode = "r"

    @property
    def buffer(self) -> _NoInput:
        """The binary buffer, which raises as well."""
        return self

    def fileno(self) -> int:
        """Return the file descriptor of the terminal."""
        return TERMINAL

    def isatty(self) -> bool:
        """Return False."""
        return False

    def readable(self) -> bool:
        """Return True."""
        return True

    def close(self) -> None:
        """Do nothing: the file belongs to the process, not to the user's code."""

    def read(self, *_: Any) -> NoReturn:
        """Refuse to read."""
        _refuse("sys.stdin")

    read1 = readinto = readline = readlines = read

    def __iter__(self) -> NoReturn:
        _refuse("sys.stdin")

    def __next__(self) -> NoReturn:
        _refuse("sys.stdin")
