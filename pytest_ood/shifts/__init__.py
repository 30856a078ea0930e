"""Shifts: how the examples of a suite are made to look unlike the training data.

Every kind is a module of this folder.
"""

from pytest_ood.shifts.adversarial import AdversarialShift
from pytest_ood.shifts.domain import SCORINGS, DomainShift, Scoring
from pytest_ood.shifts.noise import NoiseShift, perturbed_together
from pytest_ood.shifts.prompt import PromptShift
from pytest_ood.shifts.protocol import ADVERSARIAL, DOMAIN, KINDS, NOISE, Shift
from pytest_ood.shifts.texts import Shifted, shifted_set_hash
from pytest_ood.shifts.transfer import TransferShift
from pytest_ood.shifts.worst_case import WORST_CASE, WorstCase

__all__ = [
    "ADVERSARIAL",
    "DOMAIN",
    "KINDS",
    "NOISE",
    "SCORINGS",
    "WORST_CASE",
    "AdversarialShift",
    "DomainShift",
    "NoiseShift",
    "PromptShift",
    "Scoring",
    "Shift",
    "Shifted",
    "TransferShift",
    "WorstCase",
    "perturbed_together",
    "shifted_set_hash",
]
