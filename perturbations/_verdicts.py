"""Finds verdicts: the words by which a clause says that something is good or bad.

"Very good" in "the film is very good", "a dull mess" in "it has been a dull mess", "disappointed"
in "you will be disappointed".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_ood.perturbations._clauses import MARKS, is_joined_to_unknown, word_at
from pytest_ood.perturbations._reservations import (
    has_complement,
    is_asserted,
    is_of_the_speaker,
)
from pytest_ood.perturbations._sentiment import (
    BLAME,
    BLAME_NOUNS,
    PARTICIPLES,
    PRAISE,
    PRAISE_NOUNS,
    evaluates,
    listed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_ood.perturbations._clauses import Token

PEOPLE = frozenset(("i", "you", "we", "they"))
BE = listed("is are was were am 's 're 'm")
_SHORT_BE = {"'s": ("it", "that", "this", "he", "she"), "'re": ("you", "we", "they"), "'m": ("i",)}
HAVE = frozenset(("has", "have", "had"))
WILL = frozenset(("will", "wo"))
DO = frozenset(("do", "does", "did"))
CAN = frozenset(("can", "ca"))
"""Auxiliaries, with "ca" and "wo", which "n't" follows."""

AUXILIARIES = BE | HAVE | WILL | DO | CAN
DENIALS = frozenset(("not", "n't", "never", "hardly"))
ALONE = frozenset(("just", "also", "simply", "fully", "merely", "solely"))
"""Words with which "not" denies that this is all: "not just good"."""

WEAK_DENIALS = frozenset(("barely", "scarcely", "rarely", "seldom"))
BETWEEN = listed("simply just really certainly definitely also truly clearly frankly sadly")
"""Adverbs that may stand between an auxiliary and its negation."""

DEGREES = listed("very really truly particularly especially")
_ARTICLES = frozenset(("a", "an"))
_JOINTS = frozenset(("and", "or", ","))
_NO_SUBJECT = MARKS | listed("and or nor to there here i'd what which who")

DETERMINERS = listed("the this that my our his her its your")
_PREPOSITIONS = listed("about at by during for from in of on through to throughout with")
_AFTER_A_VERB = listed("the a an me us him her them his my to into away on it itself")
_NOT_PERSONAL = DEGREES | _JOINTS
_LONGEST_NOUN = 3
_TIMES = listed("times first last places spots stretches intervals points occasion occasions turns")
_TAIL = 20
"""Words after a verdict that are looked at."""

_NOUNS = PRAISE_NOUNS | BLAME_NOUNS
_PRAISING = PRAISE | PRAISE_NOUNS
_BLAMING = BLAME | BLAME_NOUNS
_DENIED_TO_BLAME = listed(
    """
amused authentic deep engaged entertained important interested perfect rich scary sharp
sophisticated subtle surprising
"""
)
"""Words of praise for what is missing."""

_ALSO_PRAISE = _DENIED_TO_BLAME | listed(
    "believable effective realistic recommended solid strong worth worthy"
)
"""Adjectives that praise what they are said of, but not in front of any noun."""

_MANNERS = frozenset(("well", "badly", "poorly"))
_ALL_PRAISE = PRAISE | PRAISE_NOUNS | _ALSO_PRAISE | {"well"}

_UNDENIABLE = _DENIED_TO_BLAME | listed(
    """
breathtaking crisp exceptional extraordinary genuine honest incredible legendary mind-blowing
outstanding phenomenal polite proud sensational spectacular spellbinding stunning sublime
superior sterling stellar superb terrific magnificent exquisite
"""
)
"""Praise so high that to deny it is no blame."""

_EXTREME = listed(
    """
abhorrent abominable abysmal appalling atrocious awful deplorable despicable disastrous
disgraceful disgusting dreadful excruciating ghastly god-awful hideous horrendous horrible
horrid infuriating insufferable laughable loathsome miserable mediocre nauseating pathetic
preposterous repugnant repulsive revolting ridiculous sickening terrible unbearable unendurable
unwatchable wretched
"""
)
"""Blame so hard that to deny it takes more than a "not"."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Words that say that something is good or bad.

    Attributes:
        first: The index of the first of them, with a degree or an article.
        last: The index of the last.
        good: Whether they praise.
        evaluating: The indices of the evaluating words.
        is_noun: Whether they end in a noun, or precede one: "a dull film".
        joint: The index of an "and" or "or" before the last of several adjectives, or None.
        can_be_denied: Whether "not" before them says the contrary.
    """

    first: int
    last: int
    good: bool
    evaluating: frozenset[int]
    is_noun: bool
    joint: int | None
    can_be_denied: bool


def stated(words: Sequence[Token], index: int, after: int) -> Verdict | None:
    """Return the verdict after an auxiliary: "is", "has been", "will be".

    Args:
        words: The tokens of the text.
        index: The index of the auxiliary.
        after: The index after the auxiliary, and after its negation if there is one.
    """
    auxiliary = words[index].word
    if not has_subject(words, index):
        return None
    verdict = None
    if (auxiliary in HAVE and word_at(words, after) == "been") or (
        auxiliary in WILL and word_at(words, after) == "be"
    ):
        verdict = verdict_at(words, after + 1)
    elif auxiliary in BE:
        verdict = verdict_at(words, after)
    if verdict is None or verdict.is_noun:
        return verdict
    named = {words[n].word for n in range(verdict.first, verdict.last + 1)}
    subject = index - 1 - (word_at(words, index - 1) in BETWEEN)
    return None if is_of_the_speaker(words, subject, named - _NOT_PERSONAL) else verdict


def verdict_at(words: Sequence[Token], first: int) -> Verdict | None:
    """Return the verdict at an index: "very good", "dull and boring", "a truly awful film"."""
    index = first
    with_degree = word_at(words, index) in DEGREES
    index += with_degree
    is_noun = word_at(words, index) in _ARTICLES
    if is_noun:
        index += 1
        index += word_at(words, index) in DEGREES
        for _ in range(2):
            index += is_neutral(words, index)
    elements: list[int] = []
    joint, last = None, -1
    while size := _size_of_element(words, index, is_noun=is_noun):
        elements += range(index, index + size)
        last = index + size - 1
        index = last + 1
        while word_at(words, index) in _JOINTS:
            index += 1
        between = word_at(words, index - 1)
        joint = index - 1 if between in ("and", "or") else joint
        index += word_at(words, index) in DEGREES
    if not _is_whole(words, first, last, is_noun=is_noun):
        return None
    named = {words[n].word for n in elements}
    signs = {word in _ALL_PRAISE for word in named - PARTICIPLES}
    if len(signs) != 1:
        return None
    good = signs.pop()
    return Verdict(
        first=first,
        last=last,
        good=good,
        evaluating=frozenset((*elements, *_evaluating_in_parts(words, last, good=good))),
        is_noun=is_noun,
        joint=None if is_noun or joint is None or joint > last else joint,
        can_be_denied=not named & _UNDENIABLE and (good or not with_degree),
    )


def _evaluating_in_parts(words: Sequence[Token], last: int, *, good: bool) -> list[int]:
    """Return the words of the same sign in what belongs to a noun: "with a delightful ending"."""
    evaluating = _PRAISING if good else _BLAMING
    indices = []
    is_part = False
    for index in range(last + 1, min(len(words), last + _TAIL)):
        word = words[index].word
        if word in MARKS or word in AUXILIARIES or word in PEOPLE:
            break
        is_part = is_part or word in _PREPOSITIONS
        if is_part and word in evaluating:
            indices.append(index)
    return indices


def _is_whole(words: Sequence[Token], first: int, last: int, *, is_noun: bool) -> bool:
    """Return whether a verdict that ends at an index is English as it is, and says no more."""
    if last < 0 or is_joined_to_unknown(words, last) or has_complement(words, last):
        return False
    follows = word_at(words, last + 1)
    if words[last].word.endswith("ing") and follows in _AFTER_A_VERB:
        return False  # "is moving to"
    if (follows in BE or follows in ("of", "that")) and words[last].word not in BLAME_NOUNS:
        return False
    if is_noun:
        return True
    between = {token.word for token in words[first : last + 1]}
    if between & {"and", "or"}:
        return ends_phrase(follows)  # not "good and funny actors"
    return "," not in between  # "not dull, slow" is no English


def _size_of_element(words: Sequence[Token], index: int, *, is_noun: bool) -> int:
    """Return of how many words an evaluating expression at an index consists, or 0."""
    word = word_at(words, index)
    if word in PRAISE or word in BLAME or word in _ALSO_PRAISE or (is_noun and word in _NOUNS):
        return 1
    return 2 if word in _MANNERS and word_at(words, index + 1) in PARTICIPLES else 0


def denials_of(words: Sequence[Token], verdict: Verdict) -> tuple[str, ...]:
    """Return the negations that say the contrary of a verdict."""
    named = {words[index].word for index in verdict.evaluating}
    follows = word_at(words, verdict.last + 1)
    goes_on = not verdict.is_noun and not ends_phrase(follows) and follows not in _JOINTS
    if named & _EXTREME:
        return ("hardly",) if verdict.is_noun else ("not at all",)
    if words[verdict.first].word in DEGREES or goes_on or _is_at_times(words, verdict.last):
        return ("not",)
    return ("not", "hardly") if verdict.is_noun else ("not", "never", "hardly")


def _is_at_times(words: Sequence[Token], last: int) -> bool:
    """Return whether a verdict holds at times, or in places: no "never" goes with that."""
    beyond = range(last + 1, min(len(words) - 1, last + 2 + _LONGEST_NOUN))
    return any(
        words[index].word in _PREPOSITIONS and words[index + 1].word in _TIMES for index in beyond
    )


def is_fragment(words: Sequence[Token], verdict: Verdict) -> bool:
    """Return whether a verdict is all of its sentence, but for its noun and what goes with it."""
    last = verdict.last
    if is_at_all(words, last + 1):
        last += 2
    size = 0
    while size <= _LONGEST_NOUN and not ends_phrase(word_at(words, last + size + 1)):
        size += 1
    named = any(words[index].word in _NOUNS for index in verdict.evaluating)
    whole = named or size if verdict.is_noun else not size and word_at(words, last + 1) != ","
    tail = (words[n].word for n in range(last + 1, min(len(words), last + _TAIL)))
    is_short = size <= _LONGEST_NOUN
    return bool(whole) and is_short and not any(w in AUXILIARIES or w in PEOPLE for w in tail)


def has_subject(words: Sequence[Token], index: int) -> bool:
    """Return whether an auxiliary follows on what may be its subject, or begins the text.

    Not in a clause of which something above it says that it may not be so.
    """
    subject = word_at(words, index - 1)
    if index <= 0:
        return index == 0 and words[0].word not in _SHORT_BE
    if not subject[-1].isalnum() or subject in _NO_SUBJECT:
        return False
    fits = subject in _SHORT_BE.get(words[index].word, (subject,))
    return fits and is_asserted(words, index)


def is_neutral(words: Sequence[Token], index: int) -> bool:
    """Return whether a word may precede an adjective without evaluating: "a visual delight"."""
    word = word_at(words, index)
    unclear = word in _JOINTS or word in _PREPOSITIONS or word.endswith(("ly", "ing"))
    return word.isalpha() and not unclear and not evaluates(word)


def ends_phrase(word: str) -> bool:
    """Return whether a phrase ends before a word, or "" for the end of the text."""
    return not word or word in MARKS or word in _PREPOSITIONS


def is_at_all(words: Sequence[Token], index: int) -> bool:
    """Return whether "at all" begins at an index."""
    return (word_at(words, index), word_at(words, index + 1)) == ("at", "all")
