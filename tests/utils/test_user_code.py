"""A user's code asks nobody at the terminal, and ends nothing but itself."""

from __future__ import annotations

import getpass
import os
import pdb  # noqa: T100 - what models call
import subprocess
import sys
from collections.abc import Callable
from pdb import set_trace  # noqa: T100

import pytest

from pytest_ood.errors import ModelError
from pytest_ood.utils.user_code import contained, ends_run, unattended

ASKED = r"model 'm' asked for input at the terminal \({what}, test_user_code.py:\d+\); a model"

ASKING: dict[str, tuple[Callable[[], object], str]] = {
    "breakpoint": (lambda: breakpoint(), "breakpoint"),  # noqa: T100, PLW0108 - found when called
    "pdb": (lambda: pdb.set_trace(), "pdb.set_trace"),  # noqa: T100, PLW0108
    "imported pdb": (set_trace, "pdb.set_trace"),
    "own debugger": (lambda: pdb.Pdb().set_trace(), "pdb.set_trace"),
    "getpass": (lambda: getpass.getpass(), "getpass.getpass"),  # noqa: PLW0108
    "input": (lambda: input("? "), "sys.stdin"),
    "line": (lambda: sys.stdin.readline(), "sys.stdin"),  # noqa: PLW0108
    "lines": (lambda: list(sys.stdin), "sys.stdin"),
    "bytes": (lambda: sys.stdin.buffer.read(), "sys.stdin"),  # noqa: PLW0108
}


@pytest.mark.parametrize("name", ASKING)
def test_asking_at_the_terminal_is_an_error(name: str) -> None:
    """Whoever started the run may have gone."""
    ask, what = ASKING[name]
    with pytest.raises(ModelError, match=ASKED.format(what=what)), unattended("model 'm'"):
        ask()


def test_the_terminal_itself_is_empty() -> None:
    """Libraries and other processes read file 0 without Python's stdin."""
    with unattended("model 'm'"):
        assert os.read(0, 1) == b""
        command = [sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))"]
        assert subprocess.run(command, capture_output=True, text=True).stdout == "''\n"  # noqa: PLW1510
        assert not sys.stdin.isatty()


def test_everything_is_as_before_afterwards() -> None:
    """A user's own tests, and --pdb, have the terminal; so has who kept a function from there."""
    places = (sys, "stdin"), (sys, "breakpointhook"), (pdb, "set_trace"), (getpass, "getpass")
    before = [getattr(owner, name) for owner, name in places]
    file = os.fstat(0)

    def raises() -> None:
        nonlocal kept
        with unattended("model 'n'"):
            pass
        assert sys.stdin is not before[0]
        kept = getpass.getpass
        raise ValueError("mine")

    kept: object = None
    with pytest.raises(ValueError, match="mine"), unattended("model 'm'"):
        raises()
    assert [getattr(owner, name) for owner, name in places] == before
    assert "set_trace" in vars(pdb)
    assert "set_trace" not in vars(pdb.Pdb)
    assert os.path.samestat(os.fstat(0), file)
    assert kept is not getpass.getpass


def test_a_breakpoint_may_be_switched_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """$PYTHONBREAKPOINT = 0 makes it nothing, as ever."""
    monkeypatch.setenv("PYTHONBREAKPOINT", "0")
    monkeypatch.setattr(sys, "breakpointhook", sys.__breakpointhook__)
    with unattended("model 'm'"):
        breakpoint()  # noqa: T100


class OwnError(BaseException):
    """What is no ordinary exception."""


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (SystemExit(0), "SystemExit: 0"),
        (OwnError("own"), "OwnError: own"),
        (pytest.skip.Exception("no"), "Skipped: no"),
        (pytest.fail.Exception("bad"), "Failed: bad"),
    ],
)
def test_what_would_end_the_run_is_an_error_of_the_model(error: BaseException, words: str) -> None:
    """With whose it is, and where."""
    match = rf"model 'm' raised {words} \(test_user_code.py:\d+\)"
    with pytest.raises(ModelError, match=match), contained("model 'm'"):
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt(), pytest.exit.Exception("enough")])
def test_what_is_meant_for_the_run_stays_what_it_is(error: BaseException) -> None:
    """Ctrl-C and pytest.exit."""
    with pytest.raises(type(error)) as caught, contained("model 'm'"):
        raise error
    assert caught.value is error


def test_ordinary_exceptions_stay_what_they_are() -> None:
    """Whoever called the code says what they mean; the end of a test's time is for the run."""
    with pytest.raises(ValueError, match="mine"), contained("model 'm'"):
        raise ValueError("mine")
    scope = {"__name__": "pytest_timeout", "fail": pytest.fail}
    with pytest.raises(pytest.fail.Exception) as late, contained("model 'm'"):
        exec("fail('too late')", scope)  # noqa: S102
    assert ends_run(late.value)
