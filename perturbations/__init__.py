"""The catalogue: every perturbation is a public `@perturbation` in a module of this folder.

Adding a file adds its perturbations; there is no list to keep.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_ood.edits import edits_between
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.objects import import_object
from pytest_ood.perturbations.composite import Composite, composed
from pytest_ood.perturbations.protocol import (
    Generator,
    Perturbation,
    batch_perturbation,
    perturbation,
    site_perturbation,
)
from pytest_ood.perturbations.resources import current
from pytest_ood.perturbations.wrapping import from_function, from_nlpaug

if TYPE_CHECKING:
    from random import Random

    from pytest_ood.edits import Edit

__all__ = [
    "Composite",
    "Generator",
    "Perturbation",
    "batch_perturbation",
    "catalogue",
    "code_version",
    "composed",
    "edits_of",
    "find",
    "from_function",
    "from_nlpaug",
    "is_shipped",
    "perturbation",
    "site_perturbation",
]


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


@cache
def code_version() -> str:
    """Hash the code of this folder and the version of nlpaug: what shipped outputs depend on."""
    digest = hashlib.sha256(metadata.version("nlpaug").encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_shipped(candidate: Perturbation) -> bool:
    """Tell whether a perturbation is of this catalogue, whatever its parameters."""
    known = catalogue().get(candidate.name)
    return (
        known is not None
        and isinstance(candidate, Generator)
        and candidate.function is known.function
    )


def find(name: str) -> Generator:
    """Return the shipped perturbation of this name, or one's own as `module:name`.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if ":" in name:
        own = import_object(name, "perturbation", current().root)
        if not isinstance(own, Generator):
            raise ConfigurationError(
                f"{name!r} is no perturbation but of type {type(own).__name__}; the decorators of "
                "pytest_ood.perturbations make one of a function"
            )
        return own
    try:
        return catalogue()[name]
    except KeyError:
        raise ConfigurationError(unknown_name("perturbation", name, catalogue())) from None


def edits_of(change: Perturbation, text: str, rng: Random) -> tuple[Edit, ...]:
    """Return what a perturbation changes in a text, in order and without overlaps."""
    if isinstance(change, Generator):
        return change.edits(text, rng)
    return edits_between(text, change(text, rng))
