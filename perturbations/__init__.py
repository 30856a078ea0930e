"""The catalogue: every perturbation is a public `@perturbation` in a module of this folder.

Adding a file adds its perturbations; there is no list to keep.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations.protocol import Generator, Perturbation, perturbation

__all__ = ["Generator", "Perturbation", "catalogue", "find", "perturbation"]


@cache
def catalogue() -> dict[str, Generator]:
    """Return every shipped perturbation by name, sorted."""
    found: dict[str, Generator] = {}
    for module_info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{module_info.name}")
        for value in vars(module).values():
            if isinstance(value, Generator):
                found[value.name] = value
    return dict(sorted(found.items()))


def find(name: str) -> Generator:
    """Return the shipped perturbation of this name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    try:
        return catalogue()[name]
    except KeyError:
        raise ConfigurationError(unknown_name("perturbation", name, catalogue())) from None
