"""Finding a user's own object by `module:name`."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

from pytest_ood.errors import ConfigurationError, unknown_name

if TYPE_CHECKING:
    from pytest_ood.models.protocol import Context


def import_object(path: str, context: Context) -> Any:
    """Import `module:name`, looking in the project's folder too.

    Raises:
        ConfigurationError: the path has another form, or names nothing.
    """
    module_name, colon, name = path.partition(":")
    if not colon or not module_name or not name:
        raise ConfigurationError(f"model {context.name!r}: {path!r} is not of the form module:name")
    root = str(context.root)
    added = root not in sys.path
    if added:
        sys.path.insert(0, root)
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name != module_name:
            raise
        raise ConfigurationError(
            f"model {context.name!r}: there is no module {module_name!r}, neither installed nor "
            f"in {root}"
        ) from None
    finally:
        if added:
            sys.path.remove(root)
    if not hasattr(module, name):
        public = [n for n in vars(module) if not n.startswith("_")]
        raise ConfigurationError(
            f"model {context.name!r}: {module_name}: " + unknown_name("name", name, public)
        )
    return getattr(module, name)
