"""Shifts: how the examples of a suite are made different from the training data.

Every module of this folder that has a function `parse` is a kind of shift. `KIND` is the table of a
suite file that declares such shifts, `KEYS` are the keys of a shift's own table. Where several
modules share a table, a function `takes` returns whether a table is its module's; a module without
one gets the tables that no other takes. Adding a file adds a kind.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from pytest_ood.shifts.adversarial import AdversarialShift
from pytest_ood.shifts.domain import SCORINGS, DomainShift, Scoring
from pytest_ood.shifts.noise import NoiseShift
from pytest_ood.shifts.prompt import PromptShift
from pytest_ood.shifts.protocol import ADVERSARIAL, DOMAIN, NOISE, Declaration, Shift
from pytest_ood.shifts.texts import Shifted, ShiftedBlock, edits_of, shifted_set_hash
from pytest_ood.shifts.transfer import TransferShift
from pytest_ood.shifts.worst_case import WORST_CASE, WorstCase
from pytest_ood.shifts.worst_domain import WORST_DOMAIN, WorstDomain
from pytest_ood.utils.objects import modules_with

__all__ = [
    "ADVERSARIAL",
    "DOMAIN",
    "NOISE",
    "SCORINGS",
    "WORST",
    "WORST_CASE",
    "WORST_DOMAIN",
    "AdversarialShift",
    "Declaration",
    "DomainShift",
    "NoiseShift",
    "PromptShift",
    "Scoring",
    "Shift",
    "Shifted",
    "ShiftedBlock",
    "TransferShift",
    "WorstCase",
    "WorstDomain",
    "edits_of",
    "keys_of",
    "kinds",
    "parse_shift",
    "shifted_set_hash",
]

FIRST = (DOMAIN, NOISE, ADVERSARIAL)

WORST = (WORST_DOMAIN, WORST_CASE)
"""Names of the worst of several shifts, which have a budget and no table of their own; means over
shifts and studies leave them out."""


@cache
def kinds() -> tuple[str, ...]:
    """Return the kinds of shift in the order of reports: first the usual ones, then others."""
    registered = {module.KIND for module in modules_with(__name__, "parse")}
    return (*FIRST, *sorted(registered.difference(FIRST)))


def keys_of(kind: str) -> tuple[str, ...]:
    """Return the keys of a shift's own table, without those of budgets."""
    return tuple(dict.fromkeys(key for module in _modules(kind) for key in module.KEYS))


def parse_shift(kind: str, declared: Declaration) -> tuple[Shift, ...]:
    """Parse the table of a shift; noise at several severities gives one shift for each.

    Raises:
        ConfigurationError: a value is invalid or unknown.
    """
    modules = _modules(kind)
    for module in sorted(modules, key=lambda module: not hasattr(module, "takes")):
        if not hasattr(module, "takes") or module.takes(declared):
            shifts: tuple[Shift, ...] = module.parse(declared)
            return shifts
    raise AssertionError(f"unreachable because some module takes every table of {kind}")


def _modules(kind: str) -> list[Any]:
    return [module for module in modules_with(__name__, "parse") if kind == module.KIND]
