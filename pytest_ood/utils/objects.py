"""Importing modules and a user's objects by name, and pickling objects for other processes."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys
import traceback
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

from pytest_ood.errors import ConfigurationError, ModelError, reason_of, unknown_name
from pytest_ood.utils.user_code import ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path
    from types import ModuleType


class ReloadsAfterPickling:
    """Is pickled without what it has loaded, and loads it again in the other process.

    Loading weights where they are needed is faster than sending them. What is small and slow to
    compute, such as a fingerprint or the folder of a trained model, is pickled.

    Attributes:
        LOADED: Names of the cached properties that are not pickled.
    """

    LOADED: ClassVar[tuple[str, ...]] = ("loaded",)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self.LOADED}


class ProcessLocalDict(dict[Any, Any]):
    """A dictionary that objects of one process share, such as for weights; it is pickled empty."""

    def __reduce__(self) -> tuple[type[ProcessLocalDict], tuple[()]]:
        return ProcessLocalDict, ()


def module_names(package: str) -> tuple[str, ...]:
    """Return the names of the modules that a package registers, sorted, importing none.

    Whatever is added as one file is found here: no list of names is kept. A module whose name
    starts with an underscore is shared by others, and `protocol` says what the others define.

    Args:
        package: The full name of the package.
    """
    path = importlib.import_module(package).__path__
    names = (info.name for info in pkgutil.iter_modules(path))
    return tuple(sorted(name for name in names if name[0] != "_" and name != "protocol"))


def module_named(package: str, name: str, kind: str) -> ModuleType:
    """Import the module of a package that a user names.

    Args:
        package: The full name of the package.
        name: The name that the user wrote.
        kind: The word for such a module in messages.

    Raises:
        ConfigurationError: no module has the name; the message shows the nearest.
    """
    names = module_names(package)
    if name not in names:
        raise ConfigurationError(unknown_name(kind, name, names))
    return importlib.import_module(f"{package}.{name}")


@cache
def modules_of(package: str) -> tuple[ModuleType, ...]:
    """Import the modules that a package registers, sorted by name."""
    return tuple(importlib.import_module(f"{package}.{name}") for name in module_names(package))


def modules_with(package: str, name: str) -> tuple[ModuleType, ...]:
    """Import the modules that a package registers, and return those with an attribute.

    Args:
        package: The full name of the package.
        name: The attribute, such as the function that every module of the kind defines.
    """
    return tuple(module for module in modules_of(package) if hasattr(module, name))


def import_object(path: str, owner: str, root: Path) -> Any:
    """Import `module:name`, looking in the project's folder too.

    Args:
        path: The path that the user wrote.
        owner: The beginning of messages, such as "model 'a'".
        root: The project's folder.

    Raises:
        ConfigurationError: the path has another form, or names nothing.
        ModelError: the module asks for input at the terminal.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"{owner}: {path!r} is not of the form module:name")
    with importable(root), unattended(owner):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise ConfigurationError(_broken(owner, module_name, error)) from error
            raise ConfigurationError(
                f"{owner}: there is no module {error.name!r}, neither installed nor in {root}"
            ) from None
        except BaseException as error:
            if isinstance(error, ModelError) or ends_run(error):
                raise
            raise ConfigurationError(_broken(owner, module_name, error)) from error
        try:
            return getattr(module, name)
        except AttributeError:
            public = [n for n in vars(module) if not n.startswith("_")]
        except BaseException as error:
            if isinstance(error, ModelError) or ends_run(error):
                raise
            raise ConfigurationError(
                f"{owner}: {module_name} has no {name!r}: looking it up fails: {reason_of(error)}"
            ) from error
    raise ConfigurationError(f"{owner}: {module_name}: " + unknown_name("name", name, public))


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Let modules in the project's folder be imported inside the block."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _broken(owner: str, module: str, error: BaseException) -> str:
    """Return the message for a module that cannot be imported."""
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
    advice = ""
    if isinstance(error, SystemExit) and argparse.__file__ in files:
        advice = (
            "; it reads the command line, which is pytest's here: do that under "
            'if __name__ == "__main__":'
        )
    return f"{owner}: importing {module!r} fails: {reason_of(error)}{advice}"
