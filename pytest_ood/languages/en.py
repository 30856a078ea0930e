"""English. Its perturbations have rules of their own, in `perturbations/`."""

from __future__ import annotations

from pytest_ood.languages.protocol import Language
from pytest_ood.languages.scripts import LATIN

LANGUAGE = Language(
    code="en",
    name="English",
    script=LATIN,
    alphabet="abcdefghijklmnopqrstuvwxyz",
    layout="en",
    articles=r"\b(?:a|an|the)\b",
)
