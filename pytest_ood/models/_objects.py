"""Finding a user's own object by `module:name`."""

from __future__ import annotations

import importlib
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_ood.models.protocol import Context


def import_object(path: str, context: Context) -> Any:
    """Import `module:name`, looking in the project's folder too.

    Raises:
        ConfigurationError: the path has another form, or names nothing.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"model {context.name!r}: {path!r} is not of the form module:name")
    with importable(context.root):
        try:
            module = importlib.import_module(module_name)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
                raise ConfigurationError(_broken(context, module_name, error)) from error
            raise ConfigurationError(
                f"model {context.name!r}: there is no module {error.name!r}, neither installed "
                f"nor in {context.root}"
            ) from None
        except Exception as error:
            raise ConfigurationError(_broken(context, module_name, error)) from error
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise ConfigurationError(
            f"model {context.name!r}: {module_name}: " + unknown_name("name", name, public)
        )
    return getattr(module, name)


@contextmanager
def importable(root: Path) -> Iterator[None]:
    """Let modules in the project's folder be imported."""
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _broken(context: Context, module: str, error: Exception) -> str:
    return f"model {context.name!r}: importing {module!r} fails: {type(error).__name__}: {error}"
