"""Irrelevant text: something is added that has nothing to do with the rest."""

from __future__ import annotations

import re
from itertools import combinations
from typing import TYPE_CHECKING

from pytest_ood.languages import ENGLISH, having, only
from pytest_ood.perturbations._texts import drawn_text
from pytest_ood.perturbations._words import END
from pytest_ood.perturbations.contracts import Derived, label_unless_answer_added
from pytest_ood.perturbations.names import FIRST_NAMES
from pytest_ood.perturbations.protocol import ALL, site_perturbation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random
    from re import Match

    from pytest_ood.languages import Language

_START = re.compile(r"\A(?=\S)")
_BOTH_ENDS = re.compile(rf"{_START.pattern}|{END.pattern}")
_SENTENCES = (
    "The meeting is on Tuesday.",
    "There are twelve months in a year.",
    "The train leaves from platform four.",
    "Water boils at one hundred degrees.",
    "The office is on the second floor.",
    "This was written in the afternoon.",
)


_PASSAGES = (
    "Bread dough rises because yeast turns sugar into gas. Bakers leave it in a warm place until "
    "it has doubled in size, press the air out, and let it rise once more before it is baked.",
    "A bicycle chain carries the force of the pedals to the rear wheel. A smaller sprocket at the "
    "back makes the wheel turn faster, and the rider has to push harder.",
    "Tomatoes need much light and little wind. Gardeners pinch out the side shoots so that the "
    "plant puts its strength into the fruit, and water the roots rather than the leaves.",
    "Most libraries put their shelves in order by subject. A number on the back of each book says "
    "where it belongs, and a catalogue says which numbers a subject has.",
    "Tides follow the moon. Where the coast narrows to a funnel the water climbs highest, and "
    "harbours there have locks that keep ships afloat while the sea is out.",
    "Woollen cloth shrinks in hot water because its fibres have scales that hook into each other. "
    "Felt is made in this way on purpose, with soap and pressure.",
)

_QUESTION = re.compile(
    # What follows on a title, "vs." or "8 a.m." in small letters goes on with the sentence.
    r"(?:\A|(?<=[.!?]\s)|(?<=[.!?]\s\s))(?<!\b(?:Mr|Ms|Dr|St|vs)\.\s)(?<!\bMrs\.\s)"
    r"(?!(?<=\b[ap]\.m\.\s)[a-z])"
    r"(?=\w(?:[^.!?]|[.!?](?=\S)|(?<=\b(?:Mr|Ms|Dr|St|vs))\.(?=\s)|(?<=\bMrs)\.(?=\s)"
    r"|(?<=\b[ap]\.m)\.(?=\s[a-z]))*\?\s*\Z)"
)
_FACTS = (
    "{name} is {number} years old.",
    "{name} has read {number} books this year.",
    "{name} lives {number} miles away.",
    "{name} once took part in a race with {number} other people.",
    "There are {number} pictures on the wall of {name}'s room.",
    "{name} has been to the dentist {number} times.",
    "The bus that {name} takes has {number} seats.",
    "{name}'s house was built {number} years ago.",
)
_HIGHEST = 60

_BESIDE = ("answers", "numbers")
"""Kinds of spans beside which text may be added: nothing in them is changed."""

_ADDED = Derived(label_unless_answer_added, name="preserving")
"""A text that holds a right answer is drawn anew: what is added must not give it away."""


@site_perturbation(
    END,
    source="Wang et al. 2021 (TextFlint), AppendIrr; PromptBench, StressTest",
    scale=ALL,
    rewrites=_BESIDE,
    languages=having("sentences"),
)
def append_sentence(end: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Add a neutral sentence at the end."""
    del end
    return language.script.sentence_gap + rng.choice(_sentences(language))


@site_perturbation(
    _START,
    source="Wang et al. 2021 (TextFlint), AppendIrr",
    scale=ALL,
    rewrites=_BESIDE,
    languages=having("sentences"),
)
def prepend_sentence(start: Match[str], rng: Random, *, language: Language = ENGLISH) -> str:
    """Put a neutral sentence before the beginning."""
    del start
    return rng.choice(_sentences(language)) + language.script.sentence_gap


def _sentences(language: Language) -> Sequence[str]:
    return _SENTENCES if language.code == ENGLISH.code else language.sentences


def _passages(language: Language) -> Sequence[str]:
    """Return built-in passages in a language: of others than English a few neutral sentences."""
    if language.code == ENGLISH.code:
        return _PASSAGES
    gap = language.script.sentence_gap
    return [gap.join(three) for three in combinations(language.sentences, 3)]


@site_perturbation(
    _BOTH_ENDS,
    source="Jia and Liang 2017 (Adversarial Examples for Evaluating Reading Comprehension), "
    "section 3; Shi et al. 2023 (Large Language Models Can Be Easily Distracted)",
    kind="semantic",
    contract=_ADDED,
    scale=(0.2, 0.2, 0.5, 0.8, 1.0),
    rewrites=_BESIDE,
    languages=having("sentences"),
)
def distract(
    end: Match[str],
    rng: Random,
    *,
    texts: str = "",
    column: str = "context",
    language: Language = ENGLISH,
) -> str | None:
    """Put a passage about something else before or after a text; at severity 5 on both sides."""
    usual = () if texts else _passages(language)
    passage = drawn_text(rng, texts, column, usual, lambda one: one not in end.string)
    if passage is None:
        return None
    return f"{passage}\n" if end.end() < len(end.string.rstrip()) else f"\n{passage}"


@site_perturbation(
    _QUESTION,
    source="Shi et al. 2023 (Large Language Models Can Be Easily Distracted), section 3.1 (GSM-IC)",
    contract=_ADDED,
    scale=ALL,
    example="Paul has 4 pens and buys 12.5 more. How many pens does Paul have?",
    rewrites=_BESIDE,
    languages=only("en"),
)
def irrelevant_context(question: Match[str], rng: Random) -> str:
    """Put a fact with a number, about somebody else, before the question at the end."""
    there = question.string
    names = [name for group in FIRST_NAMES for name in group if name not in there]
    numbers = [n for n in range(2, _HIGHEST) if not re.search(rf"(?<!\d){n}(?!\d)", there)]
    # Of a text that has them all, any will do.
    name, number = rng.choice(names or ["Somebody"]), rng.choice(numbers or [_HIGHEST])
    return rng.choice(_FACTS).format(name=name, number=number) + " "


@site_perturbation(
    END,
    source="Ribeiro et al. 2020 (CheckList), section 2 (random URLs and handles)",
    scale=ALL,
    rewrites=_BESIDE,
)
def append_url(end: Match[str], rng: Random) -> str:
    """Add a web address at the end."""
    del end
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
    return " https://t.co/" + "".join(rng.choices(letters, k=8))


@site_perturbation(
    END,
    source="Ribeiro et al. 2020 (CheckList), section 2 (random URLs and handles)",
    scale=ALL,
    rewrites=_BESIDE,
)
def append_handle(end: Match[str], rng: Random) -> str:
    """Add somebody's handle at the end."""
    del end
    return " @" + "".join(rng.choices("abcdefghijklmnopqrstuvwxyz0123456789", k=7))
