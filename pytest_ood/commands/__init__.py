"""The companion commands: every module of this folder is one, under its own name.

A command has `EXAMPLE`, `add_arguments(parser)` and `run(options)`, which returns the exit status.
Modules whose names start with an underscore are shared by commands.
"""

from __future__ import annotations

import argparse
import importlib
import io
import os
import sys
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING

from pytest_ood.errors import OodError
from pytest_ood.utils.objects import module_names
from pytest_ood.utils.threads import short_waits

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2
INTERRUPTED = 130
"""The exit status that shells use for a program that Ctrl-C has ended."""


@cache
def commands() -> tuple[str, ...]:
    """Return the names of all commands, importing none."""
    return module_names(__name__)


def command_line() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_ood", description="Companion commands of pytest --ood-suite."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in commands():
        module = importlib.import_module(f"{__name__}.{name}")
        summary = (module.__doc__ or "").partition("\n")[0]
        command = subparsers.add_parser(
            name,
            help=summary,
            description=summary,
            epilog=f"example: {module.EXAMPLE}",
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 2 where it was used wrongly.

    A command says so by another status itself, and 130 is that of one that was interrupted.
    """
    try:
        options = parsed(arguments)
        with short_waits():
            status: int = options.run(options)
        sys.stdout.flush()
    except OodError as error:
        sys.stderr.write(f"pytest-ood: {error}\n")
        return USAGE_ERROR
    except BrokenPipeError:
        # Whoever reads has seen enough, as `| head` has; the interpreter flushes once more.
        with suppress(io.UnsupportedOperation):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except KeyboardInterrupt:
        sys.stderr.write("pytest-ood: interrupted\n")
        return INTERRUPTED
    return status


def parsed(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Parse arguments; those behind options go to the positional that a command calls intermixed.

    argparse has it so too, but not in the parsers of commands.
    """
    parser = command_line()
    words = sys.argv[1:] if arguments is None else arguments
    for empty in (one for one in words if one.startswith("--") and one.endswith("=")):
        if empty.count("=") == 1:
            parser.error(
                f"argument {empty[:-1]}: its value is empty; give one, or leave the option out"
            )
    options, rest = parser.parse_known_args(arguments)
    name = getattr(options, "intermixed", None)
    if name is None or any(values.startswith("-") and values != "-" for values in rest):
        if rest:
            parser.error(f"unrecognized arguments: {' '.join(rest)}")
    else:
        setattr(options, name, [*getattr(options, name), *rest])
    return options
