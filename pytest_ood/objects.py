"""A user's own objects, found by `module:name`, and objects that go to other processes."""

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
from pytest_ood.user_code import ends_run, unattended

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from types import ModuleType


class Portable:
    """Goes to another process without what it has loaded, and loads it again there.

    Weights are quicker loaded where they are needed than sent. What is quick to send and slow to
    find out, such as a fingerprint or the folder of a trained model, goes along.

    Attributes:
        LOADED: Names of the cached properties that stay behind.
    """

    LOADED: ClassVar[tuple[str, ...]] = ("loaded",)

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in self.LOADED}


class Held(dict[Any, Any]):
    """What objects of one process hold together, such as weights; another process gets it empty."""

    def __reduce__(self) -> tuple[type[Held], tuple[()]]:
        return Held, ()


def module_names(path: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the public modules of a package, sorted, importing none.

    Args:
        path: The package's `__path__`.
    """
    names = (info.name for info in pkgutil.iter_modules(path))
    return tuple(sorted(name for name in names if name[0] != "_"))


def module_named(package: str, name: str, kind: str, names: Collection[str]) -> ModuleType:
    """Import the module of a package that a user names.

    Args:
        package: Its full name.
        name: What the user wrote.
        kind: What messages call such a module.
        names: Of those that there are.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if name not in names:
        raise ConfigurationError(unknown_name(kind, name, names))
    return importlib.import_module(f"{package}.{name}")


@cache
def modules_with(package: str, name: str) -> tuple[ModuleType, ...]:
    """Import the public modules of a package, and return those that have a name, sorted.

    This is how whatever is added as one file is found: there is no list to keep.

    Args:
        package: Its full name.
        name: Such as that of the function that makes a module one of the package's kind.
    """
    path = importlib.import_module(package).__path__
    found = [importlib.import_module(f"{package}.{module}") for module in module_names(path)]
    return tuple(module for module in found if hasattr(module, name))


def import_object(path: str, who: str, root: Path) -> Any:
    """Import `module:name`, looking in the project's folder too.

    Args:
        path: What the user wrote.
        who: Whom messages name first, such as "model 'a'".
        root: The project's folder.

    Raises:
        ConfigurationError: the path has another form, or names nothing.
        ModelError: the module asks for input at the terminal.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"{who}: {path!r} is not of the form module:name")
    with importable(root), unattended(who):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise ConfigurationError(_broken(who, module_name, error)) from error
            raise ConfigurationError(
                f"{who}: there is no module {error.name!r}, neither installed nor in {root}"
            ) from None
        except BaseException as error:
            if isinstance(error, ModelError) or ends_run(error):
                raise
            raise ConfigurationError(_broken(who, module_name, error)) from error
        try:
            return getattr(module, name)
        except AttributeError:
            public = [n for n in vars(module) if not n.startswith("_")]
        except BaseException as error:
            if isinstance(error, ModelError) or ends_run(error):
                raise
            raise ConfigurationError(
                f"{who}: {module_name} has no {name!r}: looking for it fails: {reason_of(error)}"
            ) from error
    raise ConfigurationError(f"{who}: {module_name}: " + unknown_name("name", name, public))


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Let modules in the project's folder be imported."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _broken(who: str, module: str, error: BaseException) -> str:
    """Say what keeps a module from being imported, and where."""
    files = {frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)}
    advice = ""
    if isinstance(error, SystemExit) and argparse.__file__ in files:
        advice = (
            "; it reads the command line, which is pytest's here: do that under "
            'if __name__ == "__main__":'
        )
    return f"{who}: importing {module!r} fails: {reason_of(error)}{advice}"
