from __future__ import annotations

import importlib
import shlex
import signal
import subprocess
import sys

import pytest

from pytest_ood.commands import INTERRUPTED, USAGE_ERROR, commands, main, parsed

HEAVY = "torch transformers sklearn nlpaug openai datasets ray scipy pandas".split()  # noqa: SIM905


def test_every_module_is_a_command() -> None:
    """A file is a command of its name; what commands share starts with an underscore."""
    assert {"cache", "finetune"} <= {*commands()}
    assert not any(name.startswith("_") for name in commands())


@pytest.mark.slow
def test_help_imports_nothing_heavy() -> None:
    """Neither importing the commands nor any --help loads a library of models."""
    code = f"""
import contextlib, io, sys
from pytest_ood.commands import commands, main
for arguments in (["--help"], *([name, "--help"] for name in commands())):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
        main(arguments)
print([name for name in {HEAVY!r} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", commands())
def test_every_command_shows_an_example_that_is_right(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """--help ends with an example, and the example is taken by the command's own parser."""
    with pytest.raises(SystemExit) as ended:
        main([name, "--help"])
    assert ended.value.code == 0
    shown = " ".join(capsys.readouterr().out.split())
    example = importlib.import_module(f"pytest_ood.commands.{name}").EXAMPLE
    assert shown.endswith(f"example: {example}")
    words = shlex.split(example)
    assert words[:4] == ["python", "-m", "pytest_ood", name]
    assert parsed(words[3:]).command == name


def test_an_empty_value_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder without a name would be the one that the command was started in."""
    for arguments in (["cache", "clear", "--cache="], ["perturb", "swap", "a", "--out="]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == USAGE_ERROR
        assert f"argument {arguments[-1][:-1]}: its value is empty" in capsys.readouterr().err


def test_a_wrong_argument_is_a_usage_error(capsys: pytest.CaptureFixture[str]) -> None:
    """What no parser knows is refused, also where a command takes arguments between options."""
    for arguments in (["cache", "info", "more"], ["perturb", "swap", "--seed", "1", "--sed", "x"]):
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        assert ended.value.code == USAGE_ERROR
        assert "unrecognized arguments" in capsys.readouterr().err


@pytest.mark.slow
def test_whoever_has_read_enough_may_close_the_pipe() -> None:
    """A reader that goes ends the command quietly, also where little was written."""
    for arguments in (["perturbations"], ["perturbations", "swap"]):
        process = subprocess.Popen(
            [sys.executable, "-m", "pytest_ood", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        process.stdout.close()
        _, told = process.communicate()
        assert (process.returncode, told) == (0, b"")


@pytest.mark.slow
@pytest.mark.usefixtures("interruptible")
def test_ctrl_c_ends_a_command_without_a_traceback() -> None:
    """The status is the one that shells give, and one line says why."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest_ood", "perturb", "swap", "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    # As many texts as are perturbed at once: then it is at work, and waits for more.
    process.stdin.write("a wonderful film\n" * 1000)
    process.stdin.flush()
    assert process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, told = process.communicate()
    assert process.returncode == INTERRUPTED
    assert told.strip() == "pytest-ood: interrupted"
