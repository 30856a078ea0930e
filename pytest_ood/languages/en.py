"""English. Its perturbations have rules of their own, in `perturbations/`."""

from __future__ import annotations

from pytest_ood.languages.counting import Counting, words
from pytest_ood.languages.protocol import Language
from pytest_ood.languages.scripts import LATIN

LANGUAGE = Language(
    code="en",
    name="English",
    script=LATIN,
    alphabet="abcdefghijklmnopqrstuvwxyz",
    layout="en",
    articles=r"\b(?:a|an|the)\b",
    counting=Counting(
        codes=("en",),
        before=words(
            "a about all almost and another any are around as between bought but by every for "
            "found gave get got had has have into least made makes most nearly of only or other "
            "over paid read roughly saw see sold some spent than the their these they those under "
            "up was watched we were with won wrote you i"
        ),
    ),
)
