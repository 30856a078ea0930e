"""The companion commands: every module of this folder is one, under its own name."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
from typing import TYPE_CHECKING

from pytest_ood.errors import OodError

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0, or 2 where it was used wrongly."""
    parser = argparse.ArgumentParser(
        prog="python -m pytest_ood", description="Companion commands of pytest --ood-suite."
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        summary = (module.__doc__ or "").partition("\n")[0]
        command = commands.add_parser(
            info.name,
            help=summary,
            description=summary,
            epilog=f"example: {module.EXAMPLE}",
        )
        module.add_arguments(command)
        command.set_defaults(run=module.run)
    options = parser.parse_args(arguments)
    try:
        status: int = options.run(options)
    except OodError as error:
        sys.stderr.write(f"pytest-ood: {error}\n")
        return USAGE_ERROR
    except BrokenPipeError:
        # Whoever reads has seen enough, as `| head` has.
        sys.stderr.close()
        return 0
    return status
