"""Irrelevant text: something is added that has nothing to do with the rest."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import END
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_START = re.compile(r"\A(?=\S)")
_SENTENCES = (
    "The meeting is on Tuesday.",
    "There are twelve months in a year.",
    "The train leaves from platform four.",
    "Water boils at one hundred degrees.",
    "The office is on the second floor.",
    "This was written in the afternoon.",
)


@site_perturbation(
    END, source="Wang et al. 2021 (TextFlint), AppendIrr; PromptBench, StressTest", scale=ALL
)
def append_sentence(end: Match[str], rng: Random) -> str:
    """Add a neutral sentence at the end."""
    del end
    return " " + rng.choice(_SENTENCES)


@site_perturbation(_START, source="Wang et al. 2021 (TextFlint), AppendIrr", scale=ALL)
def prepend_sentence(start: Match[str], rng: Random) -> str:
    """Put a neutral sentence before the beginning."""
    del start
    return rng.choice(_SENTENCES) + " "


@site_perturbation(
    END, source="Ribeiro et al. 2020 (CheckList), section 2 (random URLs and handles)", scale=ALL
)
def append_url(end: Match[str], rng: Random) -> str:
    """Add a web address at the end."""
    del end
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return " https://t.co/" + "".join(rng.choices(letters, k=8))


@site_perturbation(
    END, source="Ribeiro et al. 2020 (CheckList), section 2 (random URLs and handles)", scale=ALL
)
def append_handle(end: Match[str], rng: Random) -> str:
    """Add somebody's handle at the end."""
    del end
    return " @" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=7))
