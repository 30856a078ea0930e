"""Attacks: perturbations that ask the model where it is weakest.

A module with a function `attacks()` holds an attack in one profile or more; the others are the
parts that recipes are put together from.
"""

from __future__ import annotations

import hashlib
import importlib
import pkgutil
from functools import cache
from pathlib import Path
from typing import TypeGuard

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.objects import import_object
from pytest_ood.perturbations import code_version
from pytest_ood.perturbations.adversarial.adapters import from_openattack, from_textattack
from pytest_ood.perturbations.adversarial.protocol import (
    Attack,
    AttackResult,
    Query,
    QueryBudget,
)
from pytest_ood.perturbations.adversarial.recipe import Recipe
from pytest_ood.perturbations.resources import current

__all__ = [
    "Attack",
    "AttackResult",
    "Query",
    "QueryBudget",
    "Recipe",
    "attack_code_version",
    "attacks",
    "find_attack",
    "from_openattack",
    "from_textattack",
    "is_attack",
]


@cache
def attacks() -> dict[str, Attack]:
    """Return every shipped attack by name, sorted."""
    found: dict[str, Attack] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "attacks"):
            found |= {made.name: made for made in module.attacks()}
    return dict(sorted(found.items()))


@cache
def attack_code_version() -> str:
    """Hash the code of this folder and of the perturbations: what results depend on."""
    digest = hashlib.sha256(code_version().encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def is_attack(value: object) -> TypeGuard[Attack]:
    """Tell whether a value has what an attack has; a class of attacks is none yet."""
    parts = ("name", "fingerprint", "run")
    return not isinstance(value, type) and all(hasattr(value, part) for part in parts)


def find_attack(name: str) -> Attack:
    """Return the shipped attack of this name, or one's own as `module:name`.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if ":" in name:
        own = import_object(name, "attack", current().root)
        if not is_attack(own):
            raise ConfigurationError(
                f"{name!r} is no attack but of type {type(own).__name__}; an attack has `name`, "
                "`fingerprint` and `run(query, examples, seed=, budget=)`"
            )
        return own
    if name not in attacks():
        raise ConfigurationError(unknown_name("attack", name, attacks()))
    return attacks()[name]
