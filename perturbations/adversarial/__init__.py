"""Attacks: perturbations that ask the model where it is weakest.

A module with a function `attacks()` holds an attack in one profile or more; the others are the
parts that recipes are put together from.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.perturbations.adversarial.protocol import Attack, AttackResult, Query

__all__ = ["Attack", "AttackResult", "Query", "attacks", "find_attack"]


@cache
def attacks() -> dict[str, Attack]:
    """Return every shipped attack by name, sorted."""
    found: dict[str, Attack] = {}
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "attacks"):
            found |= {made.name: made for made in module.attacks()}
    return dict(sorted(found.items()))


def find_attack(name: str) -> Attack:
    """Return the shipped attack of this name.

    Raises:
        ConfigurationError: there is none; the message names the nearest.
    """
    if name not in attacks():
        raise ConfigurationError(unknown_name("attack", name, attacks()))
    return attacks()[name]
