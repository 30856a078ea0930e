"""Attacks: perturbations that search for texts that the model gets wrong.

A module with a function `attacks()` has an attack in one or more profiles; the others have the
parts that recipes combine.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import TypeGuard

from pytest_ood import tasks
from pytest_ood.errors import ConfigurationError, unknown_name
from pytest_ood.languages import find_language
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
from pytest_ood.utils.objects import import_object, modules_with

__all__ = [
    "Attack",
    "AttackResult",
    "Query",
    "QueryBudget",
    "Recipe",
    "attack_code_version",
    "attack_in_language",
    "attacks",
    "find_attack",
    "from_openattack",
    "from_textattack",
    "is_attack",
]


@cache
def attacks() -> dict[str, Attack]:
    """Return every shipped attack by name, sorted."""
    by_name = {a.name: a for module in modules_with(__name__, "attacks") for a in module.attacks()}
    return dict(sorted(by_name.items()))


@cache
def attack_code_version() -> str:
    """Return the hash of the code that results depend on: attacks, perturbations and tasks."""
    digest = hashlib.sha256(code_version().encode())
    for file in (__file__, tasks.__file__):
        for path in sorted(Path(file).parent.glob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def is_attack(value: object) -> TypeGuard[Attack]:
    """Return whether a value has the attributes of an attack; a class has to be called first."""
    parts = ("name", "fingerprint", "run")
    return not isinstance(value, type) and all(hasattr(value, part) for part in parts)


def attack_in_language(attack: Attack, tag: str) -> Attack:
    """Return an attack on texts in a language; those of other libraries fit what they are set to.

    Raises:
        ConfigurationError: it does not fit the language; the message has those that do.
    """
    language = find_language(tag)
    if not isinstance(attack, Recipe) or attack.languages.accepts(language):
        return attack
    fit = [
        one.name
        for one in attacks().values()
        if isinstance(one, Recipe) and one.languages.accepts(language)
    ]
    raise ConfigurationError(
        f"{attack.languages.misfit(attack.name, language)}. What fits {language.name}: "
        f"{', '.join(fit)}"
    )


def find_attack(name: str) -> Attack:
    """Return the shipped attack of this name, or the user's as `module:name`.

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
