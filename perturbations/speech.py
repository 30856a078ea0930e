"""Speech: what a recogniser mishears, and what a speaker says besides."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_ood.perturbations._words import WORD_START, Lexicon
from pytest_ood.perturbations.protocol import site_perturbation

if TYPE_CHECKING:
    from random import Random
    from re import Match

_SOUND_ALIKE = (
    "their there they're", "your you're", "its it's", "to too two", "four for", "here hear",
    "know no", "new knew", "right write", "one won", "see sea", "buy by bye", "whole hole",
    "week weak", "wear where", "which witch", "would wood", "be bee", "son sun", "our hour",
    "great grate", "made maid", "meet meat", "piece peace", "plain plane", "rain reign rein",
    "road rode", "role roll", "sail sale", "scene seen", "sight site cite", "some sum",
    "steal steel", "tale tail", "through threw", "wait weight", "way weigh", "weather whether",
    "whose who's", "flower flour", "break brake", "cast caste", "cell sell", "dear deer",
    "die dye", "fair fare", "feat feet", "find fined", "heard herd", "him hymn", "hi high",
    "male mail", "morning mourning", "night knight", "pair pear", "past passed",
    "pour poor", "real reel", "sole soul", "stair stare", "sweet suite",
    "than then", "waist waste", "war wore", "board bored", "course coarse", "main mane",
    "lead led", "least leased", "lesson lessen", "loan lone", "oh owe", "principal principle",
)  # fmt: skip
_FILLERS = ("um", "uh", "like", "you know", "er", "well", "I mean", "so")
_REPEATED = re.compile(r"(?<!\S)(?:[iI]|[a-z]{2,4})(?= [a-zA-Z])")


def _homophones() -> dict[str, list[str]]:
    groups = [group.split() for group in _SOUND_ALIKE]
    return {word: [other for other in group if other != word] for group in groups for word in group}


_HOMOPHONES = Lexicon(_homophones())


@site_perturbation(
    _HOMOPHONES,
    source="LangTest 2.0 (John Snow Labs), robustness: speech to text typos",
    example="Their new role was great to see, which one would know by the whole scene here.",
)
def homophones(word: Match[str], rng: Random) -> str:
    """Write a word that sounds the same."""
    return rng.choice(_HOMOPHONES.options(word.group()))


@site_perturbation(
    WORD_START,
    source="Liang et al. 2022 (HELM), appendix D.1 (filler words)",
    scale=(0.04, 0.08, 0.15, 0.25, 0.4),
)
def fillers(place: Match[str], rng: Random) -> str:
    """Put a filler word before a word."""
    del place
    return rng.choice(_FILLERS) + " "


@site_perturbation(
    _REPEATED,
    source="Dhole et al. 2021 (NL-Augmenter), speech disfluency",
    scale=(0.1, 0.2, 0.35, 0.5, 0.8),
)
def disfluency(word: Match[str], rng: Random) -> str:
    """Begin a short word twice, as a speaker who is looking for the next."""
    del rng
    return f"{word.group()}, {word.group().lower() if word.group() != 'I' else 'I'}"
